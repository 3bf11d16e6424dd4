/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the HPET's registers (hpet.c) and its comparators (hpet_timer.c) share.
 */

#ifndef HW_TIMER_HPET_PRIVATE_H
#define HW_TIMER_HPET_PRIVATE_H

#include "hw/core/machine.h"
#include "hw/timer/hpet.h"

enum { HPET_TIMERS = 24, NS_PER_TICK = HPET_PERIOD_FS / 1000000 };

/* 2.3.5, and 2.3.8 for each timer. */
enum { CONFIG_ENABLE = 1 << 0, CONFIG_LEGACY = 1 << 1, CONFIG_WRITABLE = 3 };
enum {
    TIMER_LEVEL        = 1 << 1,
    TIMER_ENABLE       = 1 << 2,
    TIMER_PERIODIC     = 1 << 3,
    TIMER_CAN_PERIODIC = 1 << 4,
    TIMER_IS_64        = 1 << 5,
    TIMER_SET          = 1 << 6,
    TIMER_32MODE       = 1 << 8,
    TIMER_ROUTE        = 31 << 9,
    TIMER_FSB_ON       = 1 << 14,
    TIMER_CAN_FSB      = 1 << 15,
};

/* Lines for routes, and those of timers 0 and 1 in legacy replacement. */
enum { ROUTES = 0x00f00000, LEGACY_LINES = 1 << 0 | 1 << 8 };

PROPS(HpetConfig,
    (u8,   timers, "number of comparators", .def = 3, .min = 3, .max = HPET_TIMERS),
    (bool, msi,    "offer interrupts as messages"));

STATE(HpetState,
    (u64,     config,     "general configuration", .max = CONFIG_WRITABLE),
    (u64,     status,     "general interrupt status", .max = UINT32_MAX),
    (u64,     base,       "counter when it was last started, stopped or set"),
    (u64,     base_ns,    "virtual time of that"),
    (u64[24], timer,      "timer configuration", .max = 0xffff),
    (u64[24], comparator, "comparator"),
    (u64[24], period,     "period of a periodic timer"),
    (u64[24], fsb,        "message address and data"),
    (u64[24], match,      "counter, extended to 64 bits, at the next match"),
    (u32,     armed,      "timers that wait for their match"),
    (u32,     edges,      "edge-triggered timers that have fired"),
    (u32,     below,      "interrupt lines that other devices hold up"),
    (u32,     spare,      "zero", .max = 1));

typedef struct Hpet Hpet;

typedef struct {
    Hpet *hpet;
    unsigned n;
    Timer *timer;
} Comparator;

struct Hpet {
    Device device;
    HpetConfig config;
    HpetState state;
    Region window;
    Irq line[GSI_COUNT];        /* the board's inputs that we stand in front of */
    Comparator comparator[HPET_TIMERS];
};

/* The bits of the counter that a timer compares. */
static inline u64 hpet_timer_mask(const HpetState *s, unsigned n)
{
    return s->timer[n] & TIMER_32MODE ? UINT32_MAX : UINT64_MAX;
}

u64 hpet_ns(const Hpet *hpet);
u64 hpet_counter(const Hpet *hpet);

/* Looks for a timer's next match; `now_too` if one that has just passed counts. */
void hpet_timer_arm(Hpet *hpet, unsigned n, bool now_too);
void hpet_timer_schedule(Hpet *hpet, unsigned n);   /* for a match that is known */
void hpet_timer_match(Hpet *hpet, unsigned n);      /* fires if it is time */
void hpet_timer_wakes(void *opaque);                /* a Comparator's TimerFn */
/* Before registers are looked at: what timers without an interrupt have done. */
void hpet_catch_up(Hpet *hpet);

/* Tells the board the level of the lines: after anything that bears on them. */
void hpet_drive(Hpet *hpet);
/* Another device drives line n. */
void hpet_below(void *opaque, unsigned n, bool level);

#endif
