/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-9p: a shared folder (virtio 1.2 reserves the device number 9; what it is, is
 * told by Linux's driver: one queue, a 9P message and room for its reply in a chain,
 * and a tag by which the guest finds it).
 *
 * The server is fsdev/p9.h.  File operations can take long, so the queue is served on a
 * thread of the device's own; `thread=off` is the main loop, under the machine lock.
 */

#include "hw/virtio/devices.h"

#include "fsdev/p9.h"

#include <string.h>

enum { F_MOUNT_TAG = 1 << 0, TAG_MOST = 32, QUEUE_SIZE = 128 };

PROPS(NineConfig,
    (str,  fsdev,     "the shared folder", .required = true),
    (str,  mount_tag, "the name by which the guest mounts it", .required = true,
           .max = TAG_MOST),
    (bool, thread,    "a thread of its own for files; needs ioeventfd", .def = 1));

STATE(NineState,
    (u32, message_most, "bytes of the longest message that was agreed on",
          .max = P9_MESSAGE_MOST));

typedef struct {
    u8 bytes[2];                    /* of the tag */
    char tag[TAG_MOST];
} NineSpace;

typedef struct {
    VirtioDevice virtio;
    NineConfig config;
    NineState state;
    P9 *server;
    IoContext *thread;              /* NULL: the main loop */
    u8 *message, *reply;
} Nine;

static Nine *nine_of(Device *dev)
{
    return container_of(dev, Nine, virtio.device);
}

static void nine_request(VirtioDevice *virtio, Chain *chain)
{
    Nine *nine = nine_of(&virtio->device);
    size_t n = MIN(chain_left(chain), P9_MESSAGE_MOST);
    size_t room = MIN(chain_room(chain), P9_MESSAGE_MOST), used;

    if (!chain_get(chain, nine->message, n)) {
        chain_done(chain);
        return;
    }
    used = p9_serve(nine->server, nine->message, n, nine->reply, room);
    nine->state.message_most = p9_message_most(nine->server);
    if (used) {
        chain_put(chain, nine->reply, used);
    } else {
        chain_fault(chain, "9p: no message, or no room for a reply");
    }
    chain_done(chain);
}

static void nine_config_get(VirtioDevice *virtio, u8 *bytes)
{
    const char *tag = nine_of(&virtio->device)->config.mount_tag;
    NineSpace space = { { strlen(tag), 0 }, "" };

    memcpy(space.tag, tag, strlen(tag));
    memcpy(bytes, &space, sizeof space);
}

/* ---- state ---- */

static void reset_nine(Device *dev)
{
    Nine *nine = nine_of(dev);
    bool took = io_enter(nine->virtio.io);

    p9_reset(nine->server);
    io_leave(nine->virtio.io, took);
}

static void nine_save(Device *dev, GByteArray *out)
{
    Nine *nine = nine_of(dev);
    bool took = io_enter(nine->virtio.io);

    p9_save(nine->server, out);
    io_leave(nine->virtio.io, took);
}

static bool nine_load(Device *dev, const u8 *data, size_t n, GError **err)
{
    Nine *nine = nine_of(dev);
    bool took = io_enter(nine->virtio.io), good = p9_load(nine->server, data, n, err);

    p9_agree(nine->server, nine->state.message_most);
    io_leave(nine->virtio.io, took);
    return good;
}

/* ---- life ---- */

static bool nine_open(Device *dev, GError **err)
{
    Nine *nine = nine_of(dev);
    Share *share = share_find(nine->config.fsdev, err);

    if (!share || (nine->config.thread &&
                   !(nine->thread = io_thread_new(dev->path, err)))) {
        return false;
    }
    virtio_set_context(&nine->virtio, nine->thread ? nine->thread : io_main());
    nine->server = p9_new(share);
    nine->message = g_malloc(P9_MESSAGE_MOST);
    nine->reply = g_malloc(P9_MESSAGE_MOST);
    return true;
}

static void close_nine(Device *dev)
{
    Nine *nine = nine_of(dev);

    g_clear_pointer(&nine->thread, io_thread_free);
    p9_free(nine->server);
    g_free(nine->message);
    g_free(nine->reply);
}

const VirtioType virtio_9p = {
    .device = {
        .name    = "virtio-9p",
        .help    = "a shared folder",
        .aliases = { "virtio-9p" },
        .bus     = VIRTIO_BUSES,
        .size    = sizeof(Nine),
        .part    = {
            .name = "virtio-9p",
            DEVICE_CONFIG(Nine, NineConfig), DEVICE_STATE(Nine, NineState),
            .reset = reset_nine, .save_more = nine_save, .load_more = nine_load,
        },
        .open    = nine_open,
        .close   = close_nine,
    },
    .id          = 9,
    .class       = 0x000200,
    .features    = F_MOUNT_TAG,
    .queue       = { { "requests", QUEUE_SIZE, nine_request } },
    .config_size = sizeof(NineSpace),
    .config_get  = nine_config_get,
    .doorbells   = true,
};
