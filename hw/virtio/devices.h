/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio devices there are, for hw/devices.c.
 */

#ifndef HW_VIRTIO_DEVICES_H
#define HW_VIRTIO_DEVICES_H

#include "hw/virtio/virtio.h"

extern const VirtioType virtio_9p;
extern const VirtioType virtio_blk;
extern const VirtioType virtio_gpu, virtio_gpu_gl;
extern const VirtioType virtio_keyboard, virtio_mouse, virtio_tablet, virtio_multitouch;
extern const VirtioType virtio_net;
extern const VirtioType virtio_rng;
extern const VirtioType virtio_vga, virtio_vga_gl;
extern const VirtioType virtio_serial;

/* Ports of a virtio-serial controller, and where they are plugged in. */
extern const DeviceType virtconsole_type, virtserialport_type;
extern const BusType virtio_serial_bus;

#endif
