/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder's second half: operand and address sizes, memory operands, immediates and
 * registers (SDM vol. 2A, chapter 2).  Any thread; touches nothing but *insn.
 */

#include "accel/soft/decode.h"

/* `size` bytes, little-endian. */
static u64 next_bytes(Decoder *d, unsigned size)
{
    u64 value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (u64)next_byte(d) << (i * 8);
    }
    return value;
}

static s64 next_signed(Decoder *d, unsigned size)
{
    unsigned unused = 64 - size * 8;

    return size ? (s64)(next_bytes(d, size) << unused) >> unused : 0;
}

/* ---- sizes ---- */

static unsigned address_shape(const Decoder *d)
{
    if (code64(d)) {
        return d->addrsize ? INSN_ADDR32 : INSN_ADDR64;
    }
    return !(d->mode & MODE_CODE32) == d->addrsize ? INSN_ADDR32 : INSN_ADDR16;
}

/* Operand size, log2 bytes. */
static unsigned operand_width(const Decoder *d, const Opcode *row, u8 traits)
{
    bool opsize = d->opsize && row->prefix != P_66;

    if (row->attr & OP_BYTE) {
        return 0;
    }
    if (code64(d) && (d->rex & REX_W || row->attr & OP_FORCE64)) {
        return 3;
    }
    if (traits & HAS_Y) {
        return 2;
    }
    if (code64(d)) {
        return opsize ? 1 : row->attr & OP_DEF64 ? 3 : 2;
    }
    return !(d->mode & MODE_CODE32) == opsize ? 2 : 1;
}

/* ---- memory operands ---- */

static void use_stack_segment(Decoder *d, Insn *insn, unsigned base)
{
    if ((base == RBP || base == RSP) && d->segment == NO_SEGMENT && !code64(d)) {
        insn->seg = SEG_SS;
    }
}

/* Table 2-1: 16-bit addresses. */
static void read_memory16(Decoder *d, Insn *insn)
{
    static const u8 base[8] = { RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX };
    static const u8 index[8] = { RSI,      RDI,      RSI,      RDI,
                                 REG_NONE, REG_NONE, REG_NONE, REG_NONE };

    if (d->mod == 0 && d->rm == 6) {
        insn->disp = next_signed(d, 2);
        return;
    }
    insn->base = base[d->rm];
    insn->index = index[d->rm];
    insn->disp = next_signed(d, d->mod);
    use_stack_segment(d, insn, insn->base);
}

/*
 * Table 2-3.  Without a base there is a 32-bit displacement; index 4 is none, but 12 is
 * r12. With VSIB any index is one, of a vector register.
 */
static void read_sib(Decoder *d, Insn *insn, bool vsib)
{
    u8 sib = next_byte(d);
    unsigned index = (sib >> 3 & 7) | (d->rex & REX_X) << 2;

    if (vsib) {
        insn->imm = index << 12;
        insn->shape |= sib >> 6;
    } else if (index != RSP) {
        insn->index = index;
        insn->shape |= sib >> 6;
    }
    if ((sib & 7) == RBP && d->mod == 0) {
        insn->disp = next_signed(d, 4);
    } else {
        insn->base = (sib & 7) | (d->rex & REX_B) << 3;
    }
}

/*
 * Table 2-2, and RIP-relative addresses in place of plain displacements in 64-bit mode
 * (2.2.1.6).
 */
static void read_memory(Decoder *d, Insn *insn, bool vsib)
{
    if (d->rm == RSP) {
        read_sib(d, insn, vsib);
    } else if (d->mod == 0 && d->rm == RBP) {
        insn->disp = next_signed(d, 4);
        insn->base = code64(d) ? REG_BLOCK : REG_NONE;
    } else {
        insn->base = d->rm | (d->rex & REX_B) << 3;
    }
    if (d->mod) {
        insn->disp = next_signed(d, d->mod == 1 ? 1 : 4);
    }
    use_stack_segment(d, insn, insn->base);
}

/* RIP-relative displacements count from the next instruction, ours from the block. */
static void resolve_rip(Insn *insn)
{
    s64 disp = (s64)insn->disp + insn->at + insn->len;

    if (insn->base != REG_BLOCK) {
        return;
    }
    if (disp > INT32_MAX) {
        insn->index = REG_2G;
        disp -= 1ll << 31;
    }
    insn->disp = disp;
}

