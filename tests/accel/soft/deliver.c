/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts and exceptions through the IDT: frames, registers after, every check with
 * its vector and error code (SDM vol. 2, INT n; vol. 3, 6.12 to 6.15), nesting.
 */

#include "accel/soft/event.h"
#include "accel/soft/segment.h"
#include "tests/lib/soft_bed.h"

enum {
    GDT = BED_GDT,
    IDT = 0x2000,
    TSS = BED_TSS,
    STACK0 = 0x8000,
    STACK3 = 0x9000,
    IST = 0xa000
};
enum { IDT_LIMIT = 0x80 * 8 - 1, VECTOR = 0x20, HANDLER = 0x12345678 };

/* Selectors. */
enum {
    CODE0 = 0x08,
    DATA0 = 0x10,
    CODE3 = 0x1b,
    DATA3 = 0x23,
    TR = 0x28,
    CONFORMING = 0x38,
    ABSENT_DATA = 0x40,
    ABSENT_CODE = 0x48,
    CODE16 = 0x50,
    CODE64 = 0x58,
    BEYOND = BED_GDT_BYTES,
};

typedef struct {
    SoftBed *bed;
    Cpu *cpu;
} Fixture;

static void put_tables(SoftBed *bed)
{
    soft_bed_put_flat(bed, CODE0, 0x9a, 0xc);
    soft_bed_put_flat(bed, DATA0, 0x92, 0xc);
    soft_bed_put_flat(bed, CODE3, 0xfa, 0xc);
    soft_bed_put_flat(bed, DATA3, 0xf2, 0xc);
    soft_bed_put_flat(bed, CONFORMING, 0x9e, 0xc);
    soft_bed_put_flat(bed, ABSENT_DATA, 0x12, 0xc);
    soft_bed_put_flat(bed, ABSENT_CODE, 0x1a, 0xc);
    soft_bed_put_flat(bed, CODE16, 0x9a, 0);
    soft_bed_put_flat(bed, CODE64, 0x9a, 0xa);
    soft_bed_put64(bed, TSS + 4, STACK0 | (u64)DATA0 << 32);
}

static void enter(Fixture *f, unsigned cpl)
{
    X86State *s = &f->bed->state;

    soft_bed_flat(f->bed, cpl);
    for (unsigned i = 0; i < SEG_LDTR; i++) {
        s->segs.selector[i] = cpl ? DATA3 : DATA0;
    }
    s->segs.selector[SEG_CS] = cpl ? CODE3 : CODE0;
    s->segs.selector[SEG_TR] = TR;
    s->segs.idt_base = IDT;
    s->segs.idt_limit = IDT_LIMIT;
    s->regs.gpr[RSP] = STACK3;
    s->regs.rflags = 2 | FLAG_IF | FLAG_CF | FLAG_DF | FLAG_NT | FLAG_AC;
    soft_bed_set(f->bed);
}

static void enter_long(Fixture *f, unsigned cpl)
{
    enter(f, cpl);
    soft_bed_flat_to_long(f->bed);
    f->bed->state.regs.gpr[RSP] = STACK3 + 5;
    soft_bed_set(f->bed);
}

static void set_up(Fixture *f, gconstpointer data)
{
    f->bed = soft_bed_new(1, NULL);
    f->cpu = f->bed->cpu;
    put_tables(f->bed);
    enter(f, 0);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    soft_bed_free(f->bed);
}

static void put_gate(Fixture *f, unsigned vector, u16 selector, u8 access)
{
    soft_bed_put64(f->bed, IDT + vector * 8, (HANDLER & 0xffff) | (u64)selector << 16 |
                   (u64)access << 40 | (u64)(HANDLER >> 16) << 48);
}

static void put_gate64(Fixture *f, unsigned vector, u16 selector, u8 access, u8 ist,
                       u64 at)
{
    soft_bed_put64(f->bed, IDT + vector * 16, (at & 0xffff) | (u64)selector << 16 |
                   (u64)ist << 32 | (u64)access << 40 | (at >> 16 & 0xffff) << 48);
    soft_bed_put64(f->bed, IDT + vector * 16 + 8, at >> 32);
}

typedef enum { EXCEPTION, EXTERNAL, SOFT } Source;

static int deliver(Fixture *f, u8 vector, bool has_error, u32 error, Source source)
{
    return CAUGHT(f->cpu, cpu_deliver(f->cpu, vector, has_error, error, source == SOFT,
                                      source == EXTERNAL));
}

