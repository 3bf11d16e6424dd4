/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard controller with a PS/2 keyboard and mouse: what the user's side calls.
 * Under the machine lock.
 */

#ifndef HW_INPUT_I8042_H
#define HW_INPUT_I8042_H

#include "hw/core/device.h"

extern const DeviceType i8042_type;

/*
 * A key went down or up.  `code` is the number of the key in scan code set 1 (1 Esc,
 * 0x1e A, 0x3b F1), plus KEY_EXTENDED for those with an E0 prefix (KEY_EXTENDED + 0x48:
 * cursor up); KEY_PAUSE is one of its kind.  What does not fit into the keyboard's
 * buffer is lost, as there.
 */
enum { KEY_EXTENDED = 0x80, KEY_PAUSE = 0x100 };
void ps2_key(Device *i8042, unsigned code, bool down);

/*
 * The mouse moved: x to the right, y down, z the wheel towards the user.
 * Buttons: 1 left, 2 right, 4 middle.
 */
void ps2_mouse(Device *i8042, int x, int y, int z, unsigned buttons);

#endif
