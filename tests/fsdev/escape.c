/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that wants out of its shared folder: by names, links, renames, and by what
 * changes while the server looks.  Beside the folder lies a secret; the tests fail if
 * it is read, written or removed, or if something comes to lie beside it.
 */

#include "tests/lib/p9_client.h"
#include "tests/lib/p9_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define N(value) ((u64)(value))

static P9Folder *f;
static P9Client *c;

static void begin(const char *model)
{
    g_autofree char *options = g_strdup_printf("security_model=%s", model);

    f = folder_new();
    c = client_new(folder_share(f, options));
}

static void end(void)
{
    folder_assert_untouched(f);
    client_free(c);
    folder_free(f);
}

/* No message takes a name that is not one. */
static void test_names(void)
{
    static const char *const names[] = { "", ".", "..", "../secret", "a/b", "/secret",
                                         "a/../../secret", NULL };

    begin("none");
    folder_write(f, "a", "");
    g_assert_cmpint(client_walk(c, 0, 1, "a"), ==, 0);
    for (unsigned i = 0; names[i]; i++) {
        const char *name = names[i];

        g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(0), name, N(2), N(0600),
                                    N(0)), ==, EINVAL);
        g_assert_cmpint(client_call(c, T_MKDIR, "4s44", N(0), name, N(0700), N(0)), ==,
                        EINVAL);
        g_assert_cmpint(client_call(c, T_SYMLINK, "4ss4", N(0), name, "x", N(0)), ==,
                        EINVAL);
        g_assert_cmpint(client_call(c, T_MKNOD, "4s4444", N(0), name, N(S_IFREG), N(0),
                                    N(0), N(0)), ==, EINVAL);
        g_assert_cmpint(client_call(c, T_LINK, "44s", N(0), N(1), name), ==, EINVAL);
        g_assert_cmpint(client_call(c, T_RENAME, "44s", N(1), N(0), name), ==, EINVAL);
        g_assert_cmpint(client_call(c, T_RENAMEAT, "4s4s", N(0), name, N(0), "x"), ==,
                        EINVAL);
        g_assert_cmpint(client_call(c, T_RENAMEAT, "4s4s", N(0), "a", N(0), name), ==,
                        EINVAL);
        g_assert_cmpint(client_call(c, T_UNLINKAT, "4s4", N(0), name, N(0)), ==,
                        EINVAL);
        if (strcmp(name, "..") != 0) {
            g_assert_cmpint(client_call(c, T_WALK, "442s", N(0), N(2), N(1), name), ==,
                            ENOENT);
        }
    }
    end();
}

/* ".." in the root is the root, and one too many stays there. */
static void test_up(void)
{
    struct stat st;

    begin("none");
    g_assert_cmpint(stat(f->share, &st), ==, 0);
    g_assert_cmpint(mkdir(folder_path(f, "a"), 0755), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 1, "a/../../../.."), ==, 0);
    c->at = c->n - 8;
    g_assert_cmpuint(client_get(c, 8), ==, st.st_ino);
    g_assert_cmpint(client_walk(c, 1, 2, "secret"), ==, ENOENT);
    end();
}

/* Links are the guest's to follow. */
static void test_links(void)
{
    static const char *const targets[] = { "../secret", "..", "/etc/passwd", "/",
                                           "/proc/self/root", NULL };
    begin("none");
    for (unsigned i = 0; targets[i]; i++) {
        u32 fid = 10 + i;

        g_assert_cmpint(symlink(targets[i], folder_path(f, "link")), ==, 0);
        g_assert_cmpint(client_walk(c, 0, fid, "link/secret"), ==, ENOENT);
        g_assert_cmpint(client_walk(c, 0, fid, "link"), ==, 0);
        for (unsigned flags = 0; flags < 3; flags++) {
            g_assert_cmpint(client_call(c, T_LOPEN, "44", N(fid), N(flags)), ==, ENXIO);
        }
        g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(fid), N(8), N(0),
                                    N(0), N(0), N(0), N(0), N(0), N(0), N(0)), !=, 0);
        g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(fid), N(1), N(0777),
                                    N(0), N(0), N(0), N(0), N(0), N(0), N(0)), !=, 0);
        g_assert_cmpint(client_walk(c, 0, 5, ""), ==, 0);
        g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(5), "link", N(01002),
                                    N(0600), N(0)), !=, 0);
        g_assert_cmpint(client_call(c, T_CLUNK, "4", N(5)), ==, 0);
        g_assert_cmpint(client_call(c, T_MKDIR, "4s44", N(fid), "new", N(0), N(0)), ==,
                        ENOTDIR);
        g_assert_cmpint(client_call(c, T_UNLINKAT, "4s4", N(fid), "secret", N(0)), ==,
                        ENOTDIR);
        g_assert_cmpint(client_call(c, T_UNLINKAT, "4s4", N(0), "link", N(0)), ==, 0);
    }
    /* One that leads to what is not there yet must not make it. */
    g_assert_cmpint(symlink("../new", folder_path(f, "link")), ==, 0);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(0), "link", N(0102), N(0600),
                                N(0)), !=, 0);
    end();
}

