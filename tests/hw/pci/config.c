/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions as a driver meets them: through ports 0xcf8/0xcfc as a chipset would
 * decode them and through ECAM.  Expected values are those of PCI 3.0, chapter 6.
 */

#include "base/lock.h"
#include "hw/pci/pci.h"
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

static const PciType probe_type = {
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

/* ---- the machine under test ---- */

static Machine *machine;
static PciBus *bus;
static Region ecam;
static bool line[8];

enum { ECAM = 0xb0000000, CF8 = 1u << 31 };

static void line_set(void *opaque, unsigned n, bool level)
{
    (void)opaque;
    line[n] = level;
}

static void set_up(void)
{
    machine = machine_new();
    bus = pci_bus_new(machine, "pcie.0", swizzle);
    machine->pci = bus;
    for (unsigned i = 0; i < 8; i++) {
        bus->line[i] = (Irq){ line_set, NULL, i };
    }
    region_init_io(&ecam, "ecam", &pci_ecam_ops, bus, 1 << 20);
    space_add(machine->mmio, &ecam, ECAM, 0);
    memset(line, 0, sizeof line);
}

static void tear_down(void)
{
    region_fini(&ecam);
    machine_free(machine);
    pci_bus_free(bus);
}

static PciDevice *plug(const char *options)
{
    GError *err = NULL;
    Device *dev = device_add(machine, &probe_type.device, options, &err);

    g_assert_no_error(err);
    return pci_device(dev);
}

static u32 get(u8 devfn, unsigned offset, unsigned n)
{
    return space_read(machine->mmio, ECAM + (devfn << 12) + offset, n);
}

static void set(u8 devfn, unsigned offset, u32 value, unsigned n)
{
    space_write(machine->mmio, ECAM + (devfn << 12) + offset, value, n);
}

/* ---- configuration space ---- */

static void test_header(void)
{
    set_up();
    plug("addr=3.0");
    g_assert_cmphex(get(0x18, 0, 4), ==, 0x56781234);
    g_assert_cmphex(get(0x18, 8, 4), ==, 0xff010203);
    g_assert_cmphex(get(0x18, 2, 1), ==, 0x78);
    g_assert_cmphex(get(0x18, 0x2c, 4), ==, 0x11001af4);
    g_assert_cmphex(get(0x18, 0x3d, 1), ==, 1);
    g_assert_cmphex(get(0x18, 0x100, 4), ==, 0);
    g_assert_cmphex(get(0x19, 0, 4), ==, 0xffffffff);
    g_assert_cmphex(get(0x19, 0, 2), ==, 0xffff);
    set(0x18, 0, 0, 4);
    g_assert_cmphex(get(0x18, 0, 4), ==, 0x56781234);
    set(0x18, 0x3c, 0x0a, 1);
    g_assert_cmphex(get(0x18, 0x3c, 2), ==, 0x010a);
    tear_down();
}

/*
 * Mechanism 1: bit 31 enables, only bus 0 has functions, bytes are reached by the port.
 */
static void test_ports(void)
{
    set_up();
    plug("addr=1f.7");
    g_assert_cmphex(pci_port_read(bus, CF8 | 0xff00, 0, 4), ==, 0x56781234);
    g_assert_cmphex(pci_port_read(bus, CF8 | 0xff00, 2, 2), ==, 0x5678);
    g_assert_cmphex(pci_port_read(bus, CF8 | 0xff00, 3, 1), ==, 0x56);
    g_assert_cmphex(pci_port_read(bus, 0xff00, 0, 4), ==, 0xffffffff);
    g_assert_cmphex(pci_port_read(bus, CF8 | 0x1ff00, 0, 4), ==, 0xffffffff);
    pci_port_write(bus, CF8 | 0xff3c, 0, 0x55, 1);
    g_assert_cmphex(pci_port_read(bus, CF8 | 0xff3c, 0, 1), ==, 0x55);
    pci_port_write(bus, 0xff3c, 0, 0x66, 1);
    g_assert_cmphex(pci_port_read(bus, CF8 | 0xff3c, 0, 1), ==, 0x55);
    tear_down();
}

static void test_capabilities(void)
{
    static const u8 expected[] = { 0x10, 0x11, 0x05 };  /* the last one added is first */
    unsigned at, n = 0;

    set_up();
    plug("addr=3");
    g_assert_cmphex(get(0x18, 6, 2) & 0x10, ==, 0x10);
    for (at = get(0x18, 0x34, 1); at; at = get(0x18, at + 1, 1)) {
        g_assert_cmpuint(n, <, G_N_ELEMENTS(expected));
        g_assert_cmphex(get(0x18, at, 1), ==, expected[n++]);
        g_assert_cmphex(at & 3, ==, 0);
    }
    g_assert_cmpuint(n, ==, G_N_ELEMENTS(expected));
    tear_down();
}

/* ---- BARs ---- */

static u32 size_of(u8 devfn, unsigned offset)
{
    u32 old = get(devfn, offset, 4), mask;

    set(devfn, offset, 0xffffffff, 4);
    mask = get(devfn, offset, 4);
    set(devfn, offset, old, 4);
    return mask;
}

static void test_bar_sizing(void)
{
    set_up();
    plug("addr=3");
    set(0x18, 4, 7, 2);             /* sizing with decoding on must do no harm */
    g_assert_cmphex(size_of(0x18, 0x10), ==, 0xfffff000);
    g_assert_cmphex(size_of(0x18, 0x14), ==, 0xffffffe1);
    g_assert_cmphex(size_of(0x18, 0x18), ==, 0xfff0000c);
    g_assert_cmphex(size_of(0x18, 0x1c), ==, 0xffffffff);
    g_assert_cmphex(size_of(0x18, 0x20), ==, 0xfffff000);
    g_assert_cmphex(size_of(0x18, 0x24), ==, 0);
    g_assert_cmphex(size_of(0x18, 0x30), ==, 0);
    tear_down();
}

static void test_bar_moves(void)
{
    set_up();
    PciDevice *pci = plug("addr=3");

    set(0x18, 0x10, 0xc0001000, 4);
    g_assert_cmphex(space_read(machine->mmio, 0xc0001010, 4), ==, 0xffffffff);
    set(0x18, 4, 2, 2);
    g_assert_cmphex(space_read(machine->mmio, 0xc0001010, 4), ==, 0x410);
    g_assert_cmphex(pci_bar_address(pci, 0), ==, 0xc0001000);
    set(0x18, 0x10, 0xc0042000, 4);
    g_assert_cmphex(space_read(machine->mmio, 0xc0001010, 4), ==, 0xffffffff);
    g_assert_cmphex(space_read(machine->mmio, 0xc0042010, 4), ==, 0x410);

    set(0x18, 0x18, 0x40000000, 4);
    set(0x18, 0x1c, 0x12, 4);
    g_assert_cmphex(space_read(machine->mmio, 0x1240000020, 4), ==, 0x420);

    set(0x18, 0x14, 0x6000, 4);
    g_assert_cmphex(space_read(machine->io, 0x6004, 4), ==, 0xffffffff);
    set(0x18, 4, 1, 2);
    g_assert_cmphex(space_read(machine->io, 0x6004, 4), ==, 0x404);
    g_assert_cmphex(space_read(machine->mmio, 0xc0042010, 4), ==, 0xffffffff);
    machine_reset_devices(machine);
    g_assert_cmphex(space_read(machine->io, 0x6004, 4), ==, 0xffffffff);
    g_assert_cmphex(get(0x18, 0x14, 4), ==, 1);
    tear_down();
}

/* A BAR laid over RAM stays behind it, and RAM keeps its bytes. */
static void test_bar_over_ram(void)
{
    GError *err = NULL;

    set_up();
    g_assert_true(mem_add_ram(machine->mem, machine->mmio, "ram", 0, 1 << 20, &err));
    plug("addr=3");
    space_write(machine->mmio, 0x5000, 0x11223344, 4);
    set(0x18, 0x10, 0x5000, 4);
    set(0x18, 4, 2, 2);
    g_assert_cmphex(space_read(machine->mmio, 0x5000, 4), ==, 0x11223344);
    tear_down();
}

/* ---- INTx ---- */

static void test_intx(void)
{
    set_up();
    PciDevice *a = plug("addr=3"), *b = plug("addr=7");     /* both reach line 7 */

    pci_intx(a, true);
    pci_intx(b, true);
    g_assert_true(line[7]);
    g_assert_cmphex(get(0x18, 6, 1) & 8, ==, 8);
    pci_intx(a, false);
    g_assert_true(line[7]);
    set(0x38, 4, 0x400, 2);         /* disable: the line drops, the status stays */
    g_assert_false(line[7]);
    g_assert_cmphex(get(0x38, 6, 1) & 8, ==, 8);
    set(0x38, 4, 0, 2);
    g_assert_true(line[7]);
    device_free(b->dev);
    g_assert_false(line[7]);
    tear_down();
}

/* ---- where functions sit ---- */

static void refuse(const char *options, const char *word)
{
    GError *err = NULL;

    g_assert_null(device_add(machine, &probe_type.device, options, &err));
    g_assert_nonnull(err);
    g_assert_nonnull(strstr(err->message, word));
    g_error_free(err);
}

static void test_addresses(void)
{
    set_up();
    g_assert_cmphex(plug(NULL)->devfn, ==, 0x08);
    g_assert_cmphex(plug("addr=2")->devfn, ==, 0x10);
    g_assert_cmphex(plug(NULL)->devfn, ==, 0x18);
    g_assert_cmphex(plug("addr=0x1e.0,multifunction=on")->devfn, ==, 0xf0);
    g_assert_cmphex(plug("addr=1e.3,bus=pci.0")->devfn, ==, 0xf3);
    g_assert_cmphex(get(0xf0, 0x0e, 1), ==, 0x80);
    refuse("addr=2", "taken");
    refuse("addr=2.1", "multifunction");
    refuse("addr=20", "addr");
    refuse("addr=1.8", "addr");
    refuse("addr=1.", "addr");
    refuse("addr=x", "addr");
    refuse("addr=1.0.0", "addr");
    refuse("bus=pci.1", "pcie.0");
    refuse("romfile=/nonexistent", "/nonexistent");
    tear_down();
}

static void test_full(void)
{
    set_up();
    for (unsigned i = 1; i < 0x1f; i++) {
        plug(NULL);
    }
    refuse(NULL, "free");
    tear_down();
}

/* ---- assignment ---- */

static void test_assign(void)
{
    static const PciWindows windows = {
        .io = { 0xc000, 0x10000 }, .mem = { 0xc0000000, 0xc0202000 },
        .mem64 = { 0x100000000, 0x200000000 }, .irq = { [7] = 11 },
    };

    set_up();
    PciDevice *a = plug("addr=3"), *b = plug("addr=7");

    plug("addr=b");
    pci_assign(bus, &windows);
    /*
     * two 1 MiB BARs fill the 32-bit window but for two pages, the third goes above 4
     * GiB
     */
    g_assert_cmphex(pci_bar_address(a, 2), ==, 0xc0000000);
    g_assert_cmphex(pci_bar_address(b, 2), ==, 0xc0100000);
    g_assert_cmphex(get(0x58, 0x1c, 4), ==, 1);
    g_assert_cmphex(pci_bar_address(a, 0), ==, 0xc0200000);
    g_assert_cmphex(pci_bar_address(a, 4), ==, 0xc0201000);
    g_assert_cmphex(pci_bar_address(b, 0), ==, UINT64_MAX);
    g_assert_cmphex(pci_bar_address(a, 1), ==, 0xc000);
    g_assert_cmphex(pci_bar_address(b, 1), ==, 0xc020);
    g_assert_cmphex(get(0x18, 0x3c, 1), ==, 11);
    tear_down();
}

/* ---- saving ---- */

static void test_save(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new(), again = g_byte_array_new();
    GError *err = NULL;

    set_up();
    PciDevice *pci = plug("addr=3");

    set(0x18, 0x10, 0xc0001000, 4);
    set(0x18, 4, 2, 2);
    pci_intx(pci, true);
    device_save(pci->dev, saved);
    machine_reset_devices(machine);
    g_assert_false(line[7]);
    g_assert_true(device_load(pci->dev, saved->data, saved->len, &err));
    g_assert_cmphex(space_read(machine->mmio, 0xc0001010, 4), ==, 0x410);
    g_assert_true(line[7]);
    device_save(pci->dev, again);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
    tear_down();
}

/* Another device's identity in the saved bytes is refused. */
static void test_load_refuses(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    GError *err = NULL;

    set_up();
    PciDevice *pci = plug("addr=3");

    device_save(pci->dev, saved);
    for (unsigned i = 0; i + 1 < saved->len; i++) {
        if (saved->data[i] == 0x34 && saved->data[i + 1] == 0x12) {
            saved->data[i] = 0x35;
            break;
        }
    }
    g_assert_false(device_load(pci->dev, saved->data, saved->len, &err));
    g_assert_nonnull(err);
    g_error_free(err);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/pci/header", test_header);
    g_test_add_func("/pci/ports", test_ports);
    g_test_add_func("/pci/capabilities", test_capabilities);
    g_test_add_func("/pci/bar/sizing", test_bar_sizing);
    g_test_add_func("/pci/bar/moves", test_bar_moves);
    g_test_add_func("/pci/bar/over-ram", test_bar_over_ram);
    g_test_add_func("/pci/intx", test_intx);
    g_test_add_func("/pci/addresses", test_addresses);
    g_test_add_func("/pci/full", test_full);
    g_test_add_func("/pci/assign", test_assign);
    g_test_add_func("/pci/save", test_save);
    g_test_add_func("/pci/load-refuses", test_load_refuses);
    return g_test_run();
}
