/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What network cards do for a driver, done in software: Internet checksums, TCP
 * segmentation, IPv4 fragmentation; and the reverse, a long TCP frame made one that is
 * to be cut.  On frames that lie together in memory, which is the caller's own copy.
 * Any thread.
 */

#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include "net/net.h"

/* Where the headers of a frame lie; 0: not there. */
typedef struct {
    u16 l3, l4, payload;            /* offsets; payload: only of TCP */
    u8 version;                     /* 4 or 6; 0: not IP */
    u8 protocol;                    /* of l4 */
    bool fragment;                  /* part of an IPv4 packet */
} NetLayout;

enum { NET_TCP = 6, NET_UDP = 17 };

/* Finds the headers; what it finds lies within the frame. */
void net_layout(const u8 *frame, size_t bytes, NetLayout *layout);

/* The one's complement sum of bytes, folded to 16 bits; `sum` is what came before. */
u16 net_sum(const u8 *at, size_t bytes, u32 sum);

/* True if nothing in the offload leads outside of the frame. */
bool net_offload_valid(const NetOffload *todo, size_t bytes);

/* True if a side that takes `takes` can be given such a frame as it is. */
bool net_fits(const NetOffload *todo, size_t bytes, u32 takes, unsigned mtu);

typedef bool NetEmitFn(void *opaque, const NetOffload *todo, const u8 *frame,
                       size_t bytes);

/*
 * Does what the receiver does not take, and emits the frames that come of it, each
 * complete.  False if the first of them was refused; when a later one is, the rest is
 * dropped.  A frame that can't be understood is dropped.
 */
bool net_fit(const NetOffload *todo, u8 *frame, size_t bytes, u32 takes, unsigned mtu,
             NetEmitFn *emit, void *opaque);

/* Fills in lengths and checksums of a frame that is to be sent whole. */
void net_finish(const NetOffload *todo, u8 *frame, size_t bytes);

/*
 * A frame with nothing left to be done, but longer than the receiver's packets: if it
 * is TCP, *todo says how it is to be cut, and the frame is changed to suit.
 */
void net_make_gso(NetOffload *todo, u8 *frame, size_t bytes, unsigned mtu);

/* True if it is TCP or UDP, whole, and its checksum is right. */
bool net_checksum_good(const u8 *frame, size_t bytes);

#endif
