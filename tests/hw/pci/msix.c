/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI and MSI-X as a driver programs them: PCI 3.0, 6.8.
 */

#include "base/lock.h"
#include "hw/pci/pci.h"
#include <string.h>

enum { VECTORS = 130, BAR = 0xfe000000, DEVFN = 0x18, MSG = 0xfee00000 };

static bool probe_open(Device *dev, GError **err)
{
    (void)err;
    pci_add_msix(pci_device(dev), 1, VECTORS);
    pci_add_msi(pci_device(dev), 4);
    return true;
}

static const PciType probe_type = {
    .device = {
        .name = "msi-probe",
        .help = "a function for tests",
        .bus  = { &pci_bus },
        .size = sizeof(Device),
        .part = { .name = "probe" },
        .open = probe_open,
    },
    .ids = { 0x1234, 0x5678, .class = 0xff0000, .pin = 1 },
};

static Machine *machine;
static PciDevice *pci;
static unsigned sent, told;
static PciMessage last;
static bool last_live, line;

static void take_message(Machine *m, gpa address, u32 data)
{
    (void)m;
    sent++;
    last = (PciMessage){ address, data };
}

static void take_vector(void *opaque, unsigned vector, const PciMessage *message)
{
    g_assert_true(opaque == &told);
    told = vector;
    last_live = message != NULL;
}

static void take_line(void *opaque, unsigned n, bool level)
{
    (void)opaque;
    (void)n;
    line = level;
}

static unsigned route(unsigned slot, unsigned pin)
{
    (void)slot;
    return pin;
}

static u32 get(unsigned offset, unsigned n)
{
    return pci_config_read(machine->pci, 0, DEVFN, offset, n);
}

static void set(unsigned offset, u32 value, unsigned n)
{
    pci_config_write(machine->pci, 0, DEVFN, offset, value, n);
}

static unsigned cap(u8 id)
{
    unsigned at = get(0x34, 1);

    while (get(at, 1) != id) {
        at = get(at + 1, 1);
        g_assert_cmphex(at, !=, 0);
    }
    return at;
}

/* BAR 1 mapped, bus master on. */
static void set_up(void)
{
    GError *err = NULL;

    machine = machine_new();
    machine->pci = pci_bus_new(machine, "pcie.0", route);
    machine->pci->line[0] = (Irq){ take_line, NULL, 0 };
    pci = pci_device(device_add(machine, &probe_type.device, "addr=3", &err));
    g_assert_no_error(err);
    machine_msi_hook = take_message;
    sent = 0;
    set(0x14, BAR, 4);
    set(4, 6, 2);
}

static void tear_down(void)
{
    PciBus *bus = machine->pci;

    machine_free(machine);
    pci_bus_free(bus);
    machine_msi_hook = NULL;
}

static void entry(unsigned vector, u64 address, u32 data, u32 control)
{
    u64 at = BAR + 16 * vector;

    space_write(machine->mmio, at, address, 8);
    space_write(machine->mmio, at + 8, data, 4);
    space_write(machine->mmio, at + 12, control, 4);
}

static bool pending(unsigned vector)
{
    u64 at = BAR + (get(cap(0x11) + 8, 4) & ~7u) + vector / 64 * 8;

    return space_read(machine->mmio, at, 8) >> vector % 64 & 1;
}

static void test_msix_layout(void)
{
    set_up();
    unsigned at = cap(0x11);

    g_assert_cmphex(get(at + 2, 2), ==, VECTORS - 1);
    g_assert_cmphex(get(at + 4, 4), ==, 1);                     /* BAR 1, offset 0 */
    g_assert_cmphex(get(at + 8, 4) & 7, ==, 1);
    g_assert_cmphex(get(at + 8, 4) & ~7u, >=, VECTORS * 16);
    for (unsigned i = 0; i < VECTORS; i++) {            /* 6.8.2.9: masked at reset */
        g_assert_cmphex(space_read(machine->mmio, BAR + 16 * i + 12, 4), ==, 1);
    }
    g_assert_cmphex(space_read(machine->mmio, BAR + 16 * VECTORS + 12, 4), ==, 0);
    tear_down();
}

static void test_msix_send(void)
{
    set_up();
    entry(129, 0x1fee00000, 0x4123, 0);
    pci_msix_notify(pci, 129);
    g_assert_cmpuint(sent, ==, 0);                              /* MSI-X is off: lost */
    g_assert_false(pending(129));
    set(cap(0x11) + 2, 0x8000, 2);
    pci_msix_notify(pci, 129);
    g_assert_cmpuint(sent, ==, 1);
    g_assert_cmphex(last.address, ==, 0x1fee00000);
    g_assert_cmphex(last.data, ==, 0x4123);
    pci_msix_notify(pci, VECTORS);                      /* there is no such vector */
    g_assert_cmpuint(sent, ==, 1);
    tear_down();
}

/*
 * Masked by its own bit, by the function's, or for want of bus mastering: pending, then
 * sent once.
 */
