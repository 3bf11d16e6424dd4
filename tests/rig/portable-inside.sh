#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/portable.sh that runs in the rig.

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

vm_limit=600
mkdir -p /tmp/out
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /tmp/out
check "the folder for what is saved is there" [ -w /tmp/out ]
vm_start -loadvm "$MAYFLY_SOFT" -accel kvm -snapshot-when "work one at 150,to=/tmp/out/kvm,all=on,exit=on"
check "KVM: goes on from there" says '^work one at 70'
check "KVM: saved at work" ends_with 0
check "KVM: no fault in the kernel log" never_says 'BUG:|Oops|general protection|I/O error'
finish
