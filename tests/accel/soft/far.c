/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far JMP, CALL, RET and IRET, call gates, SYSCALL and SYSENTER: what they leave behind
 * and what they refuse (SDM vol. 2).  Each instruction is decoded from its bytes and
 * executed alone.
 */

#include "accel/soft/mmu.h"
#include "accel/soft/segment.h"
#include "tests/lib/soft_bed.h"

enum { GDT = BED_GDT, TSS = BED_TSS };
enum { POINTER = 0x7000, STACK0 = 0x8000, STACK = 0x9000 };

/* Selectors; T is the one whose descriptor a case sets. */
enum {
    CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x18, DATA3 = 0x20, T = 0x28, CODE16 = 0x38,
    CODE64 = 0x40, CODE1 = 0x48, DATA1 = 0x50, TR = 0x58, BEYOND = BED_GDT_BYTES,
};

typedef struct {
    SoftBed *bed;
    Cpu *cpu;
} Fixture;

static void put_call_gate(SoftBed *bed, u8 access, u16 selector, u32 offset, u8 params)
{
    soft_bed_put64(bed, GDT + T, (offset & 0xffff) | (u64)selector << 16 |
                   (u64)params << 32 | (u64)access << 40 | (u64)(offset >> 16) << 48);
    soft_bed_put64(bed, GDT + T + 8, 0);
}

static void enter(Fixture *f, unsigned cpl)
{
    X86State *s = &f->bed->state;

    soft_bed_flat(f->bed, cpl);
    for (unsigned i = 0; i < SEG_LDTR; i++) {
        s->segs.selector[i] = cpl ? DATA3 | 3 : DATA0;
    }
    s->segs.selector[SEG_CS] = cpl ? CODE3 | 3 : CODE0;
    s->segs.selector[SEG_TR] = TR;
    s->regs.gpr[RSP] = STACK;
    soft_bed_set(f->bed);
}

static void enter_long(Fixture *f, unsigned cpl)
{
    enter(f, cpl);
    soft_bed_flat_to_long(f->bed);
    f->bed->state.control.efer |= EFER_SCE;
    soft_bed_set(f->bed);
}

static void set_up(Fixture *f, gconstpointer data)
{
    f->bed = soft_bed_new(1, NULL);
    f->cpu = f->bed->cpu;
    soft_bed_put_flat(f->bed, CODE0, 0x9a, 0xc);
    soft_bed_put_flat(f->bed, DATA0, 0x92, 0xc);
    soft_bed_put_flat(f->bed, CODE3, 0xfa, 0xc);
    soft_bed_put_flat(f->bed, DATA3, 0xf2, 0xc);
    soft_bed_put_flat(f->bed, CODE16, 0x9a, 0);
    soft_bed_put_flat(f->bed, CODE64, 0x9a, 0xa);
    soft_bed_put_flat(f->bed, CODE1, 0xba, 0xc);
    soft_bed_put_flat(f->bed, DATA1, 0xb2, 0xc);
    soft_bed_put64(f->bed, TSS + 4, STACK0 | (u64)DATA0 << 32);
    enter(f, 0);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    soft_bed_free(f->bed);
}

#define EXECUTE(f, ...) \
    soft_bed_execute((f)->bed, (const u8[]){ __VA_ARGS__ }, \
                     sizeof((u8[]){ __VA_ARGS__ }))

#define JMPF_M    0xff, 0x2d, 0x00, 0x70, 0x00, 0x00            /* ljmp *POINTER */
#define CALLF_M   0xff, 0x1d, 0x00, 0x70, 0x00, 0x00            /* lcall *POINTER */
#define IRET      0xcf
#define IRETQ     0x48, 0xcf
#define RETF      0xcb
#define RETF_8    0xca, 0x08, 0x00
#define SYSCALL   0x0f, 0x05
#define SYSRETQ   0x48, 0x0f, 0x07
#define SYSRETL   0x0f, 0x07
#define SYSENTER  0x0f, 0x34
#define SYSEXIT   0x0f, 0x35
#define SYSEXITQ  0x48, 0x0f, 0x35

static void put_pointer(Fixture *f, u16 selector, u32 offset)
{
    soft_bed_put64(f->bed, POINTER, offset | (u64)selector << 32);
}

