/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info: what the monitor shows of the machine.  The main thread.
 */

#include "base/lock.h"
#include "vm/monitor_inside.h"
#include "vm/page_walk.h"

#include <inttypes.h>
#include <string.h>

/* ---- looking at a vCPU ---- */

static unsigned holds;

void monitor_hold(Vm *vm)
{
    Accel *accel = vm->machine->accel;

    if (holds++ == 0 && accel && vm->state == VM_RUNNING) {
        accel->type->pause(accel);
    }
}

void monitor_unhold(Vm *vm)
{
    Accel *accel = vm->machine->accel;

    if (--holds == 0 && accel && vm->state == VM_RUNNING) {
        accel->type->resume(accel);
    }
}

X86State *monitor_cpu_state(MonitorCall *call, unsigned cpu)
{
    g_autofree X86State *state = g_new0(X86State, 1);
    g_autoptr(GError) err = NULL;
    Accel *accel = call->vm->machine->accel;
    bool got;

    if (!accel) {
        say(call, "this machine has no CPU\n");
        return NULL;
    }
    monitor_hold(call->vm);
    got = accel->type->get_state(accel, cpu, state, &err);
    monitor_unhold(call->vm);
    if (!got) {
        say(call, "CPU %u: %s\n", cpu, err->message);
        return NULL;
    }
    return g_steal_pointer(&state);
}

/* ---- the subcommands ---- */

static void version(MonitorCall *call)
{
    say(call, "%s\n", MONITOR_VERSION);
}

static void status(MonitorCall *call)
{
    VmState state = call->vm->state;

    if (state == VM_RUNNING || state == VM_PAUSED) {
        say(call, "VM status: %s\n", vm_state_name(state));
    } else {
        say(call, "VM status: paused (%s)\n", vm_state_name(state));
    }
}

static void registers(MonitorCall *call)
{
    unsigned from = call->flag ? 0 : *call->cpu;
    unsigned to = call->flag ? call->vm->machine->cpus : from + 1;

    for (unsigned i = from; i < to; i++) {
        g_autofree X86State *state = monitor_cpu_state(call, i);

        if (state) {
            x86_state_print(state, i, call->out);
        }
    }
}

static void cpus(MonitorCall *call)
{
    static const char *const halted[] = {
        "", " (halted)", " (waits for INIT)", " (waits for SIPI)",
    };

    for (unsigned i = 0; i < call->vm->machine->cpus; i++) {
        g_autofree X86State *state = monitor_cpu_state(call, i);

        if (state) {
            say(call, "%c CPU #%u: pc=0x%016" PRIx64 "%s\n",
                i == *call->cpu ? '*' : ' ', i,
                state->segs.base[SEG_CS] + state->regs.rip,
                halted[state->events.run_state & 3]);
        }
    }
}

static void mtree(MonitorCall *call)
{
    machine_lock();
    space_print(call->vm->machine->mmio, call->out);
    say(call, "\n");
    space_print(call->vm->machine->io, call->out);
    machine_unlock();
}

/* ROM in the address space: what was loaded for the guest to start from. */
static void roms(MonitorCall *call)
{
    const FlatView *view;

    machine_lock();
    view = space_view(call->vm->machine->mmio);
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->range[i];

        if (r->host && r->ram_page == UINT64_MAX) {
            say(call, "addr=%016" PRIx64 " size=0x%06" PRIx64 " mem=rom name=\"%s\"\n",
                r->base, r->size, r->region->name);
        }
    }
    machine_unlock();
}

static void qtree(MonitorCall *call)
{
    GPtrArray *devices = call->vm->machine->devices;

    machine_lock();
    for (unsigned i = 0; i < devices->len; i++) {
        device_print(g_ptr_array_index(devices, i), call->out);
    }
    machine_unlock();
}

/* The devices of these types, as in info qtree. */
static void print_types(MonitorCall *call, const char *const *types)
{
    GPtrArray *devices = call->vm->machine->devices;

    machine_lock();
    for (unsigned i = 0; i < devices->len; i++) {
        Device *dev = g_ptr_array_index(devices, i);

        if (g_strv_contains(types, dev->type->name)) {
            device_print(dev, call->out);
        }
    }
    machine_unlock();
}

static void pic(MonitorCall *call)
{
    print_types(call, (const char *const[]){ "ioapic", "isa-i8259", NULL });
}

/* The board's interrupt lines: how often each was raised. */
static void irq(MonitorCall *call)
{
    Machine *machine = call->vm->machine;

    say(call, "IRQ statistics for gsi:\n");
    machine_lock();
    for (unsigned i = 0; i < GSI_COUNT; i++) {
        if (machine->gsi_raised[i]) {
            say(call, "%2u: %" PRIu64 "\n", i, machine->gsi_raised[i]);
        }
    }
    machine_unlock();
}

