#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest that draws with GL (kmscube by Mesa's virtio_gpu driver): without a window, and
# with one on a virtual X server.  kmscube clears to a grey of 0.5 and turns a cube of many
# colors in the middle: what is checked is that grey, that there are colors, that they
# change, and that the window shows what the console does, pixel by pixel.
#
# In the middle of its drawing it is saved.  The one that goes on and the one that is
# restored draw the same pictures: kmscube's Nth depends on N alone.
#
# limit: 600 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh
# shellcheck source=tests/lib/gl-guest.sh
. tests/lib/gl-guest.sh

need_gl_guest gl
gpu='virtio-gpu-gl-pci,xres=640,yres=480'
bytes=$((640 * 480 * 3 + 15))

maps()
{
    grep -oE "[^/]*($1)[^/]*\.so" "/proc/$vm_pid/maps" | sort -u | tr '\n' ' '
}

is_cube()
{
    share=$(dump_share "$1" 808080)
    colors=$(dump_colors "$1")
    [ "$share" -ge 50 ] && [ "$share" -le 95 ] && [ "$colors" -gt 300 ]
}

differ()
{
    ! cmp -s "$vm_dir/$1.ppm" "$vm_dir/$2.ppm"
}

same_as()
{
    dump again $bytes && cmp "$vm_dir/again.ppm" "$kept/$1.ppm"
}

# The window shows, pixel by pixel, what console picture $1 (without .ppm) does.
shows()
{
    for line in 5 150 240 330 470; do
        x_line $line 640 > "$vm_dir/shown"
        dump_line "$1" $line | cmp -s - "$vm_dir/shown" || return 1
    done
}

shows_not()
{
    ! shows "$1"
}

is_told_once()
{
    [ "$(grep -c 'process was ended by signal 9' "$vm_errors")" = 1 ]
}

is_drawn()
{
    sleep 0.5
    dump one $bytes && is_cube one
}

cube_is_there()
{
    within 180 is_drawn || {
        vm_tail | sed 's/^/# /'
        return 1
    }
    echo "# $share % grey, $colors colors"
}

unset DISPLAY WAYLAND_DISPLAY

alone=$(mktemp -d)
cp "$MAYFLY" "$alone/mayfly"
check "a module that is not installed: one line" \
    fails_saying 'gpu-virgl.so is not installed.*libvirglrenderer1' \
    env MAYFLY_MODULES= "$alone/mayfly" -display none -device virtio-gpu-gl-pci
rm -r "$alone"
check "no EGL: one line" fails_saying 'no GL: EGL knows no driver' \
    env __EGL_VENDOR_LIBRARY_FILENAMES=/dev/null "$MAYFLY" -display none \
    -device virtio-gpu-gl-pci
check "a render node that is none: one line" fails_saying 'no GL: that render node' \
    "$MAYFLY" -display egl-headless,rendernode=/dev/null -device virtio-gpu-gl-pci
check "gl=on without an X server: one line" fails_saying 'no GL: the X server' \
    "$MAYFLY" -display sdl,gl=on -vga none -device virtio-gpu-gl-pci
check "an impossible resolution: one line" fails_saying 'is not a number from 64 to 8192' \
    "$MAYFLY" -display none -device virtio-gpu-gl-pci,xres=99999

kept=$(mktemp -d)
gl_boot "$(gl_cubes 15000)" -display egl-headless -device "$gpu"
check "headless: the guest's kernel finds 3D, and Mesa draws with it" \
    guest_says '^gl: begins'
check "headless: the renderer is announced in one line" \
    grep -Eq '^mayfly: 3D is drawn by ' "$vm_errors"
check "headless: the picture is kmscube's" cube_is_there
check "headless: as large as the display" [ "$(dump_size one)" = "640 480" ]
vm_send stop
dump stopped $bytes
vm_send "savevm $kept/saved"
vm_send "info status"
vm_expect 'VM status: paused'
check "a machine that draws in 3D is saved" test -s "$kept/saved/state"
vm_send cont
sleep 1
dump two $bytes
check "headless: it moves" differ stopped two
check "headless: virglrenderer is there, SDL is not" \
    test -n "$(maps virgl)" -a -z "$(maps 'SDL')"
check "headless: it draws all its pictures" still last $bytes is_cube
check "headless: the last one is kmscube's" is_cube last
vm_send quit
vm_wait 20
check "headless: ends with status 0" [ "$vm_status" = 0 ]

mv "$vm_dir/stopped.ppm" "$vm_dir/last.ppm" "$kept"
vm_start -loadvm "$kept/saved" -monitor stdio -S
check "restored: the picture is the one that was saved" same_as stopped
vm_send cont
check "restored: it draws all its pictures" still restored $bytes is_cube
check "restored: the last one is the same" cmp "$kept/last.ppm" "$vm_dir/restored.ppm"
rm -r "$kept"
vm_send quit
vm_wait 20
check "restored: ends with status 0" [ "$vm_status" = 0 ]

kept=$(mktemp -d)
gl_boot "$(gl_cubes 15000)" -display egl-headless -device "$gpu,isolated=on"
check "isolated: Mesa draws with it" guest_says '^gl: begins'
check "isolated: the picture is kmscube's" cube_is_there
check "isolated: there is no GL in the machine's process" test -z "$(maps 'virgl|EGL|SDL')"
vm_send stop
dump stopped $bytes
vm_send "savevm $kept/saved"
vm_send cont
check "isolated: it draws all its pictures" still last $bytes is_cube
mv "$vm_dir/stopped.ppm" "$vm_dir/last.ppm" "$kept"
kill -9 "$(pgrep -P "$vm_pid" mayfly-gpu)"
vm_send "info status"
check "isolated: without it the machine lives on" vm_expect 'VM status: running'
check "isolated: its end is told in one line" within 20 is_told_once
vm_send quit
vm_wait 20
check "isolated: ends with status 0" [ "$vm_status" = 0 ]
vm_start -loadvm "$kept/saved" -monitor stdio -S
check "isolated, restored: the picture is the one that was saved" same_as stopped
vm_send cont
check "isolated, restored: it draws all its pictures" still restored $bytes is_cube
check "isolated, restored: the last one is the same" \
    cmp "$kept/last.ppm" "$vm_dir/restored.ppm"
rm -r "$kept"
vm_send quit
vm_wait 20

x_start
gl_boot "kmscube > /dev/null" -display sdl,gl=on -name cube -device "$gpu"
check "window: there is one" x_window '^QEMU .cube.$'
check "window: as large as the guest's display" x_sized 640x480
check "window: the picture is kmscube's" cube_is_there
vm_send stop
sleep 1
dump stopped $bytes
check "window: shows what the console shows" shows stopped
kept=$(mktemp -d)
vm_send "savevm $kept/saved"
vm_send cont
check "window: goes on drawing after stop and cont" within 60 shows_not stopped
mv "$vm_dir/stopped.ppm" "$kept"
vm_send quit
vm_wait 20
check "window: ends with status 0" [ "$vm_status" = 0 ]

vm_start -loadvm "$kept/saved" -monitor stdio -S
cp "$kept/stopped.ppm" "$vm_dir"
check "restored window: there is one" x_window '^QEMU .cube.$'
check "restored window: shows what was saved" within 60 shows stopped
vm_send cont
check "restored window: is drawn on" within 60 shows_not stopped
rm -r "$kept"
vm_send quit
vm_wait 20
check "restored window: ends with status 0" [ "$vm_status" = 0 ]
finish