/* Words of the frame, from the top of the stack. */
static void frame(Fixture *f, unsigned bytes, const u64 *want, unsigned n)
{
    u64 mask = bytes == 8 ? UINT64_MAX : (1ull << bytes * 8) - 1;

    for (unsigned i = 0; i < n; i++) {
        g_test_message("word %u", i);
        g_assert_cmphex(soft_bed_get64(f->bed, f->cpu->gpr[RSP] + i * bytes) & mask, ==,
                        want[i]);
    }
}
#define FRAME(f, bytes, ...) \
    frame(f, bytes, (const u64[]){ __VA_ARGS__ }, sizeof((u64[]){ __VA_ARGS__ }) / 8)

enum { FLAGS = 2 | FLAG_IF | FLAG_CF | FLAG_DF | FLAG_NT | FLAG_AC };

/* ---- protected mode ---- */

static void test_same_level(Fixture *f, gconstpointer data)
{
    put_gate(f, VECTOR, CODE0, 0x8e);
    g_assert_cmpint(deliver(f, VECTOR, false, 0, EXTERNAL), ==, -1);
    g_assert_cmphex(f->cpu->gpr[RSP], ==, STACK3 - 12);
    FRAME(f, 4, 0x1111, CODE0, FLAGS);
    g_assert_cmphex(f->cpu->rip, ==, HANDLER);
    g_assert_cmphex(cpu_flags(f->cpu), ==, 2 | FLAG_CF | FLAG_DF | FLAG_AC);
    g_assert_cmphex(soft_bed_get64(f->bed, GDT + CODE0) >> 40 & 0xff, ==, 0x9b);
}

/* A trap gate leaves IF; a fault's image has RF. */
static void test_trap_gate(Fixture *f, gconstpointer data)
{
    put_gate(f, EXC_GP, CODE0, 0x8f);
    g_assert_cmpint(deliver(f, EXC_GP, true, 0x50, EXCEPTION), ==, -1);
    FRAME(f, 4, 0x50, 0x1111, CODE0, FLAGS | FLAG_RF);
    g_assert_true(f->cpu->rflags & FLAG_IF);
}

static void test_inner_level(Fixture *f, gconstpointer data)
{
    enter(f, 3);
    put_gate(f, VECTOR, CODE0, 0xee);
    g_assert_cmpint(deliver(f, VECTOR, false, 0, SOFT), ==, -1);
    g_assert_cmphex(f->cpu->gpr[RSP], ==, STACK0 - 20);
    FRAME(f, 4, 0x1111, CODE3, FLAGS, STACK3, DATA3);
    g_assert_cmpint(f->cpu->cpl, ==, 0);
    g_assert_cmphex(f->cpu->seg[SEG_CS].selector, ==, CODE0);
    g_assert_cmphex(f->cpu->seg[SEG_SS].selector, ==, DATA0);
}

static void test_conforming(Fixture *f, gconstpointer data)
{
    enter(f, 3);
    put_gate(f, VECTOR, CONFORMING, 0x8e);
    g_assert_cmpint(deliver(f, VECTOR, false, 0, EXTERNAL), ==, -1);
    g_assert_cmpint(f->cpu->cpl, ==, 3);
    g_assert_cmphex(f->cpu->seg[SEG_CS].selector, ==, CONFORMING | 3);
    g_assert_cmphex(f->cpu->gpr[RSP], ==, STACK3 - 12);
}

static void test_gate16(Fixture *f, gconstpointer data)
{
    put_gate(f, EXC_NP, CODE16, 0x86);
    g_assert_cmpint(deliver(f, EXC_NP, true, 0x1234, EXCEPTION), ==, -1);
    FRAME(f, 2, 0x1234, 0x1111, CODE0, FLAGS & 0xffff);
    g_assert_cmphex(f->cpu->rip, ==, HANDLER & 0xffff);
    g_assert_false(f->cpu->mode & MODE_CODE32);
}

