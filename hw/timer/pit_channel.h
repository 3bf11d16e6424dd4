/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One counter of the 8254 (Intel data sheet 231164): its registers, and its value and
 * output at any moment.
 *
 * Times are numbers of clock pulses, counted from virtual time 0.  A counter's value
 * and output follow from the pulses since its count was loaded, so nothing counts while
 * nobody looks.  A count is loaded with the pulse after it was written; in modes 2 and
 * 3 a later one waits in `next` for the end of the period (in mode 3 the data sheet has
 * it wait for the end of the half period), in modes 1 and 5 for the gate.
 *
 * Called with the machine lock held.
 */

#ifndef HW_TIMER_PIT_CHANNEL_H
#define HW_TIMER_PIT_CHANNEL_H

#include "base/field.h"

enum { ACCESS_LATCH = 0, ACCESS_LOW = 1, ACCESS_HIGH = 2, ACCESS_BOTH = 3 };

STATE(PitChannel,
    (u64, start,        "pulse at which the count was loaded, or will be"),
    (u64, next_start,   "pulse at which the next count will be loaded"),
    (u64, held,         "pulses counted when the counter was stopped"),
    (u32, count,        "count in the counter, 1 to 65536, 0 for none", .max = 65536),
    (u32, next,         "count that waits, 0 for none", .max = 65536),
    (u16, latched,      "latched count"),
    (u8,  latch_bytes,  "which of its bytes are left to read: 1 low, 2 high", .max = 3),
    (u8,  status,       "latched status"),
    (u8,  has_status,   "1 if a status is latched", .max = 1),
    (u8,  access,       "bytes per access: 1 low, 2 high, 3 both", .min = 1, .max = 3),
    (u8,  mode,         "counting mode", .max = 5),
    (u8,  bcd,          "1 for binary-coded decimal", .max = 1),
    (u8,  write_low,    "low byte that was written"),
    (u8,  write_second, "1 if the high byte is written next", .max = 1),
    (u8,  read_second,  "1 if the high byte is read next", .max = 1),
    (u8,  gate,         "level of the gate", .max = 1),
    (u8,  stopped,      "1 while the counter stands: gate low or no count", .max = 1),
    (u8[3], spare,      "zero", .max = 1));

/* Modes 2 and 3 go on for ever. */
static inline bool pit_is_periodic(unsigned mode)
{
    return mode == 2 || mode == 3;
}

void pit_channel_set_mode(PitChannel *c, u8 word);          /* a control word */
void pit_channel_write(PitChannel *c, u8 value, u64 now);   /* a byte of the count */
u8 pit_channel_read(PitChannel *c, u64 now);
void pit_channel_latch_count(PitChannel *c, u64 now);
void pit_channel_latch_status(PitChannel *c, u64 now);
void pit_channel_set_gate(PitChannel *c, bool gate, u64 now);

/* Loads a count that waits, if its time has come: before the functions below. */
void pit_channel_sync(PitChannel *c, u64 now);
bool pit_channel_out(const PitChannel *c, u64 now);

/* The first pulse after `after` at which the output rises, UINT64_MAX for never. */
u64 pit_channel_rise(const PitChannel *c, u64 after);

#endif
