/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PUSH, POP and LEAVE.  rsp changes after the access.  Several in a row, as at the ends
 * of functions, need one check of the TLB and move rsp once.
 */

#include "accel/soft/jit/code.h"

static const Opcode *row_of(const Code *c)
{
    return opcode_row(c->insn->op);
}

static unsigned width(const Code *c)
{
    return c->insn->more & INSN2_WIDTH;
}

static bool in_memory(unsigned guest)
{
    return !(guest & BYTE_HIGH) && host_register_of[guest] == IN_MEMORY;
}

static void put_back(Code *c, unsigned guest, unsigned temp)
{
    if (in_memory(guest)) {
        emit_cpu(c->e, 0x89 | X_W, temp, CPU_GPR(guest));
    }
}

static void move_sp(Code *c, s32 by)
{
    emit_rm(c->e, 0x8d | X_W, host_register_of[RSP], host_register_of[RSP], NO_REG, 0,
            by);
}

/* The place below the stack; S1 is spare. */
static Place push_place(Code *c)
{
    Place place = code_place(c, RSP, -8, 8, true);

    code_end_access(c, &place);
    return place;
}

static void push_reg(Code *c, unsigned guest)
{
    Place place;

    code_begin_access(c);
    place = push_place(c);
    code_at(c, 0x89 | X_W, code_reg(c, guest, S1), &place);
    move_sp(c, -8);
}

static void push_imm(Code *c)
{
    Place place;

    code_begin_access(c);
    place = push_place(c);
    code_at(c, 0xc7 | X_W, 0, &place);
    emit32(c->e, c->insn->imm);
    move_sp(c, -8);
}

static bool push_mem(Code *c)
{
    Place place;

    if (!code_can_address(c)) {
        return false;
    }
    code_begin_access(c);
    place = code_operand(c, 8, false);
    code_at(c, 0x8b | X_W, S2, &place);
    emit_cpu(c->e, 0x89 | X_W, S2, offsetof(Cpu, jit_temp));
    place = push_place(c);
    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, jit_temp));
    code_at(c, 0x89 | X_W, S1, &place);
    move_sp(c, -8);
    return true;
}

static void pop_reg(Code *c, unsigned guest)
{
    unsigned to = in_memory(guest) ? S1 : (unsigned)host_register_of[guest];
    Place place;

    code_begin_access(c);
    place = code_place(c, RSP, 0, 8, false);
    code_end_access(c, &place);
    code_at(c, 0x8b | X_W, to, &place);
    if (guest != RSP) {
        move_sp(c, 8);
    }
    put_back(c, guest, S1);
}

static void leave(Code *c)
{
    Place place;

    code_begin_access(c);
    place = code_place(c, RBP, 0, 8, false);
    code_end_access(c, &place);
    emit_rm(c->e, 0x8d | X_W, S1, H_RBP, NO_REG, 0, 8);
    code_at(c, 0x8b | X_W, H_RBP, &place);
    emit_rr(c->e, 0x8b | X_W, host_register_of[RSP], S1);
}

/* ---- runs of PUSH or POP, with one check for all ---- */

enum { RUN_MAX = 16 };

static bool is_stack_reg(const Insn *insn, u8 byte)
{
    const Opcode *row = opcode_row(insn->op);

    return row->map == MAP_1 && row->byte == byte && (insn->more & INSN2_WIDTH) == 3 &&
           insn->reg != RSP;
}

static unsigned run_length(const Code *c, u8 byte)
{
    unsigned n = 0;

    while (n < RUN_MAX && c->i + n < c->block->n && is_stack_reg(c->insn + n, byte)) {
        n++;
    }
    return n;
}

/*
 * Where the check finds that not all of it lies in the page: each instruction has a
 * check of its own, behind.
 */
static Place run_place(Code *c, unsigned n, s32 disp, unsigned size, bool write)
{
    Place place = code_place(c, RSP, disp, size, write);
    Cold *cold = &c->cold[c->colds - 1];

    cold->run = n;
    cold->saved = c->saved;
    cold->gone = c->gone;
    place.disp = 0;
    return place;
}

static void push_run(Code *c, unsigned n)
{
    Place place;

    code_begin_access(c);
    place = run_place(c, n, -8 * (s32)n, 8 * n, true);
    for (unsigned i = 0; i < n; i++) {
        place.disp -= 8;
        code_at(c, 0x89 | X_W, code_reg(c, c->insn[i].reg, S1), &place);
    }
    move_sp(c, -8 * (s32)n);
    c->i += n - 1;
}

/* A return behind it belongs to it. */
static void pop_run(Code *c, unsigned n)
{
    bool returns = c->i + n < c->block->n && code_is_return(c->insn + n);
    Place place;

    code_begin_access(c);
    place = run_place(c, n + returns, 0, 8 * (n + returns), false);
    for (unsigned i = 0; i < n; i++, place.disp += 8) {
        unsigned to = in_memory(c->insn[i].reg) ?
                          S1 :
                          (unsigned)host_register_of[c->insn[i].reg];

        code_at(c, 0x8b | X_W, to, &place);
        put_back(c, c->insn[i].reg, S1);
    }
    c->i += n - 1;
    if (returns) {
        c->i++;
        c->insn += n;
        code_at(c, 0x8b | X_W, S1, &place);
        move_sp(c, 8 * n + 8 + c->insn->imm);
        code_return_to(c);
    } else {
        move_sp(c, 8 * n);
    }
}

void code_stack_singly(Code *c, const Cold *cold)
{
    code_look_again(c, cold);
    c->insn = cold->insn;
    c->i = c->insn - c->block->insn;
    c->fp = cold->fp;
    c->saved = cold->saved;
    c->gone = cold->gone;
    for (unsigned i = 0; i < cold->run; i++, c->i++, c->insn++) {
        unsigned colds = c->colds;

        if (code_is_return(c->insn)) {
            code_return(c);
            return;
        }
        row_of(c)->byte == 0x50 ? push_reg(c, c->insn->reg) : pop_reg(c, c->insn->reg);
        code_set_backs(c, colds);
    }
    emit_jump(c->e, JMP, cold->back);
}

static bool run(Code *c)
{
    unsigned pushes = run_length(c, 0x50), pops = run_length(c, 0x58);
    bool returns = pops && c->i + pops < c->block->n && code_is_return(c->insn + pops);

    if (pushes > 1) {
        push_run(c, pushes);
    } else if (pops + returns > 1) {
        pop_run(c, pops);
    }
    return pushes > 1 || pops + returns > 1;
}

bool code_stack(Code *c)
{
    const Opcode *row = row_of(c);

    if (run(c)) {
        return true;
    }
    if (row->map != MAP_1 || width(c) != 3) {
        return false;
    }
    switch (row->byte) {
    case 0x50:
        push_reg(c, c->insn->reg);
        return true;
    case 0x58:
        pop_reg(c, c->insn->reg);
        return true;
    case 0x68:
    case 0x6a:
        push_imm(c);
        return true;
    case 0xff:
        if (row->ext == 6 && c->insn->shape & INSN_MEM) {
            return push_mem(c);
        }
        return row->ext == 6 ? push_reg(c, c->insn->rm), true : false;
    case 0xc9:
        leave(c);
        return true;
    }
    return false;
}
