/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLB's inside, for mmu.c, tlb.c and debug.c; everybody else uses mmu.h.
 */

#ifndef ACCEL_SOFT_TLB_H
#define ACCEL_SOFT_TLB_H

#include "accel/soft/mmu.h"

/*
 * Who asks: `implicit` are the processor's own accesses to its tables (SDM vol. 3,
 * 4.6).
 */
static inline MmuMode mmu_mode(const Cpu *cpu, unsigned cpl, bool implicit)
{
    if (cpl == 3) {
        return MMU_USER;
    }
    if (!(cpu->cr4 & CR4_SMAP)) {
        return MMU_KERNEL;
    }
    return !implicit && (cpu->rflags & FLAG_AC) ? MMU_KERNEL : MMU_KERNEL_SMAP;
}

/*
 * The entry of `at`, filled for this access: raises the page fault if it is not
 * allowed.
 */
TlbEntry *tlb_get(Cpu *cpu, gva at, Access access, MmuMode mode);

static inline TlbInfo *tlb_info_of(Cpu *cpu, const TlbEntry *e, MmuMode mode)
{
    return &cpu->tlb_info[mode][e - cpu->tlbs[mode]];
}

static inline TlbEntry *tlb_entry(Cpu *cpu, gva at, MmuMode mode)
{
    return (TlbEntry *)((u8 *)cpu->tlbs[mode] + tlb_place(cpu, at));
}

/* So many entries of each table are in use. */
static inline unsigned tlb_size(const Cpu *cpu)
{
    return cpu->tlb_mask / sizeof(TlbEntry) + 1;
}

/* Entries are also numbered through all modes, as TlbLog does. */
static inline unsigned tlb_number(const Cpu *cpu, gva at, MmuMode mode)
{
    return mode * TLB_SIZE + tlb_place(cpu, at) / sizeof(TlbEntry);
}

static inline TlbEntry *tlb_nth(Cpu *cpu, unsigned n)
{
    return &cpu->tlbs[n / TLB_SIZE][n % TLB_SIZE];
}

static inline TlbInfo *tlb_nth_info(Cpu *cpu, unsigned n)
{
    return &cpu->tlb_info[n / TLB_SIZE][n % TLB_SIZE];
}

/* Gives an entry this info, and logs it. */
void tlb_set_info(Cpu *cpu, unsigned n, TlbInfo info);

/* The page that a tag lets through, quickly or not. */
static inline gva tlb_tag_page(u64 tag)
{
    return tag & TLB_SLOW ? (tag & PAGE_MASK) ^ TLB_OUTSIDE : tag & PAGE_MASK;
}

/* The page of an entry that was filled once; TLB_NONE: it has none. */
static inline gva tlb_page(const TlbEntry *e)
{
    u64 tag = e->read != TLB_NONE ? e->read : e->exec != TLB_NONE ? e->exec : e->write;

    return tag == TLB_NONE ? TLB_NONE : tlb_tag_page(tag);
}

/* ---- hints.c ---- */

void tlb_make_hint(Cpu *cpu, MmuMode mode, unsigned n);
/* The nth entry allows less than it did, or may do so: what it was is `old`. */
void tlb_forget_hints(Cpu *cpu, unsigned n);
void tlb_entry_changed(Cpu *cpu, unsigned n, const TlbEntry *old);

/* A page whose writes were slow because of code: fast again if the code is gone. */
void tlb_code_gone(Cpu *cpu, TlbEntry *e, u64 ram_page);

/* A table in which nothing is found: every data access comes to mmu.c. */
TlbEntry *tlb_empty(void);

/*
 * Checks a data access of the present instruction for alignment (raises #AC) and data
 * breakpoints (noted for after the instruction), while one of them is on: debug.c.
 */
void debug_data(Cpu *cpu, gva at, size_t n, Access access);
/* ... for alignment alone. */
void debug_align(Cpu *cpu, gva at, size_t n);

/* Does DR7 enable a breakpoint on data? */
bool debug_has_data(const Cpu *cpu);

static inline void debug_access(Cpu *cpu, gva at, size_t n, Access access)
{
    if (unlikely(cpu->data_checks)) {
        debug_data(cpu, at, n, access);
    }
}

#endif
