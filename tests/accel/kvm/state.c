/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's state: what is set is what is got, in the same machine and in another one,
 * row by row; what a reset leaves behind; CPU models as a guest sees them.
 */

#include "tests/lib/cpu_bed.h"

#include <string.h>

#define KVM "kvm,force=on"
enum { AT = 0x1000 };

/* SDM vol. 3, table 11-1: words of the local APIC's page. */
enum { VERSION = 0x03, TPR = 0x08, APR = 0x09, PPR = 0x0a, LDR = 0x0d, SVR = 0x0f,
       ISR = 0x10, TMR = 0x18, IRR = 0x20, LVT_TIMER = 0x32, LINT0 = 0x35, ERROR = 0x37,
       TMCCT = 0x39, TDCR = 0x3e };

PROGRAM(cpuid_all);

/* Values that the SDM allows and that no reset gives. */
static const struct {
    u32 index;
    u64 value;
} msrs[] = {
    { MSR_STAR, 0x0023001000000000 }, { MSR_LSTAR, 0xffffffff81000000 },
    { MSR_CSTAR, 0xffffffff81001000 }, { MSR_SFMASK, 0x257fd5 },
    { MSR_KERNEL_GS_BASE, 0xffff888012345000 }, { MSR_SYSENTER_CS, 0x10 },
    { MSR_SYSENTER_ESP, 0x2200 }, { MSR_SYSENTER_EIP, 0x81002000 },  /* AMD: 32 bits */
    { MSR_PAT, 0x0407050600070106 }, { MSR_MTRR_DEF_TYPE, 0xc06 },
    { MSR_MTRR_PHYSBASE0, 0xc0000000 }, { MSR_MTRR_PHYSBASE0 + 1, 0xfc0000800 },
    { MSR_MTRR_FIX64K, 0x0606060606060606 },
    { MSR_MTRR_FIX4K_C0000 + 7, 0x0505050505050505 },
};

static void fill_registers(X86State *state)
{
    for (unsigned i = 0; i < 16; i++) {
        state->regs.gpr[i] = 0x0123456789abcdef * (i + 1);
    }
    state->regs.rip = 0x1234;
    state->regs.rflags = 0x2 | FLAG_CF | FLAG_ZF | FLAG_OF | FLAG_DF | FLAG_ID;
    state->segs.base[SEG_FS] = 0x7f0012345000;
    state->segs.base[SEG_GS] = 0xffff888000001000;
    state->segs.selector[SEG_ES] = 0x2b;
    state->segs.attr[SEG_ES] = 0xd0f300;        /* with AVL, DPL 3 */
    state->segs.selector[SEG_LDTR] = 0x30;
    state->segs.base[SEG_LDTR] = 0x5000;
    state->segs.limit[SEG_LDTR] = 0x7;
    state->segs.selector[SEG_TR] = 0x40;
    state->segs.base[SEG_TR] = 0x6000;
    state->segs.limit[SEG_TR] = 0x67;
    state->segs.gdt_limit = 0x7f;
    state->segs.idt_limit = 0xaff;
    state->control.cr2 = 0xffff800000001230;
    state->control.cr4 |= CR4_PGE | CR4_OSFXSR | CR4_DE;
    state->control.efer |= EFER_SCE | EFER_NXE;
    state->control.cr8 = 5;
    state->control.dr[0] = 0x1000;
    state->control.dr[3] = 0x4000;
    state->control.dr[6] = DR6_FIXED | 1;
    state->control.dr[7] = 0x455;
    for (unsigned i = 0; i < G_N_ELEMENTS(msrs); i++) {
        g_assert_true(x86_msr_put(state, msrs[i].index, msrs[i].value));
    }
}

/* SDM vol. 1, 13.4: x87 with two registers in use, SSE. */
static void fill_vectors(X86State *state)
{
    static const u8 one_and_two[2][10] = {
        { 0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f },
        { 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0x40 },
    };
    u8 *area = state->xsave.area;
    static const u16 fcw = 0x27f, fsw = 6 << 11;
    static const u32 mxcsr = 0x1fa2;

    memcpy(area, &fcw, 2);
    memcpy(area + 2, &fsw, 2);
    area[4] = 0xc0;
    memcpy(area + 24, &mxcsr, 4);
    memcpy(area + 32, one_and_two[0], 10);
    memcpy(area + 48, one_and_two[1], 10);
    for (unsigned i = 0; i < 256; i++) {
        area[160 + i] = i ^ 0x5a;
    }
    area[512] = 3;
}

