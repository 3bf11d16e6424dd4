/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instructions are a window (window.c): looked at until one does not fit.
 */

#include "accel/soft/jit/window.h"

static unsigned width(const Insn *insn)
{
    return insn->more & INSN2_WIDTH;
}

static bool is_wide(const Insn *insn)
{
    return insn->seg == SEG_FLAT && (insn->shape & INSN_ADDR) == INSN_ADDR64;
}

static bool names(const Insn *insn, unsigned guest)
{
    return insn->reg == guest || insn->rm == guest || insn->base == guest ||
           insn->index == guest;
}

static bool is_beside(const Insn *insn, const Beside *beside)
{
    return insn->shape & INSN_MEM && is_wide(insn) && insn->base == beside->base &&
           insn->index == beside->index &&
           (insn->index == REG_NONE || (insn->shape & INSN_SCALE) == beside->scale) &&
           insn->disp == (s16)insn->disp;
}

static bool is_plain_lea(const Insn *insn)
{
    return code_is_lea(insn) && is_wide(insn) && width(insn) >= 2 &&
           insn->base != REG_BLOCK;
}

/* May a register change without harm?  rsp may not even be looked at (move_sp). */
static bool spares(const Insn *insn, const Beside *beside)
{
    if (beside->base == RSP) {
        return !names(insn, RSP);
    }
    if (code_is_lea(insn)) {
        return insn->reg != beside->base && insn->reg != beside->index;
    }
    return !code_may_write(insn, beside->base) &&
           (beside->index == REG_NONE || !code_may_write(insn, beside->index));
}

/* PUSH or POP of a register, ADD or SUB of a number: not PUSH rsp, which is the old. */
static Step stack_step(const Code *c)
{
    const Insn *insn = c->insn;
    const Opcode *row = opcode_row(insn->op);
    bool wide = row->map == MAP_1 && width(insn) == 3;

    if (wide && row->byte == 0x50 && insn->reg != RSP) {
        return (Step){ PUSH_REG, -8, 8, true, -8 };
    }
    if (wide && row->byte == 0x58 && insn->reg != RSP) {
        return (Step){ POP_REG, 0, 8, false, 8 };
    }
    if (wide && (row->byte == 0x81 || row->byte == 0x83) && insn->rm == RSP &&
        !(insn->shape & INSN_MEM) && (row->ext == 0 || row->ext == 5)) {
        return (Step){ MOVE_SP, .move = row->ext ? -(s64)insn->imm : insn->imm };
    }
    if (code_is_return(insn)) {
        return (Step){ RETURN, 0, 8, false, 8 + insn->imm };
    }
    if (code_is_call(insn) &&
        (s32)(insn->wide + c->page_at) == insn->wide + c->page_at) {
        return (Step){ CALL_DIRECT, -8, 8, true, -8 };
    }
    if (code_is_call_register(insn)) {
        return (Step){ CALL_REGISTER, -8, 8, true, -8 };
    }
    return (Step){ .kind = NOT_IN };
}

/* One with an operand beside the pointer, which it may overwrite: then it is last. */
static Step operand_step(const Code *c)
{
    const Insn *insn = c->insn;
    Step step = { .at = insn->disp };

    if (code_is_sse(insn)) {
        step.bytes = code_sse_bytes(c, &step.write);
        step.kind = step.bytes ? SSE_OPERAND : NOT_IN;
    } else if (code_never_traps(c) && !code_is_lea(insn)) {
        step.bytes = code_copied_bytes(c, &step.write);
        step.kind = step.bytes ? OPERAND : NOT_IN;
    }
    return step;
}

