/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is translated is longer than what is decoded: behind a conditional jump that is
 * often not taken, the block that follows in memory belongs to it.  So flags that the
 * jump was the last to read need not be kept, and what one check of the TLB found out
 * is known behind it.
 *
 * The longer block takes the place of the first one and is run by the interpreter where
 * translations must not be (debug.c).  The others stay, for those who jump there.
 */

#include "accel/soft/block_tables.h"
#include "accel/soft/opcodes.h"
#include "accel/soft/run.h"

/* So many instructions; and so many if the code is there twice then. */
enum { EXTENDED_INSNS = 64, DOUBLED_INSNS = 24 };

static bool has_distance(const Opcode *row)
{
    return row->operand[0] == O_Jb || row->operand[0] == O_Jz;
}

static bool is_jump_if(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    return row->class == CLASS_BRANCH && row->reads && has_distance(row) &&
           (row->map == MAP_0F || (row->byte & 0xf0) == 0x70);
}

/* Can its addresses still be counted from a block's start that is some bytes before? */
static bool can_move(const Block *block)
{
    for (unsigned i = 0; i < block->n; i++) {
        if (block->insn[i].base == REG_BLOCK &&
            block->insn[i].disp > INT32_MAX - (s32)PAGE_BYTES) {
            return false;
        }
    }
    return true;
}

/*
 * The block that follows in memory, if it is run at least half as often.  In a loop
 * that is entered from above it is hot first, and has a translation of its own.
 */
static const Block *what_follows(const BlockCache *blocks, const Block *block)
{
    gpa at = block->at + block->bytes;
    const Block *next;

    if (!is_jump_if(&block->insn[block->n - 1]) || !(at & ~PAGE_MASK)) {
        return NULL;
    }
    next = hash_find(blocks, at, block->mode);
    if (!next || !block_valid(next) || !can_move(next) ||
        next->runs < blocks->soft->hot / 2 ||
        block->n + next->n > (next->code ? DOUBLED_INSNS : EXTENDED_INSNS)) {
        return NULL;
    }
    return next;
}

/* What counts from a block's start is moved. */
static void append(Block *block, const Block *next)
{
    for (unsigned i = 0; i < next->n; i++) {
        Insn *insn = &block->insn[block->n++];

        *insn = next->insn[i];
        insn->at += block->bytes;
        if (insn->base == REG_BLOCK) {
            insn->disp += block->bytes;
        }
        if (has_distance(opcode_row(insn->op))) {
            insn->wide += block->bytes;
        }
    }
    block_finish(block);
}

Block *block_extend(BlockCache *blocks, Block *block)
{
    const Block *next = what_follows(blocks, block);
    Block *longer = (Block *)(blocks->arena + blocks->used);

    if (!next || blocks->bytes - blocks->used <
                     sizeof *longer + (EXTENDED_INSNS + 1) * sizeof(Insn)) {
        return block;
    }
    memcpy(longer, block, sizeof *block + block->n * sizeof(Insn));
    longer->extended = true;
    longer->link[0] = longer->link[1] = 0;
    while (next) {
        append(longer, next);
        next = what_follows(blocks, longer);
    }
    blocks->used += sizeof *longer + longer->entries * sizeof(Insn);
    block_replace(blocks, block, longer);
    blocks->extended++;
    return longer;
}