/* ---- immediates ---- */

/* ENTER has two: its second one, a byte, goes above the first. */
static void read_immediate(Decoder *d, Insn *insn, Operand operand, Operand before)
{
    unsigned width = insn->more & INSN2_WIDTH, half = width == 1 ? 2 : 4;

    switch (operand) {
    case O_Ib: case O_Lx:
        insn->imm |= next_byte(d) << (before == O_Iw ? 16 : 0);
        break;
    case O_1:
        insn->imm = 1;
        break;
    case O_sIb:
        insn->imm = next_signed(d, 1);
        break;
    case O_Jb:
        insn->wide = next_signed(d, 1);
        break;
    case O_Iw:
        insn->imm = next_bytes(d, 2);
        break;
    case O_Iz:
        insn->imm = next_signed(d, half);
        break;
    case O_Jz:
        insn->wide = next_signed(d, half);
        break;
    case O_Iv:
        insn->wide = next_signed(d, 1 << width);
        break;
    case O_Ap:
        insn->wide = next_bytes(d, half);
        insn->wide |= next_bytes(d, 2) << 32;
        break;
    case O_Ob:
    case O_Ov:
        insn->wide = next_bytes(d, 2 << (address_shape(d) >> 2));
        break;
    default:
        break;
    }
}

/* ---- registers ---- */

static u8 byte_register(const Decoder *d, u8 reg)
{
    return d->rex || reg < RSP ? reg : BYTE_HIGH | (reg - RSP);
}

static void set_registers(const Decoder *d, Insn *insn, const Opcode *row, bool modrm)
{
    u8 r = modrm ? d->reg | (d->rex & REX_R) << 1 :
                   (d->opcode & 7) | (d->rex & REX_B) << 3;
    u8 b = modrm ? d->rm | (d->rex & REX_B) << 3 : 0;

    insn->reg = r;
    insn->rm = b;
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Gb: case O_Zb:
            insn->reg = byte_register(d, r);
            break;
        case O_Eb:
            insn->rm = byte_register(d, b);
            break;
        case O_Sw: case O_Pq:
            insn->reg = r & 7;
            break;
        case O_Qq: case O_Qd: case O_Nq: case O_STi:
            insn->rm = b & 7;
            break;
        }
    }
}

static void set_sizes(const Decoder *d, Insn *insn, const Opcode *row, u8 traits)
{
    insn->shape = address_shape(d);
    insn->more = operand_width(d, row, traits);
    insn->more |= code64(d) ? INSN2_CODE64 : d->mode & MODE_CODE32 ? INSN2_CODE32 : 0;
    insn->more |= d->lock ? INSN2_LOCK : 0;
    insn->more |= d->vex256 ? INSN2_VEX256 : 0;
    insn->shape |= d->rex ? INSN_REX : 0;
    if (row->attr & OP_REP && d->rep) {
        insn->shape |= d->rep == 0xf3 ? INSN_REPZ : INSN_REPNZ;
    }
    insn->seg = d->segment != NO_SEGMENT ? d->segment : code64(d) ? SEG_FLAT : SEG_DS;
}

/* ---- all of it ---- */

void decode_operands(Decoder *d, Insn *insn, const Opcode *row, u8 traits)
{
    set_sizes(d, insn, row, traits);
    set_registers(d, insn, row, traits & HAS_MODRM);
    if (traits & HAS_MODRM && d->mod != 3 && !(traits & IGNORES_MOD)) {
        insn->shape |= INSN_MEM;
        if ((insn->shape & INSN_ADDR) == INSN_ADDR16) {
            read_memory16(d, insn);
        } else {
            read_memory(d, insn, row->operand[1] == O_Mv);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        read_immediate(d, insn, row->operand[i], i ? row->operand[i - 1] : O_NONE);
    }
    insn->imm |= d->vvvv << 8;
    insn->len = d->at;
    resolve_rip(insn);
    if (traits & HAS_TARGET) {
        insn->wide += insn->at + insn->len;
    }
}

