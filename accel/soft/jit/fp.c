/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87, MMX and SSE instructions, copied (fp_state.c has the registers).  A block looks
 * once whether the registers are in the host's; while it does not call anything they
 * stay there.  What an instruction does not permit (an unaligned operand, an unmasked
 * exception) traps on the host as well: the signal's handler leads to the interpreter,
 * which does the instruction again.
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/x87.h"

/* ---- operands ---- */

typedef enum {
    KIND_OTHER,
    KIND_NONE,
    KIND_VECTOR,
    KIND_GPR,
    KIND_MEMORY,
    KIND_IMM
} Kind;

static Kind operand_kind(u8 operand)
{
    switch (operand) {
    case O_NONE:
        return KIND_NONE;
    case O_Vx: case O_Wx: case O_Ux: case O_Wd: case O_Wq: case O_Ww:
    case O_Pq: case O_Qq: case O_Qd: case O_Nq:
        return KIND_VECTOR;
    case O_Ed:
    case O_Ey:
    case O_Eq:
    case O_Ew:
    case O_Eb:
    case O_Gd:
    case O_Gy:
    case O_Gq:
    case O_Rd:
    case O_Ry:
        return KIND_GPR;
    case O_M: case O_Mb: case O_Mw: case O_Md: case O_Mq: case O_Mdq:
        return KIND_MEMORY;
    case O_Ib:
        return KIND_IMM;
    }
    return KIND_OTHER;
}

static bool is_reg_field(u8 operand)
{
    return operand == O_Vx || operand == O_Pq || operand == O_Gd || operand == O_Gy ||
           operand == O_Gq;
}

static unsigned operand_bytes(const Code *c, u8 operand)
{
    const Opcode *row = opcode_row(c->insn->op);

    if (row->memory) {
        return row->memory;
    }
    switch (operand) {
    case O_Wx: case O_Mdq:
        return 16;
    case O_Wq: case O_Eq: case O_Mq: case O_Qq:
        return 8;
    case O_Wd: case O_Ed: case O_Md: case O_Qd:
        return 4;
    case O_Ww: case O_Mw: case O_Ew:
        return 2;
    case O_Mb: case O_Eb:
        return 1;
    case O_Ey:
        return (c->insn->more & INSN2_WIDTH) == 3 ? 8 : 4;
    }
    return 0;
}

/* Which operand is ModRM.rm: 0 or 1; -1: something that is not known here. */
static int rm_operand(const Opcode *row)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        Kind kind = operand_kind(row->operand[i]);

        if (kind == KIND_OTHER || (i >= 2 && kind != KIND_NONE && kind != KIND_IMM)) {
            return -1;
        }
    }
    if (row->ext >= 0 || !is_reg_field(row->operand[0])) {
        return 0;
    }
    return 1;
}

static u32 host_opcode(const Code *c, const Opcode *row)
{
    static const u32 prefix[] = { [P_66] = X_66, [P_F3] = X_F3, [P_F2] = X_F2 };

    return row->byte | (u32)row->map << 8 |
           (row->prefix < G_N_ELEMENTS(prefix) ? prefix[row->prefix] : 0) |
           ((c->insn->more & INSN2_WIDTH) == 3 ? X_W : 0);
}

/* ---- in a block ---- */

void code_want_fp(Code *c, unsigned what)
{
    Cold *cold;

    if (c->fp & what) {
        return;
    }
    code_begin_access(c);
    emit_cpu(c->e, 0xf6, 0, offsetof(Cpu, fp_live));            /* testb */
    emit8(c->e, what);
    cold = code_new_cold(c, emit_jump(c->e, CC_Z, 0));
    cold->insn = c->insn;
    cold->load_fp = what;
    cold->back = c->e->at;
    code_end_access(c, NULL);
    c->fp |= what | FP_SSE;
}

/* The general register of an operand, loaded into S2 if it has no place. */
static unsigned gpr(Code *c, unsigned guest)
{
    return code_reg(c, guest, S2);
}

static void immediate(Code *c, const Opcode *row)
{
    if (memchr(row->operand, O_Ib, sizeof row->operand)) {
        emit8(c->e, c->insn->imm);
    }
}

static bool reg_is_gpr(const Opcode *row)
{
    return row->ext < 0 && (is_reg_field(row->operand[0]) ?
                                operand_kind(row->operand[0]) :
                                operand_kind(row->operand[1])) == KIND_GPR;
}

