/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single flags: CLC STC CMC CLD STD LAHF SAHF SALC.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

enum { ARITH_CF = FLAG_CF << 8 };

static void clc(Cpu *cpu, const Insn *insn)
{
    cpu->arith &= ~ARITH_CF;
}

static void stc(Cpu *cpu, const Insn *insn)
{
    cpu->arith |= ARITH_CF;
}

static void cmc(Cpu *cpu, const Insn *insn)
{
    cpu->arith ^= ARITH_CF;
}

static void cld(Cpu *cpu, const Insn *insn)
{
    cpu->rflags &= ~FLAG_DF;
}

static void std(Cpu *cpu, const Insn *insn)
{
    cpu->rflags |= FLAG_DF;
}

/* AH and the upper half of cpu->arith have the same layout, which is the host's. */
static void lahf(Cpu *cpu, const Insn *insn)
{
    reg_set(cpu, BYTE_HIGH | RAX, 0, cpu->arith >> 8);
}

static void sahf(Cpu *cpu, const Insn *insn)
{
    u64 ah = reg_get(cpu, BYTE_HIGH | RAX, 0);

    cpu_set_arith(cpu, (ah & ~(u64)FLAG_OF) | (cpu_of(cpu) ? FLAG_OF : 0));
}

/* Not in the SDM but in every CPU: AL = CF ? 0xff : 0. */
static void salc(Cpu *cpu, const Insn *insn)
{
    reg_set(cpu, RAX, 0, cpu_cf(cpu) ? 0xff : 0);
}

#define FLAG_ROW(byte, name, attributes, reads_, writes_, function)                \
    ROW(MAP_1, byte, name, .attr = attributes, .reads = reads_, .writes = writes_, \
        .fn = function)
#define FLAGS_AH (FLAGS_ARITH & ~FLAG_OF)

static const Opcode rows[] = {
    FLAG_ROW(0xf8, "clc", 0, 0, FLAG_CF, clc),
    FLAG_ROW(0xf9, "stc", 0, 0, FLAG_CF, stc),
    FLAG_ROW(0xf5, "cmc", 0, FLAG_CF, FLAG_CF, cmc),
    FLAG_ROW(0xfc, "cld", 0, 0, 0, cld),
    FLAG_ROW(0xfd, "std", 0, 0, 0, std),
    FLAG_ROW(0x9e, "sahf", 0, 0, FLAGS_AH, sahf),
    FLAG_ROW(0x9f, "lahf", 0, FLAGS_AH, 0, lahf),
    FLAG_ROW(0xd6, "salc", OP_NO64, FLAG_CF, 0, salc),
};

FAMILY(ops_flags, "flags", rows);
