/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains on their way: from a ring to the device and back, whatever the ring's format.
 * Under the lock of the device's context.
 */

#include "hw/virtio/virtq.h"

Virtqueue *virtio_queue(VirtioDevice *virtio, unsigned n)
{
    return &virtio->queue[n];
}

unsigned virtqueue_number(const Virtqueue *queue)
{
    return queue->n;
}

unsigned chains_out(const VirtioDevice *virtio)
{
    unsigned out = 0;

    for (unsigned i = 0; i < virtio->n_queues; i++) {
        out += virtio->queue[i].out;
    }
    return out;
}

/* 2.1.2: "MUST NOT consume buffers or send any used buffer notifications ..." */
bool virtio_is_live(const VirtioDevice *virtio)
{
    u8 status = virtio->state.status;

    return (status & VIRTIO_DRIVER_OK) && !(status & VIRTIO_NEEDS_RESET) &&
           !virtio->stopping && virtio->transport->reaches_memory(virtio);
}

void chain_give_out(Chain *chain)
{
    Virtqueue *queue = chain->queue;

    chain->out = true;
    chain->next_out = queue->first_out;
    chain->at_out = &queue->first_out;
    if (chain->next_out) {
        chain->next_out->at_out = &chain->next_out;
    }
    queue->first_out = chain;
    queue->out++;
}

Chain *virtqueue_pop(Virtqueue *queue)
{
    VirtioDevice *virtio = queue->virtio;
    Chain *chain;

    if (virtio->paused || queue->lent || !virtio_is_live(virtio) ||
        !virtio->queues.enabled[queue->n]) {
        return NULL;
    }
    chain = virtq_packed(queue) ? packed_pop(queue) : split_pop(queue);
    if (chain) {
        chain_give_out(chain);
    }
    return chain;
}

/* ---- lent queues ---- */

/* Bytes of the three areas of a split ring (2.7), each with its event index. */
static bool find_rings(Virtqueue *queue, VirtqueueLoan *loan)
{
    const VirtioQueues *q = &queue->virtio->queues;
    Mem *mem = virtq_mem(queue);
    size_t size = virtq_size(queue);
    struct iovec desc, driver, device;

    if (!mem_iov(mem, q->desc[queue->n], 16 * size, &desc) ||
        !mem_iov(mem, q->driver[queue->n], 6 + 2 * size, &driver) ||
        !mem_iov(mem, q->device[queue->n], 6 + 8 * size, &device)) {
        return false;
    }
    loan->desc = desc.iov_base;
    loan->driver = driver.iov_base;
    loan->device = device.iov_base;
    return true;
}

bool virtqueue_lend(Virtqueue *queue, VirtqueueLoan *loan)
{
    VirtioDevice *virtio = queue->virtio;

    if (!virtio_is_live(virtio) || !virtio->queues.enabled[queue->n] ||
        virtq_packed(queue) || !find_rings(queue, loan)) {
        return false;
    }
    loan->size = virtq_size(queue);
    loan->next = virtio->queues.next[queue->n];
    loan->kick = virtio_bell_fd(virtio, queue->n);
    if (loan->kick < 0) {
        return false;
    }
    virtio_watch_bell(queue, false);
    queue->lent = true;
    return true;
}

bool virtqueue_is_lent(const Virtqueue *queue)
{
    return queue->lent;
}

/* What it took it has used: both ends are where it stopped. */
void virtqueue_give_back(Virtqueue *queue, u16 next)
{
    VirtioQueues *q = &queue->virtio->queues;

    queue->lent = false;
    q->next[queue->n] = q->used[queue->n] = next;
    virtio_watch_bell(queue, true);
}

/* The chain leaves the device's hands.  The features may be another driver's by now. */
static void take_back(Chain *chain)
{
    g_assert(chain->out);
    chain->out = false;
    chain->queue->out--;
    *chain->at_out = chain->next_out;
    if (chain->next_out) {
        chain->next_out->at_out = chain->at_out;
    }
    if (chain->given) {
        *chain->given = false;
    }
    chain_drop(chain);
}

