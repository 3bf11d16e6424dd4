/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: a network interface of the host (Linux's tun driver).
 *
 * The driver takes and gives what is left to be done with a frame as we have it, in a
 * header before it, so long segments pass uncut both ways.  Each queue is a descriptor.
 * No script is run unless it is named.
 *
 * With vhost=on each queue has a descriptor of vhost-net, too.  A device that can gives
 * it its rings, and while it does nothing is read here.  Then the header is virtio's, 2
 * bytes longer than ours.
 *
 * Frames are read in the loop of the front's context, without its lock: the main thread
 * or an I/O thread.
 */

#include "net/tap.h"
#include "net/wake.h"

#include <errno.h>
#include <glib-unix.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static GMainContext *loop_of(const TapQueue *q)
{
    return io_loop(__atomic_load_n(&q->tap->nd.io, __ATOMIC_SEQ_CST));
}

static GSource *watch(TapQueue *q, GIOCondition condition, GUnixFDSourceFunc ready)
{
    GSource *source = g_unix_fd_source_new(q->fd, condition);

    g_source_set_callback(source, G_SOURCE_FUNC(ready), q, NULL);
    g_source_attach(source, loop_of(q));
    return source;
}

static void unwatch(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

/* ---- to the host ---- */

static void stop_waiting(TapQueue *q)
{
    pthread_mutex_lock(&q->tap->lock);
    unwatch(&q->out_watch);
    pthread_mutex_unlock(&q->tap->lock);
}

static gboolean room_again(gint fd, GIOCondition condition, gpointer opaque)
{
    TapQueue *q = opaque;

    (void)fd, (void)condition;
    stop_waiting(q);
    netdev_writable(&q->tap->nd, q->n);
    return G_SOURCE_REMOVE;
}

static void wait_for_room(TapQueue *q)
{
    pthread_mutex_lock(&q->tap->lock);
    if (!q->out_watch) {
        q->out_watch = watch(q, G_IO_OUT, room_again);
    }
    pthread_mutex_unlock(&q->tap->lock);
}

/* A frame in more pieces than the kernel takes: no driver sends such. */
bool tap_send(Netdev *nd, unsigned queue, const NetFrame *frame)
{
    TapQueue *q = &tap_of(nd)->queue[queue];
    bool headers = tap_of(nd)->headers;
    struct iovec iov[IOV_MAX];
    ssize_t done;

    if (frame->n >= IOV_MAX || !q->attached) {
        return true;
    }
    iov[0] = (struct iovec){ (void *)&frame->todo, sizeof frame->todo };
    memcpy(iov + 1, frame->iov, frame->n * sizeof *iov);
    do {
        done = writev(q->fd, headers ? iov : iov + 1, frame->n + headers);
    } while (done < 0 && errno == EINTR);
    if (done < 0 && errno == EAGAIN) {
        wait_for_room(q);
        return false;
    }
    return true;
}

/* ---- from the host ---- */

/* Reads frames while there is room for the longest. */
static bool read_frames(TapQueue *q)
{
    unsigned head = q->tap->headers ? sizeof(NetOffload) : 0;
    size_t used = 0;
    ssize_t n = 0;

    q->first = q->count = 0;
    while (q->count < TAP_BATCH && used + head + NET_FRAME_MAX <= TAP_BUFFER_BYTES) {
        u8 *at = q->bytes + used;
        NetFrame *frame = &q->frame[q->count];

        n = read(q->fd, at, head + NET_FRAME_MAX);
        if (n < 0) {
            break;
        }
        if (n <= (ssize_t)head) {
            continue;
        }
        q->iov[q->count] = (struct iovec){ at + head, n - head };
        *frame = (NetFrame){ .iov = &q->iov[q->count], .n = 1, .bytes = n - head };
        memcpy(&frame->todo, at, head);
        used += (n + 15) & ~15;
        q->count++;
    }
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static bool deliver(TapQueue *q)
{
    q->first += netdev_deliver(&q->tap->nd, q->n, q->frame + q->first,
                               q->count - q->first);
    return q->first == q->count;
}

static gboolean readable(gint fd, GIOCondition condition, gpointer opaque)
{
    TapQueue *q = opaque;
    bool good = read_frames(q);

    (void)fd, (void)condition;
    if ((q->count && !deliver(q)) || !good) {
        unwatch(&q->in_watch);      /* until resume; or the interface has gone */
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void deliver_again(void *opaque)
{
    TapQueue *q = opaque;

    if (!q->in_watch && q->fd >= 0 && !q->tap->carried && deliver(q)) {
        q->in_watch = watch(q, G_IO_IN, readable);
    }
}

void tap_resume(Netdev *nd, unsigned queue)
{
    net_wake(tap_of(nd)->queue[queue].again);
}

/* ---- what the front takes ---- */

static void attach(TapQueue *q, bool on)
{
    struct ifreq request = { .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

    if (q->attached != on && ioctl(q->fd, TUNSETQUEUE, &request) == 0) {
        q->attached = on;
    }
}

void tap_changed(Netdev *nd)
{
    Tap *tap = tap_of(nd);
    u32 takes = netdev_front_takes(nd);
    unsigned flags = 0;

    if (takes & NET_CSUM) {
        flags = TUN_F_CSUM | (takes & NET_TSO4 ? TUN_F_TSO4 : 0) |
                (takes & NET_TSO6 ? TUN_F_TSO6 : 0) |
                (takes & NET_ECN && takes & (NET_TSO4 | NET_TSO6) ? TUN_F_TSO_ECN : 0);
    }
    if (tap->headers && tap->queue[0].fd >= 0) {
        ioctl(tap->queue[0].fd, TUNSETOFFLOAD, flags);
    }
    for (unsigned i = 0; nd->queues > 1 && i < nd->queues; i++) {
        attach(&tap->queue[i], i < nd->front_queues);
    }
}

/* ---- vhost ---- */

bool tap_vhost(Netdev *nd, unsigned queue, int *vhost, int *interface)
{
    TapQueue *q = &tap_of(nd)->queue[queue];

    *vhost = q->vhost;
    *interface = q->fd;
    return q->vhost >= 0;
}

void tap_vhost_carries(Netdev *nd, bool on)
{
    Tap *tap = tap_of(nd);
    int header = sizeof(NetOffload) + (on ? sizeof(u16) : 0);

    tap->carried = on;
    for (unsigned i = 0; i < nd->queues; i++) {
        TapQueue *q = &tap->queue[i];

        ioctl(q->fd, TUNSETVNETHDRSZ, &header);
        if (on) {
            unwatch(&q->in_watch);
        } else {
            net_wake(q->again);
        }
    }
}

/* ---- the kind ---- */

static void end_work(void *opaque)
{
    Tap *tap = opaque;

    for (TapQueue *q = tap->queue; q < tap->queue + NET_QUEUES_MAX && q->tap; q++) {
        unwatch(&q->in_watch);
        stop_waiting(q);
        net_wake_free(q->again);
        q->again = NULL;
    }
}

static void begin_work(void *opaque)
{
    Tap *tap = opaque;

    for (TapQueue *q = tap->queue; q < tap->queue + NET_QUEUES_MAX && q->tap; q++) {
        q->again = net_wake_new(loop_of(q), deliver_again, q);
        net_wake(q->again);
    }
}

void tap_work(Netdev *nd, bool on)
{
    io_run(nd->io, on ? begin_work : end_work, tap_of(nd));
}

void tap_print(Netdev *nd, GString *out)
{
    g_string_append_printf(out, "ifname=%s,queues=%u%s", tap_of(nd)->name, nd->queues,
                           tap_of(nd)->vhost ? ",vhost=on" : "");
}

const NetKind net_tap = {
    TAP_KIND,
    .name = "tap",
    .help = "a network interface of the host",
    .config = tap_options, .config_at = offsetof(Tap, config),
    .open = tap_open,
};
