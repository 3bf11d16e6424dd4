/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs guest programs that record what happens to them (tests/accel/guest/guest.h) on
 * any accelerator, and gives the record as text:
 *
 *     PF(2)@a+RF cr2=200000 cs=2b     vector, error code, the saved rip's mark, flags
 *                                     in the saved image, CR2, cs when it is not CODE
 *     =1234                           a value that the program noted
 *     on 9fd8                         the frame's address, unless on the stack STACK
 *
 * separated by ", "; what the program asks of the machine (reset, crash) comes last.
 */

#ifndef TESTS_LIB_GUEST_H
#define TESTS_LIB_GUEST_H

#include "tests/accel/guest/guest.h"
#include "tests/lib/cpu_bed.h"

typedef struct {
    u32 offset;
    char letter, pad[3];
} GuestMark;

typedef struct {
    const char *name;
    const u8 *begin, *end;
    const GuestMark *marks, *marks_end;
    StartMode mode;
    const char *expected;
    const char *section;        /* of SDM vol. 3 unless it says otherwise */
    bool kvm;                   /* the kernel's instruction emulator can run it */
    unsigned cpus;              /* that it needs, if more than one */
    void (*before)(CpuBed *bed);        /* it runs */
    void (*after)(CpuBed *bed);
} GuestProgram;

#define GUEST(name) \
    extern const u8 guest_##name[], guest_##name##_end[]; \
    extern const GuestMark guest_##name##_marks[], guest_##name##_marks_end[]
#define GUEST_ROW(name) \
    #name, guest_##name, guest_##name##_end, guest_##name##_marks, \
    guest_##name##_marks_end

/* vCPU 0 is ready to begin the program; the others wait for SIPI. */
void guest_load(CpuBed *bed, const GuestProgram *program);
/* Lets it run to its end.  The record. */
char *guest_run(CpuBed *bed, const GuestProgram *program);

/*
 * Adds a test for each program: on the software CPU with one and two vCPUs, and on KVM.
 */
void guest_add_tests(const GuestProgram *programs, unsigned n);

#endif