/* An interrupt in service, one requested, the timer stopped in one-shot mode. */
static void fill_lapic(X86State *state)
{
    u32 *reg = state->lapic.reg;

    reg[TPR] = 0x50;
    reg[LDR] = 0x02000000;
    reg[SVR] = 0x1f3;
    reg[ISR + 3] = 1 << 1;                  /* vector 0x61 */
    reg[IRR + 2] = 1 << 5;                  /* vector 0x45 */
    reg[TMR + 3] = 1 << 1;
    reg[LVT_TIMER] = 0x100ef;
    reg[LINT0] = 0x10700;
    reg[ERROR] = 0xfe;
    reg[TDCR] = 0xa;
}

/* What moves by itself, or says what the host is. */
static void still(X86State *state)
{
    state->events.tsc = state->events.tsc_khz = 0;
    state->lapic.timer_start = 0;
    state->lapic.reg[VERSION] = state->lapic.reg[TMCCT] = 0;
    state->lapic.reg[PPR] = state->lapic.reg[APR] = 0;
    state->xsave.area[28] = state->xsave.area[29] = 0;      /* MXCSR_MASK */
    memset(state->xsave.area + 464, 0, 48);                 /* for software */
}

/* Equal record by record, so that a failure names the one. */
static void same(const X86State *a, const X86State *b)
{
    for (const X86Record *r = x86_records; r->name; r++) {
        for (const Field *f = r->fields; f->name && strcmp(r->name, "msrs"); f++) {
            const u8 *x = (const u8 *)a + r->at + f->offset;
            const u8 *y = (const u8 *)b + r->at + f->offset;

            for (unsigned i = 0; i < f->size * f->count; i++) {
                if (x[i] != y[i]) {
                    g_test_message("%s.%s differs at byte %u: %02x, %02x", r->name,
                                   f->name, i, x[i], y[i]);
                    g_test_fail();
                    return;
                }
            }
        }
    }
}

/* Every MSR of `a` has the same value in `b`. */
static void same_msrs(const X86State *a, const X86State *b)
{
    for (u32 i = 0; i < a->msrs.count; i++) {
        u64 value = ~a->msrs.value[i];

        g_assert_true(x86_msr_get(b, a->msrs.index[i], &value));
        if (value != a->msrs.value[i]) {
            g_test_message("MSR 0x%x: 0x%llx, 0x%llx", a->msrs.index[i],
                           (unsigned long long)a->msrs.value[i],
                           (unsigned long long)value);
            g_test_fail();
        }
    }
}

/*
 * KVM leaves a TSC as it is that is to be set within a second of what it would be: it
 * takes that for an attempt to make vCPUs agree (kvm_synchronize_tsc).  This one
 * is not.
 */
#define A_LATE_TSC 10000000000000ull

/* A KVM whose guests have the host's own TSC takes none. */
static bool is_hosts(u64 tsc)
{
    u64 now = __builtin_ia32_rdtsc();

    return tsc <= now && now - tsc < A_LATE_TSC / 100;
}

/* Sets it, gets it, sets that in another machine, gets that. */
static void round_trip(CpuBed *first, const X86State *state)
{
    g_autofree X86State *want = g_memdup2(state, sizeof *state);
    g_autofree X86State *got = g_new(X86State, 1), *again = g_new(X86State, 1);
    g_autoptr(CpuBed) second = cpu_bed_new(KVM, 1, NULL);

    want->events.tsc = A_LATE_TSC;
    cpu_bed_set(first, 0, want);
    cpu_bed_get(first, 0, got);
    cpu_bed_set(second, 0, got);
    cpu_bed_get(second, 0, again);
    if (!is_hosts(got->events.tsc)) {
        g_assert_cmphex(got->events.tsc, >=, A_LATE_TSC);
    }
    g_assert_cmphex(again->events.tsc, >=, got->events.tsc);
    still(want);
    still(got);
    still(again);
    same(want, got);
    same_msrs(want, got);
    same(got, again);
    same_msrs(got, again);
    same_msrs(again, got);
}

