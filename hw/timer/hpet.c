/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High precision event timers (IA-PC HPET specification 1.0a): a 64-bit counter at 100
 * MHz and up to 24 comparators, each able to count periods.
 *
 * The counter follows from the virtual clock; a comparator keeps a timer for its next
 * match.  Ticks that come late are treated as hw/timer/tick.h says.  One thing is
 * kinder than the specification: a comparator that is set to a moment which has just
 * passed fires at once instead of after a whole turn of the counter, for drivers that
 * do not look again and guests whose CPU is slow.
 *
 * Called with the machine lock held.
 */

#include "hw/timer/hpet_private.h"

#include <string.h>

enum { WINDOW_BYTES = 0x400 };

/* 2.3.4 to 2.3.9: registers, and those of each timer. */
enum { CAPABILITIES = 0x00, CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0, TIMER = 0x100,
       TIMER_BYTES = 0x20 };
enum { TIMER_CONFIG = 0x00, TIMER_COMPARATOR = 0x08, TIMER_FSB = 0x10 };

/* 2.3.4: the fixed part of the capabilities. */
enum { REVISION = 1, IS_64 = 1 << 13, HAS_LEGACY = 1 << 15 };
#define VENDOR 0x8086ull

enum { TIMER_WRITABLE = TIMER_LEVEL | TIMER_ENABLE | TIMER_PERIODIC | TIMER_SET |
                        TIMER_32MODE | TIMER_ROUTE };

#define EIGHT(x) x, x, x, x, x, x, x, x
static const HpetState hpet_reset_state = {
    .comparator = { EIGHT(UINT64_MAX), EIGHT(UINT64_MAX), EIGHT(UINT64_MAX) },
};

static Hpet *hpet_of(Device *dev)
{
    return container_of(dev, Hpet, device);
}

/* ---- registers ---- */

static u64 timer_read(const Hpet *hpet, unsigned n, u64 offset)
{
    const HpetState *s = &hpet->state;

    switch (offset) {
    case TIMER_CONFIG:
        return (s->timer[n] & ~TIMER_SET) | TIMER_CAN_PERIODIC | TIMER_IS_64 |
               (hpet->config.msi ? TIMER_CAN_FSB : 0) | (u64)ROUTES << 32;
    case TIMER_COMPARATOR:
        return s->comparator[n] & hpet_timer_mask(s, n);
    case TIMER_FSB:
        return s->fsb[n];
    default:
        return 0;
    }
}

static u64 hpet_read64(const Hpet *hpet, u64 offset)
{
    switch (offset) {
    case CAPABILITIES:
        return (u64)HPET_PERIOD_FS << 32 | VENDOR << 16 | HAS_LEGACY | IS_64 |
               (hpet->config.timers - 1) << 8 | REVISION;
    case CONFIG:
        return hpet->state.config;
    case STATUS:
        return hpet->state.status;
    case COUNTER:
        return hpet_counter(hpet);
    default:
        if (offset < TIMER || (offset - TIMER) / TIMER_BYTES >= hpet->config.timers) {
            return 0;
        }
        return timer_read(hpet, (offset - TIMER) / TIMER_BYTES,
                          (offset - TIMER) % TIMER_BYTES);
    }
}

/* `mask` has the bits that are written: half a register or all of it. */
static u64 merge(u64 old, u64 value, u64 mask)
{
    return (old & ~mask) | (value & mask);
}

static void timer_config_write(Hpet *hpet, unsigned n, u64 value, u64 mask)
{
    HpetState *s = &hpet->state;
    u64 writable = TIMER_WRITABLE | (hpet->config.msi ? TIMER_FSB_ON : 0);

    s->timer[n] = merge(s->timer[n], value, mask & writable);
    s->edges &= ~(1u << n);
    if (!(s->timer[n] & TIMER_LEVEL)) {
        s->status &= ~(1ull << n);
    }
    hpet_timer_arm(hpet, n, false);
    hpet_drive(hpet);
}

/* 2.3.9.2.2: a periodic timer takes its period, and after VAL_SET its time too. */
static void timer_comparator_write(Hpet *hpet, unsigned n, u64 value, u64 mask)
{
    HpetState *s = &hpet->state;
    bool periodic = s->timer[n] & TIMER_PERIODIC;
    bool set = !periodic || (s->timer[n] & TIMER_SET);

    if (periodic) {
        s->period[n] = merge(s->period[n], value, mask) & hpet_timer_mask(s, n);
    }
    if (set) {
        s->comparator[n] = merge(s->comparator[n], value, mask);
    }
    s->timer[n] &= ~(u64)TIMER_SET;
    hpet_timer_arm(hpet, n, set);
}

static void timer_write(Hpet *hpet, unsigned n, u64 offset, u64 value, u64 mask)
{
    HpetState *s = &hpet->state;

    hpet_timer_match(hpet, n);               /* what is due comes before what is new */
    switch (offset) {
    case TIMER_CONFIG:
        timer_config_write(hpet, n, value, mask);
        break;
    case TIMER_COMPARATOR:
        timer_comparator_write(hpet, n, value, mask);
        break;
    case TIMER_FSB:
        s->fsb[n] = merge(s->fsb[n], value, mask);
        break;
    }
}

