/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes to a decoded instruction (SDM vol. 2A, chapter 2).
 *
 * Prefixes in any order, opcode, ModRM and SIB, displacement, immediate.  The opcode
 * table says which row the bytes mean and, through its operands, what else follows.
 * Any thread; touches nothing but *insn.
 *
 * EVEX and XOP have no rows: their first bytes are BOUND and POP, and decode to
 * nothing.
 */

#include "accel/soft/decode.h"

enum { INSN_BYTES = 15 };

/* ---- prefixes and opcode ---- */

static bool take_prefix(Decoder *d, u8 byte)
{
    switch (byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e:
        /* In 64-bit mode these mean nothing and leave an FS or GS in force. */
        d->segment = code64(d) ? d->segment : byte >> 3 & 3;
        return true;
    case 0x64: case 0x65:
        d->segment = SEG_FS + (byte & 1);
        return true;
    case 0x66:
        d->opsize = true;
        return true;
    case 0x67:
        d->addrsize = true;
        return true;
    case 0xf0:
        d->lock = true;
        return true;
    case 0xf2: case 0xf3:
        d->rep = byte;
        return true;
    }
    return false;
}

/* A REX prefix counts only right before the opcode. */
static void read_prefixes(Decoder *d)
{
    for (;;) {
        u8 byte = next_byte(d);

        if (code64(d) && (byte & 0xf0) == 0x40) {
            d->rex = byte;
        } else if (take_prefix(d, byte)) {
            d->rex = 0;
        } else {
            d->opcode = byte;
            return;
        }
    }
}

/*
 * Is this LDS or LES a VEX prefix?  Outside 64-bit mode: where its ModRM byte would
 * name a register.
 */
static bool is_vex(const Decoder *d)
{
    if ((d->opcode & 0xfe) != 0xc4 || d->at >= d->n) {
        return false;
    }
    return code64(d) || (!(d->mode & MODE_REAL) && d->byte[d->at] >= 0xc0);
}

/*
 * 2.3.5: C5 has R, vvvv, L and pp in one byte; C4 has R, X, B and the map in one more
 * before it, and W. R, X, B and vvvv are inverted.
 */
static void read_vex(Decoder *d)
{
    static const u8 rep[4] = { 0, 0, 0xf3, 0xf2 };
    bool three = d->opcode == 0xc4;
    u8 first = next_byte(d), last = three ? next_byte(d) : first;
    unsigned map = three ? first & 31 : 1;

    d->vex_bad = d->opsize || d->rep || d->lock || d->rex || map < 1 || map > 3;
    d->vex = true;
    d->rex = (first & 0x80 ? 0 : REX_R) | (three && !(first & 0x40) ? REX_X : 0) |
             (three && !(first & 0x20) ? REX_B : 0) |
             (three && last & 0x80 ? REX_W : 0);
    d->rex &= code64(d) ? 15 : REX_W;
    d->vvvv = ~last >> 3 & 15;
    d->vex256 = last & 4;
    d->opsize = (last & 3) == 1;
    d->rep = rep[last & 3];
    d->map = d->vex_bad ? MAP_VEX_0F : MAP_VEX_0F + map - 1;
    d->opcode = next_byte(d);
}

static void read_opcode(Decoder *d)
{
    read_prefixes(d);
    if (is_vex(d)) {
        read_vex(d);
        return;
    }
    if (d->opcode != 0x0f) {
        return;
    }
    d->map = MAP_0F;
    d->opcode = next_byte(d);
    if (d->opcode == 0x38 || d->opcode == 0x3a) {
        d->map = d->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
        d->opcode = next_byte(d);
    }
}

/* ---- the row ---- */

static bool prefix_fits(const Decoder *d, u8 prefix)
{
    switch (prefix) {
    case P_NONE:
        return !d->opsize && !d->rep;
    case P_66:
        return d->opsize && !d->rep;
    case P_F3:
        return d->rep == 0xf3;
    case P_F2:
        return d->rep == 0xf2;
    case P_SIZE:
        return !d->rep;
    }
    return true;
}

static bool bytes_fit(const Decoder *d, const Opcode *row)
{
    return prefix_fits(d, row->prefix) && (row->ext < 0 || row->ext == d->reg) &&
           (row->rm < 0 || row->rm == d->rm);
}

