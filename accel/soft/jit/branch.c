/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ends of blocks: jumps, calls and returns, and the way to other translations.
 *
 * Within its page a direct jump is linked to the translation it leads to.  All others
 * look the target up in the jump cache, in line; what is not there is done by the
 * interpreter, which also finds what is wrong with a target.
 *
 * A guest's call is a host's call too, and so the host predicts the guest's returns.
 * The host's stack has then, from its top:
 *
 *      where the host goes on: landing()       where the guest goes on
 *
 * A return looks whether it goes there, and returns.  If not (another stack, a return
 * that was no return, a call that was interpreted) all of that is dropped, and the jump
 * cache says where to go.  Each MMU mode has its own, and they are dropped where what
 * they rest on has changed (run.c).  Nothing depends on what is on the host's stack:
 * below it is an entry that leads to the jump cache, and leaving drops all.
 *
 * Most landings want no flags, because the code there overwrites them.  The others want
 * them in the host's, and can be told by their address (LANDING_WANTS): many returns
 * have not touched them since the guest set them (window.c).
 */

#include "accel/soft/jit/code.h"
#include "accel/soft/run.h"

/* ---- leaving ---- */

static s32 next_of(const Code *c)
{
    return c->page_at + c->insn->at + c->insn->len;
}

static bool in_page(s64 to)
{
    return to >= 0 && to < (s64)PAGE_BYTES;
}

enum { CALL = -2 };             /* beside JMP and conditions */

/* A jump that can be linked: its distance is aligned, so that it changes at once. */
static JitExit *link_jump(Code *c, int cc, s64 to)
{
    JitExit *exit = blocks_new_exit(c->blocks);
    Cold *cold;

    if (!exit) {
        c->failed = true;
        return NULL;
    }
    if (cc != CALL) {
        emit_padding(c->e, -(c->e->at + (cc < 0 ? 1 : 2)) & 3);
    }
    cold = code_new_cold(c, cc == CALL ? emit_call(c->e, 0) : emit_jump(c->e, cc, 0));
    *exit = (JitExit){ .owner = c->block,
                       .to = to,
                       .jump = cold->jump,
                       .back = to <= c->page_at + c->insn->at,
                       .saved = c->saved || c->gone,
                       .gone = c->gone };
    cold->exit = exit;
    return exit;
}

/*
 * A call of `bytes` follows: where it comes back says what is wanted there, if so much
 * is put before it.
 */
static u32 landing_gap(Code *c, unsigned bytes)
{
    u32 want = code_dead_behind(c) ? 0 : LANDING_WANTS;

    return (want - (c->e->at + bytes)) & (2 * LANDING_WANTS - 1);
}

/*
 * S1, which is on another page, is where the guest goes on; nothing of the present
 * instruction is left to do.
 */
static void go_elsewhere(Code *c)
{
    emit_cpu(c->e, 0x89 | X_W, S1, offsetof(Cpu, rip));
    emit_call(c->e, c->jit->find_return);
    emit_rr(c->e, 0x31, S1, S1);
    emit_jump(c->e, JMP, c->jit->leave);
}

/* Control comes back, with the flags in the host's or dead. */
static void landing(Code *c)
{
    bool dead = code_dead_behind(c);

    c->redo = NULL;
    emit_z(c->e, 0x58, S1);                                     /* pop */
    if (!in_page(next_of(c))) {
        code_save_flags(c->e, S2);
        go_elsewhere(c);
        return;
    }
    emit_rm(c->e, 0x8d | X_W, S1, S1, NO_REG, 0, -next_of(c));
    emit_cpu(c->e, 0x89 | X_W, S1, offsetof(Cpu, code_page));
    c->saved = c->gone = dead;
    link_jump(c, JMP, next_of(c));
}

void code_next(Code *c, unsigned to)
{
    emit_cpu(c->e, 0x8b | X_W, to, offsetof(Cpu, code_page));
    emit_rm(c->e, 0x8d | X_W, to, to, NO_REG, 0, next_of(c));
}

/*
 * S1, where the guest goes on, to the host's stack.  Forgets all returns if there are
 * too many.
 */
