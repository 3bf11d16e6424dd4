/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A translation in the making, and what the translator's files share.
 */

#ifndef ACCEL_SOFT_JIT_CODE_H
#define ACCEL_SOFT_JIT_CODE_H

#include "accel/soft/jit/jit.h"
#include "accel/soft/jit/regs.h"
#include "accel/soft/opcodes.h"

#define CPU_GPR(n) (offsetof(Cpu, gpr) + 8 * (n))

enum { COLD_MAX = 500, INSNS_MAX = 64 + 2 };

/* where a call comes back: a bit of the address, see branch.c */
enum { LANDING_WANTS = 4 };

/*
 * What lies behind the code proper: where a memory check that failed goes, and exits.
 */
/* Cpu.fp_live; the others (with x87: MMX) never without SSE */
enum { FP_SSE = 1, FP_X87 = 2, FP_AVX = 4 };

typedef struct {
    u32 jump;                   /* comes from there */
    u32 back;                   /* and goes on here; 0: leaves */
    u32 hit; /* not 0: the hint of a TLB check was wrong; here if another entry hits */
    u16 size;                   /* ... of the access */
    u16 hint;
    bool far;                   /* ... there is no hint */
    bool write;
    const Insn *insn;           /* to be interpreted, or NULL: */
    JitExit *exit; /* leaves with this; NULL: because something is requested */
    s32 undo;                   /* to be added to rsp before */
    bool saved;                 /* the flags are in Cpu.arith already */
    u8 fp; /* FP_*: registers that are in the host's there, and have to be again */
    u8 load_fp;                 /* to load these is all that is to be done */
    u8 window; /* so many instructions from `insn` on, one check for each (window.c) */
    bool gone;                  /* ... and the flags are only in Cpu.arith */
    const Insn *redo;           /* redo.c: ... rather they can be had by this */
    bool gives_redo;            /* that is what is done here, and returns */
    bool saved_after, gone_after, redo_after;   /* where the flags are to be behind */
    bool called;                /* done but for the jump to what is in `to` */
    bool known; /* ... which is the address of the jump cache's entry S2 */
    u8 to;                      /* a host register */
    bool find;                  /* the jump cache is looked at first, for S1 */
    /* all returns that are kept are forgotten, which is all that is to be done */
    bool drop;
    bool give; /* a return to who wants the flags in the host's */
    bool trap; /* nothing jumps here but a trap's handler; `jump` becomes where it is */
} Cold;

/* Where the host has an operand. */
typedef struct {
    u8 base, index;             /* host registers */
    u8 scale;
    u8 spare;                   /* S1 or S2, which is free */
    s32 disp;
} Place;

typedef struct {
    Emit *e;
    Jit *jit;
    BlockCache *blocks;
    Block *block;
    const Insn *insn;           /* the present one */
    unsigned i;                 /* its number */
    u16 live[INSNS_MAX + 1];    /* flags that are needed before it */
    unsigned mmu;               /* MmuMode */
    u32 page_at;                /* of the block's start in its page */
    bool saved;                 /* the guest's flags are in Cpu.arith */
    bool gone;                  /* ... and no more in the host's */
    const Insn *redo;           /* nor in Cpu.arith: this is done again */
    u8 fp;                      /* FP_*: registers that are in the host's */
    u32 begin[INSNS_MAX + 1];   /* for the log: where an instruction's code is */
    u16 hint[REG_COUNT];        /* by base register, or 0 */
    bool failed;                /* no room for exits or colds */
    bool singly;                /* no windows: what is behind one */
    u32 saved_entry, saved_loop_entry;  /* the block's */
    bool trusted;               /* accesses that can't trap */
    u8 kept[2];                 /* scratch.c: the guest register in S1, in S2 */
    bool keeps;                 /* the present instruction leaves them so */
    unsigned colds;
    Cold cold[COLD_MAX];        /* not initialized: code_new_cold() does it */
} Code;