static void put_stack(Fixture *f, unsigned bytes, const u64 *word, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        soft_bed_put(f->bed, f->cpu->gpr[RSP] + i * bytes, &word[i], bytes);
    }
}
#define PUT_STACK(f, bytes, ...)                      \
    put_stack(f, bytes, (const u64[]){ __VA_ARGS__ }, \
              sizeof((u64[]){ __VA_ARGS__ }) / 8)

static u32 word(Fixture *f, unsigned i)
{
    return soft_bed_get64(f->bed, f->cpu->gpr[RSP] + i * 4);
}

static void untouched(Fixture *f, int vector, u32 error, int caught)
{
    g_assert_cmpint(caught, ==, vector);
    g_assert_cmphex(f->cpu->raised_error, ==, error);
    g_assert_cmphex(f->cpu->rip, ==, 0x1111);
    g_assert_cmphex(f->cpu->gpr[RSP], ==, STACK);
}

/* ---- far JMP and CALL to a code segment or something else ---- */

static const struct {
    const char *what;
    u8 cpl;
    u16 selector;
    u8 access, flags;           /* of T */
    int vector;
    u32 error;
} targets[] = {
    { "code", 0, T, 0x9a, 0xc, -1, 0 },
    { "null", 0, 0, 0x9a, 0xc, EXC_GP, 0 },
    { "beyond", 0, BEYOND, 0x9a, 0xc, EXC_GP, BEYOND },
    { "data", 0, T, 0x92, 0xc, EXC_GP, T },
    { "RPL above CPL", 0, T | 1, 0x9a, 0xc, EXC_GP, T },
    { "an outer level", 0, T, 0xfa, 0xc, EXC_GP, T },
    { "an inner level", 3, T | 3, 0x9a, 0xc, EXC_GP, T },
    { "conforming, from outside", 3, T | 3, 0x9e, 0xc, -1, 0 },
    { "conforming, an outer level", 0, T, 0xfe, 0xc, EXC_GP, T },
    { "absent", 0, T, 0x1a, 0xc, EXC_NP, T },
    { "an LDT", 0, T, 0x82, 0, EXC_GP, T },
    { "a TSS", 0, T, 0x89, 0, EXC_GP, T },
    { "a task gate", 0, T, 0x85, 0, EXC_GP, T },
    { "an interrupt gate", 0, T, 0x8e, 0, EXC_GP, T },
    { "beyond the limit", 0, T, 0x9a, 0x4, EXC_GP, 0 },
};

static void test_targets(Fixture *f, gconstpointer data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(targets) * 2; i++) {
        unsigned n = i / 2;
        bool call = i & 1;
        int caught;

        enter(f, targets[n].cpl);
        soft_bed_put_flat(f->bed, T, targets[n].access, targets[n].flags);
        put_pointer(f, targets[n].selector, 0x123456);
        g_test_message("%s %s", call ? "call" : "jump", targets[n].what);
        caught = call ? EXECUTE(f, CALLF_M) : EXECUTE(f, JMPF_M);
        if (targets[n].vector >= 0) {
            untouched(f, targets[n].vector, targets[n].error, caught);
            continue;
        }
        g_assert_cmpint(caught, ==, -1);
        g_assert_cmphex(f->cpu->rip, ==, 0x123456);
        g_assert_cmphex(f->cpu->seg[SEG_CS].selector, ==, T | targets[n].cpl);
        g_assert_cmpint(f->cpu->cpl, ==, targets[n].cpl);
        if (call) {
            g_assert_cmphex(word(f, 0), ==, 0x1117);
            g_assert_cmphex(word(f, 1), ==, targets[n].cpl ? CODE3 | 3 : CODE0);
        }
    }
}

/* ---- call gates ---- */

