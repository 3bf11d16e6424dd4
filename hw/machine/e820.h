/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * q35's address map as firmware reports it (ACPI 6.4, chapter 15).  Main thread, while
 * the machine is built.
 */

#ifndef HW_MACHINE_E820_H
#define HW_MACHINE_E820_H

#include "hw/core/machine.h"

typedef enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3 } E820Type;

typedef struct {
    u64 base, size;
    u32 type;
} E820Entry;

enum {
    LOW_RAM_END = 0x9fc00,          /* firmware has the last KiB of 640 */
    HOLE_BASE = 0xa0000,            /* display memory, then ROMs */
    DISPLAY_END = 0xc0000,
    HOLE_END = 0x100000,
    FIRMWARE_BASE = 0xf0000,        /* where tables are searched for */
};
#define MMIO_BASE 0xfec00000ull     /* IOAPIC, HPET, LAPIC, ROM: up to 4 GiB */

/*
 * How much of `ram_bytes` lies below 4 GiB: all of it if it ends below 0xb0000000,
 * where the configuration window is, else 2 GiB, so that the holes are page-table
 * friendly.
 */
u64 ram_below_4g(u64 ram_bytes);

/*
 * Sorted, not overlapping: what a kernel entered directly is told.  ACPI tables: [acpi,
 * +n).
 */
GArray *e820_full(const Machine *machine, u64 acpi, u64 n);
/* RAM alone: for firmware, which adds its own reservations. */
GArray *e820_ram(const Machine *machine);

#endif
