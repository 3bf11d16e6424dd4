/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of q35 (ACPI 6.4).
 *
 * acpi_build makes all tables as one block of bytes, in which pointers are offsets into
 * the block, and remembers where pointers and checksums are.  Then either acpi_place
 * gives the block an address (a kernel is entered directly), or acpi_publish hands
 * block and list to firmware, which does the same (QEMU's table loader).
 *
 * Main thread, while the machine is built.
 */

#ifndef HW_MACHINE_ACPI_H
#define HW_MACHINE_ACPI_H

#include "hw/machine/aml.h"
#include "hw/machine/q35.h"

#define ACPI_OEM_ID "MAYFLY"

enum { ACPI_RSDP_BYTES = 36 };

/*
 * At offset `at` of the tables (or of the RSDP) stand `n` bytes that point into the
 * tables.
 */
typedef struct {
    u32 at;
    u8 n;
    bool in_rsdp;
} AcpiPointer;

/* The byte at `at` makes the sum over [from, from + n) zero. */
typedef struct {
    u32 from, n, at;
    bool in_rsdp;
} AcpiSum;

typedef struct {
    GByteArray *tables;
    u8 rsdp[ACPI_RSDP_BYTES];
    GArray *pointers, *sums;    /* AcpiPointer, AcpiSum */
    GArray *listed;             /* u32: offsets of the tables that XSDT and RSDT name */
} Acpi;

Acpi *acpi_build(const Q35 *q35);
void acpi_free(Acpi *acpi);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Acpi, acpi_free)

void acpi_place(Acpi *acpi, gpa tables);
bool acpi_publish(const Acpi *acpi, FwCfg *fw, GError **err) must_check;

/*
 * For those who make tables: a pointer field, begin (returns the offset) and end of a
 * table.
 */
void acpi_pointer(Acpi *acpi, u32 at, unsigned n, u32 target);
u32 acpi_begin(Acpi *acpi, const char *signature, u8 revision);
void acpi_end(Acpi *acpi, u32 at);

/* acpi_dsdt.c, acpi_pci.c: terms of the DSDT. */
void acpi_dsdt(const Q35 *q35, Aml *aml);
void acpi_links(Aml *aml);                          /* inside the ISA bridge */
void acpi_pci(const Q35 *q35, Aml *aml);            /* inside the host bridge */

#endif