static const struct {
    const char *what;
    u8 cpl;
    u16 selector;               /* of the gate, with its RPL */
    u8 access;
    u16 code;
    int jump, call;             /* vectors; -1: goes through */
    u32 error;
} gates[] = {
    { "to the same level", 0, T, 0x8c, CODE0, -1, -1, 0 },
    { "to an inner level", 3, T | 3, 0xec, CODE0, EXC_GP, -1, CODE0 },
    { "DPL below CPL", 3, T | 3, 0x8c, CODE0, EXC_GP, EXC_GP, T },
    { "DPL below RPL", 0, T | 1, 0x8c, CODE0, EXC_GP, EXC_GP, T },
    { "absent", 0, T, 0x0c, CODE0, EXC_NP, EXC_NP, T },
    { "to null", 0, T, 0x8c, 0, EXC_GP, EXC_GP, 0 },
    { "to data", 0, T, 0x8c, DATA0, EXC_GP, EXC_GP, DATA0 },
    { "to beyond", 0, T, 0x8c, BEYOND, EXC_GP, EXC_GP, BEYOND },
    { "to an outer level", 0, T, 0x8c, CODE3, EXC_GP, EXC_GP, CODE3 },
};

static void test_gates(Fixture *f, gconstpointer data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(gates) * 2; i++) {
        unsigned n = i / 2;
        bool call = i & 1;
        int want = call ? gates[n].call : gates[n].jump, caught;

        enter(f, gates[n].cpl);
        put_call_gate(f->bed, gates[n].access, gates[n].code, 0x555, 0);
        put_pointer(f, gates[n].selector, 0xdeadbeef);
        g_test_message("%s %s", call ? "call" : "jump", gates[n].what);
        caught = call ? EXECUTE(f, CALLF_M) : EXECUTE(f, JMPF_M);
        if (want >= 0) {
            untouched(f, want, gates[n].error, caught);
        } else {
            g_assert_cmpint(caught, ==, -1);
            g_assert_cmphex(f->cpu->rip, ==, 0x555);
        }
    }
}

/*
 * Two parameters go from the outer stack to the inner one; RET 8 removes them from
 * both.
 */
static void test_gate_and_back(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter(f, 3);
    put_call_gate(f->bed, 0xec, CODE0, 0x555, 2);
    put_pointer(f, T | 3, 0);
    PUT_STACK(f, 4, 0xaaaa, 0xbbbb);
    g_assert_cmpint(EXECUTE(f, CALLF_M), ==, -1);
    g_assert_cmpint(cpu->cpl, ==, 0);
    g_assert_cmphex(cpu->gpr[RSP], ==, STACK0 - 24);
    g_assert_cmphex(word(f, 0), ==, 0x1117);
    g_assert_cmphex(word(f, 1), ==, CODE3 | 3);
    g_assert_cmphex(word(f, 2), ==, 0xaaaa);
    g_assert_cmphex(word(f, 3), ==, 0xbbbb);
    g_assert_cmphex(word(f, 4), ==, STACK);
    g_assert_cmphex(word(f, 5), ==, DATA3 | 3);
    cpu_load_segment(cpu, SEG_ES, DATA0);           /* level 3 must not have it */
    g_assert_cmpint(EXECUTE(f, RETF_8), ==, -1);
    g_assert_cmpint(cpu->cpl, ==, 3);
    g_assert_cmphex(cpu->rip, ==, 0x1117);
    g_assert_cmphex(cpu->gpr[RSP], ==, STACK + 8);
    g_assert_true(cpu->seg[SEG_ES].attr & SEG_UNUSABLE);
    g_assert_cmphex(cpu->seg[SEG_DS].selector, ==, DATA3 | 3);
}

static void test_gate64(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter_long(f, 3);
    put_call_gate(f->bed, 0xec, CODE64, 0x555, 0);
    soft_bed_put64(f->bed, GDT + T + 8, 0x12);
    soft_bed_put64(f->bed, POINTER, (u64)(T | 3) << 32);
    soft_bed_put64(f->bed, TSS + 4, STACK0);
    cpu->gpr[RAX] = POINTER;
    g_assert_cmpint(EXECUTE(f, 0xff, 0x18), ==, -1);            /* lcall *(%rax) */
    g_assert_cmphex(cpu->rip, ==, 0x1200000555);
    g_assert_cmphex(cpu->gpr[RSP], ==, STACK0 - 32);
    g_assert_cmphex(soft_bed_get64(f->bed, STACK0 - 32), ==, 0x1113);
    g_assert_cmphex(soft_bed_get64(f->bed, STACK0 - 24), ==, CODE3 | 3);
    g_assert_cmphex(soft_bed_get64(f->bed, STACK0 - 16), ==, STACK);
    g_assert_cmphex(cpu->seg[SEG_SS].selector, ==, 0);
    enter_long(f, 3);
    cpu->gpr[RAX] = POINTER;
    soft_bed_put64(f->bed, GDT + T + 8, 1ull << 40); /* its upper half has a type */
    untouched(f, EXC_GP, T, EXECUTE(f, 0xff, 0x18));
    put_call_gate(f->bed, 0xec, CODE0, 0x555, 0);               /* 32-bit code */
    untouched(f, EXC_GP, CODE0, EXECUTE(f, 0xff, 0x18));
}