void virtqueue_push_back(Chain *chain)
{
    Virtqueue *queue = chain->queue;
    u16 *next = &queue->virtio->queues.next[queue->n];

    *next = virtq_packed(queue) ? packed_advance(queue, *next, -chain->slots)
                                : *next - 1;
    queue->waiting = true;
    take_back(chain);
}

static void push(Virtqueue *queue, Chain *const *chains, unsigned n)
{
    VirtioDevice *virtio = queue->virtio;
    u16 before = virtio->queues.used[queue->n];
    bool packed = virtq_packed(queue);

    if (!(packed ? packed_push : split_push)(queue, chains, n)) {
        virtio_fault(virtio, "queue %u: 2.6: no ring in memory", queue->n);
    } else if (packed ? packed_wants_interrupt(queue, before)
                      : split_wants_interrupt(queue, before)) {
        virtio->transport->queue_interrupt(virtio, queue->n);
    }
}

/*
 * A faulty chain is the driver's mistake, told already: it is not used, since only a
 * reset can follow.
 */
void chains_done(Chain *const *chains, unsigned n)
{
    bool faulty = false;

    for (unsigned i = 0; i < n; i++) {
        chain_mark_written(chains[i]);
        faulty |= chains[i]->faulty;
    }
    if (n && !faulty && virtio_is_live(chains[0]->virtio)) {
        push(chains[0]->queue, chains, n);
    }
    for (unsigned i = 0; i < n; i++) {
        take_back(chains[i]);
    }
}

void chain_done(Chain *chain)
{
    chains_done(&chain, 1);
}

void virtqueue_ask_for_kick(Virtqueue *queue)
{
    if (virtio_is_live(queue->virtio)) {
        (virtq_packed(queue) ? packed_ask_for_kick : split_ask_for_kick)(queue);
    }
}

/*
 * The device takes what it gave back when it wants to: a split ring is silent anyway.
 */
static void ask_no_kick(Virtqueue *queue)
{
    if (virtq_packed(queue) && virtio_is_live(queue->virtio)) {
        packed_ask_no_kick(queue);
    }
}

/*
 * Serves what is there; with EVENT_IDX asks to be told of more and looks once more,
 * since some may have come meanwhile.  A driver can refill the ring for ever: after two
 * rings full the rest waits until others had their turn.
 */
static void serve(Virtqueue *queue)
{
    VirtioDevice *virtio = queue->virtio;
    unsigned most = 2 * virtq_size(queue), served = 0, before;
    Chain *chain;

    while (!virtio->paused && (chain = virtqueue_take_redo(queue))) {
        queue->type->request(virtio, chain);
    }
    do {
        before = served;
        while (served < most && !queue->waiting && (chain = virtqueue_pop(queue))) {
            queue->type->request(virtio, chain);
            served++;
        }
        if (queue->waiting) {
            ask_no_kick(queue);
        } else if (served != before) {
            virtqueue_ask_for_kick(queue);
        }
    } while (served != before && served < most && !queue->waiting);

    if (served == most && most) {
        virtio->queues.again[queue->n] = 1;
        if (!virtio_ring_bell(queue)) {
            timer_set(virtio->again, clock_now(virtio->device.machine->clock));
        }
    }
}

void virtio_notify(VirtioDevice *virtio, unsigned n)
{
    Virtqueue *queue = n < virtio->n_queues ? &virtio->queue[n] : NULL;

    if (queue && queue->type->request && virtio_is_live(virtio)) {
        queue->waiting = false;
        virtio->queues.again[n] = 0;
        if (virtio->type->batch) {
            virtio->type->batch(virtio, true);
            serve(queue);
            virtio->type->batch(virtio, false);
        } else {
            serve(queue);
        }
    }
}

void virtio_serve_again(void *opaque)
{
    VirtioDevice *virtio = opaque;

    for (unsigned i = 0; i < virtio->n_queues; i++) {
        if (virtio->queues.again[i]) {
            virtio_notify(virtio, i);
        }
    }
}
