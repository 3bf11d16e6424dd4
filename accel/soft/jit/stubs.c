/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pieces that all translations share: the way in and out, and the way to the
 * interpreter's functions.
 */

#include "accel/soft/jit/code.h"
#include <stddef.h>

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

/* What is entered by the jump cache next finds the flags in Cpu.arith. */
static void flags_are_kept(Jit *jit)
{
    emit_rip(&jit->e, 0x8d | X_W, S1, jit->exec + jit->flags_kept, 0);
}

/* JitExit *enter(void *code, u64 slot): `slot` goes to S2. */
static void make_enter(Jit *jit)
{
    Emit *e = &jit->e;

    jit->enter = e->at;
    for (unsigned i = 0; i < sizeof kept; i++) {
        emit_z(e, 0x50, kept[i]);
    }
    emit8(e, 0x6a);                                     /* push $0 */
    emit8(e, 0);
    emit_rip(e, 0x8d | X_W, S1, e->exec + jit->return_to_0, 0);
    emit_z(e, 0x50, S1);
    emit_cpu(e, 0x89 | X_W, HOST_SP, offsetof(Cpu, host_sp));
    emit_cpu(e, 0x89 | X_W, HOST_SP, offsetof(Cpu, return_base));
    emit_rm(e, 0x8d | X_W, S1, HOST_SP, NO_REG, 0, -RETURNS_MAX * RETURN_BYTES);
    emit_cpu(e, 0x89 | X_W, S1, offsetof(Cpu, return_limit));
    emit_rm(e, 0x8d | X_W, S1, HOST_SP, NO_REG, 0, -MMU_MODES * RETURNS_APART);
    emit_rr(e, 0x83 | X_W, 4, S1);                      /* and $-16 */
    emit8(e, 0xf0);
    emit_cpu(e, 0x89 | X_W, S1, offsetof(Cpu, c_sp));
    emit_rr(e, 0x8b | X_W, S2, H_RSI);
    emit_cpu(e, 0x89 | X_W, H_RDI, offsetof(Cpu, jit_temp));
    load_guest(e);
    flags_are_kept(jit);
    emit_cpu(e, 0xff, 4, offsetof(Cpu, jit_temp));      /* jmp */
}

static void leave_function(Emit *e)
{
    emit_cpu(e, 0x8b | X_W, HOST_SP, offsetof(Cpu, host_sp));
    emit_rr(e, 0x83 | X_W, 0, HOST_SP);                 /* add */
    emit8(e, RETURN_BYTES);
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

/* S2: the jump cache's entry of a block without translation; S1: see redo.c. */
static void make_not_translated(Jit *jit)
{
    Emit *e = &jit->e;

    jit->not_translated = e->at;
    emit_rr(e, 0xff, 2, S1);                            /* call */
    emit_rm(e, 0x8b | X_W | X_GS, S1, NO_REG, S2, 0,
            offsetof(Cpu, jump) + offsetof(JumpEntry, rip));
    emit_cpu(e, 0x89 | X_W, S1, offsetof(Cpu, rip));
    emit_rr(e, 0x31, S1, S1);
    emit_jump(e, JMP, jit->leave);
}

/* It may change where the stack is: see run.c. */
static void call_c(Emit *e, const void *function)
{
    emit_cpu(e, 0x89 | X_W, HOST_SP, offsetof(Cpu, stub_sp));
    emit_cpu(e, 0x8b | X_W, HOST_SP, offsetof(Cpu, c_sp));
    emit_z(e, 0xb8 | X_W, H_RAX);
    emit64(e, (uintptr_t)function);
    emit_rr(e, 0xff, 2, H_RAX);                         /* call */
    emit_cpu(e, 0x8b | X_W, HOST_SP, offsetof(Cpu, stub_sp));
}

/* S1: Insn, S2: Block.  Called by translations. */
static u32 make_interpret(Jit *jit, bool save, bool last, const void *function)
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
    call_c(e, function);
    emit_rr(e, last ? 0x85 | X_W : 0x84, H_RAX, H_RAX); /* test */
    more = emit_jump(e, last ? CC_NZ : CC_Z, 0);
    emit_rr(e, 0x31, H_RAX, H_RAX);
    leave_function(e);
    emit_set_target(e, more, e->at);
    if (last) {
        emit_rr(e, 0x83 | X_W, 0, HOST_SP);             /* the return address */
        emit8(e, 8);
        emit_rm(e, 0x8d | X_W, S2, H_RAX, NO_REG, 0, -1);
        load_guest(e);
        flags_are_kept(jit);
        emit_rm(e, 0xff | X_GS, 4, NO_REG, S2, 0,
                offsetof(Cpu, jump) + offsetof(JumpEntry, code));
    } else {
        code_restore_flags(e, S2);
        load_guest(e);
        emit8(e, 0xc3);
    }
    return at;
}

