#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/boot/flash.sh under real KVM: the code runs in a read-only memory slot, and stores to
# one are commands.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

rig tests/rig/flash-inside.sh
finish
