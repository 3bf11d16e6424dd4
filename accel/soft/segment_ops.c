/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that move segment registers: MOV, PUSH, POP, LDS LES LFS LGS LSS (SDM
 * vol. 2).  What loads SS ends its block: the stack's size may change, and interrupts
 * wait for one instruction (vol. 3, 6.8.3).
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/operand.h"
#include "accel/soft/segment.h"
#include "accel/soft/system.h"

/*
 * SS was loaded: the next instruction, which sets the stack pointer, belongs to this
 * one.
 */
static void end_with_shadow(Cpu *cpu, const Insn *insn)
{
    cpu->inhibit = INHIBIT_DEBUG;
    cpu->rip = insn_next(cpu, insn);
}

/* ---- MOV ---- */

static void op_mov_from(Cpu *cpu, const Insn *insn)
{
    store_word(cpu, insn, cpu->seg[insn->reg].selector);
}

static void op_mov_to(Cpu *cpu, const Insn *insn)
{
    u16 selector;

    if (insn->reg == SEG_CS) {
        cpu_raise(cpu, EXC_UD);
    }
    selector = insn->shape & INSN_MEM ? cpu_load16(cpu, mem_in(cpu, insn, 1))
                                      : cpu->gpr[insn->rm];
    cpu_load_segment(cpu, insn->reg, selector);
}

static void op_mov_to_ss(Cpu *cpu, const Insn *insn)
{
    op_mov_to(cpu, insn);
    end_with_shadow(cpu, insn);
}

/* ---- PUSH, POP ---- */

static void push(Cpu *cpu, const Insn *insn, unsigned seg)
{
    cpu_push(cpu, cpu->seg[seg].selector, 1u << (insn->more & INSN2_WIDTH));
}

/* The stack pointer moves last, and by the old stack's size: loading SS may fault. */
static void pop(Cpu *cpu, const Insn *insn, unsigned seg)
{
    Stack s = stack_now(cpu);

    cpu_load_segment(cpu, seg, stack_pop(cpu, &s, 1u << (insn->more & INSN2_WIDTH)));
    stack_commit(cpu, &s);
}

static void op_pop_ss(Cpu *cpu, const Insn *insn)
{
    pop(cpu, insn, SEG_SS);
    end_with_shadow(cpu, insn);
}

#define PUSH_FUNCTION(name, seg)                                      \
    static void op_push_##name(Cpu *cpu, const Insn *insn)              \
    {                                                                   \
        push(cpu, insn, seg);                                           \
    }
PUSH_FUNCTION(es, SEG_ES)
PUSH_FUNCTION(cs, SEG_CS)
PUSH_FUNCTION(ss, SEG_SS)
PUSH_FUNCTION(ds, SEG_DS)
PUSH_FUNCTION(fs, SEG_FS)
PUSH_FUNCTION(gs, SEG_GS)

#define POP_FUNCTION(name, seg)                                         \
    static void op_pop_##name(Cpu *cpu, const Insn *insn)               \
    {                                                                   \
        pop(cpu, insn, seg);                                            \
    }
POP_FUNCTION(es, SEG_ES)
POP_FUNCTION(ds, SEG_DS)
POP_FUNCTION(fs, SEG_FS)
POP_FUNCTION(gs, SEG_GS)

/* ---- LDS and its like ---- */

static void load_far(Cpu *cpu, const Insn *insn, unsigned seg)
{
    unsigned w = insn->more & INSN2_WIDTH, size = 1u << w;
    gva at = insn_linear(cpu, insn, size + 2, ACCESS_READ);
    u64 offset = mem_get(cpu, at, w);

    cpu_load_segment(cpu, seg, cpu_load16(cpu, at + size));
    reg_set(cpu, insn->reg, w, offset);
}

static void op_lss(Cpu *cpu, const Insn *insn)
{
    load_far(cpu, insn, SEG_SS);
    end_with_shadow(cpu, insn);
}

#define LOAD_FUNCTION(name, seg)                                        \
    static void op_##name(Cpu *cpu, const Insn *insn)                   \
    {                                                                   \
        load_far(cpu, insn, seg);                                       \
    }
LOAD_FUNCTION(les, SEG_ES)
LOAD_FUNCTION(lds, SEG_DS)
LOAD_FUNCTION(lfs, SEG_FS)
LOAD_FUNCTION(lgs, SEG_GS)

/* ---- rows ---- */

static const Opcode rows[] = {
    ROW(MAP_1, 0x06, "push", .attr = OP_NO64, .fn = op_push_es),
    ROW(MAP_1, 0x07, "pop", .attr = OP_NO64, .fn = op_pop_es),
    ROW(MAP_1, 0x0e, "push", .attr = OP_NO64, .fn = op_push_cs),
    ROW(MAP_1, 0x16, "push", .attr = OP_NO64, .fn = op_push_ss),
    ROW(MAP_1, 0x17, "pop", .attr = OP_NO64 | OP_ENDS, .fn = op_pop_ss),
    ROW(MAP_1, 0x1e, "push", .attr = OP_NO64, .fn = op_push_ds),
    ROW(MAP_1, 0x1f, "pop", .attr = OP_NO64, .fn = op_pop_ds),
    ROW(MAP_1, 0x8c, "mov", .operand = { O_Ew, O_Sw }, .fn = op_mov_from),
    ROW(MAP_1, 0x8e, "mov", .operand = { O_Sw, O_Ew }, .fn = op_mov_to),
    ROW_EXT(MAP_1, 0x8e, SEG_SS, "mov", .operand = { O_Sw, O_Ew }, .attr = OP_ENDS,
            .fn = op_mov_to_ss),
    ROW(MAP_1, 0xc4, "les", .mod = MOD_MEM, .operand = { O_Gv, O_Mp }, .attr = OP_NO64,
        .fn = op_les),
    ROW(MAP_1, 0xc5, "lds", .mod = MOD_MEM, .operand = { O_Gv, O_Mp }, .attr = OP_NO64,
        .fn = op_lds),
    ROW(MAP_0F, 0xa0, "push", .attr = OP_DEF64, .fn = op_push_fs),
    ROW(MAP_0F, 0xa1, "pop", .attr = OP_DEF64, .fn = op_pop_fs),
    ROW(MAP_0F, 0xa8, "push", .attr = OP_DEF64, .fn = op_push_gs),
    ROW(MAP_0F, 0xa9, "pop", .attr = OP_DEF64, .fn = op_pop_gs),
    ROW(MAP_0F, 0xb2, "lss", .mod = MOD_MEM, .operand = { O_Gv, O_Mp }, .attr = OP_ENDS,
        .fn = op_lss),
    ROW(MAP_0F, 0xb4, "lfs", .mod = MOD_MEM, .operand = { O_Gv, O_Mp }, .fn = op_lfs),
    ROW(MAP_0F, 0xb5, "lgs", .mod = MOD_MEM, .operand = { O_Gv, O_Mp }, .fn = op_lgs),
};

FAMILY(ops_segment, "segment", rows);
