/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net: a network card (virtio 1.2, section 5.1).
 *
 * Packets go between the queues and a front of a network back end (net/net.h), with
 * the virtio-net header's checksum and segmentation offloads, over as many buffers as
 * a packet needs (5.1.6.4), on up to 16 pairs of queues.  The control queue and the
 * receive filter are in net_control.c, options and features in net_options.c.  Not
 * offered: UFO, RSS, hash reports, standby.
 *
 * Queues are served in the loop of the device's context, the main one or an I/O
 * thread's, so that what a driver sends while packets go out goes with them: fewer
 * notifications, fewer interrupts.  Under that context's lock.
 */

#include "hw/pci/pci.h"
#include "hw/virtio/devices.h"
#include "hw/virtio/net.h"

#include "base/log.h"

#include <string.h>

enum {
    HEADER_BYTES = 12, STATUS_LINK_UP = 1, STATUS_ANNOUNCE = 2,
    RECEIVE = 0, SEND = 1, CONTROL = 2,
    AT_MAC = 0, AT_STATUS = 6, AT_PAIRS = 8, AT_MTU = 10, AT_SPEED = 12, AT_DUPLEX = 16,
    CONFIG_BYTES = 17,
};

static const Field NetState_fields[] = STATE_ROWS(NetState, NET_STATE_ROWS);

/* ---- to the back end ---- */

static void started(VirtioDevice *virtio)
{
    virtio_net_update(net_of(virtio));
    virtio_net_vhost_start(net_of(virtio));
}

static void resumed(VirtioDevice *virtio)
{
    virtio_net_vhost_start(net_of(virtio));
}

/* Nothing is out here, and nothing is the kernel's from here on. */
static void stop(VirtioDevice *virtio)
{
    virtio_net_vhost_stop(net_of(virtio));
}

/* 5.1.6.2.  The copy of the header is judged by net_send. */
static void send_packet(VirtioNet *net, Chain *chain, unsigned pair)
{
    struct iovec iov[VIRTQ_SIZE_MAX];
    NetFrame frame = { .iov = iov, .n = VIRTQ_SIZE_MAX };
    u8 header[HEADER_BYTES];

    if (!chain_get(chain, header, sizeof header)) {
        chain_fault(chain, "5.1.6.2: no header");
        chain_done(chain);
        return;
    }
    memcpy(&frame.todo, header, sizeof frame.todo);
    frame.bytes = chain_left(chain);
    if (frame.bytes >= NET_HEADER_BYTES && frame.bytes <= NET_FRAME_MAX &&
        chain_span_out(chain, frame.bytes, iov, &frame.n) &&
        !net_send(net->front, pair, &frame)) {
        virtqueue_push_back(chain);     /* net_writable serves it again */
        return;
    }
    chain_done(chain);
}

static void net_writable(void *opaque, unsigned pair)
{
    VirtioNet *net = opaque;

    virtio_notify(&net->virtio, 2 * pair + SEND);
}

/* ---- from the back end ---- */

typedef struct {
    Chain *chain[VIRTQ_SIZE_MAX];
    unsigned n;
    size_t room;
} Buffers;

/* Takes buffers until there is room for `need` bytes. */
static bool take_buffers(VirtioNet *net, Virtqueue *queue, size_t need, Buffers *b)
{
    unsigned most = virtio_has(&net->virtio, NET_F_MRG_RXBUF) ? VIRTQ_SIZE_MAX : 1;
    bool asked = false;

    *b = (Buffers){ .n = 0 };
    while (b->room < need && b->n < most) {
        Chain *chain = virtqueue_pop(queue);

        if (chain) {
            b->room += chain_room(chain);
            b->chain[b->n++] = chain;
        } else if (asked) {
            break;
        } else {
            virtqueue_ask_for_kick(queue);
            asked = true;
        }
    }
    return b->room >= need;
}

/* The last first. */
static void give_back(Buffers *b)
{
    while (b->n) {
        virtqueue_push_back(b->chain[--b->n]);
    }
}

