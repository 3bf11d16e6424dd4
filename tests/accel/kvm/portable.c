/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two vCPUs with their local APICs' timers go from KVM to the software CPU and back, at
 * random moments, and again: the timers tick on, an interrupt that comes just before a
 * save is delivered once, and time goes neither back nor faster than it should.  And
 * what that needs, each by itself.
 *
 * MAYFLY_LONG=N moves each guest so often.  MAYFLY_PERIOD=N lets the timers tick each N ms
 * (3), for hosts that are kept busy by that many.
 */

#include "accel/kvm/kvm.h"
#include "tests/lib/cpu_bed.h"

#include <stdlib.h>

enum { CPUS = 2, MOVES = 20, LIMIT_SECONDS = 60, PERIOD_MS = 3 };
enum { AT = 0x1000, TICK = 0x2000, NOTE = 0x3000 };
enum { TICK_VECTOR = 0x61, NOTE_VECTOR = 0x51 };
/* What the guest counts, for each vCPU. */
enum { AREA = 0x500, AREA_BYTES = 0x40, TICKS = 0, NOTES = 4, BACKWARDS = 12 };
/* SDM vol. 3, 11.5.1: the LVT entry's mode. */
enum { ONE_SHOT = 0, PERIODIC = 1 << 17, DEADLINE = 1 << 18 };
#define DIVIDE_BY_ONE 0xb

PROGRAM(ticker);
PROGRAM(ticker_tick);
PROGRAM(ticker_note);
PROGRAM(await_begun);
PROGRAM(begun_interrupt);
PROGRAM(begun_exception);

/* From one tick to the next: bus cycles of 1 ns, or TSC ticks. */
static unsigned period = PERIOD_MS * 1000000;

typedef struct {
    CpuBed *bed;
    bool on_kvm;
    bool tscs_agree;                /* KVM tells them of one moment */
    unsigned moves;
    unsigned sent;                  /* notes, to each vCPU */
    u32 ticks[CPUS];                /* at the last look */
    X86State state[CPUS];
    u8 ram[BED_RAM];
} Trial;

static u32 counted(Trial *t, unsigned cpu, unsigned what)
{
    return cpu_bed_peek(t->bed, AREA + cpu * AREA_BYTES + what, 4);
}

static CpuBed *bed_new(bool on_kvm)
{
    return cpu_bed_new(on_kvm ? "kvm,force=on" : "soft", CPUS, "kvm64,-pni");
}

/* ---- a guest ---- */

static void trial_start(Trial *t, u32 mode, bool sleeps)
{
    X86State *state = t->state;

    LOAD(t->bed, AT, ticker);
    LOAD(t->bed, TICK, ticker_tick);
    LOAD(t->bed, NOTE, ticker_note);
    cpu_bed_gate(t->bed, START_PROTECTED, TICK_VECTOR, TICK);
    cpu_bed_gate(t->bed, START_PROTECTED, NOTE_VECTOR, NOTE);
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_bed_start_state(t->bed, START_PROTECTED, AT, state);
        if (i) {
            state->control.apic_base &= ~0x100ull;
            state->lapic.reg[2] = cpu_apic_id(&t->bed->topology, i) << 24;
        }
        state->regs.gpr[RSP] -= i * 0x1000;
        state->regs.gpr[RBX] = AREA + i * AREA_BYTES;
        state->regs.gpr[RSI] = mode | TICK_VECTOR;
        state->regs.gpr[RDI] = period;
        state->regs.gpr[RBP] = sleeps;
        cpu_bed_set(t->bed, i, state);
    }
}

/* Has each vCPU had three ticks since the last look, and all notes? */
static bool goes_on(Trial *t)
{
    bool on = true;

    for (unsigned i = 0; i < CPUS; i++) {
        on &= counted(t, i, TICKS) - t->ticks[i] >= 3 &&
              counted(t, i, NOTES) == t->sent;
    }
    return on;
}

static void show(Trial *t)
{
    for (unsigned i = 0; i < CPUS; i++) {
        g_test_message("move %u, now on %s: vCPU %u: %u ticks more, %u of %u notes",
                       t->moves, t->on_kvm ? "KVM" : "the software CPU", i,
                       counted(t, i, TICKS) - t->ticks[i], counted(t, i, NOTES),
                       t->sent);
    }
}

