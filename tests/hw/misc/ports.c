/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small devices behind a port or two: isa-debug-exit, isa-debugcon, pvpanic, ports
 * 0x80 and 0x92.  What is expected is what QEMU's documentation says of those with its
 * names, and the ICH9 data sheet (13.7.3) of port 0x92.
 */

#include "hw/devices.h"
#include "tests/lib/bed.h"
#include "tests/lib/chardev.h"

static void debug_exit(void)
{
    g_autoptr(Bed) bed = bed_new();

    bed_add(bed, &debug_exit_type, NULL);
    bed_add(bed, &debug_exit_type, "iobase=0xf4,iosize=4");
    g_assert_cmphex(in8(bed, 0x501), ==, 0);
    g_assert_cmpuint(bed->requests, ==, 0);
    out8(bed, 0x501, 0x11);
    g_assert_cmpuint(bed->requests, ==, 1);
    g_assert_cmpint(bed->request, ==, REQUEST_EXIT);
    g_assert_cmpint(bed->request_value, ==, 35);
    space_write(bed->machine->io, 0xf4, 0x10, 4);
    g_assert_cmpint(bed->request_value, ==, 33);
    out8(bed, 0xf7, 0);
    g_assert_cmpint(bed->request_value, ==, 1);
    out8(bed, 0x503, 7);
    g_assert_cmpuint(bed->requests, ==, 3);
    bed_refuses(bed, &debug_exit_type, "iobase=0x502,iosize=1",
                "isa-debug-exit: port 0x502 is taken by isa-debug-exit");
}

static void debugcon(void)
{
    g_autofree char *text = g_malloc(10);
    Chardev *ring = good_chardev("ringbuf,id=ring,size=64");
    g_autoptr(Bed) bed = bed_new();
    g_autoptr(GError) err = NULL;
    size_t n = 0;

    bed_add(bed, &debugcon_type, "iobase=0x402,chardev=ring");
    bed_add(bed, &debugcon_type, "readback=0x42");
    g_assert_cmphex(in8(bed, 0x402), ==, 0xe9);
    g_assert_cmphex(in8(bed, 0xe9), ==, 0x42);
    out8(bed, 0xe9, 'x');               /* nobody listens */
    for (const char *c = "SeaBIOS"; *c; c++) {
        out8(bed, 0x402, *c);
    }
    chardevs_flush();
    g_assert_true(chardev_ringbuf_read(ring, (u8 *)text, 10, &n, &err));
    g_assert_cmpmem(text, n, "SeaBIOS", 7);
    bed_refuses(bed, &debugcon_type, "iobase=0x500,chardev=nobody",
                "isa-debugcon: there is no chardev 'nobody'");
    g_clear_pointer(&bed, bed_free);
    chardevs_close_all();
}

static void pvpanic(void)
{
    g_autoptr(Bed) bed = bed_new();

    bed_add(bed, &pvpanic_type, NULL);
    bed_add(bed, &pvpanic_type, "ioport=0x606,events=2");
    g_assert_cmphex(in8(bed, 0x505), ==, 3);
    g_assert_cmphex(in8(bed, 0x606), ==, 2);
    out8(bed, 0x505, 2);                /* a crash kernel goes on */
    out8(bed, 0x606, 1);                /* was not offered */
    g_assert_cmpuint(bed->requests, ==, 0);
    out8(bed, 0x505, 1);
    g_assert_cmpuint(bed->requests, ==, 1);
    g_assert_cmpint(bed->request, ==, REQUEST_PANIC);
}

static void port92(void)
{
    g_autoptr(Bed) bed = bed_new();
    Device *dev = bed_add(bed, &port92_type, NULL);

    out8(bed, 0x92, 0x00);
    g_assert_cmphex(in8(bed, 0x92), ==, 0x00);
    out8(bed, 0x92, 0x02);
    g_assert_cmphex(in8(bed, 0x92), ==, 0x02);
    g_assert_cmpuint(bed->requests, ==, 0);
    out8(bed, 0x92, 0x03);
    g_assert_cmpint(bed->request, ==, REQUEST_RESET);
    out8(bed, 0x92, 0x03);              /* only when the bit rises */
    g_assert_cmpuint(bed->requests, ==, 1);
    out8(bed, 0x92, 0x02);
    out8(bed, 0x92, 0x01);
    g_assert_cmpuint(bed->requests, ==, 2);
    bed_round_trip(dev);
    g_assert_cmphex(in8(bed, 0x92), ==, 0x01);
}

static void post(void)
{
    g_autoptr(Bed) bed = bed_new();
    Device *dev = bed_add(bed, &post_type, NULL);

    out8(bed, 0x80, 0xa7);
    bed_round_trip(dev);
    g_assert_cmphex(in8(bed, 0x80), ==, 0xa7);
}

static void fuzz(void)
{
    static const BedRange range[] = { { 0x80, 0x20, false }, { 0x400, 0x200, false } };
    g_autoptr(Bed) bed = bed_new();
    Device *dev = bed_add(bed, &port92_type, NULL);

    bed_add(bed, &debug_exit_type, NULL);
    bed_add(bed, &debugcon_type, "iobase=0x402");
    bed_add(bed, &pvpanic_type, NULL);
    bed_add(bed, &post_type, NULL);
    bed_fuzz(bed, dev, range, G_N_ELEMENTS(range), NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/misc/debug_exit", debug_exit);
    g_test_add_func("/hw/misc/debugcon", debugcon);
    g_test_add_func("/hw/misc/pvpanic", pvpanic);
    g_test_add_func("/hw/misc/port92", port92);
    g_test_add_func("/hw/misc/post", post);
    g_test_add_func("/hw/misc/fuzz", fuzz);
    return g_test_run();
}
