/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: a network interface of the host (Linux's tun driver).
 *
 * The driver takes and gives what is left to be done with a frame as we have it, in a
 * header before it, so long segments pass uncut both ways.  Each queue is a descriptor.
 * No script is run unless it is named.  vhost-net is not used.
 */

#include "net/kinds.h"
#include "net/stream.h"
#include "net/wake.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 << 10, BATCH = 64 };

PROPS(TapConfig, NETDEV_ROWS,
    (str,  ifname,  "name of the interface; without it the host chooses", .max = 15),
    (u32,  queues,  "pairs of queues", .def = 1, .min = 1, .max = NET_QUEUES_MAX),
    (str,  fd,      "number of a tap descriptor that is open already"),
    (str,  fds,     "several of them, with ':' between: one for each pair of queues"),
    (str,  script,  "program that sets the interface up; 'no': none [no]"),
    (str,  downscript, "program that takes it down [no]"),
    (bool, vnet_hdr, "long segments and unfinished checksums", .def = true),
    (u64,  sndbuf,  "bytes under way to the host at most; 0: any", .is_size = true),
    (bool, vhost,   "packets are carried by the host's kernel"),
    (bool, vhostforce, "the same"));

typedef struct Tap Tap;

typedef struct {
    Tap *tap;
    unsigned n;
    int fd;                         /* -1: none */
    bool attached;
    guint in_watch;
    guint out_watch;                /* with the lock */
    GSource *again;
    u8 *bytes;
    NetFrame frame[BATCH];          /* to be delivered: from `first` to `count` */
    struct iovec iov[BATCH];
    unsigned first, count;
} TapQueue;

struct Tap {
    Netdev nd;
    TapConfig config;
    char name[IFNAMSIZ];
    bool headers;                   /* before each frame */
    pthread_mutex_t lock;           /* over out_watch */
    TapQueue queue[NET_QUEUES_MAX];
};

static Tap *tap_of(Netdev *nd)
{
    return container_of(nd, Tap, nd);
}

/* ---- to the host ---- */

static gboolean room_again(gint fd, GIOCondition condition, gpointer opaque)
{
    TapQueue *q = opaque;

    (void)fd, (void)condition;
    pthread_mutex_lock(&q->tap->lock);
    q->out_watch = 0;
    pthread_mutex_unlock(&q->tap->lock);
    netdev_writable(&q->tap->nd, q->n);
    return G_SOURCE_REMOVE;
}

static void wait_for_room(TapQueue *q)
{
    pthread_mutex_lock(&q->tap->lock);
    if (!q->out_watch) {
        q->out_watch = g_unix_fd_add(q->fd, G_IO_OUT, room_again, q);
    }
    pthread_mutex_unlock(&q->tap->lock);
}

/* A frame in more pieces than the kernel takes: no driver sends such. */
static bool tap_send(Netdev *nd, unsigned queue, const NetFrame *frame)
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
    while (q->count < BATCH && used + head + NET_FRAME_MAX <= BUFFER_BYTES) {
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
        q->in_watch = 0;            /* until resume; or the interface has gone */
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void deliver_again(void *opaque)
{
    TapQueue *q = opaque;

    if (!q->in_watch && q->fd >= 0 && deliver(q)) {
        q->in_watch = g_unix_fd_add(q->fd, G_IO_IN, readable, q);
    }
}

static void tap_resume(Netdev *nd, unsigned queue)
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

static void tap_changed(Netdev *nd)
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

/* ---- opening ---- */

static bool take_queue(Tap *tap, unsigned n, int fd, GError **err)
{
    TapQueue *q = &tap->queue[n];
    struct ifreq got = { 0 };
    int header = sizeof(NetOffload), sndbuf;

    *q = (TapQueue){ .tap = tap, .n = n, .fd = fd, .attached = true };
    if (ioctl(fd, TUNGETIFF, &got) < 0) {
        return net_refuse_errno(err, "fd %d is not that of a tap device", fd);
    }
    if (!(got.ifr_flags & IFF_TAP) || !(got.ifr_flags & IFF_NO_PI)) {
        return net_refuse(err, "fd %d is a tun device, or one that prefixes frames",
                          fd);
    }
    memcpy(tap->name, got.ifr_name, sizeof tap->name);
    tap->headers = got.ifr_flags & IFF_VNET_HDR;
    if (tap->headers && ioctl(fd, TUNSETVNETHDRSZ, &header) < 0) {
        return net_refuse_errno(err, "the tap device's header can't be set");
    }
    sndbuf = tap->config.sndbuf ? MIN(tap->config.sndbuf, INT_MAX) : INT_MAX;
    ioctl(fd, TUNSETSNDBUF, &sndbuf);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    q->bytes = g_malloc(BUFFER_BYTES);
    q->again = net_wake_new(deliver_again, q);
    q->in_watch = g_unix_fd_add(fd, G_IO_IN, readable, q);
    return true;
}

static bool make_queue(Tap *tap, unsigned n, GError **err)
{
    const TapConfig *c = &tap->config;
    const char *name = *tap->name ? tap->name : c->ifname ? c->ifname : "tap%d";
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct ifreq request = { 0 };

    if (fd < 0) {
        return net_refuse_errno(err, "cannot open /dev/net/tun");
    }
    request.ifr_flags = IFF_TAP | IFF_NO_PI | (c->vnet_hdr ? IFF_VNET_HDR : 0) |
                        (c->queues > 1 ? IFF_MULTI_QUEUE : 0);
    g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        net_refuse_errno(err, "could not configure /dev/net/tun (%s)", name);
        close(fd);
        return false;
    }
    return take_queue(tap, n, fd, err);
}

static bool take_fds(Tap *tap, GError **err)
{
    const TapConfig *c = &tap->config;
    g_auto(GStrv) fds = g_strsplit(c->fds ? c->fds : c->fd, ":", -1);
    unsigned n = g_strv_length(fds);
    int fd;

    if (n > NET_QUEUES_MAX || n == 0) {
        return net_refuse(err, "fds: there may be 1 to %d", NET_QUEUES_MAX);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!net_take_fd(fds[i], &fd, NULL, err) || !take_queue(tap, i, fd, err)) {
            return false;
        }
    }
    tap->nd.queues = n;
    return true;
}

