/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernels do all the time besides computing: the interrupt flag, SWAPGS, PUSHF,
 * selectors.  Only as it is at privilege level 0; everything else is left to the
 * interpreter.
 */

#include "accel/soft/jit/code.h"

/* Flags are saved around this.  A test that fails leads to the interpreter. */
static void require_zero(Code *c, size_t offset)
{
    Cold *cold;

    emit_cpu(c->e, 0x80, 7, offset);                            /* cmpb */
    emit8(c->e, 0);
    cold = code_new_cold(c, emit_jump(c->e, CC_NZ, 0));
    cold->insn = c->insn;
    cold->saved = true;
}

static void change_flag(Code *c, unsigned operation, u32 mask)
{
    emit_cpu(c->e, 0x81, operation, offsetof(Cpu, rflags));
    emit32(c->e, mask);
}

enum { OP_OR = 1, OP_AND = 4 };

static void clear_interrupt_flag(Code *c)
{
    code_begin_access(c);
    require_zero(c, offsetof(Cpu, cpl));
    change_flag(c, OP_AND, ~FLAG_IF);
    code_end_access(c, NULL);
}

static void swap_gs(Code *c)
{
    size_t base = offsetof(Cpu, seg) + SEG_GS * sizeof(Segment) +
                  offsetof(Segment, base);

    code_begin_access(c);
    require_zero(c, offsetof(Cpu, cpl));
    code_end_access(c, NULL);
    emit_cpu(c->e, 0x8b | X_W, S1, base);
    emit_cpu(c->e, 0x8b | X_W, S2, offsetof(Cpu, kernel_gs_base));
    emit_cpu(c->e, 0x89 | X_W, S2, base);
    emit_cpu(c->e, 0x89 | X_W, S1, offsetof(Cpu, kernel_gs_base));
}

/* The host's arithmetic flags are the guest's, at this place. */
static void push_flags(Code *c)
{
    Place place;

    code_begin_access(c);
    emit8(c->e, 0x9c);                                          /* pushf */
    emit_z(c->e, 0x58, S2);
    emit_rr(c->e, 0x81, OP_AND, S2);
    emit32(c->e, FLAGS_ARITH);
    emit_cpu(c->e, 0x0b, S2, offsetof(Cpu, rflags));            /* or */
    emit_rr(c->e, 0x81, OP_AND, S2);
    emit32(c->e, ~(FLAG_VM | FLAG_RF));
    emit_cpu(c->e, 0x89 | X_W, S2, offsetof(Cpu, jit_temp));
    place = code_place(c, RSP, -8, 8, true);
    code_end_access(c, &place);
    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, jit_temp));
    code_at(c, 0x89 | X_W, S1, &place);
    emit_rm(c->e, 0x8d | X_W, host_register_of[RSP], host_register_of[RSP], NO_REG, 0,
            -8);
}

static void move_selector(Code *c)
{
    unsigned to = host_register_of[c->insn->rm];
    bool narrow = (c->insn->more & INSN2_WIDTH) == 1;

    emit_cpu(c->e, narrow ? 0x8b | X_66 : 0xb7 | X_0F, to,
             offsetof(Cpu, seg) + c->insn->reg * sizeof(Segment) +
                 offsetof(Segment, selector));
}

bool code_system(Code *c)
{
    const Opcode *row = opcode_row(c->insn->op);
    bool kernel = c->mmu != MMU_USER;

    if (row->map == MAP_1 && row->byte == 0xfa && kernel) {
        clear_interrupt_flag(c);
    } else if (row->map == MAP_0F && row->byte == 0x01 && row->ext == 7 &&
               row->rm == 0 && kernel) {
        swap_gs(c);
    } else if (row->map == MAP_1 && row->byte == 0x9c &&
               (c->insn->more & INSN2_WIDTH) == 3) {
        push_flags(c);
    } else if (row->map == MAP_1 && row->byte == 0x8c && !(c->insn->shape & INSN_MEM) &&
               host_register_of[c->insn->rm] != IN_MEMORY && c->insn->reg < SEG_COUNT) {
        move_selector(c);
    } else {
        return false;
    }
    return true;
}

/*
 * STI.  With no interrupt waiting it does nothing but to set the flag; the next
 * instruction follows by a link, which looks for no requests, so its shadow is kept.
 */
bool code_set_interrupt_flag(Code *c)
{
    const Opcode *row = opcode_row(c->insn->op);

    if (row->map != MAP_1 || row->byte != 0xfb || c->mmu == MMU_USER) {
        return false;
    }
    code_begin_access(c);
    require_zero(c, offsetof(Cpu, cpl));
    require_zero(c, offsetof(Cpu, irq_waiting));
    change_flag(c, OP_OR, FLAG_IF);
    code_end_access(c, NULL);
    return true;
}
