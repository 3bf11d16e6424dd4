/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function as a driver meets it: configuration space through ports and ECAM, and
 * BARs. Expected values are those of PCI 3.0, chapter 6.
 */

#include "base/lock.h"
#include "tests/lib/pci_probe.h"

#include <glib/gstdio.h>
#include <unistd.h>

enum { CF8 = 1u << 31 };

/* ---- configuration space ---- */

static void test_header(void)
{
    probe_up();
    probe_plug("addr=3.0");
    g_assert_cmphex(cfg_get(0x18, 0, 4), ==, 0x56781234);
    g_assert_cmphex(cfg_get(0x18, 8, 4), ==, 0xff010203);
    g_assert_cmphex(cfg_get(0x18, 2, 1), ==, 0x78);
    g_assert_cmphex(cfg_get(0x18, 0x2c, 4), ==, 0x11001af4);
    g_assert_cmphex(cfg_get(0x18, 0x3d, 1), ==, 1);
    g_assert_cmphex(cfg_get(0x18, 0x100, 4), ==, 0);
    g_assert_cmphex(cfg_get(0x19, 0, 4), ==, 0xffffffff);
    g_assert_cmphex(cfg_get(0x19, 0, 2), ==, 0xffff);
    cfg_set(0x18, 0, 0, 4);
    g_assert_cmphex(cfg_get(0x18, 0, 4), ==, 0x56781234);
    cfg_set(0x18, 0x3c, 0x0a, 1);
    g_assert_cmphex(cfg_get(0x18, 0x3c, 2), ==, 0x010a);
    probe_down();
}

/*
 * Mechanism 1: bit 31 enables, only bus 0 has functions, bytes are reached by the port.
 */
static void test_ports(void)
{
    probe_up();
    probe_plug("addr=1f.7");
    g_assert_cmphex(pci_port_read(probe_bus, CF8 | 0xff00, 0, 4), ==, 0x56781234);
    g_assert_cmphex(pci_port_read(probe_bus, CF8 | 0xff00, 2, 2), ==, 0x5678);
    g_assert_cmphex(pci_port_read(probe_bus, CF8 | 0xff00, 3, 1), ==, 0x56);
    g_assert_cmphex(pci_port_read(probe_bus, 0xff00, 0, 4), ==, 0xffffffff);
    g_assert_cmphex(pci_port_read(probe_bus, CF8 | 0x1ff00, 0, 4), ==, 0xffffffff);
    pci_port_write(probe_bus, CF8 | 0xff3c, 0, 0x55, 1);
    g_assert_cmphex(pci_port_read(probe_bus, CF8 | 0xff3c, 0, 1), ==, 0x55);
    pci_port_write(probe_bus, 0xff3c, 0, 0x66, 1);
    g_assert_cmphex(pci_port_read(probe_bus, CF8 | 0xff3c, 0, 1), ==, 0x55);
    probe_down();
}

static void test_capabilities(void)
{
    static const u8 expected[] = { 0x10, 0x11, 0x05 };  /* the last added is first */
    unsigned at, n = 0;

    probe_up();
    probe_plug("addr=3");
    g_assert_cmphex(cfg_get(0x18, 6, 2) & 0x10, ==, 0x10);
    for (at = cfg_get(0x18, 0x34, 1); at; at = cfg_get(0x18, at + 1, 1)) {
        g_assert_cmpuint(n, <, G_N_ELEMENTS(expected));
        g_assert_cmphex(cfg_get(0x18, at, 1), ==, expected[n++]);
        g_assert_cmphex(at & 3, ==, 0);
    }
    g_assert_cmpuint(n, ==, G_N_ELEMENTS(expected));
    probe_down();
}

/* ---- BARs ---- */

static u32 size_of(u8 devfn, unsigned offset)
{
    u32 old = cfg_get(devfn, offset, 4), mask;

    cfg_set(devfn, offset, 0xffffffff, 4);
    mask = cfg_get(devfn, offset, 4);
    cfg_set(devfn, offset, old, 4);
    return mask;
}