/* Starts, stops or sets the counter: from now on it is `base`. */
static void hpet_rebase(Hpet *hpet, u64 base, u64 config)
{
    HpetState *s = &hpet->state;

    s->base = base;
    s->base_ns = hpet_ns(hpet);
    s->config = config;
    for (unsigned n = 0; n < hpet->config.timers; n++) {
        hpet_timer_arm(hpet, n, false);
    }
}

static void hpet_config_write(Hpet *hpet, u64 value)
{
    HpetState *s = &hpet->state;
    u64 changed = (value ^ s->config) & CONFIG_WRITABLE;

    if (changed & CONFIG_ENABLE) {
        hpet_rebase(hpet, hpet_counter(hpet), s->config ^ CONFIG_ENABLE);
    }
    if (changed & CONFIG_LEGACY) {
        s->config ^= CONFIG_LEGACY;
        s->edges = 0;
        hpet_drive(hpet);
    }
}

static void hpet_write64(Hpet *hpet, u64 offset, u64 value, u64 mask)
{
    HpetState *s = &hpet->state;

    switch (offset) {
    case CONFIG:
        hpet_config_write(hpet, merge(s->config, value, mask));
        break;
    case STATUS:
        s->status &= ~(value & mask);
        hpet_drive(hpet);
        break;
    case COUNTER:
        hpet_rebase(hpet, merge(hpet_counter(hpet), value, mask), s->config);
        break;
    default:
        if (offset >= TIMER && (offset - TIMER) / TIMER_BYTES < hpet->config.timers) {
            timer_write(hpet, (offset - TIMER) / TIMER_BYTES,
                        (offset - TIMER) % TIMER_BYTES, value, mask);
        }
    }
}

static u64 hpet_read(void *opaque, u64 offset, unsigned size)
{
    hpet_catch_up(opaque);
    return hpet_read64(opaque, offset & ~7ull) >> (8 * (offset & 7));
}

static void hpet_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    unsigned shift = 8 * (offset & 7);
    u64 mask = size == 8 ? UINT64_MAX : (u64)UINT32_MAX << shift;

    hpet_catch_up(opaque);
    hpet_write64(opaque, offset & ~7ull, value << shift, mask);
}

static const RegionOps hpet_ops = { hpet_read, hpet_write, 4 | 8 };

/* ---- life ---- */

static void hpet_reset(Device *dev)
{
    Hpet *hpet = hpet_of(dev);

    for (unsigned n = 0; n < hpet->config.timers; n++) {
        timer_cancel(hpet->comparator[n].timer);
    }
    hpet_drive(hpet);
}

static bool hpet_loaded(Device *dev, GError **err)
{
    Hpet *hpet = hpet_of(dev);

    for (unsigned n = 0; n < hpet->config.timers; n++) {
        timer_cancel(hpet->comparator[n].timer);
        if (hpet->state.armed >> n & 1) {
            hpet_timer_schedule(hpet, n);
        }
    }
    hpet_drive(hpet);
    return true;
}

static bool hpet_open(Device *dev, GError **err)
{
    Hpet *hpet = hpet_of(dev);

    for (unsigned n = 0; n < hpet->config.timers; n++) {
        Comparator *c = &hpet->comparator[n];

        *c = (Comparator){ hpet, n, NULL };
        c->timer = timer_new(dev->machine->clock, hpet_timer_wakes, c);
    }
    for (unsigned i = 0; i < GSI_COUNT; i++) {
        hpet->line[i] = dev->machine->gsi[i];
        if ((ROUTES | LEGACY_LINES) >> i & 1) {
            dev->machine->gsi[i] = (Irq){ hpet_below, hpet, i };
        }
    }
    region_init_io(&hpet->window, "hpet", &hpet_ops, hpet, WINDOW_BYTES);
    space_add(dev->machine->mmio, &hpet->window, HPET_BASE, 0);
    return true;
}

static void hpet_close(Device *dev)
{
    Hpet *hpet = hpet_of(dev);

    region_fini(&hpet->window);
    memcpy(dev->machine->gsi, hpet->line, sizeof hpet->line);
    for (unsigned n = 0; n < hpet->config.timers; n++) {
        timer_free(hpet->comparator[n].timer);
    }
}

const DeviceType hpet_type = {
    .name = "hpet",
    .help = "high precision event timers",
    .board_only = true,
    .size = sizeof(Hpet),
    .part = {
        .name = "hpet",
        DEVICE_CONFIG(Hpet, HpetConfig),
        DEVICE_STATE(Hpet, HpetState),
        .reset_state = &hpet_reset_state,
        .reset = hpet_reset,
        .loaded = hpet_loaded,
    },
    .open = hpet_open,
    .close = hpet_close,
};
