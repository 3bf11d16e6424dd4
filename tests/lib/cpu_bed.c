/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test bed for an accelerator: tests/lib/cpu_bed.h.  The callbacks run on vCPU
 * threads.
 */

#include "tests/lib/cpu_bed.h"

#include "base/lock.h"

enum { PML4 = 0x70000, PDPT = 0x71000, GDT = 0x78000, IDT = 0x79000, STACK = 0x6f000 };
enum { LIMIT_SECONDS = 30 };

/* ---- what the guest sees ---- */

static void record(CpuBed *bed, Access access)
{
    if (bed->accesses < G_N_ELEMENTS(bed->access)) {
        bed->access[bed->accesses] = access;
    }
    bed->accesses++;
}

static u64 memory_read(void *opaque, u64 offset, unsigned size)
{
    CpuBed *bed = opaque;

    record(bed, (Access){ false, false, offset, bed->answer, size });
    return bed->answer;
}

static void memory_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    record(opaque, (Access){ false, true, offset, value, size });
}

static u64 port_read(void *opaque, u64 offset, unsigned size)
{
    CpuBed *bed = opaque;

    record(bed, (Access){ true, false, offset, bed->answer, size });
    return bed->answer;
}

static void port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    record(opaque, (Access){ true, true, offset, value, size });
}

static void end_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    CpuBed *bed = opaque;

    (void)offset;
    (void)size;
    machine_request(bed->machine, REQUEST_EXIT, value, NULL);
}

static const RegionOps memory_ops = { memory_read, memory_write, 0 };
static const RegionOps port_ops = { port_read, port_write, 0 };
static const RegionOps end_ops = { NULL, end_write, 1 };

static void requested(Machine *machine, RequestKind kind, int value, const char *cause)
{
    CpuBed *bed = machine->owner;

    pthread_mutex_lock(&bed->lock);
    bed->asked_request = kind;
    bed->asked_value = value;
    g_free(bed->asked_cause);
    bed->asked_cause = g_strdup(cause);
    bed->asked++;
    pthread_cond_broadcast(&bed->changed);
    pthread_mutex_unlock(&bed->lock);
}

static u8 pic_ack(Machine *machine)
{
    CpuBed *bed = machine->owner;

    bed->pic_acks++;
    machine->accel->type->extint(machine->accel, false);
    return bed->pic_vector;
}

static bool pic_pending(Machine *machine)
{
    (void)machine;
    return true;
}

static void eoi(Machine *machine, u8 vector)
{
    CpuBed *bed = machine->owner;

    bed->eoi_vector = vector;
    bed->eois++;
}

/* ---- life ---- */

static void machine_fill(CpuBed *bed)
{
    Machine *machine = bed->machine;
    g_autoptr(GError) err = NULL;

    if (!mem_add_ram(machine->mem, machine->mmio, "ram", 0, BED_RAM, &err)) {
        g_error("%s", err->message);
    }
    region_init_io(&bed->low, "recorded", &memory_ops, bed, BED_MMIO_BYTES);
    region_init_io(&bed->high, "recorded", &memory_ops, bed, BED_MMIO_BYTES);
    region_init_io(&bed->ports, "recorded", &port_ops, bed, 0x100);
    region_init_io(&bed->end, "end", &end_ops, bed, 1);
    space_add(machine->mmio, &bed->low, BED_MMIO, 0);
    space_add(machine->mmio, &bed->high, BED_HIGH_MMIO, 0);
    space_add(machine->io, &bed->ports, BED_PORTS, 0);
    space_add(machine->io, &bed->end, BED_END_PORT, 0);
    machine->owner = bed;
    machine->request = requested;
    machine->pic_ack = pic_ack;
    machine->pic_pending = pic_pending;
    machine->eoi = eoi;
}

CpuBed *cpu_bed_new(const char *accel, unsigned cpus, const char *cpu_model)
{
    CpuBed *bed = g_new0(CpuBed, 1);
    const char *names[] = { accel, NULL };
    AccelConfig config = {
        .cpu = cpu_model, .topology = { cpus, cpus, 1, 1 }, .thread_names = true,
    };
    g_autoptr(GError) err = NULL;

    bed->machine = machine_new();
    bed->machine->cpus = cpus;
    bed->topology = config.topology;
    pthread_mutex_init(&bed->lock, NULL);
    pthread_cond_init(&bed->changed, NULL);
    machine_fill(bed);
    if (!accel_open(bed->machine, names, &config, NULL, &err)) {
        g_test_skip(err->message);
        cpu_bed_free(bed);
        return NULL;
    }
    return bed;
}

