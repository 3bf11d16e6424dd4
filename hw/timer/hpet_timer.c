/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HPET's counter, its comparators and the lines that they drive: see
 * hw/timer/hpet.c.
 */

#include "hw/timer/hpet_private.h"

#include "hw/timer/tick.h"

/* How long ago a moment may be that "has just passed": 100 ms. */
enum { JUST_PASSED = 100000000 / NS_PER_TICK };

static const u8 legacy_line[] = { 0, 8 };

/* ---- the counter ---- */

u64 hpet_ns(const Hpet *hpet)
{
    return clock_now(hpet->device.machine->clock);
}

u64 hpet_counter(const Hpet *hpet)
{
    const HpetState *s = &hpet->state;

    if (!(s->config & CONFIG_ENABLE)) {
        return s->base;
    }
    return s->base + (hpet_ns(hpet) - s->base_ns) / NS_PER_TICK;
}

/* ---- interrupt lines ---- */

static bool hpet_is_legacy(const HpetState *s, unsigned line)
{
    return (s->config & CONFIG_LEGACY) && (LEGACY_LINES >> line & 1);
}

/* The line that a timer drives, or -1. */
static int timer_line(const HpetState *s, unsigned n)
{
    unsigned route = (s->timer[n] & TIMER_ROUTE) / (TIMER_ROUTE & -TIMER_ROUTE);

    if ((s->config & CONFIG_LEGACY) && n < G_N_ELEMENTS(legacy_line)) {
        return legacy_line[n];
    }
    return route < GSI_COUNT && (ROUTES >> route & 1) ? (int)route : -1;
}

/* Lines that timers hold up: levels until acknowledged, edges until the next one. */
static u32 hpet_lines(const Hpet *hpet)
{
    const HpetState *s = &hpet->state;
    u32 lines = 0;

    for (unsigned n = 0; n < hpet->config.timers; n++) {
        int line = timer_line(s, n);

        if (line >= 0 && ((s->status | s->edges) >> n & 1) &&
            (s->timer[n] & (TIMER_ENABLE | TIMER_FSB_ON)) == TIMER_ENABLE) {
            lines |= 1u << line;
        }
    }
    return lines;
}

void hpet_drive(Hpet *hpet)
{
    u32 lines = hpet_lines(hpet);

    for (unsigned i = 0; i < GSI_COUNT; i++) {
        if ((ROUTES | LEGACY_LINES) >> i & 1) {
            u32 below = hpet_is_legacy(&hpet->state, i) ? 0 : hpet->state.below;

            irq_set(&hpet->line[i], (lines | below) >> i & 1);
        }
    }
}

void hpet_below(void *opaque, unsigned n, bool level)
{
    Hpet *hpet = opaque;
    HpetState *s = &hpet->state;

    s->below = level ? s->below | 1u << n : s->below & ~(1u << n);
    if (!hpet_is_legacy(s, n)) {
        irq_set(&hpet->line[n], level || (hpet_lines(hpet) >> n & 1));
    }
}

static void timer_fire(Hpet *hpet, unsigned n)
{
    HpetState *s = &hpet->state;
    u64 config = s->timer[n];

    if (config & TIMER_LEVEL) {
        s->status |= 1ull << n;
    }
    if (!(config & TIMER_ENABLE)) {
        return;
    }
    if (config & TIMER_FSB_ON) {
        machine_msi(hpet->device.machine, s->fsb[n] >> 32, s->fsb[n]);
        return;
    }
    if (!(config & TIMER_LEVEL)) {
        s->edges &= ~(1u << n);
        hpet_drive(hpet);
        s->edges |= 1u << n;
    }
    hpet_drive(hpet);
}

/* ---- comparators ---- */

static bool timer_is_periodic(const HpetState *s, unsigned n)
{
    return (s->timer[n] & TIMER_PERIODIC) && s->period[n];
}

/* A timer that nobody hears needs no host's: hpet_catch_up() does what it has done. */
static bool timer_is_heard(const HpetState *s, unsigned n)
{
    return s->timer[n] & TIMER_ENABLE;
}

void hpet_timer_schedule(Hpet *hpet, unsigned n)
{
    const HpetState *s = &hpet->state;
    u64 left = s->match[n] - s->base;
    u64 due;

    if (!timer_is_heard(s, n)) {
        timer_cancel(hpet->comparator[n].timer);
        return;
    }
    if (left > UINT64_MAX / 4 / NS_PER_TICK || s->base_ns > UINT64_MAX / 4) {
        timer_cancel(hpet->comparator[n].timer);        /* in some centuries */
        return;
    }
    due = s->base_ns + left * NS_PER_TICK;
    if (timer_is_periodic(s, n)) {
        u64 period = MIN(s->period[n], UINT32_MAX) * NS_PER_TICK;

        due = tick_wake(due, hpet_ns(hpet), period);
    }
    timer_set(hpet->comparator[n].timer, due);
}

/* All ones in 64 bits is not behind 0, but "never". */
static bool just_passed(const HpetState *s, unsigned n, u64 counter)
{
    u64 mask = hpet_timer_mask(s, n);
    u64 ago = (counter - s->comparator[n]) & mask;

    return ago < JUST_PASSED && (mask == UINT32_MAX || s->comparator[n] <= counter);
}

void hpet_timer_arm(Hpet *hpet, unsigned n, bool now_too)
{
    HpetState *s = &hpet->state;
    u64 counter = hpet_counter(hpet);
    u64 mask = hpet_timer_mask(s, n);
    u64 left = (s->comparator[n] - counter) & mask;

    s->armed &= ~(1u << n);
    timer_cancel(hpet->comparator[n].timer);
    if (!(s->config & CONFIG_ENABLE)) {
        return;
    }
    if (now_too && just_passed(s, n, counter)) {
        left = 0;
    } else if (!now_too && left == 0) {
        left = mask;
    }
    s->armed |= 1u << n;
    s->match[n] = counter + left;
    hpet_timer_schedule(hpet, n);
}

void hpet_timer_match(Hpet *hpet, unsigned n)
{
    HpetState *s = &hpet->state;
    u64 gone = hpet_counter(hpet) - s->base, left = s->match[n] - s->base;
    u64 late = gone - left;

    if (!(s->armed >> n & 1)) {
        return;
    }
    if (gone < left) {
        hpet_timer_schedule(hpet, n);
        return;
    }
    if (timer_is_periodic(s, n)) {
        u64 missed = late / s->period[n];
        u64 step = (1 + (timer_is_heard(s, n) ? tick_drop(missed) : missed)) *
                   s->period[n];

        s->match[n] += step;
        s->comparator[n] = (s->comparator[n] + step) & hpet_timer_mask(s, n);
        hpet_timer_schedule(hpet, n);
    } else if (s->timer[n] & TIMER_32MODE) {
        /* 2.3.9.2.1: again after a whole turn */
        s->match[n] += ((late >> 32) + 1) << 32;
        hpet_timer_schedule(hpet, n);
    } else {
        s->armed &= ~(1u << n);
    }
    timer_fire(hpet, n);
}

void hpet_catch_up(Hpet *hpet)
{
    for (unsigned n = 0; n < hpet->config.timers; n++) {
        if (!timer_is_heard(&hpet->state, n)) {
            hpet_timer_match(hpet, n);
        }
    }
}

void hpet_timer_wakes(void *opaque)
{
    const Comparator *c = opaque;

    hpet_timer_match(c->hpet, c->n);
}
