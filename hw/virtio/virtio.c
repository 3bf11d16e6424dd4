/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio device as the driver drives it, whatever the transport: status, features, queues, reset (virtio 1.2, chapters 2 and 3).
 * Under the machine lock.
 */

#include "hw/virtio/virtq.h"

#include <stdarg.h>
#include <string.h>

static const Field virtio_fields[] = STATE_ROWS(VirtioState, VIRTIO_STATE_ROWS);
static const Field queue_fields[] = STATE_ROWS(VirtioQueues, VIRTIO_QUEUE_ROWS);

static VirtioDevice *virtio_of(Device *dev)
{
    return container_of(dev, VirtioDevice, device);
}

bool virtio_has(const VirtioDevice *virtio, u64 feature)
{
    return virtio->state.driver_features & feature;
}

u64 virtio_offered(const VirtioDevice *virtio)
{
    return virtio->type->features | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED | VIRTIO_F_INDIRECT_DESC |
           VIRTIO_F_EVENT_IDX;
}

u16 virtio_queue_limit(const VirtioDevice *virtio, unsigned queue)
{
    return queue < virtio->n_queues ? virtio->type->queue[queue].size : 0;
}

Virtqueue *virtio_queue(VirtioDevice *virtio, unsigned n)
{
    return &virtio->queue[n];
}

unsigned chains_out(const VirtioDevice *virtio)
{
    unsigned out = 0;

    for (unsigned i = 0; i < virtio->n_queues; i++) {
        out += virtio->queue[i].out;
    }
    return out;
}

static bool live(const VirtioDevice *virtio)
{
    return (virtio->state.status & VIRTIO_DRIVER_OK) && !(virtio->state.status & VIRTIO_NEEDS_RESET);
}

void virtio_fault(VirtioDevice *virtio, const char *fmt, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, fmt);
    why = g_strdup_vprintf(fmt, args);
    va_end(args);
    device_fault(&virtio->device, "%s", why);
    if (!(virtio->state.status & VIRTIO_NEEDS_RESET)) {
        virtio->state.status |= VIRTIO_NEEDS_RESET;
        if (virtio->state.status & VIRTIO_DRIVER_OK) {      /* 2.1.2: then the driver is told */
            virtio_config_changed(virtio);
        }
    }
}

void virtio_config_changed(VirtioDevice *virtio)
{
    virtio->state.generation++;
    virtio->transport->config_interrupt(virtio);
}

/* ---- chains to the device and back ---- */

Chain *virtqueue_pop(Virtqueue *queue)
{
    VirtioDevice *virtio = queue->virtio;
    Chain *chain;

    if (!live(virtio) || !virtio->queues.enabled[queue->n]) {
        return NULL;
    }
    chain = virtq_packed(queue) ? packed_pop(queue) : split_pop(queue);
    if (chain) {
        chain->out = true;
        queue->out++;
    }
    return chain;
}

void virtqueue_push_back(Chain *chain)
{
    Virtqueue *queue = chain->queue;
    VirtioQueues *q = &chain->virtio->queues;
    u16 *next = &q->next[queue->n], size = q->size[queue->n], at;

    chain->out = false;
    queue->out--;
    queue->waiting = true;
    if (!virtq_packed(queue)) {
        (*next)--;
        return;
    }
    at = *next & ~WRAP;
    *next = at >= chain->slots ? *next - chain->slots : ((at + size - chain->slots) | (*next & WRAP)) ^ WRAP;
}

/* A faulty chain is the driver's mistake, told already: it is not used, since the driver resets the device. */
void chain_done(Chain *chain)
{
    Virtqueue *queue = chain->queue;
    VirtioDevice *virtio = chain->virtio;
    bool pushed;

    g_assert(chain->out);
    chain->out = false;
    queue->out--;
    if (chain->faulty || !live(virtio)) {
        return;
    }
    pushed = virtq_packed(queue) ? packed_push(queue, chain) : split_push(queue, chain);
    if (!pushed) {
        virtio_fault(virtio, "queue %u: 2.7.8: the used ring is not in memory", queue->n);
    } else if (virtq_packed(queue) ? packed_wants_interrupt(queue) : split_wants_interrupt(queue)) {
        virtio->transport->queue_interrupt(virtio, queue->n);
    }
}

