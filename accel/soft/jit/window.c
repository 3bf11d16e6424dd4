/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows: instructions in a row that use nothing of memory but some bytes beside one
 * pointer, as functions do that begin, end, or look at a structure.  One check of the
 * TLB is for all of them, and PUSH and POP move rsp only where it is looked at.  The
 * addend stays in S2, or is fetched again.
 *
 * Nothing in a window is done by the interpreter, so what was checked stays true.  Where
 * not all bytes lie in one page, or the page is not to be had so, each instruction has
 * its own check: that is behind the code proper.
 */

#include "accel/soft/jit/code.h"

/* Longer ones would cross pages too often. */
enum { WINDOW_INSNS = 24, WINDOW_BYTES = 128 };

typedef enum {
    NOT_IN, PUSH_REG, POP_REG, OPERAND, SSE_OPERAND, MOVE_SP, REGISTERS, XMM, RETURN,
    CALL_DIRECT
} Kind;

typedef struct {
    Kind kind;
    s32 at;                     /* of the access, from rsp before the instruction */
    unsigned bytes;             /* 0: no access */
    bool write;
    s32 move;                   /* what becomes of rsp */
} Step;

typedef struct {
    Beside beside;
    Step step[WINDOW_INSNS];
    unsigned n, accesses;
    s32 low, high;              /* all bytes, from the address before the first */
    bool write, sse;
} Window;

static unsigned width(const Insn *insn)
{
    return insn->more & INSN2_WIDTH;
}

static bool is_wide(const Insn *insn)
{
    return insn->seg == SEG_FLAT && (insn->shape & INSN_ADDR) == INSN_ADDR64;
}

/* ---- what is in it ---- */

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
        return (Step){ MOVE_SP, .move = row->ext ? -(s32)insn->imm : (s32)insn->imm };
    }
    if (code_is_return(insn)) {
        return (Step){ RETURN, 0, 8, false, 8 + (s32)insn->imm };
    }
    if (code_is_call(insn) &&
        (s32)(insn->imm + c->page_at) == (s64)insn->imm + c->page_at) {
        return (Step){ CALL_DIRECT, -8, 8, true, -8 };
    }
    return (Step){ NOT_IN };
}

/* An instruction with an operand beside the pointer, which it may overwrite: then last. */
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
    Step step = { NOT_IN };

    if (beside->base == RSP && beside->index == REG_NONE) {
        step = stack_step(c);
    }
    if (step.kind != NOT_IN || insn->more & INSN2_LOCK) {
        return step;
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
    *beside = (Beside){ insn->base, insn->index, insn->shape & INSN_SCALE, 0 };
    return insn->shape & INSN_MEM && is_wide(insn) && insn->base < REG_NONE &&
           (insn->index == REG_NONE ||
            (insn->index < REG_NONE && host_register_of[insn->index] != IN_MEMORY));
}

/* A load may replace the pointer itself: that is the last that is beside it. */
static bool is_last(const Step *step, const Insn *insn, const Beside *beside)
{
    return step->kind == RETURN || step->kind == CALL_DIRECT ||
           (step->kind == OPERAND &&
            (code_may_write(insn, beside->base) ||
             (beside->index != REG_NONE && code_may_write(insn, beside->index))));
}

/* The window from the present instruction on; it ends with an access. */
static Window find_window(Code *c)
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
            best = step->bytes ? w : best;
            more = !is_last(step, c->insn, &w.beside);
        }
    }
    c->insn = begin;
    return best;
}

/* ---- its code ---- */

static void move_sp(Code *c, s32 *by)
{
    unsigned sp = host_register_of[RSP];

    if (*by) {
        emit_rm(c->e, 0x8d | X_W, sp, sp, NO_REG, 0, *by);
    }
    *by = 0;
}

/* S2 is the addend, still or again. */
static Place place_of(Code *c, const Beside *beside, s32 disp)
{
    if (c->e->r15_used) {
        code_fetch_addend(c, beside);
        code_add_base(c, beside);
        c->e->r15_used = false;
    }
    return code_place_beside(beside, disp);
}

static void push_or_pop(Code *c, const Step *step, const Place *place)
{
    unsigned guest = c->insn->reg;

    if (step->kind == PUSH_REG) {
        code_at(c, 0x89 | X_W, code_reg(c, guest, S1), place);
    } else if (host_register_of[guest] == IN_MEMORY) {
        code_at(c, 0x8b | X_W, S1, place);
        emit_cpu(c->e, 0x89 | X_W, S1, CPU_GPR(guest));
    } else {
        code_at(c, 0x8b | X_W, host_register_of[guest], place);
    }
}

