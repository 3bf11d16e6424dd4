/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Good kernels with some bytes changed: each is taken or refused, and what is taken can
 * be written into memory.
 */

#include "base/bytes.h"
#include "base/lock.h"
#include "hw/machine/e820.h"
#include "tests/lib/kernels.h"

static void test_random(void)
{
    static u8 image[4][0x2000], bytes[0x2000];
    unsigned n[4] = { BZ, ELF_BYTES, ELF_BYTES, 0x1000 }, taken = 0, rounds = 20000;

    kernels_open();
    make_bz(image[0]);
    make_elf(image[1], true);
    make_elf(image[2], false);
    make_raw(image[3], n[3]);
    for (unsigned i = 0; i < rounds; i++) {
        unsigned k = i % 4, size = n[k];
        g_autoptr(GError) err = NULL;

        memcpy(bytes, image[k], size);
        for (unsigned j = g_test_rand_int_range(1, 6); j > 0; j--) {
            unsigned at = g_test_rand_int_range(0, k == 0 ? 0x270 : 0x200);

            bytes[at] = g_test_rand_int_range(0, 2) ? g_test_rand_int() : 0xff;
        }
        if (g_test_rand_int_range(0, 8) == 0) {
            size = g_test_rand_int_range(0, size);
        }
        if (try(&(BoardConfig){ .kernel = file_of(0, bytes, size) }, &err)) {
            g_assert_true(boot_write(boot, &err));
            taken++;
        } else {
            g_assert_nonnull(err);
        }
    }
    g_test_message("%u of %u were taken", taken, rounds);
    g_assert_cmpuint(taken, >, rounds / 100);
    g_assert_cmpuint(taken, <, rounds - rounds / 100);
    kernels_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/boot/random", test_random);
    return g_test_run();
}
