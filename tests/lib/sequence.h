/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random sequences of user-mode instructions, made from the opcode table, for the two
 * CPUs that run them (host_run.h has the addresses).
 *
 * A sequence is a list of units: an instruction, or a few that belong together.  Any
 * unit may be left out, and what remains is a sequence still: so a failing one can be
 * made smaller.
 *
 * Registers have duties: r8, r12, r14 and rbp point to data, r11 is a small index, r10
 * a bad pointer, r9 counts the backward jumps that may still be done, rsp is a stack;
 * the others hold values.  So some of each have no register of the host's in translated
 * code (jit/regs.h).
 */

#ifndef TESTS_LIB_SEQUENCE_H
#define TESTS_LIB_SEQUENCE_H

#include "accel/soft/cpu.h"

/* ---- random numbers: xorshift64* ---- */

typedef struct {
    u64 state;
} Rng;

Rng rng_new(u64 seed);
u64 rng64(Rng *rng);
u32 rng_below(Rng *rng, u32 n);
bool rng_chance(Rng *rng, u32 of);          /* one in `of` */
u64 rng_value(Rng *rng);                    /* often a special one */

/* ---- sequences ---- */

typedef struct {
    u8 byte[32];
    u8 n;
    u8 fix_at, fix_bytes;       /* where a displacement goes, 0: nowhere */
    u8 fix_end;                 /* ... and what it counts from */
    u8 target;                  /* a unit, or TARGET_* */
    bool off;                   /* left out */
} Unit;

enum {
    UNITS_MAX = 64, TARGET_END = 64, TARGET_DATA = 65,
    SEQUENCE_BYTES = UNITS_MAX * 32,
};

typedef struct {
    Unit unit[UNITS_MAX];
    unsigned n;
    u64 start;                  /* address */
    bool changes;               /* patches itself */
} Sequence;

/* `cpu`: whose features count. */
void sequence_random(Sequence *s, Rng *rng, const Cpu *cpu);

/* Lays out what is not left out; returns the number of bytes. */
unsigned sequence_bytes(const Sequence *s, u8 *out);
/* Where the unit begins that `rip` is in; 0 outside. */
u64 sequence_unit_of(const Sequence *s, u64 rip);

/* What the registers and flags are before it. */
void sequence_registers(Rng *rng, u64 gpr[16], u64 *flags);
/* ... and the XSAVE area. */
void sequence_area(Rng *rng, u8 *area);

#endif
