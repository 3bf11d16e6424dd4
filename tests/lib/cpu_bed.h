/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test bed for an accelerator: a machine with a little RAM, a range of ports and one
 * of MMIO that record what the guest does, and vCPUs that run a few instructions.
 *
 *     0x000000 - 0x07ffff   RAM
 *     0x0a0000 - 0x0a1fff   recorded MMIO
 *     0xe0000000 -          recorded MMIO, the same
 *     ports 0x100 - 0x1ff   recorded
 *     port 0xf4             the byte written ends cpu_bed_run
 */

#ifndef TESTS_LIB_CPU_BED_H
#define TESTS_LIB_CPU_BED_H

#include "accel/accel.h"
#include <pthread.h>

enum {
    BED_RAM = 0x80000, BED_MMIO = 0xa0000, BED_MMIO_BYTES = 0x2000,
    BED_PORTS = 0x100, BED_END_PORT = 0xf4,
};
#define BED_HIGH_MMIO 0xe0000000u

/* One access, as the device model saw it. */
typedef struct {
    bool port, write;
    u64 at, value;
    unsigned size;
} Access;

typedef struct {
    Machine *machine;
    CpuTopology topology;
    Region low, high, ports, end;

    /* What the guest has asked for, for cpu_bed_wait: under `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned asked;
    RequestKind asked_request;
    int asked_value;
    char *asked_cause;

    RequestKind request;            /* what cpu_bed_wait got: the last one */
    int value;
    char *cause;

    Access access[64];
    unsigned accesses;              /* all; the first 64 are kept */
    u64 answer;                     /* what recorded ranges read as */
    u8 pic_vector;                  /* what the PIC acknowledges with */
    unsigned pic_acks;
    u8 eoi_vector;
    unsigned eois;
} CpuBed;

/*
 * NULL when the accelerator can't be opened here: the test is skipped then, and the
 * reason is said.
 */
CpuBed *cpu_bed_new(const char *accel, unsigned cpus, const char *cpu_model);
void cpu_bed_free(CpuBed *bed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CpuBed, cpu_bed_free)

static inline const AccelType *cpu_bed_accel(CpuBed *bed)
{
    return bed->machine->accel->type;
}

/* Copies a program, the bytes between two labels, into RAM. */
void cpu_bed_load(CpuBed *bed, gpa at, const u8 *begin, const u8 *end);
u64 cpu_bed_peek(CpuBed *bed, gpa at, unsigned size);
void cpu_bed_poke(CpuBed *bed, gpa at, u64 value, unsigned size);

void cpu_bed_get(CpuBed *bed, unsigned cpu, X86State *state);
void cpu_bed_set(CpuBed *bed, unsigned cpu, const X86State *state);

/*
 * Sets a vCPU to begin at `at` in real mode (segment at >> 4, offset 0, stack below
 * 0x7000), in flat protected mode, or in long mode with the first GiB and the one at
 * BED_HIGH_MMIO mapped to themselves (page tables at 0x70000, GDT at 0x78000).  The
 * IDT is at 0x79000 and empty: cpu_bed_gate fills it.
 */
typedef enum { START_REAL, START_PROTECTED, START_LONG } StartMode;
void cpu_bed_start(CpuBed *bed, unsigned cpu, StartMode mode, gpa at);
void cpu_bed_gate(CpuBed *bed, StartMode mode, u8 vector, gpa handler);
void cpu_bed_start_state(CpuBed *bed, StartMode mode, gpa at, X86State *state);

/*
 * Lets the vCPUs run until one of them asks something of the machine, which is left in
 * bed->request, and pauses them.  Fails after half a minute.
 */
void cpu_bed_run(CpuBed *bed);
void cpu_bed_resume(CpuBed *bed);
void cpu_bed_pause(CpuBed *bed);
void cpu_bed_wait(CpuBed *bed);         /* for the request, while it runs */
bool cpu_bed_asked(CpuBed *bed);        /* has there been one? */
/* The guest ended with this byte. */
void cpu_bed_runs_to(CpuBed *bed, int value);

/* Access number `n` was this one. */
void cpu_bed_access(CpuBed *bed, unsigned n, bool port, bool write, u64 at, u64 value,
                    unsigned size);

/* Declares the labels around a program in a .S file. */
#define PROGRAM(name) extern const u8 name[], name##_end[]
#define LOAD(bed, at, name) cpu_bed_load(bed, at, name, name##_end)

#endif
