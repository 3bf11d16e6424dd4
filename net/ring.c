/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of frames: see ring.h.
 *
 * A frame that does not fit before the end of the memory begins anew at its start; a
 * record without length says so.
 */

#include "net/ring.h"

#include <string.h>

typedef struct {
    u32 bytes;                      /* 0: go on at the start */
    NetOffload todo;
    u16 reserved;
} Record;

_Static_assert(sizeof(Record) == 16, "records keep frames aligned");

#define load(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)

static u32 record_bytes(u32 bytes)
{
    return sizeof(Record) + ((bytes + 15) & ~15u);
}

void frame_ring_init(FrameRing *ring, u32 size)
{
    *ring = (FrameRing){ .bytes = g_malloc(size), .size = size };
}

void frame_ring_free(FrameRing *ring)
{
    g_clear_pointer(&ring->bytes, g_free);
}

u32 frame_ring_used(const FrameRing *ring)
{
    return load(&ring->head) - load(&ring->tail);
}

bool frame_ring_empty(const FrameRing *ring)
{
    return frame_ring_used(ring) == 0;
}

static Record *record_at(const FrameRing *ring, u32 at)
{
    return (Record *)(ring->bytes + (at & (ring->size - 1)));
}

bool frame_ring_put(FrameRing *ring, const NetFrame *frame)
{
    u32 need = record_bytes(frame->bytes), head = ring->head;
    u32 to_end = ring->size - (head & (ring->size - 1));
    u32 skip = need > to_end ? to_end : 0;
    Record *record;

    if (need + skip > ring->size - (head - load(&ring->tail))) {
        return false;
    }
    if (skip) {
        record_at(ring, head)->bytes = 0;
        head += skip;
    }
    record = record_at(ring, head);
    *record = (Record){ .bytes = frame->bytes, .todo = frame->todo };
    net_frame_copy(frame, record + 1, frame->bytes);
    store(&ring->head, head + need);
    return true;
}

u8 *frame_ring_first(FrameRing *ring, NetOffload *todo, size_t *bytes)
{
    Record *record;

    if (frame_ring_empty(ring)) {
        return NULL;
    }
    record = record_at(ring, ring->tail);
    if (!record->bytes) {
        store(&ring->tail, ring->tail + ring->size - (ring->tail & (ring->size - 1)));
        record = record_at(ring, ring->tail);
    }
    *todo = record->todo;
    *bytes = record->bytes;
    return (u8 *)(record + 1);
}

void frame_ring_done(FrameRing *ring)
{
    store(&ring->tail, ring->tail + record_bytes(record_at(ring, ring->tail)->bytes));
}