/* The header, then the frame, over the buffers. */
static void fill(Buffers *b, const NetOffload *todo, const NetFrame *frame)
{
    struct { NetOffload todo; u16 buffers; } header = { *todo, GUINT16_TO_LE(b->n) };
    unsigned i = 0;

    _Static_assert(sizeof header == HEADER_BYTES, "5.1.6");
    chain_put(b->chain[0], &header, sizeof header);
    for (unsigned part = 0; part < frame->n; part++) {
        const u8 *at = frame->iov[part].iov_base;
        size_t left = frame->iov[part].iov_len;

        while (left && i < b->n) {
            size_t n = MIN(left, chain_room(b->chain[i]));

            chain_put(b->chain[i], at, n);
            at += n;
            left -= n;
            i += left != 0;
        }
    }
}

/*
 * 5.1.6.4: "If VIRTIO_NET_F_MRG_RXBUF was not negotiated [...] the device MUST use
 * exactly one buffer".  A packet that does not fit into that is lost.
 */
static bool put_packet(VirtioNet *net, Virtqueue *queue, const NetFrame *frame)
{
    bool checks = virtio_has(&net->virtio, NET_F_GUEST_CSUM);
    NetOffload todo = frame->todo;
    Buffers b;

    if (!take_buffers(net, queue, HEADER_BYTES + frame->bytes, &b)) {
        bool lost = b.n && !virtio_has(&net->virtio, NET_F_MRG_RXBUF);

        give_back(&b);
        return lost || (net->virtio.state.status & VIRTIO_NEEDS_RESET);
    }
    if (chain_room(b.chain[0]) < HEADER_BYTES) {
        chain_fault(b.chain[0], "5.1.6.3.1: a buffer without room for the header");
    } else {
        todo.flags &= checks ? NET_NEEDS_CSUM | NET_DATA_VALID : 0;
        fill(&b, &todo, frame);
    }
    chains_done(b.chain, b.n);
    return true;
}

/* A driver that is not there receives nothing, and nothing waits for it. */
static bool net_receive(void *opaque, unsigned pair, const NetFrame *frame)
{
    VirtioNet *net = opaque;
    VirtioDevice *virtio = &net->virtio;
    unsigned n = 2 * (pair % net->state.pairs) + RECEIVE;
    u8 head[18] = { 0 };

    if (!(virtio->state.status & VIRTIO_DRIVER_OK) || !virtio->queues.enabled[n]) {
        return true;
    }
    net_frame_copy(frame, head, sizeof head);
    return !virtio_net_wants(net, head) ||
           put_packet(net, virtio_queue(virtio, n), frame);
}

/* ---- queues ---- */

/*
 * 5.1.2: receive and send queues in pairs, and the control queue behind them; without
 * VIRTIO_NET_F_MQ behind the first pair.
 */
static void net_request(VirtioDevice *virtio, Chain *chain)
{
    VirtioNet *net = net_of(virtio);
    unsigned n = virtqueue_number(chain_queue(chain));
    unsigned pairs = virtio_has(virtio, NET_F_MQ) ? net->pairs : 1;

    if (n == 2 * pairs && virtio_has(virtio, NET_F_CTRL_VQ)) {
        virtio_net_control(net, chain);
    } else if (n < 2 * pairs && n % 2 == SEND) {
        send_packet(net, chain, n / 2);
    } else {
        virtqueue_push_back(chain);     /* to receive into: taken when a packet comes */
        for (n /= 2; n < pairs && n < net_queues(net->front); n += net->state.pairs) {
            net_resume(net->front, n);
        }
    }
}

static const VirtioQueueType
    receive_queue = { "receive", 256, net_request },
    send_queue = { "send", 256, net_request },
    control_queue = { "control", 64, net_request };

static void add_queues(VirtioNet *net)
{
    for (unsigned i = 0; i < net->pairs; i++) {
        virtio_add_queue(&net->virtio, &receive_queue, net->config.rx_queue_size);
        virtio_add_queue(&net->virtio, &send_queue, net->config.tx_queue_size);
    }
    virtio_add_queue(&net->virtio, &control_queue, 0);
}

/* ---- configuration space (5.1.4) ---- */

static void put_le(u8 *at, u64 value, unsigned n)
{
    value = GUINT64_TO_LE(value);
    memcpy(at, &value, n);
}

