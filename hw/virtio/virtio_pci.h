/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between virtio_pci.c (the function, its interrupts and capabilities) and
 * virtio_pci_common.c (the common configuration structure).  Nobody else includes this.
 * Under the machine lock, and that of the device's context.
 */

#ifndef HW_VIRTIO_VIRTIO_PCI_H
#define HW_VIRTIO_VIRTIO_PCI_H

#include "hw/pci/pci.h"
#include "hw/virtio/virtio.h"

enum { NO_VECTOR = 0xffff, COMMON_BYTES = 56 };

#define VIRTIO_PCI_CONFIG_ROWS                                                      \
    (u32, vectors, "MSI-X vectors at most; 0 for none", .def = PCI_MSIX_MAX,        \
          .max = PCI_MSIX_MAX),                                                     \
    (bool, ioeventfd, "notifications reach the queue without stopping a CPU",       \
           .def = 1),                                                               \
    (u8, disable_legacy, "there is no legacy interface", .max = 1,                  \
         .names = virtio_pci_legacy),                                               \
    (u8, disable_modern, "there is no other interface", .names = virtio_pci_only_off), \
    (u8, ats,            "address translation by the device: not offered",          \
         .names = virtio_pci_only_off),                                             \
    (u8, iommu_platform, "addresses go through an IOMMU: not offered",              \
         .names = virtio_pci_only_off),                                             \
    (u8, page_per_vq,    "a page of notifications for each queue: not offered",     \
         .names = virtio_pci_only_off)

#define VIRTIO_PCI_STATE_ROWS                                                       \
    (u32, device_select, "half of the device's features that is shown"),            \
    (u32, driver_select, "half of the driver's features that is meant"),            \
    (u16, queue_select,  "queue that the queue registers are about"),               \
    (u16, config_vector, "MSI-X vector of configuration changes"),                  \
    (u8,  isr,           "interrupt status (4.1.4.5)", .max = 3),                   \
    (u8[3], reserved,    "unused"),                                                 \
    (u16[VIRTIO_QUEUES_MAX], vector, "MSI-X vector per queue")

typedef struct {
    FOR_EACH(MEMBER_, VirtioPciConfig, VIRTIO_PCI_CONFIG_ROWS)
} VirtioPciConfig;
STATE_STRUCT(VirtioPciState, VIRTIO_PCI_STATE_ROWS);

typedef struct VirtioPciCall VirtioPciCall;

typedef struct {
    PciDevice pci;                  /* first: dev->bus_data */
    VirtioDevice *virtio;
    VirtioPciConfig config;
    VirtioPciState state;
    Region structures;
    u8 bar;                         /* of the structures */
    unsigned window;                /* offset of the access capability (4.1.4.9) */
    Region shared;                  /* of the device's; there may be none */
    u64 shared_at;                  /* its address; UINT64_MAX: nowhere */
    /*
     * Interrupts that a thread without the machine lock can't send: written by any
     * thread, sent by the main one.
     */
    int late;                       /* eventfd; -1: the device works under the lock */
    IoWatch *late_watch;
    u8 late_isr;                    /* atomic */
    VirtioPciCall *call;            /* per queue; NULL: none was ever called */
} VirtioPci;

/* virtio_pci.c: as after a reset by the driver. */
void virtio_pci_reset_state(VirtioPci *vp);

/* virtio_pci_shared.c: the device's shared memory region, if it has one (4.1.4.7) */
void virtio_pci_add_shared(VirtioPci *vp);
void virtio_pci_move_shared(VirtioPci *vp);     /* its BAR may have moved */

/* virtio_pci_call.c: see VirtioTransport */
void virtio_pci_queue_call(VirtioDevice *virtio, unsigned queue, int fd);

/* virtio_pci_common.c */
u64 virtio_pci_common_read(VirtioPci *vp, unsigned offset, unsigned size);
void virtio_pci_common_write(VirtioPci *vp, unsigned offset, u64 value, unsigned size);

#endif
