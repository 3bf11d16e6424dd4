/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock's time, and what happens in it: updates, alarms, periodic ticks.
 * See hw/timer/rtc.c.
 */

#include "hw/timer/rtc_private.h"

#include "hw/timer/tick.h"

#include <time.h>

enum { IRQ = 8, CHAIN_HZ = 32768 };

/* ---- time ---- */

u64 rtc_source(const Rtc *rtc)
{
    struct timespec t;

    if (rtc->config.clock == CLOCK_OF_VM) {
        return clock_now(rtc->isa.device.machine->clock);
    }
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

u64 rtc_now(const Rtc *rtc)
{
    return rtc_source(rtc) + rtc->state.phase;
}

bool rtc_is_stopped(const RtcState *s)
{
    return (s->cmos[RTC_B] & B_SET) ||
           (s->cmos[RTC_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

bool rtc_chain_runs(const RtcState *s)
{
    return (s->cmos[RTC_A] & A_DIVIDER_RESET) != A_DIVIDER_RESET;
}

s64 rtc_date(const RtcState *s, u64 now)
{
    return now / NS_PER_SEC + s->epoch;
}

/* ---- flags and the interrupt ---- */

void rtc_update_irq(Rtc *rtc)
{
    RtcState *s = &rtc->state;
    u8 *c = &s->cmos[RTC_C];

    *c &= ~C_IRQ;
    if (*c & s->cmos[RTC_B] & (C_PF | C_AF | C_UF)) {
        *c |= C_IRQ;
    }
    machine_gsi(rtc->isa.device.machine, IRQ, *c & C_IRQ);
}

/* Table 5: 32768 Hz is divided by 2 to this power; rates 1 and 2 are like 8 and 9. */
static unsigned rtc_rate_shift(const RtcState *s)
{
    unsigned rate = s->cmos[RTC_A] & A_RATE;

    return rate < 3 ? rate + 6 : rate - 1;
}

bool rtc_has_rate(const RtcState *s)
{
    return (s->cmos[RTC_A] & A_RATE) && rtc_chain_runs(s);
}

/* Number of the periodic tick at or before `now`, and the time of a tick. */
u64 rtc_tick_at(const RtcState *s, u64 now)
{
    return muldiv(now, CHAIN_HZ, NS_PER_SEC) >> rtc_rate_shift(s);
}

static u64 rtc_tick_time(const RtcState *s, u64 tick)
{
    return muldiv_up(tick << rtc_rate_shift(s), NS_PER_SEC, CHAIN_HZ);
}

void rtc_catch_up(Rtc *rtc)
{
    RtcState *s = &rtc->state;
    u64 now = rtc_now(rtc);
    s64 alarm;

    if (!rtc_is_stopped(s) && now / NS_PER_SEC > s->seen / NS_PER_SEC) {
        s->cmos[RTC_C] |= C_UF;
        if (rtc_next_alarm(s->cmos, rtc_date(s, s->seen), &alarm) &&
            alarm <= rtc_date(s, now)) {
            s->cmos[RTC_C] |= C_AF;
        }
    }
    s->seen = now;
    if (rtc_has_rate(s) && !(s->cmos[RTC_B] & B_PIE)) {
        u64 tick = rtc_tick_at(s, now);

        s->cmos[RTC_C] |= tick > s->last_tick ? C_PF : 0;
        s->last_tick = tick;
    }
}

/* The virtual time at which the divider chain's time is `at`. */
static u64 rtc_wake_time(const Rtc *rtc, u64 at)
{
    u64 now = rtc_now(rtc);

    return clock_now(rtc->isa.device.machine->clock) + (at > now ? at - now : 0);
}

static void rtc_schedule_second(Rtc *rtc)
{
    const RtcState *s = &rtc->state;
    s64 date = rtc_date(s, s->seen), at = date + 1;
    bool wanted = !rtc_is_stopped(s) &&
                  ((s->cmos[RTC_B] & B_UIE) ||
                   ((s->cmos[RTC_B] & B_AIE) && rtc_next_alarm(s->cmos, date, &at)));

    if (wanted) {
        timer_set(rtc->second_timer, rtc_wake_time(rtc, (at - s->epoch) * NS_PER_SEC));
    } else {
        timer_cancel(rtc->second_timer);
    }
}

static void rtc_schedule_periodic(Rtc *rtc)
{
    const RtcState *s = &rtc->state;
    u64 now = clock_now(rtc->isa.device.machine->clock);

    if (rtc_has_rate(s) && (s->cmos[RTC_B] & B_PIE)) {
        u64 due = rtc_wake_time(rtc, rtc_tick_time(s, s->last_tick + 1));

        timer_set(rtc->periodic_timer, tick_wake(due, now, rtc_tick_time(s, 1)));
    } else {
        timer_cancel(rtc->periodic_timer);
    }
}

void rtc_second_wakes(void *opaque)
{
    Rtc *rtc = opaque;

    rtc_catch_up(rtc);
    rtc_schedule_second(rtc);
    rtc_update_irq(rtc);
}

void rtc_periodic_wakes(void *opaque)
{
    Rtc *rtc = opaque;
    RtcState *s = &rtc->state;
    u64 tick = rtc_tick_at(s, rtc_now(rtc));
    bool waits = rtc->config.driftfix == DRIFTFIX_SLEW && (s->cmos[RTC_C] & C_PF);

    if (tick > s->last_tick) {
        s->last_tick += tick_drop(tick - s->last_tick - 1) + !waits;
        s->cmos[RTC_C] |= C_PF;
    } else if (s->last_tick - tick > TICK_BACKLOG) {
        s->last_tick = tick;            /* the host's clock was set back */
    }
    rtc_schedule_periodic(rtc);
    rtc_update_irq(rtc);
}

void rtc_restart(Rtc *rtc)
{
    rtc_schedule_second(rtc);
    rtc_schedule_periodic(rtc);
    rtc_update_irq(rtc);
}
