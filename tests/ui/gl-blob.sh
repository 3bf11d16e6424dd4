#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest whose programs see the renderer's memory (host-visible blobs): a program of ours
# keeps buffers mapped while the GPU copies between them, and looks at each byte with the
# CPU.  It is saved in the middle of that, and goes on after the restore.
#
# limit: 300 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh
# shellcheck source=tests/lib/gl-guest.sh
. tests/lib/gl-guest.sh

need_gl_guest gl
kept=$(mktemp -d)
${CC:-cc} -O1 -o "$kept/program" tests/ui/gl-blob.c -lEGL -lGLESv2 2> "$kept/errors" || {
    rm -r "$kept"
    skip_all "no EGL and GLES to build with (packages libegl-dev, libgles-dev)"
}
truncate -s %4096 "$kept/program"
run=$(printf '%s' 'cat /dev/vdb > /tmp/p; chmod +x /tmp/p; while sleep 0.3; do echo; done | ' \
    '/tmp/p > /dev/ttyS0 2>&1; sleep 99999')

blob_boot()
{
    gl_boot "$run" -display egl-headless -device "$1" \
        -drive "file=$kept/program,format=raw,if=none,id=program,readonly=on" \
        -device virtio-blk-pci,drive=program
}

ends()
{
    vm_send quit
    vm_wait 20
    check "$1: ends with status 0" [ "$vm_status" = 0 ]
}

goes_on()
{
    mark
    arrives '^blob: round [0-9]+ good' && arrives '^blob: round [0-9]+ good'
}

blob_boot virtio-gpu-gl-pci
check "the guest's CPU and GPU see the same bytes" guest_says '^blob: round 1 good'
vm_send "info mtree"
check "the map has the renderer's memory" vm_expect 'foreign.*virtio-gpu blob'
vm_send stop
vm_send "savevm $kept/saved"
vm_send "info status"
vm_expect 'VM status: paused'
check "a guest that sees it is saved" test -s "$kept/saved/state"
vm_send cont
check "it goes on" goes_on
ends saved
vm_start -loadvm "$kept/saved" -monitor stdio -serial "file:$vm_dir/serial"
check "restored: each byte is as it was, and it goes on" \
    guest_says '^blob: round [0-9]+ good'
vm_send system_reset
check "after a reset: the same from the beginning" guest_says '^blob: round 1 good'
ends restored

check "in a process of its own there is none: one line" fails_saying 'use isolated=off' \
    "$MAYFLY" -display none -device virtio-gpu-gl-pci,isolated=on,blob=on
check "a window of an impossible size: one line" fails_saying 'hostmem: a power of two' \
    "$MAYFLY" -display none -device virtio-gpu-gl-pci,hostmem=3M
rm -r "$kept"
finish
