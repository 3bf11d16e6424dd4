#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of tests/rig/boot.sh that runs in the rig.

export MAYFLY_ACCEL=kvm
# The emulated CPU lets guests set XCR0 without KVM's knowledge: what KVM then tells of the
# sizes of XSAVE is wrong, and each entry puts back the XCR0 that it knows, under any
# monitor. With tests/accel/kvm/vectors.c, which sets XCR0 from outside, AVX is tested.
export MAYFLY_CPU=host,-xsave
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

# KiB of what only the monitor has in memory, beside the guest's 512 MiB.
private_memory()
{
    awk '/^[0-9a-f]+-[0-9a-f]+ / { writable = $2 ~ /^rw/ }
         /^Size:/ { ram = writable && $2 >= 262144 }
         /^Private_/ && !ram { sum += $2 }
         END { print sum + 0 }' "/proc/$vm_pid/smaps"
}

is_small()
{
    private=$(private_memory)
    echo "# private memory after a boot, beside guest RAM: $private KiB"
    [ "$private" -gt 0 ] && [ "$private" -le 6144 ]
}

check "the rig has KVM" [ -c /dev/kvm ]
selftest cloud 1
selftest cloud 2
boot cloud 'quiet'
check "a shell" says '^mayfly-guest: ready'
check "at most 6 MiB of private memory beside guest RAM" is_small
vm_send 'poweroff -f'
check "typed poweroff: status 0" ends_with 0
boot cloud 'quiet mayfly=reboot' -no-reboot
check "reboot with -no-reboot: status 0" ends_with 0
boot cloud 'quiet panic=-1 mayfly=panic' -no-reboot
check "panic=-1 with -no-reboot: status 0" ends_with 0
check "panic=-1 with -no-reboot: had panicked" says 'Kernel panic - not syncing: sysrq'
finish
