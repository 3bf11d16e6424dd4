/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies behind the code proper, and is come to rarely: accesses that miss, exits,
 * requests, and instructions that trapped.  And how a translation has the interpreter
 * do an instruction.
 */

#include "accel/soft/jit/code.h"

Cold *code_new_cold(Code *c, u32 jump)
{
    Cold *cold = &c->cold[c->colds];

    if (c->colds < COLD_MAX - 1) {
        c->colds++;
    } else {
        c->failed = true;
    }
    *cold = (Cold){ .jump = jump, .saved = c->saved, .redo = c->redo, .fp = c->fp };
    return cold;
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
    code_redo_and_save(c, c->redo, S2);
    c->redo = NULL;
    call_stub(c, c->insn, c->saved ? c->jit->interpret_saved : c->jit->interpret);
    c->saved = true;
    c->gone = false;
}

void code_interpret_last(Code *c)
{
    code_redo_and_save(c, c->redo, S2);
    call_stub(c, c->insn,
              c->saved ? c->jit->interpret_last_saved : c->jit->interpret_last);
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

static void cold_drop(Code *c, const Cold *cold)
{
    emit_cpu(c->e, 0x8b | X_W, HOST_SP, offsetof(Cpu, return_base));
    emit_jump(c->e, JMP, cold->back);
}

static void cold_called(Code *c, const Cold *cold)
{
    if (cold->known) {
        emit_rm(c->e, 0x8b | X_W | X_GS, S1, NO_REG, S2, 0,
                offsetof(Cpu, jump) + offsetof(JumpEntry, rip));
    }
    emit_cpu(c->e, 0x89 | X_W, cold->known ? S1 : cold->to, offsetof(Cpu, jit_temp));
    emit_rm(c->e, 0x8d | X_W, HOST_SP, HOST_SP, NO_REG, 0, 8);  /* what is pushed */
    code_redo_and_save(c, cold->redo, S1);
    call_stub(c, cold->insn, c->jit->call_missed);
}

static void cold_interpret(Code *c, const Cold *cold)
{
    unsigned sp = host_register_of[RSP];

    if (cold->hit) {
        code_look_again(c, cold);
    }
    if (cold->find) {
        emit_call(c->e, c->jit->find_return);
    }
    if (cold->undo) {
        emit_rm(c->e, 0x8d | X_W, sp, sp, NO_REG, 0, cold->undo);
    }
    code_redo_and_save(c, cold->redo, S1);
    if (cold->load_fp) {
        load_fp(c, cold, cold->load_fp);
    } else if (cold->back) {
        call_stub(c, cold->insn,
                  cold->saved ? c->jit->interpret_saved : c->jit->interpret);
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

void code_set_backs(Code *c, unsigned from)
{
    for (unsigned i = from; i < c->colds; i++) {
        if (c->cold[i].insn && !c->cold[i].back) {
            c->cold[i].back = c->e->at;
        }
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
        if (cold->give) {
            code_restore_flags(c->e, S2);
            emit8(c->e, 0xc3);
        } else if (cold->gives_redo) {
            code_redo_and_save(c, cold->redo, S1);
            emit8(c->e, 0xc3);
        } else if (cold->drop) {
            cold_drop(c, cold);
        } else if (cold->called) {
            cold_called(c, cold);
        } else if (cold->window) {
            code_window_singly(c, cold);
        } else if (cold->insn) {
            cold_interpret(c, cold);
        } else if (cold->exit) {
            cold_exit(c, cold);
        } else {
            cold_request(c);
        }
    }
}