/* Serves what is there; with EVENT_IDX asks to be told of more and looks once more, since some may have come meanwhile. */
static void serve(Virtqueue *queue)
{
    Chain *chain;
    bool more = true;

    while (more && !queue->waiting) {
        more = false;
        while (!queue->waiting && (chain = virtqueue_pop(queue))) {
            queue->type->request(queue->virtio, chain);
            more = true;
        }
        if (more && live(queue->virtio) && !virtq_packed(queue)) {
            split_ask_for_kick(queue);
        }
    }
}

void virtio_notify(VirtioDevice *virtio, unsigned n)
{
    Virtqueue *queue = n < virtio->n_queues ? &virtio->queue[n] : NULL;

    if (!queue || queue->busy || !live(virtio) || !queue->type->request) {
        return;
    }
    queue->busy = true;
    queue->waiting = false;
    serve(queue);
    queue->busy = false;
}

/* ---- what the driver sets ---- */

static void reset(VirtioDevice *virtio)
{
    if (virtio->type->stop) {
        virtio->type->stop(virtio);
    }
    g_assert(chains_out(virtio) == 0);
    memset(&virtio->state, 0, sizeof virtio->state);
    memset(&virtio->queues, 0, sizeof virtio->queues);
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        virtio->queues.size[i] = virtio->type->queue[i].size;
    }
}

/* 3.1.1; FEATURES_OK stays only if the features can be had: VERSION_1 must be among them (6.1), for there is no legacy interface. */
void virtio_set_status(VirtioDevice *virtio, u8 status)
{
    u8 old = virtio->state.status;

    if (!status) {
        u8 generation = virtio->state.generation;

        reset(virtio);
        virtio->state.generation = generation;
        return;
    }
    /* 2.1.1: the driver must not clear a bit; only a reset does. */
    status = (status & 0x8f) | (old & (VIRTIO_NEEDS_RESET | 0x0f));
    if ((status & VIRTIO_FEATURES_OK) && !(old & VIRTIO_FEATURES_OK) &&
        (!virtio_has(virtio, VIRTIO_F_VERSION_1) || virtio->state.driver_features & ~virtio_offered(virtio))) {
        status &= ~VIRTIO_FEATURES_OK;
    }
    if ((status & VIRTIO_DRIVER_OK) && !(status & VIRTIO_FEATURES_OK)) {
        status &= ~VIRTIO_DRIVER_OK;
    }
    virtio->state.status = status;
    if ((status & VIRTIO_DRIVER_OK) && !(old & VIRTIO_DRIVER_OK)) {
        for (unsigned i = 0; i < virtio->n_queues; i++) {
            virtio_notify(virtio, i);           /* what was made available before counts too */
        }
    }
}

void virtio_set_features(VirtioDevice *virtio, u64 features)
{
    if (!(virtio->state.status & VIRTIO_FEATURES_OK)) {
        virtio->state.driver_features = features;
    }
}

void virtio_set_queue_size(VirtioDevice *virtio, unsigned n, u16 size)
{
    if (n < virtio->n_queues && !virtio->queues.enabled[n]) {
        virtio->queues.size[n] = MIN(size, virtio_queue_limit(virtio, n));
    }
}

void virtio_set_queue_address(VirtioDevice *virtio, unsigned n, u64 *which, u64 mask, u64 value)
{
    if (n < virtio->n_queues && !virtio->queues.enabled[n]) {
        which[n] = (which[n] & ~mask) | (value & mask);
    }
}

/* Alignment of the three areas: 2.7 and 2.8.  */
static const char *queue_mistake(const VirtioDevice *virtio, unsigned n)
{
    const VirtioQueues *q = &virtio->queues;
    bool packed = virtio_has(virtio, VIRTIO_F_RING_PACKED);
    u16 size = q->size[n];

    if (!(virtio->state.status & VIRTIO_FEATURES_OK)) {
        return "3.1.1: enabled before the features were agreed on";
    }
    if (!size || (!packed && size & (size - 1))) {
        return "2.7: the size is not a power of two";
    }
    if (q->desc[n] & 15 || q->driver[n] & (packed ? 3 : 1) || q->device[n] & 3) {
        return "2.7: an area is not aligned";
    }
    return NULL;
}