/* ---- RETF and IRET ---- */

static const struct {
    const char *what;
    u8 cpl;
    u16 cs, ss;                 /* ss 0: an inner return, not popped */
    int vector;
    u32 error;
} returns[] = {
    { "same level", 0, CODE0, 0, -1, 0 },
    { "outer level", 0, CODE3 | 3, DATA3 | 3, -1, 0 },
    { "null", 0, 0, 0, EXC_GP, 0 },
    { "beyond", 0, BEYOND, 0, EXC_GP, BEYOND },
    { "data", 0, DATA0, 0, EXC_GP, DATA0 },
    { "an inner level", 3, CODE0, 0, EXC_GP, CODE0 },
    { "DPL is not RPL", 0, CODE0 | 3, DATA3 | 3, EXC_GP, CODE0 },
    { "null stack", 0, CODE3 | 3, 3, EXC_GP, 0 },
    { "stack beyond", 0, CODE3 | 3, BEYOND | 3, EXC_GP, BEYOND },
    { "stack's RPL", 0, CODE3 | 3, DATA3, EXC_GP, DATA3 },
    { "stack's DPL", 0, CODE3 | 3, DATA0 | 3, EXC_GP, DATA0 },
    { "code as a stack", 0, CODE3 | 3, CODE3 | 3, EXC_GP, CODE3 },
    { "level 1", 0, CODE1 | 1, DATA1 | 1, -1, 0 },
};

static void test_returns(Fixture *f, gconstpointer data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(returns) * 2; i++) {
        unsigned n = i / 2;
        bool iret = i & 1;
        u64 frame[5] = { 0x2222, returns[n].cs, 0x6000, returns[n].ss };
        u64 iframe[5] = { 0x2222, returns[n].cs, 0x202, 0x6000, returns[n].ss };
        int caught;

        enter(f, returns[n].cpl);
        put_stack(f, 4, iret ? iframe : frame, 5);
        g_test_message("%s to %s", iret ? "iret" : "retf", returns[n].what);
        caught = iret ? EXECUTE(f, IRET) : EXECUTE(f, RETF);
        if (returns[n].vector >= 0) {
            untouched(f, returns[n].vector, returns[n].error, caught);
            continue;
        }
        g_assert_cmpint(caught, ==, -1);
        g_assert_cmphex(f->cpu->rip, ==, 0x2222);
        g_assert_cmphex(f->cpu->seg[SEG_CS].selector, ==, returns[n].cs);
        g_assert_cmpint(f->cpu->cpl, ==, returns[n].cs & 3);
        g_assert_cmphex(f->cpu->gpr[RSP], ==,
                        returns[n].ss ? 0x6000u : STACK + (iret ? 12u : 8u));
        g_assert_cmphex(f->cpu->rflags & FLAG_IF, ==, iret ? FLAG_IF : 0);
    }
}

/*
 * Who may change what: IOPL at level 0, IF with IOPL; VM, VIF and VIP never from level
 * 3.
 */