static void add_to_sp(Code *c, s32 *sp, s32 move)
{
    if (!c->live[c->i + 1]) {
        *sp += move;
        return;
    }
    move_sp(c, sp);
    code_settle_flags(c, S1);
    code_copy(c);
}

static void end(Code *c, const Window *w, s32 sp)
{
    const Step *step = &w->step[w->n - 1];
    Place place;

    code_keep_flags(c);
    c->gone = true;
    place = place_of(c, &w->beside, sp + step->at);
    if (step->kind == RETURN) {
        code_at(c, 0x8b | X_W, S1, &place);
    } else {
        code_next(c, S1);
        code_at(c, 0x89 | X_W, S1, &place);
    }
    sp += step->move;
    move_sp(c, &sp);
    if (step->kind == RETURN) {
        code_return_to(c);
    } else {
        code_call_pushed(c);
    }
}

/* SSE may trap, and then everything has to be in its place. */
static void do_sse(Code *c, const Window *w, const Step *step, s32 *sp)
{
    bool trusted = c->trusted;
    Place place;

    move_sp(c, sp);
    code_settle_flags(c, S1);
    c->trusted = false;
    if (step->kind == XMM) {
        code_sse(c);
    } else {
        place = place_of(c, &w->beside, step->at);
        code_sse_at(c, &place);
    }
    c->trusted = trusted;
}

static void do_step(Code *c, const Window *w, const Step *step, s32 *sp)
{
    Place place;

    switch (step->kind) {
    case PUSH_REG:
    case POP_REG:
        place = place_of(c, &w->beside, *sp + step->at);
        push_or_pop(c, step, &place);
        *sp += step->move;
        break;
    case OPERAND:
        code_settle_flags(c, S1);
        place = place_of(c, &w->beside, *sp + step->at);
        code_copy_at(c, &place);
        break;
    case SSE_OPERAND:
    case XMM:
        do_sse(c, w, step, sp);
        break;
    case MOVE_SP:
        add_to_sp(c, sp, step->move);
        break;
    case REGISTERS:
        code_settle_flags(c, S1);
        code_copy(c);
        break;
    case RETURN:
    case CALL_DIRECT:
    case NOT_IN:
        break;
    }
}

static bool is_end(const Window *w)
{
    return w->step[w->n - 1].kind == RETURN || w->step[w->n - 1].kind == CALL_DIRECT;
}

/* The check for all of it; the number of what is done where it fails. */
static unsigned check(Code *c, Window *w)
{
    Cold *cold;

    if (w->sse) {
        code_want_fp(c, FP_SSE);
    }
    code_begin_access(c);
    code_check_beside(c, &w->beside, w->low, w->high - w->low, w->write);
    cold = &c->cold[c->colds - 1];
    cold->window = w->n;
    cold->saved = c->saved;
    cold->gone = c->gone;
    code_add_base(c, &w->beside);
    c->e->r15_used = false;
    return c->colds - 1;
}

/* But for SSE only the first access can trap, and then rsp is what it was. */
bool code_window(Code *c)
{
    Window w = { .n = 0 };
    const Insn *insn = c->insn;
    unsigned from = c->colds, first;
    s32 sp = 0;

    if (!c->singly && !code_is_far(insn)) {
        w = find_window(c);
    }
    if (w.accesses < 2) {
        return false;
    }
    first = check(c, &w);
    for (unsigned i = 0; i < w.n - is_end(&w); i++, c->i++) {
        c->insn = insn + i;
        do_step(c, &w, &w.step[i], &sp);
        c->trusted = true;
    }
    c->cold[first].saved_after = c->saved;
    c->cold[first].gone_after = c->gone;
    if (is_end(&w)) {
        c->insn = insn + w.n - 1;
        code_set_backs(c, from + (first == from));
        end(c, &w, sp);
    } else {
        move_sp(c, &sp);
        c->i--;
    }
    c->trusted = false;
    return true;
}

/* ---- behind ---- */

/* The flags where the code proper has them. */
static void agree(Code *c, const Cold *cold)
{
    if (cold->saved_after && !c->saved) {
        code_save_flags(c->e, S2);
    }
    if (!cold->gone_after && c->gone && c->saved) {
        code_restore_flags(c->e, S2);
    }
}

void code_window_singly(Code *c, const Cold *cold)
{
    code_look_again(c, cold);
    c->insn = cold->insn;
    c->i = c->insn - c->block->insn;
    c->fp = cold->fp;
    c->saved = cold->saved;
    c->gone = cold->gone;
    c->singly = true;
    for (unsigned i = 0; i < cold->window; i++, c->i++, c->insn++) {
        code_instruction(c);
    }
    c->singly = false;
    if (cold->back) {
        agree(c, cold);
        emit_jump(c->e, JMP, cold->back);
    }
}