static void keep_return(Code *c)
{
    Cold *cold;

    emit_cpu(c->e, 0x3b | X_W, HOST_SP, offsetof(Cpu, return_limit));
    cold = code_new_cold(c, emit_jump(c->e, CC_B, 0));
    cold->insn = c->insn;
    cold->drop = true;
    cold->back = c->e->at;
    emit_z(c->e, 0x50, S1);                                     /* push */
}

static Cold *look_up_missed(Code *c, bool call)
{
    Cold *miss = code_new_cold(c, emit_jump(c->e, CC_NZ, 0));

    miss->insn = c->insn;
    miss->called = call;
    return miss;
}

enum { INDIRECT_CALL_BYTES = 9 };

/*
 * Goes where the host's register `to` says.  A miss has a jump done by the interpreter
 * after all; of a call, which has put on the host's stack where the guest goes on, only
 * the jump is left.
 */
static void look_up(Code *c, unsigned to, bool call)
{
    size_t entry = offsetof(Cpu, jump);
    Emit *e = c->e;

    code_hash(e, to);
    emit_rm(e, 0x3b | X_W | X_GS, to, NO_REG, S2, 0, entry + offsetof(JumpEntry, rip));
    look_up_missed(c, call)->to = to;
    emit_cpu(e, 0x8b | X_W, S1, offsetof(Cpu, jump_tag));
    emit_rm(e, 0x3b | X_W | X_GS, S1, NO_REG, S2, 0, entry + offsetof(JumpEntry, tag));
    look_up_missed(c, call)->known = true;
    code_give_redo(c);
    if (call) {
        emit_nops(c->e, landing_gap(c, INDIRECT_CALL_BYTES));
    }
    emit_rm(e, 0xff | X_GS, call ? 2 : 4, NO_REG, S2, 0,
            entry + offsetof(JumpEntry, code));
    if (call) {
        landing(c);
    }
}

/* `to` from the page's start. */
static void leave_page(Code *c, s32 to, bool call)
{
    code_keep_flags(c);
    emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, code_page));
    emit_rm(c->e, 0x8d | X_W, S1, S1, NO_REG, 0, to);
    look_up(c, S1, call);
}

void code_fall(Code *c, s64 to)
{
    if (in_page(to)) {
        link_jump(c, JMP, to);
    } else {
        leave_page(c, to, false);
    }
}

/* ---- branches ---- */

/*
 * Stores the address of the next instruction, which stays in S1, below the stack; rsp
 * is changed after.
 */
static void push_next(Code *c)
{
    Place place = code_place(c, RSP, -8, 8, true);

    code_next(c, S1);
    code_at(c, 0x89 | X_W, S1, &place);
}

static void move_sp(Code *c, s32 by)
{
    unsigned sp = host_register_of[RSP];

    emit_rm(c->e, 0x8d | X_W, sp, sp, NO_REG, 0, by);
}

static void jump_if(Code *c, int cc, s64 to)
{
    code_settle_flags(c, S2);
    if (in_page(to)) {
        link_jump(c, cc, to);
    } else {
        u32 skip = emit_jump(c->e, cc ^ 1, 0);
        const Insn *redo = c->redo;
        bool saved = c->saved;

        leave_page(c, to, false);
        c->saved = saved;
        c->redo = redo;
        emit_set_target(c->e, skip, c->e->at);
    }
    if (c->i + 1 == c->block->n) {
        code_fall(c, next_of(c));
    }
}

void code_call_pushed(Code *c)
{
    s64 to = c->page_at + c->insn->wide;

    keep_return(c);
    if (code_is_call_register(c->insn)) {
        look_up(c, host_register_of[c->insn->rm], true);
    } else if (in_page(to)) {
        emit_padding(c->e, landing_gap(c, 5));
        link_jump(c, CALL, to);
        landing(c);
    } else {
        leave_page(c, to, true);
    }
}

static void call_direct(Code *c)
{
    code_leave_flags(c);
    push_next(c);
    move_sp(c, -8);
    code_call_pushed(c);
}

/* The operand of JMP and CALL: S1, or the register that has it. */
static unsigned load_target(Code *c)
{
    Place place;

    if (!(c->insn->shape & INSN_MEM)) {
        return code_reg(c, c->insn->rm, S1);
    }
    place = code_operand(c, 8, false);
    code_at(c, 0x8b | X_W, S1, &place);
    return S1;
}

