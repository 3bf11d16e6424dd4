# SPDX-License-Identifier: GPL-2.0-or-later
disk_script += tests/disk/debian.sh
disk_script += tests/disk/flash.sh
disk_script += tests/disk/kill-qcow2.sh
disk_script += tests/disk/kill-raw.sh
