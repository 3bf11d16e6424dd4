/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a window consists of (window.c).
 */

#ifndef ACCEL_SOFT_JIT_WINDOW_H
#define ACCEL_SOFT_JIT_WINDOW_H

#include "accel/soft/jit/code.h"

/* Longer ones would cross pages too often. */
enum { WINDOW_INSNS = 24, WINDOW_BYTES = 128 };

typedef enum {
    NOT_IN, PUSH_REG, POP_REG, OPERAND, SSE_OPERAND, MOVE_SP, REGISTERS, XMM, RETURN,
    CALL_DIRECT, CALL_REGISTER, JUMP_IF
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
    bool returns; /* the check is also for its RETURN, whose address is here: */
    s32 return_at;
} Window;

/* From the present instruction on; it ends with an access, or is empty. */
Window window_find(Code *c);
/* Registers alone, and then a return, if flags are set there. */
Window window_find_tail(Code *c);

/* It ends the block. */
static inline bool step_ends(const Step *step)
{
    return step->kind == RETURN || step->kind == CALL_DIRECT ||
           step->kind == CALL_REGISTER;
}

static inline bool window_ends(const Window *w)
{
    return step_ends(&w->step[w->n - 1]);
}

#endif
