/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hints: the copies of TLB entries that translated code looks at first (cpu.h).
 * Translated code makes them, and lists them with their entry (jit/stubs.c); here they
 * are forgotten.  An entry that allows more than its copies does no harm: they are made
 * anew where they fail.
 */

#include "accel/soft/tlb.h"

static const TlbHint none = { TLB_NONE, TLB_NONE, 0, 0, 0 };

void tlb_make_hint(Cpu *cpu, MmuMode mode, unsigned n)
{
    cpu->tlb_hint[mode][n] = none;
}

void tlb_forget_hints(Cpu *cpu, unsigned n)
{
    u32 at = cpu->tlb_hints_of[n];

    if (!at) {
        return;
    }
    while (at) {
        TlbHint *hint = (TlbHint *)((u8 *)cpu + at);

        at = hint->next;
        *hint = none;
    }
    cpu->tlb_hints_of[n] = 0;
}

static bool is_kept(u64 old_tag, u64 tag)
{
    return old_tag & ~PAGE_MASK || old_tag == tag;      /* slow: never a hit */
}

void tlb_entry_changed(Cpu *cpu, unsigned n, const TlbEntry *old)
{
    const TlbEntry *e = tlb_nth(cpu, n);

    if (!is_kept(old->read, e->read) || !is_kept(old->write, e->write) ||
        old->addend != e->addend) {
        tlb_forget_hints(cpu, n);
    }
}
