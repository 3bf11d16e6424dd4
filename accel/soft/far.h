/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What far jumps, calls and returns have in common (far.c, return.c).
 */

#ifndef ACCEL_SOFT_FAR_H
#define ACCEL_SOFT_FAR_H

#include "accel/soft/segment.h"

/* Bytes of the instruction's operand size: 2, 4 or 8. */
static inline unsigned insn_bytes(const Insn *insn)
{
    return 1u << (insn->more & INSN2_WIDTH);
}

/* Goes on at CS:offset in real or virtual-8086 mode; #GP(0) beyond the limit. */
void far_go_real(Cpu *cpu, u16 selector, u64 offset);

/* A code segment that is both 64-bit and 32-bit by its bits is none in long mode. */
static inline bool code_bits_valid(const Cpu *cpu, u32 attr)
{
    return !(cpu_long(cpu) && (attr & SEG_L) && (attr & SEG_DB));
}

/* A hardware task switch: not there. */
void far_no_task_switch(Cpu *cpu, u8 vector, u32 error) __attribute__((noreturn, cold));

#endif