static bool mode_fits(const Decoder *d, const Opcode *row)
{
    return !(row->attr & (code64(d) ? OP_NO64 : OP_ONLY64)) &&
           !(row->attr & OP_PROT && d->mode & MODE_REAL) &&
           !(row->attr & (d->rex & REX_W ? OP_W32 : OP_W64));
}

static bool takes_vvvv(const Opcode *row)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        if (row->operand[i] == O_Hx || row->operand[i] == O_By) {
            return true;
        }
    }
    return false;
}

/* Indices in a vector register need a SIB byte, and so not 16-bit addresses. */
static bool has_sib(const Decoder *d)
{
    return d->rm == RSP && (code64(d) || !(d->mode & MODE_CODE32) == d->addrsize);
}

/* vvvv that is no operand must be 1111b, which is 0 here. */
static bool vex_fits(const Decoder *d, const Opcode *row)
{
    return (row->operand[1] != O_Mv || has_sib(d)) &&
           !(row->vex & (d->vex256 ? VEX_L0 : VEX_L1)) && (!d->vvvv || takes_vvvv(row));
}

static bool form_fits(const Decoder *d, u8 traits)
{
    if (traits & HAS_SREG && d->reg > SEG_GS) {
        return false;
    }
    return traits & IGNORES_MOD || !(traits & (d->mod == 3 ? NO_REGISTER : NO_MEMORY));
}

static bool feature_fits(const Cpu *cpu, const Opcode *row)
{
    return !row->feature || !cpu || cpu_has(cpu, row->feature);
}

/* The row that the bytes mean, or OP_ILLEGAL or OP_UNKNOWN. */
static unsigned find_row(Decoder *d, const Cpu *cpu)
{
    OpCandidates can = opcode_candidates(d->map, d->opcode);
    unsigned answer = d->vex ? OP_ILLEGAL : OP_UNKNOWN;

    if (can.modrm) {
        u8 modrm = next_byte(d);

        d->mod = modrm >> 6;
        d->reg = modrm >> 3 & 7;
        d->rm = modrm & 7;
    }
    for (unsigned i = 0; i < can.n && !d->vex_bad; i++) {
        const Opcode *row = opcode_row(can.row[i]);

        if (bytes_fit(d, row)) {
            if (mode_fits(d, row) && feature_fits(cpu, row) &&
                (!d->vex || vex_fits(d, row)) &&
                (!can.modrm || form_fits(d, opcode_traits(can.row[i])))) {
                return can.row[i];
            }
            answer = OP_ILLEGAL;
        }
    }
    return answer;
}

/* ---- all of it ---- */

static OpFn *pick_function(const Insn *insn, const Opcode *row)
{
    unsigned width = insn->more & INSN2_WIDTH;

    if (!row->forms) {
        return row->fn;
    }
    if (insn->more & INSN2_LOCK) {
        return row->forms->lock[width];
    }
    return insn->shape & INSN_MEM ? row->forms->mem[width] : row->forms->reg[width];
}

static void set_row(Insn *insn, unsigned op)
{
    insn->op = op;
    insn_set_fn(insn, opcode_row(op)->fn);
}

unsigned decode_insn(const u8 *bytes, unsigned n, unsigned mode, unsigned at,
                     const Cpu *cpu, Insn *insn)
{
    Decoder d = {
        .byte = bytes, .n = MIN(n, INSN_BYTES), .mode = mode, .segment = NO_SEGMENT
    };
    OpFn *fn = NULL;
    unsigned op;

    *insn = (Insn){ .at = at, .base = REG_NONE, .index = REG_NONE };
    read_opcode(&d);
    op = d.ended ? OP_ILLEGAL : find_row(&d, cpu);
    if (op >= OP_SPECIAL && !d.ended) {
        decode_operands(&d, insn, opcode_row(op), opcode_traits(op));
        insn->op = op;
        fn = pick_function(insn, opcode_row(op));
    }
    insn->len = d.at;
    if (d.ended) {
        set_row(insn, OP_TOO_LONG);
        return n < INSN_BYTES ? 0 : INSN_BYTES;
    }
    if (!fn ||
        (d.lock && !(opcode_row(op)->attr & OP_LOCK && insn->shape & INSN_MEM))) {
        set_row(insn, op < OP_SPECIAL ? op : OP_ILLEGAL);
    } else {
        insn_set_fn(insn, fn);
    }
    return insn->len;
}