static void test_msix_masks(void)
{
    set_up();
    unsigned control = cap(0x11) + 2;

    set(control, 0x8000, 2);
    entry(7, MSG, 7, 1);
    pci_msix_notify(pci, 7);
    pci_msix_notify(pci, 7);
    g_assert_true(pending(7));
    g_assert_false(pending(6));
    g_assert_cmpuint(sent, ==, 0);
    space_write(machine->mmio, BAR + 16 * 7 + 12, 0, 4);
    g_assert_cmpuint(sent, ==, 1);
    g_assert_false(pending(7));

    set(control, 0xc000, 2);
    pci_msix_notify(pci, 7);
    g_assert_cmpuint(sent, ==, 1);
    set(control, 0x8000, 2);
    g_assert_cmpuint(sent, ==, 2);

    set(4, 2, 2);
    pci_msix_notify(pci, 7);
    g_assert_cmpuint(sent, ==, 2);
    set(4, 6, 2);
    g_assert_cmpuint(sent, ==, 3);
    tear_down();
}

static void test_msix_listener(void)
{
    PciMessage message;

    set_up();
    set(cap(0x11) + 2, 0x8000, 2);
    entry(3, MSG, 0x33, 0);
    told = ~0u;
    pci_msix_listen(pci, take_vector, &told);
    g_assert_cmpuint(told, ==, 3);
    g_assert_true(last_live);
    g_assert_true(pci_msix_message(pci, 3, &message));
    g_assert_cmphex(message.data, ==, 0x33);
    g_assert_false(pci_msix_message(pci, 4, &message));

    entry(4, MSG, 0x44, 0);
    g_assert_cmpuint(told, ==, 4);
    space_write(machine->mmio, BAR + 16 * 3 + 12, 1, 4);
    g_assert_cmpuint(told, ==, 3);
    g_assert_false(last_live);
    told = ~0u;
    machine_reset_devices(machine);
    g_assert_cmpuint(told, ==, 4);
    g_assert_false(last_live);
    pci_msix_listen(pci, NULL, NULL);
    tear_down();
}

static void test_msix_save(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    GError *err = NULL;

    set_up();
    set(cap(0x11) + 2, 0x8000, 2);
    entry(0, MSG, 1, 1);
    entry(1, MSG, 2, 0);
    pci_msix_notify(pci, 0);
    device_save(pci->dev, saved);
    machine_reset_devices(machine);
    g_assert_true(device_load(pci->dev, saved->data, saved->len, &err));
    g_assert_true(pending(0));
    g_assert_cmpuint(sent, ==, 0);
    pci_msix_notify(pci, 1);
    g_assert_cmpuint(sent, ==, 1);
    tear_down();
}

/* 6.8.1.3: the low bits of the data carry the vector, as far as the guest allowed. */
static void test_msi(void)
{
    set_up();
    unsigned at = cap(0x05);

    g_assert_cmphex(get(at + 2, 2), ==, 0x84);                  /* 64-bit, asks for 4 */
    set(at + 4, MSG | 3, 4);
    set(at + 8, 1, 4);
    set(at + 12, 0x4130, 2);
    pci_msi_notify(pci, 0);
    g_assert_cmpuint(sent, ==, 0);
    set(at + 2, 0x21, 2);
    pci_msi_notify(pci, 3);
    g_assert_cmphex(last.address, ==, 0x1fee00000);
    g_assert_cmphex(last.data, ==, 0x4133);
    set(at + 2, 0x11, 2);
    pci_msi_notify(pci, 3);
    g_assert_cmphex(last.data, ==, 0x4131);
    pci_msi_notify(pci, 4);
    g_assert_cmpuint(sent, ==, 2);
    tear_down();
}

/* 6.8.1.3: while MSI is on the function MUST NOT use INTx. */
static void test_msi_or_intx(void)
{
    set_up();
    pci_intx(pci, true);
    g_assert_true(line);
    set(cap(0x05) + 2, 1, 2);
    g_assert_false(line);
    set(cap(0x05) + 2, 0, 2);
    g_assert_true(line);
    set(cap(0x11) + 2, 0x8000, 2);
    g_assert_false(line);
    tear_down();
}

/* Notifying needs no lock: threads ring while the guest masks and unmasks. */
static gpointer ring(gpointer opaque)
{
    (void)opaque;
    for (unsigned i = 0; i < 20000; i++) {
        pci_msix_notify(pci, i % VECTORS);
    }
    return NULL;
}

static void count_message(Machine *m, gpa address, u32 data)
{
    (void)m;
    g_assert_cmphex(address >> 32, ==, data);       /* never half an entry */
    __atomic_fetch_add(&sent, 1, __ATOMIC_RELAXED);
}

static void test_threads(void)
{
    GThread *thread[2];

    set_up();
    machine_msi_hook = count_message;
    set(cap(0x11) + 2, 0x8000, 2);
    for (unsigned i = 0; i < G_N_ELEMENTS(thread); i++) {
        thread[i] = g_thread_new("ring", ring, NULL);
    }
    for (u32 i = 1; i < 300; i++) {
        unsigned v = i % VECTORS;

        space_write(machine->mmio, BAR + 16 * v + 12, 1, 4);
        entry(v, (u64)i << 32 | MSG, i, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(thread); i++) {
        g_thread_join(thread[i]);
    }
    g_assert_cmpuint(sent, >, 0);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/msix/layout", test_msix_layout);
    g_test_add_func("/msix/send", test_msix_send);
    g_test_add_func("/msix/masks", test_msix_masks);
    g_test_add_func("/msix/listener", test_msix_listener);
    g_test_add_func("/msix/save", test_msix_save);
    g_test_add_func("/msix/threads", test_threads);
    g_test_add_func("/msi/send", test_msi);
    g_test_add_func("/msi/or-intx", test_msi_or_intx);
    return g_test_run();
}
