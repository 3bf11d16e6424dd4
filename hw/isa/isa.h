/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA bus: devices behind fixed I/O ports and the sixteen old interrupt lines.
 *
 * An ISA device's object begins with an IsaDevice.  Its `open` names the ports it
 * decodes; the bus maps them when it attaches the device, or says which device is there
 * already.  An interrupt is a GSI: machine_gsi(machine, irq, level). Two devices on one
 * IRQ do not share it (the line is edge-triggered, as on the real bus).
 *
 *     static bool gizmo_open(Device *dev, GError **err)
 *     {
 *         Gizmo *gizmo = container_of(dev, Gizmo, isa.device);
 *
 *         return isa_ports(&gizmo->isa, gizmo->config.iobase, 8, &gizmo_ops, err);
 *     }
 *
 * The ops get the IsaDevice as `opaque`.  All under the machine lock or before the
 * machine starts.
 */

#ifndef HW_ISA_ISA_H
#define HW_ISA_ISA_H

#include "hw/core/device.h"
#include "hw/core/machine.h"

enum { ISA_RANGES = 4, ISA_PORTS = 0x10000, ISA_IRQS = 16 };

typedef struct {
    Device device;
    Region range[ISA_RANGES];
    unsigned n_ranges;
} IsaDevice;

extern const BusType isa_bus;

/*
 * For `open`: the device decodes `count` ports from `base` on.  Fails where that goes
 * beyond port 0xffff.
 */
bool isa_ports(IsaDevice *isa, unsigned base, unsigned count, const RegionOps *ops,
               GError **err) must_check;

/* The .bus row of a type. */
#define ISA_DEVICE .bus = { &isa_bus }

#endif
