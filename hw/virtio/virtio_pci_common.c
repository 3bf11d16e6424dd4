/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The common configuration structure (virtio 1.2, section 4.1.4.3): the registers
 * through which a driver sets a device up.  Under the machine lock.
 */

#include "hw/virtio/virtio_pci.h"

/* The registers, in the specification's order: their offsets follow. */
typedef enum {
    DEVICE_SELECT, DEVICE_FEATURE, DRIVER_SELECT, DRIVER_FEATURE, CONFIG_VECTOR,
    NUM_QUEUES, STATUS, GENERATION, QUEUE_SELECT, QUEUE_SIZE, QUEUE_VECTOR,
    QUEUE_ENABLE, QUEUE_NOTIFY_OFF, QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE, REGISTERS
} CommonRegister;

static const u8 register_bytes[REGISTERS] = {
    4, 4, 4, 4, 2, 2, 1, 1, 2, 2, 2, 2, 2, 8, 8, 8
};

/* The register that holds `offset`, and where in it; REGISTERS: none. */
static CommonRegister find_register(unsigned offset, unsigned *within)
{
    unsigned at = 0, r = 0;

    while (r < REGISTERS && offset >= at + register_bytes[r]) {
        at += register_bytes[r];
        r++;
    }
    *within = r < REGISTERS ? offset - at : 0;
    return r;
}

/* ---- reading ---- */

static u32 half(u64 features, u32 select)
{
    return select < 2 ? features >> 32 * select : 0;
}

static u64 read_queue(const VirtioPci *vp, CommonRegister r)
{
    const VirtioQueues *q = &vp->virtio->queues;
    u16 n = vp->state.queue_select;

    if (n >= vp->virtio->n_queues) {
        return r == QUEUE_VECTOR ? NO_VECTOR : 0;   /* a size of 0: there is none */
    }
    switch (r) {
    case QUEUE_SIZE:
        return q->size[n];
    case QUEUE_VECTOR:
        return vp->state.vector[n];
    case QUEUE_ENABLE:
        return q->enabled[n];
    case QUEUE_NOTIFY_OFF:
        return n;
    case QUEUE_DESC:
        return q->desc[n];
    case QUEUE_DRIVER:
        return q->driver[n];
    default:
        return q->device[n];
    }
}

static u64 read_register(const VirtioPci *vp, CommonRegister r)
{
    const VirtioDevice *virtio = vp->virtio;

    switch (r) {
    case DEVICE_SELECT:
        return vp->state.device_select;
    case DEVICE_FEATURE:
        return half(virtio_offered(virtio), vp->state.device_select);
    case DRIVER_SELECT:
        return vp->state.driver_select;
    case DRIVER_FEATURE:
        return half(virtio->state.driver_features, vp->state.driver_select);
    case CONFIG_VECTOR:
        return vp->state.config_vector;
    case NUM_QUEUES:
        return virtio->n_queues;
    case STATUS:
        return virtio->state.status;
    case GENERATION:
        return virtio->state.generation;
    case QUEUE_SELECT:
        return vp->state.queue_select;
    case REGISTERS:
        return 0;
    default:
        return read_queue(vp, r);
    }
}

u64 virtio_pci_common_read(VirtioPci *vp, unsigned offset, unsigned size)
{
    unsigned within;
    CommonRegister r = find_register(offset, &within);

    return (read_register(vp, r) >> 8 * within) & (UINT64_MAX >> (64 - 8 * size));
}

/* ---- writing ---- */

/* 4.1.5.1.2: a vector that can't be had reads back as NO_VECTOR. */
static u16 checked_vector(const VirtioPci *vp, u16 vector)
{
    return vector < vp->pci.msix_vectors ? vector : NO_VECTOR;
}

static void write_features(VirtioPci *vp, u32 value)
{
    u64 old = vp->virtio->state.driver_features;

    if (vp->state.driver_select == 0) {
        virtio_set_features(vp->virtio, (old & ~(u64)UINT32_MAX) | value);
    } else if (vp->state.driver_select == 1) {
        virtio_set_features(vp->virtio, (u32)old | (u64)value << 32);
    }
}

static void write_queue(VirtioPci *vp, CommonRegister r, u64 mask, u64 value)
{
    VirtioDevice *virtio = vp->virtio;
    VirtioQueues *q = &virtio->queues;
    u16 n = vp->state.queue_select;

    if (n >= virtio->n_queues) {
        return;
    }
    switch (r) {
    case QUEUE_SIZE:
        virtio_set_queue_size(virtio, n, value);
        break;
    case QUEUE_VECTOR:
        vp->state.vector[n] = checked_vector(vp, value);
        break;
    case QUEUE_ENABLE:
        if (value == 1) {
            virtio_enable_queue(virtio, n);
        }
        break;
    case QUEUE_DESC:
        virtio_set_queue_address(virtio, n, &q->desc[n], mask, value);
        break;
    case QUEUE_DRIVER:
        virtio_set_queue_address(virtio, n, &q->driver[n], mask, value);
        break;
    case QUEUE_DEVICE:
        virtio_set_queue_address(virtio, n, &q->device[n], mask, value);
        break;
    default:
        break;
    }
}

/* `mask`: the bits of the register that the write covers. */
static void write_register(VirtioPci *vp, CommonRegister r, u64 mask, u64 value)
{
    switch (r) {
    case DEVICE_SELECT:
        vp->state.device_select = value;
        break;
    case DRIVER_SELECT:
        vp->state.driver_select = value;
        break;
    case DRIVER_FEATURE:
        write_features(vp, value);
        break;
    case CONFIG_VECTOR:
        vp->state.config_vector = checked_vector(vp, value);
        break;
    case STATUS:
        virtio_set_status(vp->virtio, value);
        if (!value) {
            virtio_pci_reset_state(vp);
        }
        break;
    case QUEUE_SELECT:
        vp->state.queue_select = value;
        break;
    default:
        write_queue(vp, r, mask, value);
    }
}

/*
 * 4.1.3.1: the driver uses each field's own width, for 64-bit fields maybe halves;
 * anything else is ignored.
 */
void virtio_pci_common_write(VirtioPci *vp, unsigned offset, u64 value, unsigned size)
{
    unsigned within;
    CommonRegister r = find_register(offset, &within);
    u64 mask = UINT64_MAX >> (64 - 8 * size) << 8 * within;

    if (r < REGISTERS &&
        (size == register_bytes[r] ||
         (register_bytes[r] == 8 && size == 4 && within % 4 == 0))) {
        write_register(vp, r, mask, value << 8 * within);
    }
}