/* The software CPU's timers are the main loop's. */
static bool trial_runs(Trial *t)
{
    s64 end = g_get_monotonic_time() + LIMIT_SECONDS * G_USEC_PER_SEC;

    cpu_bed_resume(t->bed);
    while (!goes_on(t) && g_get_monotonic_time() < end) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(200);
    }
    if (!goes_on(t)) {
        show(t);
        cpu_bed_pause(t->bed);
        return false;
    }
    for (s64 more = g_test_rand_int_range(0, period / 750); more > 0; more -= 100) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(100);
    }
    return true;
}

/* A note to each, and at once, or a little later, the machine stands. */
static void trial_stops(Trial *t)
{
    t->sent++;
    for (unsigned i = 0; i < CPUS; i++) {
        u64 id = cpu_apic_id(&t->bed->topology, i);

        machine_msi(t->bed->machine, 0xfee00000 | id << 12, NOTE_VECTOR);
    }
    if (g_test_rand_bit()) {
        g_usleep(g_test_rand_int_range(0, 200));
    }
    cpu_bed_pause(t->bed);
}

static bool trial_moves(Trial *t)
{
    u64 now = clock_now(t->bed->machine->clock);

    for (unsigned i = 0; i < CPUS; i++) {
        cpu_bed_get(t->bed, i, &t->state[i]);
        t->ticks[i] = counted(t, i, TICKS);
        if (t->tscs_agree) {
            g_assert_cmpuint(t->state[i].events.tsc, ==, t->state[0].events.tsc);
        }
    }
    g_assert_true(mem_read(t->bed->machine->mem, 0, t->ram, sizeof t->ram));
    cpu_bed_free(t->bed);
    t->on_kvm = !t->on_kvm;
    t->bed = bed_new(t->on_kvm);
    if (!t->bed) {
        return false;
    }
    clock_set(t->bed->machine->clock, now);
    g_assert_true(mem_write(t->bed->machine->mem, 0, t->ram, sizeof t->ram));
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_bed_set(t->bed, i, &t->state[i]);
    }
    t->moves++;
    return true;
}

/* A timer that goes on while the machine stands may have one more for each move. */
static void trial_judge(Trial *t, u32 mode)
{
    u64 time = mode == DEADLINE ? t->state[0].events.tsc :
                                  clock_now(t->bed->machine->clock);

    for (unsigned i = 0; i < CPUS; i++) {
        g_assert_cmpuint(counted(t, i, NOTES), ==, t->sent);
        g_assert_cmpuint(counted(t, i, BACKWARDS), ==, 0);
        g_assert_cmpuint(counted(t, i, TICKS), <=, time / period + t->moves + 1);
    }
}

static void test_moves(gconstpointer data)
{
    u32 mode = GPOINTER_TO_UINT(data) & ~1u;
    const char *often = g_getenv("MAYFLY_LONG");
    unsigned moves = often ? MAX(atoi(often), MOVES) : MOVES;
    g_autofree Trial *t = g_new0(Trial, 1);
    bool goes = true;

    t->on_kvm = true;
    t->bed = bed_new(true);
    if (!t->bed) {
        return;
    }
    t->tscs_agree = kvm_of(t->bed->machine->accel)->tsc_offsets;
    trial_start(t, mode, GPOINTER_TO_UINT(data) & 1);
    while (goes && t->moves < moves) {
        goes = trial_runs(t);
        if (goes) {
            trial_stops(t);
            goes = trial_moves(t);
        }
    }
    if (goes) {
        goes = trial_runs(t);
        cpu_bed_pause(t->bed);
    }
    g_assert_true(goes);
    trial_judge(t, mode);
    cpu_bed_free(t->bed);
}

/* ---- each by itself ---- */

/* SDM vol. 3, table 11-1: words of the local APIC's page. */
enum { SVR = 0x0f, ISR = 0x10, IRR = 0x20, LVT_TIMER = 0x32, TMICT = 0x38,
       TDCR = 0x3e };
enum { BEGUN = 0x45, ERROR = 0x18 };

