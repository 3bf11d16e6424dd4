#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Vulkan for guests (venus=on): a guest's program (gl-venus.c) shares memory with the
# host's Vulkan, and is not broken by what happens to other things.  The host's
# processes for it end with the guest's program, with the machine, and when they hang.
#
# Debian 12's virglrenderer has a protocol that no driver of Debian's speaks: there it
# begins, and says so.
#
# limit: 300 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh
# shellcheck source=tests/lib/gl-guest.sh
. tests/lib/gl-guest.sh

need_gl_guest gl
for program in /usr/libexec/virgl_render_server /usr/local/libexec/virgl_render_server; do
    [ ! -x $program ] || server=$program
done
[ -n "${server:-}" ] || skip_all "no virgl_render_server (package virgl-server)"

for wrong in isolated=on blob=off hostmem=0; do
    check "venus=on,$wrong: one line" fails_saying 'needs isolated=off' \
        "$MAYFLY" -display none -device "virtio-gpu-gl-pci,venus=on,$wrong"
done
check "no Vulkan driver: one line" fails_saying 'package mesa-vulkan-drivers' \
    env VK_ICD_FILENAMES=/dev/null VK_DRIVER_FILES=/dev/null "$MAYFLY" -display none \
    -device virtio-gpu-gl-pci,venus=on

# The machine's own one, and with it those of contexts, which are of its session.
first_server()
{
    pgrep -P "$vm_pid" -f "$server"
}

servers()
{
    pgrep -s "$(first_server)" -f "$server"
}

are_servers()
{
    [ "$(servers | wc -l)" = "$1" ]
}

vm_start -accel soft -display none -vga none -nodefaults -monitor stdio \
    -device virtio-gpu-gl-pci,venus=on
check "it begins, and is announced" within 20 grep -q '^mayfly: Vulkan is done by ' "$vm_errors"
check "a process does it" are_servers 1
if grep -q 'Vulkan has protocol 0' "$vm_errors"; then
    vm_send quit
    vm_wait 20
    skip "programs in a guest" "this host's virglrenderer has protocol 0 (Debian 13's has 1)"
    finish
    exit
fi
vm_send quit
vm_wait 20

need_gl_guest vulkan
kept=$(mktemp -d)
${CC:-cc} -O1 -o "$kept/program" tests/ui/gl-venus.c -lvulkan 2> "$kept/errors" || {
    rm -r "$kept"
    skip_all "no Vulkan to build with (package libvulkan-dev)"
}
truncate -s %4096 "$kept/program"
run=$(printf '%s' 'cat /dev/vdb > /tmp/p; chmod +x /tmp/p; while true; do ' \
    'for n in 1 2 3 4 5 6 7 8; do sleep 0.5; echo; done | /tmp/p > /dev/ttyS0 2>&1; ' \
    'echo venus: ended > /dev/ttyS0; sleep 3; done')

goes_on()
{
    mark
    arrives '^venus: round [0-9]+ good' && arrives '^venus: round [0-9]+ good'
}

gl_boot "$run" -display none -device virtio-gpu-gl-pci,venus=on,watchdog=2 \
    -drive "file=$kept/program,format=raw,if=none,id=program,readonly=on" \
    -device virtio-blk-pci,drive=program
check "the guest finds Vulkan" guest_says '^venus: Virtio-GPU Venus'
check "CPU and device see the same bytes" guest_says '^venus: round 1 good'
check "a context is a process of its own" are_servers 2
vm_send "savevm $kept/saved"
check "it is not saved while that runs, and why" vm_expect 'uses Vulkan \(venus=on\)'
check "it goes on after that" goes_on
mark
check "the program ends" arrives '^venus: ended'
check "and so does its process" within 20 are_servers 1
vm_send stop
vm_send "savevm $kept/saved"
vm_send "info status"
vm_expect 'VM status: paused'
check "now it is saved" test -s "$kept/saved/state"
vm_send cont
check "the next program works" goes_on

check "again a process of its own" within 20 are_servers 2
kill -9 "$(servers | tail -n 1)"
mark
check "its process is killed: the program fails" arrives '^venus: ended'
check "the next program works again" goes_on

mark
arrives '^venus: ended'
kill -STOP "$(first_server)"
sleep 5
vm_send stop
vm_send "info status"
check "a process that hangs does not hold up the machine" vm_expect 'VM status: paused'
vm_send cont
vm_send quit
vm_wait 20
check "ends with status 0" [ "$vm_status" = 0 ]

vm_start -loadvm "$kept/saved" -monitor stdio -serial "file:$vm_dir/serial"
check "restored: Vulkan works" guest_says '^venus: round 1 good'
vm_send system_reset
check "after a reset: again" goes_on
check "and again" within 20 are_servers 2
pids=$(servers | tr '\n' ' ')
kill -9 "$vm_pid"
all_gone()
{
    # shellcheck disable=SC2086  # a list
    ! kill -0 $pids 2> /dev/null
}
check "the machine is killed: its processes are gone, too" within 20 all_gone
rm -r "$kept"
finish
