/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 keyboard, and the queue that it shares with the mouse: hw/input/ps2.h.
 *
 * Left out: scan code set 3 (answered as an error, as keyboards without it do), and
 * typematic repeat, which is the host's.
 */

#include "hw/input/ps2.h"

#include "hw/input/i8042.h"

#include <string.h>

enum { KEY_UP = 0xf0, PREFIX = 0xe0 };

/* Commands from the host. */
enum { SET_LEDS = 0xed, ECHO = 0xee, SCAN_SET = 0xf0, IDENTIFY = 0xf2, SET_RATE = 0xf3,
       ENABLE = 0xf4, DISABLE = 0xf5, DEFAULTS = 0xf6, ALL_REPEAT = 0xf7,
       ALL_REPEAT_UP = 0xfa, RESEND = 0xfe, RESET = 0xff };

const Ps2Keyboard ps2_keyboard_reset = { .scanning = 1, .set = 2, .rate = 0x2b };

/* Scan codes of set 2 by those of set 1; every number below 128 stands here once. */
static const u8 set2[128] = {
    0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45,
    0x4e, 0x55, 0x66, 0x0d, 0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43,
    0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b, 0x23, 0x2b, 0x34, 0x33,
    0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05,
    0x06, 0x04, 0x0c, 0x03, 0x0b, 0x02, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c,
    0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69, 0x72, 0x7a, 0x70, 0x71,
    0x7f, 0x60, 0x61, 0x78, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
    0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40,
    0x48, 0x50, 0x57, 0x6f, 0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62,
    0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

/* Two keys have codes past the table: F7 and SysRq. */
enum { F7 = 0x41, F7_SET2 = 0x83, SYSRQ = 0x54, SYSRQ_SET2 = 0x84 };

u8 ps2_translate(u8 code)
{
    if (code == F7_SET2) {
        return F7;
    }
    if (code == SYSRQ_SET2) {
        return SYSRQ;
    }
    for (unsigned i = 0; i < sizeof set2; i++) {
        if (set2[i] == code) {
            return i;
        }
    }
    return code;
}

/* ---- the queue ---- */

int ps2_queue_take(Ps2Queue *q)
{
    if (q->count == 0) {
        return -1;
    }
    q->last = q->bytes[0];
    q->count--;
    q->answers -= q->answers > 0;
    memmove(q->bytes, q->bytes + 1, PS2_QUEUE - 1);
    return q->last;
}

bool ps2_queue_put(Ps2Queue *q, const u8 *bytes, unsigned n)
{
    if (n > (unsigned)PS2_QUEUE - q->count) {
        return false;
    }
    memcpy(q->bytes + q->count, bytes, n);
    q->count += n;
    return true;
}

/* Behind earlier answers and before the rest, whose end is lost if there is no room. */
void ps2_queue_answer(Ps2Queue *q, u8 byte)
{
    unsigned at = q->answers;

    if (at == PS2_QUEUE) {
        return;
    }
    memmove(q->bytes + at + 1, q->bytes + at, PS2_QUEUE - at - 1);
    q->bytes[at] = byte;
    q->answers++;
    q->count = MIN(q->count + 1, PS2_QUEUE);
}

void ps2_queue_drop(Ps2Queue *q)
{
    q->count = q->answers;
}

/* ---- keys ---- */

void ps2_keyboard_key(const Ps2Keyboard *k, Ps2Queue *q, unsigned code, bool down)
{
    static const u8 pause1[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
    static const u8 pause2[] = { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 };
    u8 bytes[3];
    unsigned n = 0, key = code % KEY_EXTENDED;

    if (!k->scanning) {
        return;
    }
    if (code >= KEY_PAUSE) {
        if (down) {
            (void)ps2_queue_put(q, k->set == 1 ? pause1 : pause2,
                                k->set == 1 ? sizeof pause1 : sizeof pause2);
        }
        return;
    }
    if (code & KEY_EXTENDED) {
        bytes[n++] = PREFIX;
    }
    if (k->set == 1) {
        bytes[n++] = key | (down ? 0 : 0x80);
    } else {
        if (!down) {
            bytes[n++] = KEY_UP;
        }
        bytes[n++] = key == F7 ? F7_SET2 : key == SYSRQ ? SYSRQ_SET2 : set2[key];
    }
    (void)ps2_queue_put(q, bytes, n);
}

/* ---- commands ---- */

static void keyboard_argument(Ps2Keyboard *k, Ps2Queue *q, u8 byte)
{
    u8 command = q->command;

    q->command = 0;
    if (command == SCAN_SET && byte > 2) {
        ps2_queue_answer(q, PS2_RESEND);
        return;
    }
    ps2_queue_answer(q, PS2_ACK);
    if (command == SET_LEDS) {
        k->leds = byte & 7;
    } else if (command == SET_RATE) {
        k->rate = byte;
    } else if (byte == 0) {
        ps2_queue_answer(q, k->set);
    } else {
        k->set = byte;
    }
}

static void keyboard_command(Ps2Keyboard *k, Ps2Queue *q, u8 byte)
{
    if (byte == ECHO) {
        ps2_queue_answer(q, ECHO);
        return;
    }
    if (byte == RESEND) {
        ps2_queue_answer(q, q->last);
        return;
    }
    if (byte < SET_LEDS || byte == 0xef || byte == 0xf1 ||
        (byte > ALL_REPEAT_UP && byte < RESEND)) {
        ps2_queue_answer(q, PS2_RESEND);
        return;
    }
    if (byte == RESET || byte == DEFAULTS || byte == DISABLE) {
        *k = ps2_keyboard_reset;
        k->scanning = byte != DISABLE;
        ps2_queue_drop(q);
    }
    ps2_queue_answer(q, PS2_ACK);
    switch (byte) {
    case SET_LEDS:
    case SCAN_SET:
    case SET_RATE:
        q->command = byte;
        break;
    case IDENTIFY:
        ps2_queue_answer(q, 0xab);
        ps2_queue_answer(q, 0x83);
        break;
    case ENABLE:
        k->scanning = 1;
        ps2_queue_drop(q);
        break;
    case RESET:
        ps2_queue_answer(q, PS2_PASSED);
        break;
    }
}

void ps2_keyboard_byte(Ps2Keyboard *k, Ps2Queue *q, u8 byte)
{
    /* A new command instead of an argument ends the old one. */
    if (q->command && byte < SET_LEDS) {
        keyboard_argument(k, q, byte);
    } else {
        q->command = 0;
        keyboard_command(k, q, byte);
    }
}
