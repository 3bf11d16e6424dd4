rig_script += tests/rig/boot.sh
rig_script += tests/rig/unit.sh