void virtio_enable_queue(VirtioDevice *virtio, unsigned n)
{
    VirtioQueues *q = &virtio->queues;
    const char *mistake;

    if (n >= virtio->n_queues || q->enabled[n]) {
        return;
    }
    mistake = queue_mistake(virtio, n);
    if (mistake) {
        virtio_fault(virtio, "queue %u: %s", n, mistake);
        return;
    }
    q->enabled[n] = 1;
    q->next[n] = q->used[n] = virtio_has(virtio, VIRTIO_F_RING_PACKED) ? WRAP : 0;
    q->signalled[n] = q->signalled_valid[n] = 0;
}

/* ---- configuration space ---- */

void virtio_config_read(VirtioDevice *virtio, unsigned offset, u8 *bytes, unsigned n)
{
    unsigned size = virtio->type->config_size;
    g_autofree u8 *all = g_malloc0(size + 1);

    if (virtio->type->config_get) {
        virtio->type->config_get(virtio, all);
    }
    for (unsigned i = 0; i < n; i++) {
        bytes[i] = offset + i < size ? all[offset + i] : 0;
    }
}

void virtio_config_write(VirtioDevice *virtio, unsigned offset, const u8 *bytes, unsigned n)
{
    unsigned size = virtio->type->config_size;

    if (virtio->type->config_set && offset < size && n <= size - offset) {
        virtio->type->config_set(virtio, offset, bytes, n);
    }
}

/* ---- parts ---- */

static void virtio_part_reset(Device *dev)
{
    reset(virtio_of(dev));
}

/* Ring positions lie in the ring; sizes and alignment are what enabling would have taken. */
static bool virtio_part_loaded(Device *dev, GError **err)
{
    VirtioDevice *virtio = virtio_of(dev);
    VirtioQueues *q = &virtio->queues;
    bool packed = virtio_has(virtio, VIRTIO_F_RING_PACKED);
    bool agreed = virtio->state.status & VIRTIO_FEATURES_OK;
    const char *mistake = NULL;

    if (agreed && (virtio->state.driver_features & ~virtio_offered(virtio))) {
        mistake = "features that are not offered";
    }
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX && !mistake; i++) {
        if (q->size[i] > virtio_queue_limit(virtio, i)) {
            mistake = "a queue larger than this device's";
        } else if (q->enabled[i]) {
            mistake = i >= virtio->n_queues ? "a queue that this device does not have" : queue_mistake(virtio, i);
            if (!mistake && packed && ((q->next[i] & ~WRAP) >= q->size[i] || (q->used[i] & ~WRAP) >= q->size[i])) {
                mistake = "a ring position beyond its queue";
            }
        }
    }
    if (mistake) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s", mistake);
    }
    return !mistake;
}

const Part virtio_part = {
    .name = "virtio",
    .state = virtio_fields, .state_at = offsetof(VirtioDevice, state), .state_size = sizeof(VirtioState),
    .reset = virtio_part_reset,
};

const Part virtio_queues_part = {
    .name = "virtio-queues",
    .state = queue_fields, .state_at = offsetof(VirtioDevice, queues), .state_size = sizeof(VirtioQueues),
    .reset = virtio_part_reset, .loaded = virtio_part_loaded,
};

void virtio_prepare(VirtioDevice *virtio, const VirtioTransport *transport)
{
    virtio->type = container_of(virtio->device.type, VirtioType, device);
    virtio->transport = transport;
    while (virtio->n_queues < G_N_ELEMENTS(virtio->type->queue) && virtio->type->queue[virtio->n_queues].name) {
        virtio->n_queues++;
    }
    virtio->queue = g_new0(Virtqueue, virtio->n_queues);
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        virtio->queue[i] = (Virtqueue){ .virtio = virtio, .n = i, .type = &virtio->type->queue[i],
                                        .chain = g_new0(Chain *, VIRTQ_SIZE_MAX) };
    }
}

void virtio_finish(VirtioDevice *virtio)
{
    if (virtio->queue) {
        reset(virtio);
    }
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        for (unsigned j = 0; j < VIRTQ_SIZE_MAX; j++) {
            g_free(virtio->queue[i].chain[j]);
        }
        g_free(virtio->queue[i].chain);
    }
    g_clear_pointer(&virtio->queue, g_free);
    virtio->n_queues = 0;
}
