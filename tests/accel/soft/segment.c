/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment registers: every check of a load (SDM vol. 2, MOV; vol. 3, 5.5 and 5.6.1)
 * with its vector and error code, what is loaded, limits (5.3), real and "unreal" mode.
 */

#include "accel/soft/segment.h"
#include "tests/lib/soft_bed.h"

enum {
    GDT = 0x1000,
    LDT = 0x2000,
    GDT_ENTRIES = 16,
    SELECTOR = 0x40,
    BEYOND = GDT_ENTRIES * 8
};

/* Access bytes: P DPL S type. */
enum {
    DATA_R = 0x90,
    DATA_RW = 0x92,
    DATA_DOWN = 0x96,
    CODE_X = 0x98,
    CODE_XR = 0x9a,
    CODE_CONFORMING = 0x9e,
    SYSTEM_LDT = 0x82,
    DPL1 = 0x20,
    DPL2 = 0x40,
    DPL3 = 0x60,
    ABSENT = 0x80,
};

/* Base 0x12345678, 4 GiB by granularity unless told otherwise. */
static u64 descriptor(u8 access)
{
    u32 low = 0x5678ffff, high = 0x12cf0034 | (u32)access << 8;

    return low | (u64)high << 32;
}

static void enter_protected(SoftBed *bed, unsigned cpl)
{
    X86State *state = &bed->state;

    state->control.cr0 = CR0_PE | CR0_ET;
    state->segs.gdt_base = GDT;
    state->segs.gdt_limit = GDT_ENTRIES * 8 - 1;
    for (unsigned i = 0; i < SEG_LDTR; i++) {
        state->segs.attr[i] = SEG_P | SEG_S | SEG_G | SEG_DB | 3 << 8 | cpl << 13;
        state->segs.limit[i] = UINT32_MAX;
        state->segs.base[i] = 0;
    }
    state->segs.attr[SEG_CS] |= 8 << 8;
    state->segs.attr[SEG_LDTR] = SEG_UNUSABLE;
    soft_bed_set(bed);
}

static const struct {
    const char *what;
    u8 cpl, seg;
    u16 selector;
    u8 access;                  /* 0: as a data segment */
    int vector;                 /* -1: loaded */
    u32 error;
} loads[] = {
    { "data", 0, SEG_DS, SELECTOR, DATA_RW, -1, 0 },
    { "read-only data", 0, SEG_ES, SELECTOR, DATA_R, -1, 0 },
    { "readable code", 0, SEG_FS, SELECTOR, CODE_XR, -1, 0 },
    { "execute-only code", 0, SEG_DS, SELECTOR, CODE_X, EXC_GP, SELECTOR },
    { "a system segment", 0, SEG_DS, SELECTOR, SYSTEM_LDT, EXC_GP, SELECTOR },
    { "beyond the limit", 0, SEG_DS, BEYOND, DATA_RW, EXC_GP, BEYOND },
    { "no LDT", 0, SEG_DS, SELECTOR | 4, DATA_RW, EXC_GP, SELECTOR | 4 },
    { "null", 3, SEG_GS, 3, DATA_RW, -1, 0 },
    { "RPL above DPL", 0, SEG_DS, SELECTOR | 1, DATA_RW, EXC_GP, SELECTOR },
    { "CPL above DPL", 3, SEG_DS, SELECTOR, DATA_RW | DPL2, EXC_GP, SELECTOR },
    { "DPL 3 for everybody", 3, SEG_DS, SELECTOR | 3, DATA_RW | DPL3, -1, 0 },
    { "nonconforming code, CPL above DPL", 3, SEG_DS, SELECTOR, CODE_XR, EXC_GP,
      SELECTOR },
    { "conforming code, CPL above DPL", 3, SEG_DS, SELECTOR | 3, CODE_CONFORMING, -1,
      0 },
    { "absent", 0, SEG_DS, SELECTOR, DATA_RW ^ ABSENT, EXC_NP, SELECTOR },
    { "absent and not allowed", 3, SEG_DS, SELECTOR, DATA_RW ^ ABSENT, EXC_GP,
      SELECTOR },
    { "stack", 0, SEG_SS, SELECTOR, DATA_RW, -1, 0 },
    { "stack at level 3", 3, SEG_SS, SELECTOR | 3, DATA_RW | DPL3, -1, 0 },
    { "null stack", 0, SEG_SS, 0, DATA_RW, EXC_GP, 0 },
    { "stack, RPL is not CPL", 0, SEG_SS, SELECTOR | 1, DATA_RW | DPL1, EXC_GP,
      SELECTOR },
    { "stack, DPL is not CPL", 0, SEG_SS, SELECTOR, DATA_RW | DPL3, EXC_GP, SELECTOR },
    { "read-only stack", 0, SEG_SS, SELECTOR, DATA_R, EXC_GP, SELECTOR },
    { "code as a stack", 0, SEG_SS, SELECTOR, CODE_XR, EXC_GP, SELECTOR },
    { "absent stack", 0, SEG_SS, SELECTOR, DATA_RW ^ ABSENT, EXC_SS, SELECTOR },
};

