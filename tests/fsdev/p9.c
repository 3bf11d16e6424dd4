/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 9P server at work: what a message does, the host's kernel must show.
 */

#include "tests/lib/p9_client.h"
#include "tests/lib/p9_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N(value) ((u64)(value))
#define NONE "security_model=none"

static struct stat stat_of(const P9Folder *f, const char *name)
{
    struct stat st;

    g_assert_cmpint(lstat(folder_path(f, name), &st), ==, 0);
    return st;
}

static void assert_contents(const P9Folder *f, const char *name, const char *text)
{
    g_autofree char *got = NULL;

    g_assert_true(g_file_get_contents(folder_path(f, name), &got, NULL, NULL));
    g_assert_cmpstr(got, ==, text);
}

static int write_text(P9Client *c, u32 fid, u64 offset, const char *text)
{
    int why = client_call(c, T_WRITE, "484b", N(fid), offset, N(strlen(text)), text,
                          strlen(text));

    g_assert_true(why || client_get(c, 4) == strlen(text));
    return why;
}

static void test_walk(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = NULL;

    g_assert_cmpint(mkdir(folder_path(f, "a"), 0755), ==, 0);
    g_assert_cmpint(mkdir(folder_path(f, "a/b"), 0755), ==, 0);
    folder_write(f, "a/b/file", "x");
    c = client_new(folder_share(f, NONE));
    g_assert_cmpint(client_walk(c, 0, 1, "a/b/file"), ==, 0);
    g_assert_cmpuint(client_get(c, 1), ==, 0x80);
    client_get(c, 4);
    g_assert_cmpuint(client_get(c, 8), ==, stat_of(f, "a").st_ino);
    g_assert_cmpint(client_walk(c, 0, 2, "nothing"), ==, ENOENT);
    g_assert_cmpint(client_walk(c, 0, 2, "a/nothing"), ==, ENOENT);
    c->at = 7;
    g_assert_cmpuint(client_get(c, 2), ==, 1);      /* it went that far */
    g_assert_cmpint(client_walk(c, 2, 3, ""), ==, EBADF);
    g_assert_cmpint(client_walk(c, 0, 1, "a"), ==, EINVAL);     /* 1 is in use */
    g_assert_cmpint(client_walk(c, 1, 2, "../.."), ==, 0);
    g_assert_cmpint(client_walk(c, 2, 4, "b"), ==, 0);
    g_assert_cmpint(client_walk(c, 1, 1, "../../b/file"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(0)), ==, 0);
    g_assert_cmpint(client_walk(c, 1, 5, ".."), ==, EINVAL);    /* it is open */
    g_assert_cmpint(client_walk(c, 1, 5, ""), ==, 0);
}

static void test_files(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, NONE));

    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(1), "new", N(2), N(0640),
                                N(0)), ==, 0);
    g_assert_cmpint(write_text(c, 1, 0, "hello, world"), ==, 0);
    g_assert_cmpint(write_text(c, 1, 7, "there"), ==, 0);
    assert_contents(f, "new", "hello, there");
    g_assert_cmpuint(stat_of(f, "new").st_mode, ==, S_IFREG | 0640);
    g_assert_cmpint(client_call(c, T_READ, "484", N(1), N(5), N(1000)), ==, 0);
    g_assert_cmpuint(client_get(c, 4), ==, 7);
    g_assert_cmpmem(c->reply + c->at, 7, ", there", 7);
    g_assert_cmpint(client_call(c, T_READ, "484", N(1), N(12), N(1000)), ==, 0);
    g_assert_cmpuint(client_get(c, 4), ==, 0);
    g_assert_cmpint(client_call(c, T_FSYNC, "44", N(1), N(0)), ==, 0);
    g_assert_cmpint(client_call(c, T_FSYNC, "44", N(0), N(0)), ==, EBADF);
    g_assert_cmpint(client_call(c, T_LOCK, "414884s", N(1), N(1), N(0), N(0), N(0),
                                N(7), "guest"), ==, 0);
    g_assert_cmpuint(client_get(c, 1), ==, 0);
    /* What is there: not made again, opened and emptied when asked for. */
    g_assert_cmpint(client_walk(c, 0, 2, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(2), "new", N(0201), N(0600),
                                N(0)), ==, EEXIST);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(2), "new", N(01001), N(0600),
                                N(0)), ==, 0);
    assert_contents(f, "new", "");
    g_assert_cmpuint(stat_of(f, "new").st_mode, ==, S_IFREG | 0640);
    g_assert_cmpint(client_call(c, T_READ, "484", N(2), N(0), N(1)), ==, EBADF);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(0), N(3)), ==, EINVAL);
}

