/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code for the log: -d in_asm, op, out_asm and exec.  Where there is no disassembler it
 * is bytes alone.  All with the block cache's lock, but log_block_run().
 */

#ifndef ACCEL_SOFT_ASM_LOG_H
#define ACCEL_SOFT_ASM_LOG_H

#include "accel/soft/jit/jit.h"

/* in_asm and op: a block that was just decoded from `bytes` */
void log_block_decoded(const Block *block, const u8 *bytes);
/*
 * out_asm: [begin, jit->e.at) was made of the block; at[i] is where its i-th
 * instruction begins, 0: with the one before; at[n] where what lies behind does.
 */
void log_block_translated(const Jit *jit, const Block *block, u32 begin, const u32 *at);
/* exec: it is about to be run */
void log_block_run(const Cpu *cpu, const Block *block);

#endif
