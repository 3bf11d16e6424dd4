/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What works on the stack: PUSH POP PUSHA POPA ENTER LEAVE PUSHF POPF.  Segment
 * registers are pushed and popped elsewhere.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

inline_always u64 pop_value(Cpu *cpu, unsigned w)
{
    u64 value = top_value(cpu, w);

    drop_bytes(cpu, w, 1 << w);
    return value;
}

/* ---- PUSH, POP ---- */

inline_always void push_z(Cpu *cpu, const Insn *insn, unsigned w)
{
    push_value(cpu, w, reg_get(cpu, insn->reg, w));
}

inline_always void push_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    push_value(cpu, w, reg_get(cpu, insn->rm, w));
}

inline_always void push_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    push_value(cpu, w, mem_get(cpu, mem_in(cpu, insn, w), w));
}

inline_always void push_imm(Cpu *cpu, const Insn *insn, unsigned w)
{
    push_value(cpu, w, insn->imm);
}

inline_always void pop_z(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->reg, w, pop_value(cpu, w));
}

inline_always void pop_reg(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->rm, w, pop_value(cpu, w));
}

/*
 * "The POP ESP instruction increments the stack pointer before data at the old top of
 * stack is written": so for addresses.
 */
inline_always void pop_mem(Cpu *cpu, const Insn *insn, unsigned w)
{
    u64 before = cpu->gpr[RSP], after, offset, value = cpu_peek(cpu, 0, 1 << w);

    cpu_set_stack_pointer(cpu, before + (1 << w));
    after = cpu->gpr[RSP];
    offset = insn_offset(cpu, insn);
    cpu->gpr[RSP] = before;
    if (insn->seg != SEG_FLAT) {
        offset = segment_linear(cpu, insn->seg, offset, 1 << w, ACCESS_WRITE);
    }
    mem_set(cpu, offset, w, value);
    cpu->gpr[RSP] = after;
}

STAMP3(push_z, push_z)
STAMP3(push_reg, push_reg)
STAMP3(push_mem, push_mem)
STAMP3(push_imm, push_imm)
STAMP3(pop_z, pop_z)
STAMP3(pop_reg, pop_reg)
STAMP3(pop_mem, pop_mem)
static const OpForms push_z_forms = { .reg = WIDTHS3(push_z) };
static const OpForms push_forms = { WIDTHS3(push_reg), WIDTHS3(push_mem), { NULL } };
static const OpForms push_imm_forms = { .reg = WIDTHS3(push_imm) };
static const OpForms pop_z_forms = { .reg = WIDTHS3(pop_z) };
static const OpForms pop_forms = { WIDTHS3(pop_reg), WIDTHS3(pop_mem), { NULL } };

/* ---- several at once ---- */

/* Where `size` bytes to be written at this stack pointer lie. */
static gva stack_linear(Cpu *cpu, u64 sp, unsigned size)
{
    if (cpu_code64(cpu)) {
        if (!cpu_canonical(cpu, sp)) {
            cpu_raise_error(cpu, EXC_SS, 0);
        }
        return sp;
    }
    sp = cpu->mode & MODE_STACK32 ? (u32)sp : (u16)sp;
    return segment_linear(cpu, SEG_SS, sp, size, ACCESS_WRITE);
}

/*
 * Pushes value[0], value[1], ...: all or nothing.  The stack pointer is returned, not
 * set.
 */
static u64 push_all(Cpu *cpu, const u64 *value, unsigned n, unsigned w)
{
    gva at[32 + 1];
    u64 sp = cpu->gpr[RSP];

    for (unsigned i = 0; i < n; i++) {
        sp -= 1 << w;
        at[i] = stack_linear(cpu, sp, 1 << w);
        mmu_probe_write(cpu, at[i], 1 << w);
    }
    for (unsigned i = 0; i < n; i++) {
        mem_set(cpu, at[i], w, value[i]);
    }
    return sp;
}

static void pusha(Cpu *cpu, const Insn *insn)
{
    cpu_set_stack_pointer(cpu, push_all(cpu, cpu->gpr, 8, insn->more & INSN2_WIDTH));
}

/* The pushed stack pointer is skipped. */
static void popa(Cpu *cpu, const Insn *insn)
{
    unsigned w = insn->more & INSN2_WIDTH;
    u64 value[8];

    for (unsigned i = 0; i < 8; i++) {
        value[7 - i] = cpu_peek(cpu, i << w, 1 << w);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i != RSP) {
            reg_set(cpu, i, w, value[i]);
        }
    }
    cpu_set_stack_pointer(cpu, cpu->gpr[RSP] + (8 << w));
}

/* A value in the frame that rBP points to. */
static u64 frame_get(Cpu *cpu, u64 below, unsigned w)
{
    u64 at = cpu->gpr[RBP] - below;

    if (!cpu_code64(cpu)) {
        at = cpu->mode & MODE_STACK32 ? (u32)at : (u16)at;
        at = segment_linear(cpu, SEG_SS, at, 1 << w, ACCESS_READ);
    } else if (!cpu_canonical(cpu, at)) {
        cpu_raise_error(cpu, EXC_SS, 0);
    }
    return mem_get(cpu, at, w);
}

/* Stores one more value below `sp`; the stack pointer itself stays. */
static u64 push_below(Cpu *cpu, u64 sp, u64 value, unsigned w)
{
    sp -= 1 << w;
    mem_set(cpu, stack_linear(cpu, sp, 1 << w), w, value);
    return sp;
}

/*
 * The immediate is the frame's size, and above it the nesting level, modulo 32.  Frame
 * pointers are copied one by one, so that one just pushed may be copied again.
 */
