# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/hw/virtio/blk.c
test += tests/hw/virtio/fault.c
test += tests/hw/virtio/pci.c
test += tests/hw/virtio/pci_interrupt.c
test += tests/hw/virtio/ring.c
test += tests/hw/virtio/ring_model.c
test += tests/hw/virtio/rng.c
