#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/boot.sh that runs in the rig.

export MAYFLY_ACCEL=kvm
# The emulated CPU lets guests set XCR0 without KVM's knowledge: what KVM then tells of the
# sizes of XSAVE is wrong, under any monitor.
export MAYFLY_CPU=host,-xsave
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

check "the rig has KVM" [ -c /dev/kvm ]
selftest cloud 1
selftest cloud 2
boot cloud 'quiet mayfly=reboot' -no-reboot
check "reboot with -no-reboot: status 0" ends_with 0
boot cloud 'quiet panic=-1 mayfly=panic' -no-reboot
check "panic=-1 with -no-reboot: status 0" ends_with 0
check "panic=-1 with -no-reboot: had panicked" says 'Kernel panic - not syncing: sysrq'
finish
