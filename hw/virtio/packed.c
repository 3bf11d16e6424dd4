/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packed virtqueues (virtio 1.2, section 2.8): one ring of descriptors that both sides
 * write.  An entry is available when its AVAIL flag is, and its USED flag is not, the
 * driver's wrap counter; the device takes entries in order and writes used ones in the
 * order in which they complete.  Positions carry their wrap counter in bit 15.  Under
 * the lock of the device's context.
 */

#include "hw/virtio/virtq.h"

/* Where the fields lie in an entry, and in the event suppression structure. */
enum {
    ENTRY_BYTES = 16, ENTRY_LENGTH = 8, ENTRY_ID = 12, ENTRY_FLAGS = 14,
    EVENT_POSITION = 0, EVENT_FLAGS = 2, EVENT_FLAGS_MASK = 3,
};

u16 packed_advance(const Virtqueue *queue, u16 position, int n)
{
    int at = (position & ~WRAP) + n, size = virtq_size(queue);
    u16 wrap = position & WRAP;

    if (at < 0) {
        return (at + size) | (wrap ^ WRAP);
    }
    return at >= size ? (at - size) | (wrap ^ WRAP) : at | wrap;
}

static gpa entry_at(const Virtqueue *queue, u16 position)
{
    return queue->virtio->queues.desc[queue->n] + ENTRY_BYTES * (position & ~WRAP);
}

static bool is_available(u16 flags, u16 position)
{
    bool wrap = position & WRAP;

    return !!(flags & DESC_AVAIL) == wrap && !!(flags & DESC_USED) != wrap;
}

/* Flags first, with acquire: the rest of the entry is then what they announce. */
static bool read_entry(Virtqueue *queue, u16 position, Desc *desc)
{
    struct { u64 at; u32 bytes; u16 id, flags; } le;
    gpa at = entry_at(queue, position);
    u16 flags;

    if (!mem_load16(virtq_mem(queue), at + ENTRY_FLAGS, &flags) ||
        !mem_read(virtq_mem(queue), at, &le, sizeof le)) {
        return false;
    }
    *desc = (Desc){
        .at = GUINT64_FROM_LE(le.at), .bytes = GUINT32_FROM_LE(le.bytes),
        .id = GUINT16_FROM_LE(le.id), .flags = flags,
    };
    return true;
}

/* The chain that begins with `desc`, which was read at `position`. */
static bool gather(Chain *chain, u16 position, Desc desc)
{
    for (;;) {
        chain->slots++;
        chain->id = desc.id;            /* 2.8.6: the last descriptor's id counts */
        if (desc.flags & DESC_INDIRECT) {       /* 2.8.19: stands alone */
            return !(desc.flags & DESC_NEXT) && chain->slots == 1 &&
                   chain_add_indirect(chain, &desc, true);
        }
        if (!chain_add(chain, &desc)) {
            return false;
        }
        if (!(desc.flags & DESC_NEXT)) {
            return true;
        }
        position = packed_advance(chain->queue, position, 1);
        if (chain->slots >= virtq_size(chain->queue) ||
            !read_entry(chain->queue, position, &desc)) {
            return false;
        }
    }
}

Chain *packed_pop(Virtqueue *queue)
{
    u16 *next = &queue->virtio->queues.next[queue->n];
    Desc desc;
    Chain *chain;

    if (!read_entry(queue, *next, &desc)) {
        virtio_fault(queue->virtio, "queue %u: 2.8: no ring in memory", queue->n);
        return NULL;
    }
    if (!is_available(desc.flags, *next)) {
        return NULL;
    }
    chain = chain_take(queue);
    if (queue->out >= virtq_size(queue) || !gather(chain, *next, desc)) {
        virtio_fault(queue->virtio, "queue %u: 2.8.5: the chain at %u is broken",
                     queue->n, *next & ~WRAP);
        chain_drop(chain);
        return NULL;
    }
    *next = packed_advance(queue, *next, chain->slots);
    return chain;
}

/* All of the entry but its flags, which make it the driver's. */
static bool write_used(Virtqueue *queue, u16 position, const Chain *chain)
{
    u32 length = GUINT32_TO_LE(chain->written);
    gpa entry = entry_at(queue, position);

    return mem_write(virtq_mem(queue), entry + ENTRY_LENGTH, &length, sizeof length) &&
           mem_store16(virtq_mem(queue), entry + ENTRY_ID, chain->id);
}

static bool write_used_flags(Virtqueue *queue, u16 position, const Chain *chain)
{
    u16 flags = (position & WRAP ? DESC_AVAIL | DESC_USED : 0) |
                (chain->written ? DESC_WRITE : 0);

    return mem_store16(virtq_mem(queue), entry_at(queue, position) + ENTRY_FLAGS,
                       flags);
}

/* The driver looks at the first entry next, so that gets its flags last. */
bool packed_push(Virtqueue *queue, Chain *const *chains, unsigned n)
{
    u16 *used = &queue->virtio->queues.used[queue->n], position = *used;

    for (unsigned i = 0; i < n; i++) {
        if (!write_used(queue, position, chains[i]) ||
            (i && !write_used_flags(queue, position, chains[i]))) {
            return false;
        }
        position = packed_advance(queue, position, chains[i]->slots);
    }
    if (!write_used_flags(queue, *used, chains[0])) {
        return false;
    }
    *used = position;
    return true;
}

/* The position on a line where the entries of the lap before `now`'s are negative. */
static int on_line(const Virtqueue *queue, u16 position, u16 now)
{
    bool lap_before = (position ^ now) & WRAP;

    return (position & ~WRAP) - (lap_before ? virtq_size(queue) : 0);
}

/* 2.8.10, 2.8.14: what the driver area says of the used entries since `before`. */
bool packed_wants_interrupt(Virtqueue *queue, u16 before)
{
    gpa events = queue->virtio->queues.driver[queue->n];
    u16 flags, event, now = queue->virtio->queues.used[queue->n];

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!mem_load16(virtq_mem(queue), events + EVENT_FLAGS, &flags) ||
        !mem_load16(virtq_mem(queue), events + EVENT_POSITION, &event)) {
        return false;
    }
    flags &= EVENT_FLAGS_MASK;
    if (flags != EVENT_DESC || !virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX)) {
        return flags != EVENT_DISABLE;
    }
    return on_line(queue, event, now) >= on_line(queue, before, now) &&
           on_line(queue, event, now) < (now & ~WRAP);
}

/*
 * 2.8.14: the device area says which descriptor the driver is to tell of, once it is
 * available.  The position first: the driver reads both when the flags say so.
 */
void packed_ask_for_kick(Virtqueue *queue)
{
    gpa events = queue->virtio->queues.device[queue->n];

    if (!virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX)) {
        return;
    }
    if (!mem_store16(virtq_mem(queue), events + EVENT_POSITION,
                     queue->virtio->queues.next[queue->n]) ||
        !mem_store16(virtq_mem(queue), events + EVENT_FLAGS, EVENT_DESC)) {
        virtio_fault(queue->virtio, "queue %u: 2.8: no ring in memory", queue->n);
    }
    /* ... before the ring is looked at once more. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void packed_ask_no_kick(Virtqueue *queue)
{
    gpa events = queue->virtio->queues.device[queue->n];

    if (virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX) &&
        !mem_store16(virtq_mem(queue), events + EVENT_FLAGS, EVENT_DISABLE)) {
        virtio_fault(queue->virtio, "queue %u: 2.8: no ring in memory", queue->n);
    }
}