/* A file stays usable after its name is gone: as on the host. */
static void test_removed(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, NONE));

    folder_write(f, "file", "contents");
    g_assert_cmpint(client_walk(c, 0, 1, "file"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(2)), ==, 0);
    g_assert_cmpint(client_call(c, T_UNLINKAT, "4s4", N(0), "file", N(0x200)), ==,
                    ENOTDIR);
    g_assert_cmpint(client_call(c, T_UNLINKAT, "4s4", N(0), "file", N(0)), ==, 0);
    g_assert_cmpuint(client_attributes(c, 1).links, ==, 0);
    g_assert_cmpuint(client_attributes(c, 1).size, ==, 8);
    g_assert_cmpint(write_text(c, 1, 8, "!"), ==, 0);
    g_assert_cmpint(client_call(c, T_REMOVE, "4", N(1)), !=, 0);
    g_assert_cmpint(client_call(c, T_CLUNK, "4", N(1)), ==, EBADF);
    folder_write(f, "other", "");
    g_assert_cmpint(client_walk(c, 0, 1, "other"), ==, 0);
    g_assert_cmpint(client_call(c, T_REMOVE, "4", N(1)), ==, 0);
    g_assert_cmpint(access(folder_path(f, "other"), F_OK), ==, -1);
    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_REMOVE, "4", N(1)), ==, EBUSY);
}

static void test_setattr(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, NONE));
    P9Attributes a;

    folder_write(f, "file", "contents");
    g_assert_cmpint(client_walk(c, 0, 1, "file"), ==, 0);
    g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(1), N(1 | 8 | 0x120),
                                N(0604), N(0), N(0), N(3), N(0), N(0), N(1000000007),
                                N(11)), ==, 0);
    a = client_attributes(c, 1);
    g_assert_cmpuint(a.mode, ==, S_IFREG | 0604);
    g_assert_cmpuint(a.size, ==, 3);
    g_assert_cmpuint(a.mtime, ==, 1000000007);
    g_assert_cmpuint(a.mtime_ns, ==, 11);
    assert_contents(f, "file", "con");
    g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(1), N(8), N(0), N(0),
                                N(0), N(UINT64_MAX), N(0), N(0), N(0), N(0)), ==,
                    EFBIG);
    g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(1), N(0x120), N(0), N(0),
                                N(0), N(0), N(0), N(0), N(0), N(UINT64_MAX / 2)), ==,
                    EINVAL);
}

static void test_names(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, NONE));
    g_autofree char *target = NULL;

    g_assert_cmpint(client_call(c, T_MKDIR, "4s44", N(0), "dir", N(0750), N(0)), ==, 0);
    g_assert_cmpuint(client_get(c, 1), ==, 0x80);
    g_assert_cmpuint(stat_of(f, "dir").st_mode, ==, S_IFDIR | 0750);
    g_assert_cmpint(client_call(c, T_SYMLINK, "4ss4", N(0), "link", "/any/where", N(0)),
                    ==, 0);
    g_assert_cmpint(client_walk(c, 0, 1, "link"), ==, 0);
    g_assert_cmpuint(client_get(c, 1), ==, 2);
    g_assert_cmpint(client_call(c, T_READLINK, "4", N(1)), ==, 0);
    target = client_get_string(c);
    g_assert_cmpstr(target, ==, "/any/where");
    g_assert_cmpint(client_call(c, T_READLINK, "4", N(0)), ==, EINVAL);
    folder_write(f, "one", "1");
    g_assert_cmpint(client_walk(c, 0, 2, "one"), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 3, "dir"), ==, 0);
    g_assert_cmpint(client_call(c, T_LINK, "44s", N(3), N(2), "two"), ==, 0);
    g_assert_cmpuint(stat_of(f, "dir/two").st_ino, ==, stat_of(f, "one").st_ino);
    g_assert_cmpint(client_call(c, T_RENAMEAT, "4s4s", N(0), "one", N(3), "three"), ==,
                    0);
    assert_contents(f, "dir/three", "1");
    g_assert_cmpint(client_call(c, T_RENAME, "44s", N(2), N(0), "four"), ==, 0);
    assert_contents(f, "four", "1");
    g_assert_cmpint(client_call(c, T_RENAME, "44s", N(0), N(3), "root"), ==, EBUSY);
    g_assert_cmpint(client_call(c, T_UNLINKAT, "4s4", N(0), "dir", N(0x200)), ==,
                    ENOTEMPTY);
    g_assert_cmpint(client_call(c, T_MKNOD, "4s4444", N(0), "pipe", N(S_IFIFO | 0600),
                                N(0), N(0), N(0)), ==, 0);
    g_assert_true(S_ISFIFO(stat_of(f, "pipe").st_mode));
    g_assert_cmpint(client_call(c, T_MKNOD, "4s4444", N(0), "x", N(S_IFDIR | 0600),
                                N(0), N(0), N(0)), ==, EINVAL);
    g_assert_cmpint(client_call(c, T_STATFS, "4", N(0)), ==, 0);
}

