/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows: instructions in a row that use nothing of memory but some bytes beside the
 * stack pointer, as functions begin and end.  One check of the TLB is for all of them,
 * and PUSH and POP move rsp only where it is looked at.  The addend stays in S2, or is
 * fetched again.
 *
 * Nothing in a window is done by the interpreter, so what was checked stays true.  Where
 * not all bytes lie in one page, or the page is not to be had so, each instruction has
 * its own check: that is behind the code proper.
 */

#include "accel/soft/jit/code.h"

/* Longer ones would cross pages too often. */
enum { WINDOW_INSNS = 24, WINDOW_BYTES = 128 };

typedef enum {
    NOT_IN, PUSH_REG, POP_REG, OPERAND, MOVE_SP, REGISTERS, RETURN, CALL_DIRECT
} Kind;

typedef struct {
    Kind kind;
    s32 at;                     /* of the access, from rsp before the instruction */
    unsigned bytes;             /* 0: no access */
    bool write;
    s32 move;                   /* what becomes of rsp */
} Step;

typedef struct {
    Step step[WINDOW_INSNS];
    unsigned n, accesses;
    s32 low, high;              /* all bytes, from rsp before the first */
    bool write;
} Window;

static bool names_sp(const Insn *insn)
{
    return insn->reg == RSP || insn->rm == RSP || insn->base == RSP ||
           insn->index == RSP;
}

static unsigned width(const Insn *insn)
{
    return insn->more & INSN2_WIDTH;
}

static bool is_wide(const Insn *insn)
{
    return insn->seg == SEG_FLAT && (insn->shape & INSN_ADDR) == INSN_ADDR64;
}

/* PUSH or POP of a register, ADD or SUB of a number: not PUSH rsp, which is the old. */
static Step step_one(const Insn *insn, const Opcode *row)
{
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
    if (code_is_call(insn)) {
        return (Step){ CALL_DIRECT, -8, 8, true, -8 };
    }
    return (Step){ NOT_IN };
}

static bool is_plain_lea(const Insn *insn)
{
    return code_is_lea(insn) && is_wide(insn) && width(insn) >= 2 &&
           insn->base != REG_BLOCK;
}

/* c->insn is any of the block. */
static Step step_of(const Code *c)
{
    const Insn *insn = c->insn;
    const Opcode *row = opcode_row(insn->op);
    Step step = step_one(insn, row);
    bool write;

    if (step.kind == CALL_DIRECT && (s32)(insn->imm + c->page_at) !=
                                        (s64)insn->imm + c->page_at) {
        step.kind = NOT_IN;
    }
    if (step.bytes || step.kind != NOT_IN || insn->more & INSN2_LOCK) {
        return step;
    }
    if (is_plain_lea(insn) ||
        (code_never_traps(insn) && !(insn->shape & INSN_MEM))) {
        step.kind = names_sp(insn) ? NOT_IN : REGISTERS;
    } else if (code_never_traps(insn) && insn->base == RSP && is_wide(insn) &&
               insn->index == REG_NONE && insn->reg != RSP &&
               insn->disp == (s16)insn->disp) {
        step.at = insn->disp;
        step.bytes = code_copied_bytes(c, &write);
        step.write = write;
        step.kind = step.bytes ? OPERAND : NOT_IN;
    }
    return step;
}

/* False: it is not in the window any more. */
static bool add_step(Window *w, const Step *step, s32 *sp)
{
    s32 low = MIN(w->low, *sp + step->at),
        high = MAX(w->high, *sp + step->at + (s32)step->bytes);
    bool first = !w->accesses;

    if (step->kind == NOT_IN || (first && !step->bytes) ||
        step->move != (s16)step->move) {
        return false;
    }
    if (step->bytes) {
        w->low = first ? *sp + step->at : low;
        w->high = first ? *sp + step->at + (s32)step->bytes : high;
        w->write |= step->write;
        w->accesses++;
    }
    *sp += step->move;
    return w->high - w->low <= WINDOW_BYTES;
}