static void check_loaded(SoftBed *bed, unsigned i)
{
    const Segment *s = &bed->cpu->seg[loads[i].seg];

    g_assert_cmphex(s->selector, ==, loads[i].selector);
    if (selector_null(s->selector)) {
        g_assert_true(s->attr & SEG_UNUSABLE);
        return;
    }
    g_assert_cmphex(s->base, ==, 0x12345678);
    g_assert_cmphex(s->limit, ==, UINT32_MAX);
    g_assert_cmphex(s->attr, ==, (loads[i].access | 1u) << 8 | SEG_G | SEG_DB);
    g_assert_cmphex(soft_bed_get64(bed, GDT + SELECTOR), ==,
                    descriptor(loads[i].access | 1));       /* the accessed bit */
}

static void test_loads(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Cpu *cpu = bed->cpu;

    for (unsigned i = 0; i < G_N_ELEMENTS(loads); i++) {
        Segment before;
        int caught;

        enter_protected(bed, loads[i].cpl);
        soft_bed_put64(bed, GDT + SELECTOR, descriptor(loads[i].access));
        before = cpu->seg[loads[i].seg];
        caught = CAUGHT(cpu, cpu_load_segment(cpu, loads[i].seg, loads[i].selector));
        g_test_message("%s", loads[i].what);
        g_assert_cmpint(caught, ==, loads[i].vector);
        if (caught < 0) {
            check_loaded(bed, i);
        } else {
            g_assert_cmphex(cpu->raised_error, ==, loads[i].error);
            g_assert_cmpmem(&before, sizeof before, &cpu->seg[loads[i].seg],
                            sizeof before);
            g_assert_cmphex(soft_bed_get64(bed, GDT + SELECTOR), ==,
                            descriptor(loads[i].access));
        }
    }
}

static void test_ldt(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);

    enter_protected(bed, 0);
    bed->cpu->seg[SEG_LDTR] = (Segment){ .base = LDT,
                                         .limit = 0x47,
                                         .attr = SEG_P | 2 << 8 };
    soft_bed_put64(bed, LDT + 0x40, descriptor(DATA_RW));
    g_assert_cmpint(CAUGHT(bed->cpu, cpu_load_segment(bed->cpu, SEG_DS, 0x44)), ==, -1);
    g_assert_cmphex(bed->cpu->seg[SEG_DS].base, ==, 0x12345678);
    g_assert_cmpint(CAUGHT(bed->cpu, cpu_load_segment(bed->cpu, SEG_DS, 0x4c)), ==,
                    EXC_GP);
}

/* 64-bit mode: SS may be null below level 3, if RPL is CPL. */
static void test_null_stack(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Cpu *cpu = bed->cpu;

    soft_bed_long_mode(bed, 0);
    bed->state.control.cr0 &= ~(u64)CR0_PG;
    bed->state.control.efer = 0;
    soft_bed_set(bed);
    cpu->efer = EFER_LMA;
    cpu_mode_changed(cpu);
    g_assert_cmpint(CAUGHT(cpu, cpu_load_segment(cpu, SEG_SS, 0)), ==, -1);
    g_assert_cmpint(CAUGHT(cpu, cpu_load_segment(cpu, SEG_SS, 1)), ==, EXC_GP);
    cpu->cpl = 3;
    g_assert_cmpint(CAUGHT(cpu, cpu_load_segment(cpu, SEG_SS, 3)), ==, EXC_GP);
}

/* ---- accesses ---- */

static const struct {
    u8 access;
    bool big;                   /* D/B */
    u32 limit;
    u64 offset;
    unsigned size;
    Access how;
    bool allowed;
} accesses[] = {
    { DATA_RW, true, 0xfff, 0xfff, 1, ACCESS_WRITE, true },
    { DATA_RW, true, 0xfff, 0xfff, 2, ACCESS_READ, false },
    { DATA_RW, true, 0xfff, 0x1000, 1, ACCESS_READ, false },
    { DATA_R, true, 0xfff, 0, 4, ACCESS_READ, true },
    { DATA_R, true, 0xfff, 0, 4, ACCESS_WRITE, false },
    { CODE_XR, true, 0xfff, 0, 4, ACCESS_READ, true },
    { CODE_XR, true, 0xfff, 0, 4, ACCESS_WRITE, false },
    { CODE_X, true, 0xfff, 0, 4, ACCESS_READ, false },
    /* Expand-down: from limit + 1 up to 4 GiB or 64 KiB. */
    { DATA_DOWN, true, 0xfff, 0xfff, 1, ACCESS_READ, false },
    { DATA_DOWN, true, 0xfff, 0x1000, 4, ACCESS_WRITE, true },
    { DATA_DOWN, true, 0xfff, 0xfffffffc, 4, ACCESS_WRITE, true },
    { DATA_DOWN, false, 0xfff, 0xfffe, 2, ACCESS_WRITE, true },
    { DATA_DOWN, false, 0xfff, 0xffff, 2, ACCESS_WRITE, false },
    { DATA_DOWN, false, 0xfff, 0x10000, 1, ACCESS_READ, false },
};

