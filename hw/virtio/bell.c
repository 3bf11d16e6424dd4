/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells: an eventfd per queue that the driver's notification signals (KVM in the
 * kernel, the software CPU with a write), watched by the loop of the device's context.
 * Under that context's lock, except the making.
 */

#include "hw/virtio/virtq.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct VirtioBell {
    Virtqueue *queue;
    int fd;
    IoWatch *watch;
} VirtioBell;

static void rang(void *opaque)
{
    VirtioBell *bell = opaque;
    eventfd_t count;

    eventfd_read(bell->fd, &count);
    virtio_notify(bell->queue->virtio, bell->queue->n);
}

bool virtio_open_bells(VirtioDevice *virtio, GError **err)
{
    virtio->bell = g_new0(VirtioBell, virtio->n_queues);
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        virtio->bell[i].fd = -1;
    }
    for (unsigned i = 0; i < virtio->n_queues; i++) {
        VirtioBell *bell = &virtio->bell[i];

        bell->queue = &virtio->queue[i];
        bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (bell->fd < 0) {
            g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                        "no eventfd for queue %u: %s", i, g_strerror(errno));
            return false;
        }
        bell->watch = io_watch(virtio->io, bell->fd, rang, bell);
    }
    return true;
}

void virtio_close_bells(VirtioDevice *virtio)
{
    for (unsigned i = 0; virtio->bell && i < virtio->n_queues; i++) {
        io_unwatch(virtio->bell[i].watch);
        if (virtio->bell[i].fd >= 0) {
            close(virtio->bell[i].fd);
        }
    }
    g_clear_pointer(&virtio->bell, g_free);
}

int virtio_bell_fd(const VirtioDevice *virtio, unsigned queue)
{
    return virtio->bell ? virtio->bell[queue].fd : -1;
}

void virtio_watch_bell(Virtqueue *queue, bool on)
{
    VirtioBell *bell = queue->virtio->bell ? &queue->virtio->bell[queue->n] : NULL;

    if (bell && on && !bell->watch) {
        bell->watch = io_watch(queue->virtio->io, bell->fd, rang, bell);
    } else if (bell && !on) {
        io_unwatch(bell->watch);
        bell->watch = NULL;
    }
}

bool virtio_ring_bell(Virtqueue *queue)
{
    int fd = virtio_bell_fd(queue->virtio, queue->n);

    return fd >= 0 && eventfd_write(fd, 1) == 0;
}
