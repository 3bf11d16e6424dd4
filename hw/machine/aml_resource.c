/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resource descriptors in AML (ACPI 6.4, section 6.4): see aml.h.
 */

#include "hw/machine/aml.h"
#include "base/bytes.h"

enum {
    SMALL_IRQ = 0x23, SMALL_IO = 0x47, SMALL_END = 0x79,
    LARGE_MEMORY32 = 0x86, LARGE_DWORD = 0x87, LARGE_WORD = 0x88,
    LARGE_INTERRUPT = 0x89, LARGE_QWORD = 0x8a,
    OP_BUFFER = 0x11,
};

size_t aml_resources(Aml *aml, const char *name)
{
    aml_name(aml, name);
    aml_op(aml, OP_BUFFER);
    return aml->len;
}

/*
 * The size goes in front of the descriptors, and the length of the term in front of
 * that.
 */
void aml_resources_end(Aml *aml, size_t mark)
{
    g_autoptr(GByteArray) size = g_byte_array_new();
    size_t n;

    append_num(aml, SMALL_END, 2);              /* checksum 0: not to be checked */
    n = aml->len - mark;
    aml_int(size, n);
    append_zeroes(aml, size->len);
    memmove(aml->data + mark + size->len, aml->data + mark, n);
    memcpy(aml->data + mark, size->data, size->len);
    aml_end(aml, mark);
}

void aml_res_io(Aml *aml, u16 base, u8 n)
{
    append_num(aml, SMALL_IO, 1);
    append_num(aml, 1, 1);                      /* decodes 16 bits */
    append_num(aml, base, 2);
    append_num(aml, base, 2);
    append_num(aml, 1, 1);
    append_num(aml, n, 1);
}

void aml_res_irq(Aml *aml, unsigned irq)
{
    append_num(aml, SMALL_IRQ, 1);
    append_num(aml, 1 << irq, 2);
    append_num(aml, 1, 1);                  /* edge, active high, exclusive */
}

void aml_res_interrupts(Aml *aml, const u32 *gsi, unsigned n)
{
    append_num(aml, LARGE_INTERRUPT, 1);
    append_num(aml, 2 + 4 * n, 2);
    append_num(aml, 1 | 1 << 3, 1);         /* consumer, level, high, shared */
    append_num(aml, n, 1);
    for (unsigned i = 0; i < n; i++) {
        append_num(aml, gsi[i], 4);
    }
}

void aml_res_memory32(Aml *aml, u32 base, u32 n, bool writable)
{
    append_num(aml, LARGE_MEMORY32, 1);
    append_num(aml, 9, 2);
    append_num(aml, writable, 1);
    append_num(aml, base, 4);
    append_num(aml, n, 4);
}

void aml_res_window(Aml *aml, AmlWindow kind, unsigned bytes, u64 first, u64 last)
{
    u8 tag = bytes == 2 ? LARGE_WORD : bytes == 4 ? LARGE_DWORD : LARGE_QWORD;
    /* memory: writable; I/O: all ports, not just those below 0x400 */
    u8 specific = kind == AML_MEMORY ? 1 : kind == AML_IO ? 3 : 0;
    /* granularity and translation are 0 */
    u64 value[5] = { 0, first, last, 0, last - first + 1 };

    append_num(aml, tag, 1);
    append_num(aml, 3 + 5 * bytes, 2);
    append_num(aml, kind, 1);
    append_num(aml, 0x0c, 1);                   /* producer, both ends are fixed */
    append_num(aml, specific, 1);
    for (unsigned i = 0; i < 5; i++) {
        append_num(aml, value[i], bytes);
    }
}
