/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System instructions that fit nowhere else: interrupts and halting, caches and the
 * TLB, the time-stamp counter, FS and GS bases, SMAP's flag, fences, hypercalls, UD
 * (SDM vol. 2).
 *
 * Caches are not modelled: INVD, WBINVD and CLFLUSH have only their checks.
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/event.h"
#include "accel/soft/operand.h"
#include "accel/soft/system.h"

/* ---- interrupts ---- */

/* CLI and STI: with IOPL or not at all (neither VME nor PVI is offered). */
static void check_iopl(Cpu *cpu)
{
    if (cpu->cpl > cpu_iopl(cpu)) {
        cpu_gp(cpu, 0);
    }
}

static void op_cli(Cpu *cpu, const Insn *insn)
{
    check_iopl(cpu);
    cpu->rflags &= ~FLAG_IF;
}

/* The instruction after STI still runs without interrupts. */
static void op_sti(Cpu *cpu, const Insn *insn)
{
    check_iopl(cpu);
    if (!(cpu->rflags & FLAG_IF)) {
        cpu->rflags |= FLAG_IF;
        cpu->inhibit = INHIBIT_INTERRUPTS;
        cpu_recheck_interrupts(cpu);
    }
    cpu->rip = insn_next(cpu, insn);
}

static void op_hlt(Cpu *cpu, const Insn *insn)
{
    check_kernel(cpu);
    cpu->rip = insn_next(cpu, insn);
    cpu_stop(cpu, RUN_HALTED);
}

/* ---- caches, TLB ---- */

static void op_cache(Cpu *cpu, const Insn *insn)
{
    check_kernel(cpu);
}

/* Faults as a load of a byte does. */
static void op_clflush(Cpu *cpu, const Insn *insn)
{
    mmu_probe_read(cpu, mem_in(cpu, insn, 0));
}

/* No segment checks: the address is only a number here. */
static void op_invlpg(Cpu *cpu, const Insn *insn)
{
    u64 offset = insn_offset(cpu, insn);
    gva at = insn->seg == SEG_FLAT ? offset : cpu->seg[insn->seg].base + offset;

    check_kernel(cpu);
    mmu_flush_page(cpu, cpu_code64(cpu) ? at : (u32)at);
    cpu->rip = insn_next(cpu, insn);
}

enum { INVPCID_ADDRESS, INVPCID_ONE, INVPCID_ALL, INVPCID_ALL_NON_GLOBAL };

/* To drop more than is asked for is always right (vol. 3, 4.10.4.2). */
static void op_invpcid(Cpu *cpu, const Insn *insn)
{
    u64 type = cpu_code64(cpu) ? cpu->gpr[insn->reg] : (u32)cpu->gpr[insn->reg];
    u64 what[2];                /* PCID, address */

    check_kernel(cpu);
    mmu_read(cpu, insn_linear(cpu, insn, 16, ACCESS_READ), what, 16);
    if (type > INVPCID_ALL_NON_GLOBAL || what[0] >> 12 ||
        (type <= INVPCID_ONE && what[0] && !(cpu->cr4 & CR4_PCIDE)) ||
        (type == INVPCID_ADDRESS && !cpu_canonical(cpu, what[1]))) {
        cpu_gp(cpu, 0);
    }
    if (type == INVPCID_ADDRESS && what[0] == cpu_pcid(cpu)) {
        mmu_flush_page(cpu, what[1]);
    } else if (type <= INVPCID_ONE) {
        mmu_flush_pcid(cpu, what[0]);
    } else if (type == INVPCID_ALL) {
        mmu_flush(cpu);
    } else {
        mmu_flush_pcids(cpu);
    }
    cpu->rip = insn_next(cpu, insn);
}

/* ---- counters ---- */

static void set_edx_eax(Cpu *cpu, u64 value)
{
    cpu->gpr[RAX] = (u32)value;
    cpu->gpr[RDX] = value >> 32;
}

static void op_rdtsc(Cpu *cpu, const Insn *insn)
{
    if ((cpu->cr4 & CR4_TSD) && cpu->cpl) {
        cpu_gp(cpu, 0);
    }
    set_edx_eax(cpu, cpu_tsc(cpu));
}

