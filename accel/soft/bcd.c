/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decimal adjustments: DAA DAS AAA AAS AAM AAD.  A 64-bit host has none of them, so
 * they are done by the SDM's pseudocode.  Flags it leaves undefined are as measured on
 * an Intel CPU in compatibility mode.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"

/* SF, ZF and PF of a byte, as the host's TEST has them; OF, AF and CF clear. */
static u16 result_flags(u8 al)
{
    u16 flags;

    asm("test %[al], %[al]" TAKE_FLAGS : "=a"(flags) : [al] "q"(al) : "cc");
    return flags & ~(FLAG_AF << 8);
}

static void set_result(Cpu *cpu, u8 al, bool af, bool cf)
{
    reg_set(cpu, RAX, 0, al);
    cpu->arith = result_flags(al) | (af ? FLAG_AF << 8 : 0) | (cf ? FLAG_CF << 8 : 0);
}

/* Does the low digit need adjusting? */
static bool low_digit(const Cpu *cpu)
{
    return (cpu->gpr[RAX] & 15) > 9 || cpu_af(cpu);
}

static void daa(Cpu *cpu, const Insn *insn)
{
    u8 al = cpu->gpr[RAX];
    bool low = low_digit(cpu), high = al > 0x99 || cpu_cf(cpu);

    set_result(cpu, al + (low ? 6 : 0) + (high ? 0x60 : 0), low, high);
}

static void das(Cpu *cpu, const Insn *insn)
{
    u8 al = cpu->gpr[RAX];
    bool low = low_digit(cpu), high = al > 0x99 || cpu_cf(cpu);

    set_result(cpu, al - (low ? 6 : 0) - (high ? 0x60 : 0), low,
               high || (low && al < 6));
}

static void aaa(Cpu *cpu, const Insn *insn)
{
    bool adjust = low_digit(cpu);

    reg_set(cpu, RAX, 1, cpu->gpr[RAX] + (adjust ? 0x106 : 0));
    set_result(cpu, cpu->gpr[RAX] & 15, adjust, adjust);
}

static void aas(Cpu *cpu, const Insn *insn)
{
    bool adjust = low_digit(cpu);

    reg_set(cpu, RAX, 1, cpu->gpr[RAX] - (adjust ? 0x106 : 0));
    set_result(cpu, cpu->gpr[RAX] & 15, adjust, adjust);
}

/* The base is any but 0. */
static void aam(Cpu *cpu, const Insn *insn)
{
    u8 al = cpu->gpr[RAX], base = insn->imm;

    if (!base) {
        cpu_raise(cpu, EXC_DE);
    }
    reg_set(cpu, BYTE_HIGH | RAX, 0, al / base);
    set_result(cpu, al % base, false, false);
}

static void aad(Cpu *cpu, const Insn *insn)
{
    u8 al = cpu->gpr[RAX], tens = reg_get(cpu, BYTE_HIGH | RAX, 0) * insn->imm;
    u16 flags;

    asm("add %[tens], %[al]" TAKE_FLAGS
        : [al] "+q"(al), "=a"(flags)
        : [tens] "q"(tens)
        : "cc");
    reg_set(cpu, RAX, 1, al);
    cpu->arith = flags;
}

#define BCD(byte, name, a, reads_, function)                                   \
    ROW(MAP_1, byte, name, .operand = { a }, .attr = OP_NO64, .reads = reads_, \
        .writes = FLAGS_ARITH, .fn = function)

enum { DIGIT = FLAG_AF, DIGITS = FLAG_AF | FLAG_CF };

static const Opcode rows[] = {
    BCD(0x27, "daa", O_NONE, DIGITS, daa),
    BCD(0x2f, "das", O_NONE, DIGITS, das),
    BCD(0x37, "aaa", O_NONE, DIGIT, aaa),
    BCD(0x3f, "aas", O_NONE, DIGIT, aas),
    BCD(0xd4, "aam", O_Ib, 0, aam),
    BCD(0xd5, "aad", O_Ib, 0, aad),
};

FAMILY(ops_bcd, "bcd", rows);
