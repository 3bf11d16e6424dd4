/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between tap.c (frames) and tap_open.c (options and descriptors).  Nobody else
 * includes this.
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
    (str,  script,  "program that sets the interface up; 'no': none [no]"),         \
    (str,  downscript, "program that takes it down [no]"),                          \
    (bool, vnet_hdr, "long segments and unfinished checksums", .def = true),        \
    (u64,  sndbuf,  "bytes under way to the host at most; 0: any", .is_size = true),\
    (bool, vhost,   "packets are carried by the host's kernel; needs KVM"),         \
    (bool, vhostforce, "the same"),                                                 \
    (str,  vhostfd, "number of a descriptor of /dev/vhost-net that is open already"),\
    (str,  vhostfds, "several of them, with ':' between")

typedef struct { FOR_EACH(MEMBER_, , TAP_ROWS) } TapConfig;

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
void tap_close(Netdev *nd);

/* tap.c */
void tap_work(Netdev *nd, bool on);
void tap_changed(Netdev *nd);

#endif
