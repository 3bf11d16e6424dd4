check_script += tests/configure.sh
test += tests/conformance.c
testlib += tests/lib/conform.c
testlib += tests/lib/conform_rows.c
testlib += tests/lib/rig.c
