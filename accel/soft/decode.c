/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes to a decoded instruction (SDM vol. 2A, chapter 2).
 *
 * Prefixes in any order, opcode, ModRM and SIB, displacement, immediate.  The opcode table says which row the bytes mean and,
 * through its operands, what else follows.  Any thread; touches nothing but *insn.
 *
 * VEX, EVEX and XOP have no rows: in 64-bit mode their first byte is LDS, LES, BOUND or POP and decodes to nothing.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/soft.h"

enum { INSN_BYTES = 15, NO_SEGMENT = 0xff };

typedef struct {
    const u8 *byte;
    unsigned n;                 /* bytes there are */
    unsigned at;                /* read so far */
    unsigned mode;
    bool ended;                 /* more was asked for than there is */

    bool opsize, addrsize, lock;
    u8 rep;                     /* 0, 0xf2 or 0xf3: the last one */
    u8 segment;                 /* override, or NO_SEGMENT */
    u8 rex;                     /* 0: none */
    u8 map, opcode;
    u8 mod, reg, rm;            /* ModRM, without REX */
} Decoder;

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

static u8 next_byte(Decoder *d)
{
    if (d->at >= d->n) {
        d->ended = true;
        return 0;
    }
    return d->byte[d->at++];
}

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

static bool code64(const Decoder *d)
{
    return d->mode & MODE_CODE64;
}

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

static void read_opcode(Decoder *d)
{
    read_prefixes(d);
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
    unsigned answer = OP_UNKNOWN;

    if (can.modrm) {
        u8 modrm = next_byte(d);

        d->mod = modrm >> 6;
        d->reg = modrm >> 3 & 7;
        d->rm = modrm & 7;
    }
    for (unsigned i = 0; i < can.n; i++) {
        const Opcode *row = opcode_row(can.row[i]);

        if (bytes_fit(d, row)) {
            if (mode_fits(d, row) && feature_fits(cpu, row) &&
                (!can.modrm || form_fits(d, opcode_traits(can.row[i])))) {
                return can.row[i];
            }
            answer = OP_ILLEGAL;
        }
    }
    return answer;
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
    static const u8 index[8] = { RSI, RDI, RSI, RDI, REG_NONE, REG_NONE, REG_NONE, REG_NONE };

    if (d->mod == 0 && d->rm == 6) {
        insn->disp = next_signed(d, 2);
        return;
    }
    insn->base = base[d->rm];
    insn->index = index[d->rm];
    insn->disp = next_signed(d, d->mod);
    use_stack_segment(d, insn, insn->base);
}

/* Table 2-3.  Without a base there is a 32-bit displacement; index 4 is none, but 12 is r12. */
static void read_sib(Decoder *d, Insn *insn)
{
    u8 sib = next_byte(d);
    unsigned index = (sib >> 3 & 7) | (d->rex & REX_X) << 2;

    if (index != RSP) {
        insn->index = index;
        insn->shape |= sib >> 6;
    }
    if ((sib & 7) == RBP && d->mod == 0) {
        insn->disp = next_signed(d, 4);
    } else {
        insn->base = (sib & 7) | (d->rex & REX_B) << 3;
    }
}

/* Table 2-2, and RIP-relative addresses in place of plain displacements in 64-bit mode (2.2.1.6). */
static void read_memory(Decoder *d, Insn *insn)
{
    if (d->rm == RSP) {
        read_sib(d, insn);
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
    case O_Ib:
        insn->imm |= (u64)next_byte(d) << (before == O_Iw ? 16 : 0);
        break;
    case O_1:
        insn->imm = 1;
        break;
    case O_sIb:
    case O_Jb:
        insn->imm = next_signed(d, 1);
        break;
    case O_Iw:
        insn->imm = next_bytes(d, 2);
        break;
    case O_Iz:
    case O_Jz:
        insn->imm = next_signed(d, half);
        break;
    case O_Iv:
        insn->imm = next_signed(d, 1 << width);
        break;
    case O_Ap:
        insn->imm = next_bytes(d, half);
        insn->imm |= next_bytes(d, 2) << 32;
        break;
    case O_Ob:
    case O_Ov:
        insn->imm = next_bytes(d, 2 << (address_shape(d) >> 2));
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
    u8 r = modrm ? d->reg | (d->rex & REX_R) << 1 : (d->opcode & 7) | (d->rex & REX_B) << 3;
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
    insn->fn = opcode_row(op)->fn;
}

static void set_sizes(const Decoder *d, Insn *insn, const Opcode *row, u8 traits)
{
    insn->shape = address_shape(d);
    insn->more = operand_width(d, row, traits);
    insn->more |= code64(d) ? INSN2_CODE64 : d->mode & MODE_CODE32 ? INSN2_CODE32 : 0;
    insn->more |= d->lock ? INSN2_LOCK : 0;
    insn->shape |= d->rex ? INSN_REX : 0;
    if (row->attr & OP_REP && d->rep) {
        insn->shape |= d->rep == 0xf3 ? INSN_REPZ : INSN_REPNZ;
    }
    insn->seg = d->segment != NO_SEGMENT ? d->segment : code64(d) ? SEG_FLAT : SEG_DS;
}

/* What follows the opcode and ModRM bytes, as the row's operands say. */
static void read_operands(Decoder *d, Insn *insn, const Opcode *row, u8 traits)
{
    set_sizes(d, insn, row, traits);
    set_registers(d, insn, row, traits & HAS_MODRM);
    if (traits & HAS_MODRM && d->mod != 3 && !(traits & IGNORES_MOD)) {
        insn->shape |= INSN_MEM;
        if ((insn->shape & INSN_ADDR) == INSN_ADDR16) {
            read_memory16(d, insn);
        } else {
            read_memory(d, insn);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        read_immediate(d, insn, row->operand[i], i ? row->operand[i - 1] : O_NONE);
    }
    insn->len = d->at;
    resolve_rip(insn);
    if (traits & HAS_TARGET) {
        insn->imm += insn->at + insn->len;
    }
}

unsigned decode_insn(const u8 *bytes, unsigned n, unsigned mode, unsigned at, const Cpu *cpu,
                     Insn *insn)
{
    Decoder d = { .byte = bytes, .n = MIN(n, INSN_BYTES), .mode = mode, .segment = NO_SEGMENT };
    unsigned op;

    *insn = (Insn){ .at = at, .base = REG_NONE, .index = REG_NONE };
    read_opcode(&d);
    op = d.ended ? OP_ILLEGAL : find_row(&d, cpu);
    if (op >= OP_SPECIAL && !d.ended) {
        read_operands(&d, insn, opcode_row(op), opcode_traits(op));
        insn->op = op;
        insn->fn = pick_function(insn, opcode_row(op));
    }
    insn->len = d.at;
    if (d.ended) {
        set_row(insn, OP_TOO_LONG);
        return n < INSN_BYTES ? 0 : INSN_BYTES;
    }
    if (!insn->fn || (d.lock && !(opcode_row(op)->attr & OP_LOCK && insn->shape & INSN_MEM))) {
        set_row(insn, op < OP_SPECIAL ? op : OP_ILLEGAL);
    }
    return insn->len;
}
