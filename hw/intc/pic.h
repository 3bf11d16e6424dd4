/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of 8259A interrupt controllers, for the board that wires it.  Under the
 * machine lock.
 *
 * Inputs 0-7 are the master's, 8-15 the slave's; input 2 is the cascade and cannot be
 * driven.  As the data sheet has it, a request in edge mode holds only as long as its
 * line stays up: to signal an event without a level, lower the line and raise it again,
 * and leave it up.
 */

#ifndef HW_INTC_PIC_H
#define HW_INTC_PIC_H

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const DeviceType pic_type;

Irq pic_input(Device *pic, unsigned n);     /* 0-15 */
void pic_connect(Device *pic, Irq intr);    /* INTR: to the CPU or its LAPIC's LINT0 */

bool pic_pending(Device *pic);              /* the level of INTR */
u8 pic_ack(Device *pic);                    /* the acknowledge cycle: a vector */

#endif