static void test_iret_flags(Fixture *f, gconstpointer data)
{
    enter(f, 3);
    cpu_set_flags(f->cpu, 2 | FLAG_IF);
    PUT_STACK(f, 4, 0x2222, CODE3 | 3,
              0xffffffff & ~(u64)(FLAG_NT | FLAG_IF | FLAG_TF));
    g_assert_cmpint(EXECUTE(f, IRET), ==, -1);
    g_assert_cmphex(cpu_flags(f->cpu), ==,
                    FLAGS_ARITH | 2 | FLAG_IF | FLAG_DF | FLAG_AC | FLAG_ID);
    enter(f, 0);
    PUT_STACK(f, 4, 0x2222, CODE0, FLAG_IOPL | FLAG_IF | FLAG_VIF);
    g_assert_cmpint(EXECUTE(f, IRET), ==, -1);
    g_assert_cmphex(cpu_flags(f->cpu), ==, 2 | FLAG_IOPL | FLAG_IF | FLAG_VIF);
    enter(f, 0);
    cpu_set_flags(f->cpu, 2 | FLAG_NT); /* no task to return to */
    untouched(f, EXC_TS, TR, EXECUTE(f, IRET));
    g_assert_false(f->cpu->nmi_masked);
    f->cpu->nmi_masked = true;
    cpu_set_flags(f->cpu, 2);
    PUT_STACK(f, 4, 0x2222, CODE0, 2);
    g_assert_cmpint(EXECUTE(f, IRET), ==, -1);
    g_assert_false(f->cpu->nmi_masked);
}

static void test_iret_long(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter_long(f, 0);
    /* SS:RSP at the same level too. */
    PUT_STACK(f, 8, 0x2222, CODE64, 0x202, STACK0 + 1, DATA0);
    g_assert_cmpint(EXECUTE(f, IRETQ), ==, -1);
    g_assert_cmphex(cpu->gpr[RSP], ==, STACK0 + 1);
    enter_long(f, 0);
    /* A null SS will do at level 0. */
    PUT_STACK(f, 8, 0x2222, CODE64, 0x202, STACK0, 0);
    g_assert_cmpint(EXECUTE(f, IRETQ), ==, -1);
    g_assert_true(cpu->seg[SEG_SS].attr & SEG_UNUSABLE);
    enter_long(f, 0);
    PUT_STACK(f, 8, 0x2222, CODE3 | 3, 0x202, 0x12345678abcd, DATA3 | 3);
    g_assert_cmpint(EXECUTE(f, IRETQ), ==, -1); /* to compatibility mode */
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x5678abcd);
    g_assert_cmphex(cpu->mode, ==, MODE_CODE32 | MODE_STACK32);
    enter_long(f, 0);
    PUT_STACK(f, 8, 0x900000000000, CODE64, 0x202, STACK0, DATA0);
    untouched(f, EXC_GP, 0, EXECUTE(f, IRETQ));
    soft_bed_put_flat(f->bed, T, 0x9a, 0xe);                             /* L and D */
    PUT_STACK(f, 8, 0x2222, T, 0x202, STACK0, DATA0);
    untouched(f, EXC_GP, T, EXECUTE(f, IRETQ));
    PUT_STACK(f, 8, 0x2222, CODE64, 0x202, STACK0, DATA0);
    cpu->rflags |= FLAG_NT;
    untouched(f, EXC_GP, 0, EXECUTE(f, IRETQ));
}

static void test_v86(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter(f, 0);
    PUT_STACK(f, 4, 0x100, 0x2000, 2 | FLAG_VM | FLAG_IF, 0x800, 0x3000, 0x4000, 0x5000,
              0x6000, 0x7000);
    g_assert_cmpint(EXECUTE(f, IRET), ==, -1);
    g_assert_true(cpu_v86(cpu));
    g_assert_cmpint(cpu->cpl, ==, 3);
    g_assert_cmphex(cpu->seg[SEG_CS].base, ==, 0x20000);
    g_assert_cmphex(cpu->seg[SEG_SS].base, ==, 0x30000);
    g_assert_cmphex(cpu->seg[SEG_ES].base, ==, 0x40000);
    g_assert_cmphex(cpu->seg[SEG_GS].base, ==, 0x70000);
    g_assert_cmphex(cpu->seg[SEG_DS].limit, ==, 0xffff);
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x800);
    g_assert_cmphex(cpu->mode, ==, MODE_REAL);
    g_assert_cmpint(EXECUTE(f, 0xcd, 0x20), ==, EXC_GP);        /* INT n wants IOPL 3 */
    g_assert_cmpint(EXECUTE(f, 0xcf), ==, EXC_GP);              /* and so does IRET */
    g_assert_cmpint(EXECUTE(f, 0xfa), ==, EXC_GP);              /* and CLI */
    g_assert_cmpint(EXECUTE(f, 0xea, 0x34, 0x12, 0x00, 0x80), ==, -1);
    g_assert_cmphex(cpu->rip, ==, 0x1234);
    g_assert_cmphex(cpu->seg[SEG_CS].base, ==, 0x80000);
}

