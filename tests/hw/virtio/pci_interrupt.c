/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI: interrupts with and without MSI-X, the access window, bus mastering,
 * options (virtio 1.2, sections 4.1.4.5, 4.1.4.9, 4.1.5).
 */

#include "tests/lib/virtio_bed.h"

/* ---- interrupts (4.1.4.5, 4.1.5.1.2, 4.1.5.3, 4.1.5.4) ---- */

static bool line(void)
{
    return rig->level[16 + PCI_SLOT(d.devfn) % 8];
}

static void test_vectors(void)
{
    bed_open(&echo_type, NULL);
    driver_msix(&d, true);
    bed_bring_up(0, ECHO, 16);
    g_assert_cmphex(driver_get(&d, QUEUE_MSIX_VECTOR), ==, 1);
    g_assert_true(bed_request());
    g_assert_cmpuint(d.messages[1], ==, 1);
    g_assert_cmphex(driver_read(&d, AREA_ISR, 0, 1), ==, 0);
    driver_set(&d, QUEUE_MSIX_VECTOR, 4);       /* there are 0 to 3 */
    g_assert_cmphex(driver_get(&d, QUEUE_MSIX_VECTOR), ==, 0xffff);
    g_assert_true(bed_request());
    driver_set(&d, QUEUE_MSIX_VECTOR, 3);
    g_assert_true(bed_request());
    g_assert_cmpuint(d.messages[1] + d.messages[0], ==, 1);
    g_assert_cmpuint(d.messages[3], ==, 1);

    virtio_config_changed(&echo->virtio);       /* without a vector */
    driver_set(&d, CONFIG_MSIX_VECTOR, 77);
    g_assert_cmphex(driver_get(&d, CONFIG_MSIX_VECTOR), ==, 0xffff);
    virtio_config_changed(&echo->virtio);
    g_assert_cmpuint(d.messages[0], ==, 0);
    driver_set(&d, CONFIG_MSIX_VECTOR, 0);
    virtio_config_changed(&echo->virtio);
    g_assert_cmpuint(d.messages[0], ==, 1);
    g_assert_cmphex(driver_read(&d, AREA_ISR, 0, 1), ==, 2);
    g_assert_false(line());
    g_assert_cmpuint(d.strays, ==, 0);
    bed_close();
}

static void expect_isr(u8 isr)
{
    g_assert_true(line() == (isr != 0));
    g_assert_cmphex(driver_config(&d, 6, 2) & 8, ==, isr ? 8 : 0);
    g_assert_cmphex(driver_read(&d, AREA_ISR, 0, 1), ==, isr);
    g_assert_false(line());
    g_assert_cmphex(driver_config(&d, 6, 2) & 8, ==, 0);
}

static void intx(void)
{
    bed_bring_up(0, ECHO, 16);
    expect_isr(0);
    g_assert_true(bed_request());
    expect_isr(1);
    g_assert_true(bed_request());
    virtio_config_changed(&echo->virtio);
    expect_isr(3);
    ring_quiet(&the_ring);
    g_assert_true(bed_request());
    expect_isr(0);
    virtio_config_changed(&echo->virtio);
    driver_config_set(&d, 4, 6 | 0x400, 2);             /* INTx disabled */
    g_assert_false(line());
    driver_config_set(&d, 4, 6, 2);
    g_assert_true(line());
    driver_set(&d, STATUS, 0);                          /* a reset takes it back */
    g_assert_false(line());
    expect_isr(0);
}

static void test_intx(void)
{
    bed_open(&echo_type, NULL);
    intx();
    bed_close();
}

static void test_no_msix(void)
{
    bed_open(&echo_type, "vectors=0");
    g_assert_cmphex(d.msix, ==, 0);
    intx();
    bed_close();
}

/* What waits in the ISR is a line again when MSI-X is switched off. */
static void test_msix_switched(void)
{
    bed_open(&echo_type, NULL);
    driver_msix(&d, true);
    bed_bring_up(0, ECHO, 16);
    virtio_config_changed(&echo->virtio);
    g_assert_false(line());
    driver_msix(&d, false);
    g_assert_true(line());
    driver_msix(&d, true);
    g_assert_false(line());
    driver_msix(&d, false);
    expect_isr(2);
    bed_close();
}

/* ---- the window (4.1.4.9) ---- */

static void test_window(void)
{
    u8 cap;

    bed_open(&echo_type, NULL);
    d.by_window = true;
    g_assert_cmphex(driver_offered(&d) & F_VERSION_1, ==, F_VERSION_1);
    bed_bring_up(F_INDIRECT, ECHO, 16);
    g_assert_true(bed_request());
    expect_isr(1);
    driver_write(&d, AREA_DEVICE, 4, 0x11223344, 4);
    g_assert_cmphex(driver_read(&d, AREA_DEVICE, 6, 1), ==, 0x22);

    cap = d.area[AREA_WINDOW].cap;              /* aimed at nothing: plain bytes */
    driver_config_set(&d, cap + 4, 0, 1);
    driver_config_set(&d, cap + 16, 0xa1b2c3d4, 4);
    g_assert_cmphex(driver_config(&d, cap + 16, 4), ==, 0xa1b2c3d4);
    driver_config_set(&d, cap + 4, d.area[AREA_COMMON].bar, 1);
    driver_config_set(&d, cap + 8, 0xfffffffc, 4);
    g_assert_cmphex(driver_config(&d, cap + 16, 4), ==, 0xa1b2c3d4);
    driver_config_set(&d, cap + 8, d.area[AREA_COMMON].offset + 0x14, 4);
    driver_config_set(&d, cap + 12, 3, 4);
    driver_config_set(&d, cap + 16, 0, 4);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    bed_close();
}

/* ---- bus mastering: without it there is no memory (PCI 3.0, 6.2.2) ---- */

static void test_bus_master(void)
{
    bed_open(&echo_type, NULL);
    bed_bring_up(0, ECHO, 16);
    driver_config_set(&d, 4, 2, 2);
    g_assert_false(bed_request());
    driver_config_set(&d, 4, 6, 2);
    ring_notify(&the_ring);
    g_assert_true(ring_poll(&the_ring, &(DriverUsed){ 0 }));
    echo->hold = true;
    g_assert_false(bed_request());
    driver_config_set(&d, 4, 2, 2);
    echo_release(echo, 0);
    driver_config_set(&d, 4, 6, 2);
    g_assert_false(ring_poll(&the_ring, &(DriverUsed){ 0 }));
    bed_close();
}

static void refused(const char *options, const char *message)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(rig_new(&echo_type.device, &virtio_pci_bus, options, 0, &err));
    g_assert_cmpstr(err->message, ==, message);
}

static void test_options(void)
{
    bed_open(&echo_type, "disable-legacy=on,disable-modern=off,vectors=2");
    g_assert_cmphex(driver_config(&d, d.msix + 2, 2) & 0x7ff, ==, 1);
    bed_close();
    refused("disable-legacy=off", "disable-legacy: 'off' is not one of auto, on");
    refused("disable-modern=on", "disable-modern: 'on' is not off");
    refused("vectors=257", "vectors: '257' is not a number from 0 to 256");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-pci/vectors", test_vectors);
    g_test_add_func("/virtio-pci/intx", test_intx);
    g_test_add_func("/virtio-pci/no-msix", test_no_msix);
    g_test_add_func("/virtio-pci/msix-switched", test_msix_switched);
    g_test_add_func("/virtio-pci/window", test_window);
    g_test_add_func("/virtio-pci/bus-master", test_bus_master);
    g_test_add_func("/virtio-pci/options", test_options);
    return g_test_run();
}
