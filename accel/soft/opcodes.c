/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table as a whole: a list of families, and an index into their rows.
 *
 * Rows at the same opcode byte are told apart by mandatory prefix, ModRM, REX.W and mode.  Candidates are sorted so
 * that the row that asks for more comes first: PAUSE (F3 90) before NOP (90), POPCNT before a row for any prefix.
 */

#include "accel/soft/cpu.h"
#include "accel/soft/opcodes.h"

const OpFamily *const op_families[] = {
    &ops_alu, &ops_atomic, &ops_bcd, &ops_bits, &ops_branch, &ops_flags, &ops_move,
    &ops_muldiv, &ops_pushpop, &ops_shift, &ops_string,
    &ops_control, &ops_far, &ops_fastcall, &ops_port, &ops_return, &ops_system, &ops_table,
    &ops_mmx, &ops_sse, &ops_x87, &ops_xsave,
    NULL,
};

static void run_illegal(Cpu *cpu, const Insn *insn)
{
    cpu_raise(cpu, EXC_UD);
}

static void run_unknown(Cpu *cpu, const Insn *insn)
{
    cpu_unimplemented(cpu, insn);
}

static void run_too_long(Cpu *cpu, const Insn *insn)
{
    cpu_gp(cpu, 0);
}

static void run_fall(Cpu *cpu, const Insn *insn)
{
    cpu->rip = insn_next(cpu, insn);
}

static const Opcode special[OP_SPECIAL] = {
    [OP_ILLEGAL]  = { .name = "(illegal)",  .attr = OP_ENDS, .fn = run_illegal },
    [OP_UNKNOWN]  = { .name = "(unknown)",  .attr = OP_ENDS, .fn = run_unknown },
    [OP_TOO_LONG] = { .name = "(too long)", .attr = OP_ENDS, .fn = run_too_long },
    [OP_FALL]     = { .name = "(fall)",     .attr = OP_ENDS, .fn = run_fall },
};

enum { BYTES = 256 };

static struct {
    const Opcode **row;
    unsigned rows;
    u16 *candidate;                     /* row numbers, grouped by map and byte */
    u16 first[MAP_COUNT * BYTES + 1];   /* into candidate */
    bool modrm[MAP_COUNT * BYTES];
} table;

static bool any_operand(const Opcode *row, const Operand *of, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (opcode_has_operand(row, of[i])) {
            return true;
        }
    }
    return false;
}

bool opcode_has_operand(const Opcode *row, Operand operand)
{
    return memchr(row->operand, operand, sizeof row->operand);
}

static const Operand rm_any[] = {
    O_Eb, O_Ew, O_Ed, O_Eq, O_Ey, O_Ev, O_Ep, O_Wx, O_Wd, O_Wq, O_Ww, O_Qq, O_Qd,
};
static const Operand rm_memory[] = {
    O_M, O_Mb, O_Mw, O_Md, O_Mq, O_Mdq, O_Mp, O_Ms, O_Mx87,
};
static const Operand rm_register[] = { O_Rd, O_Rv, O_Ry, O_Ux, O_Nq };
static const Operand modrm_reg[] = {
    O_Gb, O_Gw, O_Gd, O_Gq, O_Gy, O_Gv, O_Sw, O_Cd, O_Dd, O_Vx, O_Pq,
};
static const Operand in_opcode[] = { O_Zb, O_Zv, O_Zq };

bool opcode_ignores_mod(const Opcode *row)
{
    return opcode_has_operand(row, O_Cd) || opcode_has_operand(row, O_Dd);
}

bool opcode_takes_memory(const Opcode *row)
{
    return row->mod != MOD_REG && !any_operand(row, rm_register, G_N_ELEMENTS(rm_register));
}

bool opcode_takes_register(const Opcode *row)
{
    return row->mod != MOD_MEM && !any_operand(row, rm_memory, G_N_ELEMENTS(rm_memory));
}

