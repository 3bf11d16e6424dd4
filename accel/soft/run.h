/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the run loop and the block cache have in common: where code is, and how a block
 * is left.
 */

#ifndef ACCEL_SOFT_RUN_H
#define ACCEL_SOFT_RUN_H

#include "accel/soft/soft.h"

/* Blocks don't depend on single-stepping: then only the first instruction is run. */
static inline unsigned block_mode(const Cpu *cpu)
{
    return cpu->mode & ~MODE_STEP;
}

/*
 * Another vCPU may drop a block any time; one that is entered all the same leads back
 * at its first instruction.
 */
static inline bool block_valid(const Block *block)
{
    return __atomic_load_n(&block->valid, __ATOMIC_RELAXED);
}

/* The linear address of code at `rip`. */
static inline gva code_linear(const Cpu *cpu, u64 rip)
{
    return cpu_code64(cpu) ? rip : (u32)(cpu->seg[SEG_CS].base + rip);
}

static inline JumpEntry *jump_entry(Cpu *cpu, gva at)
{
    u32 place = (u32)at * JUMP_MIX & cpu->jump_mask;

    return (JumpEntry *)((u8 *)cpu->jump + place);
}

/* Is code from the page of `at` in the jump cache, or may it be? */
static inline bool jump_has_page(const JumpSpace *space, gva at)
{
    u64 page = (at >> PAGE_SHIFT) % JUMP_PAGES;

    return space->pages[page / 64] >> page % 64 & 1;
}

static inline void jump_note_page(JumpSpace *space, gva at)
{
    u64 page = (at >> PAGE_SHIFT) % JUMP_PAGES;

    space->pages[page / 64] |= 1ull << page % 64;
}

/* Another thread wants something of this vCPU. */
static inline bool cpu_requested(const Cpu *cpu)
{
    return atomic_load_explicit(&cpu->request, memory_order_relaxed);
}

/* May its translation be run now? */
static inline bool block_translated(const Block *block)
{
    return __atomic_load_n(&block->code, __ATOMIC_ACQUIRE);
}

/*
 * Counts that it is about to be run; translates it if that makes it hot: then it may be
 * gone.
 */
bool block_warm(Cpu *cpu, Block *block);

/* Runs it by the interpreter: cpu->insn is the last instruction that was run. */
void block_run(Cpu *cpu, Block *block);

/* The block at rip by the jump cache, or by all means. */
Block *block_look_up(Cpu *cpu);

/* Notes in the jump cache that this block is at `at`. */
void jump_fill(Cpu *cpu, JumpEntry *entry, gva at, Block *block);

/* Does the instruction set rip (and so has to be the last of its block)? */
bool insn_ends_block(const Insn *insn);
/* Completes a block that has its instructions: what follows from the last of them. */
void block_finish(Block *block);

/* ---- one.c: blocks of one instruction ---- */

/* This instruction, which is the first of its block, alone. */
Block *one_alone(Cpu *cpu, const Insn *insn);
/*
 * The instruction at cpu->rip, whose bytes in this page are given, if it is known to
 * cross into the next page; NULL: not known.  May raise what fetching the rest raises.
 */
Block *one_known_crossing(Cpu *cpu, const u8 *bytes, gpa phys);
/*
 * The same decoded: it crosses into the next page, or into the end of the code segment.
 */
Block *one_crossing(Cpu *cpu, const u8 *bytes, gpa phys);

/* Bytes of code that CS's limit leaves at rip; 64-bit mode has no limit. */
static inline u64 code_left(const Cpu *cpu)
{
    u32 limit = cpu->seg[SEG_CS].limit;

    return cpu_code64(cpu) ? UINT64_MAX : cpu->rip > limit ? 0 : limit - cpu->rip + 1;
}

/*
 * Runs just this instruction, which was decoded for cpu->rip; sets cpu->rip to where to
 * go on.
 */
void insn_run(Cpu *cpu, const Insn *insn);

/*
 * Before the present instruction: back to the run loop, which looks for the block at
 * its address.
 */
void cpu_leave_block(Cpu *cpu) __attribute__((noreturn, cold));

#endif
