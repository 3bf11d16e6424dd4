/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run loop: block after block, until somebody requests something.
 *
 * A fault leaves the loop by longjmp from wherever it is noticed and comes back at the
 * top, where it is delivered; so does an instruction of a block that was dropped under
 * its feet.  docs/software-cpu.md has the whole picture.
 */

#include "accel/soft/asm_log.h"
#include "accel/soft/jit/jit.h"
#include "accel/soft/mmu.h"
#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"
#include "accel/soft/run.h"
#include "base/log.h"

/* ---- leaving a block in the middle ---- */

void cpu_leave_block(Cpu *cpu)
{
    cpu->leaving = true;
    siglongjmp(cpu->unwind, 1);
}

void lock_alone_begin(Cpu *cpu, gva at, unsigned size)
{
    mmu_probe_write(cpu, at, size);
    exclusive_begin(cpu->soft, cpu);
}

void lock_alone_end(Cpu *cpu)
{
    exclusive_end(cpu->soft, cpu);
}

/*
 * The instruction that was interrupted did not happen: rip is its address, or the next
 * one after INT n and its like.
 */
static void cpu_settle(Cpu *cpu)
{
    const Insn *insn = cpu->insn;

    if (cpu->soft->gate_owner == cpu) {
        exclusive_end(cpu->soft, cpu);
    }
    if (insn) {
        cpu->insns += insn == cpu->pair ? 0 : insn - cpu->block->insn;
        cpu->rip = !cpu->leaving && cpu->raised_soft ? insn_next(cpu, insn) :
                                                       cpu_rip(cpu);
        cpu->insn = NULL;
    }
    cpu->step_trap = false;
    if (cpu->leaving) {
        cpu->leaving = false;
    } else {
        cpu_deliver(cpu, cpu->raised_vector, cpu->raised_has_error, cpu->raised_error,
                    cpu->raised_soft, false);
    }
}

/* ---- blocks ---- */

/*
 * Most functions go on with the next instruction themselves (insn_go_on), so that one
 * call here runs many: cpu->insn is the last one that was run.
 */
void block_run(Cpu *cpu, Block *block)
{
    const Insn *insn = block->insn, *end = insn + block->entries;

    if (unlikely(log_is_on(LOG_EXEC))) {
        log_block_run(cpu, block);
    }
    cpu->block = block;
    cpu->gpr[REG_BLOCK] = cpu->rip;
    do {
        cpu->insn = insn;
        insn_fn(insn)(cpu, insn);
        insn = cpu->insn + 1;
    } while (insn != end && !(block->extended && insn_ends_block(cpu->insn)));
    cpu->insns += block->n;
}

/* Does all of the block lie within CS's limit? */
static bool block_in_limit(const Cpu *cpu, const Block *block)
{
    return block->mode & MODE_CODE64 ||
           cpu->rip + block->bytes - 1 <= cpu->seg[SEG_CS].limit;
}

Block *block_look_up(Cpu *cpu)
{
    gva at = code_linear(cpu, cpu->rip);
    const JumpEntry *entry = jump_entry(cpu, at);
    Block *block = entry->block;

    if (likely(block && entry->rip == at && entry->tag == cpu->jump_tag &&
               block_valid(block) && block_in_limit(cpu, block))) {
        return block;
    }
    return block_find(cpu);
}

/*
 * The block at rip, after `last`, which links.  Within one page the two lie as far
 * apart in guest-physical memory as their rips do, so that distance tells whether a
 * block that followed once is the one that follows now.  The mode is the same still.
 */
static Block *block_next(Cpu *cpu, Block *last)
{
    u64 distance = cpu->rip - cpu->gpr[REG_BLOCK];
    s32 *link = &last->link[distance != last->bytes];
    s32 to = __atomic_load_n(link, __ATOMIC_ACQUIRE);
    Block *block = (Block *)((u8 *)last + to);

    if (likely(to && block->at - last->at == distance && block_valid(block) &&
               block_in_limit(cpu, block))) {
        return block;
    }
    cpu->insn = NULL;
    block = block_look_up(cpu);
    if (((block->at ^ last->at) & PAGE_MASK) == 0 && block->at - last->at == distance &&
        !block->own) {
        __atomic_store_n(link, (u8 *)block - (u8 *)last, __ATOMIC_RELEASE);
    }
    return block;
}

