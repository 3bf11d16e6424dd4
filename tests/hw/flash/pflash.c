/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flash chip: Intel's command set (data sheet 290667), JESD68.01, and what OVMF's
 * driver expects of it.
 */

#include "base/lock.h"
#include "block/block.h"
#include "hw/flash/pflash.h"
#include "tests/lib/bed.h"
#include "tests/lib/block_mem.h"

#include <errno.h>
#include <string.h>

enum { BYTES = 64 << 10, AT = 0xffff0000 };

static Bed *bed;
static BlockNode *node;
static Device *flash;

static void set_up(void)
{
    u8 first[8];

    node = mem_node("flash", BYTES);
    for (unsigned i = 0; i < sizeof first; i++) {
        first[i] = 0xf0 + i;
    }
    g_assert_cmpint(node_write(node, 0, first, sizeof first), ==, 0);
    bed = bed_new();
    flash = bed_add(bed, &pflash_type, "drive=flash,base=0xffff0000,bytes=64K");
}

static void tear_down(void)
{
    bed_free(bed);
    node_unref(node);
}

static u64 get(unsigned at, unsigned n)
{
    return mmio_read(bed, AT + at, n);
}

static void put(unsigned at, u64 value)
{
    mmio_write(bed, AT + at, value, 1);
}

static void wait_for_drive(void)
{
    machine_lock();
    block_drain(block_by_id("flash"), false);
    machine_unlock();
}

static u8 on_drive(unsigned at)
{
    u8 byte;

    wait_for_drive();
    g_assert_cmpint(node_read(node, at, &byte, 1), ==, 0);
    return byte;
}

/* It is memory that a CPU may execute from, until a command comes. */
static void test_array(void)
{
    const FlatRange *range;

    set_up();
    range = space_find(bed->machine->mmio, AT);
    g_assert_true(range->host && range->readonly);
    g_assert_cmphex(get(0, 8), ==, 0xf7f6f5f4f3f2f1f0);
    put(0, 0x70);
    range = space_find(bed->machine->mmio, AT);
    g_assert_null(range->host);
    put(0, 0xff);
    g_assert_nonnull(space_find(bed->machine->mmio, AT)->host);
    tear_down();
}

/* OVMF: cleared, the status is 0, and the byte was not written. */
static void test_detection(void)
{
    set_up();
    put(3, 0x50);
    g_assert_cmphex(get(3, 1), ==, 0xf3);
    put(3, 0x70);
    g_assert_cmphex(get(3, 1), ==, 0x00);
    put(3, 0xff);
    g_assert_cmphex(get(3, 1), ==, 0xf3);
    tear_down();
}

/* Programming clears bits; both commands do it; the drive has it then. */
static void test_program(void)
{
    set_up();
    put(1, 0x40);
    put(1, 0x3c);
    g_assert_cmphex(get(1, 1), ==, 0x80);
    put(2, 0x10);
    put(2, 0xf0);
    put(0, 0xff);
    g_assert_cmphex(get(0, 4), ==, 0xf3f030f0);
    g_assert_cmphex(on_drive(1), ==, 0x30);
    g_assert_cmphex(on_drive(2), ==, 0xf0);
    tear_down();
}

static void test_erase(void)
{
    set_up();
    put(5000, 0x20);
    put(5000, 0xd0);
    g_assert_cmphex(get(0, 1), ==, 0x80);
    put(0, 0xff);
    g_assert_cmphex(get(4095, 1), ==, 0x00);
    g_assert_cmphex(get(4096, 8), ==, UINT64_MAX);
    g_assert_cmphex(get(8191, 2), ==, 0x00ff);
    g_assert_cmphex(on_drive(8191), ==, 0xff);
    g_assert_cmphex(on_drive(8192), ==, 0x00);
    put(0, 0x20);                       /* without the confirmation: both error bits */
    put(0, 0x00);
    g_assert_cmphex(get(0, 1), ==, 0xb0);
    put(0, 0xff);
    g_assert_cmphex(get(0, 1), ==, 0xf0);
    tear_down();
}

static void test_buffer(void)
{
    set_up();
    put(4096, 0x20);
    put(4096, 0xd0);
    put(4096, 0xe8);
    put(4096, 3);                       /* four bytes */
    for (unsigned i = 0; i < 4; i++) {
        put(4100 + i, 0x11 * (i + 1));
    }
    put(4096, 0xd0);
    put(0, 0xff);
    g_assert_cmphex(get(4096, 8), ==, 0x44332211ffffffff);
    g_assert_cmphex(get(4104, 1), ==, 0xff);
    g_assert_cmphex(on_drive(4103), ==, 0x44);
    tear_down();
}

static void test_identity(void)
{
    set_up();
    put(0, 0x90);
    g_assert_cmphex(get(0, 1), ==, 0x89);               /* Intel */
    put(0x55, 0x98);
    g_assert_cmphex(get(0x10, 1), ==, 'Q');
    g_assert_cmphex(get(0x11, 1), ==, 'R');
    g_assert_cmphex(get(0x12, 1), ==, 'Y');
    g_assert_cmphex(get(0x27, 1), ==, 16);              /* 2^16 bytes */
    g_assert_cmphex(get(0x2c, 1), ==, 1);               /* one kind of sectors: */
    g_assert_cmphex(get(0x2d, 1) | get(0x2e, 1) << 8, ==, 15);
    g_assert_cmphex(get(0x2f, 1) | get(0x30, 1) << 8, ==, 4096 / 256);
    tear_down();
}

/* What waits goes with the state, the array with its drive. */
static void test_state(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    u8 byte = 0x77;

    set_up();
    put(1, 0x40);
    device_save(flash, saved);
    machine_lock();
    device_reset(flash);
    machine_unlock();
    g_assert_cmphex(get(1, 1), ==, 0xf1);
    g_assert_cmpint(node_write(node, 6, &byte, 1), ==, 0);
    machine_lock();
    g_assert_true(device_load(flash, saved->data, saved->len, &err));
    machine_unlock();
    put(1, 0x00);
    put(0, 0xff);
    g_assert_cmphex(get(0, 8), ==, 0xf777f5f4f3f200f0);
    tear_down();
}

/* An error of the drive does not reach the guest; the next store tries again. */
static void test_drive_error(void)
{
    MemFile *file;

    set_up();
    file = mem_file(node);
    file->fail[MEM_WRITE] = (typeof(file->fail[0])){
        file->calls[MEM_WRITE] + 1, 1, -EIO };
    put(1, 0x40);
    put(1, 0x00);
    wait_for_drive();
    g_assert_cmphex(on_drive(1), ==, 0xf1);
    put(2, 0x40);
    put(2, 0x00);
    g_assert_cmphex(on_drive(1), ==, 0x00);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pflash/array", test_array);
    g_test_add_func("/pflash/detection", test_detection);
    g_test_add_func("/pflash/program", test_program);
    g_test_add_func("/pflash/erase", test_erase);
    g_test_add_func("/pflash/buffer", test_buffer);
    g_test_add_func("/pflash/identity", test_identity);
    g_test_add_func("/pflash/state", test_state);
    g_test_add_func("/pflash/drive-error", test_drive_error);
    return g_test_run();
}