static void chardevs(MonitorCall *call)
{
    Chardev *chr;

    for (unsigned i = 0; (chr = chardev_nth(i)); i++) {
        say(call, "%s: filename=%s\n", chardev_id(chr), chardev_where(chr));
    }
}

static void jit(MonitorCall *call)
{
    Accel *accel = call->vm->machine->accel;

    if (!accel || !accel->type->print_jit) {
        say(call, "JIT information is only available with accel=soft\n");
        return;
    }
    monitor_hold(call->vm);
    accel->type->print_jit(accel, call->out);
    monitor_unhold(call->vm);
}

/* ---- page tables ---- */

enum { MOST_LINES = 1 << 16 };      /* more than anyone reads */

typedef struct {
    MonitorCall *call;
    unsigned lines;
    /* info mem: a run of pages with equal rights; empty: none yet */
    gva from, to;
    u64 rights;
} Lister;

static bool tlb_line(void *opaque, const PageMapping *m)
{
    static const struct {
        u64 bit;
        char letter;
    } flags[] = {
        { PTE_NX, 'X' }, { PTE_G, 'G' }, { PTE_PS, 'P' },
        { PTE_D, 'D' }, { PTE_A, 'A' }, { PTE_PCD, 'C' },
        { PTE_PWT, 'T' }, { PTE_U, 'U' }, { PTE_W, 'W' },
    };
    Lister *l = opaque;

    say(l->call, "%016" PRIx64 ": %016" PRIx64 " ", m->from, m->to);
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        say(l->call, "%c", m->flags & flags[i].bit ? flags[i].letter : '-');
    }
    say(l->call, "\n");
    return ++l->lines < MOST_LINES;
}

static void mem_run(Lister *l)
{
    if (l->to != l->from) {
        say(l->call, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %cr%c\n",
            l->from, l->to, l->to - l->from, l->rights & PTE_U ? 'u' : '-',
            l->rights & PTE_W ? 'w' : '-');
        l->lines++;
    }
}

static bool mem_page(void *opaque, const PageMapping *m)
{
    Lister *l = opaque;
    u64 rights = (m->user ? PTE_U : 0) | (m->write ? PTE_W : 0);

    if (m->from != l->to || rights != l->rights) {
        mem_run(l);
        l->from = m->from;
        l->rights = rights;
    }
    l->to = m->from + m->size;
    return l->lines < MOST_LINES;
}

/* Lets `fn` see the pages of the current vCPU; `last`, if any, ends the list. */
static void list_pages(MonitorCall *call, PageFn *fn, void (*last)(Lister *l))
{
    g_autofree X86State *state = monitor_cpu_state(call, *call->cpu);
    Lister l = { .call = call };
    PageWalkEnd end;

    if (!state) {
        return;
    }
    monitor_hold(call->vm);
    end = page_walk(call->vm->machine->mem, state, fn, &l);
    monitor_unhold(call->vm);
    if (last) {
        last(&l);
    }
    say(call, "%s", end == PAGE_WALK_OFF ? "PG disabled\n"
                    : end == PAGE_WALK_CUT ? "(there are more)\n" : "");
}

static void mem(MonitorCall *call)
{
    list_pages(call, mem_page, mem_run);
}

static void tlb(MonitorCall *call)
{
    list_pages(call, tlb_line, NULL);
}

const MonitorCommand monitor_infos[] = {
    { "block", .help = "show the disks and their images", .run = monitor_info_block },
    { "chardev", .help = "show the character devices", .run = chardevs },
    { "cpus", .help = "show infos for each CPU", .run = cpus },
    { "display", .help = "show the displays", .run = monitor_info_display },
    { "irq", .help = "show the interrupts statistics", .run = irq },
    { "jit", .help = "show dynamic compiler info", .run = jit },
    { "mem", .help = "show the active virtual memory mappings", .run = mem },
    { "mice", .help = "show which guest mouse is receiving events",
      .run = monitor_info_mice },
    { "mtree", .help = "show memory tree", .run = mtree },
    { "network", .help = "show the network state", .run = monitor_info_network },
    { "pic", .help = "show PIC state", .run = pic },
    { "qtree", .help = "show device tree", .run = qtree },
    { "registers", NULL, { TAKE_FLAG_A }, "[-a]", .run = registers,
      .help = "show the cpu registers (-a: of all CPUs)" },
    { "roms", .help = "show roms", .run = roms },
    { "snapshots", .help = "show the snapshots that can be named without a folder",
      .run = monitor_info_snapshots },
    { "status", .help = "show the current VM status (running|paused)", .run = status },
    { "tlb", .help = "show virtual to physical memory mappings", .run = tlb },
    { "usernet", .help = "show user network stack connection states",
      .run = monitor_info_usernet },
    { "version", .help = "show the version of QEMU that this acts as", .run = version },
    { 0 }
};