static const struct {
    const char *what;
    u8 cpl, gate;
    u16 selector;
    u8 vector;
    Source source;
    int raised;
    u32 error;
} refused[] = {
    { "beyond the IDT", 0, 0x8e, CODE0, 0x80, EXTERNAL, EXC_GP, 0x403 },
    { "beyond the IDT, INT n", 0, 0x8e, CODE0, 0x80, SOFT, EXC_GP, 0x402 },
    { "a call gate", 0, 0x8c, CODE0, VECTOR, EXTERNAL, EXC_GP, 0x103 },
    { "a segment", 0, 0x9e, CODE0, VECTOR, EXTERNAL, EXC_GP, 0x103 },
    { "a task gate", 0, 0x85, CODE0, VECTOR, EXTERNAL, EXC_GP, 0x103 },
    { "absent", 0, 0x0e, CODE0, VECTOR, EXTERNAL, EXC_NP, 0x103 },
    { "INT n, DPL below CPL", 3, 0x8e, CODE0, VECTOR, SOFT, EXC_GP, 0x102 },
    { "INT n, DPL below CPL, absent", 3, 0x0e, CODE0, VECTOR, SOFT, EXC_GP, 0x102 },
    { "null selector", 0, 0x8e, 3, VECTOR, EXTERNAL, EXC_GP, 1 },
    { "null selector, INT n", 0, 0x8e, 3, VECTOR, SOFT, EXC_GP, 0 },
    { "beyond the GDT", 0, 0x8e, BEYOND, VECTOR, EXTERNAL, EXC_GP, BEYOND | 1 },
    { "data", 0, 0x8e, DATA0, VECTOR, EXTERNAL, EXC_GP, DATA0 | 1 },
    { "an outer level", 0, 0x8e, CODE3, VECTOR, SOFT, EXC_GP, CODE3 & ~3 },
    { "absent code", 0, 0x8e, ABSENT_CODE, VECTOR, EXTERNAL, EXC_NP, ABSENT_CODE | 1 },
    { "beyond CS's limit", 0, 0x8e, 0x60, VECTOR, EXTERNAL, EXC_GP, 1 },
};

static void refuse(Fixture *f, const char *what, int raised, u32 error, int caught)
{
    g_test_message("%s", what);
    g_assert_cmpint(caught, ==, raised);
    g_assert_cmphex(f->cpu->raised_error, ==, error);
    g_assert_cmphex(f->cpu->rip, ==, 0x1111);
    g_assert_cmphex(f->cpu->gpr[RSP] & ~7ull, ==, STACK3);
    g_assert_true(f->cpu->event.pending);
    f->cpu->event.pending = false;
}

static void test_refused(Fixture *f, gconstpointer data)
{
    soft_bed_put64(f->bed, GDT + 0x60, 0x00409a000000ffff);     /* code of 64 KiB */
    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++) {
        enter(f, refused[i].cpl);
        put_gate(f, VECTOR, refused[i].selector, refused[i].gate);
        refuse(f, refused[i].what, refused[i].raised, refused[i].error,
               deliver(f, refused[i].vector, false, 0, refused[i].source));
    }
}

/* Stacks in the TSS that can't be used: #TS, or #SS where it is absent or too small. */
static const struct {
    const char *what;
    u16 selector;
    u32 sp;
    u16 tss_limit;
    int raised;
    u32 error;
} stacks[] = {
    { "short TSS", DATA0, STACK0, 8, EXC_TS, TR | 1 },
    { "null", 0, STACK0, 0x67, EXC_TS, 1 },
    { "beyond the GDT", BEYOND, STACK0, 0x67, EXC_TS, BEYOND | 1 },
    { "RPL", DATA0 | 1, STACK0, 0x67, EXC_TS, DATA0 | 1 },
    { "DPL", DATA3 & ~3, STACK0, 0x67, EXC_TS, (DATA3 & ~3) | 1 },
    { "code", CODE0, STACK0, 0x67, EXC_TS, CODE0 | 1 },
    { "absent", ABSENT_DATA, STACK0, 0x67, EXC_SS, ABSENT_DATA | 1 },
    { "no room", 0x60, 0x20010, 0x67, EXC_SS, 0x61 },
};

static void test_stacks(Fixture *f, gconstpointer data)
{
    soft_bed_put64(f->bed, GDT + 0x60, 0x004092000000ffff);     /* data of 64 KiB */
    put_gate(f, VECTOR, CODE0, 0x8e);
    for (unsigned i = 0; i < G_N_ELEMENTS(stacks); i++) {
        enter(f, 3);
        soft_bed_put64(f->bed, TSS + 4, stacks[i].sp | (u64)stacks[i].selector << 32);
        f->cpu->seg[SEG_TR].limit = stacks[i].tss_limit;
        refuse(f, stacks[i].what, stacks[i].raised, stacks[i].error,
               deliver(f, VECTOR, false, 0, EXTERNAL));
    }
}

/* ---- virtual-8086 and real mode ---- */

static void enter_v86(Fixture *f)
{
    enter(f, 3);
    cpu_set_flags(f->cpu, 2 | FLAG_VM | FLAG_IF);
    for (unsigned i = 0; i < SEG_LDTR; i++) {
        load_real_segment(f->cpu, i, 0x100 + i);
    }
    cpu_mode_changed(f->cpu);
    f->cpu->gpr[RSP] = 0x200;
}

