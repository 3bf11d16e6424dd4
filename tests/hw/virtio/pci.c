/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI as a driver meets it: virtio 1.2, section 4.1; and what a device must
 * do with status, features and queue registers (2.1, 2.2, 3.1, 4.1.4.3).
 */

#include "base/lock.h"
#include "tests/lib/conform.h"
#include "tests/lib/driver.h"
#include "tests/lib/echo.h"

static Rig *rig;
static Driver d;
static DriverRing ring;
static Echo *echo;

static u8 first_function(void)
{
    unsigned devfn = 0;

    while (!rig->machine->pci->function[devfn]) {
        devfn++;
    }
    return devfn;
}

static void set_up(const char *options)
{
    rig = rig_new(&echo_type.device, &virtio_pci_bus, options, 0, NULL);
    g_assert_nonnull(rig);
    echo = echo_of(container_of(rig->dev, VirtioDevice, device));
    machine_lock();
    g_assert_true(driver_open(&d, rig->machine, first_function()));
}

static void tear_down(void)
{
    machine_unlock();
    rig_free(rig);
}

/* A driver that is ready, with queue 0. */
static void bring_up(u64 features)
{
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | features));
    g_assert_true(driver_ring(&d, &ring, 0, 16));
    driver_ok(&d);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
}

/* One request through queue 0; true if it was served. */
static bool request(void)
{
    gpa at = driver_alloc(&d, 16, 16);
    DriverBuf buf[] = { { at, 4, false }, { at + 8, 4, true } };
    DriverUsed used;

    ram_put(d.machine, at, 0x12345678, 4);
    g_assert_cmpint(ring_add(&ring, buf, 2, false), >=, 0);
    ring_publish(&ring);
    ring_notify(&ring);
    return ring_poll(&ring, &used) && ram_get(d.machine, at + 8, 4) == 0x12345678;
}

/* ---- what is there (4.1.2, 4.1.4) ---- */

static void test_identity(void)
{
    set_up(NULL);
    g_assert_cmphex(driver_config(&d, 0, 4), ==, (0x1040u + 42) << 16 | 0x1af4);
    g_assert_cmphex(driver_config(&d, 8, 1), >=, 1);    /* 4.1.2.1: not transitional */
    g_assert_cmphex(driver_config(&d, 0x2e, 2), >=, 0x40);
    for (unsigned area = AREA_COMMON; area < AREAS; area++) {
        g_assert_true(d.area[area].there);
    }
    g_assert_cmphex(d.area[AREA_COMMON].length, >=, 56);
    g_assert_cmphex(d.area[AREA_COMMON].offset % 4, ==, 0);
    g_assert_cmphex(d.area[AREA_NOTIFY].length, >=, 2 * d.notify_multiplier + 2);
    g_assert_cmphex(d.area[AREA_DEVICE].length, ==, 8);
    g_assert_cmpuint(driver_get(&d, NUM_QUEUES), ==, 3);
    g_assert_cmphex(driver_offered(&d), ==,
                    F_VERSION_1 | F_PACKED | F_INDIRECT | F_EVENT_IDX);
    driver_set(&d, DEVICE_FEATURE_SELECT, 2);
    g_assert_cmphex(driver_get(&d, DEVICE_FEATURE), ==, 0);
    tear_down();
}

static void test_features_off(void)
{
    set_up("packed=off,indirect_desc=off,event-idx=off");
    g_assert_cmphex(driver_offered(&d), ==, F_VERSION_1);
    tear_down();
}

/* ---- registers ---- */

