/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queue interrupts that somebody else sends by an eventfd, such as the host's kernel
 * when it serves a queue (vhost).  While the queue's MSI-X vector has a message KVM
 * turns the eventfd into it (irqfd); while it is masked, without MSI-X and without KVM
 * the main loop reads the eventfd and does what the device itself would.
 *
 * Under the machine lock.
 */

#include "hw/virtio/virtio_pci.h"

#include "accel/accel.h"

#include <sys/eventfd.h>

struct VirtioPciCall {
    VirtioPci *vp;
    unsigned queue;
    int fd;                         /* -1: nobody calls */
    IoWatch *watch;                 /* or, without one, ... */
    u32 route;                      /* ... KVM's */
};

static void called(void *opaque)
{
    VirtioPciCall *call = opaque;
    VirtioDevice *virtio = call->vp->virtio;
    eventfd_t count;

    eventfd_read(call->fd, &count);
    virtio->transport->queue_interrupt(virtio, call->queue);
}

static Accel *accel_of(const VirtioPciCall *call)
{
    return call->vp->virtio->device.machine->accel;
}

static void unroute(VirtioPciCall *call)
{
    if (call->watch) {
        io_unwatch(call->watch);
        call->watch = NULL;
    } else {
        accel_of(call)->type->irqfd_remove(accel_of(call), call->fd, call->route);
    }
}

static void route(VirtioPciCall *call, const PciMessage *message)
{
    Accel *accel = accel_of(call);

    if (!message || !accel || !accel->type->irqfd ||
        !accel->type->irqfd(accel, call->fd, message->address, message->data,
                            &call->route)) {
        call->watch = io_watch(io_main(), call->fd, called, call);
    }
}

static void vector_changed(void *opaque, unsigned vector, const PciMessage *message)
{
    VirtioPci *vp = opaque;

    for (unsigned i = 0; i < vp->virtio->n_queues; i++) {
        if (vp->call[i].fd >= 0 && vp->state.vector[i] == vector) {
            unroute(&vp->call[i]);
            route(&vp->call[i], message);
        }
    }
}

static void make_calls(VirtioPci *vp)
{
    vp->call = g_new0(VirtioPciCall, vp->virtio->n_queues);
    for (unsigned i = 0; i < vp->virtio->n_queues; i++) {
        vp->call[i] = (VirtioPciCall){ .vp = vp, .queue = i, .fd = -1 };
    }
    pci_msix_listen(&vp->pci, vector_changed, vp);
}

void virtio_pci_queue_call(VirtioDevice *virtio, unsigned queue, int fd)
{
    VirtioPci *vp = virtio->device.bus_data;
    VirtioPciCall *call;
    PciMessage message;
    bool live;

    if (!vp->call) {
        make_calls(vp);
    }
    call = &vp->call[queue];
    if (call->fd >= 0) {
        unroute(call);
    }
    call->fd = fd;
    if (fd >= 0) {
        live = pci_msix_message(&vp->pci, vp->state.vector[queue], &message);
        route(call, live ? &message : NULL);
    }
}
