/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flash chip under stores and loads of all widths, most of them commands.  Its
 * drive fails now and then, the chip is reset, saved and restored.  The monitor must
 * live, and what the chip shows as its array is what its drive has at the end.
 *
 * MAYFLY_FUZZ=N in the environment: N times 200000 accesses.  --seed repeats a run.
 */

#include "base/lock.h"
#include "block/block.h"
#include "hw/flash/pflash.h"
#include "tests/lib/bed.h"
#include "tests/lib/block_mem.h"
#include "tests/lib/chance.h"

#include <errno.h>
#include <string.h>

enum { BYTES = 64 << 10, AT = 0xffff0000, ACCESSES = 200000 };

static Bed *bed;
static BlockNode *node;
static Device *flash;
static Chance chance;

static void wait_for_drive(void)
{
    machine_lock();
    block_drain(block_by_id("flash"), false);
    machine_unlock();
}

static void one_access(void)
{
    static const u8 command[] = { 0x10, 0x40, 0x20, 0x50, 0x60, 0x70, 0x90, 0x98, 0xd0,
                                  0xe8, 0xff, 0x00 };
    u64 at = AT + MIN(chance_below(&chance, BYTES), BYTES - 8);
    u64 value = chance_next(&chance);
    unsigned n = 1u << chance_below(&chance, 4);

    if (chance_below(&chance, 4)) {
        value = command[chance_below(&chance, sizeof command)];
    }
    if (chance_below(&chance, 3)) {
        mmio_write(bed, at, value, n);
    } else {
        (void)mmio_read(bed, at, n);
    }
}

static void disturb(void)
{
    MemFile *file = mem_file(node);

    if (chance_one_in(&chance, 4)) {
        machine_lock();
        device_reset(flash);
        machine_unlock();
    }
    wait_for_drive();
    file->fail[MEM_WRITE] = (typeof(file->fail[0])){
        file->calls[MEM_WRITE] + 1 + chance_below(&chance, 50),
        chance_below(&chance, 3), chance_below(&chance, 2) ? -EIO : -ENOSPC };
    bed_round_trip(flash);
}

/* The last store to a block writes all of it that the drive does not have yet. */
static void touch_all(void)
{
    mem_file(node)->fail[MEM_WRITE].times = 0;
    machine_lock();
    device_reset(flash);
    machine_unlock();
    for (unsigned at = 0; at < BYTES; at += 256) {
        mmio_write(bed, AT + at, 0x40, 1);
        mmio_write(bed, AT + at, 0, 1);
    }
    mmio_write(bed, AT, 0xff, 1);
    wait_for_drive();
}

static void random_accesses(void)
{
    const char *text = g_getenv("MAYFLY_FUZZ");
    u64 n = (u64)ACCESSES * (text ? MAX(atoi(text), 1) : 1);
    g_autofree u8 *on_drive = g_malloc(BYTES);

    chance = chance_new((u32)g_test_rand_int());
    node = mem_node("flash", BYTES);
    bed = bed_new();
    flash = bed_add(bed, &pflash_type, "drive=flash,base=0xffff0000,bytes=64K");
    for (u64 i = 1; i <= n; i++) {
        one_access();
        if (i % 5000 == 0) {
            disturb();
        }
    }
    touch_all();
    g_assert_cmpint(node_read(node, 0, on_drive, BYTES), ==, 0);
    for (unsigned i = 0; i < BYTES; i += 8) {
        u64 word;

        memcpy(&word, on_drive + i, sizeof word);
        g_assert_cmphex(mmio_read(bed, AT + i, 8), ==, word);
    }
    bed_free(bed);
    node_unref(node);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pflash/random", random_accesses);
    return g_test_run();
}
