#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian of tests/disk/debian.sh, from the same disk image, under real KVM: through
# SeaBIOS and GRUB to the login prompt, its network up, and down again.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

MAYFLY_DEBIAN=$(scripts/disk --path)
[ -f "$MAYFLY_DEBIAN/disk.img" ] || skip_all "no Debian disk (made by: scripts/disk)"
rig_program="$rig_program' MAYFLY_DEBIAN='$MAYFLY_DEBIAN"
rig tests/rig/debian-inside.sh
finish