/* ---- scratch.c ---- */
enum { NOT_KEPT = REG_NONE };
bool scratch_needed(unsigned guest);    /* has it no register of the host's? */
bool scratch_is_kept(const Code *c, unsigned guest);
/* How many instructions on is it used again? */
unsigned scratch_next_use(const Code *c, unsigned guest);
/* S1 and S2 are used for something else. */
void scratch_forget(Code *c);
/*
 * The host's register for a guest's, maybe S1 or S2, but not that which `other`, a
 * guest register too, is in.  Without `load` it need not have its value.
 */
unsigned scratch_hold(Code *c, unsigned guest, unsigned other, bool load);
/* It was written: to the Cpu with it if it has no register of its own. */
void scratch_store(Code *c, unsigned guest, unsigned host);

/*
 * ---- flags.c: the flags are in the host's, in Cpu.arith, or both; where they are
 * dead, maybe nowhere ----
 */
/* The host's flags to Cpu.arith and back.  `temp` keeps rax; NO_REG: it is lost. */
void code_save_flags(Emit *e, unsigned temp);
void code_restore_flags(Emit *e, unsigned temp);
/* What follows clobbers the host's flags. */
void code_keep_flags(Code *c);
/*
 * Puts the flags where the present instruction reads or changes them; `temp` is lost.
 */
void code_settle_flags(Code *c, unsigned temp);
/*
 * Will the flags that are alive where the block begins be saved before they are used?
 * Then it begins with flags in Cpu.arith alone.
 */
bool code_puts_flags_away(const Code *c);
/* Which flags are read before they are written, for each place of the block. */
void code_find_live(Code *c);
/* Are all flags dead behind the present instruction, where a call comes back? */
bool code_dead_behind(Code *c);
/* So they need not be kept, wherever they are. */
void code_leave_flags(Code *c);

/* ---- redo.c ---- */
/* An instruction that can be done again for the host's flags; NULL: keep them. */
const Insn *code_find_redo(Code *c);
void code_redo(Code *c, const Insn *insn);
/* ... and to Cpu.arith with them; NULL: they are there. `temp` is lost. */
void code_redo_and_save(Code *c, const Insn *insn, unsigned temp);
/* S1 = what puts them there, for who is entered by the jump cache. */
void code_give_redo(Code *c);

/* ---- memory.c ---- */
/*
 * Around an access: the flags that are needed are put out of its way, and back if the
 * instruction wants them.
 */
void code_begin_access(Code *c);
/* `place`: what is to stay as it is, or NULL */
void code_end_access(Code *c, const Place *place);
/*
 * Can the operand's address be had so?  Its offset in a register, cut to `width` (X_W,
 * X_66 or neither); S1 = its linear address.
 */
bool code_can_address(const Code *c);
void code_offset(Code *c, unsigned to, u32 width);
void code_address(Code *c);
/*
 * Checks for an access to the instruction's operand, or to base + disp; S1 and S2 are
 * used.  A miss is interpreted.
 */
Place code_operand(Code *c, unsigned size, bool write);
/* `guest`: has a register */
Place code_place(Code *c, unsigned guest, s32 disp, unsigned size, bool write);
/* All that window.c does on memory lies at such an address, and some bytes on. */
typedef struct {
    u8 base, index, scale;      /* guest registers; index may be REG_NONE */
    bool far;                   /* without a hint: the addend is in Cpu.jit_addend */
    u16 hint;
} Beside;
/* Checks `size` bytes at its address + disp; S2 becomes the addend. */
void code_check_beside(Code *c, Beside *beside, s32 disp, unsigned size, bool write);
/* The addend again, and what has no place beside it in an operand; flags are kept. */
void code_fetch_addend(Code *c, const Beside *beside);
void code_add_base(Code *c, const Beside *beside);
Place code_place_beside(const Beside *beside, s32 disp);
/* An instruction on it.  What the host refuses is the interpreter's. */
void code_at(Code *c, u32 op, unsigned reg, const Place *place);
void code_vex_at(Code *c, const VexOp *op, unsigned reg, const Place *place);
/*
 * The value of a guest register in a host register: its own, or `temp` with it loaded.
 */