void code_hash(Emit *e, unsigned to)
{
    emit_lea(e, 0, S2, to, to, 3, 0);
    emit_cpu(e, 0x23, S2, offsetof(Cpu, jump_mask));    /* and */
}
_Static_assert(JUMP_MIX == 1 + (1 << 3), "the LEA above");

/*
 * A return to S1 that was not expected.  Called; comes back only if the jump cache does
 * not know it.
 */
static void make_find_return(Jit *jit)
{
    size_t entry = offsetof(Cpu, jump);
    Emit *e = &jit->e;
    u32 other, old;

    jit->find_return = e->at;
    code_hash(e, S1);
    emit_rm(e, 0x3b | X_W | X_GS, S1, NO_REG, S2, 0, entry + offsetof(JumpEntry, rip));
    other = emit_jump(e, CC_NZ, 0);
    emit_cpu(e, 0x8b | X_W, S1, offsetof(Cpu, jump_tag));
    emit_rm(e, 0x3b | X_W | X_GS, S1, NO_REG, S2, 0, entry + offsetof(JumpEntry, tag));
    old = emit_jump(e, CC_NZ, 0);
    emit_cpu(e, 0x8b | X_W, HOST_SP, offsetof(Cpu, return_base));
    flags_are_kept(jit);
    emit_rm(e, 0xff | X_GS, 4, NO_REG, S2, 0, entry + offsetof(JumpEntry, code));
    emit_set_target(e, other, e->at);
    emit_set_target(e, old, e->at);
    emit8(e, 0xc3);
}

/* Below all that is kept is a call that comes back here, at 0 in the guest. */
static void make_return_to_0(Jit *jit)
{
    Emit *e = &jit->e;

    emit_nops(e, (LANDING_WANTS - e->at) & (2 * LANDING_WANTS - 1));
    jit->return_to_0 = e->at;
    code_save_flags(e, S1);
    emit_rr(e, 0x31, S1, S1);
    emit_cpu(e, 0x89 | X_W, S1, offsetof(Cpu, rip));
    emit_cpu(e, 0x8b | X_W, HOST_SP, offsetof(Cpu, return_base));
    emit_call(e, jit->find_return);
    emit_rr(e, 0x31, S1, S1);
    emit_jump(e, JMP, jit->leave);
}

/*
 * A check of the TLB found in S1 that the entry at S2 is another one: S2 becomes the
 * address's own, and S1 what differs from its tag.
 */
static u32 make_find_entry(Jit *jit, unsigned mode, bool write)
{
    size_t tag = write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read);
    Emit *e = &jit->e;
    u32 at = e->at;

    emit_rm(e, 0x33 | X_W, S1, S2, NO_REG, 0, tag); /* xor: the address again */
    emit_rr(e, 0x8b | X_W, S2, S1);
    code_own_entry(e, mode);
    emit_rm(e, 0x33 | X_W, S1, S2, NO_REG, 0, tag);
    emit8(e, 0xc3);
    return at;
}

/* emit_rm() on the Cpu's bytes at register + offset. */
static void emit_at(Emit *e, u32 op, unsigned reg, unsigned base, size_t offset)
{
    emit_rm(e, op | X_GS, reg, base, NO_REG, 0, offset);
}

static u32 unless_zero(Emit *e, unsigned reg)
{
    emit_rr(e, 0x85, reg, reg);                                 /* test */
    return emit_jump(e, CC_Z, 0);
}

/* Takes the hint at rax out of its list, if it is in one; S1 and rcx are lost. */
static void unlist(Emit *e)
{
    u32 not_listed, last;

    emit_at(e, 0x8b, H_RCX, H_RAX, offsetof(TlbHint, named_at));
    not_listed = unless_zero(e, H_RCX);
    emit_at(e, 0x8b, S1, H_RAX, offsetof(TlbHint, next));
    emit_at(e, 0x89, S1, H_RCX, 0);
    last = unless_zero(e, S1);
    emit_at(e, 0x89, H_RCX, S1, offsetof(TlbHint, named_at));
    emit_set_target(e, not_listed, e->at);
    emit_set_target(e, last, e->at);
}

