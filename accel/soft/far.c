/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far JMP and CALL: directly, and through call gates of 16, 32 and 64 bits, with the
 * change to an inner stack (SDM vol. 2, CALL and JMP; vol. 3, 5.8).
 *
 * Left out: task gates and TSS descriptors as targets raise #GP as an illegal
 * descriptor does (logged with -d unimp).
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/far.h"
#include "accel/soft/operand.h"
#include "base/log.h"

/* Where a far branch goes, and what it leaves on the way. */
typedef struct {
    Segment cs;
    u64 offset;
    unsigned size;              /* bytes of what is pushed */
    unsigned params;            /* copied from stack to stack by a call gate */
} Target;

void far_no_task_switch(Cpu *cpu, u8 vector, u32 error)
{
    log_at(LOG_UNIMP, "vCPU %u: hardware task switch to %04x", cpu->index, error);
    cpu_raise_error(cpu, vector, error);
}

void far_go_real(Cpu *cpu, u16 selector, u64 offset)
{
    if (offset > cpu->seg[SEG_CS].limit) {
        cpu_gp(cpu, 0);
    }
    load_real_segment(cpu, SEG_CS, selector);
    cpu->rip = offset;
}

/* ---- targets ---- */

/* "CONFORMING-CODE-SEGMENT", "NONCONFORMING-CODE-SEGMENT". */
static void check_direct(Cpu *cpu, const Segment *cs)
{
    u32 error = selector_error(cs->selector);
    unsigned rpl = cs->selector & 3, dpl = SEG_DPL(cs->attr);
    bool allowed = attr_conforming(cs->attr) ? dpl <= cpu->cpl
                                             : rpl <= cpu->cpl && dpl == cpu->cpl;

    if (!allowed || !code_bits_valid(cpu, cs->attr)) {
        cpu_gp(cpu, error);
    }
    if (!(cs->attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
}

/*
 * The second half of a 64-bit call gate: offset bits 63:32, and a type that must be 0.
 */
static u64 gate_upper(Cpu *cpu, u16 selector)
{
    u64 upper;

    if (!descriptor_read(cpu, selector + 8, &upper) || (upper >> 32 & 0x1f00)) {
        cpu_gp(cpu, selector_error(selector));
    }
    return upper << 32;
}

/* "CALL-GATE", up to what depends on the code segment's privilege. */
static Target through_gate(Cpu *cpu, u16 selector, u64 raw)
{
    u32 attr = raw >> 32, error = selector_error(selector);
    bool wide = cpu_long(cpu), gate16 = SEG_TYPE(attr) == SYS_CALL16;
    u16 code = raw >> 16;
    Target t = { .size = wide ? 8 : gate16 ? 2 : 4, .params = wide ? 0 : attr & 31 };

    if (SEG_DPL(attr) < cpu->cpl || SEG_DPL(attr) < (selector & 3)) {
        cpu_gp(cpu, error);
    }
    t.offset = wide ? gate_upper(cpu, selector) : 0;
    if (!(attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
    t.offset |= (raw & 0xffff) | (gate16 ? 0 : attr & 0xffff0000);
    if (selector_null(code)) {
        cpu_gp(cpu, 0);
    }
    error = selector_error(code);
    if (!descriptor_segment(cpu, code, &t.cs) || !attr_code(t.cs.attr) ||
        SEG_DPL(t.cs.attr) > cpu->cpl ||
        (wide && (!(t.cs.attr & SEG_L) || (t.cs.attr & SEG_DB)))) {
        cpu_gp(cpu, error);
    }
    if (!(t.cs.attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
    return t;
}

/* What selector:offset means as the target of a far branch. */
static Target far_target(Cpu *cpu, u16 selector, u64 offset, unsigned size, bool call)
{
    u32 error = selector_error(selector);
    Target t = { .offset = offset, .size = size };
    unsigned type;
    u64 raw;

    if (selector_null(selector)) {
        cpu_gp(cpu, 0);
    }
    if (!descriptor_read(cpu, selector, &raw)) {
        cpu_gp(cpu, error);
    }
    t.cs = segment_from(selector, raw);
    if (attr_code(t.cs.attr)) {
        check_direct(cpu, &t.cs);
        return t;
    }
    type = SEG_TYPE(t.cs.attr);
    if (t.cs.attr & SEG_S) {
        cpu_gp(cpu, error);
    }
    if (type == SYS_CALL || (type == SYS_CALL16 && !cpu_long(cpu))) {
        t = through_gate(cpu, selector, raw);
        if (!call && !attr_conforming(t.cs.attr) && SEG_DPL(t.cs.attr) != cpu->cpl) {
            cpu_gp(cpu, selector_error(t.cs.selector));
        }
        return t;
    }
    if (!cpu_long(cpu) &&
        (type == SYS_TASK_GATE || type == SYS_TSS || type == SYS_TSS16)) {
        far_no_task_switch(cpu, EXC_GP, error);
    }
    cpu_gp(cpu, error);
    g_assert_not_reached();
}

static void check_offset(Cpu *cpu, const Target *t)
{
    if (!code_offset_valid(cpu, &t->cs, t->offset)) {
        cpu_gp(cpu, 0);
    }
}

static void go(Cpu *cpu, Target *t, unsigned cpl)
{
    load_code_segment(cpu, &t->cs, cpl);
    cpu->rip = t->offset;
    cpu_mode_changed(cpu);
}

/* ---- JMP ---- */

static void jump_far(Cpu *cpu, u16 selector, u64 offset, unsigned size)
{
    Target t;

    if (cpu->mode & MODE_REAL) {
        far_go_real(cpu, selector, offset);
        return;
    }
    t = far_target(cpu, selector, offset, size, false);
    check_offset(cpu, &t);
    descriptor_accessed(cpu, &t.cs);
    go(cpu, &t, cpu->cpl);
}

/* ---- CALL ---- */

static void push_return(Cpu *cpu, Stack *s, unsigned size, u64 next)
{
    stack_push(cpu, s, cpu->seg[SEG_CS].selector, size);
    stack_push(cpu, s, next, size);
}

/*
 * "MORE-PRIVILEGE": the new stack gets the old one's address, the parameters, the
 * return.
 */
static void call_inner(Cpu *cpu, Target *t, u64 next)
{
    unsigned cpl = SEG_DPL(t->cs.attr);
    Stack outer = stack_now(cpu);
    Stack inner = cpu_long(cpu) ? tss_stack_wide(cpu, cpl, 0, 0)
                                : tss_stack(cpu, cpl, 0);
    u64 param[31];

    check_offset(cpu, t);
    for (unsigned i = 0; i < t->params; i++) {
        param[i] = stack_pop(cpu, &outer, t->size);
    }
    stack_push(cpu, &inner, cpu->seg[SEG_SS].selector, t->size);
    stack_push(cpu, &inner, cpu->gpr[RSP], t->size);
    for (unsigned i = t->params; i > 0; i--) {
        stack_push(cpu, &inner, param[i - 1], t->size);
    }
    push_return(cpu, &inner, t->size, next);
    if (!cpu_long(cpu)) {
        descriptor_accessed(cpu, &inner.ss);
    }
    descriptor_accessed(cpu, &t->cs);
    cpu->seg[SEG_SS] = inner.ss;
    stack_commit(cpu, &inner);
    go(cpu, t, cpl);
}

static void call_far(Cpu *cpu, u16 selector, u64 offset, unsigned size, u64 next)
{
    Stack s = stack_now(cpu);
    Target t;

    if (cpu->mode & MODE_REAL) {
        push_return(cpu, &s, size, next);
        far_go_real(cpu, selector, offset);
        stack_commit(cpu, &s);
        return;
    }
    t = far_target(cpu, selector, offset, size, true);
    if (!attr_conforming(t.cs.attr) && SEG_DPL(t.cs.attr) < cpu->cpl) {
        call_inner(cpu, &t, next);
        return;
    }
    check_offset(cpu, &t);
    push_return(cpu, &s, t.size, next);
    descriptor_accessed(cpu, &t.cs);
    stack_commit(cpu, &s);
    go(cpu, &t, cpu->cpl);
}

/* ---- rows ---- */

/* m16:16, m16:32, m16:64: the offset comes first. */
static u64 load_pointer(Cpu *cpu, const Insn *insn, u16 *selector)
{
    unsigned w = insn->more & INSN2_WIDTH, size = 1u << w;
    gva at = insn_linear(cpu, insn, size + 2, ACCESS_READ);
    u64 offset = mem_get(cpu, at, w);

    *selector = cpu_load16(cpu, at + size);
    return offset;
}

static void op_jmp_ap(Cpu *cpu, const Insn *insn)
{
    jump_far(cpu, insn->wide >> 32, (u32)insn->imm, insn_bytes(insn));
}

static void op_jmp_ep(Cpu *cpu, const Insn *insn)
{
    u16 selector;
    u64 offset = load_pointer(cpu, insn, &selector);

    jump_far(cpu, selector, offset, insn_bytes(insn));
}

static void op_call_ap(Cpu *cpu, const Insn *insn)
{
    call_far(cpu, insn->wide >> 32, (u32)insn->imm, insn_bytes(insn),
             insn_next(cpu, insn));
}

static void op_call_ep(Cpu *cpu, const Insn *insn)
{
    u16 selector;
    u64 offset = load_pointer(cpu, insn, &selector);

    call_far(cpu, selector, offset, insn_bytes(insn), insn_next(cpu, insn));
}

static const Opcode rows[] = {
    ROW(MAP_1, 0x9a, "callf", .operand = { O_Ap }, .attr = OP_NO64 | OP_ENDS,
        .fn = op_call_ap),
    ROW(MAP_1, 0xea, "jmpf", .operand = { O_Ap }, .attr = OP_NO64 | OP_ENDS,
        .fn = op_jmp_ap),
    ROW_EXT(MAP_1, 0xff, 3, "callf", .mod = MOD_MEM, .operand = { O_Ep },
            .attr = OP_ENDS, .fn = op_call_ep),
    ROW_EXT(MAP_1, 0xff, 5, "jmpf", .mod = MOD_MEM, .operand = { O_Ep },
            .attr = OP_ENDS, .fn = op_jmp_ep),
};

FAMILY(ops_far, "far", rows);
