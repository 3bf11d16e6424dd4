/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PUSH, POP and LEAVE, one at a time.  rsp changes after the access.
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
    unsigned to = scratch_needed(guest) ? S1 : (unsigned)host_register_of[guest];
    Place place;

    code_begin_access(c);
    place = code_place(c, RSP, 0, 8, false);
    code_end_access(c, &place);
    code_at(c, 0x8b | X_W, to, &place);
    if (guest != RSP) {
        move_sp(c, 8);
    }
    scratch_store(c, guest, S1);
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

bool code_stack(Code *c)
{
    const Opcode *row = row_of(c);

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
