/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer of AML (ACPI 6.4, chapter 20): each call appends one term to a byte array,
 * so the C code reads like the ASL it stands for.  What encloses others has a begin
 * that returns a mark and ends with aml_end(mark):
 *
 *     size_t dev = aml_device(aml, "HPET");
 *     aml_name_eisa(aml, "_HID", "PNP0103");
 *     aml_end(aml, dev);
 *
 * Any thread, on its own array.
 */

#ifndef HW_MACHINE_AML_H
#define HW_MACHINE_AML_H

#include "base/types.h"

typedef GByteArray Aml;

/* Opcodes without operands of their own (20.3); 0x5bxx are two bytes. */
enum {
    AML_ZERO = 0x00, AML_ONE = 0x01, AML_ONES = 0xff,
    AML_LOCAL0 = 0x60, AML_ARG0 = 0x68, AML_ARG1, AML_ARG2, AML_ARG3,
    AML_STORE = 0x70, AML_AND = 0x7b, AML_OR = 0x7d, AML_NOTIFY = 0x86,
    AML_LNOT = 0x92, AML_LEQUAL = 0x93,
    AML_RETURN = 0xa4, AML_CREATE_DWORD_FIELD = 0x8a,
};

enum { AML_SYSTEM_IO = 1, AML_PCI_CONFIG = 2 };

void aml_op(Aml *aml, unsigned op);
void aml_int(Aml *aml, u64 value);
void aml_string(Aml *aml, const char *text);
void aml_path(Aml *aml, const char *path);          /* "\\_SB.PCI0", "^X", "_CRS" */

/* The enclosing terms. */
size_t aml_scope(Aml *aml, const char *path);
size_t aml_device(Aml *aml, const char *name);
size_t aml_method(Aml *aml, const char *name, unsigned args, bool serialized);
size_t aml_package(Aml *aml, unsigned elements);
size_t aml_if(Aml *aml);                            /* the condition follows */
size_t aml_else(Aml *aml);                          /* right after the end of an if */
void aml_end(Aml *aml, size_t mark);

void aml_name(Aml *aml, const char *name);          /* Name (name, the next term) */
void aml_name_int(Aml *aml, const char *name, u64 value);
void aml_name_string(Aml *aml, const char *name, const char *text);
void aml_name_eisa(Aml *aml, const char *name, const char *id);     /* "PNP0A08" */
void aml_uuid(Aml *aml, const char *text);          /* ToUUID ("...") */

void aml_region(Aml *aml, const char *name, u8 space, u64 at, u64 n);
/* Field (region, ByteAcc, NoLock, Preserve); then units, then aml_end. */
size_t aml_field(Aml *aml, const char *region);
void aml_unit(Aml *aml, const char *name, unsigned bits);           /* NULL: a gap */

/* Name (_CRS, ResourceTemplate () { ... }): descriptors follow (6.4). */
size_t aml_resources(Aml *aml, const char *name);
void aml_resources_end(Aml *aml, size_t mark);
void aml_res_io(Aml *aml, u16 base, u8 n);
void aml_res_irq(Aml *aml, unsigned irq);           /* edge, active high, exclusive */
void aml_res_interrupts(Aml *aml, const u32 *gsi, unsigned n);  /* level, shared */
void aml_res_memory32(Aml *aml, u32 base, u32 n, bool writable);

typedef enum { AML_MEMORY, AML_IO, AML_BUS } AmlWindow;
/*
 * What a bridge passes on: a WordBusNumber, WordIO, DWordMemory or QWordMemory
 * descriptor.
 */
void aml_res_window(Aml *aml, AmlWindow kind, unsigned bytes, u64 first, u64 last);

#endif