static void test_register_widths(void)
{
    set_up(NULL);
    driver_set(&d, QUEUE_SELECT, 1);
    driver_write(&d, AREA_COMMON, 0x20, 0x1122334455667780, 8);
    g_assert_cmphex(driver_read(&d, AREA_COMMON, 0x20, 8), ==, 0x1122334455667780);
    g_assert_cmphex(driver_read(&d, AREA_COMMON, 0x24, 4), ==, 0x11223344);
    driver_write(&d, AREA_COMMON, 0x24, 0xaabbccdd, 4);
    g_assert_cmphex(driver_get(&d, QUEUE_DESC), ==, 0xaabbccdd55667780);
    /* Other widths than a field's own are ignored, and do not spill over. */
    driver_write(&d, AREA_COMMON, 0x20, 0x99, 1);
    driver_write(&d, AREA_COMMON, 0x22, 0x9999, 2);
    g_assert_cmphex(driver_get(&d, QUEUE_DESC), ==, 0xaabbccdd55667780);
    driver_write(&d, AREA_COMMON, 0x16, 2, 1);
    driver_write(&d, AREA_COMMON, 0x14, 0x00020f0f, 4);
    g_assert_cmphex(driver_get(&d, QUEUE_SELECT), ==, 1);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0);
    g_assert_cmphex(driver_read(&d, AREA_COMMON, 0x21, 1), ==, 0x77);
    g_assert_cmphex(driver_read(&d, AREA_COMMON, 56, 4), ==, 0);
    tear_down();
}

static void test_read_only(void)
{
    static const unsigned regs[] = { DEVICE_FEATURE, NUM_QUEUES, CONFIG_GENERATION,
                                     QUEUE_NOTIFY_OFF };

    set_up(NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        u64 before = driver_get(&d, regs[i]);

        driver_set(&d, regs[i], ~before);
        g_assert_cmphex(driver_get(&d, regs[i]), ==, before);
    }
    tear_down();
}

static void test_no_such_queue(void)
{
    set_up(NULL);
    g_assert_true(driver_negotiate(&d, F_VERSION_1));
    driver_set(&d, QUEUE_SELECT, 3);
    driver_set(&d, QUEUE_DESC, 0x1000);
    driver_set(&d, QUEUE_ENABLE, 1);
    g_assert_cmpuint(driver_get(&d, QUEUE_SIZE), ==, 0);
    g_assert_cmpuint(driver_get(&d, QUEUE_ENABLE), ==, 0);
    g_assert_cmphex(driver_get(&d, QUEUE_DESC), ==, 0);
    driver_set(&d, QUEUE_SELECT, 0xffff);
    g_assert_cmpuint(driver_get(&d, QUEUE_SIZE), ==, 0);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0b);
    tear_down();
}

/* ---- status and features (2.1, 2.2, 3.1.1) ---- */

static void test_feature_rules(void)
{
    set_up(NULL);
    g_assert_false(driver_negotiate(&d, F_PACKED));         /* no VERSION_1 */
    g_assert_true(driver_negotiate(&d, F_VERSION_1));
    driver_set(&d, STATUS, 0);
    driver_set(&d, STATUS, 3);
    driver_set(&d, DRIVER_FEATURE_SELECT, 1);
    driver_set(&d, DRIVER_FEATURE, 1 | 1 << 9);             /* 41: nobody offers it */
    driver_set(&d, STATUS, 0x0b);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 3);
    driver_set(&d, STATUS, 0x07);                           /* no DRIVER_OK without */
    g_assert_cmphex(driver_get(&d, STATUS), ==, 3);
    driver_set(&d, DRIVER_FEATURE, 1);
    driver_set(&d, STATUS, 0x0b);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0b);
    driver_set(&d, DRIVER_FEATURE, 1 | 4);                  /* too late */
    g_assert_cmphex(driver_get(&d, DRIVER_FEATURE), ==, 1);
    driver_set(&d, STATUS, 0x80);                           /* bits are only set */
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x8b);
    driver_set(&d, STATUS, 0x40);                           /* the device's own bit */
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x8b);
    driver_set(&d, STATUS, 0);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0);
    tear_down();
}

/* ---- queues ---- */

typedef struct { u64 features; u16 size; u64 desc, driver, device; bool good; } Setup;

