/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far RET, IRET, and the INT instructions (SDM vol. 2).
 *
 * Left out: IRET from a nested task (NT) raises #TS, since there are no hardware tasks.
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/event.h"
#include "accel/soft/far.h"
#include "accel/soft/operand.h"

/*
 * What a return pops, before any of it is believed.  As on the host, what was pushed
 * first is read first.
 */
typedef struct {
    Stack stack;                /* popped so far */
    unsigned size;              /* bytes of each item */
    u64 offset;
    u64 flags;                  /* IRET alone */
    u16 selector;
    bool iret;
} Return;

/* Items that are popped and thrown away: RET imm16. */
static void stack_release(Stack *s, unsigned bytes)
{
    s->sp = (s->sp & ~s->mask) | ((s->sp + bytes) & s->mask);
}

/* The item that lies under so many others. */
static u64 item_under(Cpu *cpu, const Return *r, unsigned others)
{
    Stack s = r->stack;

    stack_release(&s, others * r->size);
    return stack_pop(cpu, &s, r->size);
}

/* Where to go. */
static void pop_target(Cpu *cpu, Return *r)
{
    r->selector = item_under(cpu, r, 1);
    r->offset = stack_pop(cpu, &r->stack, r->size);
    stack_release(&r->stack, r->size);
}

/* ---- checks ---- */

