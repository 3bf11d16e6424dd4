/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags that are not kept, because what set them can be done again.
 *
 * A block that leads to another page, or to an address in a register, can't know
 * whether flags are wanted there: mostly they are not.  If CMP, TEST, ADD or SUB set
 * them, of registers that stay as they are up to the block's end, they are put nowhere.
 * The jump cache's code is entered with S1 = where flags are put into Cpu.arith, and
 * calls that if it reads them.  Whatever goes to the interpreter before does the same.
 */

#include "accel/soft/jit/code.h"

/* Those of the first map by their number in ModRM.reg or in the byte, and: */
enum { ADD = 0, SUB = 5, CMP = 7, TEST, OTHER };

static unsigned operation(const Opcode *row)
{
    if (row->map != MAP_1) {
        return OTHER;
    }
    if (row->byte < 0x40 && (row->byte & 7) < 6) {
        return row->byte >> 3;
    }
    if (row->byte >= 0x80 && row->byte <= 0x83) {
        return row->ext;
    }
    return (row->byte & 0xfe) == 0x84 || (row->byte & 0xfe) == 0xa8 ||
                   ((row->byte & 0xfe) == 0xf6 && row->ext == 0) ? TEST : OTHER;
}

/* Has it a register of the host's all the time? */
static bool is_there(unsigned guest)
{
    return !(guest & BYTE_HIGH) && guest != RSP && !scratch_needed(guest);
}

static bool has_modrm(const Insn *insn)
{
    return opcode_traits(insn->op) & HAS_MODRM;
}

static bool uses_reg(const Insn *insn)
{
    return has_modrm(insn) && opcode_row(insn->op)->ext < 0;
}

/* ADD and SUB of 32 or 64 bits, with ModRM or rax and a number: can they be undone? */
static bool can_take_back(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    bool wide = row->byte & 1 && (insn->more & INSN2_WIDTH) >= 2;

    return wide && !(uses_reg(insn) && insn->reg == insn->rm);
}

/* Can its flags be had again from what its operands are after it? */
static bool can_do_again(const Insn *insn)
{
    unsigned what = operation(opcode_row(insn->op));

    if (insn->shape & INSN_MEM || (has_modrm(insn) && !is_there(insn->rm)) ||
        (uses_reg(insn) && !is_there(insn->reg))) {
        return false;
    }
    return what == CMP || what == TEST ||
           ((what == ADD || what == SUB) && can_take_back(insn));
}

/* Does `insn`, one that is copied or LEA, write what `by` works on? */
static bool disturbs(const Insn *insn, const Insn *by)
{
    unsigned first = has_modrm(by) ? by->rm : RAX;
    unsigned second = uses_reg(by) ? by->reg : first;

    if (code_is_lea(insn)) {
        return insn->reg == first || insn->reg == second;
    }
    return code_may_write(insn, first) || code_may_write(insn, second);
}

/* c->insn: does it leave the operands as they are? */
static bool spares(const Code *c, const Insn *by)
{
    const Insn *insn = c->insn;
    const Opcode *row = opcode_row(insn->op);

    if (code_is_jump_if(c, insn) || code_is_sse(insn) ||
        (row->map == MAP_1 && row->byte == 0x50)) {
        return true;
    }
    return (code_is_lea(insn) || code_never_traps(c)) &&
           !(insn->more & INSN2_LOCK) && !disturbs(insn, by);
}

/* Does the block end in a jump or a call to where nothing is known of? */
static bool leads_elsewhere(const Code *c)
{
    const Insn *last = &c->block->insn[c->block->n - 1];
    const Opcode *row = opcode_row(last->op);
    s64 to = (s64)c->page_at + (s32)last->wide;

    if (row->map != MAP_1) {
        return false;
    }
    return (row->byte == 0xff && (row->ext == 2 || row->ext == 4)) ||
           ((row->byte == 0xe8 || row->byte == 0xe9 || row->byte == 0xeb) &&
            (to < 0 || to >= (s64)PAGE_BYTES));
}

/* What set the flags that the host has now; NULL: another block. */
static const Insn *find_setter(const Code *c)
{
    unsigned i = c->i;

    while (i > 0 && !opcode_row(c->block->insn[i - 1].op)->writes) {
        i--;
    }
    return i ? &c->block->insn[i - 1] : NULL;
}

const Insn *code_find_redo(Code *c)
{
    const Insn *now = c->insn, *by = find_setter(c), *last;
    bool ok = by && leads_elsewhere(c) && can_do_again(by);

    last = &c->block->insn[c->block->n - 1];
    for (c->insn = by + ok; ok && c->insn < last; c->insn++) {
        const Opcode *row = opcode_row(c->insn->op);

        ok = spares(c, by) && !row->writes && !(row->reads && c->insn >= now);
    }
    c->insn = now;
    return ok ? by : NULL;
}

/* ADD is taken back by SUB, which does not touch its second operand. */
static void take_back(Code *c, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    u32 width = (insn->more & INSN2_WIDTH) == 3 ? X_W : 0;
    unsigned rm = host_register_of[insn->rm];

    if (!has_modrm(insn)) {
        emit_z(c->e, (row->byte ^ SUB << 3) | width, 0);
    } else if (row->ext < 0) {
        emit_rr(c->e, (row->byte ^ SUB << 3) | width, host_register_of[insn->reg], rm);
        return;
    } else {
        emit_rr(c->e, row->byte | width, row->ext ^ SUB, rm);
    }
    if (row->byte == 0x83) {
        emit8(c->e, insn->imm);
    } else {
        emit32(c->e, insn->imm);
    }
}

void code_redo(Code *c, const Insn *insn)
{
    const Insn *now = c->insn;
    unsigned what = operation(opcode_row(insn->op));

    if (what == ADD || what == SUB) {
        take_back(c, insn);
    }
    c->insn = insn;
    code_copy(c);
    c->insn = now;
}

void code_redo_and_save(Code *c, const Insn *insn, unsigned temp)
{
    if (insn) {
        code_redo(c, insn);
        code_save_flags(c->e, temp);
    }
}

void code_give_redo(Code *c)
{
    emit_rip(c->e, 0x8d | X_W, S1, c->e->exec + c->jit->flags_kept, 0); /* lea */
    if (c->redo) {
        code_new_cold(c, c->e->at - 4)->gives_redo = true;
    }
}
