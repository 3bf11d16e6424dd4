/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O APIC (82093AA with the EOI register of its successors), for the board that
 * wires it and for an accelerator that wants to know where pins lead.  Under the
 * machine lock.
 *
 * A pin that fires becomes a message: machine_msi(), address and data as ioapic_route()
 * tells them. Levels are logical (true: asserted); the polarity bit is kept and has no
 * effect.
 */

#ifndef HW_INTC_IOAPIC_H
#define HW_INTC_IOAPIC_H

#include "hw/core/device.h"
#include "hw/core/irq.h"

enum { IOAPIC_PINS = 24, IOAPIC_BASE = 0xfec00000 };

extern const DeviceType ioapic_type;

/*
 * A pin is asserted while any of its sources is.  A source that drives pins past the
 * board's GSI lines takes a number of its own; source 0 is the board.
 */
enum { IOAPIC_SOURCES = 8 };
Irq ioapic_input(Device *ioapic, unsigned pin, unsigned source);

/*
 * A LAPIC ended a level-triggered interrupt: Remote IRR is cleared, and a pin still
 * asserted fires again.
 */
void ioapic_eoi(Device *ioapic, u8 vector);

/* Where a pin leads: the message that it sends. */
typedef struct {
    gpa address;
    u32 data;
    bool masked, level;         /* level: level-triggered, ends with an EOI */
} IoapicRoute;
IoapicRoute ioapic_route(Device *ioapic, unsigned pin);

/* Who wants to know: the entries of `pins` (one bit each) may lead elsewhere now. */
typedef void IoapicFn(void *opaque, u32 pins);
void ioapic_listen(Device *ioapic, IoapicFn *changed, void *opaque);
void ioapic_unlisten(Device *ioapic, IoapicFn *changed, void *opaque);

#endif
