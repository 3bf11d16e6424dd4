/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rows behind a VEX prefix are made of: vex.c has the functions, *_rows.c the
 * tables.
 */

#ifndef ACCEL_SOFT_VEX_H
#define ACCEL_SOFT_VEX_H

#include "accel/soft/opcodes.h"
#include "accel/soft/simd.h"

/* #UD and #NM of AVX instructions (SDM vol. 1, 14.3). */
void avx_check(Cpu *cpu);

/* 32 bytes of a YMM register. */
void vex_get(const Cpu *cpu, unsigned n, u8 *to);
void vex_set(Cpu *cpu, unsigned n, const u8 *from);

OpFn vex_op, vex_string, vex_move_load, vex_move_store, vex_zero, vex_mask_load,
    vex_mask_store, vex_gather, vex_mask_move, vex_mxcsr_load, vex_mxcsr_store;

#define VROW(m, b, p, nm, attrs, v, feat, fun, ...)                                    \
    { .map = MAP_VEX_##m, .byte = b, .prefix = p, .ext = -1, .rm = -1, .name = "v" nm, \
      .operand = { __VA_ARGS__ }, .attr = OP_SSE | OP_PROT | (attrs), .vex = v,        \
      .feature = feat, .fn = fun }
#define NONE 0

#endif
