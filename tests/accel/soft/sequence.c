/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random sequences of instructions on the host's CPU and on the software CPU:
 * registers, flags, memory, x87, SSE and AVX state, and the fault that ended them must
 * be equal. There are branches back and forth, calls, faults at every place, accesses
 * across pages, code that changes itself, and interrupts from another thread meanwhile.
 *
 * The software CPU runs them as user code under a small kernel; every exception ends a
 * run. tests/lib/ sequence.h says what sequences are made of, host_run.h how the host
 * runs them.
 *
 * Each sequence has a seed of its own, which a failure shows; it is made smaller first.
 * MAYFLY_LONG=1 runs ten million, MAYFLY_SEED=N just the one of that seed,
 * MAYFLY_COUNT=N that many, from that seed on.
 */

#include "accel/soft/mmu.h"
#include "accel/soft/opcodes.h"
#include "accel/soft/simd.h"
#include "tests/lib/host_run.h"
#include "tests/lib/sequence.h"
#include "tests/lib/soft_bed.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SHORT_COUNT = 20000, LONG_COUNT = 10000000, FAILURES_SHOWN = 3, RUNS = 2 };

static struct {
    SoftBed *bed;
    Cpu *cpu;
    Region port;
    u8 *ram;
    u64 *frame;                 /* on the kernel's stack */
    Segment seg[SEG_COUNT];     /* as the kernel has them */
    u8 pool[2 * RUN_DATA_PAGES * PAGE_BYTES];
    u64 seed;                   /* of the sequence that runs */
    unsigned failures, stopped, strayed;
    pthread_t storm;
    _Atomic bool storm_ends;
} test;

/* ---- a kernel: any exception ends the run ---- */

enum {
    TABLES_AT = 0x1000,
    GDT_AT = 0x8000,
    IDT_AT = 0x9000,
    TSS_AT = 0xa000,
    STACK_AT = 0xc000,
    HANDLERS_AT = 0xd000,
    CODE_AT = 0x10000,
    END_AT = 0x18000,
    DATA_AT = 0x20000,
};
enum { IRET_AT = 4 }; /* ... in a handler: behind out and jmp */
enum {
    USER_CS = 0x33, USER_SS = 0x2b, KERNEL_CS = 0x10, TSS_SELECTOR = 0x40,
    STOP_PORT = 0xf5,
};
enum { P_PRESENT = 1, P_WRITE = 2, P_USER = 4, P_LARGE = 0x80 };
#define KERNEL 0xffff800000000000ull            /* where it sees guest-physical 0 */

static u64 *kernel64(gpa at)
{
    return (u64 *)(test.ram + at);
}

/* The first 2 MiB for the kernel; code and data at the host's addresses for users. */
static void build_tables(void)
{
    gpa table = TABLES_AT + 0x3000;

    kernel64(TABLES_AT)[256] = (TABLES_AT + 0x4000) | P_PRESENT | P_WRITE;
    kernel64(TABLES_AT + 0x4000)[0] = (TABLES_AT + 0x5000) | P_PRESENT | P_WRITE;
    kernel64(TABLES_AT + 0x5000)[0] = P_LARGE | P_PRESENT | P_WRITE;
    for (unsigned level = 0; level < 3; level++) {
        kernel64(TABLES_AT + 0x1000 * level)[RUN_CODE >> (39 - 9 * level) & 511] =
            (TABLES_AT + 0x1000 * (level + 1)) | P_PRESENT | P_WRITE | P_USER;
    }
    for (unsigned i = 0; i < RUN_CODE_PAGES; i++) {
        kernel64(table)[(RUN_CODE >> 12 & 511) + i] =
            (CODE_AT + i * PAGE_BYTES) | P_PRESENT | P_USER | P_WRITE;
    }
    kernel64(table)[RUN_END >> 12 & 511] = END_AT | P_PRESENT | P_USER;
    for (unsigned i = 0; i < RUN_DATA_PAGES; i++) {
        if (RUN_PAGES[i] != '-') {
            kernel64(table)[(RUN_DATA >> 12 & 511) + i] =
                (DATA_AT + i * PAGE_BYTES) | P_PRESENT | P_USER | 1ull << 63 |
                (RUN_PAGES[i] == 'w' ? P_WRITE : 0);
        }
    }
}