void cpu_bed_free(CpuBed *bed)
{
    Machine *machine = bed->machine;

    if (machine->accel) {
        machine->accel->type->pause(machine->accel);
        accel_close(machine->accel);
    }
    region_fini(&bed->low);
    region_fini(&bed->high);
    region_fini(&bed->ports);
    region_fini(&bed->end);
    machine_free(machine);
    pthread_mutex_destroy(&bed->lock);
    pthread_cond_destroy(&bed->changed);
    g_free(bed->asked_cause);
    g_free(bed->cause);
    g_free(bed);
}

/* ---- memory and state ---- */

void cpu_bed_load(CpuBed *bed, gpa at, const u8 *begin, const u8 *end)
{
    g_assert_true(mem_write(bed->machine->mem, at, begin, end - begin));
}

u64 cpu_bed_peek(CpuBed *bed, gpa at, unsigned size)
{
    u64 value = 0;

    g_assert_true(mem_read(bed->machine->mem, at, &value, size));
    return value;
}

void cpu_bed_poke(CpuBed *bed, gpa at, u64 value, unsigned size)
{
    g_assert_true(mem_write(bed->machine->mem, at, &value, size));
}

void cpu_bed_get(CpuBed *bed, unsigned cpu, X86State *state)
{
    g_autoptr(GError) err = NULL;
    bool ok = cpu_bed_accel(bed)->get_state(bed->machine->accel, cpu, state, &err);

    g_assert_no_error(err);
    g_assert_true(ok);
}

void cpu_bed_set(CpuBed *bed, unsigned cpu, const X86State *state)
{
    g_autoptr(GError) err = NULL;
    bool ok = cpu_bed_accel(bed)->set_state(bed->machine->accel, cpu, state, &err);

    g_assert_no_error(err);
    g_assert_true(ok);
}