static void try_queue(const Setup *s)
{
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | s->features));
    driver_set(&d, QUEUE_SELECT, 1);
    driver_set(&d, QUEUE_SIZE, s->size);
    driver_set(&d, QUEUE_DESC, s->desc);
    driver_set(&d, QUEUE_DRIVER, s->driver);
    driver_set(&d, QUEUE_DEVICE, s->device);
    driver_set(&d, QUEUE_ENABLE, 0);
    g_assert_cmpuint(driver_get(&d, QUEUE_ENABLE), ==, 0);
    driver_set(&d, QUEUE_ENABLE, 1);
    g_assert_cmpuint(driver_get(&d, QUEUE_ENABLE), ==, s->good);
    g_assert_cmphex(driver_get(&d, STATUS), ==, s->good ? 0x0b : 0x4b);
}

static void test_queue_rules(void)
{
    static const Setup setups[] = {
        { 0, 32, 0x1000, 0x2002, 0x3004, true },
        { 0, 1, 0x1000, 0x2002, 0x3004, true },
        { 0, 0, 0x1000, 0x2000, 0x3000, false },
        { 0, 32, 0x1008, 0x2000, 0x3000, false },
        { 0, 32, 0x1000, 0x2001, 0x3000, false },
        { 0, 32, 0x1000, 0x2000, 0x3002, false },
        { F_PACKED, 33, 0x1000, 0x2004, 0x3004, true },
        { F_PACKED, 33, 0x1000, 0x2002, 0x3000, false },
        { F_PACKED, 0, 0x1000, 0x2000, 0x3000, false },
    };

    set_up(NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(setups); i++) {
        try_queue(&setups[i]);
    }
    /* 4.1.4.3.1: what is presented is 0 or a power of 2, and not more than offered. */
    g_assert_true(driver_negotiate(&d, F_VERSION_1));
    driver_set(&d, QUEUE_SELECT, 1);
    g_assert_cmpuint(driver_get(&d, QUEUE_SIZE), ==, 64);
    driver_set(&d, QUEUE_SIZE, 33);
    g_assert_cmpuint(driver_get(&d, QUEUE_SIZE), ==, 64);
    driver_set(&d, QUEUE_SIZE, 128);
    g_assert_cmpuint(driver_get(&d, QUEUE_SIZE), ==, 64);
    tear_down();
}

/* 3.1.1: not before FEATURES_OK; and nothing changes once it is enabled. */
static void test_enabled_is_fixed(void)
{
    static const unsigned regs[] = { QUEUE_SIZE, QUEUE_ENABLE, QUEUE_DESC,
                                     QUEUE_DRIVER, QUEUE_DEVICE };

    set_up(NULL);
    driver_set(&d, STATUS, 3);
    driver_set(&d, QUEUE_ENABLE, 1);
    g_assert_cmpuint(driver_get(&d, QUEUE_ENABLE), ==, 0);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x43);
    bring_up(0);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        u64 before = driver_get(&d, regs[i]);

        driver_set(&d, regs[i], 4);
        driver_set(&d, regs[i], 0);
        g_assert_cmphex(driver_get(&d, regs[i]), ==, before);
    }
    g_assert_true(request());
    tear_down();
}

/* ---- reset ---- */

