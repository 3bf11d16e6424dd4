/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How instructions reach memory.
 *
 * cpu_load/cpu_store take linear addresses.  The fast path is one compare in the TLB of
 * the present MMU mode and a plain host access; host and guest share the memory model
 * (TSO), so ordinary accesses need no barrier.  Everything else (a miss, MMIO, a page
 * that holds decoded code, a crossing of pages) goes to the slow functions in mmu.c,
 * which raise page faults.  Stores check the whole access before any byte is written.
 */

#ifndef ACCEL_SOFT_MMU_H
#define ACCEL_SOFT_MMU_H

#include "accel/soft/cpu.h"
#include <string.h>

typedef enum { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC } Access;

u64 mmu_load_slow(Cpu *cpu, gva at, unsigned size);
void mmu_store_slow(Cpu *cpu, gva at, u64 value, unsigned size);

/*
 * Any length up to 4096 bytes, for x87, XSAVE, descriptors: all checked before anything
 * is written.
 */
void mmu_read(Cpu *cpu, gva at, void *to, size_t n);
void mmu_write(Cpu *cpu, gva at, const void *from, size_t n);
/*
 * The same with supervisor rights whatever CPL is: descriptor tables, TSS, interrupt
 * frames to inner stacks.
 */
void mmu_read_system(Cpu *cpu, gva at, void *to, size_t n);
void mmu_write_system(Cpu *cpu, gva at, const void *from, size_t n);
/* The same as if CPL were `cpl`: stacks of another privilege level. */
void mmu_read_as(Cpu *cpu, gva at, void *to, size_t n, unsigned cpl);
void mmu_write_as(Cpu *cpu, gva at, const void *from, size_t n, unsigned cpl);

/*
 * Raises the fault a store of n bytes at `at` would raise, if any; for instructions
 * that must not fault half-way.
 */
void mmu_probe_write(Cpu *cpu, gva at, size_t n);
/* The same for a load of one byte. */
void mmu_probe_read(Cpu *cpu, gva at);

/*
 * The host address of `size` (1-16) bytes of guest RAM, writable, for an atomic host
 * instruction.  NULL: it is MMIO, or it crosses a page: the caller does it in an
 * exclusive section (soft.h) with cpu_load and cpu_store.
 */
void *mmu_rmw(Cpu *cpu, gva at, unsigned size);

/*
 * Where code comes from: checks execute rights at `at` and gives the guest-physical
 * address, the host bytes up to the end of the page, and the RAM page number
 * (UINT64_MAX: ROM).  NULL if it is MMIO (a guest that jumps there gets #GP... see
 * mmu.c).
 */
const u8 *mmu_fetch(Cpu *cpu, gva at, gpa *phys, u64 *ram_page);

/*
 * Was code at `at` fetched through a global page?  -1: the TLB does not know any more.
 */
int mmu_is_global_code(Cpu *cpu, gva at);

/*
 * gva -> gpa by the page tables alone, no fault, no TLB; for the monitor.  Any thread
 * while paused.
 */
bool mmu_translate(Cpu *cpu, gva at, gpa *out);

/* ---- tlb_flush.c: each forgets what the jump cache has by these entries, too ---- */

void mmu_flush(Cpu *cpu); /* all entries, also global ones and those of other PCIDs */
/* the same, and its tables are small again; its hints are gone (jit_forget_hints) */
void mmu_give_back(Cpu *cpu);
void mmu_flush_page(Cpu *cpu, gva at);          /* INVLPG */
/* What is not global: of the present PCID, of one, of all. */
void mmu_flush_non_global(Cpu *cpu);
void mmu_flush_pcid(Cpu *cpu, unsigned pcid);
void mmu_flush_pcids(Cpu *cpu);
/* CR3 goes from one PCID to another, or the same; `keep`: what is there stays good. */
void mmu_switch(Cpu *cpu, unsigned from, unsigned to, bool keep);
void mmu_note_large(Cpu *cpu, gva at, u64 bytes, bool global);

/*
 * The page has decoded code from now on: writes to it by this vCPU go through the slow
 * path.
 */
void mmu_protect_code(Cpu *cpu, u64 ram_page);
void mmu_print_tlb(Cpu *cpu, GString *out);

/* SDM vol. 3, 4.10.1. */
static inline unsigned cpu_pcid(const Cpu *cpu)
{
    return cpu->cr4 & CR4_PCIDE ? cpu->cr3 & 0xfff : 0;
}