static void net_config_get(VirtioDevice *virtio, u8 *bytes)
{
    VirtioNet *net = net_of(virtio);

    memcpy(bytes + AT_MAC, net->state.mac, 6);
    put_le(bytes + AT_STATUS, (net_link_up(net->front) ? STATUS_LINK_UP : 0) |
                              (net->state.announce ? STATUS_ANNOUNCE : 0), 2);
    put_le(bytes + AT_PAIRS, net->pairs, 2);
    put_le(bytes + AT_MTU, net->config.host_mtu, 2);
    put_le(bytes + AT_SPEED, net->config.speed, 4);
    bytes[AT_DUPLEX] = net->config.duplex;
}

/* Whoever calls these has the context's lock. */
static void net_link_changed(void *opaque)
{
    VirtioNet *net = opaque;

    virtio_net_vhost_stop(net);
    virtio_net_vhost_start(net);
    virtio_config_changed(&net->virtio);
}

static void net_announce_wanted(void *opaque)
{
    VirtioNet *net = opaque;

    if (virtio_has(&net->virtio, NET_F_GUEST_ANNOUNCE)) {
        net->state.announce = 1;
        virtio_config_changed(&net->virtio);
    }
}

/* ---- life ---- */

static const NetFrontOps front_ops = {
    .receive = net_receive, .writable = net_writable, .link_changed = net_link_changed,
    .announce = net_announce_wanted,
};

static bool net_open(Device *dev, GError **err)
{
    VirtioNet *net = container_of(dev, VirtioNet, virtio.device);
    IoContext *io = io_main();
    g_autofree char *name = dev->id ? g_strdup(dev->id)
                            : g_strdup_printf("virtio-net-pci.%s",
                                              dev->path + strlen(dev->type->name));

    if (net->config.iothread && !(io = io_find(net->config.iothread, err))) {
        return false;
    }
    virtio_net_choose_mac(net);
    net->front = net_attach(net->config.netdev, name, "virtio-net-pci", net->config.mac,
                            &front_ops, net, err);
    if (!net->front) {
        return false;
    }
    net_set_context(net->front, io);
    virtio_set_context(&net->virtio, io);
    net->pairs = net->config.mq ? net_queues(net->front) : 1;
    net->virtio.features = virtio_net_offered(net);
    add_queues(net);
    return virtio_net_vhost_open(net, err);
}

static void close_net(Device *dev)
{
    net_detach(container_of(dev, VirtioNet, virtio.device)->front);
}

/* 5.1.5: a driver that does not choose receives everything. */
static void reset_net(Device *dev)
{
    VirtioNet *net = container_of(dev, VirtioNet, virtio.device);
    bool took = io_enter(net->virtio.io);

    memcpy(net->state.mac, net->config.mac, 6);
    net->state.pairs = 1;
    net->state.promisc = 1;
    virtio_net_update(net);
    io_leave(net->virtio.io, took);
}

static bool net_loaded(Device *dev, GError **err)
{
    VirtioNet *net = container_of(dev, VirtioNet, virtio.device);
    const NetState *s = &net->state;

    if (s->n_uni + s->n_multi > NET_TABLE || s->pairs > net->pairs ||
        (s->refused & ~NET_GUEST_OFFLOADS)) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "virtio-net: more addresses, queues or offloads than there are");
        return false;
    }
    return true;
}

static char *net_boot_path(Device *dev, u32 *bootindex)
{
    g_autofree char *pci = pci_boot_path(pci_device(dev), "ethernet");

    *bootindex = container_of(dev, VirtioNet, virtio.device)->config.bootindex;
    return g_strconcat(pci, "/ethernet-phy@0", NULL);
}

const VirtioType virtio_net = {
    .device = {
        .name    = "virtio-net",
        .help    = "a network card",
        .aliases = { "virtio-net" },
        .bus     = VIRTIO_BUSES,
        .size    = sizeof(VirtioNet),
        .part    = {
            .name = "virtio-net",
            .config = virtio_net_options, .config_at = offsetof(VirtioNet, config),
            DEVICE_STATE(VirtioNet, NetState),
            .reset = reset_net, .loaded = net_loaded,
        },
        .check   = virtio_net_check,
        .open    = net_open,
        .close   = close_net,
        .boot_path = net_boot_path,
    },
    .id          = 1,
    .class       = 0x020000,
    .config_size = CONFIG_BYTES,
    .config_get  = net_config_get,
    .started     = started,
    .resumed     = resumed,
    .paused      = stop,
    .stop        = stop,
    .doorbells   = true,
};
