/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that read and write control and debug registers: MOV, LMSW, SMSW, CLTS,
 * XGETBV, XSETBV (SDM vol. 2).
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/operand.h"
#include "accel/soft/simd.h"
#include "accel/soft/system.h"

/* These moves are of 32 bits, in 64-bit mode of 64, whatever prefixes say. */
static u64 wide_value(const Cpu *cpu, unsigned reg)
{
    return cpu_code64(cpu) ? cpu->gpr[reg] : (u32)cpu->gpr[reg];
}

static void set_wide(Cpu *cpu, unsigned reg, u64 value)
{
    cpu->gpr[reg] = cpu_code64(cpu) ? value : (u32)value;
}

/* ---- control registers ---- */

static void check_control(Cpu *cpu, unsigned reg)
{
    static const u16 there = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8;

    if (!(there >> reg & 1)) {
        cpu_raise(cpu, EXC_UD);
    }
    check_kernel(cpu);
}

static void op_mov_from_cr(Cpu *cpu, const Insn *insn)
{
    u64 value = 0;

    check_control(cpu, insn->reg);
    switch (insn->reg) {
    case 0:
        value = cpu->cr0;
        break;
    case 2:
        value = cpu->cr2;
        break;
    case 3:
        value = cpu->cr3;
        break;
    case 4:
        value = cpu->cr4;
        break;
    case 8:
        value = lapic_tpr(cpu->lapic) >> 4;
        break;
    }
    set_wide(cpu, insn->rm, value);
}

/* The next instruction may be fetched or decoded otherwise: the block ends here. */
static void op_mov_to_cr(Cpu *cpu, const Insn *insn)
{
    u64 value = wide_value(cpu, insn->rm);

    check_control(cpu, insn->reg);
    switch (insn->reg) {
    case 0:
        cpu_set_cr0(cpu, value);
        break;
    case 2:
        cpu->cr2 = value;
        break;
    case 3:
        cpu_set_cr3(cpu, value);
        break;
    case 4:
        cpu_set_cr4(cpu, value);
        break;
    case 8:
        if (value > 15) {
            cpu_gp(cpu, 0);
        }
        lapic_set_tpr(cpu->lapic, value << 4);
        break;
    }
    cpu->rip = insn_next(cpu, insn);
}

static void op_clts(Cpu *cpu, const Insn *insn)
{
    check_kernel(cpu);
    cpu->cr0 &= ~(u64)CR0_TS;
}

static void op_smsw(Cpu *cpu, const Insn *insn)
{
    check_umip(cpu);
    store_word(cpu, insn, cpu->cr0);
}

/* PE, MP, EM and TS; PE can be set, not cleared. */
static void op_lmsw(Cpu *cpu, const Insn *insn)
{
    u64 mask = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    u64 value;

    check_kernel(cpu);
    value = insn->shape & INSN_MEM ? cpu_load16(cpu, mem_in(cpu, insn, 1))
                                   : cpu->gpr[insn->rm];
    cpu_set_cr0(cpu, (cpu->cr0 & ~mask) | (value & mask) | (cpu->cr0 & CR0_PE));
    cpu->rip = insn_next(cpu, insn);
}

/* ---- debug registers ---- */

/*
 * DR4 and DR5 are names of DR6 and DR7 until CR4.DE takes them away (vol. 3, 17.2.2).
 */
static unsigned check_debug(Cpu *cpu, unsigned reg)
{
    if (reg > 7 || ((cpu->cr4 & CR4_DE) && (reg == 4 || reg == 5))) {
        cpu_raise(cpu, EXC_UD);
    }
    check_kernel(cpu);
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[6] |= DR6_BD;
        cpu->rflags |= FLAG_RF; /* a fault: in the flags that are pushed (17.3.1.1) */
        cpu_raise(cpu, EXC_DB);
    }
    return reg == 4 || reg == 5 ? reg + 2 : reg;
}

