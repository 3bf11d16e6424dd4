#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The SDL window on a virtual X server, and what is in memory with and without it.  The
# guest is SeaBIOS, with nothing to boot.
#
# limit: 300 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh
# shellcheck source=tests/lib/window.sh
. tests/lib/window.sh

[ -f /usr/share/seabios/vgabios-stdvga.bin ] || skip_all "no SeaBIOS (package seabios)"

says()
{
    vm_expect "$1" || { vm_tail | sed 's/^/# /' && return 1; }
}

# maps ERE: files that are mapped now and match.
maps()
{
    grep -oE "[^/]*($1)[^/]*\.so" "/proc/$vm_pid/maps" | sort -u | tr '\n' ' '
}

maps_none()
{
    found=$(maps "$1")
    [ -z "$found" ] || { echo "# has mapped: $found" && return 1; }
}

start()
{
    vm_start -accel soft -m 64 -nodefaults -vga std -monitor stdio "$@"
    vm_expect 'monitor - type'
}

activated()
{
    xdotool windowactivate "$window" 2> /dev/null
    [ "$(xdotool getactivewindow 2> /dev/null)" = "$window" ]
}

survives_closing()
{
    activated && xdotool key alt+F4
    sleep 2
    vm_send "info status"
    says 'VM status: running' && x_has_window whole
}

unset DISPLAY WAYLAND_DISPLAY
start -display none
check "headless: no SDL, X or GL library" maps_none 'SDL|libX|libGL|EGL|virgl|epoxy|dri'
vm_send "screendump $vm_dir/out.png -f png"
vm_send "info display"
check "headless: the console is there" says '^VGA: [0-9]+x[0-9]+, viewers: 0'
check "headless: a screendump" test -s "$vm_dir/out.png"
vm_send "sendkey ctrl-alt-delet"
check "sendkey: the nearest name" says "invalid parameter: delet; did you mean 'delete'"
vm_send quit
vm_wait 10

vm_start -accel soft -m 64 -nodefaults -vga std -display sdl
vm_wait 20
check "no display server: status 1" [ "$vm_status" = 1 ]
check "no display server: one line" [ "$(grep -c . "$vm_errors")" = 1 ]
check "no display server: says what works" grep -q 'display none works' "$vm_errors"

if ! command -v Xvfb > /dev/null || ! command -v xdotool > /dev/null; then
    skip "the window" "no Xvfb or no xdotool (packages xvfb, xdotool)"
    finish
    exit
fi
x_start

start -display sdl -name "guest one"
check "window: its title is the guest's name" x_window '^QEMU .guest one.$'
check "window: as large as the text screen" x_sized '720x400'
check "window: no GL in memory" maps_none 'libGL|libEGL|virgl|epoxy'
check "window: SDL is there" test -n "$(maps SDL)"
vm_send "info display"
check "window: looks at the console" says 'viewers: 1'
xdotool windowfocus "$window" key --window "$window" ctrl+alt+g
check "Ctrl-Alt-G: the title says how to get out" x_window 'Press Ctrl-Alt-G'
xdotool key ctrl+alt+g
sleep 1
check "Ctrl-Alt-G again: the title is as before" x_window '^QEMU .guest one.$'
xdotool key ctrl+alt+equal
check "Ctrl-Alt-+: larger" x_sized '900x500'
xdotool key ctrl+alt+0
check "Ctrl-Alt-0: as before" x_sized '720x400'
before=$(awk '{ print $14 + $15 }' "/proc/$vm_pid/task/$vm_pid/stat")
sleep 3
after=$(awk '{ print $14 + $15 }' "/proc/$vm_pid/task/$vm_pid/stat")
check "idle: the main thread uses at most 2 % of a CPU" [ $((after - before)) -le 6 ]
vm_send quit
vm_wait 10

# guest_width HEX: what virtio-gpu would tell a driver that asked how wide the window is.
guest_width()
{
    vm_send "info qtree"
    says "^  width +0*$1 "
}

start -vga virtio -display sdl
check "virtio-vga: the window has the text screen" x_sized '720x400'
xdotool windowfocus "$window" key --window "$window" ctrl+alt+equal
check "virtio-vga: zooming makes it larger" x_sized '900x500'
check "virtio-vga: the guest is not told of that" guest_width 500
xdotool windowsize "$window" 1000 700
check "virtio-vga: the guest is told of another size, without the zoom" guest_width 320
vm_send quit
vm_wait 10

start -vga virtio -display sdl,zoom-to-fit=on
check "zoom-to-fit: the window has the text screen" x_sized '720x400'
xdotool windowsize "$window" 1000 700
check "zoom-to-fit: the window is larger" x_sized '1000x700'
check "zoom-to-fit: the guest is not told" guest_width 500
vm_send quit
vm_wait 10
if ! command -v openbox > /dev/null; then
    skip "closing the window, -full-screen" "no window manager (package openbox)"
    finish
    exit
fi

start -display sdl -name last
check "a window for the window manager" x_window '^QEMU .last.$'
# It closes a window with Alt-F4.
openbox > /dev/null 2>&1 &
manager=$!
trap 'vm_stop; kill $manager $x_server; rm -rf "$vm_dir" "$x_dir"' EXIT
check "the window manager has the window" within 20 activated
xdotool key alt+F4
vm_wait 20
check "closing the window ends the machine with status 0" [ "$vm_status" = 0 ]

start -display sdl,window-close=off -name whole -full-screen
check "-full-screen: there is a window" x_window '^QEMU .whole'
check "-full-screen: as large as the screen" x_sized '1024x768'
check "-full-screen: it has the grab" x_window 'Press Ctrl-Alt-G'
check "the window manager gives it the focus" within 20 activated
xdotool key ctrl+alt+f
check "Ctrl-Alt-F: as large as the text screen" x_sized '720x400'
check "window-close=off: closing it does nothing" survives_closing
vm_send quit
vm_wait 10
check "ends with status 0" [ "$vm_status" = 0 ]
finish
