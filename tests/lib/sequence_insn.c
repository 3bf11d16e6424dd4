/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single instructions for sequences (sequence_insn.h): a row of the opcode table, with
 * operands that keep to the registers' duties.
 */

#include "tests/lib/sequence_insn.h"
#include "tests/lib/host_run.h"
#include "tests/lib/host_vendor.h"

#include "accel/soft/opcodes.h"
#include "accel/soft/soft.h"

/* ---- which rows ---- */

/* How often instructions of a family are taken. */
static const struct { const OpFamily *family; unsigned weight; } families[] = {
    { &ops_alu, 12 }, { &ops_move, 12 }, { &ops_shift, 3 }, { &ops_bits, 4 },
    { &ops_pushpop, 4 }, { &ops_flags, 2 }, { &ops_atomic, 2 }, { &ops_muldiv, 2 },
    { &ops_sse, 6 }, { &ops_x87, 3 }, { &ops_mmx, 2 },
    { &ops_avx, 2 }, { &ops_avx2, 2 }, { &ops_vexmove, 2 }, { &ops_bmi, 2 },
};

/*
 * What changes registers with duties, writes a part before it faults, or depends on the
 * kernel.
 */
static const char *const left_out[] = {
    "popf", "enter", "leave", "xlat", "maskmovq", "maskmovdqu", "fnsave", "fnstenv", "frstor",
    "fldenv",
};

static struct {
    u16 *op[G_N_ELEMENTS(families)];
    unsigned n[G_N_ELEMENTS(families)], weights;
} choice;

static bool has_operand(const Opcode *row, Operand operand)
{
    return memchr(row->operand, operand, sizeof row->operand);
}

static bool is_left_out(const Opcode *row, const Cpu *cpu)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(left_out); i++) {
        if (!strcmp(row->name, left_out[i])) {
            return true;
        }
    }
    if (strstr(row->name, "gather") || strstr(row->name, "maskmov") ||
        g_str_has_prefix(row->name, "rd")) {
        return true;
    }
    return row->attr & (OP_ENDS | OP_NO64) || row->operand[0] == O_Sw ||
           row->memory == 10 ||
           (row->map == MAP_0F && (row->byte == 0xa1 || row->byte == 0xa9)) ||
           (row->feature && !cpu_has(cpu, row->feature));
}

static bool belongs_to(const OpFamily *family, const Opcode *row)
{
    return row >= family->row && row < family->row + family->n;
}

static void choose_rows(const Cpu *cpu)
{
    for (unsigned f = 0; f < G_N_ELEMENTS(families); f++) {
        choice.op[f] = g_new(u16, families[f].family->n);
        choice.weights += families[f].weight;
    }
    for (unsigned op = OP_SPECIAL; op < opcode_count(); op++) {
        const Opcode *row = opcode_row(op);

        for (unsigned f = 0; f < G_N_ELEMENTS(families); f++) {
            if (belongs_to(families[f].family, row) && !is_left_out(row, cpu)) {
                choice.op[f][choice.n[f]++] = op;
            }
        }
    }
}

/* Divisions mostly fault, so there are few. */
static unsigned random_row(Rng *rng)
{
    unsigned at = rng_below(rng, choice.weights), f = 0, op;

    while (at >= families[f].weight) {
        at -= families[f++].weight;
    }
    op = choice.op[f][rng_below(rng, choice.n[f])];
    return strstr(opcode_row(op)->name, "div") && opcode_row(op)->map == MAP_1 &&
           !rng_chance(rng, 8) ? random_row(rng) : op;
}

/* ---- operands ---- */

typedef struct {
    const Opcode *row;
    Rng *rng;
    Unit *u;
    bool rex;
    u8 reg, rm;                 /* 0 to 15 */
    u8 index;                   /* 4: none */
} Coding;

/* Registers that hold values; byte registers without REX are AL to BH. */
static u8 value_register(const Coding *c, bool byte)
{
    static const u8 value[] = { RAX, RCX, RDX, RBX, RSI, RDI, 13, 15 };

    if (byte && !c->rex) {
        return rng_below(c->rng, 8);
    }
    return value[rng_below(c->rng, c->rex ? 8 : 6)];
}

typedef enum { NONE, VALUE, BYTE, VECTOR, EIGHT, SEGMENT } RegKind;

static RegKind kind_of(const Opcode *row, bool reg)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Gb:
            if (reg) {
                return BYTE;
            }
            break;
        case O_Eb:
            if (!reg) {
                return BYTE;
            }
            break;
        case O_Gw: case O_Gd: case O_Gq: case O_Gy: case O_Gv:
            if (reg) {
                return VALUE;
            }
            break;
        case O_Ew:
        case O_Ed:
        case O_Eq:
        case O_Ey:
        case O_Ev:
        case O_Rd:
        case O_Rv:
        case O_Ry:
            if (!reg) {
                return VALUE;
            }
            break;
        case O_Vx:
            if (reg) {
                return VECTOR;
            }
            break;
        case O_Wx: case O_Ux: case O_Wd: case O_Wq: case O_Ww:
            if (!reg) {
                return VECTOR;
            }
            break;
        case O_Sw:
            if (reg) {
                return SEGMENT;
            }
            break;
        default:
            break;
        }
    }
    return EIGHT;
}

