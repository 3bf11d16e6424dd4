/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF executables, as far as loading them goes: 32 and 64 bits, i386 and x86-64 (System
 * V ABI, chapter 5).  Main thread.
 */

#ifndef HW_MACHINE_ELF_H
#define HW_MACHINE_ELF_H

#include "hw/machine/boot.h"

enum { ELF_LOAD = 1, ELF_NOTE = 4, ELF_SEGMENTS = 64 };

typedef struct {
    u32 type;
    u64 offset, address, file_size, size, align;    /* address is the physical one */
} ElfSegment;

typedef struct {
    bool is_64;
    u64 entry;
    unsigned n;
    ElfSegment segment[ELF_SEGMENTS];
} Elf;

/*
 * Reads the headers; what they say of the file is true, of memory nothing is checked
 * yet.
 */
bool elf_read(Elf *elf, File *file, GError **err) must_check;

/* Claims and loads every segment. */
bool elf_place(const Elf *elf, Boot *boot, File *file, GError **err) must_check;

/* Is the 32-bit address `entry` inside a segment? */
bool elf_has(const Elf *elf, u64 entry);

#endif