/* ---- fast system calls ---- */

static void flat_is(const Segment *s, u16 selector, u32 attr)
{
    g_assert_cmphex(s->selector, ==, selector);
    g_assert_cmphex(s->base, ==, 0);
    g_assert_cmphex(s->limit, ==, UINT32_MAX);
    g_assert_cmphex(s->attr, ==, SEG_P | SEG_S | SEG_G | attr);
}

static void test_syscall(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter_long(f, 3);
    cpu->star = 0x0023001000000000;
    cpu->lstar = 0xffff800012345678;
    cpu->sfmask = FLAG_IF | FLAG_DF | FLAG_TF;
    cpu_set_flags(cpu, 2 | FLAG_IF | FLAG_CF | FLAG_DF);
    g_assert_cmpint(EXECUTE(f, SYSCALL), ==, -1);
    g_assert_cmphex(cpu->rip, ==, 0xffff800012345678);
    g_assert_cmphex(cpu->gpr[RCX], ==, 0x1113);
    g_assert_cmphex(cpu->gpr[R11], ==, 2 | FLAG_IF | FLAG_CF | FLAG_DF);
    g_assert_cmphex(cpu_flags(cpu), ==, 2 | FLAG_CF);
    flat_is(&cpu->seg[SEG_CS], 0x10, SEG_L | 11 << 8);
    flat_is(&cpu->seg[SEG_SS], 0x18, SEG_DB | 3 << 8);
    g_assert_cmpint(cpu->cpl, ==, 0);
    cpu->gpr[R11] = 0x202 | FLAG_VM | FLAG_RF;
    g_assert_cmpint(EXECUTE(f, SYSRETQ), ==, -1);
    g_assert_cmphex(cpu->rip, ==, 0x1113);
    g_assert_cmphex(cpu_flags(cpu), ==, 0x202);
    flat_is(&cpu->seg[SEG_CS], 0x33, SEG_L | 11 << 8 | 3 << 13);
    flat_is(&cpu->seg[SEG_SS], 0x2b, SEG_DB | 3 << 8 | 3 << 13);
    g_assert_cmpint(EXECUTE(f, SYSRETQ), ==, EXC_GP);           /* from level 3 */
    enter_long(f, 0);
    cpu->gpr[RCX] = 0x900000000000;
    g_assert_cmpint(EXECUTE(f, SYSRETQ), ==, EXC_GP);
    g_assert_cmpint(cpu->cpl, ==, 0);
    g_assert_cmpint(EXECUTE(f, SYSRETL), ==, -1);
    g_assert_cmphex(cpu->rip, ==, 0);
    g_assert_cmphex(cpu->seg[SEG_CS].selector, ==, 0x23);
    g_assert_cmphex(cpu->mode, ==, MODE_CODE32 | MODE_STACK32);
    /* Intel's CPUs don't have it in compatibility mode, AMD's do. */
    g_assert_cmpint(EXECUTE(f, SYSCALL), ==, EXC_UD);
    cpu->amd = true;
    cpu->cstar = 0x7777;
    g_assert_cmpint(EXECUTE(f, SYSCALL), ==, -1);
    g_assert_cmphex(cpu->rip, ==, 0x7777);
    enter_long(f, 3);
    cpu->efer &= ~(u64)EFER_SCE;
    g_assert_cmpint(EXECUTE(f, SYSCALL), ==, EXC_UD);
}

