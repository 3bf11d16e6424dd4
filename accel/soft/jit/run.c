/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the run loop and translated code, on the vCPU's own thread.
 */

#include "accel/soft/jit/jit.h"
#include "accel/soft/mmu.h"
#include "accel/soft/run.h"
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Translated code finds the Cpu by the thread's GS base, which nothing else uses. */
void jit_begin(Cpu *cpu)
{
    static __thread Cpu *now;

    if (unlikely(now != cpu)) {
        syscall(SYS_arch_prctl, ARCH_SET_GS, cpu);
        now = cpu;
    }
}

/* Links the jump that was taken to the block that it leads to. */
static void follow(Cpu *cpu, JitExit *exit, Block *to)
{
    const Block *from = exit->owner;

    if (((from->at ^ to->at) & PAGE_MASK) == 0 &&
        (to->at & ~PAGE_MASK) == (gpa)exit->to) {
        blocks_link(cpu->soft->blocks, exit, to);
    }
}

/* ---- calls that are kept ---- */

static void begin_returns(Cpu *cpu)
{
    memset(cpu->returns, 0, sizeof cpu->returns);
    cpu->return_first = cpu->return_mode = cpu->mode >> MODE_MMU_SHIFT;
    cpu->return_tag = cpu->jump_tag;
    __atomic_store_n(&cpu->returns_stale, false, __ATOMIC_RELAXED);
}

/*
 * From those of one MMU mode to those of another one, or to none if what they rest on
 * has changed.  The address on the stack, of the stub's caller, goes along.
 */
static void change_returns(Cpu *cpu)
{
    const Jit *jit = blocks_jit(cpu->soft->blocks);
    unsigned mode = cpu->mode >> MODE_MMU_SHIFT;
    unsigned place = (mode + MMU_MODES - cpu->return_first) % MMU_MODES;
    u64 *from = (u64 *)(uintptr_t)cpu->stub_sp;
    u64 *base = (u64 *)(uintptr_t)(cpu->host_sp - place * RETURNS_APART), *to = base;

    cpu->returns[cpu->return_mode].sp = (uintptr_t)(from + 1);
    cpu->returns[cpu->return_mode].tag = cpu->return_tag;
    if (__atomic_exchange_n(&cpu->returns_stale, false, __ATOMIC_RELAXED)) {
        memset(cpu->returns, 0, sizeof cpu->returns);
    }
    if (cpu->returns[mode].tag == cpu->jump_tag) {
        to = (u64 *)(uintptr_t)cpu->returns[mode].sp;
    }
    base[0] = (uintptr_t)jit->exec + jit->return_to_0;
    base[1] = 0;
    to[-1] = *from;
    cpu->stub_sp = (uintptr_t)(to - 1);
    cpu->return_base = (uintptr_t)base;
    cpu->return_limit = cpu->return_base - RETURNS_MAX * RETURN_BYTES;
    cpu->return_mode = mode;
    cpu->return_tag = cpu->jump_tag;
}

static void check_returns(Cpu *cpu)
{
    if (unlikely(cpu->return_tag != cpu->jump_tag ||
                 __atomic_load_n(&cpu->returns_stale, __ATOMIC_RELAXED))) {
        change_returns(cpu);
    }
}

/* ---- running ---- */

JitExit *jit_enter(Cpu *cpu, Block *block)
{
    typedef JitExit *Enter(const void *code, u64 slot);
    const Jit *jit = blocks_jit(cpu->soft->blocks);
    Enter *enter = (Enter *)(uintptr_t)(jit->exec + jit->enter);
    JumpEntry *entry = jump_entry(cpu, cpu->rip);
    JitExit *exit;

    if (entry->block != block || entry->rip != cpu->rip ||
        entry->tag != cpu->jump_tag) {
        jump_fill(cpu, entry, cpu->rip, block);
    }
    entry->code = block->code;
    begin_returns(cpu);
    jit_count(&cpu->jit_entered);
    exit = enter(block->code, (u8 *)entry - (u8 *)cpu->jump);
    if (exit) {
        jit_count(&cpu->jit_unlinked);
        cpu->rip = cpu->code_page + exit->to;
    }
    return exit;
}

/*
 * An instruction that crosses into the next page has no translation: it is done here,
 * and what follows is found.  NULL: that is the run loop's.
 */