void insn_run(Cpu *cpu, const Insn *insn)
{
    block_run(cpu, one_alone(cpu, insn));
    cpu->insn = NULL;
}

/* After a step: does the string instruction that was run go on? */
static bool in_repetition(const Cpu *cpu)
{
    return opcode_row(cpu->block->insn[0].op)->attr & OP_REP &&
           cpu->rip == cpu->gpr[REG_BLOCK];
}

/* One instruction: in an interrupt shadow, and when single-stepping. */
static void cpu_run_one(Cpu *cpu)
{
    bool step = cpu->mode & MODE_STEP;

    if (step && cpu->step_trap) {       /* SYSRET set TF */
        cpu_step_end(cpu);
        return;
    }
    if (step) {
        cpu_step_begin(cpu);
    }
    cpu->inhibit = 0;
    cpu_recheck_interrupts(cpu);
    insn_run(cpu, &block_look_up(cpu)->insn[0]);
    if (step) {
        if (in_repetition(cpu)) {       /* 17.3.1.1: no instruction breakpoint again */
            cpu->rflags |= FLAG_RF;
        }
        cpu_step_end(cpu);
    }
}

/* ---- hot blocks ---- */

/*
 * Is it to be translated now?  Only 64-bit code is.  Another vCPU's count may get lost:
 * the block is translated a little later then, or two ask for it and one finds it done.
 */
static bool block_is_hot(const Cpu *cpu, Block *block)
{
    u8 runs = __atomic_load_n(&block->runs, __ATOMIC_RELAXED);

    if (!cpu->soft->jit || !(block->mode & MODE_CODE64) || block->own ||
        runs >= cpu->soft->hot) {
        return false;
    }
    __atomic_store_n(&block->runs, ++runs, __ATOMIC_RELAXED);
    return runs == cpu->soft->hot;
}

bool block_warm(Cpu *cpu, Block *block)
{
    bool hot = block_is_hot(cpu, block);

    if (unlikely(hot)) {
        cpu->insn = NULL;
        blocks_heat(cpu, block);
    }
    return hot;
}

/* The block at rip, by its translation.  False: there is none. */
static bool run_translation(Cpu *cpu, Block *block)
{
    if (!block_translated(block) || cpu->data_checks ||
        unlikely(log_is_on(LOG_EXEC))) { /* which is to show each one */
        return false;
    }
    cpu->insn = NULL;
    jit_run(cpu, block);
    return true;
}

/* Shadows and stepping begin only with instructions that don't link. */
static void cpu_run_blocks(Cpu *cpu)
{
    do {
        Block *block = block_look_up(cpu);
        bool more = true;

        while (more && !run_translation(cpu, block)) {
            if (unlikely(block_warm(cpu, block))) {
                break;
            }
            block_run(cpu, block);
            more = block->links && !cpu_requested(cpu);
            if (more) {
                block = block_next(cpu, block);
            }
        }
        cpu->insn = NULL;
    } while (!cpu_requested(cpu) && !cpu->inhibit && !(cpu->mode & MODE_STEP));
}

void cpu_run(Cpu *cpu)
{
    cpu->gpr[REG_NONE] = 0;
    cpu->gpr[REG_2G] = 1ull << 31;
    if (sigsetjmp(cpu->unwind, 0)) {
        cpu_settle(cpu);
    }
    for (;;) {
        if (cpu_requested(cpu)) {
            cpu_service(cpu);
            if (atomic_load(&cpu->request) & REQUEST_EXIT_CPU) {
                return;
            }
        }
        if (cpu->inhibit || cpu->mode & MODE_STEP) {
            cpu_run_one(cpu);
        } else {
            cpu_run_blocks(cpu);
        }
    }
}
