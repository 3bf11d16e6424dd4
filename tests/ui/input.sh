#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keys, the mouse and the window's size arrive in the guest: a virtual X server, xdotool on
# one side, evtest and the display driver's modes in a Debian guest on the other.  No window
# manager is there, so the test gives the window the focus, and takes it away.
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

unset WAYLAND_DISPLAY
x_start
# Modes are looked at anew when that is asked for.
display=/sys/class/drm/card0-Virtual-1
modes="while sleep 1; do echo detect > $display/status; head -n 1 $display/modes; done"
gl_boot "$gl_evtest; ($modes) > /dev/ttyS0 & sleep 3; echo input: ready > /dev/ttyS0; sleep 9999" \
    -display sdl -name input -device virtio-vga,xres=800,yres=600 \
    -device virtio-keyboard-pci -device virtio-tablet-pci
check "the guest reads its devices" guest_says '^input: ready'
check "there is a window" x_window '^QEMU .input.$'
check "as large as the guest's display" x_sized 800x600
xdotool windowfocus --sync "$window"
sleep 1

mark
xdotool key a
check "a key goes down" arrives 'KEY_A\), value 1'
check "and up" arrives 'KEY_A\), value 0'
mark
xdotool key shift+F5
check "a modifier goes down" arrives 'KEY_LEFTSHIFT\), value 1'
check "with the key" arrives 'KEY_F5\), value 1'
check "and up again" arrives 'KEY_LEFTSHIFT\), value 0'

mark
xdotool keydown ctrl
check "Ctrl is held" arrives 'KEY_LEFTCTRL\), value 1'
mark
xdotool windowfocus "$(xdotool search --class . | grep -vx "$window" | head -n 1)" \
    > /dev/null 2>&1 || xdotool windowunmap "$window"
check "the focus goes: the guest's Ctrl goes up" arrives 'KEY_LEFTCTRL\), value 0'
xdotool keyup ctrl
xdotool windowmap "$window" windowfocus --sync "$window"
sleep 1
mark
xdotool key b
check "the focus comes back: keys arrive" arrives 'KEY_B\), value 1'
check "no modifier is stuck" [ "$(count 'KEY_LEFTCTRL.*value 1')" = 0 ]

mark
xdotool mousemove --window "$window" 400 300
check "the pointer: its place across" arrives 'ABS_X\), value 16[34][0-9][0-9]'
check "the pointer: its place down" arrives 'ABS_Y\), value 16[34][0-9][0-9]'
mark
xdotool click 1
check "a button goes down" arrives 'BTN_LEFT\), value 1'
check "a button goes up" arrives 'BTN_LEFT\), value 0'
mark
xdotool click 5
check "the wheel" arrives 'REL_WHEEL\), value -1'

mark
vm_send "mouse_move 3000 7000"
check "mouse_move: its place across" arrives 'ABS_X\), value 3000'
check "mouse_move: its place down" arrives 'ABS_Y\), value 7000'
vm_send "mouse_button 4"
check "mouse_button: a button goes down" arrives 'BTN_RIGHT\), value 1'
vm_send "mouse_button 0"
check "mouse_button: and up" arrives 'BTN_RIGHT\), value 0'
vm_send "sendkey shift-x"
check "sendkey: a modifier" arrives 'KEY_LEFTSHIFT\), value 1'
check "sendkey: and a key" arrives 'KEY_X\), value 1'
vm_send "info mice"
check "info mice: the tablet has it" vm_expect '^\* Mouse #[0-9]: .*\(absolute\)'

mark
xdotool windowsize "$window" 900 650
check "the window's new size is the display's best mode" arrives '^900x650'
mark
xdotool key ctrl+alt+g
check "Ctrl-Alt-G: the window is told how to let go" x_window 'Press Ctrl-Alt-G'
xdotool key ctrl+alt+g
check "and lets go" x_window '^QEMU .input.$'
xdotool key c
check "keys arrive after that" arrives 'KEY_C\), value 0'
check "the guest has not got the G" [ "$(count 'KEY_G\), value 1')" = 0 ]
check "nor a stuck Alt" \
    [ "$(count 'KEY_LEFTALT\), value 1')" = "$(count 'KEY_LEFTALT\), value 0')" ]
vm_send quit
vm_wait 20
check "ends with status 0" [ "$vm_status" = 0 ]
finish
