/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function with BARs of every kind and all capabilities, on a bus that is reached
 * through ECAM: what the tests of PCI share.  One bus at a time.
 */

#ifndef TESTS_LIB_PCI_PROBE_H
#define TESTS_LIB_PCI_PROBE_H

#include "hw/pci/pci.h"

/* BAR 0: 4 KiB of memory; 1: 32 ports; 2: 1 MiB, 64-bit, prefetchable; 4: MSI-X. */
extern const PciType probe_type;

extern Machine *probe_machine;
extern PciBus *probe_bus;
/* Levels of PIRQ A to H; pin p of slot s reaches (s + p) % 4 + 4. */
extern bool probe_line[8];

void probe_up(void);
void probe_down(void);
PciDevice *probe_plug(const char *options);     /* which must be right */

/* Configuration space through ECAM. */
u32 cfg_get(u8 devfn, unsigned offset, unsigned n);
void cfg_set(u8 devfn, unsigned offset, u32 value, unsigned n);

#endif
