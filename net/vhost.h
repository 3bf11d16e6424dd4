/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-net, as calls: the host's kernel carries packets between an interface and a
 * driver's rings.  A descriptor of it serves a pair of queues, 0 to receive and 1 to
 * send.  What can fail returns NULL or what failed, with errno.  Machine lock.
 */

#ifndef NET_VHOST_H
#define NET_VHOST_H

#include "base/types.h"

typedef struct {
    u64 guest, bytes;               /* RAM in the guest's address space ... */
    void *host;                     /* ... and in ours */
} VhostRegion;

typedef struct {
    void *desc, *driver, *device;   /* of a split ring */
    u16 size, next;                 /* the next available entry */
    int kick, call;                 /* eventfds: from the driver, to it */
} VhostRing;

bool vhost_own(int vhost);                          /* first of all */
u64 vhost_features(int vhost);                      /* that it can; 0: it fails */
const char *vhost_set_up(int vhost, u64 features, const VhostRegion *region,
                         unsigned n);
const char *vhost_set_ring(int vhost, unsigned queue, const VhostRing *ring);
/* With an interface the kernel begins; with -1 it stops, and nothing is under way. */
const char *vhost_set_interface(int vhost, unsigned queue, int interface);
/* How far a stopped queue has come. */
u16 vhost_position(int vhost, unsigned queue, u16 otherwise);

#endif
