/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags: where they are alive, and how they are kept from what clobbers them.
 *
 * A check of the TLB clobbers the host's flags.  They are saved before it only if the
 * guest's instructions still read them, and come back when one does, or changes some of
 * them.  Where another block begins all are taken to be read.  So at a fault or an
 * interrupt, flags that nothing reads any more are not what they were.
 */

#include "accel/soft/block_tables.h"
#include "accel/soft/jit/code.h"

/* As Cpu.arith has them. */
void code_save_flags(Emit *e, unsigned temp)
{
    if (temp != NO_REG) {
        emit_rr(e, 0x8b | X_W, temp, H_RAX);
    } else {
        emit_cpu(e, 0x89 | X_W, H_RAX, CPU_GPR(RAX));
    }
    emit8(e, 0x9f);                                         /* lahf */
    emit_rr(e, 0x90 | X_0F, 0, H_RAX);                      /* seto %al */
    emit_cpu(e, 0x89 | X_66, H_RAX, offsetof(Cpu, arith));
    if (temp != NO_REG) {
        emit_rr(e, 0x8b | X_W, H_RAX, temp);
    } else {
        emit_cpu(e, 0x8b | X_W, H_RAX, CPU_GPR(RAX));
    }
}

void code_restore_flags(Emit *e, unsigned temp)
{
    emit_rr(e, 0x8b | X_W, temp, H_RAX);
    emit_cpu(e, 0xb7 | X_0F, H_RAX, offsetof(Cpu, arith));  /* movzwl */
    emit8(e, 0x04);                                         /* add $0x7f, %al */
    emit8(e, 0x7f);
    emit8(e, 0x9e);                                         /* sahf */
    emit_rr(e, 0x8b | X_W, H_RAX, temp);
}

static bool has(const Opcode *row, Operand operand)
{
    return memchr(row->operand, operand, sizeof row->operand);
}

/* Shifts and rotations that may be by 0 leave all flags as they are. */
static bool may_shift_by_0(const Insn *insn, const Opcode *row)
{
    bool shift = row->map == MAP_1 ?
                     (row->byte & 0xfe) == 0xc0 || (row->byte & 0xfc) == 0xd0 :
                     row->map == MAP_0F && (row->byte & 0xf6) == 0xa4;

    return shift && !has(row, O_1) && (has(row, O_CL) || !(insn->imm & 31));
}

/* They leave flags undefined, which is to leave them alone. */
static bool is_division(const Opcode *row)
{
    return row->map == MAP_1 && (row->byte & 0xfe) == 0xf6 && row->ext >= 6;
}

void code_keep_flags(Code *c)
{
    if (!c->saved) {
        c->redo = code_find_redo(c);
        if (!c->redo) {
            code_save_flags(c->e, S2);
        }
        c->saved = true;
    }
}

/* Does the instruction set all flags that are alive after it, whatever they were? */
static bool overwrites(const Code *c, const Opcode *row)
{
    return !(c->live[c->i + 1] & ~row->writes) && !may_shift_by_0(c->insn, row) &&
           !is_division(row);
}

void code_settle_flags(Code *c, unsigned temp)
{
    const Opcode *row = opcode_row(c->insn->op);

    if (!row->reads && !row->writes) {
        return;
    }
    if (c->gone && c->saved && (row->reads || !overwrites(c, row))) {
        c->redo ? code_redo(c, c->redo) : code_restore_flags(c->e, temp);
    }
    c->gone = false;
    if (row->writes) {
        c->saved = false;
        c->redo = NULL;
    }
}

void code_leave_flags(Code *c)
{
    if (c->live[c->i]) {
        code_keep_flags(c);
    }
    c->saved = c->gone = true;
}

/*
 * Bytes of the code at `to`, from the page's start, that say that no flag is read there
 * before it is written; 0: they don't, or it is not decoded.
 */
static unsigned bytes_to_dead(const Code *c, s64 to)
{
    gpa at = (c->block->at & PAGE_MASK) + to;
    const Block *block = to >= 0 && to < (s64)PAGE_BYTES ?
                             hash_find(c->blocks, at, c->block->mode) : NULL;
    u16 live = FLAGS_ARITH;

    for (unsigned i = 0; block && i < block->n; i++) {
        const Insn *insn = &block->insn[i];
        const Opcode *row = opcode_row(insn->op);

        if (row->attr & (OP_ENDS | OP_REP) || row->reads & live) {
            return 0;
        }
        if (!may_shift_by_0(insn, row) && !is_division(row)) {
            live &= ~row->writes;
        }
        if (!live) {
            return insn->at + insn->len;
        }
    }
    return 0;
}

bool code_dead_behind(Code *c)
{
    unsigned bytes = bytes_to_dead(c, c->page_at + c->insn->at + c->insn->len);

    c->block->peek_behind = bytes;
    return bytes && bytes == c->block->peek_behind;
}

/* Does the block end in a jump or a call to where all flags are dead? */
static bool dead_behind_end(Code *c)
{
    const Insn *last = &c->block->insn[c->block->n - 1];
    const Opcode *row = opcode_row(last->op);
    s64 to = (s64)c->page_at + (s32)last->wide;
    bool jump = row->map == MAP_1 && (row->byte == 0xe9 || row->byte == 0xeb);
    unsigned bytes = jump || code_is_call(last) ? bytes_to_dead(c, to) : 0;

    c->block->peek_at = to;
    c->block->peek_bytes = bytes;
    return bytes && bytes == c->block->peek_bytes;
}

void code_find_live(Code *c)
{
    u16 live = FLAGS_ARITH;
    bool dead = dead_behind_end(c);

    c->live[c->block->n] = live;
    for (unsigned i = c->block->n; i-- > 0;) {
        const Insn *insn = &c->block->insn[i];
        const Opcode *row = opcode_row(insn->op);

        if (row->attr & (OP_ENDS | OP_REP)) {
            live = dead && i + 1 == c->block->n ? 0 : FLAGS_ARITH;
        } else if (may_shift_by_0(insn, row) || is_division(row)) {
            live |= row->reads;
        } else {
            live = (live & ~row->writes) | row->reads;
        }
        c->live[i] = live;
    }
}

/* Does it access memory, but not look at flags? */
static bool is_access(const Insn *insn, const Opcode *row)
{
    return !row->reads && !row->writes &&
           ((insn->shape & INSN_MEM && !code_is_lea(insn)) || code_is_call(insn) ||
            code_is_return(insn) ||
            (row->map == MAP_1 && (row->byte == 0x50 || row->byte == 0x58)));
}

bool code_puts_flags_away(const Code *c)
{
    for (unsigned i = 0; c->live[0] && i < c->block->n; i++) {
        const Insn *insn = &c->block->insn[i];
        const Opcode *row = opcode_row(insn->op);

        if (is_access(insn, row)) {
            return true;
        }
        if (row->reads || row->writes ||
            (row->class != CLASS_COPY && !code_is_lea(insn))) {
            return false;
        }
    }
    return false;
}
