/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ringbuf: keeps the newest bytes of the output in memory, to be read by the monitor.
 *
 * ringbuf_put runs on whichever thread drains the output, under out.drain_lock; the
 * rest on the main thread.
 */

#include "chardev/kinds.h"

#include <inttypes.h>

PROPS(RingbufConfig, CHARDEV_ROWS,
    (u64, size, "bytes kept", .is_size = true, .def = 64 * KiB, .min = 1, .max = GiB));

typedef struct {
    Chardev chr;
    RingbufConfig config;
    u8 *bytes;
    u64 in, out;                /* free-running */
} Ringbuf;

static void ringbuf_put(void *opaque, const u8 *bytes, size_t n)
{
    Ringbuf *ring = opaque;
    u64 size = ring->config.size;

    for (size_t i = 0; i < n; i++) {
        ring->bytes[ring->in++ % size] = bytes[i];
    }
    if (ring->in - ring->out > size) {
        ring->out = ring->in - size;
    }
}

bool chardev_ringbuf_read(Chardev *chr, u8 *bytes, size_t n, size_t *got, GError **err)
{
    Ringbuf *ring = container_of(chr, Ringbuf, chr);

    if (chr->kind != &chardev_ringbuf) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "chardev '%s' is not a ringbuf", chardev_id(chr));
        return false;
    }
    output_drain(&chr->out);
    pthread_mutex_lock(&chr->out.drain_lock);
    for (*got = 0; *got < n && ring->out < ring->in; ++*got) {
        bytes[*got] = ring->bytes[ring->out++ % ring->config.size];
    }
    pthread_mutex_unlock(&chr->out.drain_lock);
    return true;
}

static bool ringbuf_open(Chardev *chr, GError **err)
{
    Ringbuf *ring = container_of(chr, Ringbuf, chr);

    ring->bytes = g_try_malloc(ring->config.size);
    if (!ring->bytes) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOMEM, "no memory for %" PRIu64
                    " bytes", ring->config.size);
        return false;
    }
    backend_connect(chr, -1, -1, false);
    output_to_sink(&chr->out, ringbuf_put, ring);
    return true;
}

static void ringbuf_close(Chardev *chr)
{
    g_free(container_of(chr, Ringbuf, chr)->bytes);
}

const ChardevKind chardev_ringbuf = {
    .name = "ringbuf",
    .help = "the newest bytes of the output, in memory",
    .alias = "memory",
    .open = ringbuf_open,
    .close = ringbuf_close,
    CHARDEV_CONFIG(Ringbuf, RingbufConfig),
};
