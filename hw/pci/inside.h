/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of hw/pci share and nobody else calls.  Under the machine lock.
 */

#ifndef HW_PCI_INSIDE_H
#define HW_PCI_INSIDE_H

#include "hw/pci/pci.h"

/* function.c: the effect of a configuration write; offset + n <= PCI_CONFIG_BYTES. */
void pci_config_put(PciDevice *pci, unsigned offset, u32 value, unsigned n);
/*
 * Registers the expansion ROM, if there is to be one; before the function has a place.
 */
bool pci_load_rom(PciDevice *pci, GError **err) must_check;
/* Puts the BARs' regions into the address spaces, hidden. */
void pci_map(PciDevice *pci);
/* Everything that is derived from configuration space, anew. */
void pci_update(PciDevice *pci);

/*
 * bus.c: counts the function in or out of its INTx line, after anything that decides.
 */
void pci_update_intx(PciDevice *pci);

/* msix.c: after configuration space or the table changed; sends what became due. */
void pci_update_msix(PciDevice *pci);
void pci_reset_msix(PciDevice *pci);

#endif
