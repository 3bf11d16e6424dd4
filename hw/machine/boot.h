/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entering a kernel without firmware.
 *
 * A loader (boot_linux.c, boot_elf.c, boot_multiboot.c) reads a file's headers once,
 * judges them, and makes a list of pieces: this range of guest memory gets these bytes.
 * Nothing is written until boot_write, which happens on every reset, so a reset starts
 * the same kernel again.  Large pieces stay in their files and are read straight into
 * guest memory.
 *
 *     0          0x9fc00   0xa0000      1 MiB                        acpi      top
 *     [ tables for the kernel ] [ hole ] [ kernel ] ... [ initrd, modules ][ ACPI ]
 *
 * Every range is claimed before it is used, and a claim fails where there is no RAM or
 * another claim: that is the whole defence against lying headers.  Main thread.
 */

#ifndef HW_MACHINE_BOOT_H
#define HW_MACHINE_BOOT_H

#include "base/file.h"
#include "hw/machine/board.h"

/* How the vCPU enters; see boot_state.c. */
typedef enum { ENTER_PROTECTED, ENTER_LONG } BootMode;

typedef struct {
    Machine *machine;
    const char *kernel, *initrd, *append;   /* append is "" if there is none */
    u64 top;                    /* end of the RAM that a kernel may have */
    u64 rsdp;                   /* where the ACPI root pointer is; 0: none */
    GArray *e820;               /* E820Entry */

    GPtrArray *files;           /* File *: open as long as pieces refer to them */
    GArray *pieces, *claims;

    BootMode mode;
    u64 entry, rax, rbx, rsi;
    gpa gdt, page_tables;
} Boot;

/* ---- for the board ---- */

/* `acpi`, `n`: where the ACPI tables are; 0, 0: there are none. */
Boot *boot_new(Machine *machine, const BoardConfig *config, u64 acpi, u64 n, u64 rsdp);
void boot_free(Boot *boot);                         /* NULL is allowed */
/* Reads the kernel and what goes with it. */
bool boot_load(Boot *boot, GError **err) must_check;
/* Puts everything into guest memory; fails when a file has changed meanwhile. */
bool boot_write(Boot *boot, GError **err) must_check;
void boot_state(const Boot *boot, unsigned cpu, X86State *state);

/*
 * Before boot_load: a table of firmware's, copied to a place that kernels then must
 * avoid.
 */
void boot_put_table(Boot *boot, gpa at, const void *bytes, u64 n);

/* ---- for loaders ---- */

/* "FILE: text" */
bool boot_fail(GError **err, const File *file, const char *fmt, ...) printf_like(3, 4);

File *boot_open(Boot *boot, const char *option, const char *name,
                GError **err) must_check;

/*
 * Takes [at, at + size), RAM below 4 GiB that nobody has; `what` says in the error what
 * it is for.
 */
bool boot_claim(Boot *boot, const File *file, const char *what, u64 at, u64 size,
                GError **err) must_check;
/* Takes the lowest (or highest) free place in [low, high). */
bool boot_take_low(Boot *boot, u64 size, u64 low, u64 high, gpa *at) must_check;
bool boot_take_high(Boot *boot, u64 size, u64 high, gpa *at) must_check;

/*
 * Contents of claimed memory.  Bytes are taken over; `n` file bytes are followed by
 * zeroes to `size`.
 */
void boot_put(Boot *boot, gpa at, void *bytes, u64 n);
void boot_put_file(Boot *boot, gpa at, u64 size, File *file, u64 offset, u64 n);
void boot_put_random(Boot *boot, gpa at, u64 n);    /* anew at every reset */

/*
 * A page-aligned place for bytes or text that the kernel is told of; where there is
 * none, an error.
 */
bool boot_place(Boot *boot, void *bytes, u64 n, gpa *at, GError **err) must_check;
bool boot_place_text(Boot *boot, const char *text, gpa *at, GError **err) must_check;

/*
 * Opens the initrd and places it as high as possible below `high`.  No initrd: *size is
 * 0.
 */
bool boot_place_initrd(Boot *boot, u64 high, gpa *at, u64 *size,
                       GError **err) must_check;

/*
 * Tables that the entry needs: flat segments, and a map of the first 4 GiB for long
 * mode.
 */
bool boot_place_tables(Boot *boot, BootMode mode, GError **err) must_check;

/*
 * The loaders: `head` has the file's first HEAD_BYTES bytes, or all of it, zeroes after
 * that.
 */
enum { BOOT_HEAD = 8192 };
bool boot_linux(Boot *boot, File *file, const u8 *head, GError **err) must_check;
bool boot_elf(Boot *boot, File *file, GError **err) must_check;
/* The offset of the multiboot header in `head`, or -1. */
int multiboot_header(const u8 *head, u64 n);
bool boot_multiboot(Boot *boot, File *file, const u8 *head, unsigned header,
                    GError **err) must_check;

#endif