/* SDM vol. 3, 3.4.5: flat segments. */
static void flat_segments(X86Segs *segs, bool is_long)
{
    static const u8 data[] = { SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

    segs->selector[SEG_CS] = 0x08;
    segs->base[SEG_CS] = 0;
    segs->limit[SEG_CS] = 0xffffffff;
    segs->attr[SEG_CS] = 0x809b00 | (is_long ? SEG_L : SEG_DB);
    for (unsigned i = 0; i < G_N_ELEMENTS(data); i++) {
        segs->selector[data[i]] = 0x10;
        segs->limit[data[i]] = 0xffffffff;
        segs->attr[data[i]] = 0xc09300;
    }
    segs->gdt_base = GDT;
    segs->gdt_limit = 0x17;
    segs->idt_base = IDT;
    segs->idt_limit = 0xfff;
}

/* SDM vol. 3, 4.5.4: 1 GiB pages would do, but not every host has them. */
static void page_tables(CpuBed *bed)
{
    static const struct { unsigned slot; u64 base; gpa directory; } gib[] = {
        { 0, 0, 0x72000 }, { 3, 0xc0000000, 0x73000 },
    };

    cpu_bed_poke(bed, PML4, PDPT | 3, 8);
    for (unsigned i = 0; i < G_N_ELEMENTS(gib); i++) {
        cpu_bed_poke(bed, PDPT + 8 * gib[i].slot, gib[i].directory | 3, 8);
        for (u64 n = 0; n < 512; n++) {
            u64 page = gib[i].base + n * 2 * MiB;

            cpu_bed_poke(bed, gib[i].directory + 8 * n, page | 0x83, 8);
        }
    }
}

/* SDM vol. 3, 6.11 and 6.14.1: interrupt gates. */
void cpu_bed_gate(CpuBed *bed, StartMode mode, u8 vector, gpa handler)
{
    u64 gate = (handler & 0xffff) | 0x8ull << 16 | 0x8e00ull << 32 |
               (handler & 0xffff0000) << 32;

    cpu_bed_poke(bed, IDT + vector * (mode == START_LONG ? 16 : 8), gate, 8);
}

void cpu_bed_start_state(CpuBed *bed, StartMode mode, gpa at, X86State *state)
{
    bool is_long = mode == START_LONG;

    x86_state_reset(state, 0, true);
    state->regs.gpr[RSP] = STACK;
    if (mode == START_REAL) {
        state->segs.selector[SEG_CS] = at >> 4;
        state->segs.base[SEG_CS] = at;
        state->regs.rip = 0;
        state->segs.idt_limit = 0x3ff;
        state->regs.gpr[RSP] = 0x7000;
        return;
    }
    state->regs.rip = at;
    flat_segments(&state->segs, is_long);
    cpu_bed_poke(bed, GDT + 8, is_long ? 0x00af9b000000ffff : 0x00cf9b000000ffff, 8);
    cpu_bed_poke(bed, GDT + 16, 0x00cf93000000ffff, 8);
    state->control.cr0 = CR0_PE | CR0_ET | CR0_NE;
    if (is_long) {
        page_tables(bed);
        state->control.cr0 |= CR0_PG;
        state->control.cr3 = PML4;
        state->control.cr4 = CR4_PAE;
        state->control.efer = EFER_LME | EFER_LMA;
    }
}

void cpu_bed_start(CpuBed *bed, unsigned cpu, StartMode mode, gpa at)
{
    g_autofree X86State *state = g_new(X86State, 1);

    cpu_bed_start_state(bed, mode, at, state);
    if (cpu) {
        state->control.apic_base &= ~0x100ull;
        state->lapic.reg[2] = cpu_apic_id(&bed->topology, cpu) << 24;
    }
    cpu_bed_set(bed, cpu, state);
}

/* ---- running ---- */

void cpu_bed_resume(CpuBed *bed)
{
    machine_lock();
    clock_start(bed->machine->clock);
    machine_unlock();
    cpu_bed_accel(bed)->resume(bed->machine->accel);
}

void cpu_bed_pause(CpuBed *bed)
{
    cpu_bed_accel(bed)->pause(bed->machine->accel);
    machine_lock();
    clock_stop(bed->machine->clock);
    machine_unlock();
}

static void show(CpuBed *bed)
{
    g_autofree X86State *state = g_new(X86State, 1);

    cpu_bed_pause(bed);
    for (unsigned i = 0; i < bed->machine->cpus; i++) {
        g_autoptr(GString) text = g_string_new(NULL);

        cpu_bed_get(bed, i, state);
        x86_state_print(state, i, text);
        g_test_message("%s", text->str);
    }
}

void cpu_bed_wait(CpuBed *bed)
{
    struct timespec until;
    bool in_time = true;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LIMIT_SECONDS;
    pthread_mutex_lock(&bed->lock);
    while (!bed->asked && in_time) {
        in_time = pthread_cond_timedwait(&bed->changed, &bed->lock, &until) == 0;
    }
    bed->asked = 0;
    bed->request = bed->asked_request;
    bed->value = bed->asked_value;
    g_free(bed->cause);
    bed->cause = g_steal_pointer(&bed->asked_cause);
    pthread_mutex_unlock(&bed->lock);
    if (!in_time) {
        show(bed);
        g_test_fail_printf("the guest did not end");
    }
}

bool cpu_bed_asked(CpuBed *bed)
{
    bool asked;

    pthread_mutex_lock(&bed->lock);
    asked = bed->asked;
    pthread_mutex_unlock(&bed->lock);
    return asked;
}

void cpu_bed_run(CpuBed *bed)
{
    cpu_bed_resume(bed);
    cpu_bed_wait(bed);
    cpu_bed_pause(bed);
}

void cpu_bed_runs_to(CpuBed *bed, int value)
{
    cpu_bed_run(bed);
    g_assert_cmpstr(bed->cause, ==, NULL);
    g_assert_cmpint(bed->request, ==, REQUEST_EXIT);
    g_assert_cmpint(bed->value, ==, value);
}

void cpu_bed_access(CpuBed *bed, unsigned n, bool port, bool write, u64 at, u64 value,
                    unsigned size)
{
    const Access *access = &bed->access[n];

    g_assert_cmpuint(n, <, bed->accesses);
    g_assert_cmpint(access->port, ==, port);
    g_assert_cmpint(access->write, ==, write);
    g_assert_cmphex(access->at, ==, at);
    g_assert_cmphex(access->value, ==, value);
    g_assert_cmpuint(access->size, ==, size);
}
