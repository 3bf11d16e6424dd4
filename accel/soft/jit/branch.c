/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ends of blocks: jumps, calls and returns, the way to other translations, and what lies behind the code proper.
 *
 * Within its page a direct jump is linked to the translation it leads to.  All others look the target up in the jump cache, in
 * line; what is not there is done by the interpreter, which also finds what is wrong with a target.
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/run.h"

enum { JUMP_SHIFT = 32 - JUMP_BITS - 5 };
_Static_assert(sizeof(JumpEntry) == 32, "the shift above");

Cold *code_new_cold(Code *c, u32 jump)
{
    Cold *cold = &c->cold[c->colds];

    if (c->colds < COLD_MAX - 1) {
        c->colds++;
    } else {
        c->failed = true;
    }
    *cold = (Cold){ .jump = jump, .saved = c->saved, .fp = c->fp };
    return cold;
}

/* ---- leaving ---- */

/* S1: where to go.  `undo`: what is to be added to rsp if the instruction is done by the interpreter after all. */
static void look_up(Code *c, s32 undo)
{
    size_t entry = offsetof(Cpu, jump);
    Emit *e = c->e;
    Cold *miss;

    emit_rr(e, 0x69, S2, S1);                                                   /* imul */
    emit32(e, JUMP_MIX);
    emit_rr(e, 0xc1, 5, S2);                                                    /* shr */
    emit8(e, JUMP_SHIFT);
    emit_rr(e, 0x81, 4, S2);                                                    /* and */
    emit32(e, (JUMP_SIZE - 1) * sizeof(JumpEntry));
    emit_rm(e, 0x3b | X_W | X_GS, S1, NO_REG, S2, 0, entry + offsetof(JumpEntry, rip));
    miss = code_new_cold(c, emit_jump(e, CC_NZ, 0));
    miss->insn = c->insn;
    miss->undo = undo;
    emit_cpu(e, 0x8b | X_W, S1, offsetof(Cpu, jump_tag));
    emit_rm(e, 0x3b | X_W | X_GS, S1, NO_REG, S2, 0, entry + offsetof(JumpEntry, tag));
    miss = code_new_cold(c, emit_jump(e, CC_NZ, 0));
    miss->insn = c->insn;
    miss->undo = undo;
    emit_rm(e, 0xff | X_GS, 4, NO_REG, S2, 0, entry + offsetof(JumpEntry, code));
}

/* `to` from the page's start. */
static void leave_page(Code *c, s32 to, s32 undo)
{
    code_keep_flags(c);
    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, code_page));
    emit_rm(c->e, 0x8d | X_W, S1, S1, NO_REG, 0, to);
    look_up(c, undo);
}

static bool in_page(s64 to)
{
    return to >= 0 && to < (s64)PAGE_BYTES;
}

/* A jump that can be linked: its distance is aligned, so that it changes at once. */
static JitExit *link_jump(Code *c, int cc, s64 to)
{
    JitExit *exit = blocks_new_exit(c->blocks);
    Cold *cold;

    if (!exit) {
        c->failed = true;
        return NULL;
    }
    emit_nops(c->e, -(c->e->at + (cc == JMP ? 1 : 2)) & 3);
    cold = code_new_cold(c, emit_jump(c->e, cc, 0));
    *exit = (JitExit){ .owner = c->block, .to = to, .jump = cold->jump,
                       .back = to <= c->page_at + c->insn->at, .saved = c->saved, .gone = c->gone };
    cold->exit = exit;
    return exit;
}

void code_fall(Code *c, s64 to)
{
    if (in_page(to)) {
        link_jump(c, JMP, to);
    } else {
        leave_page(c, to, 0);
    }
}

/* ---- the interpreter ---- */

static void call_stub(Code *c, const Insn *insn, u32 stub)
{
    emit_rip(c->e, 0x8d | X_W, S1, insn, 0);
    emit_rip(c->e, 0x8d | X_W, S2, c->block, 0);
    emit_call(c->e, stub);
}

void code_interpret(Code *c)
{
    call_stub(c, c->insn, c->saved ? c->jit->interpret_saved : c->jit->interpret);
    c->saved = true;
    c->gone = false;
}

void code_interpret_last(Code *c)
{
    call_stub(c, c->insn, c->saved ? c->jit->interpret_last_saved : c->jit->interpret_last);
}

/* ---- what lies behind ---- */

static void cold_exit(Code *c, const Cold *cold)
{
    cold->exit->stub = c->e->at;
    emit_rip(c->e, 0x8d | X_W, S1, cold->exit, 0);
    emit_jump(c->e, JMP, cold->exit->saved ? c->jit->leave : c->jit->leave_flags);
}

static void cold_request(Code *c)
{
    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, code_page));
    emit_rm(c->e, 0x8d | X_W, S1, S1, NO_REG, 0, c->page_at);
    emit_cpu(c->e, 0x89 | X_W, S1, offsetof(Cpu, rip));
    emit_rr(c->e, 0x31, S1, S1);
    emit_jump(c->e, JMP, c->jit->leave);
}

/* The stubs for x87 and AVX load XMM too. */
static void load_fp(Code *c, const Cold *cold, unsigned what)
{
    if (what & FP_X87) {
        call_stub(c, cold->insn, c->jit->load_x87);
    }
    if (what & FP_AVX) {
        call_stub(c, cold->insn, c->jit->load_avx);
    }
    if (what == FP_SSE) {
        call_stub(c, cold->insn, c->jit->load_sse);
    }
}

