/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues (virtio 1.2, section 2.7).
 *
 *     descriptor table     available ring (driver -> device)      used ring (device -> driver)
 *     [ at bytes flags     [ flags | idx | ring[size] |           [ flags | idx | {id, len}[size] |
 *       next ] x size        used_event ]                           avail_event ]
 *
 * The indices run freely over 16 bits.  idx is read with acquire and written with release: what it announces is then
 * visible.
 */

#include "hw/virtio/virtq.h"

#include <string.h>

/* Where the fields lie in the two rings. */
enum { RING_FLAGS = 0, RING_IDX = 2, RING_ENTRIES = 4, AVAIL_ENTRY = 2, USED_ENTRY = 8 };

static const Mem *memory(const Virtqueue *queue)
{
    return queue->virtio->device.machine->mem;
}

static bool read_desc(Virtqueue *queue, u16 index, Desc *desc)
{
    struct { u64 at; u32 bytes; u16 flags, next; } le;

    if (index >= queue->virtio->queues.size[queue->n] ||
        !mem_read(memory(queue), queue->virtio->queues.desc[queue->n] + index * 16ull, &le, 16)) {
        return false;
    }
    *desc = (Desc){ GUINT64_FROM_LE(le.at), GUINT32_FROM_LE(le.bytes), index, GUINT16_FROM_LE(le.flags),
                    GUINT16_FROM_LE(le.next) };
    return true;
}

/* Follows the chain from `head`; at most as many steps as the queue has descriptors (2.7.5.2: "MUST NOT create a loop"). */
static bool gather(Chain *chain, u16 head)
{
    u16 index = head;

    for (unsigned steps = 0; steps < chain->virtio->queues.size[chain->queue->n]; steps++) {
        Desc desc;

        if (!read_desc(chain->queue, index, &desc)) {
            return false;
        }
        if (desc.flags & DESC_INDIRECT) {       /* 2.7.5.3.1: not together with NEXT */
            return !(desc.flags & DESC_NEXT) && chain_add_indirect(chain, &desc, false);
        }
        if (!chain_add(chain, &desc)) {
            return false;
        }
        if (!(desc.flags & DESC_NEXT)) {
            return true;
        }
        index = desc.next;
    }
    return false;
}

/* How many entries the driver has made available; -1: the ring is broken. */
static int available(Virtqueue *queue)
{
    const VirtioQueues *q = &queue->virtio->queues;
    u16 idx, ready;

    if (!mem_load16(memory(queue), q->driver[queue->n] + RING_IDX, &idx)) {
        virtio_fault(queue->virtio, "queue %u: 2.7.6: the available ring is not in memory", queue->n);
        return -1;
    }
    ready = idx - q->next[queue->n];
    if (ready > q->size[queue->n]) {
        virtio_fault(queue->virtio, "queue %u: 2.7.6: the available index jumped by %u", queue->n, ready);
        return -1;
    }
    return ready;
}

Chain *split_pop(Virtqueue *queue)
{
    VirtioQueues *q = &queue->virtio->queues;
    u16 size = q->size[queue->n], head;
    gpa entry = q->driver[queue->n] + RING_ENTRIES + AVAIL_ENTRY * (q->next[queue->n] & (size - 1));
    Chain *chain;

    if (available(queue) <= 0) {
        return NULL;
    }
    if (!mem_read(memory(queue), entry, &head, 2)) {
        virtio_fault(queue->virtio, "queue %u: 2.7.6: the available ring is not in memory", queue->n);
        return NULL;
    }
    head = GUINT16_FROM_LE(head);
    if (head >= size || (queue->chain[head] && queue->chain[head]->out)) {
        virtio_fault(queue->virtio, "queue %u: 2.7.13: descriptor %u is not the driver's to give", queue->n, head);
        return NULL;
    }
    chain = chain_take(queue, head);
    chain->id = head;
    chain->slots = 1;
    if (!gather(chain, head)) {
        virtio_fault(queue->virtio, "queue %u: 2.7.5: the chain at descriptor %u is broken", queue->n, head);
        return NULL;
    }
    q->next[queue->n]++;
    return chain;
}

bool split_push(Virtqueue *queue, const Chain *chain)
{
    VirtioQueues *q = &queue->virtio->queues;
    u16 used = q->used[queue->n];
    struct { u32 id, bytes; } entry = { GUINT32_TO_LE(chain->id), GUINT32_TO_LE(chain->written) };
    Mem *mem = queue->virtio->device.machine->mem;
    gpa ring = q->device[queue->n];

    if (!mem_write(mem, ring + RING_ENTRIES + USED_ENTRY * (used & (q->size[queue->n] - 1)), &entry, sizeof entry) ||
        !mem_store16(mem, ring + RING_IDX, used + 1)) {
        return false;
    }
    q->used[queue->n] = used + 1;
    return true;
}

/* 2.7.7.1: with EVENT_IDX when the used index passes used_event, otherwise unless the driver says no. */
bool split_wants_interrupt(Virtqueue *queue)
{
    VirtioQueues *q = &queue->virtio->queues;
    gpa ring = q->driver[queue->n];
    u16 value, old = q->signalled[queue->n], now = q->used[queue->n];
    bool valid = q->signalled_valid[queue->n];

    __atomic_thread_fence(__ATOMIC_SEQ_CST);        /* the used index is out before the driver's wish is read */
    if (!virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX)) {
        return mem_load16(memory(queue), ring + RING_FLAGS, &value) && !(value & AVAIL_NO_INTERRUPT);
    }
    if (!mem_load16(memory(queue), ring + RING_ENTRIES + AVAIL_ENTRY * q->size[queue->n], &value)) {
        return false;
    }
    q->signalled[queue->n] = now;
    q->signalled_valid[queue->n] = 1;
    return !valid || (u16)(now - value - 1) < (u16)(now - old);
}

void split_ask_for_kick(Virtqueue *queue)
{
    VirtioQueues *q = &queue->virtio->queues;

    if (virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX) &&
        mem_store16(queue->virtio->device.machine->mem,
                    q->device[queue->n] + RING_ENTRIES + USED_ENTRY * q->size[queue->n], q->next[queue->n])) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);    /* ... before the ring is looked at once more */
    }
}