/* The window from the present instruction on; it ends with an access. */
static Window find_window(Code *c)
{
    const Insn *begin = c->insn;
    Window w = { .n = 0 }, best = w;
    unsigned left = MIN(c->block->n - c->i, WINDOW_INSNS);
    s32 sp = 0;

    while (w.n < left) {
        Step *step = &w.step[w.n];

        c->insn = begin + w.n;
        *step = step_of(c);
        if (!add_step(&w, step, &sp)) {
            break;
        }
        w.n++;
        best = step->bytes ? w : best;
        if (step->kind == RETURN || step->kind == CALL_DIRECT) {
            break;
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
static Place place_of(Code *c, s32 disp)
{
    if (c->e->r15_used) {
        emit_cpu(c->e, 0x8b | X_W, S2,
                 offsetof(Cpu, tlb_hint) + c->mmu * sizeof(TlbEntry *));
        emit_rm(c->e, 0x8b | X_W, S2, S2, NO_REG, 0, offsetof(TlbEntry, addend));
        c->e->r15_used = false;
    }
    return (Place){
        .base = S2, .index = host_register_of[RSP], .disp = disp, .spare = S1
    };
}

/* The flags' part of an instruction that is not copied is none. */
static void push_or_pop(Code *c, const Step *step, s32 sp)
{
    unsigned guest = c->insn->reg;
    Place place = place_of(c, sp + step->at);

    if (step->kind == PUSH_REG) {
        code_at(c, 0x89 | X_W, code_reg(c, guest, S1), &place);
    } else if (host_register_of[guest] == IN_MEMORY) {
        code_at(c, 0x8b | X_W, S1, &place);
        emit_cpu(c->e, 0x89 | X_W, S1, CPU_GPR(guest));
    } else {
        code_at(c, 0x8b | X_W, host_register_of[guest], &place);
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

static void end(Code *c, const Step *step, s32 sp)
{
    Place place;

    code_keep_flags(c);
    c->gone = true;
    place = place_of(c, sp + step->at);
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

static void do_step(Code *c, const Step *step, s32 *sp)
{
    Place place;

    switch (step->kind) {
    case PUSH_REG:
    case POP_REG:
        push_or_pop(c, step, *sp);
        *sp += step->move;
        break;
    case OPERAND:
        code_settle_flags(c, S1);
        place = place_of(c, *sp + step->at);
        code_copy_at(c, &place);
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

static bool is_end(const Step *step)
{
    return step->kind == RETURN || step->kind == CALL_DIRECT;
}

/* Only the first access can trap, and then rsp is what it was. */
bool code_window(Code *c)
{
    Window w = c->singly || code_is_far(c->insn) ? (Window){ .n = 0 } : find_window(c);
    unsigned from = c->colds, first;
    const Insn *insn = c->insn;
    Cold *cold;
    s32 sp = 0;

    if (w.accesses < 2) {
        return false;
    }
    code_begin_access(c);
    code_place(c, RSP, w.low, w.high - w.low, w.write);
    first = c->colds - 1;
    cold = &c->cold[first];
    cold->window = w.n;
    cold->saved = c->saved;
    cold->gone = c->gone;
    c->e->r15_used = false;
    for (unsigned i = 0; i < w.n - is_end(&w.step[w.n - 1]); i++) {
        c->insn = insn + i;
        do_step(c, &w.step[i], &sp);
        c->trusted = true;
        c->i++;
    }
    if (is_end(&w.step[w.n - 1])) {
        c->insn = insn + w.n - 1;
        code_set_backs(c, from + 1);
        end(c, &w.step[w.n - 1], sp);
        c->trusted = false;
    } else {
        move_sp(c, &sp);
        c->trusted = false;
        c->i--;
        cold = &c->cold[first];
        cold->saved_after = c->saved;
        cold->gone_after = c->gone;
    }
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