static void test_v86(Fixture *f, gconstpointer data)
{
    enter_v86(f);
    put_gate(f, VECTOR, CODE0, 0xee);
    g_assert_cmpint(deliver(f, VECTOR, false, 0, EXTERNAL), ==, -1);
    FRAME(f, 4, 0x1111, 0x101, 2 | FLAG_VM | FLAG_IF, 0x200, 0x102, 0x100, 0x103, 0x104,
          0x105);
    g_assert_false(cpu_v86(f->cpu));
    g_assert_cmphex(f->cpu->gpr[RSP], ==, STACK0 - 36);
    g_assert_true(f->cpu->seg[SEG_DS].attr & SEG_UNUSABLE);
    g_assert_cmphex(f->cpu->seg[SEG_GS].selector, ==, 0);
    enter_v86(f);                                   /* only to level 0 */
    put_gate(f, VECTOR, CODE3, 0xee);
    g_assert_cmpint(deliver(f, VECTOR, false, 0, EXTERNAL), ==, EXC_GP);
    g_assert_cmphex(f->cpu->raised_error, ==, (CODE3 & ~3) | 1);
}

static void test_real(Fixture *f, gconstpointer data)
{
    Cpu *cpu = f->cpu;

    x86_state_reset(&f->bed->state, 0, true);
    f->bed->state.regs.rflags = FLAGS;
    f->bed->state.regs.gpr[RSP] = 0x8000;
    soft_bed_set(f->bed);
    soft_bed_put64(f->bed, 0x21 * 4, 0x12345678);
    g_assert_cmpint(deliver(f, 0x21, false, 0, SOFT), ==, -1);
    FRAME(f, 2, 0xfff0, 0xf000, FLAGS & 0xffff);
    g_assert_cmphex(cpu->seg[SEG_CS].base, ==, 0x12340);
    g_assert_cmphex(cpu->rip, ==, 0x5678);
    g_assert_cmphex(cpu->rflags & (FLAG_IF | FLAG_AC | FLAG_TF), ==, 0);
    g_assert_cmphex(cpu->rflags & FLAG_NT, ==, FLAG_NT);
    cpu->idt_limit = 0x21 * 4 + 2;
    g_assert_cmpint(deliver(f, 0x21, false, 0, SOFT), ==, EXC_GP);
}

/* ---- long mode ---- */

static void test_long_same(Fixture *f, gconstpointer data)
{
    enter_long(f, 0);
    put_gate64(f, VECTOR, CODE64, 0x8e, 0, 0x123456789a);
    g_assert_cmpint(deliver(f, VECTOR, false, 0, EXTERNAL), ==, -1);
    g_assert_cmphex(f->cpu->gpr[RSP], ==, STACK3 - 40); /* aligned to 16 first */
    FRAME(f, 8, 0x1111, CODE0, FLAGS, STACK3 + 5, DATA0);
    g_assert_cmphex(f->cpu->rip, ==, 0x123456789a);
    g_assert_cmphex(f->cpu->seg[SEG_SS].selector, ==, DATA0);
}

static void test_long_inner(Fixture *f, gconstpointer data)
{
    enter_long(f, 3);
    soft_bed_put64(f->bed, TSS + 4, STACK0 + 9);
    put_gate64(f, EXC_PF, CODE64, 0x8e, 0, 0x1000);
    g_assert_cmpint(deliver(f, EXC_PF, true, 7, EXCEPTION), ==, -1);
    g_assert_cmphex(f->cpu->gpr[RSP], ==, STACK0 - 48);
    FRAME(f, 8, 7, 0x1111, CODE3, FLAGS | FLAG_RF, STACK3 + 5, DATA3);
    g_assert_cmphex(f->cpu->seg[SEG_SS].selector, ==, 0);
    g_assert_true(f->cpu->seg[SEG_SS].attr & SEG_UNUSABLE);
    g_assert_cmpint(f->cpu->cpl, ==, 0);
}

static void test_long_ist(Fixture *f, gconstpointer data)
{
    enter_long(f, 0);
    soft_bed_put64(f->bed, TSS + 0x24 + 2 * 8, IST);
    put_gate64(f, VECTOR, CODE64, 0x8e, 3, 0x1000);
    g_assert_cmpint(deliver(f, VECTOR, false, 0, EXTERNAL), ==, -1);
    g_assert_cmphex(f->cpu->gpr[RSP], ==, IST - 40);
    FRAME(f, 8, 0x1111, CODE0, FLAGS, STACK3 + 5, DATA0);
}

