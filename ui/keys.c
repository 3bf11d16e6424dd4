/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys: see keys.h.  The numbers are from Linux's input-event-codes.h, the
 * PS/2 keyboard's scan code set 1, and the HID Usage Tables 1.12, page 7.
 */

#include "ui/keys.h"

#include <string.h>

const KeyRow key_rows[] = {
    /* name, Linux, set 1, HID */
    { "esc",               1, 0x01, 0x29 },
    { "1",                 2, 0x02, 0x1e },
    { "2",                 3, 0x03, 0x1f },
    { "3",                 4, 0x04, 0x20 },
    { "4",                 5, 0x05, 0x21 },
    { "5",                 6, 0x06, 0x22 },
    { "6",                 7, 0x07, 0x23 },
    { "7",                 8, 0x08, 0x24 },
    { "8",                 9, 0x09, 0x25 },
    { "9",                10, 0x0a, 0x26 },
    { "0",                11, 0x0b, 0x27 },
    { "minus",            12, 0x0c, 0x2d },
    { "equal",            13, 0x0d, 0x2e },
    { "backspace",        14, 0x0e, 0x2a },
    { "tab",              15, 0x0f, 0x2b },
    { "q",                16, 0x10, 0x14 },
    { "w",                17, 0x11, 0x1a },
    { "e",                18, 0x12, 0x08 },
    { "r",                19, 0x13, 0x15 },
    { "t",                20, 0x14, 0x17 },
    { "y",                21, 0x15, 0x1c },
    { "u",                22, 0x16, 0x18 },
    { "i",                23, 0x17, 0x0c },
    { "o",                24, 0x18, 0x12 },
    { "p",                25, 0x19, 0x13 },
    { "bracket_left",     26, 0x1a, 0x2f },
    { "bracket_right",    27, 0x1b, 0x30 },
    { "ret",              28, 0x1c, 0x28 },
    { "ctrl",             29, 0x1d, 0xe0 },
    { "a",                30, 0x1e, 0x04 },
    { "s",                31, 0x1f, 0x16 },
    { "d",                32, 0x20, 0x07 },
    { "f",                33, 0x21, 0x09 },
    { "g",                34, 0x22, 0x0a },
    { "h",                35, 0x23, 0x0b },
    { "j",                36, 0x24, 0x0d },
    { "k",                37, 0x25, 0x0e },
    { "l",                38, 0x26, 0x0f },
    { "semicolon",        39, 0x27, 0x33 },
    { "apostrophe",       40, 0x28, 0x34 },
    { "grave_accent",     41, 0x29, 0x35 },
    { "shift",            42, 0x2a, 0xe1 },
    { "backslash",        43, 0x2b, 0x31 },
    { "z",                44, 0x2c, 0x1d },
    { "x",                45, 0x2d, 0x1b },
    { "c",                46, 0x2e, 0x06 },
    { "v",                47, 0x2f, 0x19 },
    { "b",                48, 0x30, 0x05 },
    { "n",                49, 0x31, 0x11 },
    { "m",                50, 0x32, 0x10 },
    { "comma",            51, 0x33, 0x36 },
    { "dot",              52, 0x34, 0x37 },
    { "slash",            53, 0x35, 0x38 },
    { "shift_r",          54, 0x36, 0xe5 },
    { "kp_multiply",      55, 0x37, 0x55 },
    { "alt",              56, 0x38, 0xe2 },
    { "spc",              57, 0x39, 0x2c },
    { "caps_lock",        58, 0x3a, 0x39 },
    { "f1",               59, 0x3b, 0x3a },
    { "f2",               60, 0x3c, 0x3b },
    { "f3",               61, 0x3d, 0x3c },
    { "f4",               62, 0x3e, 0x3d },
    { "f5",               63, 0x3f, 0x3e },
    { "f6",               64, 0x40, 0x3f },
    { "f7",               65, 0x41, 0x40 },
    { "f8",               66, 0x42, 0x41 },
    { "f9",               67, 0x43, 0x42 },
    { "f10",              68, 0x44, 0x43 },
    { "num_lock",         69, 0x45, 0x53 },
    { "scroll_lock",      70, 0x46, 0x47 },
    { "kp_7",             71, 0x47, 0x5f },
    { "kp_8",             72, 0x48, 0x60 },
    { "kp_9",             73, 0x49, 0x61 },
    { "kp_subtract",      74, 0x4a, 0x56 },
    { "kp_4",             75, 0x4b, 0x5c },
    { "kp_5",             76, 0x4c, 0x5d },
    { "kp_6",             77, 0x4d, 0x5e },
    { "kp_add",           78, 0x4e, 0x57 },
    { "kp_1",             79, 0x4f, 0x59 },
    { "kp_2",             80, 0x50, 0x5a },
    { "kp_3",             81, 0x51, 0x5b },
    { "kp_0",             82, 0x52, 0x62 },
    { "kp_decimal",       83, 0x53, 0x63 },
    { "less",             86, 0x56, 0x64 },
    { "f11",              87, 0x57, 0x44 },
    { "f12",              88, 0x58, 0x45 },
    { "ro",               89, 0x73, 0x87 },
    { "henkan",           92, 0x79, 0x8a },
    { "hiragana",         93, 0x70, 0x88 },
    { "muhenkan",         94, 0x7b, 0x8b },
    { "kp_enter",         96, 0x9c, 0x58 },
    { "ctrl_r",           97, 0x9d, 0xe4 },
    { "kp_divide",        98, 0xb5, 0x54 },
    { "print",            99, 0xb7, 0x46 },
    { "alt_r",           100, 0xb8, 0xe6 },
    { "home",            102, 0xc7, 0x4a },
    { "up",              103, 0xc8, 0x52 },
    { "pgup",            104, 0xc9, 0x4b },
    { "left",            105, 0xcb, 0x50 },
    { "right",           106, 0xcd, 0x4f },
    { "end",             107, 0xcf, 0x4d },
    { "down",            108, 0xd0, 0x51 },
    { "pgdn",            109, 0xd1, 0x4e },
    { "insert",          110, 0xd2, 0x49 },
    { "delete",          111, 0xd3, 0x4c },
    { "audiomute",       113, 0xa0, 0x7f },
    { "volumedown",      114, 0xae, 0x81 },
    { "volumeup",        115, 0xb0, 0x80 },
    { "power",           116, 0xde, 0x66 },
    { "kp_equals",       117, 0x59, 0x67 },
    { "pause",           119, 0x100, 0x48 },
    { "kp_comma",        121, 0x7e, 0x85 },
    { "yen",             124, 0x7d, 0x89 },
    { "meta_l",          125, 0xdb, 0xe3 },
    { "meta_r",          126, 0xdc, 0xe7 },
    { "compose",         127, 0xdd, 0x65 },
    { 0 }
};

const KeyRow *key_by_name(const char *name)
{
    for (const KeyRow *k = key_rows; k->name; k++) {
        if (strcmp(k->name, name) == 0) {
            return k;
        }
    }
    return NULL;
}

const KeyRow *key_by_code(unsigned linux_code)
{
    for (const KeyRow *k = key_rows; k->name; k++) {
        if (k->linux_code == linux_code) {
            return k;
        }
    }
    return NULL;
}

const KeyRow *key_by_set1(unsigned set1)
{
    for (const KeyRow *k = key_rows; k->name; k++) {
        if (k->set1 == set1) {
            return k;
        }
    }
    return NULL;
}

/* The key beside Enter: boards with 105 keys may call it as HID does in Europe. */
enum { BACKSLASH = 0x31, NON_US_HASH = 0x32 };

const KeyRow *key_by_usage(unsigned usage)
{
    usage = usage == NON_US_HASH ? BACKSLASH : usage;
    for (const KeyRow *k = key_rows; k->name; k++) {
        if (k->usage == usage) {
            return k;
        }
    }
    return NULL;
}
