/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI as a driver meets it: virtio 1.2, section 4.1; and what a device must
 * do with status, features and queue registers (2.1, 2.2, 3.1, 4.1.4.3).
 */

#include "tests/lib/virtio_bed.h"

/* ---- what is there (4.1.2, 4.1.4) ---- */

static void test_identity(void)
{
    bed_open(&echo_type, NULL);
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
    bed_close();
}

static void test_features_off(void)
{
    bed_open(&echo_type, "packed=off,indirect_desc=off,event-idx=off");
    g_assert_cmphex(driver_offered(&d), ==, F_VERSION_1);
    bed_close();
}

/* ---- registers ---- */

static void test_register_widths(void)
{
    bed_open(&echo_type, NULL);
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
    bed_close();
}

static void test_read_only(void)
{
    static const unsigned regs[] = { DEVICE_FEATURE, NUM_QUEUES, CONFIG_GENERATION,
                                     QUEUE_NOTIFY_OFF };

    bed_open(&echo_type, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        u64 before = driver_get(&d, regs[i]);

        driver_set(&d, regs[i], ~before);
        g_assert_cmphex(driver_get(&d, regs[i]), ==, before);
    }
    bed_close();
}

static void test_no_such_queue(void)
{
    bed_open(&echo_type, NULL);
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
    bed_close();
}

/* ---- status and features (2.1, 2.2, 3.1.1) ---- */

static void test_feature_rules(void)
{
    bed_open(&echo_type, NULL);
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
    bed_close();
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

    bed_open(&echo_type, NULL);
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
    bed_close();
}

/* 3.1.1: not before FEATURES_OK; and nothing changes once it is enabled. */
static void test_enabled_is_fixed(void)
{
    static const unsigned regs[] = { QUEUE_SIZE, QUEUE_ENABLE, QUEUE_DESC,
                                     QUEUE_DRIVER, QUEUE_DEVICE };

    bed_open(&echo_type, NULL);
    driver_set(&d, STATUS, 3);
    driver_set(&d, QUEUE_ENABLE, 1);
    g_assert_cmpuint(driver_get(&d, QUEUE_ENABLE), ==, 0);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x43);
    bed_bring_up(0, ECHO, 16);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        u64 before = driver_get(&d, regs[i]);

        driver_set(&d, regs[i], 4);
        driver_set(&d, regs[i], 0);
        g_assert_cmphex(driver_get(&d, regs[i]), ==, before);
    }
    g_assert_true(bed_request());
    bed_close();
}

/* ---- reset ---- */

static void test_reset(void)
{
    bed_open(&echo_type, NULL);
    driver_msix(&d, true);
    bed_bring_up(F_PACKED | F_EVENT_IDX | F_INDIRECT, ECHO, 16);
    driver_set(&d, CONFIG_MSIX_VECTOR, 2);
    driver_write(&d, AREA_DEVICE, 0, 0x1234567890, 8);
    g_assert_true(bed_request());
    virtio_config_changed(&echo->virtio);
    (void)driver_read(&d, AREA_DEVICE, 0, 4);
    driver_set(&d, DEVICE_FEATURE_SELECT, 1);
    echo->hold = true;
    g_assert_false(bed_request());
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
    bed_bring_up(0, ECHO, 16);
    g_assert_true(bed_request());
    bed_close();
}

/* A restore drops what is in flight: the restored driver knows nothing of it. */
static void test_restore_in_flight(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    u16 used;

    bed_open(&echo_type, NULL);
    bed_bring_up(0, ECHO, 16);
    g_assert_true(bed_request());
    device_save(rig->dev, saved);
    echo->hold = true;
    g_assert_false(bed_request());
    used = ram_get(d.machine, the_ring.used + 2, 2);
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_cmpuint(chains_out(&echo->virtio), ==, 0);
    g_assert_cmpuint(ram_get(d.machine, the_ring.used + 2, 2), ==, used);
    echo->hold = false;
    ring_notify(&the_ring);                     /* its ring still holds the request */
    g_assert_true(ring_poll(&the_ring, &(DriverUsed){ 0 }));
    g_assert_true(bed_request());
    bed_close();
}

/* ---- configuration space (2.5, 4.1.4.3.1) ---- */

static void test_config_space(void)
{
    u8 generation;

    bed_open(&echo_type, NULL);
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
    bed_close();
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
    g_test_add_func("/virtio-pci/restore-in-flight", test_restore_in_flight);
    g_test_add_func("/virtio-pci/config-space", test_config_space);
    return g_test_run();
}
