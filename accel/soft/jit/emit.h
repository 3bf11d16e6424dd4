/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing host instructions.  Code is written through one mapping and runs in another,
 * at jit->exec; both are counted by the offset `at`.
 */

#ifndef ACCEL_SOFT_JIT_EMIT_H
#define ACCEL_SOFT_JIT_EMIT_H

#include "base/types.h"

typedef struct {
    u8 *write;                  /* the code memory, writable */
    u8 *exec;                   /* the same, executable */
    u32 at, end;
    bool full;                  /* it did not fit: what was written is void */
    bool r15_used;              /* set where r15 may be written: see stack.c */
} Emit;

/* An opcode: its byte, its map, and prefixes. */
enum {
    X_0F = 1 << 8, X_0F38 = 2 << 8, X_0F3A = 3 << 8, X_MAP = 3 << 8,
    X_66 = 1 << 12, X_F3 = 1 << 13, X_F2 = 1 << 14,
    X_W = 1 << 15,
    X_LOCK = 1 << 16,
    X_REX = 1 << 17, /* a REX prefix even if it says nothing: for spl bpl sil dil */
    X_GS = 1 << 18,             /* relative to the Cpu */
};

enum { NO_REG = 0xff };

void emit8(Emit *e, u8 value);
void emit32(Emit *e, u32 value);
void emit64(Emit *e, u64 value);

/* Without ModRM; `reg` in the opcode byte. */
void emit_z(Emit *e, u32 op, unsigned reg);
/* Registers only. */
void emit_rr(Emit *e, u32 op, unsigned reg, unsigned rm);
/* [base + (index << scale) + disp]; either may be NO_REG. */
void emit_rm(Emit *e, u32 op, unsigned reg, unsigned base, unsigned index,
             unsigned scale, s32 disp);
/* reg = base + (index << scale) + disp; `width` as X_W or X_66. */
void emit_lea(Emit *e, u32 width, unsigned reg, unsigned base, unsigned index,
              unsigned scale, s32 disp);
/* An instruction with a three-byte VEX prefix. */
typedef struct {
    u8 map, byte, prefix; /* as the prefix has them: 1-3, and 0 or 1-3 for 66 F3 F2 */
    u8 vvvv;                    /* not inverted; 0 if it is no operand */
    bool wide, ymm;
} VexOp;
void emit_vex_rr(Emit *e, const VexOp *op, unsigned reg, unsigned rm, bool modrm);
void emit_vex_rm(Emit *e, const VexOp *op, unsigned reg, unsigned base, unsigned index,
                 unsigned scale, s32 disp);
/* Bytes of the Cpu. */
void emit_vex_cpu(Emit *e, const VexOp *op, unsigned reg, size_t offset);
void emit_cpu(Emit *e, u32 op, unsigned reg, size_t offset);
/* [rip + something], where `imm` bytes of the instruction are still to come. */
void emit_rip(Emit *e, u32 op, unsigned reg, const void *target, unsigned imm);

/* Jumps with 32-bit distances: they return where the distance is. */
enum { JMP = -1, CC_O = 0, CC_B = 2, CC_Z = 4, CC_NZ = 5, CC_A = 7, CC_NS = 9 };
u32 emit_jump(Emit *e, int cc, u32 target);
u32 emit_call(Emit *e, u32 target);
void emit_set_target(Emit *e, u32 jump, u32 target);
void emit_nops(Emit *e, unsigned n);
/*
 * What follows becomes so much longer by prefixes that say nothing.  A NOP before it
 * would keep a CMP from going through the processor as one with its jump.
 */
void emit_padding(Emit *e, unsigned n);

#endif