/* 128-bit gates; an NMI just returns, all others stop: out; jmp; and then iretq. */
static void build_gates(void)
{
    static const u8 stop[] = { 0xe6, STOP_PORT, 0xeb, 0, 0x48, 0xcf },
                    back[] = { 0x48, 0xcf };

    for (unsigned i = 0; i < 32; i++) {
        u64 at = KERNEL + HANDLERS_AT + 16 * i, type = i == EXC_BP ? 0xee : 0x8e;

        kernel64(IDT_AT)[2 * i] = (at & 0xffff) | KERNEL_CS << 16 | type << 40 |
                                  (at >> 16 & 0xffff) << 48;
        kernel64(IDT_AT)[2 * i + 1] = at >> 32;
        memcpy(test.ram + HANDLERS_AT + 16 * i, i == EXC_NMI ? back : stop,
               i == EXC_NMI ? sizeof back : sizeof stop);
    }
}

static void build_segments(void)
{
    u64 stack = KERNEL + STACK_AT;

    kernel64(GDT_AT)[KERNEL_CS / 8] = 0x00af9b000000ffff;
    kernel64(GDT_AT)[USER_CS / 8] = 0x00affb000000ffff;
    kernel64(GDT_AT)[USER_SS / 8] = 0x00cff3000000ffff;
    memcpy(test.ram + TSS_AT + 4, &stack, 8);
    memset(test.ram + TSS_AT + 102, 0xff, 2);           /* no I/O bitmap */
}

static void set_segment(X86Segs *segs, unsigned seg, u16 selector, u32 attr, u64 base,
                        u32 limit)
{
    segs->selector[seg] = selector;
    segs->attr[seg] = attr;
    segs->base[seg] = base;
    segs->limit[seg] = limit;
}

static void kernel_state(X86State *state)
{
    X86Segs *segs = &state->segs;

    for (unsigned i = 0; i <= SEG_LDTR; i++) {
        set_segment(segs, i, 0, SEG_UNUSABLE, 0, UINT32_MAX);
    }
    set_segment(segs, SEG_CS, KERNEL_CS, 0xa09b00, 0, UINT32_MAX);
    set_segment(segs, SEG_TR, TSS_SELECTOR, 0x8b00, KERNEL + TSS_AT, 103);
    segs->gdt_base = KERNEL + GDT_AT;
    segs->gdt_limit = 0xff;
    segs->idt_base = KERNEL + IDT_AT;
    segs->idt_limit = 0x1ff;
    state->control.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    state->control.cr3 = TABLES_AT;
    state->control.cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    state->control.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    state->control.xcr0 = test.cpu->xcr0_allowed & 7;
    state->regs.rflags = 2;
    state->regs.rip = KERNEL + HANDLERS_AT + IRET_AT;
    state->events.run_state = RUN_RUNNING;
}

/* ---- the vCPU, on this thread ---- */

static void stop_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    atomic_fetch_or(&test.cpu->request, REQUEST_EXIT_CPU);
}

static const RegionOps stop_ops = { .write = stop_write };

/* Its own thread ends, while it waits for a SIPI; then this one is the vCPU's. */
static void take_thread(void)
{
    Soft *soft = test.bed->soft;

    test.bed->state.events.run_state = RUN_WAIT_SIPI;
    soft_bed_set(test.bed);
    accel_soft.resume(test.bed->machine->accel);
    cpu_request(test.cpu, REQUEST_EXIT_CPU);
    pthread_mutex_lock(&soft->gate_lock);
    pthread_cond_broadcast(&soft->gate_changed);
    pthread_mutex_unlock(&soft->gate_lock);
    pthread_join(test.cpu->thread, NULL);
    test.cpu->has_thread = false;
    atomic_store(&test.cpu->request, 0);
    guest_enter(test.cpu);
}

static void late(void)
{
    char text[80];
    int n = snprintf(text, sizeof text, "seed %lu: the software CPU does not end it\n",
                     test.seed);

    if (write(STDERR_FILENO, text, n) != n) {
        _exit(2);
    }
    _exit(1);
}

