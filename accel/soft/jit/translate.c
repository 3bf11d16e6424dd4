/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One block to host code, instruction by instruction.
 *
 * Most are emitted as they are but for the names of registers; whatever has no form of
 * its own is done by the interpreter's function, with all registers in their places.
 */

#include "accel/soft/asm_log.h"
#include "accel/soft/block_tables.h"
#include "accel/soft/jit/code.h"
#include "accel/soft/run.h"

static const Opcode *row_of(const Code *c)
{
    return opcode_row(c->insn->op);
}

void code_trap(Code *c)
{
    Cold *cold;

    if (c->trusted) {
        return;
    }
    cold = code_new_cold(c, 0);
    cold->insn = c->insn;
    cold->trap = true;
    if (c->jit->traps < c->jit->traps_max) {
        c->jit->trap[c->jit->traps] = (JitTrap){ c->e->at, c->colds - 1 };
        atomic_fetch_add(&c->jit->traps, 1);
    } else {
        c->failed = true;
    }
}

/* ---- those that do little ---- */

static bool simple(Code *c)
{
    const Opcode *row = row_of(c);

    if (row->map == MAP_0F &&
        ((row->byte >= 0x18 && row->byte <= 0x1f) || row->byte == 0x0d)) {
        return !strcmp(row->name, "nop");
    }
    if (row->map != MAP_1) {
        return false;
    }
    switch (row->byte) {
    case 0x90:
        if (row->prefix == P_F3) {
            emit_z(c->e, 0x90 | X_F3, 0);
            return true;
        }
        return c->insn->reg == RAX;
    case 0xf5: case 0xf8: case 0xf9: case 0x9e: case 0x9f: /* cmc clc stc sahf lahf */
        emit8(c->e, row->byte);
        return true;
    case 0xfc:                                                  /* cld */
        code_begin_access(c);
        emit_cpu(c->e, 0x81, 4, offsetof(Cpu, rflags));
        emit32(c->e, ~FLAG_DF);
        code_end_access(c, NULL);
        return true;
    }
    return false;
}

/* ---- all of it ---- */

static bool has_own_form(Code *c)
{
    return simple(c) || code_window(c) || code_stack(c) || code_system(c) ||
           code_sse(c) || code_x87(c) || code_vex(c) || code_copy(c);
}

void code_instruction(Code *c)
{
    unsigned colds = c->colds, traps = c->jit->traps;
    bool saved = c->saved, gone = c->gone;
    const Insn *redo = c->redo;
    u32 at = c->e->at;

    c->keeps = false;
    if (insn_ends_block(c->insn)) {
        if (!(row_of(c)->class == CLASS_BRANCH ? code_branch(c) : code_sti(c))) {
            code_interpret_last(c);
        }
        scratch_forget(c);
        return;
    }
    code_settle_flags(c, S2);
    if (c->e->at != at) {
        scratch_forget(c);
    }
    if (!has_own_form(c)) {
        c->e->at = at;
        c->saved = saved;
        c->gone = gone;
        c->redo = redo;
        c->colds = colds;
        atomic_store(&c->jit->traps, traps);
        code_interpret(c);
        c->fp = 0;
        c->keeps = false;
    }
    if (!c->keeps) {
        scratch_forget(c);
    }
    if (!insn_ends_block(c->insn)) { /* the end was done too, in a window */
        code_set_backs(c, colds);
    }
}

/*
 * The entry from the jump cache (S2: its entry there; S1: what puts the flags into
 * Cpu.arith), and that of backward jumps.
 */
