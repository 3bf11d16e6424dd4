/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD's CPUs beside Intel's: see host_vendor.h.  Names are the opcode table's.
 */

#include "tests/lib/host_vendor.h"

#include <cpuid.h>
#include <string.h>

bool host_is_amd(void)
{
    static int known = -1;          /* CPUID is slow in virtual machines */
    u32 a, b, c, d;

    if (known < 0) {
        known = __get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx;
    }
    return known;
}

typedef struct {
    bool size, rep;                 /* 66; F2 or F3 */
    u8 rex;
} Prefixes;

static Prefixes prefixes_of(const u8 *at)
{
    Prefixes p = { false, false, 0 };

    for (; *at == 0x66 || *at == 0x67 || (*at & 0xfe) == 0xf2 || *at == 0xf0; at++) {
        p.size |= *at == 0x66;
        p.rep |= (*at & 0xfe) == 0xf2;
    }
    p.rex = (*at & 0xf0) == 0x40 ? *at : 0;
    return p;
}

static bool begins(const Opcode *row, const char *with)
{
    return !strncmp(row->name, with, strlen(with));
}

bool host_differs(const Opcode *row, const Insn *insn, const u8 *bytes)
{
    bool memory = insn->shape & INSN_MEM;
    Prefixes p = prefixes_of(bytes);

    if (!host_is_amd()) {
        return false;
    }
    return (memory && !strcmp(row->name, "vcvtps2ph")) ||       /* MXCSR stays as it is */
           strstr(row->name, "ldmxcsr") ||              /* MXCSR has a bit 17 */
           (row->attr & OP_ENDS && p.size) ||           /* 16 bits of RIP are left */
           (!strcmp(row->name, "nop") && row->byte == 0x0d && !memory) ||   /* #UD */
           (!strcmp(row->name, "pause") && p.rex & 1) ||        /* XCHG with R8 */
           (begins(row, "sha") && memory && row->map != MAP_1) ||       /* unaligned */
           !strcmp(row->name, "fxsave");                /* FIP and FDP stay as they are */
}

bool host_differs_in_faults(const Opcode *row, const Insn *insn, const u8 *bytes)
{
    bool memory = insn->shape & INSN_MEM;

    if (!host_is_amd()) {
        return false;
    }
    /* Flags of what was compared before; pages before x87 exceptions. */
    return ((begins(row, "cmps") || begins(row, "scas")) && prefixes_of(bytes).rep) ||
           (memory && (begins(row, "fst") || begins(row, "fist")));
}

u64 host_flags_kept(const Opcode *row)
{
    static const struct { const char *name; u64 flags; } kept[] = {
        { "mul", FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF },
        { "imul", FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF },
        { "lzcnt", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF },
        { "tzcnt", FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF },
    };

    for (unsigned i = 0; host_is_amd() && i < G_N_ELEMENTS(kept); i++) {
        if (!strcmp(row->name, kept[i].name)) {
            return kept[i].flags;
        }
    }
    return 0;
}
