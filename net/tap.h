/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between tap.c (frames), tap_open.c (options and descriptors) and bridge.c
 * (interfaces that a helper makes).  Nobody else includes this.
 */

#ifndef NET_TAP_H
#define NET_TAP_H

#include "net/kinds.h"

#include <net/if.h>

enum { TAP_BUFFER_BYTES = 256 << 10, TAP_BATCH = 64 };

#define TAP_ROWS NETDEV_ROWS,                                                       \
    (str,  ifname,  "name of the interface; without it the host chooses", .max = 15),\
    (u32,  queues,  "pairs of queues", .def = 1, .min = 1, .max = NET_QUEUES_MAX),  \
    (str,  fd,      "number of a tap descriptor that is open already"),             \
    (str,  fds,     "several of them, with ':' between: one for each pair of queues"),\
    (str,  helper,  "program that makes the interface and puts it into a bridge"),  \
    (str,  br,      "that bridge [br0]"),                                           \
    (str,  script,  "program that sets the interface up; 'no': none [no]"),         \
    (str,  downscript, "program that takes it down [no]"),                          \
    (bool, vnet_hdr, "long segments and unfinished checksums", .def = true),        \
    (u64,  sndbuf,  "bytes under way to the host at most; 0: any", .is_size = true),\
    (bool, vhost,   "packets are carried by the host's kernel; needs KVM"),         \
    (bool, vhostforce, "the same"),                                                 \
    (str,  vhostfd, "number of a descriptor of /dev/vhost-net that is open already"),\
    (str,  vhostfds, "several of them, with ':' between")

typedef struct { FOR_EACH(MEMBER_, , TAP_ROWS) } TapConfig;

#define BRIDGE_ROWS NETDEV_ROWS,                                                    \
    (str,  br,      "the bridge [br0]"),                                            \
    (str,  helper,  "program that makes the interface [QEMU's qemu-bridge-helper]")

typedef struct { FOR_EACH(MEMBER_, , BRIDGE_ROWS) } BridgeConfig;

typedef struct Tap Tap;

typedef struct {
    Tap *tap;
    unsigned n;
    int fd;                         /* -1: none */
    int vhost;                      /* of vhost-net; -1: none */
    bool attached;
    GSource *in_watch, *again;      /* the loop's */
    GSource *out_watch;             /* with the lock */
    u8 *bytes;
    NetFrame frame[TAP_BATCH];      /* to be delivered: from `first` to `count` */
    struct iovec iov[TAP_BATCH];
    unsigned first, count;
} TapQueue;

struct Tap {
    Netdev nd;
    TapConfig config;
    BridgeConfig bridge;            /* of the kind `bridge`, whose `config` is empty */
    char name[IFNAMSIZ];
    bool headers;                   /* before each frame */
    bool vhost, carried;            /* wanted; packets go past us */
    pthread_mutex_t lock;           /* over out_watch */
    TapQueue queue[NET_QUEUES_MAX];
};

static inline Tap *tap_of(Netdev *nd)
{
    return container_of(nd, Tap, nd);
}

/* tap_open.c */
extern const Field tap_options[];
bool tap_open(Netdev *nd, GError **err);
/* With an interface of a helper's; NULL: the usual helper, the usual bridge. */
bool tap_open_helped(Netdev *nd, const char *helper, const char *bridge, GError **err);
void tap_close(Netdev *nd);

/* bridge.c */
bool tap_from_helper(const char *helper, const char *bridge, int *fd, GError **err);

/* tap.c */
void tap_work(Netdev *nd, bool on);
void tap_changed(Netdev *nd);
bool tap_send(Netdev *nd, unsigned queue, const NetFrame *frame);
void tap_resume(Netdev *nd, unsigned queue);
bool tap_vhost(Netdev *nd, unsigned queue, int *vhost, int *interface);
void tap_vhost_carries(Netdev *nd, bool on);
void tap_print(Netdev *nd, GString *out);

/* What the kinds have in common. */
#define TAP_KIND .size = sizeof(Tap), .close = tap_close, .send = tap_send,         \
    .resume = tap_resume, .changed = tap_changed, .work = tap_work,                 \
    .print = tap_print, .vhost = tap_vhost, .vhost_carries = tap_vhost_carries

#endif
