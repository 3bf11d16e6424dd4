/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer instructions that are emitted as they are, but for the names of registers.
 * Registers that have none in the host are loaded into a scratch register before and
 * stored after.
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

/* ---- what rows say ---- */

static bool is_byte(u8 operand)
{
    return operand == O_Eb || operand == O_Gb || operand == O_Zb;
}

static bool row_has_byte(const Opcode *row)
{
    return is_byte(row->operand[0]) || is_byte(row->operand[1]);
}

static bool is_rm(u8 operand)
{
    return operand >= O_Eb && operand <= O_Ev;
}

static bool is_reg(u8 operand)
{
    return (operand >= O_Gb && operand <= O_Gv) || operand == O_Zb || operand == O_Zv ||
           operand == O_Zq;
}

static bool row_uses_reg(const Opcode *row)
{
    return is_reg(row->operand[0]) || is_reg(row->operand[1]);
}

/* Bytes of the operand that may be memory; 0: there is none. */
static unsigned memory_size(const Code *c)
{
    const Opcode *row = row_of(c);

    for (unsigned i = 0; i < 2; i++) {
        switch (row->operand[i]) {
        case O_Eb: case O_Mb:
            return 1;
        case O_Ew: case O_Mw:
            return 2;
        case O_Ed: case O_Md:
            return 4;
        case O_Eq: case O_Mq:
            return 8;
        case O_Mdq:
            return 16;
        case O_Ev: case O_Ey:
            return 1u << width(c);
        }
    }
    return 0;
}

enum {
    IS_READ = 1, IS_DIVISION = 2, IS_BOTH = 4, IS_COPY = 8, IS_ALIGNED = 16, IS_NEW = 32,
};

/*
 * Does it only read its first operand?  Does it write both?  May it be copied, whatever
 * its row says?  Does it trap unless its operand, which it writes, is aligned?  Does it
 * write its first operand without reading it?
 */
static unsigned row_kind(const Opcode *row)
{
    if (row->map == MAP_0F) {
        switch (row->byte) {
        case 0xa3:                                      /* bt */
            return IS_READ;
        case 0xba:
            return row->ext == 4 ? IS_READ : 0;
        case 0xb0: case 0xb1:                           /* cmpxchg */
            return IS_COPY;
        case 0xc0: case 0xc1:                           /* xadd */
            return IS_COPY | IS_BOTH;
        case 0xc7:                                      /* cmpxchg16b */
            return row->operand[0] == O_Mdq ? IS_COPY | IS_ALIGNED : 0;
        case 0xb6: case 0xb7: case 0xbe: case 0xbf:     /* movzx movsx */
            return IS_NEW;
        case 0xb8: case 0xbc: case 0xbd:                /* popcnt tzcnt lzcnt */
            return row->prefix == P_F3 ? IS_NEW : 0;
        }
        return 0;
    }
    if (row->map == MAP_0F38) {                         /* crc32 */
        return row->prefix == P_F2 && (row->byte & 0xfe) == 0xf0 ? IS_COPY : 0;
    }
    if ((row->byte & 0xf8) == 0x38 ||
        (row->byte >= 0x80 && row->byte <= 0x83 && row->ext == 7) ||
        (row->byte & 0xfe) == 0x84 || (row->byte & 0xfe) == 0xa8) {
        return IS_READ;                                 /* cmp, test */
    }
    if ((row->byte & 0xfe) == 0xf6 && row->ext != 2 && row->ext != 3) {
        return row->ext < 2 ? IS_READ :
                              IS_COPY | IS_READ | (row->ext >= 6 ? IS_DIVISION : 0);
    }
    if ((row->byte & 0xfe) == 0x86) {                   /* xchg */
        return IS_COPY | IS_BOTH;
    }
    switch (row->byte) {
    case 0x63: case 0x69: case 0x6b: case 0x89: case 0x8b: case 0xb8: case 0xc7:
        return IS_NEW;                                  /* mov, movsxd, imul */
    case 0x91:
        return IS_BOTH;
    }
    return 0;
}

static u32 host_opcode(const Code *c)
{
    static const u32 prefix[] = { [P_66] = X_66, [P_F3] = X_F3, [P_F2] = X_F2 };
    const Opcode *row = row_of(c);
    u32 op = row->byte | (u32)row->map << 8;

    op |= row->prefix < G_N_ELEMENTS(prefix) ? prefix[row->prefix] : 0;
    op |= width(c) == 1 ? X_66 : width(c) == 3 ? X_W : 0;
    return op | (c->insn->more & INSN2_LOCK ? X_LOCK : 0);
}

