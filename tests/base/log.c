/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The -d mask, its help, the -D file and messages to the user.
 */

#include "base/log.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

static void items(void)
{
    static const struct {
        const char *text;
        u32 mask;
    } rows[] = {
        { "", 0 }, { "guest_errors", LOG_GUEST_ERROR },
        { "int,mmu", LOG_INT | LOG_MMU },
        { "unimp,,int,", LOG_UNIMP | LOG_INT }, { "all", UINT32_MAX }, { "none", 0 },
        { "in_asm,op,out_asm,exec,cpu_reset,io",
          LOG_IN_ASM | LOG_OP | LOG_OUT_ASM | LOG_EXEC | LOG_CPU_RESET | LOG_IO },
    };
    g_autoptr(GError) err = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(log_set(rows[i].text, NULL));
        g_assert_cmpuint(log_mask, ==, rows[i].mask);
    }
    g_assert_true(log_set("int", NULL));
    g_assert_false(log_set("mmu,guest_error", &err));
    g_assert_cmpstr(err->message, ==, "no log item 'guest_error'; did you mean "
                    "'guest_errors'? ('help' lists them)");
    g_assert_cmpuint(log_mask, ==, LOG_INT);            /* unchanged */
}

static void help(void)
{
    if (g_test_subprocess()) {
        g_autoptr(GError) err = NULL;

        g_assert_false(log_set("int,help", &err));
        g_assert_no_error(err);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stdout("*guest_errors*unimp*");
}

static void to_file(void)
{
    g_autofree char *dir = g_dir_make_tmp("mayfly-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) err = NULL;

    g_assert_false(log_set_file("/nowhere/log", &err));
    g_assert_cmpstr(err->message, ==,
                    "cannot write log file '/nowhere/log': No such file or directory");
    g_assert_true(log_set_file(path, NULL));
    g_assert_true(log_set("int", NULL));
    log_at(LOG_INT | LOG_MMU, "vector %d", 14);
    log_at(LOG_MMU, "not this");
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "vector 14\n");
    g_remove(path);
    g_rmdir(dir);
}

static gpointer writer(gpointer data)
{
    for (unsigned i = 0; i < 200; i++) {
        log_at(LOG_INT, "%s", (const char *)data);
    }
    return NULL;
}

/* Lines of several threads are never mixed. */
static void whole_lines(void)
{
    g_autofree char *dir = g_dir_make_tmp("mayfly-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    GThread *a, *b;

    g_assert_true(log_set_file(path, NULL) && log_set("int", NULL));
    a = g_thread_new("a", writer, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    b = g_thread_new("b", writer, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    g_thread_join(a);
    g_thread_join(b);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 401);
    for (unsigned i = 0; i < 400; i++) {
        g_assert_cmpuint(strlen(lines[i]), ==, 40);
        g_assert_cmpuint(strspn(lines[i], (char[]){ lines[i][0], 0 }), ==, 40);
    }
    g_remove(path);
    g_rmdir(dir);
}

static void messages(void)
{
    if (g_test_subprocess()) {
        g_set_prgname("kvm");           /* by another name */
        warn_user("no %s", "luck");
        info_user("ready");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("kvm: warning: no luck\nkvm: ready\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/log/items", items);
    g_test_add_func("/base/log/help", help);
    g_test_add_func("/base/log/file", to_file);
    g_test_add_func("/base/log/whole-lines", whole_lines);
    g_test_add_func("/base/log/messages", messages);
    return g_test_run();
}
