/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-input: virtio 1.2, section 5.8; event numbers are Linux's
 * (input-event-codes.h), written once more.
 */

#include "hw/virtio/devices.h"
#include "tests/lib/virtio_bed.h"
#include "ui/input.h"

enum { SELECT = 0, SUBSEL = 1, SIZE = 2, DATA = 8 };
enum { SYN, KEY, REL, ABS };

static gpa buffers;
static unsigned put_in, taken;

static void add_buffers(unsigned n)
{
    for (unsigned i = 0; i < n; i++, put_in++) {
        DriverBuf buf = { buffers + put_in % 64 * 8, 8, true };

        g_assert_cmpint(ring_add(&the_ring, &buf, 1, false), >=, 0);
    }
    ring_publish(&the_ring);
    ring_notify(&the_ring);
}

static void set_up(const VirtioType *type)
{
    bed_open(type, NULL);
    buffers = driver_alloc(&d, 64 * 8, 8);
    put_in = taken = 0;
    bed_bring_up(0, 0, 64);
}

/* The next event is this one. */
static void expect(unsigned type, unsigned code, u32 value)
{
    gpa at = buffers + taken++ % 64 * 8;
    DriverUsed used;

    g_assert_true(ring_poll(&the_ring, &used));
    g_assert_cmpuint(used.bytes, ==, 8);
    g_assert_cmpuint(ram_get(d.machine, at, 2), ==, type);
    g_assert_cmpuint(ram_get(d.machine, at + 2, 2), ==, code);
    g_assert_cmpuint(ram_get(d.machine, at + 4, 4), ==, value);
}

static void expect_none(void)
{
    DriverUsed used;

    g_assert_false(ring_poll(&the_ring, &used));
}

static u64 config(unsigned select, unsigned subsel, unsigned at)
{
    driver_write(&d, AREA_DEVICE, SELECT, select, 1);
    driver_write(&d, AREA_DEVICE, SUBSEL, subsel, 1);
    return driver_read(&d, AREA_DEVICE, at, at == SIZE ? 1 : 4);
}

static void test_keyboard(void)
{
    set_up(&virtio_keyboard);
    add_buffers(8);
    input_key(30, true);                /* A */
    expect_none();
    input_sync();
    expect(KEY, 30, 1);
    expect(SYN, 0, 0);
    input_key(30, true);                /* the host's repetition */
    input_sync();
    expect_none();
    input_key(30, false);
    input_sync();
    expect(KEY, 30, 0);
    expect(SYN, 0, 0);
    /* The focus goes with two keys down. */
    input_key(29, true);
    input_key(56, true);
    input_sync();
    expect(KEY, 29, 1);
    expect(KEY, 56, 1);
    expect(SYN, 0, 0);
    add_buffers(8);
    input_release_all();
    expect(KEY, 29, 0);
    expect(KEY, 56, 0);
    expect(SYN, 0, 0);
    bed_close();
}

/* Events without room for all of them are dropped whole, and later ones come. */
static void test_no_room(void)
{
    set_up(&virtio_keyboard);
    add_buffers(1);
    input_key(30, true);
    input_sync();
    expect_none();
    add_buffers(3);
    input_key(30, false);
    input_sync();
    expect(KEY, 30, 0);
    expect(SYN, 0, 0);
    bed_close();
}

static void test_tablet(void)
{
    set_up(&virtio_tablet);
    add_buffers(16);
    g_assert_true(input_is_absolute());
    input_place(0x4000, 0x10000);               /* beyond the edge */
    input_button(BUTTON_RIGHT, true);
    input_wheel(0, -1);
    input_sync();
    expect(ABS, 0, 0x4000);
    expect(ABS, 1, 0x7fff);
    expect(KEY, 0x111, 1);
    expect(REL, 8, UINT32_MAX);
    expect(SYN, 0, 0);
    input_button(BUTTON_RIGHT, false);
    input_sync();
    g_assert_cmpuint(config(0x12, 1, DATA + 4), ==, 0x7fff);
    g_assert_cmpuint(config(0x12, 2, SIZE), ==, 0);
    bed_close();
}

static void test_config(void)
{
    set_up(&virtio_keyboard);
    g_assert_cmphex(driver_config(&d, 2, 2), ==, 0x1052);
    g_assert_cmpuint(config(1, 0, SIZE), ==, 20);           /* its name */
    g_assert_cmphex(config(1, 0, DATA), ==, 0x554d4551);    /* "QEMU" */
    g_assert_cmpuint(config(3, 0, SIZE), ==, 8);
    g_assert_cmphex(config(0x11, KEY, DATA) & 3, ==, 2);    /* Esc is 1, 0 is no key */
    g_assert_cmpuint(config(0x11, ABS, SIZE), ==, 0);
    g_assert_cmpuint(config(0x77, 0, SIZE), ==, 0);
    bed_close();
}

/* Without a driver nothing is told, and nothing breaks. */
static void test_no_driver(void)
{
    bed_open(&virtio_mouse, NULL);
    input_move(3, 4);
    input_sync();
    g_assert_false(input_is_absolute());
    bed_close();
}

static void test_touch(void)
{
    set_up(&virtio_multitouch);
    add_buffers(32);
    input_touch(2, true, 100, 200);
    input_sync();
    expect(ABS, 0x2f, 2);
    expect(ABS, 0x39, 2);
    expect(ABS, 0x35, 100);
    expect(ABS, 0x36, 200);
    expect(KEY, 0x14a, 1);
    expect(SYN, 0, 0);
    input_release_all();
    expect(ABS, 0x2f, 2);
    expect(ABS, 0x39, UINT32_MAX);
    expect(KEY, 0x14a, 0);
    expect(SYN, 0, 0);
    bed_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/input/keyboard", test_keyboard);
    g_test_add_func("/input/no-room", test_no_room);
    g_test_add_func("/input/tablet", test_tablet);
    g_test_add_func("/input/config", test_config);
    g_test_add_func("/input/no-driver", test_no_driver);
    g_test_add_func("/input/touch", test_touch);
    return g_test_run();
}