static void test_bar_sizing(void)
{
    probe_up();
    probe_plug("addr=3");
    cfg_set(0x18, 4, 7, 2);             /* sizing with decoding on must do no harm */
    g_assert_cmphex(size_of(0x18, 0x10), ==, 0xfffff000);
    g_assert_cmphex(size_of(0x18, 0x14), ==, 0xffffffe1);
    g_assert_cmphex(size_of(0x18, 0x18), ==, 0xfff0000c);
    g_assert_cmphex(size_of(0x18, 0x1c), ==, 0xffffffff);
    g_assert_cmphex(size_of(0x18, 0x20), ==, 0xfffff000);
    g_assert_cmphex(size_of(0x18, 0x24), ==, 0);
    g_assert_cmphex(size_of(0x18, 0x30), ==, 0);
    probe_down();
}

static void test_bar_moves(void)
{
    probe_up();
    PciDevice *pci = probe_plug("addr=3");

    cfg_set(0x18, 0x10, 0xc0001000, 4);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0001010, 4), ==, 0xffffffff);
    cfg_set(0x18, 4, 2, 2);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0001010, 4), ==, 0x410);
    g_assert_cmphex(pci_bar_address(pci, 0), ==, 0xc0001000);
    cfg_set(0x18, 0x10, 0xc0042000, 4);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0001010, 4), ==, 0xffffffff);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0042010, 4), ==, 0x410);

    cfg_set(0x18, 0x18, 0x40000000, 4);
    cfg_set(0x18, 0x1c, 0x12, 4);
    g_assert_cmphex(space_read(probe_machine->mmio, 0x1240000020, 4), ==, 0x420);

    cfg_set(0x18, 0x14, 0x6000, 4);
    g_assert_cmphex(space_read(probe_machine->io, 0x6004, 4), ==, 0xffffffff);
    cfg_set(0x18, 4, 1, 2);
    g_assert_cmphex(space_read(probe_machine->io, 0x6004, 4), ==, 0x404);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0042010, 4), ==, 0xffffffff);
    machine_reset_devices(probe_machine);
    g_assert_cmphex(space_read(probe_machine->io, 0x6004, 4), ==, 0xffffffff);
    g_assert_cmphex(cfg_get(0x18, 0x14, 4), ==, 1);
    probe_down();
}

/* A BAR laid over RAM stays behind it, and RAM keeps its bytes. */
static void test_bar_over_ram(void)
{
    GError *err = NULL;

    probe_up();
    g_assert_true(mem_add_ram(probe_machine->mem, probe_machine->mmio, "ram", 0, MiB,
                              &err));
    probe_plug("addr=3");
    space_write(probe_machine->mmio, 0x5000, 0x11223344, 4);
    cfg_set(0x18, 0x10, 0x5000, 4);
    cfg_set(0x18, 4, 2, 2);
    g_assert_cmphex(space_read(probe_machine->mmio, 0x5000, 4), ==, 0x11223344);
    probe_down();
}

/* 6.2.5.2: the expansion ROM decodes when its own bit 0 and memory decoding are on. */
static void test_rom_bar(void)
{
    g_autofree char *name = NULL, *options = NULL;
    int fd = g_file_open_tmp(NULL, &name, NULL);

    probe_up();
    g_assert_cmpint(write(fd, "\x55\xaa\x01", 3), ==, 3);
    options = g_strdup_printf("addr=3,romfile=%s", name);
    probe_plug(options);
    g_assert_cmphex(size_of(0x18, 0x30), ==, 0xfffff001);
    cfg_set(0x18, 0x30, 0xc0002000, 4);
    cfg_set(0x18, 4, 2, 2);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0002000, 2), ==, 0xffff);
    cfg_set(0x18, 0x30, 0xc0002001, 4);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0002000, 4), ==, 0x01aa55);
    space_write(probe_machine->mmio, 0xc0002000, 0, 4);
    g_assert_cmphex(space_read(probe_machine->mmio, 0xc0002000, 4), ==, 0x01aa55);
    close(fd);
    g_assert_cmpint(g_unlink(name), ==, 0);
    probe_down();
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
    g_test_add_func("/pci/bar/rom", test_rom_bar);
    return g_test_run();
}
