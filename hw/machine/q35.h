/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the q35 board share.  Under the machine lock, or before the machine
 * starts.
 */

#ifndef HW_MACHINE_Q35_H
#define HW_MACHINE_Q35_H

#include "hw/machine/board.h"
#include "hw/machine/boot.h"
#include "hw/machine/fw_cfg.h"
#include "hw/pci/pci.h"

typedef struct {
    Machine *machine;
    const BoardConfig *config;
    Device *pic, *ioapic, *rtc, *mch, *lpc, *vmgenid, *flash;
    bool gsi[GSI_COUNT];            /* levels of machine->gsi[] */
    bool pirq[16];                  /* levels of PIRQs that are routed to the PIC */
    Irq pic_in[16], ioapic_in[GSI_COUNT];
    Region bios;
    Boot *boot;                     /* a kernel entered without firmware, or NULL */
} Q35;

static inline Q35 *q35_of(Machine *machine)
{
    return machine->board;
}

/* q35.c: where PCI functions may be placed. */
PciWindows q35_pci_windows(const Machine *machine);

/* q35_firmware.c */
bool q35_load_bios(Q35 *q35, GError **err) must_check;
bool q35_fill_fw_cfg(Q35 *q35, GError **err) must_check;
void q35_fill_cmos(Q35 *q35);
/* boot_order.c: what bootindex= says; fails if two have the same. */
bool q35_add_boot_order(Q35 *q35, GError **err) must_check;
/* What firmware would have done to the chipset before it enters a kernel. */
void q35_play_firmware(Q35 *q35);

#endif