static void op_mov_from_dr(Cpu *cpu, const Insn *insn)
{
    unsigned reg = check_debug(cpu, insn->reg);

    set_wide(cpu, insn->rm, cpu->dr[reg]);
}

#define DR6_BITS (15u | DR6_BD | DR6_BS | 1u << 15)
#define DR7_BITS 0xffff23ffu

static void op_mov_to_dr(Cpu *cpu, const Insn *insn)
{
    unsigned reg = check_debug(cpu, insn->reg);
    u64 value = wide_value(cpu, insn->rm);

    if (reg >= 6 && value >> 32) {
        cpu_gp(cpu, 0);
    }
    cpu->dr[reg] = reg == 6 ? (value & DR6_BITS) | DR6_FIXED
                 : reg == 7 ? (value & DR7_BITS) | DR7_FIXED : value;
    cpu->rip = insn_next(cpu, insn);
    cpu_mode_changed(cpu);
}

/* ---- XCR0 ---- */

static void check_osxsave(Cpu *cpu)
{
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        cpu_raise(cpu, EXC_UD);
    }
}

static void op_xgetbv(Cpu *cpu, const Insn *insn)
{
    u64 value = cpu->xcr0;

    check_osxsave(cpu);
    if ((u32)cpu->gpr[RCX] == 1 && cpu_has(cpu, "xgetbv1")) {
        value &= xsave_in_use(cpu);
    } else if ((u32)cpu->gpr[RCX]) {
        cpu_gp(cpu, 0);
    }
    cpu->gpr[RAX] = (u32)value;
    cpu->gpr[RDX] = value >> 32;
}

/* SDM vol. 3, 2.6: x87 is always on, and AVX asks for SSE. */
bool xcr0_possible(const Cpu *cpu, u64 value)
{
    return value & 1 && !(value & ~cpu->xcr0_allowed) && (!(value & 4) || value & 2);
}

void cpu_set_xcr0(Cpu *cpu, u64 value)
{
    if (!xcr0_possible(cpu, value)) {
        cpu_gp(cpu, 0);
    }
    cpu->xcr0 = value;
}

static void op_xsetbv(Cpu *cpu, const Insn *insn)
{
    check_osxsave(cpu);
    check_kernel(cpu);
    if ((u32)cpu->gpr[RCX]) {
        cpu_gp(cpu, 0);
    }
    cpu_set_xcr0(cpu, cpu->gpr[RDX] << 32 | (u32)cpu->gpr[RAX]);
    cpu->rip = insn_next(cpu, insn);
}

/* ---- rows ---- */

static const Opcode rows[] = {
    ROW_EXT(MAP_0F, 0x01, 4, "smsw", .operand = { O_Ew }, .fn = op_smsw),
    ROW_EXT(MAP_0F, 0x01, 6, "lmsw", .operand = { O_Ew }, .attr = OP_ENDS,
            .fn = op_lmsw),
    ROW_RM(MAP_0F, 0x01, 2, 0, "xgetbv", .prefix = P_NONE, .feature = "xsave",
           .fn = op_xgetbv),
    ROW_RM(MAP_0F, 0x01, 2, 1, "xsetbv", .prefix = P_NONE, .attr = OP_ENDS,
           .feature = "xsave", .fn = op_xsetbv),
    ROW(MAP_0F, 0x06, "clts", .fn = op_clts),
    ROW(MAP_0F, 0x20, "mov", .operand = { O_Ry, O_Cd }, .fn = op_mov_from_cr),
    ROW(MAP_0F, 0x21, "mov", .operand = { O_Ry, O_Dd }, .fn = op_mov_from_dr),
    ROW(MAP_0F, 0x22, "mov", .operand = { O_Cd, O_Ry }, .attr = OP_ENDS,
        .fn = op_mov_to_cr),
    ROW(MAP_0F, 0x23, "mov", .operand = { O_Dd, O_Ry }, .attr = OP_ENDS,
        .fn = op_mov_to_dr),
};

FAMILY(ops_control, "control", rows);
