/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio device as the driver sets it up, whatever the transport: status, features,
 * queues, configuration space, reset (virtio 1.2, chapters 2 and 3).  Left out:
 * virtqueue reset, in-order use, notification data.  Under the machine lock.
 */

#include "hw/virtio/virtq.h"

#include <stdarg.h>
#include <string.h>

static const Field config_fields[] = STATE_ROWS(VirtioConfig, VIRTIO_CONFIG_ROWS);
static const Field virtio_fields[] = STATE_ROWS(VirtioState, VIRTIO_STATE_ROWS);
static const Field queue_fields[] = STATE_ROWS(VirtioQueues, VIRTIO_QUEUE_ROWS);

/* The status bits a driver sets; NEEDS_RESET is the device's. */
enum {
    DRIVER_BITS = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK |
                  VIRTIO_FEATURES_OK | VIRTIO_FAILED,
};

static VirtioDevice *virtio_of(Device *dev)
{
    return container_of(dev, VirtioDevice, device);
}

/* ---- features ---- */

bool virtio_has(const VirtioDevice *virtio, u64 feature)
{
    return virtio->state.driver_features & feature;
}

u64 virtio_offered(const VirtioDevice *virtio)
{
    const VirtioConfig *config = &virtio->config;

    return virtio->features | VIRTIO_F_VERSION_1 |
           (config->packed ? VIRTIO_F_RING_PACKED : 0) |
           (config->indirect_desc ? VIRTIO_F_INDIRECT_DESC : 0) |
           (config->event_idx ? VIRTIO_F_EVENT_IDX : 0);
}

/* 6.1: a driver that does not take VERSION_1 wants the legacy interface. */
static bool features_are_good(const VirtioDevice *virtio)
{
    return virtio_has(virtio, VIRTIO_F_VERSION_1) &&
           !virtio_has(virtio, ~virtio_offered(virtio));
}

void virtio_set_features(VirtioDevice *virtio, u64 features)
{
    if (!(virtio->state.status & VIRTIO_FEATURES_OK)) {
        virtio->state.driver_features = features;
    }
}

/* ---- what goes wrong, and what changes ---- */

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
        if (virtio->state.status & VIRTIO_DRIVER_OK) {
            /* 2.1.2: "MUST send a device configuration change notification" */
            virtio->transport->config_interrupt(virtio);
        }
    }
}

void virtio_config_changed(VirtioDevice *virtio)
{
    virtio->state.changed = 1;
    if (virtio->state.status & VIRTIO_DRIVER_OK) {
        virtio->transport->config_interrupt(virtio);
    }
}

/* ---- reset and status ---- */

static void stop(VirtioDevice *virtio)
{
    virtio->stopping = true;
    if (virtio->type->stop && virtio->device.opened) {
        virtio->type->stop(virtio);
    }
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        Chain *chain;

        while ((chain = virtqueue_take_redo(&virtio->queue[i]))) {
            chain_done(chain);
        }
    }
    virtio->stopping = false;
    g_assert(chains_out(virtio) == 0);
}

static void reset(VirtioDevice *virtio)
{
    stop(virtio);
    if (virtio->again) {
        timer_cancel(virtio->again);
    }
    memset(&virtio->state, 0, sizeof virtio->state);
    memset(&virtio->queues, 0, sizeof virtio->queues);
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        virtio->queues.size[i] = virtio->queue[i].limit;
    }
}

static void started(VirtioDevice *virtio)
{
    if (virtio->type->started) {
        virtio->type->started(virtio);
    }
}

/*
 * 3.1.1.  FEATURES_OK stays only if the features can be had, DRIVER_OK only after it.
 * 2.1.1: "The driver MUST NOT clear a device status bit": it can't.
 */
void virtio_set_status(VirtioDevice *virtio, u8 status)
{
    u8 old = virtio->state.status;

    if (!status) {
        reset(virtio);
        device_reset_part(&virtio->device, 0);
        return;
    }
    status = (status & DRIVER_BITS) | old;
    if (!(old & VIRTIO_FEATURES_OK) && !features_are_good(virtio)) {
        status &= ~VIRTIO_FEATURES_OK;
    }
    if (!(status & VIRTIO_FEATURES_OK)) {
        status &= ~VIRTIO_DRIVER_OK;
    }
    virtio->state.status = status;
    if ((status & VIRTIO_DRIVER_OK) && !(old & VIRTIO_DRIVER_OK)) {
        started(virtio);
        for (unsigned i = 0; i < virtio->n_queues; i++) {
            virtio_notify(virtio, i);       /* what was made available before counts */
        }
    }
}

/* ---- queues ---- */

static u16 queue_limit(const VirtioDevice *virtio, unsigned n)
{
    return n < virtio->n_queues ? virtio->queue[n].limit : 0;
}