static void op_rdtscp(Cpu *cpu, const Insn *insn)
{
    op_rdtsc(cpu, insn);
    cpu->gpr[RCX] = (u32)cpu->tsc_aux;
}

/* There is no performance counter, so no index is valid. */
static void op_rdpmc(Cpu *cpu, const Insn *insn)
{
    cpu_gp(cpu, 0);
}

/* ---- FS and GS bases ---- */

static void check_fsgsbase(Cpu *cpu)
{
    if (!(cpu->cr4 & CR4_FSGSBASE)) {
        cpu_raise(cpu, EXC_UD);
    }
}

/* /0 RDFSBASE, /1 RDGSBASE. */
static void op_rdbase(Cpu *cpu, const Insn *insn)
{
    check_fsgsbase(cpu);
    reg_set(cpu, insn->rm, insn->more & INSN2_WIDTH,
            cpu->seg[insn->reg & 1 ? SEG_GS : SEG_FS].base);
}

/* /2 WRFSBASE, /3 WRGSBASE. */
static void op_wrbase(Cpu *cpu, const Insn *insn)
{
    u64 base = reg_get(cpu, insn->rm, insn->more & INSN2_WIDTH);

    check_fsgsbase(cpu);
    if (!cpu_canonical(cpu, base)) {
        cpu_gp(cpu, 0);
    }
    cpu->seg[insn->reg & 1 ? SEG_GS : SEG_FS].base = base;
}

/* ---- SMAP ---- */

static void set_ac(Cpu *cpu, u32 ac)
{
    if (cpu->cpl) {
        cpu_raise(cpu, EXC_UD);
    }
    cpu->rflags = (cpu->rflags & ~FLAG_AC) | ac;
    cpu_mode_changed(cpu);
}

/* The MMU mode changes, which blocks are found by: so they end one. */
static void op_clac(Cpu *cpu, const Insn *insn)
{
    set_ac(cpu, 0);
    cpu->rip = insn_next(cpu, insn);
}

static void op_stac(Cpu *cpu, const Insn *insn)
{
    set_ac(cpu, FLAG_AC);
    cpu->rip = insn_next(cpu, insn);
}

/* ---- fences: the guest's loads and stores are the host's, so are they ---- */

static void op_lfence(Cpu *cpu, const Insn *insn)
{
    __builtin_ia32_lfence();
}

static void op_mfence(Cpu *cpu, const Insn *insn)
{
    __builtin_ia32_mfence();
}

static void op_sfence(Cpu *cpu, const Insn *insn)
{
    __builtin_ia32_sfence();
}

/* ---- hypercalls, UD ---- */

enum { KVM_EPERM = 1, KVM_ENOSYS = 1000 };

/*
 * Linux Documentation/virt/kvm/x86/hypercalls.rst: there is none, and that is the
 * answer.
 */
static void op_hypercall(Cpu *cpu, const Insn *insn)
{
    s64 answer = cpu->cpl ? -KVM_EPERM : -KVM_ENOSYS;

    if (!cpuid_find(&cpu->cpuid, 0x40000000, 0)) {
        cpu_raise(cpu, EXC_UD);
    }
    cpu->gpr[RAX] = cpu_code64(cpu) ? (u64)answer : (u32)answer;
}

static void op_ud(Cpu *cpu, const Insn *insn)
{
    cpu_raise(cpu, EXC_UD);
}

/* ---- rows ---- */

