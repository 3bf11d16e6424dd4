/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function for tests: see pci_probe.h.
 */

#include "tests/lib/pci_probe.h"

#include <string.h>

typedef struct {
    Device dev;
    Region mem, io, wide;
    u32 last;                   /* what was last written to BAR 0 */
} Probe;

static u64 probe_read(void *opaque, u64 offset, unsigned size)
{
    (void)opaque;
    return offset | (u64)size << 8;
}

static void probe_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Probe *probe = opaque;

    (void)offset;
    (void)size;
    probe->last = value;
}

static const RegionOps probe_ops = { probe_read, probe_write, .sizes = 4 };

static bool probe_open(Device *dev, GError **err)
{
    Probe *probe = container_of(dev, Probe, dev);
    PciDevice *pci = pci_device(dev);

    (void)err;
    region_init_io(&probe->mem, "probe-mem", &probe_ops, probe, 0x1000);
    region_init_io(&probe->io, "probe-io", &probe_ops, probe, 0x20);
    region_init_io(&probe->wide, "probe-wide", &probe_ops, probe, 0x100000);
    pci_add_bar(pci, 0, PCI_BAR_MEM, &probe->mem);
    pci_add_bar(pci, 1, PCI_BAR_IO, &probe->io);
    pci_add_bar(pci, 2, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, &probe->wide);
    pci_add_msi(pci, 4);
    pci_add_msix(pci, 4, 65);
    pci_add_express(pci);
    return true;
}

static void probe_close(Device *dev)
{
    Probe *probe = container_of(dev, Probe, dev);

    region_fini(&probe->mem);
    region_fini(&probe->io);
    region_fini(&probe->wide);
}

const PciType probe_type = {
    .device = {
        .name  = "pci-probe",
        .help  = "a function for tests",
        .bus   = { &pci_bus },
        .size  = sizeof(Probe),
        .part  = { .name = "probe" },
        .open  = probe_open,
        .close = probe_close,
    },
    .ids = { 0x1234, 0x5678, .class = 0xff0102, .revision = 3, .pin = 1 },
};

static unsigned swizzle(unsigned slot, unsigned pin)
{
    return (slot + pin) % 4 + 4;
}

/* ---- the probe_machine under test ---- */

Machine *probe_machine;
PciBus *probe_bus;
bool probe_line[8];
static Region ecam;

enum { ECAM = 0xb0000000 };

static void line_set(void *opaque, unsigned n, bool level)
{
    (void)opaque;
    probe_line[n] = level;
}

void probe_up(void)
{
    probe_machine = machine_new();
    probe_bus = pci_bus_new(probe_machine, "pcie.0", swizzle);
    probe_machine->pci = probe_bus;
    for (unsigned i = 0; i < 8; i++) {
        probe_bus->line[i] = (Irq){ line_set, NULL, i };
    }
    region_init_io(&ecam, "ecam", &pci_ecam_ops, probe_bus, 1 << 20);
    space_add(probe_machine->mmio, &ecam, ECAM, 0);
    memset(probe_line, 0, sizeof probe_line);
}

void probe_down(void)
{
    region_fini(&ecam);
    machine_free(probe_machine);
    pci_bus_free(probe_bus);
}

PciDevice *probe_plug(const char *options)
{
    GError *err = NULL;
    Device *dev = device_add(probe_machine, &probe_type.device, options, &err);

    g_assert_no_error(err);
    return pci_device(dev);
}

u32 cfg_get(u8 devfn, unsigned offset, unsigned n)
{
    return space_read(probe_machine->mmio, ECAM + (devfn << 12) + offset, n);
}

void cfg_set(u8 devfn, unsigned offset, u32 value, unsigned n)
{
    space_write(probe_machine->mmio, ECAM + (devfn << 12) + offset, value, n);
}