/* Pipes would block the server, devices are the host's. */
static void test_special(void)
{
    begin("none");
    g_assert_cmpint(mkfifo(folder_path(f, "pipe"), 0600), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 1, "pipe"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(0)), ==, ENXIO);
    g_assert_cmpint(client_walk(c, 0, 2, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(2), "pipe", N(1), N(0600),
                                N(0)), ==, ENXIO);
    if (mknod(folder_path(f, "zero"), S_IFCHR | 0600, makedev(1, 5)) == 0) {
        g_assert_cmpint(client_walk(c, 0, 3, "zero"), ==, 0);
        g_assert_cmpint(client_call(c, T_LOPEN, "44", N(3), N(0)), ==, ENXIO);
    }
    end();
}

/* A folder that somebody moves out of the share takes nobody's ".." along. */
static void test_moved(void)
{
    g_autofree char *inside = NULL, *outside = NULL;

    begin("none");
    inside = g_build_filename(f->share, "dir", NULL);
    outside = g_build_filename(f->top, "dir", NULL);
    g_assert_cmpint(mkdir(inside, 0755), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 1, "dir"), ==, 0);
    g_assert_cmpint(rename(inside, outside), ==, 0);
    g_assert_cmpint(client_walk(c, 1, 2, ".."), ==, ESTALE);
    g_assert_cmpint(client_walk(c, 1, 2, "../secret"), ==, ESTALE);
    g_assert_cmpint(client_call(c, T_RENAME, "44s", N(1), N(0), "back"), ==, ESTALE);
    g_assert_cmpint(client_call(c, T_REMOVE, "4", N(1)), ==, ESTALE);
    g_assert_cmpint(rmdir(outside), ==, 0);
    end();
}

/* ---- races ---- */

static volatile bool ending;

/* "x" is a folder, then a link out of the share, then the folder, ... */
static void *exchange(void *opaque)
{
    int dir = open(f->share, O_PATH | O_DIRECTORY | O_CLOEXEC);

    (void)opaque;
    while (!ending) {
        syscall(SYS_renameat2, dir, "x", dir, "y", 2 /* RENAME_EXCHANGE */);
    }
    close(dir);
    return NULL;
}

static void try_to_read(const char *path)
{
    if (client_walk(c, 0, 1, path) == 0) {
        if (client_call(c, T_LOPEN, "44", N(1), N(0)) == 0 &&
            client_call(c, T_READ, "484", N(1), N(0), N(100)) == 0) {
            u64 n = client_get(c, 4);

            g_assert_true(n < strlen(SECRET_TEXT) ||
                          memcmp(c->reply + c->at, SECRET_TEXT, n) != 0);
        }
        g_assert_cmpint(client_call(c, T_CLUNK, "4", N(1)), ==, 0);
    }
}

static void try_to_make(void)
{
    if (client_walk(c, 0, 1, "x") == 0) {
        client_call(c, T_MKDIR, "4s44", N(1), "made", N(0700), N(0));
        client_call(c, T_UNLINKAT, "4s4", N(1), "made", N(0x200));
        client_call(c, T_LCREATE, "4s444", N(1), "secret", N(01002), N(0600), N(0));
        g_assert_cmpint(client_call(c, T_CLUNK, "4", N(1)), ==, 0);
    }
}

static void test_race(void)
{
    enum { ROUNDS = 20000 };
    GThread *thread;

    begin("none");
    g_assert_cmpint(mkdir(folder_path(f, "x"), 0755), ==, 0);
    folder_write(f, "x/secret", "this one is mine");
    g_assert_cmpint(symlink("..", folder_path(f, "y")), ==, 0);
    ending = false;
    thread = g_thread_new("exchange", exchange, NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        try_to_read("x/secret");
        try_to_read("x/../secret");
        if (i % 8 == 0) {
            try_to_make();
        }
    }
    ending = true;
    g_thread_join(thread);
    end();
}

/* /proc has links that are no paths. */
static void test_proc(void)
{
    g_autofree char *options = g_strdup_printf("local,id=proc,path=/proc/self,"
                                               "security_model=none");
    f = folder_new();
    g_assert_true(share_add(options, NULL));
    c = client_new(share_find("proc", NULL));
    g_assert_cmpint(client_walk(c, 0, 1, "root/etc/passwd"), ==, ENOENT);
    g_assert_cmpint(client_walk(c, 0, 1, "cwd/Makefile"), ==, ENOENT);
    g_assert_cmpint(client_walk(c, 0, 1, "exe"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(0)), ==, ENXIO);
    g_assert_cmpint(client_walk(c, 0, 2, "fd/0"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(2), N(0)), ==, ENXIO);
    end();
}

/* mapped-xattr: links may be the host's own; nobody follows those either. */
static void test_mapped(void)
{
    begin("mapped-xattr");
    g_assert_cmpint(symlink("../secret", folder_path(f, "link")), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 1, "link"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(2)), ==, ENXIO);
    g_assert_cmpint(client_call(c, T_XATTRWALK, "44s", N(1), N(2), "user.x"), !=, 0);
    g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(1), N(8), N(0), N(0),
                                N(0), N(0), N(0), N(0), N(0), N(0)), !=, 0);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/escape/names", test_names);
    g_test_add_func("/escape/up", test_up);
    g_test_add_func("/escape/links", test_links);
    g_test_add_func("/escape/special", test_special);
    g_test_add_func("/escape/moved", test_moved);
    g_test_add_func("/escape/race", test_race);
    g_test_add_func("/escape/proc", test_proc);
    g_test_add_func("/escape/mapped", test_mapped);
    return g_test_run();
}
