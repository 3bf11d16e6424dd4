/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control registers and what follows from them: the mode that blocks are keyed by and
 * the TLB table in use (SDM vol. 3, 2.5, 4.1.2 and 9.8; MOV to control registers in
 * vol. 2).
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/segment.h"
#include "accel/soft/tlb.h"
#include "accel/soft/walk.h"

/* ---- mode ---- */

static u8 code_mode(const Cpu *cpu)
{
    u32 cs = cpu->seg[SEG_CS].attr, ss = cpu->seg[SEG_SS].attr;

    if (cpu_long(cpu) && (cs & SEG_L)) {
        return MODE_CODE64;
    }
    return (cs & SEG_DB ? MODE_CODE32 : 0) | (ss & SEG_DB ? MODE_STACK32 : 0) |
           (!cpu_protected(cpu) || cpu_v86(cpu) ? MODE_REAL : 0);
}

/* Does a data access need more than the TLB: is #AC on, or a data breakpoint? */
static bool wants_data_checks(const Cpu *cpu)
{
    bool align = cpu->cpl == 3 && (cpu->cr0 & CR0_AM) && (cpu->rflags & FLAG_AC);

    return align || ((cpu->dr[7] & DR7_ENABLED) && debug_has_data(cpu));
}

void cpu_jump_tag(Cpu *cpu)
{
    cpu->jump_tag = (cpu->mode & ~MODE_STEP) | cpu->jump_space[cpu->cpl != 3].age << 8;
}

void cpu_mode_changed(Cpu *cpu)
{
    bool step = (cpu->rflags & FLAG_TF) || (cpu->dr[7] & DR7_ENABLED);

    cpu->mode = code_mode(cpu) | mmu_mode(cpu, cpu->cpl, false) << MODE_MMU_SHIFT |
                (step ? MODE_STEP : 0);
    cpu->data_checks = wants_data_checks(cpu);
    cpu->tlb = cpu->data_checks ? tlb_empty()
                                : cpu->tlbs[mmu_mode(cpu, cpu->cpl, false)];
    cpu_jump_tag(cpu);
}

/* ---- flags ---- */

enum {
    FLAGS_KEPT = FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM |
                 FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID,
};

/*
 * RF is kept only while instruction breakpoints could ask for it: it would have to be
 * cleared after the next instruction, and nothing else can see it.
 */
void cpu_set_flags(Cpu *cpu, u64 flags)
{
    u32 kept = FLAGS_KEPT & ~(cpu->dr[7] & DR7_ENABLED ? 0 : FLAG_RF);
    u32 before = cpu->rflags;

    cpu_set_arith(cpu, flags);
    cpu->rflags = (flags & kept) | 2;
    if ((cpu->rflags ^ before) & (FLAG_TF | FLAG_AC | FLAG_VM)) {
        cpu_mode_changed(cpu);
    }
    if (cpu->rflags & ~before & FLAG_IF) {
        cpu_recheck_interrupts(cpu);
    }
}

/* ---- paging ---- */

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LMA);
}

/*
 * 4.4.1: the PDPTEs that paging with these registers would use; #GP(0) if they are
 * wrong.
 */
static void load_pdptes(Cpu *cpu, u64 cr0, u64 cr3, u64 cr4, u64 efer)
{
    u64 pdpte[4];

    if (!pae_paging(cr0, cr4, efer)) {
        return;
    }
    if (!walk_load_pdptes(cpu, cr3, pdpte)) {
        cpu_gp(cpu, 0);
    }
    memcpy(cpu->pdpte, pdpte, sizeof pdpte);
}

void cpu_reload_pdptes(Cpu *cpu)
{
    u64 pdpte[4];

    if (pae_paging(cpu->cr0, cpu->cr4, cpu->efer)) {
        if (!walk_load_pdptes(cpu, cpu->cr3, pdpte)) {
            memset(pdpte, 0, sizeof pdpte);
        }
        memcpy(cpu->pdpte, pdpte, sizeof pdpte);
    }
}

/* ---- CR0 ---- */

#define CR0_BITS (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | \
                  CR0_NW | CR0_CD | CR0_PG)

