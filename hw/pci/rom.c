/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expansion ROMs from files (PCI 3.0, 6.2.5.2).  Before the function is plugged in.
 */

#include "hw/pci/inside.h"
#include "base/file.h"

enum { ROM_MAX = 16 << 20 };

static u64 power_of_two(u64 n)
{
    u64 size = PAGE_BYTES;

    while (size < n) {
        size *= 2;
    }
    return size;
}

bool pci_load_rom(PciDevice *pci, GError **err)
{
    const char *given = pci->config.romfile;
    const char *name = given ? given : pci->default_rom;
    g_autofree char *path = name && *name ? firmware_path(name) : NULL;
    g_autoptr(File) file = NULL;

    if (!name || !*name || !pci->config.rombar || (!given && !path)) {
        return true;
    }
    file = file_open(path ? path : name, ROM_MAX, err);
    if (!file) {
        return false;
    }
    if (file->size == 0) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "%s: an empty file is no expansion ROM", name);
        return false;
    }
    if (!region_init_rom(&pci->rom, "rom", power_of_two(file->size), err)) {
        return false;
    }
    pci_add_bar(pci, PCI_ROM_BAR, PCI_BAR_MEM, &pci->rom);
    if (!file_read(file, 0, region_rom_bytes(&pci->rom), file->size)) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "%s: cannot be read to its end", name);
        return false;
    }
    return true;
}
