/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 interval timer (Intel data sheet 231164) and port 0x61 (ICH9 data sheet,
 * 13.7.1).
 *
 * A channel's counter and output follow from the number of clock pulses since its count
 * was loaded, so nothing counts while nobody looks.  Only channel 0 keeps a timer, for
 * the next rise of its output, which drives GSI 0; ticks that come late are treated as
 * hw/timer/tick.h says.  In the modes whose output is low for one pulse only, or half
 * the time, the line is up between ticks and goes down just before each, which an
 * edge-triggered controller can't tell from the truth.
 *
 * Channel 1, the refresh timer of old, works but is connected to nothing; the refresh
 * bit of port 0x61 toggles by itself.  There is no speaker.
 *
 * Called with the machine lock held.
 */

#include "hw/timer/pit.h"

#include "hw/isa/isa.h"
#include "hw/timer/pit_channel.h"
#include "hw/timer/tick.h"

enum { CHANNELS = 3, CONTROL = 3, SPEAKER = 2 };

/* The control word: channel, access, mode, BCD; channel 3 is the read-back command. */
enum { READ_BACK_NO_COUNT = 0x20, READ_BACK_NO_STATUS = 0x10 };

/* Port 0x61. */
enum { P61_GATE = 0x01, P61_WRITABLE = 0x0f, P61_REFRESH = 0x10, P61_OUT = 0x20 };
enum { REFRESH_PULSES = 18 };           /* 15 us */

STATE(PitState,
    (u64,   last_tick, "pulse of channel 0's last tick"),
    (u8,    port61,    "low half of port 0x61", .max = P61_WRITABLE),
    (u8[7], spare,     "zero", .max = 1));

/* Nothing counts until it is programmed; gates 0 and 1 are wired to one. */
#define STOPPED .access = ACCESS_BOTH, .stopped = 1
static const PitChannel reset_gate_on = { .gate = 1, STOPPED };
static const PitChannel reset_gate_off = { .gate = 0, STOPPED };

#define CHANNEL(n, at_reset)                                                        \
    { .name = n, .state = PitChannel_fields, .state_size = sizeof(PitChannel),      \
      .reset_state = at_reset }
static const Part channel_part[CHANNELS] = {
    CHANNEL("pit-channel0", &reset_gate_on),
    CHANNEL("pit-channel1", &reset_gate_on),
    CHANNEL("pit-channel2", &reset_gate_off),
};

typedef struct {
    IsaDevice isa;
    PitState state;
    PitChannel channel[CHANNELS];
    Timer *timer;               /* channel 0's next tick */
} Pit;

static Pit *pit_of(Device *dev)
{
    return container_of(dev, Pit, isa.device);
}

static u64 pit_now(const Pit *pit)
{
    return muldiv(clock_now(pit->isa.device.machine->clock), PIT_HZ, NS_PER_SEC);
}

/* ---- channel 0's interrupt ---- */

static void pit_schedule(Pit *pit)
{
    const PitChannel *c = &pit->channel[0];
    u64 rise = pit_channel_rise(c, pit->state.last_tick);
    u64 due = rise < UINT64_MAX ? muldiv_up(rise, NS_PER_SEC, PIT_HZ) : 0;

    if (rise == UINT64_MAX) {
        timer_cancel(pit->timer);
    } else if (pit_is_periodic(c->mode)) {
        timer_set(pit->timer, tick_wake(due, clock_now(pit->isa.device.machine->clock),
                                        muldiv(c->count, NS_PER_SEC, PIT_HZ)));
    } else {
        timer_set(pit->timer, due);
    }
}

/* The level between ticks. */
static void pit_drive(Pit *pit)
{
    const PitChannel *c = &pit->channel[0];

    machine_gsi(pit->isa.device.machine, 0,
                c->mode > 1 || pit_channel_out(c, pit_now(pit)));
}