/* Every name once, whatever the size of the replies. */
static void test_readdir(void)
{
    enum { FILES = 300 };
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, NONE));
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                        NULL);
    u64 offset = 0, n;

    for (unsigned i = 0; i < FILES; i++) {
        g_autofree char *name = g_strdup_printf("a-file-with-number-%u", i);

        folder_write(f, name, "");
    }
    g_assert_cmpint(client_call(c, T_READDIR, "484", N(0), N(0), N(1000)), ==, EBADF);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(0), N(0)), ==, 0);
    do {
        g_assert_cmpint(client_call(c, T_READDIR, "484", N(0), offset, N(300)), ==, 0);
        n = client_get(c, 4);
        while (c->at < 11 + n) {
            client_get(c, 1), client_get(c, 4), client_get(c, 8);
            offset = client_get(c, 8);
            client_get(c, 1);
            g_assert_true(g_hash_table_add(names, client_get_string(c)));
        }
        g_assert_cmpuint(c->at, ==, c->n);
        g_assert_cmpuint(n, <=, 300);
    } while (n);
    g_assert_cmpuint(g_hash_table_size(names), ==, FILES + 2);
    g_assert_true(g_hash_table_contains(names, "a-file-with-number-299"));
    g_assert_cmpint(client_call(c, T_READDIR, "484", N(0), N(0), N(20)), ==, EINVAL);
    g_assert_cmpint(client_call(c, T_READ, "484", N(0), N(0), N(20)), ==, EISDIR);
}

static void test_readonly(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, NONE ",readonly=on"));

    folder_write(f, "file", "contents");
    g_assert_cmpint(client_walk(c, 0, 1, "file"), ==, 0);
    for (unsigned flags = 1; flags < 3; flags++) {
        g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(flags)), ==, EROFS);
    }
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(01000)), ==, EROFS);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(0)), ==, 0);
    g_assert_cmpint(client_call(c, T_READ, "484", N(1), N(0), N(9)), ==, 0);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(0), "x", N(0), N(0), N(0)), ==,
                    EROFS);
    g_assert_cmpint(client_call(c, T_MKDIR, "4s44", N(0), "x", N(0), N(0)), ==, EROFS);
    g_assert_cmpint(client_call(c, T_UNLINKAT, "4s4", N(0), "file", N(0)), ==, EROFS);
    g_assert_cmpint(client_call(c, T_RENAMEAT, "4s4s", N(0), "file", N(0), "x"), ==,
                    EROFS);
    g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(1), N(8), N(0), N(0),
                                N(0), N(0), N(0), N(0), N(0), N(0)), ==, EROFS);
    g_assert_cmpint(client_call(c, T_REMOVE, "4", N(1)), ==, EROFS);
    assert_contents(f, "file", "contents");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/p9/walk", test_walk);
    g_test_add_func("/p9/files", test_files);
    g_test_add_func("/p9/removed", test_removed);
    g_test_add_func("/p9/setattr", test_setattr);
    g_test_add_func("/p9/names", test_names);
    g_test_add_func("/p9/readdir", test_readdir);
    g_test_add_func("/p9/readonly", test_readonly);
    return g_test_run();
}
