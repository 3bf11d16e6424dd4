/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table: the families that make it up, and how the decoder finds a row.
 *
 * A row is numbered by its place in the concatenation of all families, after a few rows that stand for bytes that are no
 * instruction.  The index from (map, byte) to candidate rows is built at first use; any thread.
 */

#ifndef ACCEL_SOFT_OPCODES_H
#define ACCEL_SOFT_OPCODES_H

#include "accel/soft/insn.h"

/* Rows that no bytes select: what the decoder answers when there is no instruction. */
enum {
    OP_ILLEGAL,         /* known to be #UD here */
    OP_UNKNOWN,         /* no row: not implemented, #UD */
    OP_TOO_LONG,        /* more than 15 bytes: #GP(0) */
    OP_FALL,            /* not an instruction: ends a block that runs into the next one */
    OP_SPECIAL,         /* how many these are */
};

/* What stands at one (map, byte): row numbers, the most particular first. */
typedef struct {
    const u16 *row;
    u16 n;
    bool modrm;         /* a ModRM byte follows */
} OpCandidates;

OpCandidates opcode_candidates(unsigned map, unsigned byte);
unsigned opcode_count(void);                    /* rows in all, the special ones included */

/* Does a row's instruction have a ModRM byte; does it want a register or memory there? */
bool opcode_has_modrm(const Opcode *row);
bool opcode_takes_memory(const Opcode *row);
bool opcode_takes_register(const Opcode *row);
/* The row stands for eight opcode bytes, one per register. */
bool opcode_has_z(const Opcode *row);
bool opcode_has_operand(const Opcode *row, Operand operand);
/* ModRM.rm is a register whatever ModRM.mod says (MOV from and to control and debug registers). */
bool opcode_ignores_mod(const Opcode *row);

extern const OpFamily ops_alu, ops_atomic, ops_bcd, ops_bits, ops_branch, ops_flags, ops_move,
    ops_muldiv, ops_pushpop, ops_shift, ops_string;
extern const OpFamily ops_mmx, ops_sse, ops_x87, ops_xsave;

/* System instructions. */
extern const OpFamily ops_control, ops_cpuid, ops_far, ops_fastcall, ops_msr, ops_port, ops_return,
    ops_system, ops_table;

#endif
