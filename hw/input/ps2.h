/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PS/2 keyboard and mouse, the ends of the wires (IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard" and "Mouse"): commands go in, bytes come out.
 *
 * Each has a queue of bytes for the controller, which takes them when its output buffer
 * is free.  Answers to commands go before what keys and movements have put there.
 *
 * Under the machine lock.
 */

#ifndef HW_INPUT_PS2_H
#define HW_INPUT_PS2_H

#include "base/field.h"

enum { PS2_QUEUE = 32 };
enum { PS2_ACK = 0xfa, PS2_RESEND = 0xfe, PS2_PASSED = 0xaa };

STATE(Ps2Queue,
    (u8[32], bytes,   "bytes for the host, oldest first"),
    (u8,     count,   "how many there are", .max = PS2_QUEUE),
    (u8,     answers, "how many at the front answer commands", .max = PS2_QUEUE),
    (u8,     command, "command that waits for its argument, 0 for none"),
    (u8,     last,    "byte sent last, for a resend"));

STATE(Ps2Keyboard,
    (u8, scanning, "1 while keys are reported", .max = 1),
    (u8, set,      "scan code set", .min = 1, .max = 2),
    (u8, leds,     "lights: 1 scroll lock, 2 number lock, 4 capitals lock"),
    (u8, rate,     "typematic rate and delay"));

STATE(Ps2Mouse,
    (u32,   dx,         "movement to the right, not yet reported"),
    (u32,   dy,         "movement up, not yet reported"),
    (u32,   dz,         "movement of the wheel, not yet reported"),
    (u8,    buttons,    "buttons that are down", .max = 7),
    (u8,    reported,   "buttons as last reported", .max = 7),
    (u8,    reporting,  "1 while movements are reported (stream mode)", .max = 1),
    (u8,    remote,     "1 in remote mode: reported when asked for", .max = 1),
    (u8,    wrap,       "1 in wrap mode: bytes are sent back", .max = 1),
    (u8,    scaling,    "1 for scaling 2:1", .max = 1),
    (u8,    resolution, "counts per millimetre, a power of two", .max = 3),
    (u8,    rate,       "samples per second"),
    (u8,    id,         "0 three buttons, 3 with a wheel", .max = 3),
    (u8[2], knock,      "the last two sample rates set"),
    (u8,    spare,      "zero", .max = 1));

extern const Ps2Keyboard ps2_keyboard_reset;
extern const Ps2Mouse ps2_mouse_reset;

/* The next byte for the host, or -1. */
int ps2_queue_take(Ps2Queue *q);
/* Adds all `n` bytes of what keys or movements say, or none. */
bool ps2_queue_put(Ps2Queue *q, const u8 *bytes, unsigned n);
void ps2_queue_answer(Ps2Queue *q, u8 byte);
void ps2_queue_drop(Ps2Queue *q);           /* everything but answers */

void ps2_keyboard_byte(Ps2Keyboard *k, Ps2Queue *q, u8 byte);      /* from the host */
void ps2_keyboard_key(const Ps2Keyboard *k, Ps2Queue *q, unsigned code, bool down);

void ps2_mouse_byte(Ps2Mouse *m, Ps2Queue *q, u8 byte);
void ps2_mouse_move(Ps2Mouse *m, int x, int y, int z, unsigned buttons);
void ps2_mouse_report(Ps2Mouse *m, Ps2Queue *q);   /* if there is news, and room */

/* Scan code set 2 to set 1, as the controller translates; other bytes stay. */
u8 ps2_translate(u8 code);

#endif
