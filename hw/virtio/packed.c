/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packed virtqueues (virtio 1.2, section 2.8): one ring of descriptors that both sides write.  An entry is available when its AVAIL
 * flag is, and its USED flag is not, the driver's wrap counter.  Positions carry their wrap counter in bit 15.
 */

#include "hw/virtio/virtq.h"

enum { ENTRY = 16, ENTRY_FLAGS = 14, EVENT_FLAGS = 2 };

static Mem *memory(const Virtqueue *queue)
{
    return queue->virtio->device.machine->mem;
}

static u16 queue_size(const Virtqueue *queue)
{
    return queue->virtio->queues.size[queue->n];
}

/* `position` moved on by n entries, with its wrap counter. */
static u16 advance(const Virtqueue *queue, u16 position, u16 n)
{
    u16 at = (position & ~WRAP) + n, wrap = position & WRAP;

    return at >= queue_size(queue) ? (at - queue_size(queue)) | (wrap ^ WRAP) : at | wrap;
}

static gpa entry_at(const Virtqueue *queue, u16 position)
{
    return queue->virtio->queues.desc[queue->n] + ENTRY * (gpa)(position & ~WRAP);
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
    u16 flags;

    if (!mem_load16(memory(queue), entry_at(queue, position) + ENTRY_FLAGS, &flags) ||
        !mem_read(memory(queue), entry_at(queue, position), &le, sizeof le)) {
        return false;
    }
    *desc = (Desc){ GUINT64_FROM_LE(le.at), GUINT32_FROM_LE(le.bytes), GUINT16_FROM_LE(le.id), flags, 0 };
    return true;
}

static bool gather(Chain *chain, u16 position, Desc desc)
{
    for (;;) {
        chain->slots++;
        chain->id = desc.id;                    /* 2.8.6: the last descriptor's id counts */
        if (desc.flags & DESC_INDIRECT) {
            return !(desc.flags & DESC_NEXT) && chain->slots == 1 && chain_add_indirect(chain, &desc, true);
        }
        if (!chain_add(chain, &desc)) {
            return false;
        }
        if (!(desc.flags & DESC_NEXT)) {
            return true;
        }
        position = advance(chain->queue, position, 1);
        if (chain->slots >= queue_size(chain->queue) || !read_entry(chain->queue, position, &desc)) {
            return false;
        }
    }
}

/* Chains come back in any order and ring entries are used in order: so a chain's place in the pool is just a free one. */
static Chain *take_any(Virtqueue *queue)
{
    for (unsigned i = 0; i < queue_size(queue); i++) {
        if (!queue->chain[i] || !queue->chain[i]->out) {
            return chain_take(queue, i);
        }
    }
    return NULL;
}

Chain *packed_pop(Virtqueue *queue)
{
    VirtioQueues *q = &queue->virtio->queues;
    u16 position = q->next[queue->n];
    Desc desc;
    Chain *chain;

    if (!read_entry(queue, position, &desc)) {
        virtio_fault(queue->virtio, "queue %u: 2.8: the descriptor ring is not in memory", queue->n);
        return NULL;
    }
    if (!is_available(desc.flags, position)) {
        return NULL;
    }
    chain = take_any(queue);
    if (!chain || !gather(chain, position, desc)) {
        virtio_fault(queue->virtio, "queue %u: 2.8.5: the chain at descriptor %u is broken", queue->n,
                     position & ~WRAP);
        return NULL;
    }
    q->next[queue->n] = advance(queue, position, chain->slots);
    return chain;
}

bool packed_push(Virtqueue *queue, const Chain *chain)
{
    VirtioQueues *q = &queue->virtio->queues;
    u16 position = q->used[queue->n];
    u16 flags = (position & WRAP ? DESC_AVAIL | DESC_USED : 0) | (chain->written ? DESC_WRITE : 0);
    struct { u32 bytes; u16 id; } le = { GUINT32_TO_LE(chain->written), GUINT16_TO_LE(chain->id) };

    if (!mem_write(memory(queue), entry_at(queue, position) + 8, &le.bytes, 4) ||
        !mem_write(memory(queue), entry_at(queue, position) + 12, &le.id, 2) ||
        !mem_store16(memory(queue), entry_at(queue, position) + ENTRY_FLAGS, flags)) {
        return false;
    }
    q->used[queue->n] = advance(queue, position, chain->slots);
    return true;
}

/* 2.8.10: the driver's event suppression structure: descriptor and wrap, then flags. */
bool packed_wants_interrupt(Virtqueue *queue)
{
    VirtioQueues *q = &queue->virtio->queues;
    gpa events = q->driver[queue->n];
    u16 flags, event, old = q->signalled[queue->n], now = q->used[queue->n];
    bool valid = q->signalled_valid[queue->n];
    int at, from;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!mem_load16(memory(queue), events + EVENT_FLAGS, &flags) || !mem_load16(memory(queue), events, &event)) {
        return false;
    }
    q->signalled[queue->n] = now;
    q->signalled_valid[queue->n] = 1;
    if ((flags & 3) != EVENT_DESC || !virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX)) {
        return (flags & 3) != EVENT_DISABLE;
    }
    /* Positions on one line: entries of the lap before `now`'s are negative. */
    at = (event & ~WRAP) - ((event & WRAP) != (now & WRAP) ? queue_size(queue) : 0);
    from = (old & ~WRAP) - ((old & WRAP) != (now & WRAP) ? queue_size(queue) : 0);
    return !valid || (at >= from && at < (now & ~WRAP));
}
