/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions behind a VEX prefix, copied: AVX, AVX2, FMA and the like on the guest's
 * YMM registers in the host's, BMI on general registers.  Masks, gathers and strings
 * are the interpreter's, as are general registers that have none in the host.
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/vex.h"

/* Which operand is ModRM.rm; -1: none. */
static int rm_operand(const Opcode *row)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Wx:
        case O_Ux:
        case O_Wq:
        case O_Wd:
        case O_Ww:
        case O_M:
        case O_Mb:
        case O_Mw:
        case O_Md:
        case O_Mq:
        case O_Mdq: case O_Ed: case O_Ey:
            return i;
        }
    }
    return -1;
}

/* 0: not known here. */
static unsigned memory_bytes(const Insn *insn, const Opcode *row, u8 operand)
{
    bool ymm = insn->more & INSN2_VEX256;
    unsigned scale = ymm && row->vex & VEX_SCALES ? 2 : 1;

    if (row->memory) {
        return row->memory;
    }
    switch (operand) {
    case O_Wx: case O_M:
        return ymm ? 32 : 16;
    case O_Wq: case O_Mq:
        return 8 * scale;
    case O_Wd: case O_Ed: case O_Md:
        return 4 * scale;
    case O_Ww:
        return 2 * scale;
    case O_Ey:
        return (insn->more & INSN2_WIDTH) == 3 ? 8 : 4;
    }
    return 0;
}

/*
 * The host's register for an operand in ModRM.reg, ModRM.rm or VEX.vvvv; -1: it has
 * none.
 */
static int host_reg(const Opcode *row, const u8 *kinds, unsigned n, unsigned guest)
{
    for (unsigned i = 0; i < n; i++) {
        if (memchr(row->operand, kinds[i], sizeof row->operand)) {
            return host_register_of[guest];
        }
    }
    return guest;
}
#define HOST_REG(row, guest, ...)                                                      \
    host_reg(row, (const u8[]){ __VA_ARGS__ }, sizeof(const u8[]){ __VA_ARGS__ }, guest)

static VexOp vex_code(const Insn *insn, const Opcode *row, unsigned vvvv)
{
    static const u8 prefix[] = { [P_66] = 1, [P_F3] = 2, [P_F2] = 3 };

    return (VexOp){ .map = row->map - MAP_VEX_0F + 1,
                    .byte = row->byte,
                    .prefix = prefix[row->prefix],
                    .vvvv = vvvv,
                    .wide = (insn->more & INSN2_WIDTH) == 3,
                    .ymm = insn->more & INSN2_VEX256 };
}

static bool known(const Code *c, const Opcode *row)
{
    return row->map >= MAP_VEX_0F && row->prefix <= P_F2 &&
           (row->fn == vex_op || row->fn == vex_move_load ||
            row->fn == vex_move_store || row->fn == vex_zero) &&
           (!(c->insn->shape & INSN_MEM) || code_can_address(c));
}

static void immediate(Code *c, const Opcode *row)
{
    if (memchr(row->operand, O_Ib, sizeof row->operand) ||
        memchr(row->operand, O_Lx, sizeof row->operand)) {
        emit8(c->e, c->insn->imm);
    }
}

static void with_memory(Code *c, const Opcode *row, const VexOp *op, unsigned reg,
                        unsigned size, bool write)
{
    Place place;

    code_begin_access(c);
    place = code_operand(c, size, write);
    code_end_access(c, &place);
    code_vex_at(c, op, reg, &place);
    immediate(c, row);
}

bool code_vex(Code *c)
{
    const Insn *insn = c->insn;
    const Opcode *row = opcode_row(insn->op);
    int rm_at, reg, rm, vvvv;
    unsigned size = 0;
    VexOp op;

    if (!known(c, row)) {
        return false;
    }
    rm_at = rm_operand(row);
    reg = row->ext >= 0 ? row->ext : HOST_REG(row, insn->reg, O_Gd, O_Gy);
    rm = insn->shape & INSN_MEM ? 0 : HOST_REG(row, insn->rm, O_Ed, O_Ey);
    vvvv = HOST_REG(row, insn_vvvv(insn), O_By);
    if (insn->shape & INSN_MEM) {
        size = rm_at < 0 ? 0 : memory_bytes(insn, row, row->operand[rm_at]);
    }
    if (reg < 0 || rm < 0 || vvvv < 0 || (insn->shape & INSN_MEM && !size)) {
        return false;
    }
    op = vex_code(insn, row, vvvv);
    if (row->attr & OP_SSE || row->fn == vex_zero) {
        code_want_fp(c, FP_AVX);
    }
    if (insn->shape & INSN_MEM) {
        with_memory(c, row, &op, reg, size, rm_at == 0);
        return true;
    }
    if (row->attr & OP_MXCSR) {
        code_trap(c);
    }
    emit_vex_rr(c->e, &op, reg, rm, row->fn != vex_zero);
    immediate(c, row);
    return true;
}