/* Where in a table the entry of an address is, in bytes. */
static inline u32 tlb_place(const Cpu *cpu, gva at)
{
    return at >> (PAGE_SHIFT - 5) & cpu->tlb_mask;
}
_Static_assert(sizeof(TlbEntry) == 1 << 5, "the shift above");

static inline TlbEntry *mmu_entry(const Cpu *cpu, gva at)
{
    return (TlbEntry *)((u8 *)cpu->tlb + tlb_place(cpu, at));
}

/* Is every bit above the linear address width a copy of the highest one below? */
static inline bool cpu_canonical(const Cpu *cpu, gva at)
{
    unsigned above = cpu->cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

    return (gva)((s64)(at << above) >> above) == at;
}

/* True when [at, at + size) lies in one page. */
static inline bool in_one_page(gva at, unsigned size)
{
    return (at & ~PAGE_MASK) <= PAGE_BYTES - size;
}

/*
 * Does this tag of the entry for `at` let all of [at, at + size) through?  If the last
 * byte lies in the next page, that page has another entry, and its address is never
 * this one's tag.
 */
static inline bool tag_covers(u64 tag, gva at, unsigned size)
{
    return tag == ((at + size - 1) & PAGE_MASK);
}

/* Values in guest memory lie anywhere. */
typedef u8  Guest8;
typedef u16 Guest16 __attribute__((aligned(1), may_alias));
typedef u32 Guest32 __attribute__((aligned(1), may_alias));
typedef u64 Guest64 __attribute__((aligned(1), may_alias));

/* The guest's own data races are none of ThreadSanitizer's business. */
#define GUEST_RACES __attribute__((no_sanitize("thread")))

#define CPU_ACCESS(bits)                                                            \
    static inline GUEST_RACES u##bits cpu_load##bits(Cpu *cpu, gva at)              \
    {                                                                               \
        const TlbEntry *e = mmu_entry(cpu, at);                                     \
                                                                                    \
        if (likely(tag_covers(e->read, at, bits / 8))) {                            \
            return *(const volatile Guest##bits *)(uintptr_t)(at + e->addend);      \
        }                                                                           \
        return mmu_load_slow(cpu, at, bits / 8);                                    \
    }                                                                               \
    static inline GUEST_RACES void cpu_store##bits(Cpu *cpu, gva at, u##bits value) \
    {                                                                               \
        const TlbEntry *e = mmu_entry(cpu, at);                                     \
                                                                                    \
        if (likely(tag_covers(e->write, at, bits / 8))) {                           \
            *(volatile Guest##bits *)(uintptr_t)(at + e->addend) = value;           \
        } else {                                                                    \
            mmu_store_slow(cpu, at, value, bits / 8);                               \
        }                                                                           \
    }
CPU_ACCESS(8)
CPU_ACCESS(16)
CPU_ACCESS(32)
CPU_ACCESS(64)

/* ---- addresses of operands ---- */

/* The offset part of a memory operand, truncated to the address size. */
static inline u64 insn_offset(const Cpu *cpu, const Insn *insn)
{
    u64 at = cpu->gpr[insn->base] +
             (cpu->gpr[insn->index] << (insn->shape & INSN_SCALE)) + insn->disp;

    if (likely((insn->shape & INSN_ADDR) == INSN_ADDR64)) {
        return at;
    }
    return (insn->shape & INSN_ADDR) == INSN_ADDR32 ? (u32)at : (u16)at;
}

/*
 * offset -> linear address through a segment register: base, and outside 64-bit mode
 * the limit and type checks of an access (SDM vol. 3, 5.3): raises #GP or #SS.
 */
gva segment_linear(Cpu *cpu, unsigned seg, u64 offset, unsigned size, Access access);

/* The linear address of a memory operand of `size` bytes. */
static inline gva insn_linear(Cpu *cpu, const Insn *insn, unsigned size, Access access)
{
    u64 offset = insn_offset(cpu, insn);

    return likely(insn->seg == SEG_FLAT) ?
               offset :
               segment_linear(cpu, insn->seg, offset, size, access);
}

/*
 * The stack: width is the operand size in bytes (2, 4, 8); the stack pointer's size
 * follows SS and the mode.  cpu_push/cpu_pop change rsp only after the access
 * succeeded.
 */
void cpu_push(Cpu *cpu, u64 value, unsigned size);
u64 cpu_pop(Cpu *cpu, unsigned size);
u64 cpu_stack_pointer(const Cpu *cpu); /* truncated to the stack's size */
/* writes only the bits of the stack's size */
void cpu_set_stack_pointer(Cpu *cpu, u64 value);
u64 cpu_peek(Cpu *cpu, u64 above, unsigned size); /* reads at stack pointer + above */

#endif
