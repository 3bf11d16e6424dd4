/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with one device, and a driver that does anything.  See conform.h.
 */

#include "tests/lib/conform.h"

#include "base/lock.h"
#include "hw/pci/pci.h"

static void trace(Rig *rig, u64 value)
{
    rig->trace = (rig->trace ^ value) * 0x100000001b3;
}

static void gsi_set(void *opaque, unsigned n, bool level)
{
    Rig *rig = opaque;

    rig->level[n] = level;
    trace(rig, n << 1 | level);
}

static void msi_sent(Machine *machine, gpa address, u32 data)
{
    trace(machine->owner, address);
    trace(machine->owner, data);
}

static void requested(Machine *machine, RequestKind kind, int value, const char *cause)
{
    (void)cause;
    trace(machine->owner, kind);
    trace(machine->owner, value);
}

static unsigned pirq(unsigned slot, unsigned pin)
{
    return (slot + pin) % 8;
}

Rig *rig_new(const DeviceType *type, const BusType *bus, const char *options, u64 now,
             GError **err)
{
    Rig *rig = g_new0(Rig, 1);
    Machine *machine = machine_new();
    g_autoptr(KeyVals) kv = keyvals_parse(options ? options : "", NULL, err);

    rig->machine = machine;
    machine->owner = rig;
    machine->request = requested;
    machine_msi_hook = msi_sent;
    machine->ram_bytes = machine->ram_below_4g = MiB;
    machine->pci = pci_bus_new(machine, "pcie.0", pirq);
    for (unsigned i = 0; i < GSI_COUNT; i++) {
        machine->gsi[i] = (Irq){ gsi_set, rig, i };
    }
    for (unsigned i = 0; i < 8; i++) {
        machine->pci->line[i] = (Irq){ gsi_set, rig, 16 + i };
    }
    clock_set(machine->clock, now);
    if (kv && mem_add_ram(machine->mem, machine->mmio, "ram", 0, MiB, err)) {
        rig->dev = device_new(machine, type, bus, NULL, kv, err);
    }
    if (!rig->dev) {
        rig_free(rig);
        return NULL;
    }
    return rig;
}

void rig_free(Rig *rig)
{
    Machine *machine = rig->machine;

    device_free(rig->dev);
    pci_bus_free(machine->pci);
    machine_free(machine);
    machine_msi_hook = NULL;
    g_free(rig);
}

/* ---- the driver ---- */

/* xorshift64*: the same numbers everywhere, unlike g_test_rand. */
static u64 next(Rig *rig)
{
    rig->random ^= rig->random >> 12;
    rig->random ^= rig->random << 25;
    rig->random ^= rig->random >> 27;
    return rig->random * 0x2545f4914f6cdd1d;
}

static u64 below(Rig *rig, u64 n)
{
    return (next(rig) >> 16) % n;
}

/* Mostly numbers that mean something to somebody. */
static u64 some_value(Rig *rig)
{
    switch (below(rig, 6)) {
    case 0:
        return below(rig, 4);
    case 1:
        return 1ull << below(rig, 64);
    case 2:
        return UINT64_MAX;
    case 3:
        return below(rig, MiB) & ~0xfull;       /* an address in RAM */
    default:
        return next(rig);
    }
}

/* Some range of the device: anything but RAM.  False if it shows none. */
static bool some_place(Rig *rig, Space *space, u64 *at)
{
    const FlatView *view = space_view(space);
    const FlatRange *range;
    unsigned n = 0, skip;

    for (unsigned i = 0; i < view->n; i++) {
        n += view->range[i].region->host == NULL;
    }
    if (n == 0) {
        return false;
    }
    skip = below(rig, n);
    for (range = view->range; range->region->host || skip-- > 0; range++) {
    }
    /* Registers crowd at the start of large ranges. */
    *at = range->base + below(rig, below(rig, 4) ? MIN(range->size, 256) : range->size);
    return true;
}

static void touch(Rig *rig, Space *space)
{
    unsigned size = 1u << below(rig, 4);
    u64 at;

    if (some_place(rig, space, &at)) {
        u64 value = some_value(rig);

        if (below(rig, 2)) {
            trace(rig, space_read(space, at, size));
        } else if (!rig->watching) {
            space_write(space, at, value, size);
        }
    }
}

/* A configuration cycle; now and then firmware's work instead, which maps the BARs. */
static void touch_config(Rig *rig)
{
    static const PciWindows windows = {
        .io = { 0xc000, 0x10000 }, .mem = { 0xe0000000, 0xf0000000 },
        .mem64 = { 0x800000000, 0x900000000 }, .irq = { 5, 6, 7, 9, 10, 11, 12, 15 },
    };
    PciBus *bus = rig->machine->pci;
    unsigned n = 1u << below(rig, 3), devfn = 0;
    unsigned offset = below(rig, 256) & -n, kind = below(rig, 8);
    u64 value = some_value(rig);

    while (devfn < 255 && !bus->function[devfn]) {
        devfn++;
    }
    if (!bus->function[devfn]) {
        return;
    }
    if (kind > 2) {
        trace(rig, pci_config_read(bus, 0, devfn, offset, n));
    } else if (rig->watching) {
        return;
    } else if (kind > 0) {
        pci_assign(bus, &windows);
    } else {
        pci_config_write(bus, 0, devfn, offset, value, n);
    }
}

/* Lets time pass at once: the timers that became due run, and nothing else does. */
static void pass_time(Rig *rig)
{
    Clock *clock = rig->machine->clock;

    clock_set(clock, clock_now(clock) + (1ull << below(rig, 34)));
    clock_run_due(clock);
}

void rig_use(Rig *rig, u64 seed, unsigned steps)
{
    /* Small seeds differ in few bits; the generator needs many. */
    rig->random = (seed * 0x9e3779b97f4a7c15 ^ 0x6a09e667f3bcc908) | 1;
    for (unsigned i = 0; i < 16; i++) {
        next(rig);
    }
    machine_lock();
    for (unsigned i = 0; i < steps; i++) {
        switch (below(rig, 8)) {
        case 0:
            touch_config(rig);
            break;
        case 1:
            pass_time(rig);
            break;
        case 2:
        case 3:
        case 4:
            touch(rig, rig->machine->io);
            break;
        default:
            touch(rig, rig->machine->mmio);
        }
    }
    machine_unlock();
}

void rig_watch(Rig *rig, u64 seed, unsigned steps)
{
    rig->watching = true;
    rig_use(rig, seed, steps);
    rig->watching = false;
}