static bool queue_is_open(const VirtioDevice *virtio, unsigned n)
{
    return n < virtio->n_queues && !virtio->queues.enabled[n];
}

/*
 * 4.1.4.3.1: without RING_PACKED "the device MUST present either a value of 0 or a
 * power of 2".
 */
void virtio_set_queue_size(VirtioDevice *virtio, unsigned n, u16 size)
{
    if (queue_is_open(virtio, n) && size <= queue_limit(virtio, n) &&
        (virtio_has(virtio, VIRTIO_F_RING_PACKED) || !(size & (size - 1)))) {
        virtio->queues.size[n] = size;
    }
}

void virtio_set_queue_address(VirtioDevice *virtio, unsigned n, u64 *address, u64 mask,
                              u64 value)
{
    if (queue_is_open(virtio, n)) {
        *address = (*address & ~mask) | (value & mask);
    }
}

/* Why the queue can't be enabled as it is, or NULL.  Alignment: 2.7, 2.8.10.1. */
static const char *queue_mistake(const VirtioDevice *virtio, unsigned n)
{
    const VirtioQueues *q = &virtio->queues;
    bool packed = virtio_has(virtio, VIRTIO_F_RING_PACKED);
    u16 size = q->size[n];

    if (n >= virtio->n_queues) {
        return "this device does not have it";
    }
    if (!(virtio->state.status & VIRTIO_FEATURES_OK)) {
        return "3.1.1: enabled before the features were agreed on";
    }
    if (!size || size > queue_limit(virtio, n)) {
        return "4.1.4.3: the size is 0 or more than was offered";
    }
    if (!packed && (size & (size - 1))) {
        return "2.7: the size is not a power of two";
    }
    if (q->desc[n] % 16 || q->driver[n] % (packed ? 4 : 2) || q->device[n] % 4) {
        return "2.7: an area is not aligned";
    }
    return NULL;
}

void virtio_enable_queue(VirtioDevice *virtio, unsigned n)
{
    VirtioQueues *q = &virtio->queues;
    const char *mistake;

    if (!queue_is_open(virtio, n)) {
        return;
    }
    mistake = queue_mistake(virtio, n);
    if (mistake) {
        virtio_fault(virtio, "queue %u: %s", n, mistake);
        return;
    }
    q->enabled[n] = 1;
    /* 2.8.1: wrap counters begin with 1 */
    q->next[n] = q->used[n] = virtio_has(virtio, VIRTIO_F_RING_PACKED) ? WRAP : 0;
}

/* ---- configuration space ---- */

/* 4.1.4.3.1: the generation changes when what changed is read: no change is missed. */
void virtio_config_read(VirtioDevice *virtio, unsigned offset, u8 *bytes, unsigned n)
{
    u8 all[VIRTIO_CONFIG_MAX] = { 0 };

    if (virtio->type->config_get) {
        virtio->type->config_get(virtio, all);
    }
    virtio->state.generation += virtio->state.changed;
    virtio->state.changed = 0;
    for (unsigned i = 0; i < n; i++) {
        bytes[i] = offset + i < virtio->type->config_size ? all[offset + i] : 0;
    }
}

void virtio_config_write(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                         unsigned n)
{
    unsigned size = virtio->type->config_size;

    if (virtio->type->config_set && offset < size && n <= size - offset) {
        virtio->type->config_set(virtio, offset, bytes, n);
    }
}

/* ---- parts ---- */

static void queues_reset(Device *dev)
{
    VirtioDevice *virtio = virtio_of(dev);
    bool took = io_enter(virtio->io);

    reset(virtio);
    io_leave(virtio->io, took);
}

static const char *status_mistake(const VirtioDevice *virtio)
{
    u8 status = virtio->state.status;

    if (status & ~(DRIVER_BITS | VIRTIO_NEEDS_RESET)) {
        return "status bits that do not exist";
    }
    if ((status & VIRTIO_FEATURES_OK) && !features_are_good(virtio)) {
        return "features that are not offered";
    }
    if ((status & VIRTIO_DRIVER_OK) && !(status & VIRTIO_FEATURES_OK)) {
        return "a driver without features";
    }
    return NULL;
}

/* Ring positions lie in the ring, and enabled is what enabling would have taken. */
static const char *position_mistake(const VirtioDevice *virtio, unsigned n)
{
    const VirtioQueues *q = &virtio->queues;

    if (!q->enabled[n]) {
        return q->size[n] > queue_limit(virtio, n) ? "larger than this device's" : NULL;
    }
    if (virtio_has(virtio, VIRTIO_F_RING_PACKED) &&
        ((q->next[n] & ~WRAP) >= q->size[n] || (q->used[n] & ~WRAP) >= q->size[n])) {
        return "a position beyond the ring";
    }
    return queue_mistake(virtio, n);
}