void code_sse_at(Code *c, const Place *place)
{
    const Opcode *row = opcode_row(c->insn->op);
    unsigned reg = row->ext >= 0 ? (unsigned)row->ext : c->insn->reg;

    if (reg_is_gpr(row)) {
        reg = code_reg(c, c->insn->reg, place->spare);
    }
    code_at(c, host_opcode(c, row), reg, place);
    immediate(c, row);
    if (reg_is_gpr(row) && is_reg_field(row->operand[0])) {
        scratch_store(c, c->insn->reg, place->spare);
    }
}

static void copy_memory(Code *c, unsigned size, bool write)
{
    Place place;

    code_begin_access(c);
    place = code_operand(c, size, write);
    code_end_access(c, &place);
    code_sse_at(c, &place);
}

static void copy_registers(Code *c, const Opcode *row, int rm_at, bool mmx)
{
    u8 rm_is = row->operand[rm_at], reg_is = row->operand[!rm_at];
    unsigned reg = row->ext >= 0 ? (unsigned)row->ext : c->insn->reg, rm = c->insn->rm;
    bool reg_gpr = row->ext < 0 && operand_kind(reg_is) == KIND_GPR,
         rm_gpr = operand_kind(rm_is) == KIND_GPR;

    if (reg_gpr) {
        reg = gpr(c, reg);
    }
    if (rm_gpr) {
        rm = gpr(c, rm);
    }
    if (row->attr & (OP_MXCSR | OP_MMX) || mmx) {
        code_trap(c);
    }
    emit_rr(c->e, host_opcode(c, row), reg, rm);
    immediate(c, row);
    if (reg_gpr && rm_at == 1) {
        scratch_store(c, c->insn->reg, S2);
    }
    if (rm_gpr && rm_at == 0) {
        scratch_store(c, c->insn->rm, S2);
    }
}

/* Has it an MMX register (or, CVTPI2PS and its like, could it)? */
static bool uses_mmx(const Opcode *row)
{
    static const u8 operand[] = { O_Pq, O_Qq, O_Qd, O_Nq };

    for (unsigned i = 0; i < sizeof operand; i++) {
        if (memchr(row->operand, operand[i], sizeof row->operand)) {
            return true;
        }
    }
    return row->attr & OP_MMX;
}

static bool is_copied(const Opcode *row)
{
    return row->attr & (OP_SSE | OP_MMX) && row->class == CLASS_COPY &&
           row->map <= MAP_0F3A && rm_operand(row) >= 0 &&
           !(row->map == MAP_0F && row->byte == 0xf7); /* maskmov */
}

bool code_is_sse(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    return is_copied(row) && !uses_mmx(row) && !reg_is_gpr(row) &&
           (insn->shape & INSN_MEM ||
            operand_kind(row->operand[rm_operand(row)]) == KIND_VECTOR);
}

unsigned code_sse_bytes(const Code *c, bool *write)
{
    const Opcode *row = opcode_row(c->insn->op);
    int rm_at = rm_operand(row);

    *write = rm_at == 0;
    return operand_bytes(c, row->operand[rm_at]);
}

bool code_sse(Code *c)
{
    const Opcode *row = opcode_row(c->insn->op);
    bool memory = c->insn->shape & INSN_MEM, mmx = uses_mmx(row);
    int rm_at = rm_operand(row);
    unsigned size;

    if (!is_copied(row)) {
        return false;
    }
    size = operand_bytes(c, row->operand[rm_at]);
    if (memory && (!size || !code_can_address(c))) {
        return false;
    }
    code_want_fp(c, FP_SSE);
    if (mmx) {
        code_want_fp(c, FP_X87);
    }
    if (memory) {
        copy_memory(c, size, rm_at == 0);
    } else {
        copy_registers(c, row, rm_at, mmx);
    }
    return true;
}

/* ---- x87 ---- */

/*
 * Instructions that compute.  Those that show or set the environment are the
 * interpreter's.  Any may find an exception pending, and trap.  Stores with an
 * exception that is not masked may change less than they seem to, but as the host does.
 */
bool code_x87(Code *c)
{
    const Insn *insn = c->insn;
    const Opcode *row = opcode_row(insn->op);
    bool memory = row->fn == x87_load || row->fn == x87_store;
    Place place;

    if (!(memory && code_can_address(c)) && row->fn != x87_register) {
        return false;
    }
    code_want_fp(c, FP_X87);
    if (!memory) {
        code_trap(c);
        emit8(c->e, row->byte);
        emit8(c->e, 0xc0 | (insn->reg & 7) << 3 | (insn->rm & 7));
        return true;
    }
    code_begin_access(c);
    place = code_operand(c, row->memory, row->fn == x87_store);
    code_end_access(c, &place);
    code_at(c, row->byte, insn->reg & 7, &place);
    return true;
}
