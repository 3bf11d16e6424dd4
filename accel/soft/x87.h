/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions behind the x87 rows: x87.c computes, x87_control.c loads and stores the
 * environment.
 */

#ifndef ACCEL_SOFT_X87_H
#define ACCEL_SOFT_X87_H

#include "accel/soft/simd.h"

OpFn x87_load, x87_store, x87_register, x87_nop, x87_fwait;
OpFn x87_fldcw, x87_fnstcw, x87_fnstsw, x87_fnstsw_ax, x87_fnclex, x87_fninit,
    x87_fldenv, x87_fnstenv, x87_frstor, x87_fnsave;

/* #NM while CR0.EM or CR0.TS is set. */
void x87_check(Cpu *cpu);
/* The state after FNINIT; the register contents stay. */
void x87_init(Cpu *cpu);
/*
 * Sets or clears the summary bits as exceptions and masks say; after FCW or FSW was
 * loaded.
 */
void x87_summarize(Cpu *cpu);

#endif
