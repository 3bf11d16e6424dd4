/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written on the command line: -chardev and the short forms, and how mistakes
 * are told.
 */

#include "tests/lib/chardev.h"

#include <string.h>
#include <unistd.h>

static void test_refused(void)
{
    static const char *const rows[][2] = {
        { "nul,id=a", "'nul' is not a chardev kind; did you mean 'null'?" },
        { "teapot,id=a", "'teapot' is not a chardev kind (-chardev help lists them)" },
        { "", "'' is not a chardev kind (-chardev help lists them)" },
        { "null", "option 'id' is required: name by which front ends find it" },
        { "file,id=a", "option 'path' is required: file to write" },
        { "null,id=0a",
          "id '0a': an id is a letter, then letters, digits, '-', '.' and '_'" },
        { "null,id=",
          "id '': an id is a letter, then letters, digits, '-', '.' and '_'" },
        { "null,id=a,mux=maybe", "mux: 'maybe' is not on or off" },
        { "null,id=a,size=1", "no option 'size'" },
        { "ringbuf,id=a,size=0", "size: '0' is not a size from 1 to 1G" },
        { "file,id=a,path=/nowhere/f",
          "chardev 'a': cannot write file '/nowhere/f': No such file or directory" },
        { "file,id=a,path=/",
          "chardev 'a': cannot write file '/': Is a directory" },
        { "pipe,id=a,path=/nowhere/p",
          "chardev 'a': cannot open pipe '/nowhere/p': No such file or directory" },
        { "serial,id=a,path=/dev/null",
          "chardev 'a': cannot use '/dev/null': Inappropriate ioctl for device" },
        { "null,id=a,logfile=/nowhere/l",
          "chardev 'a': log file '/nowhere/l': No such file or directory" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        bad_chardev(rows[i][0], rows[i][1]);
        g_assert_null(chardev_nth(0));
    }
}

static void test_ids(void)
{
    static const CharFrontOps ops;
    g_autoptr(GError) err = NULL;
    Chardev *a = good_chardev("null,id=a"), *b = good_chardev("backend=null,id=b-1._x");
    CharFront *front = chardev_attach(a, &ops, NULL, NULL);

    g_assert_true(chardev_find("a", NULL) == a && chardev_find("b-1._x", NULL) == b);
    g_assert_true(chardev_nth(0) == a && chardev_nth(1) == b && !chardev_nth(2));
    g_assert_cmpstr(chardev_id(b), ==, "b-1._x");
    bad_chardev("null,id=a", "Duplicate ID 'a' for chardev");
    g_assert_null(chardev_find("c", &err));
    g_assert_cmpstr(err->message, ==, "there is no chardev 'c'");
    g_clear_error(&err);
    g_assert_null(chardev_attach(a, &ops, NULL, &err));
    g_assert_cmpstr(err->message, ==,
                    "chardev 'a' is in use already (mux=on lets several share it)");
    chardev_detach(front);
    front = chardev_attach(a, &ops, NULL, NULL);
    chardevs_close_all();

    /* A front end outlives its back end. */
    g_assert_cmpuint(chardev_write(front, "x", 1), ==, 1);
    g_assert_false(chardev_connected(front));
    chardev_detach(front);
}

static void test_help(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) err = NULL;

    chardevs_help(text);
    g_assert_true(g_str_has_prefix(text->str,
                                   "Available chardev backend types:\n  file "));
    g_assert_nonnull(strstr(text->str, "\n  stdio "));
    g_string_truncate(text, 0);
    g_assert_true(chardev_help("socket", text, NULL));
    g_assert_nonnull(strstr(text->str, "reconnect"));
    g_assert_nonnull(strstr(text->str, "logfile"));
    g_assert_false(chardev_help("sock", text, &err));
    g_assert_cmpstr(err->message, ==,
                    "'sock' is not a chardev kind; did you mean 'socket'?");
}

/* Each value makes something that goes to `where`; DIR is a scratch folder. */
static void test_short(void)
{
    static const struct {
        const char *value, *where;
        bool monitor;
    } rows[] = {
        { "null", "null", false },
        { "mon:null", "null", true },
        { "file:DIR/a,b", "file", false },
        { "unix:DIR/s,server=on,wait=off", "disconnected:unix:DIR/s,server=on", false },
        { "unix:DIR/s,server,nowait", "disconnected:unix:DIR/s,server=on", false },
        { "mon:unix:DIR/s,server,nowait", "disconnected:unix:DIR/s,server=on", true },
        { "tcp::0,server,nowait", "disconnected:tcp::0,server=on", false },
        { "tcp:127.0.0.1:0,server,nowait,nodelay",
          "disconnected:tcp:127.0.0.1:0,server=on", false },
        { "tcp:[::1]:1,reconnect=9", "disconnected:tcp:::1:1", false },
        { "chardev:given", "null", false },
    };
    g_autofree char *dir = scratch_dir(), *file = g_build_filename(dir, "a,b", NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) in = g_strsplit(rows[i].value, "DIR", -1);
        g_auto(GStrv) out = g_strsplit(rows[i].where, "DIR", -1);
        g_autofree char *value = g_strjoinv(dir, in), *where = g_strjoinv(dir, out);
        g_autoptr(GError) err = NULL;
        bool monitor;
        Chardev *chr;

        good_chardev("null,id=given");
        g_assert_true(chardev_new_short(value, "serial0", &chr, &monitor, &err));
        g_assert_cmpstr(chardev_where(chr), ==, where);
        g_assert_cmpint(monitor, ==, rows[i].monitor);
        g_assert_cmpstr(chardev_id(chr), ==,
                        strstr(value, "given") ? "given" : "serial0");
        chardevs_close_all();
    }
    g_assert_cmpint(access(file, F_OK), ==, 0);
    scratch_remove(g_steal_pointer(&dir));
}

static void test_short_refused(void)
{
    static const char *const bad[] = {
        "", "stdi", "stdio,x", "nullx", "mon:", "tcp:1234", "telnet::1,server", "vc",
    };
    g_autoptr(GError) err = NULL;
    bool monitor;
    Chardev *chr;

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(chardev_new_short(bad[i], "serial0", &chr, &monitor, &err));
        g_assert_null(chr);
        g_assert_nonnull(strstr(err->message, "is none of stdio, null, none, pty, "));
        g_clear_error(&err);
    }
    g_assert_false(chardev_new_short("chardev:x", "serial0", &chr, &monitor, &err));
    g_assert_cmpstr(err->message, ==, "there is no chardev 'x'");
    g_clear_error(&err);
    g_assert_true(chardev_new_short("none", "serial0", &chr, &monitor, &err));
    g_assert_null(chr);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chardev/options/refused", test_refused);
    g_test_add_func("/chardev/options/ids", test_ids);
    g_test_add_func("/chardev/options/help", test_help);
    g_test_add_func("/chardev/options/short", test_short);
    g_test_add_func("/chardev/options/short-refused", test_short_refused);
    return g_test_run();
}