static void guest_open(void)
{
    GError *err = NULL;
    struct iovec ram;

    test.bed = soft_bed_new(1, NULL);
    test.cpu = test.bed->cpu;
    region_init_io(&test.port, "stop", &stop_ops, NULL, 4);
    space_add(test.bed->machine->io, &test.port, STOP_PORT, 1);
    g_assert_true(mem_iov(test.bed->machine->mem, 0, 0x40000, &ram));
    test.ram = ram.iov_base;
    test.frame = kernel64(STACK_AT - 40);
    build_tables();
    build_gates();
    build_segments();
    take_thread();
    kernel_state(&test.bed->state);
    if (!cpu_set_state(test.cpu, &test.bed->state, &err)) {
        g_error("%s", err->message);
    }
    memcpy(test.seg, test.cpu->seg, sizeof test.seg);
    memset(test.ram + END_AT, 0xcc, PAGE_BYTES);
    host_run_watch(late);
}

/* The same fields as the host's answer. */
static void guest_run(RunRecord *r)
{
    Cpu *cpu = test.cpu;
    bool has_error;

    memcpy(cpu->gpr, r->gpr, sizeof r->gpr);
    memcpy(cpu->fx, r->area, sizeof cpu->fx);
    memcpy(cpu->ymm_high, r->area + 576, sizeof cpu->ymm_high);
    memcpy(cpu->seg, test.seg, sizeof test.seg);
    cpu_mode_changed(cpu);
    memcpy(test.frame, (u64[]){ r->rip, USER_CS, r->flags, r->gpr[RSP], USER_SS }, 40);
    cpu->gpr[RSP] = KERNEL + STACK_AT - 40;
    cpu->rip = KERNEL + HANDLERS_AT + IRET_AT;
    host_run_alive();
    cpu_run(cpu);
    atomic_fetch_and(&cpu->request, ~(u32)REQUEST_EXIT_CPU);
    r->vector = (cpu->rip - KERNEL - HANDLERS_AT) / 16;
    has_error = cpu->gpr[RSP] != KERNEL + STACK_AT - 40;
    memcpy(r->gpr, cpu->gpr, sizeof r->gpr);
    r->gpr[RSP] = test.frame[3];
    r->rip = test.frame[0];
    r->flags = test.frame[2];
    r->error = has_error ? test.frame[-1] : 0;
    r->cr2 = cpu->cr2;
    if (r->vector == EXC_BP && r->rip == RUN_END + 1) {
        r->vector = RUN_ENDED;
    }
    memcpy(r->area, cpu->fx, sizeof cpu->fx);
    memcpy(r->area + 576, cpu->ymm_high, sizeof cpu->ymm_high);
}

/* ---- memory, the same for both ---- */

static u8 *host_page(unsigned i)
{
    return (u8 *)(uintptr_t)(RUN_DATA + i * PAGE_BYTES);
}

static void memory_open(void)
{
    Rng rng = rng_new(1);

    for (unsigned at = 0; at < sizeof test.pool; at += 8) {
        u64 value = rng_value(&rng);

        memcpy(test.pool + at, &value, 8);
    }
    for (unsigned i = 0; i < RUN_DATA_PAGES; i++) {
        if (RUN_PAGES[i] == 'r') {
            memcpy(host_page(i), test.pool, PAGE_BYTES);
            memcpy(test.ram + DATA_AT + i * PAGE_BYTES, test.pool, PAGE_BYTES);
            g_assert_cmpint(mprotect(host_page(i), PAGE_BYTES, PROT_READ), ==, 0);
        }
    }
}

static void memory_fill(u64 seed)
{
    const u8 *from = test.pool + seed % 1024 * 16;

    for (unsigned i = 0; i < RUN_DATA_PAGES; i++) {
        if (RUN_PAGES[i] == 'w') {
            memcpy(host_page(i), from + i * PAGE_BYTES, PAGE_BYTES);
            memcpy(test.ram + DATA_AT + i * PAGE_BYTES, from + i * PAGE_BYTES,
                   PAGE_BYTES);
        }
    }
}