static void jump_indirect(Code *c)
{
    code_keep_flags(c);
    look_up(c, load_target(c), false);
}

/* A target that no register keeps meanwhile is in Cpu.jit_temp. */
static void call_indirect(Code *c)
{
    bool kept = code_is_call_register(c->insn);

    code_keep_flags(c);
    if (!kept) {
        emit_cpu(c->e, 0x89 | X_W, load_target(c), offsetof(Cpu, jit_temp));
    }
    push_next(c);
    move_sp(c, -8);
    if (kept) {
        code_call_pushed(c);
    } else {
        keep_return(c);
        emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, jit_temp));
        look_up(c, S1, true);
    }
}

/*
 * Is this the return from the call that is kept last?  Where not, all that are kept are
 * worth nothing.
 */
static void return_or_find(Code *c, u32 jump, s32 undo)
{
    Cold *miss = code_new_cold(c, jump);

    miss->insn = c->insn;
    miss->find = true;
    miss->undo = undo;
}

u32 code_unless_kept(Code *c)
{
    emit_rm(c->e, 0x3b | X_W, S1, HOST_SP, NO_REG, 0, 8);       /* cmp */
    return emit_jump(c->e, CC_NZ, 0);
}

void code_return_kept(Code *c)
{
    if (c->gone) {
        emit_rm(c->e, 0xf6, 0, HOST_SP, NO_REG, 0, 0);          /* testb */
        emit8(c->e, LANDING_WANTS);
        code_new_cold(c, emit_jump(c->e, CC_NZ, 0))->give = true;
    }
    emit8(c->e, 0xc3);
}

void code_return_to(Code *c)
{
    return_or_find(c, code_unless_kept(c), -(8 + (s32)c->insn->imm));
    code_return_kept(c);
}

static void code_return(Code *c)
{
    Place place;

    code_leave_flags(c);
    place = code_place(c, RSP, 0, 8, false);
    code_at(c, 0x8b | X_W, S1, &place);
    move_sp(c, 8 + c->insn->imm);
    code_return_to(c);
}

bool code_is_return(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    return row->map == MAP_1 && (row->byte & 0xfe) == 0xc2;
}

bool code_is_jump_if(const Code *c, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    return row->class == CLASS_BRANCH && (row->operand[0] == O_Jb ||
                                          row->operand[0] == O_Jz) &&
           (row->map == MAP_0F || (row->byte & 0xf0) == 0x70) &&
           in_page((s64)c->page_at + insn->wide);
}

bool code_is_call(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    return row->map == MAP_1 && row->byte == 0xe8;
}

bool code_is_call_register(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    return row->map == MAP_1 && row->byte == 0xff && row->ext == 2 &&
           !(insn->shape & INSN_MEM) && insn->rm != RSP && !scratch_needed(insn->rm);
}

/* The block ends here because interrupts may come after the next instruction. */
bool code_sti(Code *c)
{
    JitExit *exit;

    if (!in_page(next_of(c)) || !code_set_interrupt_flag(c)) {
        return false;
    }
    exit = link_jump(c, JMP, next_of(c));
    if (exit) {
        exit->shadow = true;
    }
    return true;
}

/* Rows are told by their bytes: all are of the first map but for the long Jcc. */
bool code_branch(Code *c)
{
    const Insn *insn = c->insn;
    const Opcode *row = opcode_row(insn->op);
    s64 to = c->page_at + (insn->shape & INSN_MEM ? 0 : insn->wide);

    if (to != (s32)to || (insn->shape & INSN_MEM && !code_can_address(c))) {
        return false;
    }
    if (row->map == MAP_0F || (row->byte & 0xf0) == 0x70) {
        jump_if(c, row->byte & 15, to);
        return true;
    }
    switch (row->byte) {
    case 0xe9:
    case 0xeb:
        code_fall(c, to);
        return true;
    case 0xe8:
        call_direct(c);
        return true;
    case 0xc2:
    case 0xc3:
        code_return(c);
        return true;
    case 0xff:
        row->ext == 2 ? call_indirect(c) : jump_indirect(c);
        return true;
    }
    return false;
}
