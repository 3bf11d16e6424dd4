/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels with a PVH note: entered in 32-bit protected mode with the address of a
 * start info structure in ebx (Xen's docs/misc/pvh.pandoc and
 * public/arch-x86/hvm/start_info.h). Linux's vmlinux is one.  Main thread.
 */

#include "hw/machine/elf.h"
#include "base/bytes.h"
#include "hw/machine/e820.h"

enum { NOTE_PHYS32_ENTRY = 18, NOTE_HEADER = 12, NOTES_MAX = 1 << 20 };

/* hvm_start_info version 1, its module list and its memory map. */
enum {
    START_MAGIC = 0x336ec578, START_BYTES = 56,
    S_MAGIC = 0, S_VERSION = 4, S_MODULES = 12, S_MODLIST = 16, S_CMDLINE = 24,
    S_RSDP = 32, S_MEMMAP = 40, S_MEMMAP_ENTRIES = 48,
    MODULE_BYTES = 32, MEMMAP_BYTES = 24,
};

/* Looks through one note segment; true if the entry was in it. */
static bool find_entry(const u8 *notes, u64 n, u64 align, u64 *entry)
{
    u64 mask = align == 8 ? 7 : 3;

    for (u64 at = 0; n - at >= NOTE_HEADER;) {
        u64 name_size = get32(notes + at), size = get32(notes + at + 4);
        u64 name = at + NOTE_HEADER;
        u64 body = (name + name_size + mask) & ~mask;

        if (body > n || size > n - body) {
            return false;
        }
        if (get32(notes + at + 8) == NOTE_PHYS32_ENTRY && name_size == 4 &&
            memcmp(notes + name, "Xen", 4) == 0 && size >= 4) {
            *entry = size >= 8 ? get64(notes + body) : get32(notes + body);
            return true;
        }
        at = (body + size + mask) & ~mask;
        if (at > n) {
            return false;
        }
    }
    return false;
}

static bool pvh_entry(const Elf *elf, File *file, u64 *entry)
{
    for (unsigned i = 0; i < elf->n; i++) {
        const ElfSegment *s = &elf->segment[i];
        g_autofree u8 *notes = NULL;

        if (s->type != ELF_NOTE || s->file_size > NOTES_MAX) {
            continue;
        }
        notes = g_malloc(s->file_size);
        if (file_read(file, s->offset, notes, s->file_size) &&
            find_entry(notes, s->file_size, s->align, entry)) {
            return true;
        }
    }
    return false;
}

static bool place_modules(Boot *boot, u8 *start, GError **err)
{
    gpa at, list;
    u64 size;
    u8 *module;

    if (!boot_place_initrd(boot, boot->top, &at, &size, err)) {
        return false;
    }
    if (size == 0) {
        return true;
    }
    module = g_malloc0(MODULE_BYTES);
    put64(module, at);
    put64(module + 8, size);
    put32(start + S_MODULES, 1);
    if (!boot_place(boot, module, MODULE_BYTES, &list, err)) {
        return false;
    }
    put64(start + S_MODLIST, list);
    return true;
}

static bool place_memmap(Boot *boot, u8 *start, GError **err)
{
    unsigned n = boot->e820->len;
    u8 *map = g_malloc0(n * MEMMAP_BYTES);
    gpa at;

    for (unsigned i = 0; i < n; i++) {
        const E820Entry *entry = &g_array_index(boot->e820, E820Entry, i);

        put64(map + i * MEMMAP_BYTES, entry->base);
        put64(map + i * MEMMAP_BYTES + 8, entry->size);
        put32(map + i * MEMMAP_BYTES + 16, entry->type);
    }
    if (!boot_place(boot, map, n * MEMMAP_BYTES, &at, err)) {
        return false;
    }
    put64(start + S_MEMMAP, at);
    put32(start + S_MEMMAP_ENTRIES, n);
    return true;
}

static bool place_start_info(Boot *boot, GError **err)
{
    u8 *start = g_malloc0(START_BYTES);
    gpa cmdline;

    if (!boot_place(boot, start, START_BYTES, &boot->rbx, err)) {
        return false;
    }
    put32(start + S_MAGIC, START_MAGIC);
    put32(start + S_VERSION, 1);
    put64(start + S_RSDP, boot->rsdp);
    if (!boot_place_text(boot, boot->append, &cmdline, err)) {
        return false;
    }
    put64(start + S_CMDLINE, cmdline);
    return place_modules(boot, start, err) && place_memmap(boot, start, err);
}

bool boot_elf(Boot *boot, File *file, GError **err)
{
    Elf elf;

    if (!elf_read(&elf, file, err)) {
        return false;
    }
    if (!pvh_entry(&elf, file, &boot->entry)) {
        return boot_fail(err, file, "an ELF file with neither a PVH note (Xen "
                         "PHYS32_ENTRY) nor a multiboot header");
    }
    if (!elf_place(&elf, boot, file, err)) {
        return false;
    }
    if (!elf_has(&elf, boot->entry)) {
        return boot_fail(err, file, "the PVH entry is not in any segment");
    }
    return place_start_info(boot, err) && boot_place_tables(boot, ENTER_PROTECTED, err);
}
