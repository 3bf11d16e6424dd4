/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mad driver on the whole board: random accesses to every port, every register and
 * configuration space, BARs laid over everything, time passing and resets in between.
 * After each reset the board is what it was.  MAYFLY_FUZZ=N in the environment: N times
 * as many accesses.
 */

#include "base/lock.h"
#include "hw/virtio/devices.h"
#include "tests/lib/board_bed.h"

#include <stdlib.h>

enum { ROUNDS = 20, ACCESSES = 20000, MEMORY = 16 << 20 };

/* Where something is, or can be put. */
static const struct { gpa base; u64 size; } place[] = {
    { 0xa0000, 0x60000 }, { 0xb0000000, 0x100000 }, { 0xb00f8000, 0x1000 },
    { 0xc0000000, 0x10000 }, { 0xfec00000, 0x100 }, { 0xfed00000, 0x400 },
    { 0xfee00000, 0x1000 }, { 0xfffc0000, 0x40000 }, { 0, MEMORY }, { 4 * GiB, 4096 },
};

static u64 random_value(void)
{
    u64 value = (u64)g_test_rand_int() << 32 | (u32)g_test_rand_int();

    switch (g_test_rand_int_range(0, 4)) {
    case 0:
        return g_test_rand_int_range(0, 4);
    case 1:
        return 1ull << (value & 63);
    case 2:
        return UINT64_MAX;
    default:
        return value;
    }
}

static unsigned random_size(unsigned most)
{
    return 1u << g_test_rand_int_range(0, most);
}

static void touch(Space *space, u64 at, unsigned size)
{
    if (g_test_rand_int_range(0, 2)) {
        space_write(space, at, random_value(), size);
    } else {
        space_read(space, at, size);
    }
}

static void touch_port(void)
{
    /* half of them where the old devices are */
    u16 port = g_test_rand_int_range(0, 2) ? g_test_rand_int_range(0, 0x400)
                                           : g_test_rand_int();

    touch(board_pc->io, port, random_size(3));
}

static void touch_memory(void)
{
    unsigned i = g_test_rand_int_range(0, G_N_ELEMENTS(place));

    touch(board_pc->mmio, place[i].base + (u32)g_test_rand_int() % place[i].size,
          random_size(4));
}

static void touch_config(void)
{
    static const u8 devfn[] = { 0x00, 0x08, 0xf8 };
    u32 address = 1u << 31 | devfn[g_test_rand_int_range(0, 3)] << 8 |
                  g_test_rand_int_range(0, 64) << 2;
    unsigned size = random_size(3);

    out(0xcf8, address, 4);
    touch(board_pc->io, 0xcfc + (g_test_rand_int_range(0, 4) & -size), size);
}

static void test_fuzz(void)
{
    const char *more = g_getenv("MAYFLY_FUZZ");
    u64 rounds = ROUNDS * (more ? MAX(atoi(more), 1) : 1);
    GError *err = NULL;
    g_autoptr(KeyVals) none = keyvals_parse("", NULL, &err);

    board_up();
    g_assert_nonnull(device_new(board_pc, &virtio_rng.device, virtio_rng.device.bus[0],
                                NULL, none, &err));
    for (u64 round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < ACCESSES; i++) {
            switch (g_test_rand_int_range(0, 8)) {
            case 0:
            case 1:
                touch_config();
                break;
            case 2:
            case 3:
            case 4:
                touch_port();
                break;
            default:
                touch_memory();
            }
            if (i % 512 == 0) {
                clock_set(board_pc->clock, clock_now(board_pc->clock) +
                                          (random_value() & 0xffffffff));
                g_main_context_iteration(NULL, FALSE);
            }
        }
        board_reset(board_pc);
        g_assert_cmphex(load(0xfffffff0), ==, 16383);
        g_assert_cmphex(load(0xffff0), ==, 16383);
        g_assert_cmphex(config_read(0, 0, 4), ==, 0x29c08086);
        g_assert_cmphex(config_read(LPC, 0, 4), ==, 0x29188086);
        g_assert_cmphex(in(0x604, 4), ==, 0xffffffff);
    }
    board_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/board/fuzz", test_fuzz);
    return g_test_run();
}
