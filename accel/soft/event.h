/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is delivered through the IDT: between exception.c, which decides, and deliver.c,
 * which does it, and the INT instructions.
 */

#ifndef ACCEL_SOFT_EVENT_H
#define ACCEL_SOFT_EVENT_H

#include "accel/soft/cpu.h"

typedef struct {
    u8 vector;
    bool has_error;             /* pushes `error` */
    bool soft;                  /* INT n, INT3, INTO: the gate's DPL counts, EXT is 0 */
    u32 error;
    u64 rip;                    /* to return to */
    u64 flags;                  /* as they are pushed */
} Event;

/*
 * Pushes the frame and loads CS:rIP.  A fault on the way is raised with nothing changed
 * but what lies below the stack pointer.
 */
void event_deliver(Cpu *cpu, const Event *event);

/*
 * INT n, INT3, INTO, INT1, by the present instruction: returns to `next`.  `checked`:
 * only if the gate's DPL allows it.
 */
void cpu_soft_interrupt(Cpu *cpu, u8 vector, u64 next, bool checked);

/* Leaves the run loop until something changes run_state (RUN_*). */
void cpu_stop(Cpu *cpu, u8 run_state);

#endif
