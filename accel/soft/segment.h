/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors and stacks, for the instructions and events that change segments.  A
 * Segment is loaded and judged first and becomes part of the CPU last, when nothing can
 * fault any more.
 */

#ifndef ACCEL_SOFT_SEGMENT_H
#define ACCEL_SOFT_SEGMENT_H

#include "accel/soft/mmu.h"

/* ---- attributes (SDM vol. 3, 3.4.5) ---- */

enum {
    TYPE_ACCESSED = 1, TYPE_RW = 2, TYPE_CONFORMING = 4, TYPE_DOWN = 4, TYPE_CODE = 8,
};

/*
 * Types of system descriptors and gates (table 3-2); 32 bits wide, or 64 in long mode.
 */
enum {
    SYS_TSS16 = 1, SYS_LDT = 2, SYS_TSS16_BUSY = 3, SYS_CALL16 = 4, SYS_TASK_GATE = 5,
    SYS_INT16 = 6, SYS_TRAP16 = 7, SYS_TSS = 9, SYS_TSS_BUSY = 11, SYS_CALL = 12,
    SYS_INT = 14, SYS_TRAP = 15,
};

static inline bool attr_code(u32 attr)
{
    return (attr & SEG_S) && (SEG_TYPE(attr) & TYPE_CODE);
}

static inline bool attr_data(u32 attr)
{
    return (attr & SEG_S) && !(SEG_TYPE(attr) & TYPE_CODE);
}

static inline bool attr_conforming(u32 attr)
{
    return attr_code(attr) && (SEG_TYPE(attr) & TYPE_CONFORMING);
}

static inline bool attr_writable(u32 attr)
{
    return attr_data(attr) && (SEG_TYPE(attr) & TYPE_RW);
}

static inline bool attr_readable(u32 attr)
{
    return attr_data(attr) || (attr_code(attr) && (SEG_TYPE(attr) & TYPE_RW));
}

static inline bool selector_null(u16 selector)
{
    return !(selector & ~3);
}

/* The error code that names a selector. */
static inline u32 selector_error(u16 selector)
{
    return selector & ~3u;
}

enum { ERROR_EXT = 1, ERROR_IDT = 2 };

/* ---- descriptors ---- */

/* Reads a descriptor of 8 bytes; false: the selector is beyond its table's limit. */
bool descriptor_read(Cpu *cpu, u16 selector, u64 *raw) must_check;

/* The same as a segment: base, limit in bytes, attributes. */
bool descriptor_segment(Cpu *cpu, u16 selector, Segment *out) must_check;

/* LDT and TSS: 16 bytes in long mode, where `*upper` is the second half, else 0. */
bool descriptor_system(Cpu *cpu, u16 selector, Segment *out, u64 *upper) must_check;

/* Sets the accessed bit of a code or data segment, in its table and in `segment`. */
void descriptor_accessed(Cpu *cpu, Segment *segment);

Segment segment_from(u16 selector, u64 raw);

/* A segment register without a segment; its DPL is kept for SS. */
static inline Segment segment_null(u16 selector, unsigned dpl)
{
    return (Segment){ .selector = selector, .attr = SEG_UNUSABLE | dpl << 13 };
}

/* Does [offset, offset + size) lie inside? */
bool segment_holds(const Segment *s, u64 offset, unsigned size);

/*
 * A code segment becomes CS with this privilege level: its selector's RPL follows.  The
 * caller calls cpu_mode_changed() when SS and the rest are set too.
 */
void load_code_segment(Cpu *cpu, Segment *cs, unsigned cpl);

/* CS, or all of a real-mode segment register: base from the selector. */
void load_real_segment(Cpu *cpu, unsigned seg, u16 selector);

/* Can `offset` be executed in the segment (limit, or canonical in 64-bit code)? */
bool code_offset_valid(const Cpu *cpu, const Segment *cs, u64 offset);

/* ---- stacks ---- */

/*
 * A stack that is pushed to or popped from before it is the current one.  Nothing of
 * the CPU changes until stack_commit.
 */
typedef struct {
    Segment ss;
    u64 sp;                     /* all 64 bits of RSP */
    u64 mask;                   /* which of them the stack uses */
    u32 error;                  /* #SS error code where the limit is passed */
    u8 cpl;
    bool wide;                  /* long mode's: no base, no limit */
} Stack;

Stack stack_now(const Cpu *cpu);
Stack stack_legacy(const Segment *ss, u64 sp, unsigned cpl);
Stack stack_wide(u64 sp, unsigned cpl);
void stack_push(Cpu *cpu, Stack *s, u64 value, unsigned size);
u64 stack_pop(Cpu *cpu, Stack *s, unsigned size);
void stack_commit(Cpu *cpu, const Stack *s);        /* RSP alone */

/*
 * The stack of privilege level `cpl` in the TSS (7.2.1, 7.7): for calls and interrupts
 * to an inner level.  `ext` is the EXT bit of the faults it raises.
 */
Stack tss_stack(Cpu *cpu, unsigned cpl, u32 ext);
/* Long mode: RSP0 to RSP2, or with ist 1 to 7 an interrupt stack. */
Stack tss_stack_wide(Cpu *cpu, unsigned cpl, unsigned ist, u32 ext);

#endif
