/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng: random bytes from the host (virtio 1.2, section 5.4).
 *
 * The driver's buffers are filled, at most max-bytes in each period of milliseconds; what is over waits for the next.
 */

#include "base/rng.h"
#include "hw/virtio/devices.h"

enum { PIECE = 256 };

PROPS(RngConfig,
    (str, rng,       "id of the source (-object rng-random or rng-builtin); without it the host's kernel"),
    (u64, max_bytes, "bytes at most in each period", .def = INT64_MAX, .min = 1),
    (u32, period,    "length of a period in ms", .def = 65536, .min = 1));

STATE(RngState,
    (u64, quota,      "bytes left in this period"),
    (u64, period_end, "virtual time at which the period ends, ns"));

typedef struct {
    VirtioDevice virtio;
    RngConfig config;
    RngState state;
    Rng *source;
    Timer *timer;               /* the next period, while a request waits for it */
} VirtioRng;

static VirtioRng *rng_of(VirtioDevice *virtio)
{
    return container_of(virtio, VirtioRng, virtio);
}

static void refill_quota(VirtioRng *rng)
{
    u64 now = clock_now(rng->virtio.device.machine->clock);

    if (now >= rng->state.period_end) {
        rng->state.quota = rng->config.max_bytes;
        rng->state.period_end = now + rng->config.period * 1000000ull;
    }
}

static void rng_fill(VirtioRng *rng, Chain *chain)
{
    u8 bytes[PIECE];

    while (chain_room(chain) && rng->state.quota) {
        size_t n = MIN(MIN(chain_room(chain), sizeof bytes), rng->state.quota);

        if (!rng_read(rng->source, bytes, n)) {
            break;
        }
        chain_put(chain, bytes, n);
        rng->state.quota -= n;
    }
}

/* 5.4.6.2: "The device MUST place one or more random bytes into the buffer": without any, the request waits. */
static void rng_request(VirtioDevice *virtio, Chain *chain)
{
    VirtioRng *rng = rng_of(virtio);
    size_t room = chain_room(chain);

    refill_quota(rng);
    rng_fill(rng, chain);
    if (room && chain_room(chain) == room) {
        u64 retry = clock_now(virtio->device.machine->clock) + NS_PER_SEC;

        virtqueue_push_back(chain);
        timer_set(rng->timer, rng->state.quota ? retry : rng->state.period_end);
        return;
    }
    chain_done(chain);
}

static void rng_period(void *opaque)
{
    VirtioRng *rng = opaque;

    virtio_notify(&rng->virtio, 0);
}

static bool entropy_open(Device *dev, GError **err)
{
    VirtioRng *rng = container_of(dev, VirtioRng, virtio.device);

    if (rng->config.rng && !(rng->source = rng_find(rng->config.rng))) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT, "rng: there is no object '%s'", rng->config.rng);
        return false;
    }
    rng->timer = timer_new(dev->machine->clock, rng_period, rng);
    return true;
}

static void entropy_close(Device *dev)
{
    VirtioRng *rng = container_of(dev, VirtioRng, virtio.device);

    g_clear_pointer(&rng->timer, timer_free);
}

static void entropy_reset(Device *dev)
{
    VirtioRng *rng = container_of(dev, VirtioRng, virtio.device);

    timer_cancel(rng->timer);
}

/* A request that waited for the next period still does. */
static bool entropy_loaded(Device *dev, GError **err)
{
    VirtioRng *rng = container_of(dev, VirtioRng, virtio.device);

    timer_set(rng->timer, rng->state.period_end);
    return true;
}

const VirtioType virtio_rng = {
    .device = {
        .name  = "virtio-rng",
        .help  = "random bytes from the host",
        .aliases = { "virtio-rng" },
        .bus   = VIRTIO_BUSES,
        .size  = sizeof(VirtioRng),
        .part  = { .name = "virtio-rng", DEVICE_CONFIG(VirtioRng, RngConfig), DEVICE_STATE(VirtioRng, RngState),
                   .reset = entropy_reset, .loaded = entropy_loaded },
        .open  = entropy_open,
        .close = entropy_close,
    },
    .id    = 4,
    .class = 0x00ff00,
    .queue = { { "requests", 8, rng_request } },
};