static void test_sysenter(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    enter(f, 3);
    cpu->sysenter_eip = 0x4444;
    cpu->sysenter_esp = 0x5555;
    untouched(f, EXC_GP, 0, EXECUTE(f, SYSENTER)); /* SYSENTER_CS is null */
    cpu->sysenter_cs = CODE0;
    cpu_set_flags(cpu, 2 | FLAG_IF);
    g_assert_cmpint(EXECUTE(f, SYSENTER), ==, -1);
    g_assert_cmphex(cpu->rip, ==, 0x4444);
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x5555);
    g_assert_cmphex(cpu->rflags & FLAG_IF, ==, 0);
    flat_is(&cpu->seg[SEG_CS], CODE0, SEG_DB | 11 << 8);
    flat_is(&cpu->seg[SEG_SS], CODE0 + 8, SEG_DB | 3 << 8);
    cpu->gpr[RCX] = 0x6666;
    cpu->gpr[RDX] = 0x7777;
    g_assert_cmpint(EXECUTE(f, SYSEXIT), ==, -1);
    g_assert_cmphex(cpu->rip, ==, 0x7777);
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x6666);
    flat_is(&cpu->seg[SEG_CS], (CODE0 + 16) | 3, SEG_DB | 11 << 8 | 3 << 13);
    g_assert_cmpint(EXECUTE(f, SYSEXIT), ==, EXC_GP);
    enter_long(f, 0);
    cpu->sysenter_cs = CODE0;
    g_assert_cmpint(EXECUTE(f, SYSEXITQ), ==, -1);
    flat_is(&cpu->seg[SEG_CS], (CODE0 + 32) | 3, SEG_L | 11 << 8 | 3 << 13);
    enter_long(f, 3);
    cpu->amd = true;
    g_assert_cmpint(EXECUTE(f, SYSENTER), ==, EXC_UD);
}

/*
 * What is read first, and #AC: as a host's CPU was seen to do.  Nothing is mapped from
 * 2 MiB on.  CMPS reads at rDI first; VCVTPS2PH (and VCVTPH2PS) takes its 8 bytes from
 * anywhere.
 */
static void test_order(Fixture *f, gconstpointer data)
{
    enum { BAD = 0x200100 };
    Cpu *cpu = f->cpu;

    enter_long(f, 3);
    cpu_set_cr0(cpu, cpu->cr0 | CR0_AM);
    cpu_set_flags(cpu, FLAG_AC);
    cpu->gpr[RSP] = BAD;
    g_assert_cmpint(EXECUTE(f, RETF), ==, EXC_PF);
    g_assert_cmphex(cpu->cr2, ==, BAD + 4);
    g_assert_cmpint(EXECUTE(f, IRETQ), ==, EXC_PF);
    g_assert_cmphex(cpu->cr2, ==, BAD + 16);
    cpu->gpr[RSP] = STACK + 1;
    g_assert_cmpint(EXECUTE(f, RETF_8), ==, EXC_AC);
    g_assert_cmphex(cpu->gpr[RSP], ==, STACK + 1);
    cpu->gpr[RDI] = BAD;
    cpu->gpr[RSI] = STACK + 1;
    g_assert_cmpint(EXECUTE(f, 0xa7), ==, EXC_PF);                      /* cmpsl */
    g_assert_cmphex(cpu->cr2, ==, BAD);
    cpu->gpr[RDI] = STACK + 1;
    cpu->gpr[RSI] = BAD;
    g_assert_cmpint(EXECUTE(f, 0xa7), ==, EXC_AC);
    if (cpu_has(cpu, "f16c")) {
        cpu_set_cr4(cpu, cpu->cr4 | CR4_OSFXSR | CR4_OSXSAVE);
        cpu->xcr0 = 7;
        g_assert_cmpint(EXECUTE(f, 0xc4, 0xe3, 0x79, 0x1d, 0x07, 0x00), ==, -1);
    }
    g_assert_cmpint(EXECUTE(f, 0x48, 0x8b, 0x07), ==, EXC_AC); /* mov (%rdi), %rax */
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        { "targets", test_targets },
        { "gates", test_gates },
        { "gate-and-back", test_gate_and_back },
        { "gate64", test_gate64 },
        { "returns", test_returns },
        { "iret-flags", test_iret_flags },
        { "iret-long", test_iret_long },
        { "order", test_order },
        { "v86", test_v86 },
        { "syscall", test_syscall },
        { "sysenter", test_sysenter },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/soft/far/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
