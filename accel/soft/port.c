/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IN and OUT, and who may use which port (SDM vol. 1, 19.5).  INS and OUTS are in
 * string.c.
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/operand.h"
#include "accel/soft/segment.h"

/*
 * 19.5.2: the bitmap begins where offset 102 of a 32-bit or 64-bit TSS says; 1 forbids.
 */
static bool bitmap_allows(Cpu *cpu, u16 port, unsigned size)
{
    const Segment *tr = &cpu->seg[SEG_TR];
    u16 base, bits;

    if ((tr->attr & SEG_UNUSABLE) || (SEG_TYPE(tr->attr) & ~2u) != SYS_TSS ||
        tr->limit < 103) {
        return false;
    }
    mmu_read_system(cpu, tr->base + 102, &base, 2);
    if (base + port / 8 + 1u > tr->limit) {     /* two bytes are always read */
        return false;
    }
    mmu_read_system(cpu, tr->base + base + port / 8, &bits, 2);
    return !(bits >> port % 8 & ((1u << size) - 1));
}

bool cpu_io_allowed(Cpu *cpu, u16 port, unsigned size)
{
    if (!cpu_protected(cpu) || (!cpu_v86(cpu) && cpu->cpl <= cpu_iopl(cpu))) {
        return true;
    }
    return bitmap_allows(cpu, port, size);
}

/* A quadword operand does not exist: REX.W means 32 bits. */
static unsigned port_width(const Insn *insn)
{
    unsigned w = insn->more & INSN2_WIDTH;

    return w == 3 ? 2 : w;
}

static void port_in(Cpu *cpu, const Insn *insn, u16 port)
{
    unsigned w = port_width(insn);

    if (!cpu_io_allowed(cpu, port, 1u << w)) {
        cpu_gp(cpu, 0);
    }
    reg_set(cpu, RAX, w, cpu_port_read(cpu, port, 1u << w));
}

static void port_out(Cpu *cpu, const Insn *insn, u16 port)
{
    unsigned w = port_width(insn);

    if (!cpu_io_allowed(cpu, port, 1u << w)) {
        cpu_gp(cpu, 0);
    }
    cpu_port_write(cpu, port, low_bits(cpu->gpr[RAX], w), 1u << w);
}

static void op_in_imm(Cpu *cpu, const Insn *insn)
{
    port_in(cpu, insn, (u8)insn->imm);
}

static void op_in_dx(Cpu *cpu, const Insn *insn)
{
    port_in(cpu, insn, cpu->gpr[RDX]);
}

static void op_out_imm(Cpu *cpu, const Insn *insn)
{
    port_out(cpu, insn, (u8)insn->imm);
}

static void op_out_dx(Cpu *cpu, const Insn *insn)
{
    port_out(cpu, insn, cpu->gpr[RDX]);
}

static const Opcode rows[] = {
    ROW(MAP_1, 0xe4, "in", .operand = { O_AL, O_Ib }, .attr = OP_BYTE, .fn = op_in_imm),
    ROW(MAP_1, 0xe5, "in", .operand = { O_AX, O_Ib }, .fn = op_in_imm),
    ROW(MAP_1, 0xe6, "out", .operand = { O_Ib, O_AL }, .attr = OP_BYTE,
        .fn = op_out_imm),
    ROW(MAP_1, 0xe7, "out", .operand = { O_Ib, O_AX }, .fn = op_out_imm),
    ROW(MAP_1, 0xec, "in", .operand = { O_AL, O_DX }, .attr = OP_BYTE, .fn = op_in_dx),
    ROW(MAP_1, 0xed, "in", .operand = { O_AX, O_DX }, .fn = op_in_dx),
    ROW(MAP_1, 0xee, "out", .operand = { O_DX, O_AL }, .attr = OP_BYTE,
        .fn = op_out_dx),
    ROW(MAP_1, 0xef, "out", .operand = { O_DX, O_AX }, .fn = op_out_dx),
};

FAMILY(ops_port, "port", rows);
