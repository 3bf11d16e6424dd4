/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot version 1 kernels (Multiboot Specification 0.6.96): 32-bit ELF files, and
 * files whose header says where they go (the a.out kludge).  -initrd "FILE ARGS,FILE
 * ARGS" are their modules.  Video modes and drive lists are left out.  Main thread.
 */

#include "hw/machine/boot.h"
#include "base/bytes.h"
#include "hw/machine/e820.h"
#include "hw/machine/elf.h"

enum {
    MAGIC = 0x1badb002, LOADED_MAGIC = 0x2badb002,
    WANTS_PAGES = 1 << 0, WANTS_MEMORY = 1 << 1, WANTS_VIDEO = 1 << 2,
    HAS_ADDRESSES = 1 << 16,
    REQUIRED = 0xffff,              /* unknown bits of these must be refused (3.1.2) */

    /* Fields of the header. */
    H_FLAGS = 4, H_CHECKSUM = 8, H_HEADER = 12, H_LOAD = 16, H_LOAD_END = 20,
    H_BSS_END = 24, H_ENTRY = 28, HEADER_BYTES = 32,

    /* The information structure (3.3). */
    I_FLAGS = 0, I_MEM_LOWER = 4, I_MEM_UPPER = 8, I_CMDLINE = 16, I_MODS_COUNT = 20,
    I_MODS = 24, I_MMAP_LENGTH = 44, I_MMAP = 48, I_LOADER = 64, INFO_BYTES = 116,
    HAS_MEM = 1 << 0, HAS_CMDLINE = 1 << 2, HAS_MODS = 1 << 3, HAS_MMAP = 1 << 6,
    HAS_LOADER = 1 << 9,
    MODULE_BYTES = 16, MMAP_BYTES = 24,
};

int multiboot_header(const u8 *head, u64 n)
{
    for (unsigned at = 0; n >= 12 && at <= n - 12; at += 4) {
        if (get32(head + at) == MAGIC &&
            MAGIC + get32(head + at + H_FLAGS) + get32(head + at + H_CHECKSUM) == 0) {
            return at;
        }
    }
    return -1;
}

/*
 * 3.1.3: the header names the addresses; they must agree with each other and with the
 * file.
 */
static bool load_raw(Boot *boot, File *file, const u8 *head, unsigned header,
                     GError **err)
{
    const u8 *h = head + header;
    u32 load = get32(h + H_LOAD), before = get32(h + H_HEADER) - load;
    u32 load_end = get32(h + H_LOAD_END), bss_end = get32(h + H_BSS_END);
    u64 offset = header - before, bytes, size;

    if (before > header) {
        return boot_fail(err, file, "multiboot header at byte %u: load address 0x%x "
                         "would lie before the file", header, load);
    }
    bytes = load_end ? (u64)load_end - load : file->size - offset;
    size = bss_end ? (u64)bss_end - load : bytes;
    if ((load_end && load_end < load) || bytes > file->size - offset || size < bytes) {
        return boot_fail(err, file, "multiboot header: load 0x%x to 0x%x, bss to 0x%x "
                         "do not fit a file of %u bytes", load, load_end, bss_end,
                         (unsigned)file->size);
    }
    boot->entry = get32(h + H_ENTRY);
    if (boot->entry < load || boot->entry - load >= size) {
        return boot_fail(err, file, "multiboot header: entry 0x%x is outside 0x%x to "
                         "0x%x", (u32)boot->entry, load, (u32)(load + size));
    }
    if (!boot_claim(boot, file, "the kernel", load, size, err)) {
        return false;
    }
    boot_put_file(boot, load, size, file, offset, bytes);
    return true;
}

static bool load_elf(Boot *boot, File *file, GError **err)
{
    Elf elf;

    if (!elf_read(&elf, file, err)) {
        return false;
    }
    if (elf.is_64) {
        return boot_fail(err, file, "a 64-bit ELF file; multiboot needs a 32-bit one");
    }
    if (!elf_has(&elf, elf.entry)) {
        return boot_fail(err, file, "the entry 0x%x is not in any segment",
                         (u32)elf.entry);
    }
    boot->entry = elf.entry;
    return elf_place(&elf, boot, file, err);
}

/* ---- modules ---- */

/* The next of "a,b": ",," stands for a comma in a name. */
static char *next_name(const char **list)
{
    GString *name = g_string_new(NULL);
    const char *p = *list;

    for (; *p && !(p[0] == ',' && p[1] != ','); p++) {
        p += p[0] == ',';
        g_string_append_c(name, *p);
    }
    *list = *p ? p + 1 : NULL;
    return g_string_free(name, FALSE);
}

