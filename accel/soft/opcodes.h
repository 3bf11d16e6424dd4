/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The opcode table: the families that make it up, and how the decoder finds a row.
 *
 * A row is numbered by its place in the concatenation of all families, after a few rows
 * that stand for bytes that are no instruction.  The index from (map, byte) to
 * candidate rows is built at first use; any thread.
 */

#ifndef ACCEL_SOFT_OPCODES_H
#define ACCEL_SOFT_OPCODES_H

#include "accel/soft/insn.h"

/* Rows that no bytes select: what the decoder answers when there is no instruction. */
enum {
    OP_ILLEGAL,         /* known to be #UD here */
    OP_UNKNOWN,         /* no row: not implemented, #UD */
    OP_TOO_LONG,        /* more than 15 bytes: #GP(0) */
    OP_FALL, /* not an instruction: ends a block that runs into the next one */
    OP_SPECIAL,         /* how many these are */
};

/* What stands at one (map, byte): row numbers, the most particular first. */
typedef struct {
    const u16 *row;
    u16 n;
    bool modrm;         /* a ModRM byte follows */
} OpCandidates;

OpCandidates opcode_candidates(unsigned map, unsigned byte);
unsigned opcode_count(void); /* rows in all, the special ones included */

/* What the decoder asks about a row, worked out once from its operands. */
enum {
    HAS_MODRM       = 1 << 0,
    NO_MEMORY       = 1 << 1,       /* ModRM must name a register */
    NO_REGISTER     = 1 << 2,       /* ModRM must name memory */
    /* ModRM names a register whatever mod says (MOV from and to CRn, DRn) */
    IGNORES_MOD     = 1 << 3,
    HAS_Z           = 1 << 4,       /* eight opcode bytes, one per register */
    HAS_Y           = 1 << 5,       /* 32 or 64 bits by REX.W alone */
    HAS_SREG        = 1 << 6,
    HAS_TARGET      = 1 << 7,       /* a relative branch */
};
u8 opcode_traits(unsigned op);
/* How much a row asks for: of two that fit, the one that asks for more is meant. */
unsigned opcode_particular(const Opcode *row);

extern const OpFamily ops_alu, ops_atomic, ops_bcd, ops_bits, ops_branch, ops_flags,
    ops_move, ops_muldiv, ops_pushpop, ops_shift, ops_string;
extern const OpFamily ops_mmx, ops_sse, ops_x87, ops_xsave;
extern const OpFamily ops_avx, ops_avx2, ops_bmi, ops_vexmove;

/* System instructions. */
extern const OpFamily ops_control, ops_cpuid, ops_far, ops_fastcall, ops_msr, ops_port,
    ops_return, ops_segment, ops_system, ops_table;

#endif
