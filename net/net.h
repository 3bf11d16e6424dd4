/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks: what carries a guest's Ethernet frames.
 *
 * A Netdev is a named back end (-netdev KIND,id=ID,...).  A device model attaches to it
 * as a NetFront; one front per back end.
 *
 *     device                          net.c                       back end
 *     net_send()     ---> filters ---> fit to what it takes ---> kind->send
 *     ops->receive   <--- fit to what it takes <--- filters <--- netdev_deliver()
 *
 * A frame is an Ethernet frame (no FCS) and what its sender left to be done: a checksum
 * to be filled in, a TCP segment of up to 64 KiB to be cut (virtio 1.2, 5.1.6).  Each
 * side says which of that it takes (NET_...); what it does not take is done here, in
 * software (offload.h).
 *
 * Nobody waits.  A side that has no room says so, and says when it has room again:
 *
 *     net_send() is false        ...  netdev_writable() -> ops->writable: send again
 *     netdev_deliver() is short  ...  net_resume()      -> kind->resume: deliver again
 *
 * Threads: a front sends and is called under its lock, which is the machine lock unless
 * it works in an I/O thread (net_set_context).  A kind's send and
 * resume are called from any thread; its own work is on the main loop, on a thread of
 * its own or (tap) on the front's I/O thread, without the machine lock.  Making,
 * finding and freeing: the main thread.
 */

#ifndef NET_NET_H
#define NET_NET_H

#include "base/clock.h"
#include "base/io.h"
#include <sys/uio.h>

typedef struct Netdev Netdev;
typedef struct NetFront NetFront;

enum {
    NET_HEADER_BYTES = 14,              /* of Ethernet */
    /* header, two VLAN tags, and the longest IP packet */
    NET_FRAME_MAX = NET_HEADER_BYTES + 8 + 65535,
    NET_MTU = 1500,                     /* of a link that says nothing else */
    NET_QUEUES_MAX = 16,                /* pairs */
};

/*
 * What is left to be done: the virtio-net header without its count of buffers, as the
 * host's tap devices have it, too.
 */
typedef struct {
    u8 flags, gso;
    u16 header_bytes;               /* a hint only */
    u16 gso_bytes;                  /* TCP payload of each segment */
    u16 csum_start, csum_offset;
} NetOffload;

enum { NET_NEEDS_CSUM = 1, NET_DATA_VALID = 2 };                    /* .flags */
enum { NET_GSO_NONE = 0, NET_GSO_TCP4 = 1, NET_GSO_TCP6 = 4, NET_GSO_ECN = 0x80 };

/* What a side takes undone. */
enum {
    NET_CSUM = 1 << 0,
    NET_TSO4 = 1 << 1,              /* these imply NET_CSUM */
    NET_TSO6 = 1 << 2,
    NET_ECN = 1 << 3,
    NET_WHOLE = 1 << 4,             /* a link without MTU: long frames as they are */
};

typedef struct {
    NetOffload todo;
    const struct iovec *iov;        /* host memory; the guest may change it any time */
    unsigned n;
    size_t bytes;                   /* all of iov: NET_HEADER_BYTES to NET_FRAME_MAX */
} NetFrame;

/* ---- fronts: devices ---- */

typedef struct {
    /* False: no room; the device calls net_resume when there is. */
    bool (*receive)(void *opaque, unsigned queue, const NetFrame *frame);
    void (*writable)(void *opaque, unsigned queue);
    void (*link_changed)(void *opaque);
    void (*announce)(void *opaque);     /* tell the link who is here; may be NULL */
} NetFrontOps;

/*
 * A front called `name` (what set_link knows it by) on the back end `id`; NULL: on
 * none, what it sends is gone.  Fails if there is no such back end, or it is taken.
 */
NetFront *net_attach(const char *id, const char *name, const char *model,
                     const u8 *mac, const NetFrontOps *ops, void *opaque,
                     GError **err) must_check;
/* Before the machine starts: its calls come and go under this context's lock. */
void net_set_context(NetFront *front, IoContext *io);
void net_detach(NetFront *front);               /* NULL is allowed */
bool net_send(NetFront *front, unsigned queue, const NetFrame *frame) must_check;
void net_resume(NetFront *front, unsigned queue);
/* What it takes, and the longest packet that its driver expects. */
void net_set_takes(NetFront *front, u32 takes, unsigned mtu);
void net_set_queues(NetFront *front, unsigned queues);      /* pairs in use */
bool net_link_up(const NetFront *front);
/* The front's back end has this many queues; 1 without one. */
unsigned net_queues(const NetFront *front);

/*
 * vhost=on: the host's kernel can carry a pair's packets between its interface and the
 * rings.  The descriptors for that, which stay the back end's; false: it is not on.
 */
bool net_vhost(const NetFront *front, unsigned queue, int *vhost,
               int *interface) must_check;
/* It does from here on, or no more; what it carries nobody else reads. */
void net_vhost_carries(NetFront *front, bool on);

/* ---- back ends: for vm/ ---- */

/*
 * Makes one from "KIND,id=ID,key=value,...".  Fails on an unknown kind or key, a
 * duplicate id, and on whatever the host refuses.
 */
bool netdev_new(const char *options, GError **err) must_check;
Netdev *netdev_find(const char *id, GError **err) must_check;
void netdevs_close_all(void);
void netdevs_help(GString *out);                /* -netdev help: the kinds */
bool netdev_help(const char *kind, GString *out, GError **err) must_check;
/* A machine that stands still is sent nothing, and sends nothing that was held up. */
void nets_hold(bool hold);
/* What back ends take for the time; without one, the host's. */
void nets_set_clock(const Clock *clock);
/* `name` is a back end's or a front's. */
bool net_set_link(const char *name, bool up, GError **err) must_check;
void nets_set_links(bool up);                   /* of all fronts */
void net_announce(void);                        /* announce_self */
void net_print(GString *out);                   /* info network */
/* info usernet, hostfwd_add, hostfwd_remove; `id` NULL: the first user back end */
void net_print_user(GString *out);
bool net_forward(const char *id, const char *rule, GError **err) must_check;
bool net_unforward(const char *id, const char *rule, bool *found,
                   GError **err) must_check;

/* ---- filters: see what passes a back end ---- */

typedef enum { NET_TO_BACK_END = 1, NET_FROM_BACK_END = 2 } NetDirection;
typedef void NetFilterFn(void *opaque, NetDirection direction, const NetFrame *frame);
/*
 * Called from any thread, one call at a time.  `position` as in QEMU: "head", "tail" or
 * "id=NAME": behind that filter or, with `before`, before it.
 */
bool netdev_add_filter(Netdev *nd, const char *name, const char *position, bool before,
                       NetFilterFn *fn, void *opaque, GError **err) must_check;
void netdev_remove_filter(Netdev *nd, void *opaque);

/* Bytes gathered from a frame, at most n; how many. */
size_t net_frame_copy(const NetFrame *frame, void *to, size_t n);

#endif
