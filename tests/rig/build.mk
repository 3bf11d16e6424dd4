rig_script += tests/rig/boot.sh
rig_script += tests/rig/debian.sh
rig_script += tests/rig/exits.sh
rig_script += tests/rig/flash.sh
rig_script += tests/rig/unit.sh
rig_script += tests/rig/vhost.sh
