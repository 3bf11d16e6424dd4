# SPDX-License-Identifier: GPL-2.0-or-later
check_script += tests/snapshot/clones.sh
check_script += tests/snapshot/kill.sh
snapshot_script += tests/rig/portable.sh
snapshot_script += tests/snapshot/clones.sh
snapshot_script += tests/snapshot/kill.sh
snapshot_script += tests/snapshot/speed.sh
snapshot_script += tests/snapshot/work.sh
