/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI bus: interrupt lines, who may sit where, assignment of addresses, saving.
 */

#include "base/lock.h"
#include "tests/lib/pci_probe.h"

#include <string.h>

/* ---- INTx ---- */

static void test_intx(void)
{
    probe_up();
    PciDevice *a = probe_plug("addr=3"), *b = probe_plug("addr=7");

    /* both reach line 7 */
    pci_intx(a, true);
    pci_intx(b, true);
    g_assert_true(probe_line[7]);
    g_assert_cmphex(cfg_get(0x18, 6, 1) & 8, ==, 8);
    pci_intx(a, false);
    g_assert_true(probe_line[7]);
    cfg_set(0x38, 4, 0x400, 2);         /* disable: the line drops, the status stays */
    g_assert_false(probe_line[7]);
    g_assert_cmphex(cfg_get(0x38, 6, 1) & 8, ==, 8);
    cfg_set(0x38, 4, 0, 2);
    g_assert_true(probe_line[7]);
    device_free(b->dev);
    g_assert_false(probe_line[7]);
    probe_down();
}

/* ---- where functions sit ---- */

static void refuse(const char *options, const char *word)
{
    GError *err = NULL;

    g_assert_null(device_add(probe_machine, &probe_type.device, options, &err));
    g_assert_nonnull(err);
    g_assert_nonnull(strstr(err->message, word));
    g_error_free(err);
}

static void test_addresses(void)
{
    probe_up();
    g_assert_cmphex(probe_plug(NULL)->devfn, ==, 0x08);
    g_assert_cmphex(probe_plug("addr=2")->devfn, ==, 0x10);
    g_assert_cmphex(probe_plug(NULL)->devfn, ==, 0x18);
    g_assert_cmphex(probe_plug("addr=0x1e.0,multifunction=on")->devfn, ==, 0xf0);
    g_assert_cmphex(probe_plug("addr=1e.3,bus=pci.0")->devfn, ==, 0xf3);
    g_assert_cmphex(cfg_get(0xf0, 0x0e, 1), ==, 0x80);
    refuse("addr=2", "taken");
    refuse("addr=2.1", "multifunction");
    refuse("addr=20", "addr");
    refuse("addr=1.8", "addr");
    refuse("addr=1.", "addr");
    refuse("addr=x", "addr");
    refuse("addr=1.0.0", "addr");
    refuse("bus=pci.1", "pcie.0");
    refuse("romfile=/nonexistent", "/nonexistent");
    probe_down();
}

static void test_full(void)
{
    probe_up();
    for (unsigned i = 1; i < 0x1f; i++) {
        probe_plug(NULL);
    }
    refuse(NULL, "free");
    probe_down();
}

/* ---- assignment ---- */

static void test_assign(void)
{
    static const PciWindows windows = {
        .io = { 0xc000, 0x10000 }, .mem = { 0xc0000000, 0xc0202000 },
        .mem64 = { 0x100000000, 0x200000000 }, .irq = { [7] = 11 },
    };

    probe_up();
    PciDevice *a = probe_plug("addr=3"), *b = probe_plug("addr=7");

    probe_plug("addr=b");
    pci_assign(probe_bus, &windows);
    /*
     * two 1 MiB BARs fill the 32-bit window but for two pages, the third goes above 4
     * GiB
     */
    g_assert_cmphex(pci_bar_address(a, 2), ==, 0xc0000000);
    g_assert_cmphex(pci_bar_address(b, 2), ==, 0xc0100000);
    g_assert_cmphex(cfg_get(0x58, 0x1c, 4), ==, 1);
    g_assert_cmphex(pci_bar_address(a, 0), ==, 0xc0200000);
    g_assert_cmphex(pci_bar_address(a, 4), ==, 0xc0201000);
    g_assert_cmphex(pci_bar_address(b, 0), ==, UINT64_MAX);
    g_assert_cmphex(pci_bar_address(a, 1), ==, 0xc000);
    g_assert_cmphex(pci_bar_address(b, 1), ==, 0xc020);
    g_assert_cmphex(cfg_get(0x18, 0x3c, 1), ==, 11);
    probe_down();
}

/* ---- saving ---- */

static void test_save(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new(), again = g_byte_array_new();
    GError *err = NULL;

    probe_up();
    PciDevice *pci = probe_plug("addr=3");

    cfg_set(0x18, 0x10, 0xc0001000, 4);
    cfg_set(0x18, 4, 2, 2);
    pci_intx(pci, true);
    device_save(pci->dev, saved);
    machine_reset_devices(probe_machine);
    g_assert_false(probe_line[7]);
    g_assert_true(device_load(pci->dev, saved->data, saved->len, &err));
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0001010, 4), ==, 0x410);
    g_assert_true(probe_line[7]);
    device_save(pci->dev, again);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
    probe_down();
}

/* Another device's identity in the saved bytes is refused. */
static void test_load_refuses(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    GError *err = NULL;

    probe_up();
    PciDevice *pci = probe_plug("addr=3");

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
    probe_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/pci/intx", test_intx);
    g_test_add_func("/pci/addresses", test_addresses);
    g_test_add_func("/pci/full", test_full);
    g_test_add_func("/pci/assign", test_assign);
    g_test_add_func("/pci/save", test_save);
    g_test_add_func("/pci/load-refuses", test_load_refuses);
    return g_test_run();
}