/*
 * May paging go on, or off, as things are?  (9.8.5; MOV to control registers, vol. 2.)
 */
static bool paging_switch_allowed(const Cpu *cpu, bool on)
{
    bool code64 = cpu->seg[SEG_CS].attr & SEG_L;

    if (!on) {
        return !(cpu_long(cpu) && code64) && !(cpu->cr4 & CR4_PCIDE);
    }
    if (!(cpu->efer & EFER_LME)) {
        return true;
    }
    return (cpu->cr4 & CR4_PAE) && !code64 &&
           SEG_TYPE(cpu->seg[SEG_TR].attr) != SYS_TSS16_BUSY;
}

void cpu_set_cr0(Cpu *cpu, u64 value)
{
    u64 now = (value & CR0_BITS) | CR0_ET, changed = now ^ cpu->cr0;
    u64 efer = cpu->efer;

    if (value >> 32 || ((now & CR0_PG) && !(now & CR0_PE)) ||
        ((now & CR0_NW) && !(now & CR0_CD)) ||
        ((changed & CR0_PG) && !paging_switch_allowed(cpu, now & CR0_PG))) {
        cpu_gp(cpu, 0);
    }
    if ((changed & CR0_PG) && (efer & EFER_LME)) {
        efer = now & CR0_PG ? efer | EFER_LMA : efer & ~(u64)EFER_LMA;
    }
    if (changed & (CR0_CD | CR0_NW | CR0_PG)) {
        load_pdptes(cpu, now, cpu->cr3, cpu->cr4, efer);
    }
    cpu->cr0 = now;
    cpu->efer = efer;
    if (changed & CR0_PE) {
        cpu->cpl = 0;
    }
    if (changed & (CR0_PG | CR0_WP | CR0_PE)) {
        mmu_flush(cpu);
    }
    cpu_mode_changed(cpu);
}

/* ---- CR3 ---- */

#define CR3_NO_FLUSH (1ull << 63)

void cpu_set_cr3(Cpu *cpu, u64 value)
{
    u64 reserved = ~0ull << cpu->phys_bits;
    bool keep = (cpu->cr4 & CR4_PCIDE) && (value & CR3_NO_FLUSH);
    unsigned from = cpu_pcid(cpu);

    if (keep) {
        value &= ~CR3_NO_FLUSH;
    }
    if (cpu_long(cpu) && (value & reserved)) {
        cpu_gp(cpu, 0);
    }
    load_pdptes(cpu, cpu->cr0, value, cpu->cr4, cpu->efer);
    cpu->cr3 = value;
    mmu_switch(cpu, from, cpu_pcid(cpu), keep);
}

/* ---- CR4 ---- */

#define CR4_PAGING \
    (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_LA57)

void cpu_set_cr4(Cpu *cpu, u64 value)
{
    u64 changed = value ^ cpu->cr4;

    if (value & ~cpu->cr4_allowed ||
        (cpu_long(cpu) && (!(value & CR4_PAE) || (changed & CR4_LA57))) ||
        ((changed & value & CR4_PCIDE) && (!cpu_long(cpu) || (cpu->cr3 & 0xfff)))) {
        cpu_gp(cpu, 0);
    }
    if (changed & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP)) {
        load_pdptes(cpu, cpu->cr0, cpu->cr3, value, cpu->efer);
    }
    cpu->cr4 = value;
    if (changed & CR4_PAGING) {
        mmu_flush(cpu);
    }
    cpu_mode_changed(cpu);
}

/* ---- EFER ---- */

/* LMA follows CR0.PG; what is written to it is ignored. */
void cpu_set_efer(Cpu *cpu, u64 value)
{
    u64 now = (value & ~(u64)EFER_LMA) | (cpu->efer & EFER_LMA);
    u64 changed = now ^ cpu->efer;

    if ((now & ~(cpu->efer_allowed | EFER_LMA)) ||
        ((changed & EFER_LME) && (cpu->cr0 & CR0_PG))) {
        cpu_gp(cpu, 0);
    }
    cpu->efer = now;
    if (changed & EFER_NXE) {
        mmu_flush(cpu);
    }
    cpu_mode_changed(cpu);
}
