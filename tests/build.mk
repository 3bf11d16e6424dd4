check_script += tests/configure.sh