static void enter(Cpu *cpu, const Insn *insn)
{
    unsigned w = insn->more & INSN2_WIDTH, level = insn->imm >> 16 & 31;
    u64 frame = cpu_stack_pointer(cpu) - (1 << w), sp = cpu->gpr[RSP];

    for (unsigned i = 0; i <= level; i++) {
        mmu_probe_write(cpu, stack_linear(cpu, sp - ((i + 1) << w), 1 << w), 1 << w);
    }
    sp = push_below(cpu, sp, cpu->gpr[RBP], w);
    for (unsigned i = 1; i < level; i++) {
        sp = push_below(cpu, sp, frame_get(cpu, i << w, w), w);
    }
    if (level) {
        sp = push_below(cpu, sp, frame, w);
    }
    sp -= (u16)insn->imm;
    /* The new stack pointer's page must be writable, and is not written. */
    mmu_probe_write(cpu, stack_linear(cpu, sp, 1), 1);
    reg_set(cpu, RBP, w, frame);
    cpu_set_stack_pointer(cpu, sp);
}

static void leave(Cpu *cpu, const Insn *insn)
{
    unsigned w = insn->more & INSN2_WIDTH;
    u64 frame = cpu->gpr[RBP], value = frame_get(cpu, 0, w);

    reg_set(cpu, RBP, w, value);
    cpu_set_stack_pointer(cpu, frame + (1 << w));
}

/* ---- flags ---- */

/*
 * In virtual-8086 mode below IOPL 3, VME lets 16-bit PUSHF and POPF work on VIF;
 * otherwise they are #GP.
 */
static bool flags_virtual(Cpu *cpu, unsigned w)
{
    bool sensitive = cpu_v86(cpu) && cpu_iopl(cpu) < 3;

    if (sensitive && (w != 1 || !(cpu->cr4 & CR4_VME))) {
        cpu_gp(cpu, 0);
    }
    return sensitive;
}

static void pushf(Cpu *cpu, const Insn *insn)
{
    unsigned w = insn->more & INSN2_WIDTH;
    u64 flags = cpu_flags(cpu);

    if (flags_virtual(cpu, w)) {
        flags = (flags & ~(u64)FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
    }
    cpu_push(cpu, flags & ~(u64)(FLAG_VM | FLAG_RF), 1 << w);
}

/* The flags POPF may change (SDM vol. 2, POPF, table 4-16). */
static u64 popf_mask(const Cpu *cpu, unsigned w)
{
    u64 mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID | FLAG_RF;

    if (cpu->cpl == 0) {
        mask |= FLAG_IOPL;
    }
    if (cpu->cpl <= cpu_iopl(cpu)) {
        mask |= FLAG_IF;
    }
    return w == 1 ? mask & 0xffff : mask;
}

static void popf(Cpu *cpu, const Insn *insn)
{
    unsigned w = insn->more & INSN2_WIDTH;
    bool virtual = flags_virtual(cpu, w);
    u64 old = cpu_flags(cpu), mask = popf_mask(cpu, w),
        value = cpu_peek(cpu, 0, 1 << w);

    if (virtual) {
        if (value & FLAG_TF || (value & FLAG_IF && old & FLAG_VIP)) {
            cpu_gp(cpu, 0);
        }
        old = (old & ~(u64)FLAG_VIF) | (value & FLAG_IF ? FLAG_VIF : 0);
    }
    cpu_set_stack_pointer(cpu, cpu->gpr[RSP] + (1 << w));
    cpu_set_flags(cpu, (old & ~mask) | (value & mask & ~(u64)FLAG_RF));
    cpu->rip = insn_next(cpu, insn);
    cpu_recheck_interrupts(cpu);
}

/* ---- rows ---- */

#define STACK(byte, name, a, b, attributes, ...) \
    ROW(MAP_1, byte, name, .operand = { a, b }, .attr = attributes, __VA_ARGS__)

static const Opcode rows[] = {
    STACK(0x50, "push", O_Zv, 0, OP_DEF64, .class = CLASS_MEMORY,
          .forms = &push_z_forms),
    STACK(0x58, "pop", O_Zv, 0, OP_DEF64, .class = CLASS_MEMORY, .forms = &pop_z_forms),
    STACK(0x68, "push", O_Iz, 0, OP_DEF64, .class = CLASS_MEMORY,
          .forms = &push_imm_forms),
    STACK(0x6a, "push", O_sIb, 0, OP_DEF64, .class = CLASS_MEMORY,
          .forms = &push_imm_forms),
    ROW_EXT(MAP_1, 0xff, 6, "push", .operand = { O_Ev }, .attr = OP_DEF64,
            .class = CLASS_MEMORY, .forms = &push_forms),
    ROW_EXT(MAP_1, 0x8f, 0, "pop", .operand = { O_Ev }, .attr = OP_DEF64,
            .class = CLASS_MEMORY, .forms = &pop_forms),
    STACK(0x60, "pusha", 0, 0, OP_NO64, .fn = pusha),
    STACK(0x61, "popa", 0, 0, OP_NO64, .fn = popa),
    STACK(0xc8, "enter", O_Iw, O_Ib, OP_DEF64, .fn = enter),
    STACK(0xc9, "leave", 0, 0, OP_DEF64, .fn = leave),
    STACK(0x9c, "pushf", 0, 0, OP_DEF64, .reads = FLAGS_ARITH, .fn = pushf),
    STACK(0x9d, "popf", 0, 0, OP_DEF64 | OP_ENDS, .writes = FLAGS_ARITH, .fn = popf),
};

FAMILY(ops_pushpop, "pushpop", rows);
