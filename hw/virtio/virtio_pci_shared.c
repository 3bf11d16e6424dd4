/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device's shared memory region over PCI (virtio 1.2, 2.10 and 4.1.4.7): a
 * 64-bit prefetchable BAR of its own and the capability that names it.
 *
 * The BAR by itself is empty: it reads as all ones.  What the device has to show it
 * lays over it, wherever that is (VirtioType.shared_moved).  Under the machine lock.
 */

#include "hw/virtio/virtio_pci.h"

enum {
    BAR_SHARED = 4,
    CAP_SHARED = 8, CAP_LENGTH_OF_CAP = 2, CAP_TYPE = 3, CAP_BAR = 4, CAP_ID = 5,
    CAP_LENGTH = 12, CAP_LENGTH_HIGH = 20, CAP_BYTES = 24,
};

static u64 nothing_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)size;
    return UINT64_MAX;
}

static void nothing_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)value;
    (void)size;
}

static const RegionOps nothing = {
    nothing_read, nothing_write, .sizes = 1 | 2 | 4 | 8
};

void virtio_pci_add_shared(VirtioPci *vp)
{
    const VirtioDevice *virtio = vp->virtio;
    unsigned at;

    vp->shared_at = UINT64_MAX;
    if (!virtio->shared_bytes) {
        return;
    }
    region_init_io(&vp->shared, "virtio-shared", &nothing, NULL, virtio->shared_bytes);
    pci_add_bar(&vp->pci, BAR_SHARED, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, &vp->shared);
    at = pci_add_cap(&vp->pci, PCI_CAP_VENDOR, CAP_BYTES);
    pci_config_set(&vp->pci, at + CAP_LENGTH_OF_CAP, CAP_BYTES, 1);
    pci_config_set(&vp->pci, at + CAP_TYPE, CAP_SHARED, 1);
    pci_config_set(&vp->pci, at + CAP_BAR, BAR_SHARED, 1);
    pci_config_set(&vp->pci, at + CAP_ID, virtio->shared_id, 1);
    pci_config_set(&vp->pci, at + CAP_LENGTH, virtio->shared_bytes, 4);
    pci_config_set(&vp->pci, at + CAP_LENGTH_HIGH, virtio->shared_bytes >> 32, 4);
}

void virtio_pci_move_shared(VirtioPci *vp)
{
    u64 now = vp->shared.size ? pci_bar_address(&vp->pci, BAR_SHARED) : UINT64_MAX;

    if (now != vp->shared_at) {
        vp->shared_at = now;
        vp->virtio->type->shared_moved(vp->virtio, now);
    }
}
