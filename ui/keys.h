/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every key of a PC's keyboard, once: its name for sendkey (QEMU's), and its numbers in
 * Linux's input layer, in scan code set 1 and in USB's HID usages.
 *
 * Any thread.
 */

#ifndef UI_KEYS_H
#define UI_KEYS_H

#include "base/types.h"

enum { KEY_LIMIT = 256 };           /* of Linux's numbers */

typedef struct {
    const char *name;
    u16 linux_code;
    u16 set1;                       /* as in hw/input/i8042.h: 0x80 is a prefix E0 */
    u8 usage;                       /* HID usage page 7; SDL's scan codes */
} KeyRow;

extern const KeyRow key_rows[];     /* ends with a name of NULL */

const KeyRow *key_by_name(const char *name);        /* NULL: none */
const KeyRow *key_by_code(unsigned linux_code);
const KeyRow *key_by_set1(unsigned set1);
const KeyRow *key_by_usage(unsigned usage);

#endif
