/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory controller hub of q35 (Intel 3 Series data sheet, 82P35): host bridge
 * 00:00.0, ports 0xcf8-0xcff, the ECAM window and the PAM segments below 1 MiB. Under
 * the machine lock.
 */

#ifndef HW_MACHINE_MCH_H
#define HW_MACHINE_MCH_H

#include "hw/pci/pci.h"

enum {
    MCH_PCIEXBAR = 0x60, MCH_PAM0 = 0x90, MCH_PAMS = 7, MCH_SMRAM = 0x9d,
    MCH_ECAM_BYTES = 256 << 20,
};
#define MCH_ECAM_BASE 0xb0000000ull     /* where SeaBIOS puts it, and so do we */

extern const PciType mch_type;

/*
 * Before the machine starts: what the ROM shows at the top of the first MiB (the last
 * bytes of `n`, at most 128 KiB, end at 0xfffff); and who has the reset register at
 * port 0xcf9.
 */
void mch_set_rom(Device *mch, const u8 *bytes, size_t n);
void mch_connect_lpc(Device *mch, Device *lpc);

#endif
