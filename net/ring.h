/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of frames from one thread to another: one writes, one reads, neither waits.
 * Each frame lies together, aligned to 16 bytes, and is the reader's to change until it
 * says that it is done with it.
 */

#ifndef NET_RING_H
#define NET_RING_H

#include "net/net.h"

typedef struct {
    u8 *bytes;
    u32 size;                       /* a power of two */
    u32 head, tail;                 /* atomic; they run freely */
} FrameRing;

void frame_ring_init(FrameRing *ring, u32 size);
void frame_ring_free(FrameRing *ring);
bool frame_ring_empty(const FrameRing *ring);
u32 frame_ring_used(const FrameRing *ring);     /* bytes */
/* The writer's; false: there is no room. */
bool frame_ring_put(FrameRing *ring, const NetFrame *frame) must_check;
/* The reader's: the oldest frame, or NULL; then done with it. */
u8 *frame_ring_first(FrameRing *ring, NetOffload *todo, size_t *bytes);
void frame_ring_done(FrameRing *ring);

#endif
