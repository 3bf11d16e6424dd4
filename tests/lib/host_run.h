/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's CPU as an oracle for whole sequences of instructions, a few hundred
 * thousand a second: registers are loaded, the sequence is jumped to, and its end jumps
 * to code that stores them.  Only a fault costs a signal.
 *
 * Segment registers are null, and FS and GS have base 0: code that changes itself, or
 * jumps into its own middle, must not find the test's own variables.
 *
 * The sequences lie in pages that can be written and executed at one address, so that
 * they may change themselves as programs do.
 */

#ifndef TESTS_LIB_HOST_RUN_H
#define TESTS_LIB_HOST_RUN_H

#include "base/types.h"

enum {
    RUN_CODE = 0x10000000, RUN_CODE_PAGES = 2,
    RUN_CODE_BYTES = RUN_CODE_PAGES * PAGE_BYTES,
    RUN_END = RUN_CODE + RUN_CODE_BYTES + PAGE_BYTES,   /* where sequences end */
    RUN_DATA = 0x10010000, RUN_DATA_PAGES = 8,
    RUN_RECORD = 0x6b8d5000,                            /* a RunRecord */
};

/* What the data pages are: can be written, can be read, are not there. */
#define RUN_PAGES "ww-wrw-w"

typedef struct {
    u64 gpr[16];
    u64 rip, flags;
    u64 home_rsp, home_fs, home_gs;
    u32 home_mxcsr;
    int vector;                 /* of the fault, or RUN_* */
    u32 error;
    u64 cr2;
    /* XSAVE area: x87, SSE, and the upper halves of the YMM registers at 576. */
    u8 area[832] __attribute__((aligned(64)));
} RunRecord;

enum { RUN_ENDED = -1, RUN_ENDLESS = -2, RUN_SYSCALL = -3 };

bool host_run_open(void);       /* false: the addresses are taken, or no WRFSBASE */
bool host_has_avx(void);

/*
 * From record->rip to the end, a fault, a system call (which is not done), or for ever:
 * that is 10 ms.
 */
void host_run(RunRecord *record);

/* Calls `late`, in a signal handler, when the other CPU takes 5 seconds for a run. */
void host_run_watch(void (*late)(void));
/* Tells the watch that something goes on. */
void host_run_alive(void);

#endif