static void immediate(Code *c)
{
    const Opcode *row = row_of(c);
    unsigned n = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Ib: case O_sIb:
            n = 1;
            break;
        case O_Iw:
            n = 2;
            break;
        case O_Iz:
            n = width(c) == 1 ? 2 : 4;
            break;
        case O_Iv:
            n = 1u << width(c);
            break;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        emit8(c->e, c->insn->wide >> i * 8);
    }
}

/* BT and its like: in memory a register counts bits from the operand on. */
static bool is_bit_string(const Opcode *row)
{
    return row->map == MAP_0F && (row->byte & 0xe7) == 0xa3;
}

/* ---- copies ---- */

/* Has it no name in the host without a REX prefix? */
static bool needs_rex(unsigned guest)
{
    return !(guest & BYTE_HIGH) && (unsigned)host_register_of[guest] > H_RDI;
}

/* ah ch dh bh can't be named beside a REX prefix. */
static bool needs_high(const Code *c)
{
    unsigned rm = c->insn->shape & INSN_MEM ? 0 : c->insn->rm;

    return row_has_byte(row_of(c)) && (c->insn->reg | rm) & BYTE_HIGH;
}

static u32 byte_rex(const Code *c)
{
    return row_has_byte(row_of(c)) && !needs_high(c) ? X_REX : 0;
}

/* Is all of its first operand new?  Below 32 bits some of the register stays. */
static bool is_new(const Code *c)
{
    return row_kind(row_of(c)) & IS_NEW && width(c) >= 2;
}

/* Those with two operands, of which this bit says which one comes first. */
static bool has_direction(const Opcode *row)
{
    return row->map == MAP_1 && ((row->byte & 0xc4) == 0 || (row->byte & 0xfc) == 0x88);
}

/*
 * A register that has none in the host as an operand in memory, where it is: not if it
 * is in a scratch register, or is wanted there soon.  32 bits can't be written so:
 * the upper ones become 0.
 */
static bool copy_in_cpu(Code *c)
{
    enum { SOON = 4 };
    const Opcode *row = row_of(c);
    unsigned kind = row_kind(row), reg = c->insn->reg, rm = c->insn->rm;
    bool uses_reg = row_uses_reg(row);
    bool write = is_rm(row->operand[0]) && !(kind & IS_READ);
    bool swap = uses_reg && has_direction(row) && scratch_needed(reg) &&
                !scratch_needed(rm);
    u32 op = host_opcode(c) | byte_rex(c);

    if (swap) {
        op ^= 2;
        reg = c->insn->rm;
        rm = c->insn->reg;
        write = is_reg(row->operand[0]);
    }
    if (!(opcode_traits(c->insn->op) & HAS_MODRM) || kind & (IS_COPY | IS_BOTH) ||
        is_bit_string(row) || needs_high(c) ||
        !scratch_needed(rm) || (uses_reg && scratch_needed(reg)) ||
        (write && width(c) == 2 && !is_byte(row->operand[0])) ||
        scratch_is_kept(c, rm) || scratch_next_use(c, rm) <= SOON) {
        return false;
    }
    reg = row->ext >= 0 ? (unsigned)row->ext :
          uses_reg ? (unsigned)host_register_of[reg] : 0;
    emit_cpu(c->e, op, reg, CPU_GPR(rm));
    immediate(c);
    c->keeps = true;
    return true;
}

static bool copy_registers(Code *c)
{
    const Opcode *row = row_of(c);
    unsigned kind = row_kind(row), traits = opcode_traits(c->insn->op), reg = 0, rm = 0;
    bool uses_reg = row_uses_reg(row), z = traits & HAS_Z, modrm = traits & HAS_MODRM;
    bool fresh = is_new(c) && c->insn->reg != c->insn->rm;
    u32 op = host_opcode(c) | byte_rex(c);

    if (needs_high(c) && (op & X_W || (uses_reg && needs_rex(c->insn->reg)) ||
                          needs_rex(c->insn->rm))) {
        return false;
    }
    if (uses_reg) {
        reg = scratch_hold(c, c->insn->reg, modrm ? c->insn->rm : NOT_KEPT,
                           !(fresh && is_reg(row->operand[0])));
    }
    if (modrm) {
        rm = scratch_hold(c, c->insn->rm, uses_reg ? c->insn->reg : NOT_KEPT,
                          !(fresh && is_rm(row->operand[0])));
    }
    if (kind & IS_DIVISION) {
        code_trap(c);
    }
    if (modrm) {
        emit_rr(c->e, op, row->ext >= 0 ? (unsigned)row->ext : reg, rm);
    } else {
        emit_z(c->e, z ? op & ~7u : op, z ? reg : 0);
    }
    immediate(c);
    if (uses_reg && !(kind & IS_READ) && (is_reg(row->operand[0]) || kind & IS_BOTH)) {
        scratch_store(c, c->insn->reg, reg);
    }
    if (modrm && !(kind & IS_READ) && (is_rm(row->operand[0]) || kind & IS_BOTH)) {
        scratch_store(c, c->insn->rm, rm);
    }
    c->keeps = !(kind & IS_DIVISION);
    return true;
}

