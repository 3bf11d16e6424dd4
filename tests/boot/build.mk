check_script += tests/boot/bad-input.sh
check_script += tests/boot/cloud.sh
check_script += tests/boot/disk.sh
check_script += tests/boot/end.sh
check_script += tests/boot/firmware.sh
check_script += tests/boot/latest.sh
check_script += tests/boot/smp.sh