static void cold_interpret(Code *c, const Cold *cold)
{
    unsigned sp = host_register_of[RSP];

    if (cold->hit) {
        code_look_again(c, cold);
    }
    if (cold->undo) {
        emit_rm(c->e, 0x8d | X_W, sp, sp, NO_REG, 0, cold->undo);
    }
    if (cold->load_fp) {
        load_fp(c, cold, cold->load_fp);
    } else if (cold->back) {
        call_stub(c, cold->insn, cold->saved ? c->jit->interpret_saved : c->jit->interpret);
    } else {
        call_stub(c, cold->insn, c->jit->interpret_last_saved);
    }
    if (cold->back && cold->fp && !cold->load_fp) {
        load_fp(c, cold, cold->fp);
        code_restore_flags(c->e, S2);
    }
    if (cold->back) {
        emit_jump(c->e, JMP, cold->back);
    }
}

void code_cold(Code *c)
{
    for (unsigned i = 0; i < c->colds; i++) {
        Cold *cold = &c->cold[i];

        if (cold->trap) {
            cold->jump = c->e->at;
        } else {
            emit_set_target(c->e, cold->jump, c->e->at);
        }
        if (cold->insn) {
            cold_interpret(c, cold);
        } else if (cold->exit) {
            cold_exit(c, cold);
        } else {
            cold_request(c);
        }
    }
}

/* ---- branches ---- */

/* Stores the address of the next instruction below the stack; rsp is changed after. */
static void push_next(Code *c)
{
    Place place = code_place(c, RSP, -8, 8, true);

    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, code_page));
    emit_rm(c->e, 0x8d | X_W, S1, S1, NO_REG, 0, c->page_at + c->insn->at + c->insn->len);
    code_at(c, 0x89 | X_W, S1, &place);
}

static void move_sp(Code *c, s32 by)
{
    unsigned sp = host_register_of[RSP];

    emit_rm(c->e, 0x8d | X_W, sp, sp, NO_REG, 0, by);
}

static void jump_if(Code *c, int cc, s64 to)
{
    s64 next = c->page_at + c->insn->at + c->insn->len;

    code_settle_flags(c, S2);
    if (in_page(to)) {
        link_jump(c, cc, to);
    } else {
        u32 skip = emit_jump(c->e, cc ^ 1, 0);
        bool saved = c->saved;

        leave_page(c, to, 0);
        c->saved = saved;
        emit_set_target(c->e, skip, c->e->at);
    }
    code_fall(c, next);
}

static void call_direct(Code *c, s64 to)
{
    if (in_page(to)) {
        code_begin_access(c);
        push_next(c);
        code_end_access(c, NULL);
        move_sp(c, -8);
        link_jump(c, JMP, to);
        return;
    }
    code_keep_flags(c);
    push_next(c);
    move_sp(c, -8);
    leave_page(c, to, 8);
}

/* S1 = the operand of JMP and CALL. */
static void load_target(Code *c)
{
    const Insn *insn = c->insn;

    if (insn->shape & INSN_MEM) {
        Place place = code_operand(c, 8, false);

        code_at(c, 0x8b | X_W, S1, &place);
    } else {
        unsigned r = code_reg(c, insn->rm, S1);

        if (r != S1) {
            emit_rr(c->e, 0x8b | X_W, S1, r);
        }
    }
}

static void jump_indirect(Code *c)
{
    code_keep_flags(c);
    load_target(c);
    look_up(c, 0);
}

static void call_indirect(Code *c)
{
    code_keep_flags(c);
    load_target(c);
    emit_cpu(c->e, 0x89 | X_W, S1, offsetof(Cpu, jit_temp));
    push_next(c);
    move_sp(c, -8);
    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, jit_temp));
    look_up(c, 8);
}

static void return_near(Code *c)
{
    s32 drop = 8 + c->insn->imm;
    Place place;

    code_keep_flags(c);
    place = code_place(c, RSP, 0, 8, false);
    code_at(c, 0x8b | X_W, S1, &place);
    move_sp(c, drop);
    look_up(c, -drop);
}

/* The block ends here because interrupts may come after the next instruction. */
bool code_sti(Code *c)
{
    s64 next = c->page_at + c->insn->at + c->insn->len;
    JitExit *exit;

    if (!in_page(next) || !code_set_interrupt_flag(c)) {
        return false;
    }
    exit = link_jump(c, JMP, next);
    if (exit) {
        exit->shadow = true;
    }
    return true;
}

/* Rows are told by their bytes: all are of the first map but for the long Jcc. */
bool code_branch(Code *c)
{
    const Insn *insn = c->insn;
    const Opcode *row = opcode_row(insn->op);
    s64 to = c->page_at + (s64)insn->imm;

    if (to != (s32)to || (insn->shape & INSN_MEM && !code_can_address(c))) {
        return false;
    }
    if (row->map == MAP_0F || (row->byte & 0xf0) == 0x70) {
        jump_if(c, row->byte & 15, to);
        return true;
    }
    switch (row->byte) {
    case 0xe9:
    case 0xeb:
        code_fall(c, to);
        return true;
    case 0xe8:
        call_direct(c, to);
        return true;
    case 0xc2:
    case 0xc3:
        return_near(c);
        return true;
    case 0xff:
        row->ext == 2 ? call_indirect(c) : jump_indirect(c);
        return true;
    }
    return false;
}
