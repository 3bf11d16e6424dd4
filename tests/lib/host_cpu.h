/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's CPU as an oracle: runs one instruction with a given state and says what
 * came of it.
 *
 * The state is put into the context of a signal handler; the kernel loads it on return,
 * the instruction runs in user mode, and the INT3 behind it (or its own fault) brings
 * the resulting state back in another signal's context.
 */

#ifndef TESTS_LIB_HOST_CPU_H
#define TESTS_LIB_HOST_CPU_H

#include "base/types.h"

/*
 * One page of code, then data: pages that can be written, one that can only be read,
 * and nothing behind.
 */
enum {
    HOST_CODE = 0x10000000, HOST_DATA = 0x10010000,
    HOST_DATA_PAGES = 4, HOST_READ_ONLY_PAGES = 1,
};
#define HOST_DATA_BYTES (HOST_DATA_PAGES * PAGE_BYTES)
#define HOST_ALL_BYTES  ((HOST_DATA_PAGES + HOST_READ_ONLY_PAGES) * PAGE_BYTES)

typedef struct {
    u64 gpr[16];                /* as instructions encode them */
    u64 rip, flags;
    u8 fx[512] __attribute__((aligned(16)));    /* FXSAVE64 layout */
    u8 ymm_high[16][16]; /* upper halves of YMM registers, where the host has them */
    int vector;                 /* of the fault, or -1 */
    u32 error;
    u64 cr2;
} HostCpu;

/* Maps code and data at their addresses; false if they are taken. */
bool host_cpu_open(void);
/* The code page: what lies behind the instruction must be INT3. */
u8 *host_cpu_code(void);

/*
 * Runs the instruction at cpu->rip; *cpu becomes the state after it, with rip and
 * vector as explained above.
 */
void host_cpu_run(HostCpu *cpu);

#endif