static void entries(Code *c)
{
    Block *block = c->block;
    Emit *e = c->e;

    /* becomes a jump when the block is dropped: jit_retire() */
    emit_rm(e, 0x8b | X_W | X_GS, S2, NO_REG, S2, 0,
            offsetof(Cpu, jump) + offsetof(JumpEntry, rip));
    emit_rm(e, 0x8d | X_W, S2, S2, NO_REG, 0, -(s32)c->page_at);
    emit_cpu(e, 0x89 | X_W, S2, offsetof(Cpu, code_page));
    if (c->live[0]) {
        emit_rr(e, 0xff, 2, S1);                        /* call */
    }
    c->saved_loop_entry = block->loop_entry = e->at;
    emit_cpu(e, 0x83, 7, offsetof(Cpu, request));
    emit8(e, 0);
    code_new_cold(c, emit_jump(e, CC_NZ, 0));
    c->saved_entry = e->at;
    c->saved = c->gone = code_puts_flags_away(c);
    if (c->live[0] && !c->gone) {
        code_restore_flags(e, S1);
    }
    block->entry = e->at;
}

static u32 save_and_jump(Code *c, u32 to)
{
    u32 at = c->e->at;

    code_save_flags(c->e, S1);
    emit_jump(c->e, JMP, to);
    return at;
}

/*
 * Jumps with flags in the host's to a block that reads them: backward ones, and all
 * where they would be put away at once.
 */
static void other_entries(Code *c, bool put_away)
{
    Block *block = c->block;

    if (c->live[0]) {
        block->loop_entry = save_and_jump(c, c->saved_loop_entry);
    }
    if (put_away) {
        block->entry = save_and_jump(c, c->saved_entry);
    }
}

static void translate(Code *c)
{
    Block *block = c->block;
    bool put_away;

    code_find_live(c);
    entries(c);
    scratch_forget(c);
    put_away = c->gone;
    for (c->i = 0; c->i < block->n; c->i++) {
        c->insn = &block->insn[c->i];
        c->begin[c->i] = c->e->at;
        code_instruction(c);
    }
    if (block->entries > block->n) {
        c->insn = &block->insn[block->n];
        code_fall(c, c->page_at + block->bytes);
    }
    c->begin[block->n] = c->e->at;
    other_entries(c, put_away);
    code_cold(c);
}

/* Traps were noted with the number of their cold; now it is known where that is. */
static void settle_traps(Code *c, unsigned from)
{
    for (unsigned i = from; i < c->jit->traps; i++) {
        c->jit->trap[i].cold = c->cold[c->jit->trap[i].cold].jump;
    }
}

bool jit_translate(Jit *jit, Block *block)
{
    Code c;
    u32 begin = (jit->e.at + 15) & ~15u;
    unsigned traps = jit->traps;

    memset(&c, 0, offsetof(Code, cold));
    c.e = &jit->e;
    c.jit = jit;
    c.blocks = jit->blocks;
    c.block = block;
    c.mmu = block->mode >> MODE_MMU_SHIFT;
    c.page_at = block->at & ~PAGE_MASK;
    block->peek_behind = block->peek_bytes = 0;
    jit->e.at = begin;
    translate(&c);
    if (jit->e.full || c.failed) {
        jit->e.full = false;
        jit->e.at = begin;
        atomic_store(&jit->traps, traps);
        return false;
    }
    settle_traps(&c, traps);
    block->saved_at = c.saved_entry - begin;
    block->saved_loop_at = c.saved_loop_entry - begin;
    page_watch(jit->blocks, block);
    __atomic_store_n(&block->code, jit->exec + begin, __ATOMIC_RELEASE);
    jit_note(jit, block, begin);
    log_block_translated(jit, block, begin, c.begin);
    jit->translated++;
    jit->translated_insns += block->n;
    return true;
}

/* Who is in the old one is right there too, until the next jump. */
void jit_translate_again(Jit *jit, Block *block)
{
    const Block old = *block;

    jit->again++;
    jit_unlink(jit, block);
    if (jit_translate(jit, block)) {
        jit_close_entry(jit, old.code);
    } else {
        block->entry = old.entry;
        block->loop_entry = old.loop_entry;
        block->saved_at = old.saved_at;
        block->saved_loop_at = old.saved_loop_at;
        block->peek_behind = old.peek_behind;
        block->peek_bytes = old.peek_bytes;
        block->peek_at = old.peek_at;
    }
}