static const Opcode rows[] = {
    ROW(MAP_1, 0xf4, "hlt", .attr = OP_ENDS, .fn = op_hlt),
    ROW(MAP_1, 0xfa, "cli", .fn = op_cli),
    ROW(MAP_1, 0xfb, "sti", .attr = OP_ENDS, .fn = op_sti),
    ROW_RM(MAP_0F, 0x01, 0, 1, "vmcall", .prefix = P_NONE, .fn = op_hypercall),
    ROW_RM(MAP_0F, 0x01, 1, 2, "clac", .prefix = P_NONE, .attr = OP_ENDS,
           .feature = "smap", .fn = op_clac),
    ROW_RM(MAP_0F, 0x01, 1, 3, "stac", .prefix = P_NONE, .attr = OP_ENDS,
           .feature = "smap", .fn = op_stac),
    ROW_RM(MAP_0F, 0x01, 3, 1, "vmmcall", .fn = op_hypercall),
    ROW_RM(MAP_0F, 0x01, 7, 1, "rdtscp", .feature = "rdtscp", .fn = op_rdtscp),
    ROW_EXT(MAP_0F, 0x01, 7, "invlpg", .mod = MOD_MEM, .operand = { O_Mb },
            .attr = OP_ENDS, .fn = op_invlpg),
    ROW(MAP_0F, 0x08, "invd", .fn = op_cache),
    ROW(MAP_0F, 0x09, "wbinvd", .fn = op_cache),
    ROW(MAP_0F, 0x0b, "ud2", .attr = OP_ENDS, .fn = op_ud),
    ROW(MAP_0F, 0x31, "rdtsc", .feature = "tsc", .fn = op_rdtsc),
    ROW(MAP_0F, 0x33, "rdpmc", .fn = op_rdpmc),
    ROW(MAP_0F, 0xaa, "rsm", .attr = OP_ENDS, .fn = op_ud),
    ROW_EXT(MAP_0F, 0xae, 0, "rdfsbase", .prefix = P_F3, .operand = { O_Ry },
            .attr = OP_ONLY64, .feature = "fsgsbase", .fn = op_rdbase),
    ROW_EXT(MAP_0F, 0xae, 1, "rdgsbase", .prefix = P_F3, .operand = { O_Ry },
            .attr = OP_ONLY64, .feature = "fsgsbase", .fn = op_rdbase),
    ROW_EXT(MAP_0F, 0xae, 2, "wrfsbase", .prefix = P_F3, .operand = { O_Ry },
            .attr = OP_ONLY64, .feature = "fsgsbase", .fn = op_wrbase),
    ROW_EXT(MAP_0F, 0xae, 3, "wrgsbase", .prefix = P_F3, .operand = { O_Ry },
            .attr = OP_ONLY64, .feature = "fsgsbase", .fn = op_wrbase),
    ROW_EXT(MAP_0F, 0xae, 5, "lfence", .prefix = P_NONE, .mod = MOD_REG,
            .feature = "sse2", .fn = op_lfence),
    ROW_EXT(MAP_0F, 0xae, 6, "mfence", .prefix = P_NONE, .mod = MOD_REG,
            .feature = "sse2", .fn = op_mfence),
    ROW_EXT(MAP_0F, 0xae, 7, "sfence", .prefix = P_NONE, .mod = MOD_REG,
            .feature = "sse", .fn = op_sfence),
    ROW_EXT(MAP_0F, 0xae, 7, "clflush", .prefix = P_NONE, .mod = MOD_MEM,
            .operand = { O_Mb }, .feature = "clflush", .fn = op_clflush),
    ROW_EXT(MAP_0F, 0xae, 6, "clwb", .prefix = P_66, .mod = MOD_MEM,
            .operand = { O_Mb }, .feature = "clwb", .fn = op_clflush),
    ROW_EXT(MAP_0F, 0xae, 7, "clflushopt", .prefix = P_66, .mod = MOD_MEM,
            .operand = { O_Mb }, .feature = "clflushopt", .fn = op_clflush),
    ROW(MAP_0F, 0xb9, "ud1", .operand = { O_Gv, O_Ev }, .attr = OP_ENDS, .fn = op_ud),
    ROW(MAP_0F, 0xff, "ud0", .operand = { O_Gv, O_Ev }, .attr = OP_ENDS, .fn = op_ud),
    ROW(MAP_0F38, 0x82, "invpcid", .prefix = P_66, .operand = { O_Gy, O_Mdq },
        .attr = OP_ENDS, .feature = "invpcid", .fn = op_invpcid),
};

FAMILY(ops_system, "system", rows);