static void begun_in(bool on_kvm, bool exception)
{
    g_autoptr(CpuBed) bed = bed_new(on_kvm);
    g_autofree X86State *state = g_new(X86State, 1), *got = g_new(X86State, 1);

    if (!bed) {
        return;
    }
    LOAD(bed, AT, await_begun);
    LOAD(bed, TICK, begun_interrupt);
    LOAD(bed, NOTE, begun_exception);
    cpu_bed_gate(bed, START_PROTECTED, BEGUN, TICK);
    cpu_bed_gate(bed, START_PROTECTED, EXC_GP, NOTE);
    cpu_bed_start_state(bed, START_PROTECTED, AT, state);
    state->lapic.reg[SVR] = 0x1ff;
    if (exception) {
        state->events.exception = EXC_GP;
        state->events.exception_pending = state->events.exception_has_error = 1;
        state->events.exception_error = ERROR;
    } else {
        state->lapic.reg[ISR + BEGUN / 32] = 1u << BEGUN % 32;
        state->events.interrupt = BEGUN;
        state->events.interrupt_pending = 1;
    }
    cpu_bed_set(bed, 0, state);
    cpu_bed_get(bed, 0, got);
    g_assert_cmpuint(got->events.exception_pending, ==, exception);
    g_assert_cmpuint(got->events.interrupt_pending, ==, !exception);
    cpu_bed_runs_to(bed, 17);
    cpu_bed_get(bed, 0, got);
    g_assert_cmpuint(got->events.exception_pending | got->events.interrupt_pending, ==,
                     0);
    g_assert_cmpuint(cpu_bed_peek(bed, 0x500, 4), ==, 1);
    g_assert_cmphex(cpu_bed_peek(bed, 0x504, 4), ==, exception ? ERROR : 0);
    g_assert_cmphex(got->lapic.reg[ISR + BEGUN / 32], ==, 0);
}

/* An interrupt, and an exception, whose delivery another accelerator has begun. */
static void test_begun(void)
{
    for (unsigned i = 0; i < 4; i++) {
        begun_in(i & 1, i & 2);
    }
}

/* A guest's TSC keeps the rate that it had elsewhere, and begins with the usual one. */
static void test_rate(void)
{
    static const struct {
        u64 khz, per_second;
    } rates[] = { { 2500000, 2500000000 }, { 800000, 800000000 }, { 0, 1000000000 } };
    g_autoptr(CpuBed) bed = bed_new(false);
    g_autofree X86State *state = g_new(X86State, 1);
    Clock *clock = bed->machine->clock;

    cpu_bed_start_state(bed, START_PROTECTED, AT, state);
    for (unsigned i = 0; i < G_N_ELEMENTS(rates); i++) {
        state->events.tsc = 12345;
        state->events.tsc_khz = rates[i].khz;
        cpu_bed_set(bed, 0, state);
        clock_set(clock, clock_now(clock) + NS_PER_SEC);
        cpu_bed_get(bed, 0, state);
        g_assert_cmpuint(state->events.tsc, ==, 12345 + rates[i].per_second);
        g_assert_cmpuint(state->events.tsc_khz * 1000, ==, rates[i].per_second);
    }
}

/* A single shot that went off when nobody could see to it is in the state. */
static void test_due(void)
{
    g_autoptr(CpuBed) bed = bed_new(false);
    g_autofree X86State *state = g_new(X86State, 1);
    Clock *clock = bed->machine->clock;

    cpu_bed_start_state(bed, START_PROTECTED, AT, state);
    state->lapic.reg[SVR] = 0x1ff;
    state->lapic.reg[LVT_TIMER] = TICK_VECTOR;
    state->lapic.reg[TDCR] = DIVIDE_BY_ONE;
    state->lapic.reg[TMICT] = 1000;
    state->lapic.timer_start = clock_now(clock);
    cpu_bed_set(bed, 0, state);
    clock_set(clock, clock_now(clock) + 999);
    cpu_bed_get(bed, 0, state);
    g_assert_cmphex(state->lapic.reg[IRR + TICK_VECTOR / 32], ==, 0);
    clock_set(clock, clock_now(clock) + 1);
    cpu_bed_get(bed, 0, state);
    g_assert_cmphex(state->lapic.reg[IRR + TICK_VECTOR / 32], ==,
                    1u << TICK_VECTOR % 32);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        u32 mode;
    } timers[] = {
        { "periodic", PERIODIC }, { "one-shot", ONE_SHOT }, { "deadline", DEADLINE },
    };

    g_test_init(&argc, &argv, NULL);
    if (g_getenv("MAYFLY_PERIOD")) {
        period = CLAMP(atoi(g_getenv("MAYFLY_PERIOD")), 1, 1000) * 1000000;
    }
    g_test_add_func("/portable/begun", test_begun);
    g_test_add_func("/portable/rate", test_rate);
    g_test_add_func("/portable/due", test_due);
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(timers); i++) {
        g_autofree char *name = g_strdup_printf("/portable/%s-%s", timers[i / 2].name,
                                                i & 1 ? "asleep" : "busy");

        g_test_add_data_func(name, GUINT_TO_POINTER(timers[i / 2].mode | (i & 1)),
                             test_moves);
    }
    return g_test_run();
}
