/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One counter of the 8254: hw/timer/pit_channel.h.
 */

#include "hw/timer/pit_channel.h"

enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };

/* Modes 1 and 5: the gate starts the counter and does not stop it. */
static bool is_triggered(unsigned mode)
{
    return mode == 1 || mode == 5;
}

/* Loads the waiting count of a periodic mode when its time has come. */
void pit_channel_sync(PitChannel *c, u64 now)
{
    if (c->next && pit_is_periodic(c->mode) && !c->stopped && now >= c->next_start) {
        c->count = c->next;
        c->start = c->next_start;
        c->next = 0;
    }
}

static u64 channel_elapsed(const PitChannel *c, u64 now)
{
    if (c->stopped) {
        return c->held;
    }
    return now > c->start ? now - c->start : 0;
}

bool pit_channel_out(const PitChannel *c, u64 now)
{
    u64 t = channel_elapsed(c, now);
    u32 count = c->count;

    if (count == 0) {
        return c->mode != 0;
    }
    switch (c->mode) {
    case 0:
        return t >= count;
    case 1:
        return t >= count || now < c->start;
    case 2:
        return c->stopped || t % count != count - 1;
    case 3:
        return c->stopped || t % count < (count + 1) / 2;
    default:
        return t != count;
    }
}

/* The counting element.  Mode 3 counts by two, an odd count as the even one below. */
static u32 channel_value(const PitChannel *c, u64 now)
{
    u32 count = c->count;
    u32 wrap = c->bcd ? 10000 : 65536;
    u64 t = channel_elapsed(c, now);

    if (count == 0) {
        return 0;
    }
    if (!pit_is_periodic(c->mode)) {
        return (count + wrap - t % wrap) % wrap;
    }
    t %= count;
    if (c->mode == 3) {
        u32 high = (count + 1) / 2;

        return ((count & ~1u) - 2 * (t < high ? t : t - high)) % wrap;
    }
    return (count - t) % wrap;
}

/* The first pulse after `after` at which the output rises, UINT64_MAX for never. */
u64 pit_channel_rise(const PitChannel *c, u64 after)
{
    u64 start = c->start;
    u32 count = c->count;
    u64 rise;

    if (count == 0 || c->stopped) {
        return UINT64_MAX;
    }
    if (pit_is_periodic(c->mode)) {
        return start + (after < start ? 1 : (after - start) / count + 1) * count;
    }
    rise = start + count + (c->mode >= 4);
    return rise > after ? rise : UINT64_MAX;
}

/* ---- programming ---- */

static u32 from_bcd(u16 value)
{
    return (value >> 12) * 1000 + (value >> 8 & 15) * 100 + (value >> 4 & 15) * 10 +
           (value & 15);
}

static u16 to_bcd(u32 value)
{
    return value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
           value % 10;
}

static void channel_start(PitChannel *c, u32 count, u64 now)
{
    c->count = count;
    c->next = 0;
    c->start = now + 1;
    c->held = 0;
    c->stopped = !c->gate;
}

static void channel_load(PitChannel *c, u16 value, u64 now)
{
    u32 full = c->bcd ? 10000 : 65536;
    u32 count = c->bcd ? from_bcd(value) : value;

    count = count ? count : full;
    if (is_triggered(c->mode)) {
        c->next = count;
    } else if (pit_is_periodic(c->mode) && c->count && !c->stopped) {
        c->next = count;
        c->next_start = pit_channel_rise(c, now);
    } else {
        channel_start(c, count, now);
    }
}

void pit_channel_write(PitChannel *c, u8 value, u64 now)
{
    u8 low = c->access == ACCESS_BOTH ? c->write_low : 0;

    pit_channel_sync(c, now);
    if (c->access == ACCESS_BOTH && !c->write_second) {
        c->write_low = value;
        c->write_second = 1;
        /* "Writing the first byte disables counting.  OUT is set low immediately" */
        if (c->mode == 0) {
            c->count = 0;
            c->stopped = 1;
        }
        return;
    }
    c->write_second = 0;
    channel_load(c, c->access == ACCESS_LOW ? value : value << 8 | low, now);
}

void pit_channel_set_gate(PitChannel *c, bool gate, u64 now)
{
    u32 count = c->next ? c->next : c->count;

    pit_channel_sync(c, now);
    if (gate == c->gate) {
        return;
    }
    c->gate = gate;
    if (!gate) {
        if (!is_triggered(c->mode)) {
            c->held = channel_elapsed(c, now);
            c->stopped = 1;
        }
    } else if (is_triggered(c->mode) || pit_is_periodic(c->mode)) {
        if (count) {
            channel_start(c, count, now);
        }
    } else if (c->count) {
        c->start = now - MIN(c->held, now);
        c->stopped = 0;
    }
}

void pit_channel_latch_count(PitChannel *c, u64 now)
{
    u32 value;

    pit_channel_sync(c, now);
    if (c->latch_bytes) {
        return;
    }
    value = channel_value(c, now);
    c->latched = c->bcd ? to_bcd(value) : value;
    c->latch_bytes = c->access;
}

void pit_channel_latch_status(PitChannel *c, u64 now)
{
    bool waits;

    pit_channel_sync(c, now);
    if (c->has_status) {
        return;
    }
    waits = c->next || c->count == 0 || (!c->stopped && now < c->start);
    c->has_status = 1;
    c->status = (pit_channel_out(c, now) ? STATUS_OUT : 0) | (waits ? STATUS_NULL : 0) |
                c->access << 4 | c->mode << 1 | c->bcd;
}

void pit_channel_set_mode(PitChannel *c, u8 word)
{
    unsigned mode = word >> 1 & 7;

    c->access = word >> 4 & 3;
    c->mode = mode > 5 ? mode - 4 : mode;
    c->bcd = word & 1;
    c->count = 0;
    c->next = 0;
    c->held = 0;
    c->stopped = 1;
    c->latch_bytes = 0;
    c->has_status = 0;
    c->write_second = 0;
    c->read_second = 0;
}

u8 pit_channel_read(PitChannel *c, u64 now)
{
    u32 value;
    bool high;

    pit_channel_sync(c, now);
    if (c->has_status) {
        c->has_status = 0;
        return c->status;
    }
    if (c->latch_bytes) {
        high = !(c->latch_bytes & ACCESS_LOW);
        c->latch_bytes &= high ? 0 : ~ACCESS_LOW;
        value = c->latched;
    } else {
        high = c->access == ACCESS_HIGH || c->read_second;
        c->read_second = c->access == ACCESS_BOTH && !c->read_second;
        value = channel_value(c, now);
        value = c->bcd ? to_bcd(value) : value;
    }
    return high ? value >> 8 : value;
}