static Block *run_crossing(Cpu *cpu, Block *crossing)
{
    block_run(cpu, crossing);
    cpu->insn = NULL;
    if (cpu_requested(cpu) || cpu->inhibit || cpu->data_checks ||
        cpu->mode & MODE_STEP) {
        return NULL;
    }
    return block_look_up(cpu);
}

void jit_run(Cpu *cpu, Block *block)
{
    JitExit *exit;

    jit_begin(cpu);
    while ((exit = jit_enter(cpu, block)) && (exit->shadow || !cpu_requested(cpu))) {
        block = block_look_up(cpu);
        if (block_translated(block)) {
            follow(cpu, exit, block);
        }
        if (exit->shadow) {
            cpu->inhibit = INHIBIT_INTERRUPTS;
            block_warm(cpu, block);
            return;
        }
        if (block->own) {
            block = run_crossing(cpu, block);
        }
        if (!block || !block_translated(block)) {
            return;
        }
    }
}

/* ---- the interpreter, for one instruction ---- */

static void stop(Cpu *cpu, const Insn *insn)
{
}

/*
 * A fault is the instruction's from here on.  Functions go on with the next one, which
 * does nothing.
 */
static void begin_one(Cpu *cpu, const Insn *insn, Block *block)
{
    cpu->block = block;
    cpu->gpr[REG_BLOCK] = cpu->code_page + (block->at & ~PAGE_MASK);
    cpu->pair[0] = *insn;
    insn_set_fn(&cpu->pair[0], insn_fn(insn));
    insn_set_fn(&cpu->pair[1], stop);
    cpu->insn = &cpu->pair[0];
    jit_count_insn(cpu, insn);
}

static void run_one(Cpu *cpu, const Insn *insn, Block *block)
{
    begin_one(cpu, insn, block);
    insn_fn(&cpu->pair[0])(cpu, &cpu->pair[0]);
    cpu->insn = NULL;
}

/*
 * So many hints were wrong.  If that was in a short time, the one that was just now may
 * stand for all: its place does without from now on.  In this way the worst are found
 * first, and none is counted.
 */
static void judge_hints(Cpu *cpu, const Insn *insn, Block *block)
{
    enum { WRONG_HINTS = 256, CYCLES_BETWEEN = 400 };
    u64 now = __builtin_ia32_rdtsc();

    if (now - cpu->hint_since < WRONG_HINTS * CYCLES_BETWEEN) {
        blocks_mark_far(cpu->soft->blocks, block, insn - block->insn);
    }
    cpu->hint_since = now;
    cpu->hint_budget = WRONG_HINTS;
}

bool jit_interpret(Cpu *cpu, const Insn *insn, Block *block)
{
    if (unlikely(cpu->hint_budget < 0)) {
        judge_hints(cpu, insn, block);
    }
    run_one(cpu, insn, block);
    if (likely(block_valid(block) && cpu->mode == block->mode && !cpu->data_checks &&
               !cpu->inhibit)) {
        check_returns(cpu);
        return false;
    }
    cpu->rip = cpu->gpr[REG_BLOCK] + insn->at + insn->len;
    return true;
}

static u64 where_next(Cpu *cpu)
{
    const JumpEntry *entry = jump_entry(cpu, cpu->rip);

    if (entry->rip != cpu->rip || entry->tag != cpu->jump_tag || !entry->block ||
        cpu->inhibit || cpu->data_checks ||
        (cpu->mode & (MODE_CODE64 | MODE_STEP)) != MODE_CODE64) {
        return 0;
    }
    check_returns(cpu);
    return (u8 *)entry - (u8 *)cpu->jump + 1;
}

u64 jit_interpret_last(Cpu *cpu, const Insn *insn, Block *block)
{
    if (unlikely(cpu->hint_budget < 0)) {
        judge_hints(cpu, insn, block);
    }
    run_one(cpu, insn, block);
    return where_next(cpu);
}

u64 jit_call_missed(Cpu *cpu, const Insn *insn, Block *block)
{
    if (unlikely(!cpu_canonical(cpu, cpu->jit_temp))) {
        begin_one(cpu, insn, block);
        cpu->gpr[RSP] += 8;
        cpu_gp(cpu, 0);
    }
    cpu->rip = cpu->jit_temp;
    return where_next(cpu);
}