static void pit_tick(void *opaque)
{
    Pit *pit = opaque;
    PitState *s = &pit->state;
    PitChannel *c = &pit->channel[0];
    u64 now = pit_now(pit);
    u64 rise = pit_channel_rise(c, s->last_tick);

    if (rise <= now) {
        s->last_tick = rise;
        if (pit_is_periodic(c->mode)) {
            s->last_tick += tick_drop((now - rise) / c->count) * c->count;
        }
        machine_gsi(pit->isa.device.machine, 0, false);
        machine_gsi(pit->isa.device.machine, 0, true);
    }
    pit_channel_sync(c, now);
    pit_schedule(pit);
}

/* After channel 0 was programmed. */
static void pit_restart(Pit *pit)
{
    pit->state.last_tick = pit_now(pit);
    pit_drive(pit);
    pit_schedule(pit);
}

/* ---- ports ---- */

static void pit_read_back(Pit *pit, u8 word, u64 now)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        if (!(word & 2 << i)) {
            continue;
        }
        if (!(word & READ_BACK_NO_COUNT)) {
            pit_channel_latch_count(&pit->channel[i], now);
        }
        if (!(word & READ_BACK_NO_STATUS)) {
            pit_channel_latch_status(&pit->channel[i], now);
        }
    }
}

static void pit_control(Pit *pit, u8 word)
{
    unsigned i = word >> 6;
    u64 now = pit_now(pit);

    if (i == CONTROL) {
        pit_read_back(pit, word, now);
    } else if ((word >> 4 & 3) == ACCESS_LATCH) {
        pit_channel_latch_count(&pit->channel[i], now);
    } else {
        pit_channel_set_mode(&pit->channel[i], word);
        if (i == 0) {
            pit_restart(pit);
        }
    }
}

static u64 pit_read(void *opaque, u64 offset, unsigned size)
{
    Pit *pit = opaque;

    if (offset == CONTROL) {
        return 0xff;
    }
    return pit_channel_read(&pit->channel[offset], pit_now(pit));
}

static void pit_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Pit *pit = opaque;

    if (offset == CONTROL) {
        pit_control(pit, value);
        return;
    }
    pit_channel_write(&pit->channel[offset], value, pit_now(pit));
    if (offset == 0) {
        pit_restart(pit);
    }
}

static u64 port61_read(void *opaque, u64 offset, unsigned size)
{
    Pit *pit = opaque;
    PitChannel *c = &pit->channel[SPEAKER];
    u64 now = pit_now(pit);

    pit_channel_sync(c, now);
    return pit->state.port61 | (now / REFRESH_PULSES & 1 ? P61_REFRESH : 0) |
           (pit_channel_out(c, now) ? P61_OUT : 0);
}

static void port61_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Pit *pit = opaque;

    pit->state.port61 = value & P61_WRITABLE;
    pit_channel_set_gate(&pit->channel[SPEAKER], value & P61_GATE, pit_now(pit));
}

static const RegionOps pit_ops = { pit_read, pit_write, 1 };
static const RegionOps port61_ops = { port61_read, port61_write, 1 };

/* ---- life ---- */

static void pit_reset(Device *dev)
{
    pit_restart(pit_of(dev));
}

static bool pit_loaded(Device *dev, GError **err)
{
    Pit *pit = pit_of(dev);

    pit_drive(pit);
    pit_schedule(pit);
    return true;
}

static bool pit_open(Device *dev, GError **err)
{
    Pit *pit = pit_of(dev);

    pit->timer = timer_new(dev->machine->clock, pit_tick, pit);
    for (unsigned i = 0; i < CHANNELS; i++) {
        device_add_part(dev, &channel_part[i], &pit->channel[i]);
    }
    return isa_ports(&pit->isa, 0x40, 4, &pit_ops, err) &&
           isa_ports(&pit->isa, 0x61, 1, &port61_ops, err);
}

static void pit_close(Device *dev)
{
    timer_free(pit_of(dev)->timer);
}

const DeviceType pit_type = {
    .name = "isa-pit",
    .help = "the 8254 interval timer and port 0x61",
    .board_only = true,
    ISA_DEVICE,
    .size = sizeof(Pit),
    .part = {
        .name = "pit",
        DEVICE_STATE(Pit, PitState),
        .reset = pit_reset,
        .loaded = pit_loaded,
    },
    .open = pit_open,
    .close = pit_close,
};