static u8 some_register(const Coding *c, RegKind kind)
{
    switch (kind) {
    case VALUE: case BYTE:
        return value_register(c, kind == BYTE);
    case VECTOR:
        return rng_below(c->rng, c->rex ? 16 : 8);
    case SEGMENT:
        return rng_below(c->rng, 6);
    default:
        return rng_below(c->rng, 8);
    }
}

static void put(Unit *u, u64 value, unsigned n)
{
    memcpy(u->byte + u->n, &value, n);
    u->n += n;
}

/* A pointer, a small index, a displacement; or an address of data; or from rip. */
static void put_memory(Coding *c, u8 base)
{
    bool strict = c->row->attr & OP_ALIGN && !rng_chance(c->rng, 16);
    u32 mask = strict || rng_chance(c->rng, 2) ? ~15u : ~0u,
        how = rng_below(c->rng, 16);
    u32 disp = (how < 3 ? rng_below(c->rng, 2048) - 1024 : rng64(c->rng)) & mask;
    bool sib = c->index != 4 || (base & 7) == RSP;
    unsigned mod = how < 3 ? 2 : how < 6 && (base & 7) != RBP ? 0 : 1;

    if (base == REG_NONE) {                     /* disp32, with an index perhaps */
        put(c->u, (c->reg & 7) << 3 | 4, 1);
        put(c->u, rng_below(c->rng, 3) << 6 | (c->index & 7) << 3 | 5, 1);
        put(c->u, (RUN_DATA + rng_below(c->rng, RUN_DATA_PAGES * PAGE_BYTES)) & mask,
            4);
        return;
    }
    if (base == REG_BLOCK) {
        put(c->u, (c->reg & 7) << 3 | 5, 1);
        c->u->fix_at = c->u->n;
        c->u->fix_bytes = 4;
        c->u->target = TARGET_DATA;
        put(c->u, rng_below(c->rng, RUN_DATA_PAGES * PAGE_BYTES) & mask, 4);
        return;
    }
    put(c->u, mod << 6 | (c->reg & 7) << 3 | (sib ? 4 : base & 7), 1);
    if (sib) {
        put(c->u, rng_below(c->rng, 4) << 6 | (c->index & 7) << 3 | (base & 7), 1);
    }
    put(c->u, disp, mod == 0 ? 0 : mod == 1 ? 1 : 4);
}

static u8 random_base(const Coding *c)
{
    static const u8 base[] = { RBP, RSP, RBP, 12, 8, 14, 12, 14 };

    if (rng_chance(c->rng, 12)) {
        return rng_chance(c->rng, 2) ? REG_NONE : REG_BLOCK;
    }
    return c->rex && rng_chance(c->rng, 256) ? 10 :
                                               base[rng_below(c->rng, c->rex ? 8 : 3)];
}

/* ---- an instruction ---- */

static void put_prefixes(Coding *c, bool memory)
{
    static const u8 mandatory[] = { [P_66] = 0x66, [P_F3] = 0xf3, [P_F2] = 0xf2 };
    const Opcode *row = c->row;

    if ((row->prefix == P_ANY || row->prefix == P_SIZE) && rng_chance(c->rng, 6)) {
        put(c->u, 0x66, 1);
    }
    if (memory && rng_chance(c->rng, 32)) {
        put(c->u, 0x67, 1);
    }
    if (row->attr & OP_LOCK && memory && rng_chance(c->rng, 4)) {
        put(c->u, 0xf0, 1);
    }
    if (row->prefix < G_N_ELEMENTS(mandatory) && mandatory[row->prefix]) {
        put(c->u, mandatory[row->prefix], 1);
    }
}

static void put_opcode(Coding *c, u8 rex, u8 add)
{
    const Opcode *row = c->row;

    if (c->rex) {
        put(c->u, rex, 1);
    }
    if (row->map != MAP_1) {
        put(c->u, 0x0f, 1);
    }
    if (row->map == MAP_0F38 || row->map == MAP_0F3A) {
        put(c->u, row->map == MAP_0F38 ? 0x38 : 0x3a, 1);
    }
    put(c->u, (add ? row->byte & ~7 : row->byte) + add, 1);   /* XCHG's row is 91 */
}

