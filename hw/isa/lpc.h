/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LPC bridge of the ICH9 south bridge, 00:1f.0: ACPI power management, the routing
 * of PIRQ lines, and the reset register.  Under the machine lock.
 */

#ifndef HW_ISA_LPC_H
#define HW_ISA_LPC_H

#include "hw/pci/pci.h"

enum {
    LPC_PMBASE = 0x40, LPC_ACPI_CNTL = 0x44, LPC_PIRQ = 0x60, LPC_PIRQ_HIGH = 0x68,
    LPC_RCBA = 0xf0,

    /* Offsets from PMBASE (ICH9 data sheet, 13.8.3). */
    PM_BASE = 0x600, PM_PORTS = 128,        /* where firmware puts it, and so do we */
    PM1_STS = 0x00, PM1_EN = 0x02, PM1_CNT = 0x04, PM_TMR = 0x08,
    GPE0_STS = 0x20, GPE0_EN = 0x28, GPE0_BYTES = 16, SMI_EN = 0x30, SMI_STS = 0x34,

    APM_CNT = 0xb2, APM_ACPI_ON = 2, APM_ACPI_OFF = 3,      /* what the FADT says */
    SCI_IRQ = 9,
    SLEEP_S5 = 0,                           /* SLP_TYP of soft off, as the DSDT says */
    RESET_REG = 0xcf9, RESET_FULL = 0x0f,
};

extern const PciType lpc_type;

/* PIRQ A to H (0-7) come in here, and reach GSIs 16 to 23. */
Irq lpc_pirq(Device *lpc, unsigned n);
/* PIRQs that the guest routed to the PIC go out here. */
void lpc_connect_pic(Device *lpc, unsigned n, Irq irq);

/* The button: on `true`, PWRBTN_STS is set. */
Irq lpc_power_button(Device *lpc);

/* General purpose event `n` (0-63) happened: _Enn or _Lnn of the DSDT is called. */
void lpc_raise_gpe(Device *lpc, unsigned n);

u8 lpc_reset_read(Device *lpc);
void lpc_reset_write(Device *lpc, u8 value);

#endif
