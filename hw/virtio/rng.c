/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng: random bytes from the host (virtio 1.2, section 5.4).
 *
 * The driver's buffers are filled, at most max-bytes in each period; what is over waits
 * for the next.  The limit is the host's: no reset of the guest's refills it.
 */

#include "base/rng.h"
#include "hw/virtio/devices.h"

/* A request gets no more at once: the machine lock is held meanwhile. */
enum { PIECE_BYTES = 256, REQUEST_BYTES = 64 << 10, NS_PER_MS = 1000000 };

PROPS(RngConfig,
    (str, rng,       "id of an rng object; without it the host's kernel is asked"),
    (u64, max_bytes, "bytes at most in each period", .def = INT64_MAX, .min = 1,
          .max = INT64_MAX),
    (u32, period,    "length of a period in ms", .def = 65536, .min = 1));

STATE(RngState,
    (u64, quota,      "bytes left in this period"),
    (u64, period_end, "virtual time at which the period ends, ns"),
    (u64, retry_at,   "virtual time at which a request is tried again; 0 for none"));

typedef struct {
    VirtioDevice virtio;
    RngConfig config;
    RngState state;
    Rng *source;
    Timer *timer;               /* set while a request waits */
} VirtioRng;

static VirtioRng *rng_of(Device *dev)
{
    return container_of(dev, VirtioRng, virtio.device);
}

/* ---- requests ---- */

static void retry_at(VirtioRng *rng, u64 when)
{
    rng->state.retry_at = when;
    if (when) {
        timer_set(rng->timer, when);
    } else {
        timer_cancel(rng->timer);
    }
}

static void refill_quota(VirtioRng *rng, u64 now)
{
    if (now >= rng->state.period_end) {
        rng->state.quota = rng->config.max_bytes;
        rng->state.period_end = now + (u64)rng->config.period * NS_PER_MS;
    }
}

/* How many bytes it got. */
static size_t fill(VirtioRng *rng, Chain *chain)
{
    u8 bytes[PIECE_BYTES];
    size_t done = 0, n;

    while (chain_room(chain) && rng->state.quota && done < REQUEST_BYTES) {
        n = MIN(MIN(chain_room(chain), sizeof bytes), rng->state.quota);
        if (!rng_read(rng->source, bytes, n)) {
            break;
        }
        chain_put(chain, bytes, n);
        rng->state.quota -= n;
        done += n;
    }
    return done;
}

/*
 * 5.4.6.2: "The device MUST place one or more random bytes into the buffer": without
 * any, the request waits for the next period, or a second for the source.
 */
static void rng_request(VirtioDevice *virtio, Chain *chain)
{
    VirtioRng *rng = rng_of(&virtio->device);
    u64 now = clock_now(virtio->device.machine->clock);
    size_t room = chain_room(chain);

    refill_quota(rng, now);
    if (room && !fill(rng, chain)) {
        virtqueue_push_back(chain);
        retry_at(rng, rng->state.quota ? now + NS_PER_SEC : rng->state.period_end);
        return;
    }
    chain_done(chain);
}

static void rng_retry(void *opaque)
{
    VirtioRng *rng = opaque;

    rng->state.retry_at = 0;
    virtio_notify(&rng->virtio, 0);
}

/* ---- life ---- */

static bool rng_open(Device *dev, GError **err)
{
    VirtioRng *rng = rng_of(dev);
    const char *id = rng->config.rng;

    if (id && !(rng->source = rng_find(id))) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "rng: there is no object '%s'", id);
        return false;
    }
    rng->timer = timer_new(dev->machine->clock, rng_retry, rng);
    return true;
}

static void close_rng(Device *dev)
{
    timer_free(rng_of(dev)->timer);
}

static void reset_rng(Device *dev)
{
    retry_at(rng_of(dev), 0);
}

static bool rng_loaded(Device *dev, GError **err)
{
    VirtioRng *rng = rng_of(dev);

    if (rng->state.quota > rng->config.max_bytes) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "virtio-rng: quota is more than max-bytes");
        return false;
    }
    retry_at(rng, rng->state.retry_at);
    return true;
}

const VirtioType virtio_rng = {
    .device = {
        .name    = "virtio-rng",
        .help    = "random bytes from the host",
        .aliases = { "virtio-rng" },
        .bus     = VIRTIO_BUSES,
        .size    = sizeof(VirtioRng),
        .part    = {
            .name = "virtio-rng",
            DEVICE_CONFIG(VirtioRng, RngConfig), DEVICE_STATE(VirtioRng, RngState),
            .keeps = true, .reset = reset_rng, .loaded = rng_loaded,
        },
        .open    = rng_open,
        .close   = close_rng,
    },
    .id    = 4,
    .class = 0x00ff00,
    .queue = { { "requests", 8, rng_request } },
};