/* "PROGRAM IFNAME"; it must succeed. */
static bool run_script(const char *script, const char *ifname, GError **err)
{
    char *argv[] = { (char *)script, (char *)ifname, NULL };
    int status;

    if (!script || !*script || strcmp(script, "no") == 0) {
        return true;
    }
    return g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                        &status, err) &&
           (status == 0 || net_refuse(err, "script %s failed with status %d", script,
                                      status >> 8));
}

static bool tap_check(const TapConfig *c, GError **err)
{
    if ((c->fd || c->fds) && (c->ifname || c->script || c->downscript)) {
        return net_refuse(err, "ifname=, script= and downscript= are invalid with fd= "
                          "and fds=");
    }
    if (c->fd && c->fds) {
        return net_refuse(err, "fd= and fds= exclude each other");
    }
    if ((c->vhost || c->vhostforce) && access("/dev/vhost-net", R_OK | W_OK) < 0) {
        return net_refuse_errno(err, "vhost=on: cannot open /dev/vhost-net");
    }
    if (c->vhost || c->vhostforce) {
        info_user("-netdev tap,id=%s: vhost=on is not there yet; it goes without",
                  c->id);
    }
    return true;
}

static bool tap_open(Netdev *nd, GError **err)
{
    Tap *tap = tap_of(nd);
    const TapConfig *c = &tap->config;

    pthread_mutex_init(&tap->lock, NULL);
    for (unsigned i = 0; i < NET_QUEUES_MAX; i++) {
        tap->queue[i].fd = -1;
    }
    if (!tap_check(c, err)) {
        return false;
    }
    if (c->fd || c->fds) {
        if (!take_fds(tap, err)) {
            return false;
        }
    } else {
        for (unsigned i = 0; i < c->queues; i++) {
            if (!make_queue(tap, i, err)) {
                return false;
            }
        }
        nd->queues = c->queues;
    }
    nd->takes = tap->headers ? NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN : 0;
    tap_changed(nd);
    return run_script(c->script, tap->name, err);
}

static void close_queue(TapQueue *q)
{
    if (q->in_watch) {
        g_source_remove(q->in_watch);
    }
    if (q->out_watch) {
        g_source_remove(q->out_watch);
    }
    net_wake_free(q->again);
    if (q->fd >= 0) {
        close(q->fd);
    }
    g_free(q->bytes);
}

static void tap_close(Netdev *nd)
{
    Tap *tap = tap_of(nd);

    if (*tap->name) {
        g_autoptr(GError) err = NULL;

        if (!run_script(tap->config.downscript, tap->name, &err)) {
            warn_user("netdev '%s': %s", tap->config.id, err->message);
        }
    }
    for (unsigned i = 0; i < NET_QUEUES_MAX; i++) {
        if (tap->queue[i].tap) {
            close_queue(&tap->queue[i]);
        }
    }
    pthread_mutex_destroy(&tap->lock);
}

static void tap_print(Netdev *nd, GString *out)
{
    g_string_append_printf(out, "ifname=%s,queues=%u", tap_of(nd)->name, nd->queues);
}

const NetKind net_tap = {
    .name = "tap",
    .help = "a network interface of the host",
    NETDEV_CONFIG(Tap, TapConfig),
    .open = tap_open, .close = tap_close, .send = tap_send, .resume = tap_resume,
    .changed = tap_changed, .print = tap_print,
};