static void test_long_refused(Fixture *f, gconstpointer data)
{
    enter_long(f, 0);
    put_gate64(f, VECTOR, CODE0, 0x8e, 0, 0x1000);
    refuse(f, "32-bit code", EXC_GP, CODE0 | 1, deliver(f, VECTOR, false, 0, EXTERNAL));
    put_gate64(f, VECTOR, CODE64, 0x86, 0, 0x1000);
    refuse(f, "16-bit gate", EXC_GP, 0x103, deliver(f, VECTOR, false, 0, EXTERNAL));
    put_gate64(f, VECTOR, CODE64, 0x8e, 0, 0x800000000000);
    refuse(f, "not canonical", EXC_GP, 1, deliver(f, VECTOR, false, 0, EXTERNAL));
    put_gate64(f, VECTOR, CODE64, 0x8e, 7, 0x1000);
    soft_bed_put64(f->bed, TSS + 0x24 + 6 * 8, 0x900000000000);
    refuse(f, "stack is not canonical", EXC_SS, 1,
           deliver(f, VECTOR, false, 0, EXTERNAL));
    f->cpu->seg[SEG_TR].limit = 0x5a;
    refuse(f, "short TSS", EXC_TS, TR | 1, deliver(f, VECTOR, false, 0, EXTERNAL));
}

/* ---- nesting: table 6-5 ---- */

/* What is delivered after `second` came up while `first` was on its way. */
static unsigned nested(Fixture *f, u8 first, Source source, u8 second)
{
    enter(f, 0);
    for (unsigned i = 0; i < 0x80; i++) {
        put_gate(f, i, 0, 0x0e);
    }
    (void)deliver(f, first, false, 0, source);      /* absent: does not get through */
    for (unsigned i = 0; i < 0x80; i++) {
        soft_bed_put64(f->bed, IDT + i * 8, i | (u64)CODE0 << 16 | 0x8eull << 40);
    }
    g_assert_cmpint(deliver(f, second, false, 0, EXCEPTION), ==, -1);
    g_assert_false(f->cpu->event.pending);
    return f->cpu->rip;
}

static void test_nesting(Fixture *f, gconstpointer data)
{
    static const u8 benign[] = { EXC_DB, EXC_UD, EXC_NM, EXC_MF };
    static const u8 contributory[] = { EXC_DE, EXC_TS, EXC_NP, EXC_SS, EXC_GP };

    for (unsigned i = 0; i < G_N_ELEMENTS(contributory); i++) {
        u8 c = contributory[i];

        for (unsigned j = 0; j < G_N_ELEMENTS(contributory); j++) {
            g_assert_cmpint(nested(f, c, EXCEPTION, contributory[j]), ==, EXC_DF);
        }
        for (unsigned j = 0; j < G_N_ELEMENTS(benign); j++) {
            g_assert_cmpint(nested(f, benign[j], EXCEPTION, c), ==, c);
        }
        g_assert_cmpint(nested(f, c, EXCEPTION, EXC_PF), ==, EXC_PF);
        g_assert_cmpint(nested(f, EXC_PF, EXCEPTION, c), ==, EXC_DF);
        g_assert_cmpint(nested(f, c, SOFT, c), ==, c);
        g_assert_cmpint(nested(f, VECTOR, EXTERNAL, c), ==, c);
    }
    g_assert_cmpint(nested(f, EXC_PF, EXCEPTION, EXC_PF), ==, EXC_DF);
}

/* No IDT at all: #UD, #GP, #DF, shutdown; and the machine is asked to reset. */
static void test_triple(Fixture *f, gconstpointer data)
{
    static const u8 ud2[] = { 0x0f, 0x0b };

    soft_bed_put(f->bed, 0x1111, ud2, sizeof ud2);
    f->bed->state.segs.idt_limit = 0;
    soft_bed_set(f->bed);
    g_assert_cmpint(soft_bed_run(f->bed), ==, REQUEST_RESET);
    g_assert_cmphex(f->bed->state.regs.rip, ==, 0x1111);
    g_assert_cmpint(f->bed->state.events.run_state, ==, RUN_WAIT_INIT);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        { "same-level", test_same_level },
        { "trap-gate", test_trap_gate },
        { "inner-level", test_inner_level },
        { "conforming", test_conforming },
        { "gate16", test_gate16 },
        { "refused", test_refused },
        { "stacks", test_stacks },
        { "v86", test_v86 },
        { "real", test_real },
        { "long/same-level", test_long_same },
        { "long/inner-level", test_long_inner },
        { "long/ist", test_long_ist },
        { "long/refused", test_long_refused },
        { "nesting", test_nesting },
        { "triple-fault", test_triple },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/soft/deliver/%s", tests[i].name);

        g_test_add(path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
