/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random sources: bytes come from where they should, and a source that has no more says
 * so.
 */

#include "base/rng.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two reads of 32 bytes are equal once in 2^256 times. */
static void assert_random(Rng *rng)
{
    u8 one[32] = { 0 }, two[32] = { 0 };

    g_assert_true(rng_read(rng, one, sizeof one));
    g_assert_true(rng_read(rng, two, sizeof two));
    g_assert_cmpint(memcmp(one, two, sizeof one), !=, 0);
}

static void test_kernel(void)
{
    Rng *rng = rng_open_builtin("a");

    assert_random(NULL);
    assert_random(rng);
    g_assert_true(rng_find("a") == rng);
    g_assert_null(rng_find("b"));
    rng_close(rng);
    g_assert_null(rng_find("a"));
    rng_close(NULL);
}

static void test_device(void)
{
    Rng *rng = rng_open_file("u", "/dev/urandom", NULL);

    g_assert_nonnull(rng);
    assert_random(rng);
    rng_close(rng);
}

static void test_file(void)
{
    g_autofree char *path =
        g_build_filename(g_get_tmp_dir(), "mayfly-rng-XXXXXX", NULL);
    int fd = g_mkstemp(path);
    u8 bytes[4] = { 0 };
    Rng *rng;

    g_assert_cmpint(write(fd, "abcdef", 6), ==, 6);
    rng = rng_open_file("f", path, NULL);
    g_assert_nonnull(rng);
    g_assert_true(rng_read(rng, bytes, 4));
    g_assert_cmpmem(bytes, 4, "abcd", 4);
    g_assert_false(rng_read(rng, bytes, 4));        /* two are left */
    rng_close(rng);
    close(fd);
    g_unlink(path);
}

/* Nobody writes to it: a read must not wait. */
static void test_empty_pipe(void)
{
    g_autofree char *dir = g_dir_make_tmp("mayfly-rng-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "pipe", NULL);
    u8 byte;
    Rng *rng;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    rng = rng_open_file("p", path, NULL);
    g_assert_nonnull(rng);
    g_assert_false(rng_read(rng, &byte, 1));
    rng_close(rng);
    g_unlink(path);
    g_rmdir(dir);
}

static void test_refused(void)
{
    static const char *const paths[] = { "/nonexistent", "/", "" };

    for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(rng_open_file("x", paths[i], &error));
        g_assert_true(g_str_has_prefix(error->message, "cannot open '"));
        g_assert_null(rng_find("x"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/rng/kernel", test_kernel);
    g_test_add_func("/base/rng/device", test_device);
    g_test_add_func("/base/rng/file", test_file);
    g_test_add_func("/base/rng/empty-pipe", test_empty_pipe);
    g_test_add_func("/base/rng/refused", test_refused);
    return g_test_run();
}