static bool memory_same(void)
{
    for (unsigned i = 0; i < RUN_DATA_PAGES; i++) {
        if (RUN_PAGES[i] == 'w' &&
            memcmp(host_page(i), test.ram + DATA_AT + i * PAGE_BYTES, PAGE_BYTES)) {
            return false;
        }
    }
    return !memcmp((void *)RUN_CODE, test.ram + CODE_AT, RUN_CODE_BYTES);
}

static void code_put(const Sequence *s)
{
    static u8 page[RUN_CODE_BYTES];
    u8 *at = page + (s->start - RUN_CODE);
    unsigned n = sequence_bytes(s, at);

    memcpy((void *)s->start, at, n);
    soft_bed_put(test.bed, CODE_AT + (s->start - RUN_CODE), at, n);
}

/* What patches and stores have left behind. */
static void code_clear(void)
{
    static u8 blank[RUN_CODE_BYTES];

    memset(blank, 0xcc, sizeof blank);
    memcpy((void *)RUN_CODE, blank, sizeof blank);
    soft_bed_put(test.bed, CODE_AT, blank, sizeof blank);
}

/* ---- comparing ---- */

enum { FLAGS_COMPARED = 0xcd5, STEPS_MAX = 10000 };

/* The instruction that a fault was in. */
static Insn insn_at(u64 rip)
{
    Insn insn = { 0 };

    if (rip - RUN_CODE < RUN_CODE_BYTES) {
        decode_insn((u8 *)(uintptr_t)rip, RUN_CODE + RUN_CODE_BYTES - rip, MODE_CODE64,
                    0, test.cpu, &insn);
    }
    return insn;
}

static const Opcode *row_at(u64 rip)
{
    return opcode_row(insn_at(rip).op);
}

/*
 * An MMX store that faults leaves TOP and tags partly as if it had been done, on the
 * host.
 */
static bool same_area(const u8 *a, const u8 *b, bool x87)
{
    for (unsigned i = 0; i < 8 && x87; i++) {
        if (memcmp(a + FX_ST + 16 * i, b + FX_ST + 16 * i, 10)) {
            return false;
        }
    }
    return (!x87 || !memcmp(a, b, FX_FTW + 1)) &&
           !memcmp(a + FX_MXCSR, b + FX_MXCSR, 4) &&
           !memcmp(a + FX_XMM, b + FX_XMM, 256) && !memcmp(a + 576, b + 576, 256);
}

/*
 * Translated code does not keep flags for the sake of a fault when an instruction
 * behind it writes them: they are not compared then.
 */
static u64 flags_compared(const RunRecord *host)
{
    return test.bed->soft->hot && host->vector >= 0 ? FLAG_DF : FLAGS_COMPARED;
}

static bool same(const RunRecord *a, const RunRecord *b)
{
    bool mmx = a->vector >= 0 && row_at(a->rip)->attr & OP_MMX;

    if (a->vector != b->vector || (a->vector >= 0 && a->rip != b->rip) ||
        memcmp(a->gpr, b->gpr, sizeof a->gpr) ||
        ((a->flags ^ b->flags) & flags_compared(a)) ||
        !same_area(a->area, b->area, !mmx)) {
        return false;
    }
    if (a->vector == EXC_PF && (a->cr2 != b->cr2 || ((a->error ^ b->error) & ~1u))) {
        return false; /* present or not: the kernel's half may be either */
    }
    return a->vector != EXC_GP || a->error == b->error;
}

/*
 * Code that jumps into the middle of itself (after an INC of a return address, say) may
 * be something that only the host has, or that its kernel does for it (UMIP), or look
 * at what is at RUN_END.
 */
static bool answer_is_free(const RunRecord *ours)
{
    static const char *const kernels[] = { "sgdt", "sidt", "sldt", "str", "smsw" };
    const Opcode *row = ours->vector >= 0 ? row_at(ours->rip) : NULL;

    for (unsigned i = 0; i < 16; i++) {
        if (ours->gpr[i] - RUN_END < PAGE_BYTES) {
            return true;
        }
    }
    for (unsigned i = 0; row && i < G_N_ELEMENTS(kernels); i++) {
        if (row->name && !strcmp(row->name, kernels[i])) {
            return true;
        }
    }
    return (ours->vector >= 0 && ours->rip - RUN_END <= PAGE_BYTES) ||
           (ours->vector == EXC_UD && insn_at(ours->rip).op < OP_SPECIAL);
}

