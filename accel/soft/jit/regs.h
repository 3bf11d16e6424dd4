/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which host register holds which guest register while translated code runs.
 *
 *      guest   rax rcx rdx rbx rsp rbp rsi rdi r8 .. r11 r12  r13 r14 r15
 *      host    rax rcx rdx rbx r12 rbp rsi rdi r8 .. r11 r13  in Cpu.gpr
 *
 * Taken from the guest: rsp, which is the host's stack; r14 and r15, two scratch
 * registers.  The Cpu itself costs none: it is where the host's GS base points to.
 * Registers with a meaning of their own (rax, rcx, rdx) are in place, so that MUL, DIV
 * and shifts by CL are what they were.
 *
 * The host's arithmetic flags are the guest's between two instructions; DF is always 0,
 * the guest's is in Cpu.rflags.
 */

#ifndef ACCEL_SOFT_JIT_REGS_H
#define ACCEL_SOFT_JIT_REGS_H

#include "accel/soft/cpu.h"

enum {
    H_RAX = 0, H_RCX, H_RDX, H_RBX, H_RSP, H_RBP, H_RSI, H_RDI, S1 = 14, S2 = 15,
    HOST_SP = H_RSP,
};
enum { IN_MEMORY = -1 };

static const s8 host_register_of[16] = {
    [RAX] = H_RAX, [RCX] = H_RCX,     [RDX] = H_RDX,     [RBX] = H_RBX,
    [RSP] = 12,    [RBP] = H_RBP,     [RSI] = H_RSI,     [RDI] = H_RDI,
    [R8] = 8,      [R9] = 9,          [R10] = 10,        [R11] = 11,
    [R12] = 13,    [R13] = IN_MEMORY, [R14] = IN_MEMORY, [R15] = IN_MEMORY,
};

#endif
