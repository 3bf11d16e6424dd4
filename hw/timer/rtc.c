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

#include "hw/timer/rtc_private.h"

#include <string.h>
#include <time.h>

/* Figure 14: UIP rises 244 us before the update cycle, which takes 1984 us. */
enum { UPDATE_NS = (244 + 1984) * 1000 };

/* What the AT's BIOS leaves: 24 hours, BCD, 1024 Hz. */
static const RtcState rtc_first_state = {
    .cmos = { [RTC_A] = 0x26, [RTC_B] = RTC_B_24H, [RTC_D] = D_VALID },
};

static Rtc *rtc_of(Device *dev)
{
    return container_of(dev, Rtc, isa.device);
}

/* The time of day is what the bytes say. */
static void rtc_take_date(RtcState *s, u64 now)
{
    s->epoch = rtc_get_date(s->cmos) - now / NS_PER_SEC;
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

    rtc->second_timer = timer_new(dev->machine->clock, rtc_second_wakes, rtc);
    rtc->periodic_timer = timer_new(dev->machine->clock, rtc_periodic_wakes, rtc);
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
