/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF executables: see elf.h.
 */

#include "hw/machine/elf.h"
#include "base/bytes.h"
#include <inttypes.h>

/* Where the two classes have the same things (figures 4-3 and 5-1 of the ABI). */
typedef struct {
    unsigned header_bytes, entry, table, entry_size, count;     /* file header */
    unsigned segment_bytes, offset, address, file_size, size, align;
    bool wide;
} Layout;

static const Layout layout[2] = {
    { 52, 24, 28, 42, 44, 32, 4, 12, 16, 20, 28, false },
    { 64, 24, 32, 54, 56, 56, 8, 24, 32, 40, 48, true },
};

enum { CLASS = 4, ORDER = 5, TYPE = 16, MACHINE = 18, LITTLE = 1 };
enum { TYPE_EXEC = 2, TYPE_DYN = 3, MACHINE_386 = 3, MACHINE_X86_64 = 62 };

static u64 word(const Layout *l, const u8 *at)
{
    return l->wide ? get64(at) : get32(at);
}

static bool check_kind(const u8 *head, File *file, GError **err)
{
    u16 type = get16(head + TYPE), machine = get16(head + MACHINE);

    if (head[CLASS] < 1 || head[CLASS] > 2 || head[ORDER] != LITTLE ||
        (machine != MACHINE_386 && machine != MACHINE_X86_64)) {
        return boot_fail(err, file, "an ELF file for another kind of computer; "
                         "i386 or x86-64 is needed");
    }
    if (type != TYPE_EXEC && type != TYPE_DYN) {
        return boot_fail(err, file, "an ELF file of type %u; an executable is needed",
                         type);
    }
    return true;
}

static bool read_segment(ElfSegment *s, const Layout *l, const u8 *raw, unsigned i,
                         File *file, GError **err)
{
    *s = (ElfSegment){
        .type = get32(raw), .offset = word(l, raw + l->offset),
        .address = word(l, raw + l->address), .file_size = word(l, raw + l->file_size),
        .size = word(l, raw + l->size), .align = word(l, raw + l->align),
    };
    if (s->type != ELF_LOAD && s->type != ELF_NOTE) {
        return true;
    }
    if (s->offset > file->size || s->file_size > file->size - s->offset) {
        return boot_fail(err, file, "segment %u is 0x%" PRIx64 " bytes from 0x%" PRIx64
                         " on, in a file of 0x%" PRIx64, i, s->file_size, s->offset,
                         file->size);
    }
    if (s->type == ELF_LOAD && s->file_size > s->size) {
        return boot_fail(err, file, "segment %u has 0x%" PRIx64 " bytes in the file, "
                         "0x%" PRIx64 " in memory", i, s->file_size, s->size);
    }
    return true;
}

bool elf_read(Elf *elf, File *file, GError **err)
{
    u8 head[64] = { 0 }, raw[56];
    const Layout *l;
    u64 table;

    if (!file_read(file, 0, head, MIN(file->size, sizeof head))) {
        return boot_fail(err, file, "cannot be read");
    }
    if (!check_kind(head, file, err)) {
        return false;
    }
    l = &layout[head[CLASS] - 1];
    elf->is_64 = l->wide;
    elf->entry = word(l, head + l->entry);
    elf->n = get16(head + l->count);
    table = word(l, head + l->table);
    if (elf->n == 0 || elf->n > ELF_SEGMENTS ||
        get16(head + l->entry_size) != l->segment_bytes) {
        return boot_fail(err, file, "an ELF file with %u segments of %u bytes; 1 to %u "
                         "of %u are possible", elf->n, get16(head + l->entry_size),
                         ELF_SEGMENTS, l->segment_bytes);
    }
    for (unsigned i = 0; i < elf->n; i++) {
        if (table > file->size ||
            !file_read(file, table + i * l->segment_bytes, raw, l->segment_bytes)) {
            return boot_fail(err, file, "truncated: the table of its %u segments is "
                             "not there", elf->n);
        }
        if (!read_segment(&elf->segment[i], l, raw, i, file, err)) {
            return false;
        }
    }
    return true;
}

bool elf_place(const Elf *elf, Boot *boot, File *file, GError **err)
{
    bool any = false;

    for (unsigned i = 0; i < elf->n; i++) {
        const ElfSegment *s = &elf->segment[i];

        if (s->type != ELF_LOAD || s->size == 0) {
            continue;
        }
        if (!boot_claim(boot, file, "a segment", s->address, s->size, err)) {
            return false;
        }
        boot_put_file(boot, s->address, s->size, file, s->offset, s->file_size);
        any = true;
    }
    return any || boot_fail(err, file, "an ELF file without anything to load");
}

bool elf_has(const Elf *elf, u64 entry)
{
    for (unsigned i = 0; i < elf->n; i++) {
        const ElfSegment *s = &elf->segment[i];

        if (s->type == ELF_LOAD && entry >= s->address &&
            entry - s->address < s->size) {
            return true;
        }
    }
    return false;
}