unsigned code_copied_bytes(const Code *c, bool *write)
{
    const Opcode *row = row_of(c);
    unsigned kind = row_kind(row);

    *write = kind & (IS_BOTH | IS_ALIGNED) ||
             (is_rm(row->operand[0]) && !(kind & IS_READ));
    if (!code_can_address(c) || needs_high(c) || is_bit_string(row)) {
        return 0;
    }
    return memory_size(c);
}

void code_copy_at(Code *c, const Place *place)
{
    const Opcode *row = row_of(c);
    unsigned kind = row_kind(row), reg = row->ext >= 0 ? (unsigned)row->ext : 0;
    bool uses_reg = row_uses_reg(row);

    if (uses_reg) {
        reg = is_reg(row->operand[0]) && is_new(c) && scratch_needed(c->insn->reg) ?
              place->spare : code_reg(c, c->insn->reg, place->spare);
    }
    code_at(c, host_opcode(c) | byte_rex(c), reg, place);
    immediate(c);
    if (uses_reg && !(kind & IS_READ) && (is_reg(row->operand[0]) || kind & IS_BOTH)) {
        scratch_store(c, c->insn->reg, place->spare);
    }
}

static bool copy_memory(Code *c)
{
    bool write;
    unsigned size = code_copied_bytes(c, &write);
    Place place;

    if (!size) {
        return false;
    }
    code_begin_access(c);
    place = code_operand(c, size, write);
    code_end_access(c, &place);
    code_copy_at(c, &place);
    return true;
}

static bool copy(Code *c)
{
    return c->insn->shape & INSN_MEM ? copy_memory(c) :
                                       copy_in_cpu(c) || copy_registers(c);
}

static bool load_address(Code *c)
{
    bool kept = scratch_needed(c->insn->reg);
    unsigned to = kept ? S1 : (unsigned)host_register_of[c->insn->reg];
    bool addr32 = (c->insn->shape & INSN_ADDR) == INSN_ADDR32;

    if (!code_can_address(c) || (addr32 && width(c) == 3) ||
        (kept && width(c) == 1)) {
        return false;
    }
    code_offset(c, to, width(c) == 3 ? X_W : width(c) == 1 ? X_66 : 0);
    scratch_store(c, c->insn->reg, to);
    return true;
}

enum { NOT_PLAIN = OP_ENDS | OP_FPU | OP_SSE | OP_MMX };

bool code_is_lea(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    return row->map == MAP_1 && row->byte == 0x8d;
}

static bool is_copy(const Opcode *row)
{
    if (row->map > MAP_0F3A ||
        (row->map == MAP_1 && (row->byte == 0x90 || (row->byte & 0xfc) == 0xa0))) {
        return false;
    }
    return (row->class == CLASS_COPY || row_kind(row) & IS_COPY) &&
           !(row->attr & NOT_PLAIN);
}

bool code_never_traps(const Code *c)
{
    const Opcode *row = row_of(c);

    return is_copy(row) && !needs_high(c) &&
           !(row_kind(row) & (IS_DIVISION | IS_ALIGNED));
}

static bool is_byte_of(unsigned reg, unsigned guest)
{
    return (reg & BYTE_HIGH ? reg & 3 : reg) == guest;
}

/* MUL and its like, and forms without ModRM, know rax and rdx by themselves. */
bool code_may_write(const Insn *insn, unsigned guest)
{
    const Opcode *row = opcode_row(insn->op);
    unsigned kind = row_kind(row);
    bool modrm = opcode_traits(insn->op) & HAS_MODRM;

    if ((!modrm || kind & IS_COPY) && (guest == RAX || guest == RDX)) {
        return true;
    }
    if (kind & IS_READ) {
        return false;
    }
    return ((is_reg(row->operand[0]) || kind & IS_BOTH) &&
            is_byte_of(insn->reg, guest)) ||
           (!(insn->shape & INSN_MEM) && (is_rm(row->operand[0]) || kind & IS_BOTH) &&
            is_byte_of(insn->rm, guest));
}

bool code_copy(Code *c)
{
    if (code_is_lea(c->insn)) {
        return load_address(c);
    }
    return is_copy(row_of(c)) && copy(c);
}