/* c->insn is any of the block. */
static Step step_of(const Code *c, const Beside *beside)
{
    const Insn *insn = c->insn;
    Step step = { .kind = NOT_IN };

    if (beside->base == RSP && beside->index == REG_NONE) {
        step = stack_step(c);
    }
    if (step.kind != NOT_IN || insn->more & INSN2_LOCK) {
        return step;
    }
    if (code_is_jump_if(c, insn)) {
        return (Step){ .kind = JUMP_IF };
    }
    if (is_beside(insn, beside) && !(beside->base == RSP && insn->reg == RSP)) {
        return operand_step(c);
    }
    if (code_is_sse(insn) && !(insn->shape & INSN_MEM)) {
        step.kind = XMM;
    } else if (is_plain_lea(insn) ||
               (code_never_traps(c) && !(insn->shape & INSN_MEM))) {
        step.kind = spares(insn, beside) ? REGISTERS : NOT_IN;
    }
    return step;
}

/* False: it is not in the window any more. */
static bool add_step(Window *w, const Step *step, s32 *sp)
{
    s32 low = *sp + step->at, high = low + (s32)step->bytes;

    if (step->kind == NOT_IN || (!w->accesses && !step->bytes) ||
        step->move != (s16)step->move) {
        return false;
    }
    if (step->bytes) {
        w->low = w->accesses ? MIN(w->low, low) : low;
        w->high = w->accesses ? MAX(w->high, high) : high;
        w->write |= step->write;
        w->accesses++;
    }
    w->sse |= step->kind == SSE_OPERAND || step->kind == XMM;
    *sp += step->move;
    return w->high - w->low <= WINDOW_BYTES;
}

/* The instruction's pointer: rsp for PUSH and its like.  False: none that is known. */
static bool find_pointer(const Code *c, Beside *beside)
{
    const Insn *insn = c->insn;

    *beside = (Beside){ .base = RSP, .index = REG_NONE };
    if (stack_step(c).bytes) {
        return true;
    }
    *beside = (Beside){ insn->base, insn->index, insn->shape & INSN_SCALE, false, 0 };
    return insn->shape & INSN_MEM && is_wide(insn) && insn->base < REG_NONE &&
           (insn->index == REG_NONE ||
            (insn->index < REG_NONE && host_register_of[insn->index] != IN_MEMORY));
}

/* A load may replace the pointer itself: that is the last that is beside it. */
static bool is_last(const Step *step, const Insn *insn, const Beside *beside)
{
    return step_ends(step) ||
           (step->kind == OPERAND &&
            (code_may_write(insn, beside->base) ||
             (beside->index != REG_NONE && code_may_write(insn, beside->index))));
}

Window window_find(Code *c)
{
    const Insn *begin = c->insn;
    Window w = { .n = 0 }, best = w;
    unsigned left = MIN(c->block->n - c->i, WINDOW_INSNS);
    bool more = find_pointer(c, &w.beside);
    s32 sp = 0;

    for (; more && w.n < left; c->insn++) {
        Step *step = &w.step[w.n];

        *step = step_of(c, &w.beside);
        more = add_step(&w, step, &sp);
        if (more) {
            w.n++;
            w.beside.far |= step->bytes && code_is_far(c->insn);
            best = step->bytes ? w : best;
            more = !is_last(step, c->insn, &w.beside);
        }
    }
    c->insn = begin;
    if (best.n && best.step[best.n - 1].kind == RETURN) {
        best.returns = !best.write;
        best.return_at = sp - best.step[best.n - 1].move;
    }
    return best;
}

Window window_find_tail(Code *c)
{
    const Insn *begin = c->insn;
    Window w = { .beside = { .base = RSP, .index = REG_NONE } };
    unsigned left = MIN(c->block->n - c->i, WINDOW_INSNS);
    Kind kind = !c->live[c->i] && opcode_row(begin->op)->writes ? REGISTERS : NOT_IN;

    for (; kind == REGISTERS && w.n < left; c->insn++) {
        w.step[w.n] = step_of(c, &w.beside);
        kind = w.step[w.n++].kind;
        w.beside.far = code_is_far(c->insn);
    }
    c->insn = begin;
    w.returns = kind == RETURN && w.n > 1;
    w.accesses = w.returns;
    w.high = 8;
    return w;
}