static bool place_module(Boot *boot, const char *text, GByteArray *list, GError **err)
{
    g_autofree char *name = g_strndup(text, strcspn(text, " "));
    File *file = boot_open(boot, "initrd", name, err);
    u8 module[MODULE_BYTES] = { 0 };
    gpa at, string;

    if (!file) {
        return false;
    }
    if (!boot_take_low(boot, file->size, HOLE_END, boot->top, &at)) {
        return boot_fail(err, file, "a module of %u bytes does not fit into memory",
                         (unsigned)file->size);
    }
    boot_put_file(boot, at, file->size, file, 0, file->size);
    if (!boot_place_text(boot, text, &string, err)) {
        return false;
    }
    put32(module, at);
    put32(module + 4, at + file->size);
    put32(module + 8, string);
    g_byte_array_append(list, module, sizeof module);
    return true;
}

static bool place_modules(Boot *boot, u8 *info, GError **err)
{
    g_autoptr(GByteArray) list = g_byte_array_new();
    const char *rest = boot->initrd;
    gpa at;

    while (rest) {
        g_autofree char *text = next_name(&rest);

        if (!place_module(boot, text, list, err)) {
            return false;
        }
    }
    put32(info + I_MODS_COUNT, list->len / MODULE_BYTES);
    if (!boot_place(boot, g_memdup2(list->data, list->len), list->len, &at, err)) {
        return false;
    }
    put32(info + I_MODS, at);
    return true;
}

/* ---- what the kernel is told ---- */

static bool place_mmap(Boot *boot, u8 *info, GError **err)
{
    unsigned n = boot->e820->len;
    u8 *map = g_malloc0(n * MMAP_BYTES);
    gpa at;

    for (unsigned i = 0; i < n; i++) {
        const E820Entry *entry = &g_array_index(boot->e820, E820Entry, i);

        put32(map + i * MMAP_BYTES, MMAP_BYTES - 4);    /* without this field itself */
        put64(map + i * MMAP_BYTES + 4, entry->base);
        put64(map + i * MMAP_BYTES + 12, entry->size);
        put32(map + i * MMAP_BYTES + 20, entry->type);
    }
    if (!boot_place(boot, map, n * MMAP_BYTES, &at, err)) {
        return false;
    }
    put32(info + I_MMAP, at);
    put32(info + I_MMAP_LENGTH, n * MMAP_BYTES);
    return true;
}

static bool place_texts(Boot *boot, u8 *info, GError **err)
{
    g_autofree char *cmdline = g_strdup_printf("%s%s%s", boot->kernel,
                                               *boot->append ? " " : "", boot->append);
    gpa text, loader;

    if (!boot_place_text(boot, cmdline, &text, err) ||
        !boot_place_text(boot, "mayfly", &loader, err)) {
        return false;
    }
    put32(info + I_CMDLINE, text);
    put32(info + I_LOADER, loader);
    return true;
}

static bool place_info(Boot *boot, GError **err)
{
    u8 *info = g_malloc0(INFO_BYTES);

    if (!boot_place(boot, info, INFO_BYTES, &boot->rbx, err)) {
        return false;
    }
    put32(info + I_FLAGS, HAS_MEM | HAS_CMDLINE | HAS_MODS | HAS_MMAP | HAS_LOADER);
    put32(info + I_MEM_LOWER, LOW_RAM_END / KiB);
    put32(info + I_MEM_UPPER, (boot->top - HOLE_END) / KiB);
    return place_texts(boot, info, err) && place_modules(boot, info, err) &&
           place_mmap(boot, info, err);
}

bool boot_multiboot(Boot *boot, File *file, const u8 *head, unsigned header,
                    GError **err)
{
    u32 flags = get32(head + header + H_FLAGS);
    u32 unknown = flags & REQUIRED & ~(WANTS_PAGES | WANTS_MEMORY | WANTS_VIDEO);

    if (unknown) {
        return boot_fail(err, file, "multiboot flags 0x%x ask for what is not there",
                         unknown);
    }
    if (header + HEADER_BYTES > BOOT_HEAD) {
        return boot_fail(err, file, "a multiboot header must lie in the first %u bytes",
                         BOOT_HEAD);
    }
    if (flags & HAS_ADDRESSES ? !load_raw(boot, file, head, header, err)
                              : !load_elf(boot, file, err)) {
        return false;
    }
    boot->rax = LOADED_MAGIC;
    return place_info(boot, err) && boot_place_tables(boot, ENTER_PROTECTED, err);
}