bool opcode_has_z(const Opcode *row)
{
    return any_operand(row, in_opcode, G_N_ELEMENTS(in_opcode));
}

bool opcode_has_modrm(const Opcode *row)
{
    return row->ext >= 0 || row->rm >= 0 || row->mod != MOD_ANY ||
           any_operand(row, rm_any, G_N_ELEMENTS(rm_any)) ||
           any_operand(row, rm_memory, G_N_ELEMENTS(rm_memory)) ||
           any_operand(row, rm_register, G_N_ELEMENTS(rm_register)) ||
           any_operand(row, modrm_reg, G_N_ELEMENTS(modrm_reg));
}

/* How much a row asks for: of two that fit, the one that asks for more is meant. */
static unsigned particular(const Opcode *row)
{
    return (row->prefix != P_ANY) + (row->ext >= 0) + (row->rm >= 0) * 2 +
           (row->mod != MOD_ANY) + !!(row->attr & (OP_W64 | OP_W32)) + (row->feature != NULL);
}

static int compare(const void *a, const void *b)
{
    u16 i = *(const u16 *)a, j = *(const u16 *)b;
    unsigned more = particular(table.row[j]), less = particular(table.row[i]);

    return more != less ? (int)more - (int)less : i - j;
}

/* The last opcode byte that a row stands for. */
static unsigned last_byte(const Opcode *row)
{
    return opcode_has_z(row) ? row->byte | 7u : row->byte;
}

static void collect_rows(void)
{
    unsigned n = OP_SPECIAL;

    for (const OpFamily *const *f = op_families; *f; f++) {
        n += (*f)->n;
    }
    table.row = g_new(const Opcode *, n);
    for (unsigned i = 0; i < OP_SPECIAL; i++) {
        table.row[table.rows++] = &special[i];
    }
    for (const OpFamily *const *f = op_families; *f; f++) {
        for (unsigned i = 0; i < (*f)->n; i++) {
            table.row[table.rows++] = &(*f)->row[i];
        }
    }
    g_assert(table.rows == n && n < UINT16_MAX);
}

/* Counts the rows of each byte, makes room for them in order, fills it from behind and sorts. */
static void index_rows(void)
{
    u16 *first = table.first;

    for (unsigned i = OP_SPECIAL; i < table.rows; i++) {
        const Opcode *row = table.row[i];

        for (unsigned byte = row->byte; byte <= last_byte(row); byte++) {
            first[row->map * BYTES + byte]++;
        }
    }
    for (unsigned at = 1; at <= MAP_COUNT * BYTES; at++) {
        first[at] += first[at - 1];
    }
    table.candidate = g_new(u16, first[MAP_COUNT * BYTES]);
    for (unsigned i = OP_SPECIAL; i < table.rows; i++) {
        const Opcode *row = table.row[i];

        for (unsigned byte = row->byte; byte <= last_byte(row); byte++) {
            unsigned at = row->map * BYTES + byte;

            table.candidate[--first[at]] = i;
            table.modrm[at] |= opcode_has_modrm(row);
        }
    }
    for (unsigned at = 0; at < MAP_COUNT * BYTES; at++) {
        qsort(table.candidate + first[at], first[at + 1] - first[at], sizeof(u16), compare);
    }
}

static void build_table(void)
{
    static gsize built;

    if (g_once_init_enter(&built)) {
        collect_rows();
        index_rows();
        g_once_init_leave(&built, 1);
    }
}

OpCandidates opcode_candidates(unsigned map, unsigned byte)
{
    unsigned at = map * BYTES + byte;

    build_table();
    return (OpCandidates){
        .row = table.candidate + table.first[at],
        .n = table.first[at + 1] - table.first[at],
        .modrm = table.modrm[at],
    };
}

unsigned opcode_count(void)
{
    build_table();
    return table.rows;
}

const Opcode *opcode_row(unsigned op)
{
    return table.row[op];
}
