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

/* ---- running ---- */

/* Links the jump that was taken to the block that it leads to. */
static void follow(Cpu *cpu, JitExit *exit, Block *to)
{
    const Block *from = exit->owner;

    if (((from->at ^ to->at) & PAGE_MASK) == 0 && (to->at & ~PAGE_MASK) == (gpa)exit->to) {
        blocks_link(cpu->soft->blocks, exit, to);
    }
}

JitExit *jit_enter(Cpu *cpu, Block *block)
{
    typedef JitExit *Enter(const void *code, u64 slot);
    const Jit *jit = blocks_jit(cpu->soft->blocks);
    Enter *enter = (Enter *)(uintptr_t)(jit->exec + jit->enter);
    JumpEntry *entry = jump_entry(cpu, cpu->rip);
    JitExit *exit;

    jump_fill(cpu, entry, cpu->rip, block);
    exit = enter(block->code, (u8 *)entry - (u8 *)cpu->jump);
    if (exit) {
        cpu->rip = cpu->code_page + exit->to;
    }
    return exit;
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
        }
        if (exit->shadow || !block_translated(block)) {
            return;
        }
    }
}

/* ---- the interpreter, for one instruction ---- */

static void stop(Cpu *cpu, const Insn *insn)
{
}

/* Functions go on with the next instruction, which here does nothing. */
static void run_one(Cpu *cpu, const Insn *insn, Block *block)
{
    cpu->block = block;
    cpu->gpr[REG_BLOCK] = cpu->code_page + (block->at & ~PAGE_MASK);
    cpu->pair[0] = *insn;
    cpu->pair[0].fn = __atomic_load_n(&insn->fn, __ATOMIC_RELAXED);
    cpu->pair[1].fn = stop;
    cpu->insn = &cpu->pair[0];
    cpu->pair[0].fn(cpu, &cpu->pair[0]);
    cpu->insn = NULL;
}

bool jit_interpret(Cpu *cpu, const Insn *insn, Block *block)
{
    run_one(cpu, insn, block);
    if (likely(block_valid(block) && cpu->mode == block->mode && !cpu->data_checks && !cpu->inhibit)) {
        return false;
    }
    cpu->rip = cpu->gpr[REG_BLOCK] + insn->at + insn->len;
    return true;
}

u64 jit_interpret_last(Cpu *cpu, const Insn *insn, Block *block)
{
    const JumpEntry *entry;

    run_one(cpu, insn, block);
    entry = jump_entry(cpu, cpu->rip);
    if (entry->rip != cpu->rip || entry->tag != cpu->jump_tag || !entry->block || cpu->inhibit || cpu->data_checks ||
        (cpu->mode & (MODE_CODE64 | MODE_STEP)) != MODE_CODE64) {
        return 0;
    }
    return (u8 *)entry - (u8 *)cpu->jump + 1;
}
