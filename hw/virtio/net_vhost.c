/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net with vhost=on: the host's kernel (net/vhost.h) carries packets between the
 * rings and the tap device; this process sees neither packets nor notifications.
 *
 * The kernel has the queues while the driver is up, the machine runs and the link is
 * up; otherwise they are ours, and what a driver then sends is lost.  The control queue
 * always is.  What the driver does not want to receive (5.1.6.5.1) it gets all the
 * same: the filter is a device's best effort.  Split rings only.
 *
 * Under the machine lock.
 */

#include "hw/virtio/net.h"

#include "accel/accel.h"
#include "base/log.h"
#include "net/vhost.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the kernel must know of the driver's choice, where it takes it. */
#define KERNEL_FEATURES (NET_F_MRG_RXBUF | VIRTIO_F_INDIRECT_DESC | \
                         VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1)

enum { REGIONS_MAX = 16, PAIR = 2 };

/* ---- one pair of queues ---- */

static const char *set_up(VirtioNet *net, int vhost)
{
    Mem *mem = net->virtio.device.machine->mem;
    VhostRegion table[REGIONS_MAX];
    MemRegion region;
    struct iovec host;
    unsigned n = 0;

    for (unsigned i = 0; mem_region(mem, i, &region); i++) {
        if (!(region.base >> 52) && n < REGIONS_MAX &&      /* where a CPU reaches */
            mem_iov(mem, region.base, region.size, &host)) {
            table[n++] = (VhostRegion){ region.base, region.size, host.iov_base };
        }
    }
    return vhost_set_up(vhost, net->virtio.state.driver_features & KERNEL_FEATURES,
                        table, n);
}

/* The first `lent` queues are ours again, and the driver looks at them once more. */
static void take_back(VirtioNet *net, unsigned pair, unsigned lent)
{
    VirtioDevice *virtio = &net->virtio;
    int vhost, interface;

    if (!net_vhost(net->front, pair, &vhost, &interface)) {
        return;
    }
    for (unsigned n = 0; n < PAIR; n++) {
        (void)vhost_set_interface(vhost, n, -1);
    }
    for (unsigned n = 0; n < lent; n++) {
        unsigned queue = PAIR * pair + n;

        virtio->transport->queue_call(virtio, queue, -1);
        close(net->call[queue]);
        virtqueue_give_back(virtio_queue(virtio, queue),
                            vhost_position(vhost, n, virtio->queues.next[queue]));
        if (!virtio->stopping) {        /* what was signalled last may be lost */
            virtio->transport->queue_interrupt(virtio, queue);
        }
    }
}

static const char *give_queue(VirtioNet *net, int vhost, unsigned pair, unsigned n)
{
    VirtioDevice *virtio = &net->virtio;
    unsigned queue = PAIR * pair + n;
    int call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    VirtqueueLoan loan;

    if (call < 0) {
        return "eventfd";
    }
    if (!virtqueue_lend(virtio_queue(virtio, queue), &loan)) {
        close(call);
        errno = EINVAL;
        return "the driver's queues";
    }
    net->call[queue] = call;
    virtio->transport->queue_call(virtio, queue, call);
    return vhost_set_ring(vhost, n, &(VhostRing){
        loan.desc, loan.driver, loan.device, loan.size, loan.next, loan.kick, call });
}

/* NULL, or what failed, with errno; then both queues are still ours. */
static const char *give(VirtioNet *net, unsigned pair)
{
    int vhost = -1, interface = -1, why;
    const char *failed;
    unsigned n = 0;

    errno = ENODEV;
    failed = net_vhost(net->front, pair, &vhost, &interface) ? set_up(net, vhost)
                                                             : "descriptor";
    while (!failed && n < PAIR) {
        failed = give_queue(net, vhost, pair, n);
        n += virtqueue_is_lent(virtio_queue(&net->virtio, PAIR * pair + n));
    }
    for (unsigned i = 0; !failed && i < PAIR; i++) {
        failed = vhost_set_interface(vhost, i, interface);
    }
    if (failed) {
        why = errno;
        take_back(net, pair, n);
        errno = why;
    }
    return failed;
}

/* ---- all ---- */

void virtio_net_vhost_stop(VirtioNet *net)
{
    for (unsigned pair = 0; pair < net->given; pair++) {
        take_back(net, pair, PAIR);
    }
    if (net->given) {
        net->given = 0;
        net_vhost_carries(net->front, false);
    }
}

void virtio_net_vhost_start(VirtioNet *net)
{
    VirtioDevice *virtio = &net->virtio;
    const char *failed = NULL;

    if (!net->vhost || net->given || !(virtio->state.status & VIRTIO_DRIVER_OK) ||
        virtio->paused || !net_link_up(net->front)) {
        return;
    }
    net_vhost_carries(net->front, true);
    while (!failed && net->given < net->state.pairs) {
        failed = give(net, net->given);
        net->given += !failed;
    }
    if (failed) {
        warn_user("netdev '%s': vhost: %s: %s; its packets pass through this process",
                  net->config.netdev, failed, g_strerror(errno));
        virtio_net_vhost_stop(net);
        net_vhost_carries(net->front, false);
    }
}

/* Before features are offered. */
bool virtio_net_vhost_open(VirtioNet *net, GError **err)
{
    const Accel *accel = net->virtio.device.machine->accel;
    const char *wrong = NULL;
    int vhost, interface;
    u64 features;

    if (!net_vhost(net->front, 0, &vhost, &interface)) {
        return true;
    }
    features = vhost_features(vhost);
    if (!accel || !accel->type->ram_is_shared) {
        wrong = "needs KVM (-accel kvm)";
    } else if (net->config.iothread) {
        wrong = "and iothread= exclude each other";
    } else if (!(features & VIRTIO_F_VERSION_1)) {
        wrong = "needs a vhost-net with virtio 1.0";
    }
    if (wrong) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "netdev '%s': vhost=on %s", net->config.netdev, wrong);
        return false;
    }
    net->vhost = true;
    net->virtio.features &= features | ~KERNEL_FEATURES;
    net->virtio.config.packed = false;
    net->virtio.config.event_idx &= (features & VIRTIO_F_EVENT_IDX) != 0;
    net->virtio.config.indirect_desc &= (features & VIRTIO_F_INDIRECT_DESC) != 0;
    return true;
}
