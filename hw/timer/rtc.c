/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock: Motorola's MC146818 as in the PC, with 128 bytes behind ports
 * 0x70 and 0x71.
 *
 * There is one time, the divider chain's (rtc_now): nanoseconds of the source (the
 * host's clock, or the virtual clock) plus a phase.  Seconds, updates, alarms and the
 * periodic rate all follow from it, so flags are worked out when they are looked at,
 * and a timer runs only for an interrupt that is enabled.  Late periodic ticks:
 * hw/timer/tick.h; with driftfix=slew a tick that the guest has not yet acknowledged is
 * not counted as given.
 *
 * Left out: the square wave, daylight saving, time bases other than 32768 Hz, and the
 * day of the week as a counter of its own (it follows from the date).
 *
 * Called with the machine lock held.
 */

#include "hw/timer/rtc.h"

#include "hw/isa/isa.h"
#include "hw/timer/rtc_date.h"
#include "hw/timer/tick.h"

#include <string.h>
#include <time.h>

enum { A_UIP = 0x80, A_DIVIDER_RESET = 0x60, A_RATE = 0x0f };
enum { B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_SQWE = 0x08 };
enum { C_IRQ = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
enum { D_VALID = 0x80 };
enum { IRQ = 8, CHAIN_HZ = 32768 };

/* Figure 14: UIP rises 244 us before the update cycle, which takes 1984 us. */
enum { UPDATE_NS = (244 + 1984) * 1000 };

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

/* What the AT's BIOS leaves: 24 hours, BCD, 1024 Hz. */
static const RtcState rtc_first_state = {
    .cmos = { [RTC_A] = 0x26, [RTC_B] = RTC_B_24H, [RTC_D] = D_VALID },
};

typedef struct {
    IsaDevice isa;
    RtcConfig config;
    RtcState state;
    Timer *second_timer, *periodic_timer;
} Rtc;

static Rtc *rtc_of(Device *dev)
{
    return container_of(dev, Rtc, isa.device);
}

/* ---- time ---- */

static u64 rtc_source(const Rtc *rtc)
{
    struct timespec t;

    if (rtc->config.clock == CLOCK_OF_VM) {
        return clock_now(rtc->isa.device.machine->clock);
    }
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static u64 rtc_now(const Rtc *rtc)
{
    return rtc_source(rtc) + rtc->state.phase;
}

/* The divider is held in reset, or the program sets the time: cmos has it. */
static bool rtc_is_stopped(const RtcState *s)
{
    return (s->cmos[RTC_B] & B_SET) ||
           (s->cmos[RTC_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

static bool rtc_chain_runs(const RtcState *s)
{
    return (s->cmos[RTC_A] & A_DIVIDER_RESET) != A_DIVIDER_RESET;
}

static s64 rtc_date(const RtcState *s, u64 now)
{
    return now / NS_PER_SEC + s->epoch;
}

/* The time of day is what the bytes say. */
static void rtc_take_date(RtcState *s, u64 now)
{
    s->epoch = rtc_get_date(s->cmos) - now / NS_PER_SEC;
}

/* ---- flags and the interrupt ---- */

static void rtc_update_irq(Rtc *rtc)
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

static bool rtc_has_rate(const RtcState *s)
{
    return (s->cmos[RTC_A] & A_RATE) && rtc_chain_runs(s);
}

/* Number of the periodic tick at or before `now`, and the time of a tick. */
static u64 rtc_tick_at(const RtcState *s, u64 now)
{
    return muldiv(now, CHAIN_HZ, NS_PER_SEC) >> rtc_rate_shift(s);
}

static u64 rtc_tick_time(const RtcState *s, u64 tick)
{
    return muldiv_up(tick << rtc_rate_shift(s), NS_PER_SEC, CHAIN_HZ);
}

/* Sets what happened since the last look: updates, an alarm, and ticks without PIE. */
static void rtc_catch_up(Rtc *rtc)
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

static void rtc_second(void *opaque)
{
    Rtc *rtc = opaque;

    rtc_catch_up(rtc);
    rtc_schedule_second(rtc);
    rtc_update_irq(rtc);
}

static void rtc_periodic(void *opaque)
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

/* After a register was written that bears on what comes next. */
static void rtc_restart(Rtc *rtc)
{
    rtc_schedule_second(rtc);
    rtc_schedule_periodic(rtc);
    rtc_update_irq(rtc);
}

/* ---- registers ---- */

/* Register A or B is written: the clock may stop or start. */
static void rtc_control(Rtc *rtc, unsigned index, u8 value)
{
    RtcState *s = &rtc->state;
    bool stopped = rtc_is_stopped(s), chain = rtc_chain_runs(s);
    u64 now = rtc_now(rtc);

    if (!stopped) {
        rtc_put_date(s->cmos, rtc_date(s, now));
    }
    s->cmos[index] = value;
    if (!chain && rtc_chain_runs(s)) {
        /* "The first update cycle begins one-half second later" */
        s->phase = (3 * NS_PER_SEC / 2 - rtc_source(rtc) % NS_PER_SEC) % NS_PER_SEC;
        now = rtc_now(rtc);
        s->seen = now;
    }
    if (stopped && !rtc_is_stopped(s)) {
        rtc_take_date(s, now);
    }
    if (rtc_has_rate(s)) {
        s->last_tick = rtc_tick_at(s, now);
    }
}

static void rtc_write_byte(Rtc *rtc, unsigned index, u8 value)
{
    RtcState *s = &rtc->state;

    rtc_catch_up(rtc);
    switch (index) {
    case RTC_A:
        rtc_control(rtc, RTC_A, value & ~A_UIP);
        break;
    case RTC_B:
        /* "UIE is cleared by the SET bit going high" */
        rtc_control(rtc, RTC_B, value & B_SET ? value & ~B_UIE : value);
        break;
    case RTC_C:
    case RTC_D:
        return;
    default:
        if (rtc_is_time(index) && !rtc_is_stopped(s)) {
            rtc_put_date(s->cmos, rtc_date(s, s->seen));
            s->cmos[index] = value;
            rtc_take_date(s, s->seen);
        }
        s->cmos[index] = value;
    }
    rtc_restart(rtc);
}

static u8 rtc_read_byte(Rtc *rtc, unsigned index)
{
    RtcState *s = &rtc->state;
    u8 value;

    rtc_catch_up(rtc);
    if (rtc_is_time(index) && !rtc_is_stopped(s)) {
        rtc_put_date(s->cmos, rtc_date(s, s->seen));
    }
    value = s->cmos[index];
    if (index == RTC_A && !rtc_is_stopped(s) &&
        s->seen % NS_PER_SEC >= NS_PER_SEC - UPDATE_NS) {
        value |= A_UIP;
    }
    if (index == RTC_C) {
        rtc_update_irq(rtc);
        value = s->cmos[RTC_C];
        s->cmos[RTC_C] = 0;
        rtc_update_irq(rtc);
    }
    return value;
}

static u64 rtc_read(void *opaque, u64 offset, unsigned size)
{
    Rtc *rtc = opaque;

    return offset ? rtc_read_byte(rtc, rtc->state.index) : 0xff;
}

static void rtc_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Rtc *rtc = opaque;

    if (offset) {
        rtc_write_byte(rtc, rtc->state.index, value);
    } else {
        rtc->state.index = value % RTC_BYTES;       /* bit 7 masks NMI */
    }
}

static const RegionOps rtc_ops = { rtc_read, rtc_write, 1 };

void rtc_set_cmos(Device *dev, unsigned index, u8 value)
{
    g_assert(index > RTC_D && index < RTC_BYTES);
    rtc_of(dev)->state.cmos[index] = value;
}

u8 rtc_get_cmos(Device *dev, unsigned index)
{
    g_assert(index > RTC_D && index < RTC_BYTES);
    return rtc_of(dev)->state.cmos[index];
}

/* ---- life ---- */

/* Data sheet, RESET: the time of day and the bytes stay, interrupts are off. */
static void rtc_reset(Device *dev)
{
    Rtc *rtc = rtc_of(dev);
    RtcState *s = &rtc->state;

    rtc_catch_up(rtc);
    s->cmos[RTC_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    s->cmos[RTC_C] = 0;
    s->last_tick = rtc_tick_at(s, s->seen);
    s->index = 0;
    rtc_restart(rtc);
}

static bool rtc_loaded(Device *dev, GError **err)
{
    Rtc *rtc = rtc_of(dev);
    RtcState *s = &rtc->state;
    u8 date[RTC_BYTES];
    u64 now = rtc_now(rtc);

    /* A date from outside may be beyond all years. */
    memcpy(date, s->cmos, sizeof date);
    rtc_put_date(date, rtc_date(s, now));
    s->epoch = rtc_get_date(date) - now / NS_PER_SEC;
    s->seen = MIN(s->seen, now);
    if (rtc_has_rate(s)) {
        s->last_tick = MIN(s->last_tick, rtc_tick_at(s, now));
    }
    s->cmos[RTC_A] &= ~A_UIP;
    s->cmos[RTC_D] = D_VALID;
    rtc_restart(rtc);
    return true;
}

static bool rtc_open(Device *dev, GError **err)
{
    Rtc *rtc = rtc_of(dev);
    RtcState *s = &rtc->state;
    s64 seconds;

    rtc->second_timer = timer_new(dev->machine->clock, rtc_second, rtc);
    rtc->periodic_timer = timer_new(dev->machine->clock, rtc_periodic, rtc);
    if (!rtc_parse_base(rtc->config.base, time(NULL), &seconds, err)) {
        return false;
    }
    *s = rtc_first_state;
    s->seen = rtc_now(rtc);
    s->epoch = seconds - s->seen / NS_PER_SEC;
    return isa_ports(&rtc->isa, 0x70, 2, &rtc_ops, err);
}

static void rtc_close(Device *dev)
{
    Rtc *rtc = rtc_of(dev);

    timer_free(rtc->second_timer);
    timer_free(rtc->periodic_timer);
}

const DeviceType rtc_type = {
    .name = "mc146818rtc",
    .help = "the real-time clock and its battery-backed bytes",
    .board_only = true,
    ISA_DEVICE,
    .size = sizeof(Rtc),
    .part = {
        .name = "rtc",
        DEVICE_CONFIG(Rtc, RtcConfig),
        DEVICE_STATE(Rtc, RtcState),
        .keeps = true,
        .reset_state = &rtc_first_state,
        .reset = rtc_reset,
        .loaded = rtc_loaded,
    },
    .open = rtc_open,
    .close = rtc_close,
};
