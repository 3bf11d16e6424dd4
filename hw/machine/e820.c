/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address map as firmware reports it: see e820.h.
 */

#include "hw/machine/e820.h"
#include "hw/machine/mch.h"

u64 ram_below_4g(u64 ram_bytes)
{
    return ram_bytes < MCH_ECAM_BASE ? ram_bytes : 2 * GiB;
}

static void add(GArray *map, u64 base, u64 end, E820Type type)
{
    if (base < end) {
        E820Entry entry = { base, end - base, type };

        g_array_append_val(map, entry);
    }
}

GArray *e820_full(const Machine *machine, u64 acpi, u64 n)
{
    GArray *map = g_array_new(FALSE, FALSE, sizeof(E820Entry));
    u64 low = machine->ram_below_4g;

    add(map, 0, LOW_RAM_END, E820_RAM);
    add(map, LOW_RAM_END, HOLE_BASE, E820_RESERVED);
    add(map, FIRMWARE_BASE, HOLE_END, E820_RESERVED);
    add(map, HOLE_END, acpi, E820_RAM);
    add(map, acpi, acpi + n, E820_ACPI);
    add(map, acpi + n, low, E820_RAM);
    add(map, MCH_ECAM_BASE, MCH_ECAM_BASE + MCH_ECAM_BYTES, E820_RESERVED);
    add(map, MMIO_BASE, 4 * GiB, E820_RESERVED);
    add(map, 4 * GiB, 4 * GiB + machine->ram_bytes - low, E820_RAM);
    return map;
}

GArray *e820_ram(const Machine *machine)
{
    GArray *map = g_array_new(FALSE, FALSE, sizeof(E820Entry));

    add(map, 0, machine->ram_below_4g, E820_RAM);
    add(map, 4 * GiB, 4 * GiB + machine->ram_bytes - machine->ram_below_4g, E820_RAM);
    return map;
}
