#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guests that use 3D in earnest: a Wayland desktop (weston with a terminal and a client that
# draws with GL) and glmark2.  Each is saved while it draws, and restored: it shows the
# saved picture at once, and goes on.  Where PICTURE is set, the desktop is kept there, as
# PNG.
#
# limit: 900 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh
# shellcheck source=tests/lib/gl-guest.sh
. tests/lib/gl-guest.sh

need_gl_guest desktop
unset DISPLAY WAYLAND_DISPLAY
kept=$(mktemp -d)
gpu='virtio-gpu-gl-pci,xres=640,yres=480'

# as_many N: the picture has more colors than that, within five minutes.
as_many()
{
    within 300 has_colors "$1" || {
        vm_tail | sed 's/^/# /'
        return 1
    }
}

has_colors()
{
    sleep 1
    dump one && [ "$(dump_colors one)" -gt "$1" ]
}

# Two pictures within two minutes differ.
moves()
{
    dump first && within 120 has_moved
}

has_moved()
{
    sleep 1
    dump second && ! cmp -s "$vm_dir/first.ppm" "$vm_dir/second.ppm"
}

save()
{
    vm_send stop
    dump stopped && mv "$vm_dir/stopped.ppm" "$kept" || return 1
    rm -rf "$kept/saved"
    vm_send "savevm $kept/saved"
    vm_send "info status"
    vm_expect 'VM status: paused'
    [ -s "$kept/saved/state" ]
}

restore()
{
    vm_send quit
    vm_wait 20
    vm_start -loadvm "$kept/saved" -monitor stdio -S -serial "file:$vm_dir/serial"
    dump again && cmp "$vm_dir/again.ppm" "$kept/stopped.ppm"
}

# Line $1 is as it was when it was saved.
line_stays()
{
    dump_line second "$1" > "$vm_dir/now"
    cp "$kept/stopped.ppm" "$vm_dir/before.ppm"
    [ -s "$vm_dir/now" ] && dump_line before "$1" | cmp - "$vm_dir/now"
}

client='export WAYLAND_DISPLAY=wayland-1; until weston-info > /dev/null 2>&1; do sleep 1; done'
gl_boot "mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; mount -t tmpfs none /root; \
    ln -s /bin/busybox /tmp/sh; \
    ($client; weston-terminal --shell=/tmp/sh & weston-simple-egl) > /dev/null 2>&1 & \
    echo gl: begins > /dev/ttyS0; \
    weston -Bdrm-backend.so --tty=1 --continue-without-input > /dev/ttyS0 2>&1" \
    -display egl-headless -device "$gpu"
check "desktop: the guest starts" guest_says '^gl: begins'
check "desktop: is drawn" as_many 500
check "desktop: a client draws" moves
if [ -n "${PICTURE:-}" ]; then
    sleep 10
    vm_send "screendump $PICTURE -f png"
fi
check "desktop: is saved while it draws" save
check "desktop: is restored with its picture" restore
vm_send cont
check "desktop: the client draws on" moves
check "desktop: what does not move is as it was" line_stays 475
vm_send quit
vm_wait 20
check "desktop: ends with status 0" [ "$vm_status" = 0 ]

# glmark2 leaves when its input ends, and wants a format with alpha, which is no screen's.
gl_boot "echo gl: begins > /dev/ttyS0; sleep 99999 | glmark2-es2-drm --run-forever \
    --visual-config a=0 -b build:duration=3 -b texture:duration=3 -b shading:duration=3 \
    -b bump:duration=3 -b effect2d:duration=3 > /dev/ttyS0 2>&1" \
    -display egl-headless -device "$gpu"
check "glmark2: draws" guest_says 'texture.*FPS:' 240
check "glmark2: is saved while it draws" save
check "glmark2: is restored with its picture" restore
vm_send cont
check "glmark2: goes on with the scenes that follow" guest_says 'build.*FPS:' 240
check "glmark2: draws something" as_many 100
vm_send quit
vm_wait 20
check "glmark2: ends with status 0" [ "$vm_status" = 0 ]
rm -rf "$kept"
finish