static void test_round_trip(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    g_autofree X86State *state = g_new(X86State, 1);

    if (!bed) {
        return;
    }
    cpu_bed_start_state(bed, START_LONG, AT, state);
    fill_registers(state);
    fill_vectors(state);
    fill_lapic(state);
    round_trip(bed, state);
}

/*
 * The rows of events, one after another, as not all of them can be at once.  Two KVM
 * does not tell: an INT n being delivered is executed again, a SIPI has been seen to.
 */
static void test_events(void)
{
    static const X86Events events[] = {
        { .interrupt = 0x45, .interrupt_pending = 1 },
        { .interrupt_shadow = 1 },
        { .nmi_pending = 1 },
        { .nmi_masked = 1 },
        { .nmi_pending = 1, .nmi_masked = 1 },
        { .exception = EXC_GP, .exception_pending = 1, .exception_has_error = 1,
          .exception_error = 0x18 },
        { .exception = EXC_UD, .exception_pending = 1 },
        { .run_state = RUN_HALTED },
        { .run_state = RUN_WAIT_INIT },
        { .run_state = RUN_WAIT_SIPI },
    };
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    g_autofree X86State *state = g_new(X86State, 1);

    for (unsigned i = 0; bed && i < G_N_ELEMENTS(events); i++) {
        cpu_bed_start_state(bed, START_LONG, AT, state);
        state->events = events[i];
        g_test_message("events %u", i);
        round_trip(bed, state);
    }
}

/* The reset state itself, and that it leaves nothing of what was there before. */
static void test_reset(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    g_autofree X86State *state = g_new(X86State, 1), *fresh = g_new(X86State, 1);
    g_autofree X86State *got = g_new(X86State, 1);

    if (!bed) {
        return;
    }
    x86_state_reset(fresh, 0, true);
    cpu_bed_set(bed, 0, fresh);
    cpu_bed_get(bed, 0, fresh);
    cpu_bed_start_state(bed, START_LONG, AT, state);
    fill_registers(state);
    fill_vectors(state);
    fill_lapic(state);
    state->events.nmi_masked = state->events.nmi_pending = 1;
    if (cpuid_has(cpu_bed_accel(bed)->cpuid(bed->machine->accel), "kvmclock")) {
        g_assert_true(x86_msr_put(state, MSR_KVM_SYSTEM_TIME, 0x4001));
    }
    cpu_bed_set(bed, 0, state);
    x86_state_reset(state, 0, true);
    cpu_bed_set(bed, 0, state);
    cpu_bed_get(bed, 0, got);
    still(fresh);
    still(state);
    still(got);
    same(state, got);
    same(fresh, got);
    same_msrs(fresh, got);
    same_msrs(got, fresh);
}

/* Refused, with one line that says what; and the vCPU can be set afterwards. */
static void test_refused(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, NULL);
    g_autofree X86State *state = g_new(X86State, 1);

    for (unsigned i = 0; bed && i < 3; i++) {
        Accel *accel = bed->machine->accel;
        g_autoptr(GError) err = NULL;

        cpu_bed_start_state(bed, START_LONG, AT, state);
        if (i == 0) {
            state->events.run_state = 4;
        } else if (i == 1) {
            state->msrs.count = X86_MSR_MAX + 1;
        } else {
            state->control.efer &= ~EFER_LMA;   /* with LME and paging: impossible */
        }
        g_assert_false(accel->type->set_state(accel, 0, state, &err));
        g_assert_nonnull(err);
        g_assert_null(strchr(err->message, '\n'));
        cpu_bed_start(bed, 0, START_LONG, AT);
    }
}

/* ---- CPU models ---- */