static int linear(Cpu *cpu, unsigned seg, unsigned i, gva *at)
{
    return CAUGHT(cpu, *at = segment_linear(cpu, seg, accesses[i].offset,
                                            accesses[i].size, accesses[i].how));
}

static void check_access(Cpu *cpu, unsigned seg, unsigned i)
{
    int caught;
    gva at = 0;

    g_test_message("row %u, segment %u", i, seg);
    cpu->seg[seg] = (Segment){ .base = 0x10000, .limit = accesses[i].limit,
        .attr = accesses[i].access << 8 | (accesses[i].big ? SEG_DB : 0) };
    caught = linear(cpu, seg, i, &at);
    if (accesses[i].allowed) {
        g_assert_cmpint(caught, ==, -1);
        g_assert_cmphex(at, ==, (u32)(0x10000 + accesses[i].offset));
    } else {
        g_assert_cmpint(caught, ==, seg == SEG_SS ? EXC_SS : EXC_GP);
        g_assert_cmphex(cpu->raised_error, ==, 0);
    }
}

static void test_accesses(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Cpu *cpu = bed->cpu;

    enter_protected(bed, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(accesses); i++) {
        check_access(cpu, SEG_DS, i);
        check_access(cpu, SEG_SS, i);
    }
    cpu_load_segment(cpu, SEG_DS, 0);
    g_assert_cmpint(CAUGHT(cpu, segment_linear(cpu, SEG_DS, 0, 1, ACCESS_READ)), ==,
                    EXC_GP);
}

/* A limit that protected mode left in a register stays there in real mode. */
static void test_unreal(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Cpu *cpu = bed->cpu;

    g_assert_cmpint(CAUGHT(cpu, segment_linear(cpu, SEG_DS, 0xffff, 2, ACCESS_READ)),
                    ==, EXC_GP);
    cpu_set_cr0(cpu, cpu->cr0 | CR0_PE);
    cpu->gdt_base = GDT;
    cpu->gdt_limit = 0xffff;
    soft_bed_put64(bed, GDT + SELECTOR, descriptor(DATA_RW));
    cpu_load_segment(cpu, SEG_DS, SELECTOR);
    cpu_load_segment(cpu, SEG_FS, 0);
    cpu_set_cr0(cpu, cpu->cr0 & ~(u64)CR0_PE);
    cpu_load_segment(cpu, SEG_DS, 0x1234);
    g_assert_cmphex(segment_linear(cpu, SEG_DS, 0x900000, 4, ACCESS_WRITE), ==,
                    0x912340);
    cpu_load_segment(cpu, SEG_FS, 0x1234);          /* null before: as after reset */
    g_assert_cmphex(segment_linear(cpu, SEG_FS, 0xfffe, 2, ACCESS_WRITE), ==, 0x2233e);
    g_assert_cmpint(CAUGHT(cpu, segment_linear(cpu, SEG_FS, 0xffff, 2, ACCESS_READ)),
                    ==, EXC_GP);
}

/* ---- the stack ---- */

static void test_stack(void)
{
    g_autoptr(SoftBed) bed = soft_bed_new(1, NULL);
    Cpu *cpu = bed->cpu;

    enter_protected(bed, 0);
    cpu->gpr[RSP] = 0xdeadbeef00008000;
    cpu_push(cpu, 0x11223344, 4);
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x7ffc);
    g_assert_cmphex(cpu_peek(cpu, 0, 4), ==, 0x11223344);
    g_assert_cmphex(cpu_pop(cpu, 2), ==, 0x3344);
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x7ffe);
    cpu->seg[SEG_SS].attr &= ~SEG_DB;               /* a 16-bit stack wraps at 64 KiB */
    cpu_mode_changed(cpu);
    cpu->gpr[RSP] = 0x70000;
    cpu_push(cpu, 0x5566, 2);
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x7fffe);
    g_assert_cmphex(soft_bed_get64(bed, 0xfff8) >> 48, ==, 0x5566);
    cpu->seg[SEG_SS].limit = 0xfff;
    g_assert_cmpint(CAUGHT(cpu, cpu_push(cpu, 0, 2)), ==, EXC_SS);
    g_assert_cmphex(cpu->gpr[RSP], ==, 0x7fffe);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/soft/segment/loads", test_loads);
    g_test_add_func("/soft/segment/ldt", test_ldt);
    g_test_add_func("/soft/segment/null-stack", test_null_stack);
    g_test_add_func("/soft/segment/accesses", test_accesses);
    g_test_add_func("/soft/segment/unreal", test_unreal);
    g_test_add_func("/soft/segment/stack", test_stack);
    return g_test_run();
}
