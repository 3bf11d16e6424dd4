#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian with systemd, -cpu portable, at work: it is saved under the software CPU, goes on
# under real KVM, is saved there, and goes on under the software CPU to the right results.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh
# shellcheck source=tests/lib/work.sh
. tests/lib/work.sh

need_debian
emulator=$MAYFLY
MAYFLY=$rig_program
vm_limit=600
dir=$(mktemp -d)
mkdir "$dir/out"
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
steps=400

# -xsave: see tests/rig/boot-inside.sh.
work_machine "$dir/data" -accel soft -cpu portable,-xsave -m 384M -smp 2 -snapshot-when "work one at 50,to=$dir/soft,exit=on"
check "software CPU: the guest is up" work_log_in
work_send $steps one two
check "software CPU: saved at work" ends_with 0

MAYFLY=$emulator
rig_share=$dir/out
rig_program="$rig_program' MAYFLY_SOFT='$dir/soft"
rig tests/rig/portable-inside.sh
MAYFLY=${rig_program%%\'*}

if [ -d "$dir/out/kvm" ]; then
    vm_patience=$vm_limit
    vm_start -loadvm "$dir/out/kvm" -accel soft
    check "software CPU again: the results are right, and the disk" work_is_right $steps one two
    # That the TSC is another one is seen: the rig's KVM can't scale it, and kvmclock tells.
    check "software CPU again: the kernel log is clean" never_says "$trouble|I/O error"
    vm_send 'poweroff'
    check "software CPU again: power-off ends with status 0" ends_with 0
else
    skip "software CPU again" "nothing was saved under KVM"
fi
finish
