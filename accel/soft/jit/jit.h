/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block translator: hot blocks become host code.
 *
 * A translation has up to five entries.  From the jump cache (Block.code) the flags are
 * in Cpu.arith; it looks whether something is requested, and is closed when the block
 * is dropped.  Links from other translations of the same page enter with the flags in
 * the host's or in Cpu.arith (saved_), forward ones at the block's body (entry),
 * backward ones before it (loop_entry), where requests are looked at.
 *
 * The code memory belongs to the block cache: its lock guards all that is here but
 * running translations.
 */

#ifndef ACCEL_SOFT_JIT_JIT_H
#define ACCEL_SOFT_JIT_JIT_H

#include "accel/soft/jit/emit.h"
#include "accel/soft/soft.h"

/*
 * A direct jump to another place of the same page: to its stub, or linked to a
 * translation.  Lies in the block cache's arena.
 */
typedef struct JitExit {
    Block *owner;
    struct JitExit *next;       /* of those linked to the same block */
    s32 to;                     /* where it goes, from the page's start */
    u32 jump, stub;             /* where its distance is, and the stub */
    bool back;                  /* jumps backwards: by way of loop_entry */
    bool shadow;                /* no interrupts before the next instruction */
    bool saved, gone;           /* where the flags are then, as in Code */
} JitExit;

/* A host instruction that may trap (SIGFPE), and what is run then. */
typedef struct {
    u32 at, cold;
} JitTrap;

typedef struct Jit {
    Emit e;
    BlockCache *blocks;
    u8 *write, *exec;
    u64 bytes;
    u32 first;                          /* behind the stubs: where translations begin */
    u32 enter, leave, leave_flags, not_translated, find_return, return_to_0;
    u32 flags_kept;                     /* a RET: see redo.c */
    u32 load_sse, load_x87, load_avx;
    u32 interpret, interpret_saved, interpret_last, interpret_last_saved, call_missed;
    u32 find_entry[MMU_MODES][2], find_hint[MMU_MODES][2];      /* [1]: for a write */
    u16 hints[MMU_MODES]; /* given to translations so far; used again and again */
    u16 hints_made[MMU_MODES];          /* how many were ever given */
    JitTrap *trap;                      /* by rising address */
    _Atomic u32 traps;
    u32 traps_max;
    int perf_map;                       /* fd or -1 */
    u64 translated, translated_insns, links, unlinks, again, fulls;
} Jit;

/*
 * `at`: address space for `bytes` of code, which the code is mapped into.  NULL with
 * *err.
 */
Jit *jit_new(BlockCache *blocks, u8 *at, u64 bytes, bool perf_map, GError **err);
void jit_free(Jit *jit);
void jit_flush(Jit *jit);
/* They are made anew: behind a flush, when those of all vCPUs are gone. */
void jit_forget_hints(Jit *jit);
/* for perf: it goes from `begin` to where the code ends now */
void jit_note(Jit *jit, const Block *block, u32 begin);
void jit_print(const Jit *jit, GString *out);

/* With the block cache's lock.  False: no room. */
bool jit_translate(Jit *jit, Block *block);
/* the old one stays good, and where there is no room it stays */
void jit_translate_again(Jit *jit, Block *block);
void jit_link(Jit *jit, JitExit *from, Block *to);
void jit_unlink(Jit *jit, Block *block);        /* nothing jumps to it any more */
/* Who comes by a jump cache to what was a Block.code is led to the run loop. */
void jit_close_entry(Jit *jit, const void *code);

/* Room in the block cache's arena for an exit, or NULL. */
JitExit *blocks_new_exit(BlockCache *blocks);
/* Makes a hint in each vCPU, before any of them can run code that looks at it. */
void blocks_new_hint(BlockCache *blocks, MmuMode mode, unsigned n);

/*
 * Runs the translation of the block at cpu->rip and what follows, until something is to
 * be done by others; cpu->rip is set.
 */
void jit_run(Cpu *cpu, Block *block);

/*
 * Its parts, for tests: before the first one on a thread; and one run up to a jump that
 * is not linked, or NULL.
 */
void jit_begin(Cpu *cpu);
JitExit *jit_enter(Cpu *cpu, Block *block);

/*
 * Calls that are kept on the host's stack (branch.c): so many, of so many bytes. Each
 * MMU mode keeps its own, so far apart, with room for what signals put there.
 */
enum { RETURN_BYTES = 16, RETURNS_MAX = 2048, RETURNS_APART = 96 << 10 };

/* ---- count.c: what "info jit" shows of a vCPU ---- */

/* Only the vCPU's thread counts; others may look. */
static inline void jit_count(u64 *n)
{
    __atomic_store_n(n, *n + 1, __ATOMIC_RELAXED);
}

static inline void jit_count_insn(Cpu *cpu, const Insn *insn)
{
    jit_count(&cpu->jit_interpreted[insn->op]);
}
void jit_counts_new(Cpu *cpu);
void jit_counts_free(Cpu *cpu);
void jit_print_counts(const Cpu *cpu, GString *out);

/* stubs.c */
void jit_make_stubs(Jit *jit);
/*
 * Called by translations: do one instruction as the interpreter does.  The first: true:
 * back to the run loop, cpu->rip is set.  The second, for the last one of a block:
 * where in the jump cache the next block is, plus 1; 0: back to the run loop.  The
 * third the same for a call that has been done but for the jump to Cpu.jit_temp: its
 * operand may lie where it has pushed.
 */
bool jit_interpret(Cpu *cpu, const Insn *insn, Block *block);
u64 jit_interpret_last(Cpu *cpu, const Insn *insn, Block *block);
u64 jit_call_missed(Cpu *cpu, const Insn *insn, Block *block);

#endif
