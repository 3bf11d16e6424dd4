/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the clock's registers (rtc.c) and its time and events (rtc_events.c) share.
 */

#ifndef HW_TIMER_RTC_PRIVATE_H
#define HW_TIMER_RTC_PRIVATE_H

#include "hw/isa/isa.h"
#include "hw/timer/rtc_date.h"

enum { A_UIP = 0x80, A_DIVIDER_RESET = 0x60, A_RATE = 0x0f };
enum { B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_SQWE = 0x08 };
enum { C_IRQ = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
enum { D_VALID = 0x80 };

enum { CLOCK_OF_HOST, CLOCK_RT, CLOCK_OF_VM };
static const char *const clock_names[] = { "host", "rt", "vm", NULL };
enum { DRIFTFIX_NONE, DRIFTFIX_SLEW };
static const char *const driftfix_names[] = { "none", "slew", NULL };

PROPS(RtcConfig,
    (str, base,     "utc, localtime or a date such as 2006-06-17T16:01:21",
                    .def_str = "utc"),
    (u8,  clock,    "what drives it: host and rt go on while the machine is paused",
                    .max = CLOCK_OF_VM, .names = clock_names),
    (u8,  driftfix, "slew gives a guest the periodic ticks that it was too slow for",
                    .max = DRIFTFIX_SLEW, .names = driftfix_names));

STATE(RtcState,
    (u64,     phase,     "divider chain's time less the source's, in ns",
                         .max = NS_PER_SEC - 1),
    (u64,     epoch,     "time of day less the divider chain's time, in s"),
    (u64,     seen,      "divider chain's time up to which flags are set, in ns"),
    (u64,     last_tick, "number of the last periodic tick given"),
    (u8[128], cmos,      "the bytes; time of day only while the clock is stopped"),
    (u8,      index,     "byte selected by port 0x70", .max = RTC_BYTES - 1),
    (u8[7],   spare,     "zero", .max = 1));

typedef struct {
    IsaDevice isa;
    RtcConfig config;
    RtcState state;
    Timer *second_timer, *periodic_timer;
} Rtc;

u64 rtc_source(const Rtc *rtc);                 /* ns of what drives the clock */
u64 rtc_now(const Rtc *rtc);                    /* ns of the divider chain */
s64 rtc_date(const RtcState *s, u64 now);       /* s of the time of day */
bool rtc_chain_runs(const RtcState *s);         /* the divider is not held in reset */
bool rtc_is_stopped(const RtcState *s);         /* it is, or the time is being set */

/* Has a periodic rate; the number of its tick at or before `now`. */
bool rtc_has_rate(const RtcState *s);
u64 rtc_tick_at(const RtcState *s, u64 now);

/* Sets what happened since the last look: updates, an alarm, and ticks without PIE. */
void rtc_catch_up(Rtc *rtc);
void rtc_update_irq(Rtc *rtc);
/* After a register was written that bears on what comes next. */
void rtc_restart(Rtc *rtc);

void rtc_second_wakes(void *opaque);            /* TimerFns */
void rtc_periodic_wakes(void *opaque);

#endif