/* Puts it into the list of the entry at S2, which is lost too. */
static void list(Emit *e)
{
    size_t first = offsetof(Cpu, tlb_hints_of) - offsetof(Cpu, tlbs) / 8;
    u32 last;

    emit_rr(e, 0x8b | X_W, S1, S2);
    emit_cpu(e, 0x2b | X_W, S1, offsetof(Cpu, self));           /* sub */
    emit_rr(e, 0xc1 | X_W, 5, S1);                              /* shr */
    emit8(e, 3);
    emit_rm(e, 0x8d, S1, S1, NO_REG, 0, first);                 /* where it begins */
    emit_at(e, 0x8b, H_RCX, S1, 0);
    emit_at(e, 0x89, H_RCX, H_RAX, offsetof(TlbHint, next));
    last = unless_zero(e, H_RCX);
    emit_rm(e, 0x8d, S2, H_RAX, NO_REG, 0, offsetof(TlbHint, next));
    emit_at(e, 0x89, S2, H_RCX, offsetof(TlbHint, named_at));
    emit_set_target(e, last, e->at);
    emit_at(e, 0x89, H_RAX, S1, 0);
    emit_at(e, 0x89, S1, H_RAX, offsetof(TlbHint, named_at));
}
_Static_assert(sizeof(TlbEntry) == 8 * sizeof(u32), "the shift above");
_Static_assert(offsetof(Cpu, tlbs) % 8 == 0, "the same");

/* The hint at rax becomes a copy of the entry at S2. */
static void copy_entry(Emit *e)
{
    static const u8 part[][2] = {
        { offsetof(TlbEntry, read), offsetof(TlbHint, read) },
        { offsetof(TlbEntry, write), offsetof(TlbHint, write) },
        { offsetof(TlbEntry, addend), offsetof(TlbHint, addend) },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(part); i++) {
        emit_rm(e, 0x8b | X_W, S1, S2, NO_REG, 0, part[i][0]);
        emit_at(e, 0x89 | X_W, S1, H_RAX, part[i][1]);
    }
}

/*
 * The same where the hint was wrong, which is at S2 from the Cpu on: if the address's
 * own entry hits, it becomes the hint.  S2 is lost.
 */
static u32 make_find_hint(Jit *jit, unsigned mode, bool write)
{
    size_t entry_tag = write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read),
           hint_tag = write ? offsetof(TlbHint, write) : offsetof(TlbHint, read);
    Emit *e = &jit->e;
    u32 at = e->at, miss;

    emit_at(e, 0x33 | X_W, S1, S2, hint_tag);                   /* xor */
    emit_z(e, 0x50, S2);
    emit_rr(e, 0x8b | X_W, S2, S1);
    code_own_entry(e, mode);
    emit_rm(e, 0x33 | X_W, S1, S2, NO_REG, 0, entry_tag);
    emit_rr(e, 0x81 | X_W, 7, S1);                              /* cmp */
    emit32(e, PAGE_BYTES - 1);
    miss = emit_jump(e, CC_A, 0);
    emit_z(e, 0x50, H_RAX);
    emit_z(e, 0x50, H_RCX);
    emit_z(e, 0x50, S1);
    emit_rm(e, 0x8b | X_W, H_RAX, HOST_SP, NO_REG, 0, 24);
    copy_entry(e);
    unlist(e);
    list(e);
    emit_z(e, 0x58, S1);
    emit_z(e, 0x58, H_RCX);
    emit_z(e, 0x58, H_RAX);
    emit_set_target(e, miss, e->at);
    emit_rm(e, 0x8d | X_W, HOST_SP, HOST_SP, NO_REG, 0, 8);
    emit8(e, 0xc3);
    return at;
}

void jit_make_stubs(Jit *jit)
{
    jit->flags_kept = jit->e.at;
    emit8(&jit->e, 0xc3);
    make_leave(jit);
    make_not_translated(jit);
    jit->interpret = make_interpret(jit, true, false, jit_interpret);
    jit->interpret_saved = make_interpret(jit, false, false, jit_interpret);
    jit->interpret_last = make_interpret(jit, true, true, jit_interpret_last);
    jit->interpret_last_saved = make_interpret(jit, false, true, jit_interpret_last);
    jit->call_missed = make_interpret(jit, false, true, jit_call_missed);
    for (unsigned mode = 0; mode < MMU_MODES; mode++) {
        jit->find_entry[mode][0] = make_find_entry(jit, mode, false);
        jit->find_entry[mode][1] = make_find_entry(jit, mode, true);
        jit->find_hint[mode][0] = make_find_hint(jit, mode, false);
        jit->find_hint[mode][1] = make_find_hint(jit, mode, true);
    }
    make_find_return(jit);
    make_return_to_0(jit);
    make_enter(jit);
    fp_make_loads(jit);
}
