/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table as a whole: a list of families, and an index into their rows.
 *
 * Rows at the same opcode byte are told apart by mandatory prefix, ModRM, REX.W and
 * mode.  Candidates are sorted so that the row that asks for more comes first: PAUSE
 * (F3 90) before NOP (90), POPCNT before a row for any prefix.
 */

#include "accel/soft/cpu.h"
#include "accel/soft/opcodes.h"

const OpFamily *const op_families[] = {
    &ops_alu,     &ops_atomic, &ops_bcd,      &ops_bits,  &ops_branch,  &ops_flags,
    &ops_move,    &ops_muldiv, &ops_pushpop,  &ops_shift, &ops_string,  &ops_control,
    &ops_cpuid,   &ops_far,    &ops_fastcall, &ops_msr,   &ops_port,    &ops_return,
    &ops_segment, &ops_system, &ops_table,    &ops_mmx,   &ops_sse,     &ops_x87,
    &ops_xsave,   &ops_avx,    &ops_avx2,     &ops_bmi,   &ops_vexmove, NULL,
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
    u8 *traits;                         /* HAS_* by row number */
    unsigned rows;
    u16 *candidate;                     /* row numbers, grouped by map and byte */
    u16 first[MAP_COUNT * BYTES + 1];   /* into candidate */
    bool modrm[MAP_COUNT * BYTES];
} table;

/* ---- what follows from the operands ---- */

enum { RM_ONLY = HAS_MODRM | NO_MEMORY, MEMORY_ONLY = HAS_MODRM | NO_REGISTER };

static const u8 operand_traits[] = {
    [O_Eb] = HAS_MODRM,
    [O_Ew] = HAS_MODRM,
    [O_Ed] = HAS_MODRM,
    [O_Eq] = HAS_MODRM,
    [O_Ey] = HAS_MODRM | HAS_Y,
    [O_Ev] = HAS_MODRM,
    [O_Ep] = HAS_MODRM,
    [O_Gb] = HAS_MODRM,
    [O_Gw] = HAS_MODRM,
    [O_Gd] = HAS_MODRM,
    [O_Gq] = HAS_MODRM,
    [O_Gy] = HAS_MODRM | HAS_Y,
    [O_Gv] = HAS_MODRM,
    [O_Rd] = RM_ONLY,
    [O_Rv] = RM_ONLY,
    [O_Ry] = RM_ONLY | HAS_Y,
    [O_M] = MEMORY_ONLY,
    [O_Mb] = MEMORY_ONLY,
    [O_Mw] = MEMORY_ONLY,
    [O_Md] = MEMORY_ONLY,
    [O_Mq] = MEMORY_ONLY,
    [O_Mdq] = MEMORY_ONLY,
    [O_Mp] = MEMORY_ONLY,
    [O_Ms] = MEMORY_ONLY,
    [O_Zb] = HAS_Z,
    [O_Zv] = HAS_Z,
    [O_Zq] = HAS_Z,
    [O_Jb] = HAS_TARGET,
    [O_Jz] = HAS_TARGET,
    [O_Sw] = HAS_MODRM | HAS_SREG,
    [O_Cd] = HAS_MODRM | IGNORES_MOD,
    [O_Dd] = HAS_MODRM | IGNORES_MOD,
    [O_Vx] = HAS_MODRM,
    [O_Wx] = HAS_MODRM,
    [O_Ux] = RM_ONLY,
    [O_Wd] = HAS_MODRM,
    [O_Wq] = HAS_MODRM,
    [O_Ww] = HAS_MODRM,
    [O_Pq] = HAS_MODRM,
    [O_Qq] = HAS_MODRM,
    [O_Qd] = HAS_MODRM,
    [O_Nq] = RM_ONLY,
    [O_STi] = HAS_MODRM,
    [O_Mx87] = MEMORY_ONLY,
    [O_Mv] = MEMORY_ONLY,
    [O_By] = HAS_Y,
};

static u8 row_traits(const Opcode *row)
{
    u8 traits = row->ext >= 0 || row->rm >= 0 ? HAS_MODRM : 0;

    traits |= row->mod == MOD_MEM ? MEMORY_ONLY : row->mod == MOD_REG ? RM_ONLY : 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        if (row->operand[i] < G_N_ELEMENTS(operand_traits)) {
            traits |= operand_traits[row->operand[i]];
        }
    }
    return traits;
}

/* ---- the index ---- */

unsigned opcode_particular(const Opcode *row)
{
    return (row->prefix != P_ANY) + (row->ext >= 0) +
           (row->vex & (VEX_L0 | VEX_L1) ? 1 : 0) + (row->rm >= 0) * 2 +
           (row->mod != MOD_ANY) + !!(row->attr & (OP_W64 | OP_W32)) +
           (row->feature != NULL);
}

static int compare(const void *a, const void *b)
{
    u16 i = *(const u16 *)a, j = *(const u16 *)b;
    unsigned more = opcode_particular(table.row[j]),
             less = opcode_particular(table.row[i]);

    return more != less ? (int)more - (int)less : i - j;
}

/* The last opcode byte that a row stands for. */
static unsigned last_byte(unsigned op)
{
    return table.traits[op] & HAS_Z ? table.row[op]->byte | 7u : table.row[op]->byte;
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
    table.traits = g_new(u8, n);
    for (unsigned i = 0; i < n; i++) {
        table.traits[i] = row_traits(table.row[i]);
    }
}

/*
 * Counts the rows of each byte, makes room for them in order, fills it from behind and
 * sorts.
 */
static void index_rows(void)
{
    u16 *first = table.first;

    for (unsigned i = OP_SPECIAL; i < table.rows; i++) {
        const Opcode *row = table.row[i];

        for (unsigned byte = row->byte; byte <= last_byte(i); byte++) {
            first[row->map * BYTES + byte]++;
        }
    }
    for (unsigned at = 1; at <= MAP_COUNT * BYTES; at++) {
        first[at] += first[at - 1];
    }
    table.candidate = g_new(u16, first[MAP_COUNT * BYTES]);
    for (unsigned i = OP_SPECIAL; i < table.rows; i++) {
        const Opcode *row = table.row[i];

        for (unsigned byte = row->byte; byte <= last_byte(i); byte++) {
            unsigned at = row->map * BYTES + byte;

            table.candidate[--first[at]] = i;
            table.modrm[at] |= table.traits[i] & HAS_MODRM;
        }
    }
    for (unsigned at = 0; at < MAP_COUNT * BYTES; at++) {
        qsort(table.candidate + first[at], first[at + 1] - first[at], sizeof(u16),
              compare);
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

u8 opcode_traits(unsigned op)
{
    return table.traits[op];
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
