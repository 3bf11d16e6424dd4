/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the run loop and the block cache have in common: where code is, and how a block is left.
 */

#ifndef ACCEL_SOFT_RUN_H
#define ACCEL_SOFT_RUN_H

#include "accel/soft/soft.h"

/* Blocks don't depend on single-stepping: then only the first instruction is run. */
static inline unsigned block_mode(const Cpu *cpu)
{
    return cpu->mode & ~MODE_STEP;
}

/* The linear address of code at `rip`. */
static inline gva code_linear(const Cpu *cpu, u64 rip)
{
    return cpu_code64(cpu) ? rip : (u32)(cpu->seg[SEG_CS].base + rip);
}

static inline JumpEntry *jump_entry(Cpu *cpu, gva at)
{
    return &cpu->jump[(at ^ at >> JUMP_BITS) & (JUMP_SIZE - 1)];
}

/* Whether code may be fetched depends on the privilege level too. */
static inline u64 jump_mode(const Cpu *cpu)
{
    return block_mode(cpu) | (u64)(cpu->cpl == 3) << 8;
}

/* A vCPU's private block of one instruction. */
static inline Block *cpu_one_block(Cpu *cpu)
{
    return (Block *)cpu->one_block;
}

/* Does the instruction set rip (and so has to be the last of its block)? */
bool insn_ends_block(const Insn *insn);

/* A private block with the first instruction of `block` alone. */
Block *block_first_insn(Cpu *cpu, const Block *block);

/* Before the present instruction: back to the run loop, which looks for the block at its address. */
void cpu_leave_block(Cpu *cpu) __attribute__((noreturn, cold));

#endif