static void test_reset(void)
{
    set_up(NULL);
    driver_msix(&d, true);
    bring_up(F_PACKED | F_EVENT_IDX | F_INDIRECT);
    driver_set(&d, CONFIG_MSIX_VECTOR, 2);
    driver_write(&d, AREA_DEVICE, 0, 0x1234567890, 8);
    g_assert_true(request());
    virtio_config_changed(&echo->virtio);
    (void)driver_read(&d, AREA_DEVICE, 0, 4);
    driver_set(&d, DEVICE_FEATURE_SELECT, 1);
    echo->hold = true;
    g_assert_false(request());
    g_assert_cmpuint(chains_out(&echo->virtio), ==, 1);
    driver_set(&d, STATUS, 0);

    g_assert_cmpuint(chains_out(&echo->virtio), ==, 0);
    for (unsigned n = 0; n < 3; n++) {
        static const u16 size[] = { 256, 64, 16 };

        driver_set(&d, QUEUE_SELECT, n);
        g_assert_cmpuint(driver_get(&d, QUEUE_SIZE), ==, size[n]);
        g_assert_cmpuint(driver_get(&d, QUEUE_ENABLE), ==, 0);
        g_assert_cmphex(driver_get(&d, QUEUE_MSIX_VECTOR), ==, 0xffff);
        g_assert_cmphex(driver_get(&d, QUEUE_DESC), ==, 0);
        g_assert_cmphex(driver_get(&d, QUEUE_DRIVER), ==, 0);
        g_assert_cmphex(driver_get(&d, QUEUE_DEVICE), ==, 0);
    }
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0);
    g_assert_cmphex(driver_get(&d, CONFIG_MSIX_VECTOR), ==, 0xffff);
    g_assert_cmphex(driver_get(&d, DEVICE_FEATURE_SELECT), ==, 0);
    g_assert_cmphex(driver_get(&d, DRIVER_FEATURE), ==, 0);
    g_assert_cmphex(driver_read(&d, AREA_DEVICE, 0, 8), ==, 0);     /* its own state */
    g_assert_cmphex(driver_read(&d, AREA_ISR, 0, 1), ==, 0);
    echo->hold = false;
    bring_up(0);
    g_assert_true(request());
    tear_down();
}

/* ---- configuration space (2.5, 4.1.4.3.1) ---- */

static void test_config_space(void)
{
    u8 generation;

    set_up(NULL);
    driver_write(&d, AREA_DEVICE, 2, 0xbbaa, 2);
    driver_write(&d, AREA_DEVICE, 7, 0xcc, 1);
    driver_write(&d, AREA_DEVICE, 8, 0xffffffff, 4);        /* beyond the end */
    g_assert_cmphex(driver_read(&d, AREA_DEVICE, 0, 8), ==, 0xcc000000bbaa0000);
    g_assert_cmphex(driver_read(&d, AREA_DEVICE, 8, 4), ==, 0);
    for (unsigned i = 0; i < 256; i++) {        /* an 8-bit counter must not hide it */
        (void)driver_read(&d, AREA_DEVICE, 0, 4);
        generation = driver_get(&d, CONFIG_GENERATION);
        for (unsigned n = 0; n <= i; n++) {
            virtio_config_changed(&echo->virtio);
        }
        (void)driver_read(&d, AREA_DEVICE, 4, 4);
        g_assert_cmphex(driver_get(&d, CONFIG_GENERATION), !=, generation);
    }
    generation = driver_get(&d, CONFIG_GENERATION);
    (void)driver_read(&d, AREA_DEVICE, 4, 4);
    g_assert_cmphex(driver_get(&d, CONFIG_GENERATION), ==, generation);
    tear_down();
}

/* ---- interrupts (4.1.4.5, 4.1.5.1.2, 4.1.5.3, 4.1.5.4) ---- */

static bool line(void)
{
    return rig->level[16 + PCI_SLOT(d.devfn) % 8];
}

static void test_vectors(void)
{
    set_up(NULL);
    driver_msix(&d, true);
    bring_up(0);
    g_assert_cmphex(driver_get(&d, QUEUE_MSIX_VECTOR), ==, 1);
    g_assert_true(request());
    g_assert_cmpuint(d.messages[1], ==, 1);
    g_assert_cmphex(driver_read(&d, AREA_ISR, 0, 1), ==, 0);
    driver_set(&d, QUEUE_MSIX_VECTOR, 4);       /* there are 0 to 3 */
    g_assert_cmphex(driver_get(&d, QUEUE_MSIX_VECTOR), ==, 0xffff);
    g_assert_true(request());
    driver_set(&d, QUEUE_MSIX_VECTOR, 3);
    g_assert_true(request());
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
    tear_down();
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
    bring_up(0);
    expect_isr(0);
    g_assert_true(request());
    expect_isr(1);
    g_assert_true(request());
    virtio_config_changed(&echo->virtio);
    expect_isr(3);
    ring_quiet(&ring);
    g_assert_true(request());
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
    set_up(NULL);
    intx();
    tear_down();
}

