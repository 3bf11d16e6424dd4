#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The window under a window manager (openbox, on a virtual X server): full screen, and a
# relative mouse that the window grabs.  What arrives is what evtest says in a Debian guest.
#
# limit: 300 seconds

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=scripts/vm.sh
. scripts/vm.sh
# shellcheck source=tests/lib/gl-guest.sh
. tests/lib/gl-guest.sh

need_gl_guest gl
[ -f "${BUILD:-build}/modules/ui-sdl.so" ] ||
    skip_all "no window in this build (package libsdl2-dev)"
command -v openbox > /dev/null || skip_all "no window manager (package openbox)"

# The window's place, as "0,0".
is_at()
{
    xdotool getwindowgeometry "$window" | grep -q "Position: $1 "
}

is_active()
{
    [ "$(xdotool getactivewindow 2> /dev/null)" = "$window" ]
}

unset WAYLAND_DISPLAY
x_start
openbox > /dev/null 2>&1 &
manager=$!
trap 'vm_stop; kill $manager $x_server; rm -rf "$vm_dir" "$x_dir"' EXIT
gl_boot "$gl_evtest; sleep 3; echo input: ready > /dev/ttyS0; sleep 9999" \
    -display sdl -name managed -device virtio-vga,xres=640,yres=480 \
    -device virtio-keyboard-pci -device virtio-mouse-pci
check "the guest reads its devices" guest_says '^input: ready' 200
check "there is a window" x_window '^QEMU .managed.$'
check "as large as the guest's display" x_sized 640x480
xdotool windowactivate "$window"
check "the window manager gives it the focus" within 60 is_active

mark
xdotool mousemove --window "$window" 300 200 mousemove_relative 40 30
check "without the grab" x_window '^QEMU .managed.$'
xdotool click 1
check "a click grabs: the window says how to let go" x_window 'Press Ctrl-Alt-G'
check "what was before is not the guest's" [ "$(count 'REL_|BTN_')" = 0 ]
for way in '17 5' '-6 -9'; do
    mark
    # shellcheck disable=SC2086  # two words
    xdotool mousemove_relative -- $way
    check "the mouse moves by $way: across" arrives "REL_X\), value ${way% *}[^0-9]"
    check "the mouse moves by $way: down" arrives "REL_Y\), value ${way#* }[^0-9]"
done
mark
xdotool click 3
check "a button goes down" arrives 'BTN_RIGHT\), value 1'
check "and up" arrives 'BTN_RIGHT\), value 0'
xdotool key ctrl+alt+g
check "Ctrl-Alt-G lets go" x_window '^QEMU .managed.$'
mark
xdotool mousemove_relative 20 20 key a
check "then keys arrive" arrives 'KEY_A\), value 0'
check "and the mouse does not" [ "$(count 'REL_')" = 0 ]

xdotool key ctrl+alt+f
check "Ctrl-Alt-F: as large as the screen" x_sized 1024x768
check "all of it" within 20 is_at 0,0
check "it has the grab" x_window 'Press Ctrl-Alt-G'
mark
xdotool key b mousemove_relative 11 0
check "keys arrive" arrives 'KEY_B\), value 0'
check "and the mouse" arrives 'REL_X\), value 11[^0-9]'
mark
xdotool key ctrl+alt+f
check "Ctrl-Alt-F again: as large as before" x_sized 640x480
check "and without the grab" x_window '^QEMU .managed.$'
xdotool key c
check "keys arrive after that" arrives 'KEY_C\), value 0'
check "the guest has not got the F" [ "$(count 'KEY_F\), value 1')" = 0 ]
check "nor a stuck Ctrl" \
    [ "$(count 'KEY_LEFTCTRL\), value 1')" = "$(count 'KEY_LEFTCTRL\), value 0')" ]
vm_send quit
vm_wait 20
check "ends with status 0" [ "$vm_status" = 0 ]
finish
