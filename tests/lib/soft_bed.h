/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test bed for the software CPU: a machine with RAM at 0, one port that ends the run,
 * and nothing else.  While the bed does not run, the test calls the CPU's functions
 * itself, from the main thread.
 */

#ifndef TESTS_LIB_SOFT_BED_H
#define TESTS_LIB_SOFT_BED_H

#include "accel/soft/soft.h"

enum { BED_RAM = 16 << 20, BED_EXIT_PORT = 0xf4 };

typedef struct {
    Machine *machine;
    Soft *soft;
    Cpu *cpu;                       /* the first one */
    X86State state;                 /* of the first one, before and after a run */
    Region exit_port;
    _Atomic int request;            /* the last RequestKind, -1: none */
    _Atomic int value;              /* REQUEST_EXIT: what was written to the port */
} SoftBed;

/* vCPUs in reset state; `model` as for -cpu, NULL for the default. */
SoftBed *soft_bed_new(unsigned cpus, const char *model);
void soft_bed_free(SoftBed *bed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SoftBed, soft_bed_free)

void soft_bed_put(SoftBed *bed, gpa at, const void *from, size_t n);
void soft_bed_put64(SoftBed *bed, gpa at, u64 value);
u64 soft_bed_get64(SoftBed *bed, gpa at);

/* bed->state becomes the first vCPU's. */
void soft_bed_set(SoftBed *bed);

/* Gives the state of flat 64-bit code at privilege level 0, with paging by `cr3`. */
void soft_bed_long_mode(SoftBed *bed, u64 cr3);

/* The same, where each address is its own: tables of 3 pages at `tables`. */
void soft_bed_identity(SoftBed *bed, u64 tables);

/*
 * Gives the state of flat 32-bit code at privilege level `cpl`, without paging: a GDT
 * of 2 KiB at BED_GDT, a TSS at BED_TSS, RIP 0x1111.  And that of 64-bit code after it:
 * the first 2 MiB are mapped to themselves, with tables at 0x10000.
 */
enum { BED_GDT = 0x1000, BED_GDT_BYTES = 0x800, BED_TSS = 0x3000, BED_RIP = 0x1111 };
void soft_bed_flat(SoftBed *bed, unsigned cpl);
void soft_bed_flat_to_long(SoftBed *bed);

/*
 * A descriptor of 4 GiB from 0; `access` is its fifth byte, `flags` the upper nibble of
 * the sixth.
 */
void soft_bed_put_flat(SoftBed *bed, u16 selector, u8 access, u8 flags);

/* Executes one instruction at RIP; the vector it raises, or -1. */
int soft_bed_execute(SoftBed *bed, const u8 *bytes, unsigned n);

/*
 * Runs until the guest asks something of the machine; at most 10 s.  The request's
 * kind.
 */
int soft_bed_run(SoftBed *bed);

/* The vector that `call` raises, or -1. */
#define CAUGHT(cpu, call) \
    (sigsetjmp((cpu)->unwind, 0) ? (int)(cpu)->raised_vector : ((void)(call), -1))

#endif
