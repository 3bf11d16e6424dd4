/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the periodic timers have in common: exact conversion between a device's clock
 * and the virtual clock, and what becomes of ticks that the host was too late for.
 *
 * A tick's time always follows from its number, so nothing drifts.  When several are
 * due at once, the first is given now and the others follow at twice the rate, up to
 * TICK_BACKLOG of them; what is older than that is dropped. A guest that counts ticks
 * to measure another clock thus sees the right number of them unless the host slept for
 * long, and one that programs an absurd rate gets at most one tick per TICK_MIN_NS.
 */

#ifndef HW_TIMER_TICK_H
#define HW_TIMER_TICK_H

#include "base/types.h"

enum { TICK_BACKLOG = 20, TICK_MIN_NS = 50000 };

/* a * b / c, rounded down, or up; the product may need more than 64 bits. */
static inline u64 muldiv(u64 a, u64 b, u64 c)
{
    return (unsigned __int128)a * b / c;
}

static inline u64 muldiv_up(u64 a, u64 b, u64 c)
{
    return ((unsigned __int128)a * b + c - 1) / c;
}

/* How many of `late` ticks that came due since the one given now are dropped. */
static inline u64 tick_drop(u64 late)
{
    return late > TICK_BACKLOG ? late - TICK_BACKLOG : 0;
}

/*
 * When to wake for the next tick of a row with `period` (ns): at `due`, its time, or,
 * if that has passed, soon.
 */
static inline u64 tick_wake(u64 due, u64 now, u64 period)
{
    if (due > now && period >= TICK_MIN_NS) {
        return due;
    }
    return MAX(due, now + MAX(period / 2, (u64)TICK_MIN_NS));
}

#endif