static void test_no_msix(void)
{
    set_up("vectors=0");
    g_assert_cmphex(d.msix, ==, 0);
    intx();
    tear_down();
}

/* What waits in the ISR is a line again when MSI-X is switched off. */
static void test_msix_switched(void)
{
    set_up(NULL);
    driver_msix(&d, true);
    bring_up(0);
    virtio_config_changed(&echo->virtio);
    g_assert_false(line());
    driver_msix(&d, false);
    g_assert_true(line());
    driver_msix(&d, true);
    g_assert_false(line());
    driver_msix(&d, false);
    expect_isr(2);
    tear_down();
}

/* ---- the window (4.1.4.9) ---- */

static void test_window(void)
{
    u8 cap;

    set_up(NULL);
    d.by_window = true;
    g_assert_cmphex(driver_offered(&d) & F_VERSION_1, ==, F_VERSION_1);
    bring_up(F_INDIRECT);
    g_assert_true(request());
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
    tear_down();
}

/* ---- bus mastering: without it there is no memory (PCI 3.0, 6.2.2) ---- */

static void test_bus_master(void)
{
    set_up(NULL);
    bring_up(0);
    driver_config_set(&d, 4, 2, 2);
    g_assert_false(request());
    driver_config_set(&d, 4, 6, 2);
    ring_notify(&ring);
    g_assert_true(ring_poll(&ring, &(DriverUsed){ 0 }));
    echo->hold = true;
    g_assert_false(request());
    driver_config_set(&d, 4, 2, 2);
    echo_release(echo, 0);
    driver_config_set(&d, 4, 6, 2);
    g_assert_false(ring_poll(&ring, &(DriverUsed){ 0 }));
    tear_down();
}

static void refused(const char *options, const char *message)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(rig_new(&echo_type.device, &virtio_pci_bus, options, 0, &err));
    g_assert_cmpstr(err->message, ==, message);
}

static void test_options(void)
{
    set_up("disable-legacy=on,disable-modern=off,vectors=2");
    g_assert_cmphex(driver_config(&d, d.msix + 2, 2) & 0x7ff, ==, 1);
    tear_down();
    refused("disable-legacy=off", "disable-legacy: 'off' is not one of auto, on");
    refused("disable-modern=on", "disable-modern: 'on' is not off");
    refused("vectors=257", "vectors: '257' is not a number from 0 to 256");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-pci/identity", test_identity);
    g_test_add_func("/virtio-pci/features-off", test_features_off);
    g_test_add_func("/virtio-pci/register-widths", test_register_widths);
    g_test_add_func("/virtio-pci/read-only", test_read_only);
    g_test_add_func("/virtio-pci/no-such-queue", test_no_such_queue);
    g_test_add_func("/virtio-pci/feature-rules", test_feature_rules);
    g_test_add_func("/virtio-pci/queue-rules", test_queue_rules);
    g_test_add_func("/virtio-pci/enabled-is-fixed", test_enabled_is_fixed);
    g_test_add_func("/virtio-pci/reset", test_reset);
    g_test_add_func("/virtio-pci/config-space", test_config_space);
    g_test_add_func("/virtio-pci/vectors", test_vectors);
    g_test_add_func("/virtio-pci/intx", test_intx);
    g_test_add_func("/virtio-pci/no-msix", test_no_msix);
    g_test_add_func("/virtio-pci/msix-switched", test_msix_switched);
    g_test_add_func("/virtio-pci/window", test_window);
    g_test_add_func("/virtio-pci/bus-master", test_bus_master);
    g_test_add_func("/virtio-pci/options", test_options);
    return g_test_run();
}
