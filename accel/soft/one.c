/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of one instruction that belong to one vCPU: for single steps, and for
 * instructions that cross from one page into the next, which no page alone could keep.
 *
 * A crossing instruction is remembered by its bytes: they are read again each time, and
 * the same bytes are the same instruction.  So nothing has to be dropped when they
 * change.  On the vCPU's own thread.
 */

#include "accel/soft/mmu.h"
#include "accel/soft/run.h"

enum { INSN_BYTES = 15 };

static Block *one_block(OneBlock *one)
{
    return (Block *)one->block;
}

static void one_finish(Block *block)
{
    block->valid = block->own = true;
    block->n = 1;
    block_finish(block);
    block->links = false;
}

Block *one_alone(Cpu *cpu, const Insn *insn)
{
    Block *own = one_block(&cpu->step);

    *own = (Block){ .mode = block_mode(cpu) };
    own->insn[0] = *insn;
    one_finish(own);
    return own;
}

/* ---- crossings ---- */

static OneBlock *crossing(Cpu *cpu, gpa phys)
{
    return &cpu->crossing[(phys >> PAGE_SHIFT) % CROSSINGS];
}

/* Bytes from `phys` to the end of its page. */
static unsigned bytes_here(gpa phys)
{
    return MIN(PAGE_BYTES - (phys & ~PAGE_MASK), INSN_BYTES);
}

static const u8 *next_page(Cpu *cpu, unsigned here)
{
    u64 ram_page;
    gpa phys;
    const u8 *bytes = mmu_fetch(cpu, code_linear(cpu, cpu->rip + here), &phys,
                                &ram_page);

    if (!bytes) {
        cpu_gp(cpu, 0);
    }
    return bytes;
}

Block *one_known_crossing(Cpu *cpu, const u8 *bytes, gpa phys)
{
    OneBlock *one = crossing(cpu, phys);
    Block *block = one_block(one);
    unsigned here = bytes_here(phys);

    /*
     * It crossed when it was decoded, and whether it does is seen from its bytes in the
     * first page.
     */
    if (here >= block->bytes || block->at != phys || block->mode != block_mode(cpu) ||
        block->bytes > code_left(cpu) || memcmp(bytes, one->byte, here) ||
        memcmp(next_page(cpu, here), one->byte + here, block->bytes - here)) {
        return NULL;
    }
    return block;
}

Block *one_crossing(Cpu *cpu, const u8 *bytes, gpa phys)
{
    OneBlock *one = crossing(cpu, phys);
    Block *block = one_block(one);
    unsigned here = bytes_here(phys), n = MIN(code_left(cpu), INSN_BYTES);

    *block = (Block){ .at = phys, .mode = block_mode(cpu) };
    memcpy(one->byte, bytes, here);
    if (!decode_insn(one->byte, MIN(n, here), block->mode, 0, cpu, &block->insn[0])) {
        if (n > here) {
            memcpy(one->byte + here, next_page(cpu, here), n - here);
        }
        if (!decode_insn(one->byte, n, block->mode, 0, cpu, &block->insn[0])) {
            cpu_gp(cpu, 0);
        }
    }
    one_finish(block);
    return block;
}