unsigned code_reg(Code *c, unsigned guest, unsigned temp);

bool code_is_far(const Insn *insn);             /* its hint is of no use */
/* S2, an address, becomes its entry in the TLB */
void code_own_entry(Emit *e, unsigned mode);
void code_look_again(Code *c, const Cold *cold);        /* behind: the hint was wrong */

/* ---- translate.c ---- */
void code_trap(Code *c);        /* the host instruction that comes next may trap */
void code_instruction(Code *c); /* the present one */

/* ---- copy.c, stack.c; false: not one that it knows ---- */
bool code_copy(Code *c);
/* A copied instruction's memory operand: its size, or 0; and the copy on it */
unsigned code_copied_bytes(const Code *c, bool *write);
void code_copy_at(Code *c, const Place *place);
bool code_is_lea(const Insn *insn);
/* It is copied, and with registers alone nothing can go wrong. */
bool code_never_traps(const Code *c);
bool code_may_write(const Insn *insn, unsigned guest);  /* of those */
bool code_stack(Code *c);

/* ---- window.c ---- */
/*
 * The present instruction and those behind it, as far as one check of the stack is
 * enough for several of them: c->i is the last of them.  False: there is only one.
 */
bool code_window(Code *c);
void code_window_singly(Code *c, const Cold *cold); /* behind: a check for each */

/* ---- fp.c ---- */
bool code_sse(Code *c);         /* false: not one that it knows */
/* It uses XMM registers, and of others only what addresses memory. */
bool code_is_sse(const Insn *insn);
unsigned code_sse_bytes(const Code *c, bool *write);    /* 0: not known */
void code_sse_at(Code *c, const Place *place);
bool code_x87(Code *c);
/* FP_*: from here on they are in the host's registers */
void code_want_fp(Code *c, unsigned what);

/* ---- vex.c ---- */
bool code_vex(Code *c);

/* ---- fp_state.c ---- */
void fp_make_loads(Jit *jit);   /* the stubs that load the guest's registers */
void fp_store(Emit *e);

/* ---- system.c ---- */
bool code_system(Code *c);                  /* false: not one that it knows */
bool code_set_interrupt_flag(Code *c);      /* STI, but for what follows it */

/* ---- stubs.c ---- */
/* S2 = where in the jump cache the address in register `to` would be, in bytes */
void code_hash(Emit *e, unsigned to);

/* ---- branch.c ---- */
bool code_branch(Code *c);      /* false: not a branch that it knows */
bool code_sti(Code *c);
void code_fall(Code *c, s64 to);
bool code_is_return(const Insn *insn);
bool code_is_call(const Insn *insn);            /* a direct one */
/* An indirect one, to where a register of the host's says. */
bool code_is_call_register(const Insn *insn);
/* A conditional jump within the page. */
bool code_is_jump_if(const Code *c, const Insn *insn);
void code_return_to(Code *c);   /* a return when S1 is where to, and rsp was moved */
/* The same in two: is S1 where the call that is kept last comes back?  Where not: */
u32 code_unless_kept(Code *c);  /* a jump; flags are lost */
void code_return_kept(Code *c);
void code_next(Code *c, unsigned to);           /* the address behind the present one */
/* One of these calls, when its return address is pushed, and in S1 */
void code_call_pushed(Code *c);

/* ---- cold.c ---- */
Cold *code_new_cold(Code *c, u32 jump);
/* misses of the instruction before, and of those since `from`, go on here */
void code_set_backs(Code *c, unsigned from);
void code_interpret(Code *c);   /* the present instruction, here */
void code_interpret_last(Code *c);
void code_cold(Code *c);        /* all that lies behind */

#endif
