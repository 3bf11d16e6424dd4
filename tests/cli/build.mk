check_script += tests/cli/disk-errors.sh
check_script += tests/cli/errors.sh
check_script += tests/cli/help.sh
check_script += tests/cli/lifetime.sh
check_script += tests/cli/net-errors.sh
check_script += tests/cli/net.sh
check_script += tests/cli/share.sh