/* ---- a case ---- */

static void prepare(u64 seed, unsigned run, RunRecord *r)
{
    Rng rng = rng_new(seed ^ (u64)(run + 1) << 56);

    sequence_registers(&rng, r->gpr, &r->flags);
    sequence_area(&rng, r->area);
    for (unsigned at = 576; at < sizeof r->area; at += 8) {
        u64 value = test.cpu->xcr0 & 4 ? rng_value(&rng) : 0;

        memcpy(r->area + at, &value, 8);
    }
}

/* Does an instruction of the sequence, as it is now, begin there? */
static bool begins_at(const Sequence *s, u64 rip)
{
    u64 at = sequence_unit_of(s, rip);

    while (at && at < rip) {
        unsigned n = insn_at(at).len;

        at = n ? at + n : 0;
    }
    return at == rip;
}

/*
 * Does it jump into the middle of itself?  Then it may do what is left out elsewhere:
 * use flags that the manual leaves undefined (they are not the same twice on the host),
 * load a wild FPU environment.
 */
static bool strays(const Sequence *s, u64 seed, unsigned run)
{
    RunRecord r;

    code_put(s);
    memory_fill(seed + run);
    prepare(seed, run, &r);
    r.rip = s->start;
    for (unsigned step = 0; step < STEPS_MAX; step++) {
        r.flags |= FLAG_TF;
        guest_run(&r);
        if (r.vector != EXC_DB) {
            return false;
        }
        if (r.rip != RUN_END && !begins_at(s, r.rip)) {
            test.strayed++;
            return true;
        }
    }
    return false;
}

/* All runs of a sequence; what they gave differently is left in *host and *ours. */
static bool runs_same(const Sequence *s, u64 seed, RunRecord *before, RunRecord *host,
                      RunRecord *ours)
{
    code_put(s);
    for (unsigned run = 0; run < RUNS; run++) {
        if (run && s->changes) {
            code_put(s);
        }
        memory_fill(seed + run);
        prepare(seed, run, before);
        before->rip = s->start;
        *host = *ours = *before;
        host_run(host);
        if (host->vector < RUN_ENDED) {
            test.stopped++;
            return true;
        }
        guest_run(ours);
        if (answer_is_free(ours)) {
            return true;
        }
        if (!memory_same() || !same(host, ours)) {
            return strays(s, seed, run);
        }
    }
    return true;
}

/* ---- what a failure shows ---- */

static void show(const char *who, const RunRecord *r)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_string_printf(out, "%-6s vector %d error %x cr2 %lx rip %lx flags %04lx\n    ",
                    who, r->vector,
                    r->vector == EXC_PF || r->vector == EXC_GP ? r->error : 0,
                    r->vector == EXC_PF ? r->cr2 : 0, r->vector < 0 ? RUN_END : r->rip,
                    r->flags & FLAGS_COMPARED);
    for (unsigned i = 0; i < 16; i++) {
        g_string_append_printf(out, " %016lx%s", r->gpr[i], i % 8 == 7 ? "\n    " : "");
    }
    for (unsigned i = 0; i < 832; i++) {
        if (i < 416 || i >= 576) {
            g_string_append_printf(out, "%02x%s", r->area[i],
                                   i % 32 == 31 ? "\n    " : i % 8 == 7 ? " " : "");
        }
    }
    g_test_message("%s", out->str);
}

static void show_code(const Sequence *s)
{
    u8 bytes[SEQUENCE_BYTES + 16] = { 0 };
    unsigned n = sequence_bytes(s, bytes);
    Insn insn;

    for (unsigned at = 0; at < n; at += MAX(insn.len, 1)) {
        g_autoptr(GString) out = g_string_new(NULL);

        decode_insn(bytes + at, 15, MODE_CODE64, 0, test.cpu, &insn);
        for (unsigned i = 0; i < insn.len; i++) {
            g_string_append_printf(out, "%02x ", bytes[at + i]);
        }
        g_test_message("  %08lx  %-46s %s", s->start + at, out->str,
                       opcode_row(insn.op)->name);
    }
}