static void put_legacy(Coding *c, u8 traits)
{
    const Opcode *row = c->row;
    bool memory = traits & HAS_MODRM && !(traits & NO_MEMORY) &&
                  (traits & NO_REGISTER || !rng_chance(c->rng, 3));
    u8 base = memory ? random_base(c) : 0;
    bool w = !(row->attr & OP_W32) && (row->attr & OP_W64 || rng_chance(c->rng, 2));
    u8 z = traits & HAS_Z ? value_register(c, has_operand(row, O_Zb)) : 0;

    c->reg = row->ext >= 0 ? (u8)row->ext : some_register(c, kind_of(row, true));
    c->rm = row->rm >= 0 ? (u8)row->rm : some_register(c, kind_of(row, false));
    c->index = c->rex && rng_chance(c->rng, 4) &&
               !(row->attr & OP_ALIGN && !rng_chance(c->rng, 16)) ? 11 : 4;
    if (memory && !strncmp(row->name, "bt", 2) && has_operand(row, O_Gv)) {
        c->reg = 11;                            /* a bit number that is not far away */
        c->rex = true;
    }
    put_prefixes(c, memory);
    put_opcode(
        c,
        0x40 | w << 3 | (c->reg >> 3) << 2 | (memory ? (c->index >> 3) << 1 : 0) |
            (memory ? (base < 16 && base & 8) : (traits & HAS_Z ? z : c->rm) >> 3),
        z & 7);
    if (memory) {
        put_memory(c, base);
    } else if (traits & HAS_MODRM) {
        put(c->u, 0xc0 | (c->reg & 7) << 3 | (c->rm & 7), 1);
    }
    if (has_operand(row, O_Ob) || has_operand(row, O_Ov)) {
        put(c->u, RUN_DATA + rng_below(c->rng, RUN_DATA_PAGES * PAGE_BYTES), 8);
    }
}

/* C5 where it is enough, at random; R, X, B and vvvv are inverted. */
static void put_vex(Coding *c, u8 base, bool memory, u8 vvvv, bool w)
{
    static const u8 pp[] = { [P_66] = 1, [P_F3] = 2, [P_F2] = 3 };
    const Opcode *row = c->row;
    bool ymm = row->vex & VEX_L1 || (!(row->vex & VEX_L0) && rng_chance(c->rng, 2));
    bool x = memory && c->index >> 3, b = memory ? base < 16 && base & 8 : c->rm >> 3;
    u8 map = row->map - MAP_VEX_0F + 1,
       last = (~vvvv & 15) << 3 | ymm << 2 | pp[row->prefix];

    if (map == 1 && !w && !x && !b && rng_chance(c->rng, 2)) {
        put(c->u, 0xc5, 1);
        put(c->u, last | (c->reg & 8 ? 0 : 0x80), 1);
    } else {
        put(c->u, 0xc4, 1);
        put(c->u, map | (c->reg & 8 ? 0 : 0x80) | (x ? 0 : 0x40) | (b ? 0 : 0x20), 1);
        put(c->u, last | w << 7, 1);
    }
    put(c->u, row->byte, 1);
}

static void put_behind_vex(Coding *c, u8 traits)
{
    const Opcode *row = c->row;
    bool memory = traits & HAS_MODRM && !(traits & NO_MEMORY) &&
                  (traits & NO_REGISTER || !rng_chance(c->rng, 3));
    bool w = !(row->attr & OP_W32) && (row->attr & OP_W64 || rng_chance(c->rng, 2));
    u8 base, vvvv = has_operand(row, O_Hx) ? rng_below(c->rng, 16)
                  : has_operand(row, O_By) ? value_register(c, false) : 0;

    c->rex = true;
    base = memory ? random_base(c) : 0;
    c->reg = row->ext >= 0 ? (u8)row->ext : some_register(c, kind_of(row, true));
    c->rm = some_register(c, kind_of(row, false));
    c->index = rng_chance(c->rng, 4) && !(row->attr & OP_ALIGN) ? 11 : 4;
    put_vex(c, base, memory, vvvv, w);
    if (memory) {
        put_memory(c, base);
    } else if (traits & HAS_MODRM) {
        put(c->u, 0xc0 | (c->reg & 7) << 3 | (c->rm & 7), 1);
    }
}

/*
 * OF is undefined after these, and not the same in all forms: a TEST makes it
 * something.
 */
static bool is_shift_by_number(const Opcode *row)
{
    return has_operand(row, O_Ib) && (belongs_to(&ops_shift, row));
}

void unit_random_insn(Unit *u, Rng *rng, const Cpu *cpu)
{
    Coding c = { .rng = rng, .u = u };
    unsigned op, before;
    Insn insn;

    if (!choice.weights) {
        choose_rows(cpu);
    }
    do {
        *u = (Unit){ 0 };
        op = random_row(rng);
        c.row = opcode_row(op);
        c.rex = c.row->attr & OP_W64 || rng_chance(rng, 2);
        if (c.row->map >= MAP_VEX_0F) {
            put_behind_vex(&c, opcode_traits(op));
        } else {
            put_legacy(&c, opcode_traits(op));
        }
        before = u->n;
        put(u, rng_value(rng), 8);
        u->n = decode_insn(u->byte, 15, MODE_CODE64, 0, cpu, &insn);
    } while (insn.op < OP_SPECIAL || u->n < before ||
             host_differs(c.row, &insn, u->byte) ||
             host_differs_in_faults(c.row, &insn, u->byte));
    u->fix_end = u->n;
    if (is_shift_by_number(c.row)) {
        put(u, 0xc085, 2);                      /* test %eax, %eax */
    } else if (!strncmp(c.row->name, "bt", 2) || host_flags_kept(c.row)) {
        put(u, 0x00d083, 3); /* adc $0, %eax: all but CF is undefined */
    }
}
