/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small kernels of every kind, made in memory, and a machine of 64 MiB that loads them:
 * what the tests of the loaders share.  One machine at a time.
 */

#ifndef TESTS_LIB_KERNELS_H
#define TESTS_LIB_KERNELS_H

#include "hw/machine/boot.h"

enum { RAM = 64 << 20, ACPI_AT = RAM - 0x10000, RSDP = 0xf0000 };

extern Machine *pc;
extern Boot *boot;
extern X86State state;

void kernels_open(void);
void kernels_close(void);

/*
 * A file in memory; its name is good until the next call with the same slot (0 to 3).
 */
const char *file_of(unsigned slot, const void *bytes, size_t n);

bool try(const BoardConfig *config, GError **err) must_check;
/* Loads, resets, and leaves the CPU's state in `state`. */
void enter(const BoardConfig *config);
/* Loading fails with one line that has this word in it. */
void refuse(const BoardConfig *config, const char *word);

/* Guest memory: a number of up to 8 bytes, a string that must be there. */
u64 word(gpa at, unsigned n);
void check_text(gpa at, const char *text);
/* The CPU has flat segments, in memory too, for 32 bits or (wide) 64. */
void check_flat(bool wide);

/*
 * bzImage 2.15, one setup sector, 64-bit entry, relocatable, at 16 MiB by preference.
 */
enum { SETUP = 1024, PAYLOAD = 4096, BZ = SETUP + PAYLOAD };
void make_bz(u8 *bz);

/*
 * An ELF file of 32 or (wide) 64 bits: one segment of 0x100 file bytes and 0x3000 in
 * memory at 2 MiB, and a PVH note with the entry.
 */
enum { ELF_BYTES = 0x1000, CODE_AT = 0x200, NOTE_AT = 0x180, LOAD = 0x200000 };
void make_elf(u8 *elf, bool wide);

/*
 * A multiboot header; and a file whose header says that it belongs to 2 MiB, with bss.
 */
void make_header(u8 *at, u32 flags);
void make_raw(u8 *raw, size_t n);

#endif
