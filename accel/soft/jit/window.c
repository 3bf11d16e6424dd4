/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows: instructions in a row that use nothing of memory but some bytes beside one
 * pointer, as functions do that begin, end, or look at a structure.  One check of the
 * TLB is for all of them, and PUSH and POP move rsp only where it is looked at.  The
 * addend stays in S2, or is fetched again.  Conditional jumps may lead out of it.
 *
 * Nothing in a window is done by the interpreter, so what was checked stays true.
 * Where not all bytes lie in one page, or the page is not to be had so, each
 * instruction has its own check: that is behind the code proper.
 */

#include "accel/soft/jit/window.h"

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
    } else if (scratch_needed(guest)) {
        code_at(c, 0x8b | X_W, S1, place);
        scratch_store(c, guest, S1);
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

    if (!w->returns) {
        if (step->kind == CALL_REGISTER) {
            code_keep_flags(c);
        } else {
            code_leave_flags(c);
        }
        place = place_of(c, &w->beside, sp + step->at);
        if (step->kind == RETURN) {
            code_at(c, 0x8b | X_W, S1, &place);
        } else {
            code_next(c, S1);
            code_at(c, 0x89 | X_W, S1, &place);
        }
    }
    sp += step->move;
    move_sp(c, &sp);
    if (w->returns) {
        code_return_kept(c);
    } else if (step->kind == RETURN) {
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

/* Where a jump follows rsp moves now: CMP and its jump are done as one if adjacent. */
static bool jump_follows(const Window *w, const Step *step)
{
    return (step->kind == OPERAND || step->kind == REGISTERS) &&
           step + 1 < w->step + w->n && step[1].kind == JUMP_IF;
}

static void do_step(Code *c, const Window *w, const Step *step, s32 *sp)
{
    Place place;

    scratch_forget(c);
    if (jump_follows(w, step)) {
        move_sp(c, sp);
    }
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
    case JUMP_IF:
        move_sp(c, sp);
        code_settle_flags(c, S1);
        code_branch(c);
        break;
    case RETURN:
    case CALL_DIRECT:
    case CALL_REGISTER:
    case NOT_IN:
        break;
    }
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

/*
 * The window ends with a return, and writes nothing that this return reads: whether it
 * goes where the call that is kept last comes back can be asked at once, and flags that
 * are set in the window stay in the host's.  If not, the return is done behind.
 */
static void check_return(Code *c, const Window *w)
{
    Place place = code_place_beside(&w->beside, w->return_at);
    unsigned from = c->colds;

    code_at(c, 0x8b | X_W, S1, &place);                         /* may trap */
    code_new_cold(c, code_unless_kept(c))->insn = c->insn;
    for (unsigned i = from; i < c->colds; i++) {
        c->cold[i].window = w->n;
        c->cold[i].gone = c->gone;
    }
}

/* But for SSE only the first access can trap, and then rsp is what it was. */
bool code_window(Code *c)
{
    Window w = { .n = 0 };
    const Insn *insn = c->insn;
    unsigned first;
    s32 sp = 0;

    if (!c->singly) {
        w = window_find(c);
    }
    if (w.accesses < 2 && !c->singly) {
        w = window_find_tail(c);
    }
    if (!w.returns && w.accesses < 2) {
        return false;
    }
    first = check(c, &w);
    if (w.returns) {
        check_return(c, &w);
    }
    for (unsigned i = 0; i < w.n - window_ends(&w); i++, c->i++) {
        c->insn = insn + i;
        do_step(c, &w, &w.step[i], &sp);
        c->trusted = true;
    }
    c->cold[first].saved_after = c->saved;
    c->cold[first].gone_after = c->gone;
    c->cold[first].redo_after = c->redo != NULL;
    if (window_ends(&w)) {
        c->insn = insn + w.n - 1;
        code_set_backs(c, first + 1 + 2 * w.returns);
        end(c, &w, sp);
    } else {
        move_sp(c, &sp);
        c->i--;
    }
    c->trusted = false;
    c->keeps = false;
    return true;
}

/* ---- behind ---- */

/* The flags where the code proper has them. */
static void agree(Code *c, const Cold *cold)
{
    if (cold->saved_after && !c->saved) {
        code_save_flags(c->e, S2);
    } else if (cold->saved_after && !cold->redo_after) {
        code_redo_and_save(c, c->redo, S2);
    }
    if (!cold->gone_after && c->gone && c->saved) {
        c->redo ? code_redo(c, c->redo) : code_restore_flags(c->e, S2);
    }
}

void code_window_singly(Code *c, const Cold *cold)
{
    if (cold->hit) {
        code_look_again(c, cold);
    }
    c->insn = cold->insn;
    c->i = c->insn - c->block->insn;
    c->fp = cold->fp;
    c->saved = cold->saved;
    c->gone = cold->gone;
    c->redo = cold->redo;
    c->singly = true;
    scratch_forget(c);
    for (unsigned i = 0; i < cold->window; i++, c->i++, c->insn++) {
        code_instruction(c);
    }
    c->singly = false;
    if (cold->back) {
        agree(c, cold);
        emit_jump(c->e, JMP, cold->back);
    }
}
