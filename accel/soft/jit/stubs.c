/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pieces that all translations share: the way in and out, and the way to the interpreter's functions.
 */

#include "accel/soft/jit/code.h"
#include <stddef.h>

/* In the order of pushing; the stack is aligned after one more word. */
static const u8 kept[] = { H_RBX, H_RBP, 12, 13, 14, 15 };

static void load_guest(Emit *e)
{
    for (unsigned i = 0; i < 16; i++) {
        if (host_register_of[i] != IN_MEMORY) {
            emit_cpu(e, 0x8b | X_W, host_register_of[i], CPU_GPR(i));
        }
    }
}

static void store_guest(Emit *e)
{
    for (unsigned i = 0; i < 16; i++) {
        if (host_register_of[i] != IN_MEMORY) {
            emit_cpu(e, 0x89 | X_W, host_register_of[i], CPU_GPR(i));
        }
    }
}

/* JitExit *enter(void *code, u64 slot): `slot` goes to S2. */
static void make_enter(Jit *jit)
{
    Emit *e = &jit->e;

    jit->enter = e->at;
    for (unsigned i = 0; i < sizeof kept; i++) {
        emit_z(e, 0x50, kept[i]);
    }
    emit_rr(e, 0x83 | X_W, 5, HOST_SP);                 /* sub $8, %rsp */
    emit8(e, 8);
    emit_rr(e, 0x8b | X_W, S2, H_RSI);
    emit_cpu(e, 0x89 | X_W, H_RDI, offsetof(Cpu, jit_temp));
    load_guest(e);
    emit_cpu(e, 0xff, 4, offsetof(Cpu, jit_temp));      /* jmp */
}

static void leave_function(Emit *e)
{
    emit_rr(e, 0x83 | X_W, 0, HOST_SP);                 /* add $8, %rsp */
    emit8(e, 8);
    for (unsigned i = sizeof kept; i-- > 0;) {
        emit_z(e, 0x58, kept[i]);
    }
    emit8(e, 0xc3);
}

/* S1 is the result. */
static void make_leave(Jit *jit)
{
    Emit *e = &jit->e;

    jit->leave_flags = e->at;
    code_save_flags(e, S2);
    jit->leave = e->at;
    store_guest(e);
    fp_store(e);
    emit_rr(e, 0x8b | X_W, H_RAX, S1);
    leave_function(e);
}

/* S2: the jump cache's entry of a block without translation. */
static void make_not_translated(Jit *jit)
{
    Emit *e = &jit->e;

    jit->not_translated = e->at;
    emit_rm(e, 0x8b | X_W | X_GS, S1, NO_REG, S2, 0, offsetof(Cpu, jump) + offsetof(JumpEntry, rip));
    emit_cpu(e, 0x89 | X_W, S1, offsetof(Cpu, rip));
    emit_rr(e, 0x31, S1, S1);
    emit_jump(e, JMP, jit->leave);
}

/* S1: Insn, S2: Block.  Called by translations, so the stack is off by one word. */
static u32 make_interpret(Jit *jit, bool save, bool last)
{
    Emit *e = &jit->e;
    u32 at = e->at, more;

    if (save) {
        code_save_flags(e, NO_REG);
    }
    store_guest(e);
    fp_store(e);
    emit_cpu(e, 0x8b | X_W, H_RDI, offsetof(Cpu, self));
    emit_rr(e, 0x8b | X_W, H_RSI, S1);
    emit_rr(e, 0x8b | X_W, H_RDX, S2);
    emit_rr(e, 0x83 | X_W, 5, HOST_SP);
    emit8(e, 8);
    emit_z(e, 0xb8 | X_W, H_RAX);
    emit64(e, last ? (uintptr_t)jit_interpret_last : (uintptr_t)jit_interpret);
    emit_rr(e, 0xff, 2, H_RAX);                         /* call */
    emit_rr(e, 0x83 | X_W, 0, HOST_SP);
    emit8(e, 8);
    emit_rr(e, last ? 0x85 | X_W : 0x84, H_RAX, H_RAX); /* test */
    more = emit_jump(e, last ? CC_NZ : CC_Z, 0);
    emit_rr(e, 0x83 | X_W, 0, HOST_SP);                 /* the return address */
    emit8(e, 8);
    emit_rr(e, 0x31, H_RAX, H_RAX);
    leave_function(e);
    emit_set_target(e, more, e->at);
    if (last) {
        emit_rr(e, 0x83 | X_W, 0, HOST_SP);
        emit8(e, 8);
        emit_rm(e, 0x8d | X_W, S2, H_RAX, NO_REG, 0, -1);
        load_guest(e);
        emit_rm(e, 0xff | X_GS, 4, NO_REG, S2, 0, offsetof(Cpu, jump) + offsetof(JumpEntry, code));
    } else {
        code_restore_flags(e, S2);
        load_guest(e);
        emit8(e, 0xc3);
    }
    return at;
}

/*
 * A check of the TLB found in S1 that the entry at S2 is another one: S2 becomes the address's own, and S1 what differs from
 * its tag.
 */
static u32 make_find_entry(Jit *jit, unsigned mode, bool write)
{
    size_t tag = write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read);
    Emit *e = &jit->e;
    u32 at = e->at;

    emit_rm(e, 0x33 | X_W, S1, S2, NO_REG, 0, tag);             /* xor: the address again */
    emit_rr(e, 0x8b | X_W, S2, S1);
    code_own_entry(e, mode);
    emit_rm(e, 0x33 | X_W, S1, S2, NO_REG, 0, tag);
    emit8(e, 0xc3);
    return at;
}

void jit_make_stubs(Jit *jit)
{
    make_enter(jit);
    make_leave(jit);
    make_not_translated(jit);
    jit->interpret = make_interpret(jit, true, false);
    jit->interpret_saved = make_interpret(jit, false, false);
    jit->interpret_last = make_interpret(jit, true, true);
    jit->interpret_last_saved = make_interpret(jit, false, true);
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        jit->find_entry[mode][0] = make_find_entry(jit, mode, false);
        jit->find_entry[mode][1] = make_find_entry(jit, mode, true);
    }
    fp_make_loads(jit);
}