static bool queues_loaded(Device *dev, GError **err)
{
    VirtioDevice *virtio = virtio_of(dev);
    const char *mistake = status_mistake(virtio);
    bool again = false, took = io_enter(virtio->io);
    unsigned n = 0;

    stop(virtio);
    io_leave(virtio->io, took);
    timer_cancel(virtio->again);
    for (; !mistake && n < VIRTIO_QUEUES_MAX; n++) {
        mistake = position_mistake(virtio, n);
        again |= virtio->queues.again[n];
    }
    if (mistake) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "virtio-queues: %s (%u)",
                    mistake, n);
        return false;
    }
    if (virtio->state.status & VIRTIO_DRIVER_OK) {
        took = io_enter(virtio->io);
        started(virtio);
        io_leave(virtio->io, took);
    }
    if (again) {
        timer_set(virtio->again, clock_now(dev->machine->clock));
    }
    return true;
}

static void save_out(Device *dev, GByteArray *out)
{
    virtio_save_out(virtio_of(dev), out);
}

static bool load_out(Device *dev, const u8 *data, size_t n, GError **err)
{
    VirtioDevice *virtio = virtio_of(dev);
    bool took = io_enter(virtio->io), right = virtio_load_out(virtio, data, n, err);

    if (!right) {
        stop(virtio);
    }
    io_leave(virtio->io, took);
    return right;
}

const Part virtio_part = {
    .name = "virtio",
    .config = config_fields, .config_at = offsetof(VirtioDevice, config),
    .state = virtio_fields, .state_at = offsetof(VirtioDevice, state),
    .state_size = sizeof(VirtioState),
};

/* The record that comes last judges both. */
const Part virtio_queues_part = {
    .name = "virtio-queues",
    .state = queue_fields, .state_at = offsetof(VirtioDevice, queues),
    .state_size = sizeof(VirtioQueues),
    .reset = queues_reset, .loaded = queues_loaded,
    .save_more = save_out, .load_more = load_out,
};

/* ---- life ---- */

void virtio_add_queue(VirtioDevice *virtio, const VirtioQueueType *type, u16 size)
{
    unsigned n = virtio->n_queues++;

    g_assert(n < VIRTIO_QUEUES_MAX);
    virtio->queue = g_renew(Virtqueue, virtio->queue, virtio->n_queues);
    virtio->queue[n] = (Virtqueue){ .virtio = virtio, .n = n, .type = type,
                                    .limit = size ? size : type->size };
}

void virtio_set_context(VirtioDevice *virtio, IoContext *io)
{
    g_assert(virtio->type->doorbells);
    virtio->io = io;
}

void virtio_pause(VirtioDevice *virtio, bool on)
{
    bool took = io_enter(virtio->io);

    virtio->paused = on;
    if (on && virtio->type->paused) {
        virtio->type->paused(virtio);
    }
    if (!on && virtio->type->resumed) {
        virtio->type->resumed(virtio);
    }
    for (unsigned i = 0; !on && i < virtio->n_queues; i++) {
        virtio_notify(virtio, i);           /* it may have rung meanwhile */
    }
    io_leave(virtio->io, took);
}

void virtio_prepare(VirtioDevice *virtio, const VirtioTransport *transport)
{
    Device *dev = &virtio->device;
    const VirtioQueueType *row;

    virtio->type = container_of(dev->type, VirtioType, device);
    virtio->transport = transport;
    virtio->io = io_main();
    g_assert(virtio->type->config_size <= VIRTIO_CONFIG_MAX);
    virtio->features = virtio->type->features;
    row = virtio->type->queue;
    for (unsigned i = 0; i < G_N_ELEMENTS(virtio->type->queue) && row[i].name; i++) {
        virtio_add_queue(virtio, &row[i], 0);
    }
    if (dev->machine) {
        virtio->again = timer_new(dev->machine->clock, virtio_serve_again, virtio);
    }
    device_add_part(dev, &virtio_part, virtio);
    device_add_part(dev, &virtio_queues_part, virtio);
}

void virtio_finish(VirtioDevice *virtio)
{
    bool took = io_enter(virtio->io);

    virtio_close_bells(virtio);
    stop(virtio);
    virtio->state.status = 0;       /* back ends may call until `close`: no driver */
    io_leave(virtio->io, took);
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        Chain *chain = virtio->queue[i].spare, *next;

        for (; chain; chain = next) {
            next = chain->next_spare;
            g_free(chain);
        }
    }
    g_clear_pointer(&virtio->queue, g_free);
    g_clear_pointer(&virtio->again, timer_free);
    virtio->n_queues = 0;
}