/* A host that runs the guest in its own user mode can't intercept CPUID. */
static bool cpuid_is_intercepted(void)
{
    g_autofree char *why = NULL;

    if (!accel_find("kvm")->probe(&why)) {
        g_test_skip(why);
        return false;
    }
    return true;
}

/* CPUID of (leaf, index) as the guest executes it, for each of the model's leaves. */
static void check_cpuid(CpuBed *bed)
{
    g_autofree CpuidTable *table = g_new(CpuidTable, 1);
    const CpuidTable *model = cpu_bed_accel(bed)->cpuid(bed->machine->accel);

    cpuid_for_cpu(model, &bed->topology, 0, table);
    g_assert_cmpuint(table->n, >, 4);
    for (unsigned i = 0; i < table->n; i++) {
        cpu_bed_poke(bed, 0x600 + 8 * i, table->leaf[i].leaf, 4);
        cpu_bed_poke(bed, 0x604 + 8 * i, table->leaf[i].index, 4);
    }
    cpu_bed_poke(bed, 0x600 + 8 * table->n, 0xffffffff, 4);
    LOAD(bed, 0x2000, cpuid_all);
    cpu_bed_start(bed, 0, START_PROTECTED, 0x2000);
    cpu_bed_runs_to(bed, 16);
    for (unsigned i = 0; i < table->n; i++) {
        const CpuidLeaf *leaf = &table->leaf[i];
        gpa at = 0xc00 + 16 * i;
        u32 moving = leaf->leaf == 1 ? 1u << 27 : 0;            /* OSXSAVE */

        if (leaf->leaf == 0xd || leaf->leaf == 7) {
            continue;                           /* sizes and OSPKE follow the state */
        }
        g_assert_cmphex(cpu_bed_peek(bed, at, 4), ==, leaf->eax);
        g_assert_cmphex(cpu_bed_peek(bed, at + 4, 4), ==, leaf->ebx);
        g_assert_cmphex(cpu_bed_peek(bed, at + 8, 4) | moving, ==, leaf->ecx | moving);
        g_assert_cmphex(cpu_bed_peek(bed, at + 12, 4), ==, leaf->edx);
    }
}

static void test_models(void)
{
    static const char *const models[] = {
        NULL, "host", "max", "portable", "qemu64", "kvm64", "portable,-sse4.2,-popcnt",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, models[i]);

        if (!bed) {
            return;
        }
        g_assert_cmpuint(cpu_bed_accel(bed)->cpuid(bed->machine->accel)->n, >, 4);
        if (!cpuid_is_intercepted()) {
            continue;
        }
        g_test_message("-cpu %s", models[i] ? models[i] : "(default)");
        check_cpuid(bed);
    }
}

/* SDM vol. 2A, CPUID: SSE4.2 is ECX bit 20 of leaf 1, POPCNT bit 23. */
static void test_model_flags(void)
{
    g_autoptr(CpuBed) bed = cpu_bed_new(KVM, 1, "portable,-sse4.2,popcnt=off");

    if (!bed) {
        return;
    }
    g_assert_false(cpuid_has(cpu_bed_accel(bed)->cpuid(bed->machine->accel), "sse4.2"));
    if (!cpuid_is_intercepted()) {
        return;
    }
    cpu_bed_poke(bed, 0x600, 1, 8);
    cpu_bed_poke(bed, 0x608, 0xffffffff, 4);
    LOAD(bed, 0x2000, cpuid_all);
    cpu_bed_start(bed, 0, START_PROTECTED, 0x2000);
    cpu_bed_runs_to(bed, 16);
    g_assert_cmphex(cpu_bed_peek(bed, 0xc08, 4) & (1 << 20 | 1 << 23), ==, 0);
    g_assert_cmphex(cpu_bed_peek(bed, 0xc08, 4) & 1 << 9, !=, 0);       /* SSSE3 */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm/round-trip", test_round_trip);
    g_test_add_func("/kvm/events", test_events);
    g_test_add_func("/kvm/reset", test_reset);
    g_test_add_func("/kvm/refused", test_refused);
    g_test_add_func("/kvm/models", test_models);
    g_test_add_func("/kvm/model-flags", test_model_flags);
    return g_test_run();
}
