rig_script += tests/rig/boot.sh
