/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -object: what is made, what is refused and how, and that all of it is gone at the
 * end.
 */

#include "vm/object.h"

#include "base/rng.h"

#include <string.h>

static void test_made(void)
{
    g_assert_true(object_new("rng-random,id=a", NULL));
    g_assert_true(object_new("rng-random,filename=/dev/zero,id=b-1.x_", NULL));
    g_assert_true(object_new("qom-type=rng-builtin,id=c", NULL));
    g_assert_true(object_new("id=d,qom-type=rng-builtin", NULL));
    for (unsigned i = 0; i < 4; i++) {
        static const char *const ids[] = { "a", "b-1.x_", "c", "d" };

        g_assert_nonnull(rng_find(ids[i]));
    }
    objects_close_all();
    g_assert_null(rng_find("a"));
    g_assert_null(rng_find("d"));
    g_assert_true(object_new("rng-builtin,id=a", NULL));
    objects_close_all();
    objects_close_all();
}

static void test_file_is_read(void)
{
    u8 bytes[8];

    memset(bytes, 1, sizeof bytes);
    g_assert_true(object_new("rng-random,filename=/dev/zero,id=z", NULL));
    g_assert_true(rng_read(rng_find("z"), bytes, sizeof bytes));
    g_assert_cmpmem(bytes, 8, "\0\0\0\0\0\0\0\0", 8);
    objects_close_all();
}

static void test_refused(void)
{
    static const struct {
        const char *options, *error;
    } rows[] = {
        { "rng-randm,id=a",
          "there is no kind of object 'rng-randm'; did you mean 'rng-random'?" },
        { "xyz,id=a", "there is no kind of object 'xyz' ('-object help' lists them)" },
        { "", "there is no kind of object '' ('-object help' lists them)" },
        { "id=a", "there is no kind of object '' ('-object help' lists them)" },
        { "rng-random", "option 'id' is required: the name by which devices find it" },
        { "rng-random,id=",
          "id: '' is not a letter and then letters, digits, '-', '.', '_'" },
        { "rng-random,id=1a",
          "id: '1a' is not a letter and then letters, digits, '-', '.', '_'" },
        { "rng-random,id=a/b",
          "id: 'a/b' is not a letter and then letters, digits, '-', '.', '_'" },
        { "rng-random,id=taken", "there is an object with id 'taken' already" },
        { "rng-builtin,id=a,filename=x", "no option 'filename'" },
        { "rng-random,id=a,file=x", "no option 'file'; did you mean 'filename'?" },
        { "rng-random,id=a,filename=/nonexistent",
          "cannot open '/nonexistent': No such file or directory" },
    };

    g_assert_true(object_new("rng-builtin,id=taken", NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(object_new(rows[i].options, &error));
        g_assert_nonnull(error);
        g_assert_cmpstr(error->message, ==, rows[i].error);
        g_assert_null(rng_find("a"));
    }
    objects_close_all();
}

static void test_help(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    objects_help(out);
    for (unsigned i = 0; object_types[i]; i++) {
        g_assert_nonnull(strstr(out->str, object_types[i]->name));
    }
    g_string_truncate(out, 0);
    g_assert_true(object_help("rng-random", out, NULL));
    g_assert_nonnull(strstr(out->str, "filename"));
    g_assert_false(object_help("nothing", out, &error));
    g_assert_nonnull(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm/object/made", test_made);
    g_test_add_func("/vm/object/file", test_file_is_read);
    g_test_add_func("/vm/object/refused", test_refused);
    g_test_add_func("/vm/object/help", test_help);
    return g_test_run();
}