/* The code segment to return to. */
static Segment return_code(Cpu *cpu, u16 selector)
{
    u32 error = selector_error(selector);
    unsigned rpl = selector & 3, dpl;
    Segment cs;

    if (selector_null(selector)) {
        cpu_gp(cpu, 0);
    }
    if (!descriptor_segment(cpu, selector, &cs) || !attr_code(cs.attr) ||
        rpl < cpu->cpl) {
        cpu_gp(cpu, error);
    }
    dpl = SEG_DPL(cs.attr);
    if ((attr_conforming(cs.attr) ? dpl > rpl : dpl != rpl) ||
        !code_bits_valid(cpu, cs.attr)) {
        cpu_gp(cpu, error);
    }
    if (!(cs.attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
    return cs;
}

/* The stack segment to return to; 64-bit code below level 3 needs none. */
static Segment return_stack(Cpu *cpu, u16 selector, const Segment *cs)
{
    u32 error = selector_error(selector);
    unsigned rpl = cs->selector & 3;
    Segment ss;

    if (selector_null(selector)) {
        if (!cpu_long(cpu) || !(cs->attr & SEG_L) || rpl == 3 ||
            (selector & 3) != rpl) {
            cpu_gp(cpu, 0);
        }
        return segment_null(selector, rpl);
    }
    if (!descriptor_segment(cpu, selector, &ss) || (selector & 3) != rpl ||
        !attr_writable(ss.attr) || SEG_DPL(ss.attr) != rpl) {
        cpu_gp(cpu, error);
    }
    if (!(ss.attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_SS, error);
    }
    return ss;
}

/* Data segments that the outer level may not have are taken away. */
static void drop_inner_segments(Cpu *cpu)
{
    static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

    for (unsigned i = 0; i < G_N_ELEMENTS(data); i++) {
        Segment *s = &cpu->seg[data[i]];

        if (!(s->attr & SEG_UNUSABLE) && !attr_conforming(s->attr) &&
            SEG_DPL(s->attr) < cpu->cpl) {
            *s = segment_null(0, 0);
        }
    }
}

/* ---- flags ---- */

/* IRET: which flags come from the stack depends on who returns. */
static void return_flags(Cpu *cpu, const Return *r, unsigned cpl)
{
    u64 mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;

    if (r->size > 2) {
        mask |= FLAG_RF | FLAG_AC | FLAG_ID | (cpl == 0 ? FLAG_VIF | FLAG_VIP : 0);
    }
    if (cpl <= cpu_iopl(cpu)) {
        mask |= FLAG_IF;
    }
    if (cpl == 0) {
        mask |= FLAG_IOPL;
    }
    cpu_set_flags(cpu, (cpu_flags(cpu) & ~mask) | (r->flags & mask));
}

/* NMIs are let in again (vol. 3, 6.7.1). */
static void unmask_nmi(Cpu *cpu)
{
    cpu->nmi_masked = false;
    if (cpu->nmi_pending) {
        atomic_fetch_or(&cpu->request, REQUEST_INTERRUPT);
    }
}

/* ---- protected mode ---- */

static void return_same(Cpu *cpu, Return *r, Segment *cs)
{
    descriptor_accessed(cpu, cs);
    stack_commit(cpu, &r->stack);
    load_code_segment(cpu, cs, cpu->cpl);
}

/*
 * To an outer level, and every IRET of 64-bit mode: SS and RSP come from the stack too.
 */
static void return_outer(Cpu *cpu, Return *r, Segment *cs, unsigned release)
{
    unsigned cpl = cs->selector & 3;
    u16 selector = item_under(cpu, r, 1);
    u64 sp = item_under(cpu, r, 0);
    Segment ss = return_stack(cpu, selector, cs);
    Stack outer = cs->attr & SEG_L && cpu_long(cpu) ? stack_wide(sp, cpl)
                                                    : stack_legacy(&ss, sp, cpl);

    outer.sp = outer.mask == UINT16_MAX ? cpu->gpr[RSP] & ~outer.mask : 0;
    outer.sp |= (sp + release) & outer.mask;
    if (!(ss.attr & SEG_UNUSABLE)) {
        descriptor_accessed(cpu, &ss);
    }
    descriptor_accessed(cpu, cs);
    cpu->seg[SEG_SS] = ss;
    stack_commit(cpu, &outer);
    load_code_segment(cpu, cs, cpl);
    drop_inner_segments(cpu);
}

static void return_protected(Cpu *cpu, Return *r, unsigned release)
{
    unsigned cpl = cpu->cpl;
    bool outer = r->iret && cpu_code64(cpu);
    Segment cs = return_code(cpu, r->selector);

    outer |= (r->selector & 3) > cpl;
    if (!code_offset_valid(cpu, &cs, r->offset)) {
        cpu_gp(cpu, 0);
    }
    stack_release(&r->stack, release);
    if (outer) {
        return_outer(cpu, r, &cs, release);
    } else {
        return_same(cpu, r, &cs);
    }
    if (r->iret) {
        return_flags(cpu, r, cpl);
    }
    cpu->rip = r->offset;
    cpu_mode_changed(cpu);
}

/* ---- RETF ---- */

static void return_far(Cpu *cpu, const Insn *insn, unsigned release)
{
    Return r = { .stack = stack_now(cpu), .size = insn_bytes(insn) };

    pop_target(cpu, &r);
    if (cpu->mode & MODE_REAL) {
        stack_release(&r.stack, release);
        far_go_real(cpu, r.selector, r.offset);
        stack_commit(cpu, &r.stack);
    } else {
        return_protected(cpu, &r, release);
    }
}

static void op_retf(Cpu *cpu, const Insn *insn)
{
    return_far(cpu, insn, 0);
}

static void op_retf_imm(Cpu *cpu, const Insn *insn)
{
    return_far(cpu, insn, (u16)insn->imm);
}

/* ---- IRET ---- */

static void iret_real(Cpu *cpu, Return *r)
{
    u64 kept = FLAG_VM | FLAG_VIF | FLAG_VIP;

    if (cpu_v86(cpu)) {
        if (cpu_iopl(cpu) < 3) {
            cpu_gp(cpu, 0);
        }
        kept |= FLAG_IOPL;
    }
    if (r->size == 2) {
        kept |= ~0xffffull;
    }
    far_go_real(cpu, r->selector, r->offset);
    stack_commit(cpu, &r->stack);
    cpu_set_flags(cpu, (cpu_flags(cpu) & kept) | (r->flags & ~kept));
}

/* "RETURN-TO-VIRTUAL-8086-MODE". */
static void iret_to_v86(Cpu *cpu, Return *r)
{
    static const u8 order[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
    u32 sp = stack_pop(cpu, &r->stack, 4);
    u16 ss = stack_pop(cpu, &r->stack, 4);
    u16 selector[4];

    for (unsigned i = 0; i < 4; i++) {
        selector[i] = stack_pop(cpu, &r->stack, 4);
    }
    if (r->offset > 0xffff) {
        cpu_gp(cpu, 0);
    }
    cpu_set_flags(cpu, r->flags);
    cpu->cpl = 3;
    for (unsigned i = 0; i < 4; i++) {
        load_real_segment(cpu, order[i], selector[i]);
    }
    load_real_segment(cpu, SEG_SS, ss);
    load_real_segment(cpu, SEG_CS, r->selector);
    cpu->gpr[RSP] = sp;
    cpu->rip = r->offset;
    cpu_mode_changed(cpu);
}

static void op_iret(Cpu *cpu, const Insn *insn)
{
    Return r = { .stack = stack_now(cpu), .size = insn_bytes(insn), .iret = true };

    if (cpu_protected(cpu) && !cpu_v86(cpu) && (cpu->rflags & FLAG_NT)) {
        if (cpu_long(cpu)) {
            cpu_gp(cpu, 0);
        }
        far_no_task_switch(cpu, EXC_TS, selector_error(cpu->seg[SEG_TR].selector));
    }
    r.flags = item_under(cpu, &r, 2);
    pop_target(cpu, &r);
    stack_release(&r.stack, r.size);
    if (cpu->mode & MODE_REAL) {
        iret_real(cpu, &r);
    } else if ((r.flags & FLAG_VM) && r.size == 4 && cpu->cpl == 0 && !cpu_long(cpu)) {
        iret_to_v86(cpu, &r);
    } else {
        return_protected(cpu, &r, 0);
    }
    unmask_nmi(cpu);
}

/* ---- INT ---- */

static void op_int(Cpu *cpu, const Insn *insn)
{
    if (cpu_v86(cpu) && cpu_iopl(cpu) < 3) {
        cpu_gp(cpu, 0);
    }
    cpu_soft_interrupt(cpu, insn->imm, insn_next(cpu, insn), true);
}

static void op_int3(Cpu *cpu, const Insn *insn)
{
    cpu_soft_interrupt(cpu, EXC_BP, insn_next(cpu, insn), true);
}

/* INT1 does not look at the gate's DPL. */
static void op_int1(Cpu *cpu, const Insn *insn)
{
    cpu_soft_interrupt(cpu, EXC_DB, insn_next(cpu, insn), false);
}

static void op_into(Cpu *cpu, const Insn *insn)
{
    u64 next = insn_next(cpu, insn);

    if (cpu_of(cpu)) {
        cpu_soft_interrupt(cpu, EXC_OF, next, true);
    } else {
        cpu->rip = next;
    }
}

static const Opcode rows[] = {
    ROW(MAP_1, 0xca, "retf", .operand = { O_Iw }, .attr = OP_ENDS, .fn = op_retf_imm),
    ROW(MAP_1, 0xcb, "retf", .attr = OP_ENDS, .fn = op_retf),
    ROW(MAP_1, 0xcc, "int3", .attr = OP_ENDS, .fn = op_int3),
    ROW(MAP_1, 0xcd, "int", .operand = { O_Ib }, .attr = OP_ENDS, .fn = op_int),
    ROW(MAP_1, 0xce, "into", .attr = OP_NO64 | OP_ENDS, .reads = FLAG_OF,
        .fn = op_into),
    ROW(MAP_1, 0xcf, "iret", .attr = OP_ENDS, .writes = FLAGS_ARITH, .fn = op_iret),
    ROW(MAP_1, 0xf1, "int1", .attr = OP_ENDS, .fn = op_int1),
};

FAMILY(ops_return, "return", rows);
