/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues (virtio 1.2, section 2.7).
 *
 *     descriptor table     available ring (driver)      used ring (device)
 *     [ at bytes flags     [ flags | idx | ring[size]   [ flags | idx | {id, len}[size]
 *       next ] x size        | used_event ]               | avail_event ]
 *
 * The indices run freely over 16 bits.  idx is read with acquire and written with
 * release: what it announces is then visible.  Under the machine lock.
 */

#include "hw/virtio/virtq.h"

/* Where the fields lie in the two rings. */
enum {
    RING_FLAGS = 0, RING_IDX = 2, RING_ENTRIES = 4,
    DESC_BYTES = 16, AVAIL_BYTES = 2, USED_BYTES = 8,
};

static bool read_desc(Virtqueue *queue, u16 index, Desc *desc)
{
    struct { u64 at; u32 bytes; u16 flags, next; } le;
    gpa table = queue->virtio->queues.desc[queue->n];

    if (index >= virtq_size(queue) ||
        !mem_read(virtq_mem(queue), table + index * DESC_BYTES, &le, sizeof le)) {
        return false;
    }
    *desc = (Desc){
        .at = GUINT64_FROM_LE(le.at), .bytes = GUINT32_FROM_LE(le.bytes),
        .flags = GUINT16_FROM_LE(le.flags), .next = GUINT16_FROM_LE(le.next),
    };
    return true;
}

/*
 * Follows the chain from `index`: at most as many steps as the queue has descriptors
 * (2.7.5.2: "loops in the descriptor chain are forbidden").
 */
static bool gather(Chain *chain, u16 index)
{
    for (unsigned steps = 0; steps < virtq_size(chain->queue); steps++) {
        Desc desc;

        if (!read_desc(chain->queue, index, &desc)) {
            return false;
        }
        if (desc.flags & DESC_INDIRECT) {   /* 2.7.5.3.1: not together with NEXT */
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

/* The head of the next chain that the driver made available; -1: none, or a fault. */
static int next_head(Virtqueue *queue)
{
    const VirtioQueues *q = &queue->virtio->queues;
    unsigned n = queue->n, size = virtq_size(queue);
    gpa ring = q->driver[n];
    u16 idx, head, ready;

    if (!mem_load16(virtq_mem(queue), ring + RING_IDX, &idx)) {
        virtio_fault(queue->virtio, "queue %u: 2.7.6: no ring in memory", n);
        return -1;
    }
    ready = idx - q->next[n];
    if (ready > size) {
        virtio_fault(queue->virtio, "queue %u: 2.7.6: index jumped by %u", n, ready);
        return -1;
    }
    if (!ready) {
        return -1;
    }
    ring += RING_ENTRIES + AVAIL_BYTES * (q->next[n] & (size - 1));
    if (!mem_load16(virtq_mem(queue), ring, &head)) {
        virtio_fault(queue->virtio, "queue %u: 2.7.6: no ring in memory", n);
        return -1;
    }
    if (head >= size || queue->given[head]) {
        virtio_fault(queue->virtio, "queue %u: 2.7.13: descriptor %u can't be given", n,
                     head);
        return -1;
    }
    return head;
}

Chain *split_pop(Virtqueue *queue)
{
    int head = next_head(queue);
    Chain *chain;

    if (head < 0) {
        return NULL;
    }
    chain = chain_take(queue);
    chain->id = head;
    chain->slots = 1;
    if (!gather(chain, head)) {
        virtio_fault(queue->virtio, "queue %u: 2.7.5: the chain at %d is broken",
                     queue->n, head);
        chain_drop(chain);
        return NULL;
    }
    queue->virtio->queues.next[queue->n]++;
    chain->given = &queue->given[head];
    *chain->given = true;
    return chain;
}

bool split_push(Virtqueue *queue, Chain *const *chains, unsigned n)
{
    VirtioQueues *q = &queue->virtio->queues;
    u16 used = q->used[queue->n], mask = virtq_size(queue) - 1;
    gpa ring = q->device[queue->n];

    for (unsigned i = 0; i < n; i++, used++) {
        struct { u32 id, bytes; } le = { GUINT32_TO_LE(chains[i]->id),
                                         GUINT32_TO_LE(chains[i]->written) };
        gpa entry = ring + RING_ENTRIES + USED_BYTES * (used & mask);

        if (!mem_write(virtq_mem(queue), entry, &le, sizeof le)) {
            return false;
        }
    }
    if (!mem_store16(virtq_mem(queue), ring + RING_IDX, used)) {
        return false;
    }
    q->used[queue->n] = used;
    return true;
}

/*
 * 2.7.7.2: with EVENT_IDX if the entry that used_event names was written, otherwise
 * unless the driver says no.
 */
bool split_wants_interrupt(Virtqueue *queue, u16 before)
{
    const VirtioQueues *q = &queue->virtio->queues;
    gpa ring = q->driver[queue->n];
    gpa used_event = ring + RING_ENTRIES + AVAIL_BYTES * virtq_size(queue);
    u16 value;

    /* The used index is out before the driver's wish is read. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX)) {
        return mem_load16(virtq_mem(queue), ring + RING_FLAGS, &value) &&
               !(value & AVAIL_NO_INTERRUPT);
    }
    return mem_load16(virtq_mem(queue), used_event, &value) &&
           (u16)(value - before) < (u16)(q->used[queue->n] - before);
}

void split_ask_for_kick(Virtqueue *queue)
{
    const VirtioQueues *q = &queue->virtio->queues;
    gpa avail_event = q->device[queue->n] + RING_ENTRIES +
                      USED_BYTES * virtq_size(queue);

    if (!virtio_has(queue->virtio, VIRTIO_F_EVENT_IDX)) {
        return;
    }
    if (!mem_store16(virtq_mem(queue), avail_event, q->next[queue->n])) {
        virtio_fault(queue->virtio, "queue %u: 2.7.8: no ring in memory", queue->n);
    }
    /* ... before the ring is looked at once more. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