/* Leaves out units as long as what remains differs still. */
static void reduce(Sequence *s, u64 seed)
{
    RunRecord before, host, ours;
    bool smaller;

    do {
        smaller = false;
        for (unsigned i = 0; i < s->n; i++) {
            if (!s->unit[i].off && s->unit[i].target != TARGET_END) {
                s->unit[i].off = true;
                code_clear();
                if (runs_same(s, seed, &before, &host, &ours)) {
                    s->unit[i].off = false;
                } else {
                    smaller = true;
                }
            }
        }
    } while (smaller);
}

static void report(Sequence *s, u64 seed)
{
    RunRecord before, host, ours;

    g_test_fail();
    if (test.failures++ >= FAILURES_SHOWN) {
        return;
    }
    reduce(s, seed);
    code_clear();
    if (runs_same(s, seed, &before, &host, &ours)) {
        g_test_message("seed %lu differs, but not every time", seed);
        return;
    }
    g_test_message("seed %lu differs%s", seed, memory_same() ? "" : ", also in memory");
    show_code(s);
    show("before", &before);
    show("host", &host);
    show("ours", &ours);
}

static void one_sequence(u64 seed)
{
    RunRecord before, host, ours;
    Rng rng = rng_new(seed);
    Sequence s;

    test.seed = seed;
    sequence_random(&s, &rng, test.cpu);
    if (!runs_same(&s, seed, &before, &host, &ours)) {
        report(&s, seed);
    }
    code_clear();
}

/* ---- interrupts from another thread ---- */

static void *storm_run(void *unused)
{
    Rng rng = rng_new(7);

    while (!atomic_load(&test.storm_ends)) {
        cpu_request(test.cpu, rng_chance(&rng, 4) ? REQUEST_FLUSH : REQUEST_NMI_IN);
        g_usleep(rng_below(&rng, 60));
    }
    return NULL;
}

static u64 number(const char *name, u64 otherwise)
{
    const char *text = g_getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void run_sequences(u64 first, u64 count)
{
    gint64 begin = g_get_monotonic_time();

    test.failures = test.stopped = test.strayed = 0;
    for (u64 seed = first; seed < first + count; seed++) {
        one_sequence(seed);
    }
    g_test_message("%lu sequences, %.0f a second; %u stopped, %u strayed, %u differ",
                   count, count * 1e6 / (g_get_monotonic_time() - begin), test.stopped,
                   test.strayed, test.failures);
}

/* How often a block is run before it is translated: 0 is never. */
static void choose_engine(bool translator)
{
    test.bed->soft->hot = translator;
}

static u64 how_many(void)
{
    return number("MAYFLY_COUNT", g_getenv("MAYFLY_SEED") ? 1 :
                  g_getenv("MAYFLY_LONG") ? LONG_COUNT : SHORT_COUNT);
}

static void test_sequences(gconstpointer translator)
{
    choose_engine(translator);
    run_sequences(number("MAYFLY_SEED", 1), how_many());
}

/* Whatever comes between, nothing is to be seen of it. */
static void test_interrupted(gconstpointer translator)
{
    choose_engine(translator);
    atomic_store(&test.storm_ends, false);
    pthread_create(&test.storm, NULL, storm_run, NULL);
    run_sequences((1ull << 40) + number("MAYFLY_SEED", 0), (how_many() + 3) / 4);
    atomic_store(&test.storm_ends, true);
    pthread_join(test.storm, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    g_print("1..0 # SKIP wild addresses would hit the sanitizer's own memory\n");
    return 0;
#endif
    if (!host_run_open()) {
        g_printerr("the test's addresses are taken\n");
        return 1;
    }
    guest_open();
    memory_open();
    g_test_add_data_func("/accel/soft/sequence/interpreter", NULL, test_sequences);
    g_test_add_data_func("/accel/soft/sequence/interpreter-interrupted", NULL,
                         test_interrupted);
    g_test_add_data_func("/accel/soft/sequence/translator", &test, test_sequences);
    g_test_add_data_func("/accel/soft/sequence/translator-interrupted", &test,
                         test_interrupted);
    return g_test_run();
}
