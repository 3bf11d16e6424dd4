/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the system instructions share.
 */

#ifndef ACCEL_SOFT_SYSTEM_H
#define ACCEL_SOFT_SYSTEM_H

#include "accel/soft/cpu.h"

/* Most of them are for privilege level 0 only. */
static inline void check_kernel(Cpu *cpu)
{
    if (cpu->cpl) {
        cpu_gp(cpu, 0);
    }
}

/* SGDT SIDT SLDT STR SMSW tell programs about the kernel: CR4.UMIP forbids it. */
static inline void check_umip(Cpu *cpu)
{
    if ((cpu->cr4 & CR4_UMIP) && cpu->cpl) {
        cpu_gp(cpu, 0);
    }
}

/* To memory 16 bits, to a register the operand size (SLDT, STR, SMSW). */
void store_word(Cpu *cpu, const Insn *insn, u64 value);

/* XCR0 = value, with the checks of XSETBV. */
void cpu_set_xcr0(Cpu *cpu, u64 value);
bool xcr0_possible(const Cpu *cpu, u64 value);

#endif
