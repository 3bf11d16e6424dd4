/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes over 9P, and owners and devices that are kept in them.
 */

#include "tests/lib/p9_client.h"
#include "tests/lib/p9_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
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

/* ---- attributes ---- */

static int set_attribute(P9Client *c, u32 fid, const char *name, const char *value)
{
    int why = client_walk(c, fid, 99, "");

    g_assert_cmpint(why, ==, 0);
    why = client_call(c, T_XATTRCREATE, "4s84", N(99), name, N(strlen(value)), N(0));
    if (!why && *value) {
        g_assert_cmpint(write_text(c, 99, 0, value), ==, 0);
    }
    return client_call(c, T_CLUNK, "4", N(99)) + why;
}

/* Or of the list of names, with ',' for its zeros; NULL: there is none. */
static char *get_attribute(P9Client *c, u32 fid, const char *name)
{
    char *text;
    u64 n;
    int why = client_call(c, T_XATTRWALK, "44s", N(fid), N(98), name);

    if (why) {
        g_assert_cmpint(why, ==, ENODATA);
        return NULL;
    }
    n = client_get(c, 8);
    g_assert_cmpint(client_call(c, T_READ, "484", N(98), N(0), N(n + 10)), ==, 0);
    g_assert_cmpuint(client_get(c, 4), ==, n);
    text = g_strndup((char *)c->reply + c->at, n);
    for (u64 i = 0; i < n; i++) {
        text[i] = c->reply[c->at + i] ? c->reply[c->at + i] : ',';
    }
    g_assert_cmpint(client_call(c, T_CLUNK, "4", N(98)), ==, 0);
    return text;
}

static void test_attributes(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, NONE));
    g_autofree char *value = NULL, *none = NULL, *list = NULL;
    char bytes[16];

    if (!folder_has_attributes(f)) {
        g_test_skip("the file system of the temporary folder has no user attributes");
        return;
    }
    folder_write(f, "file", "");
    g_assert_cmpint(client_walk(c, 0, 1, "file"), ==, 0);
    g_assert_cmpint(set_attribute(c, 1, "user.colour", "green"), ==, 0);
    g_assert_cmpint(getxattr(folder_path(f, "file"), "user.colour", bytes, 16), ==, 5);
    g_assert_cmpmem(bytes, 5, "green", 5);
    value = get_attribute(c, 1, "user.colour");
    g_assert_cmpstr(value, ==, "green");
    list = get_attribute(c, 1, "");
    g_assert_nonnull(strstr(list, "user.colour,"));
    g_assert_cmpint(set_attribute(c, 1, "user.colour", ""), ==, 0);
    none = get_attribute(c, 1, "user.colour");
    g_assert_null(none);
    /* Less than was said is nothing. */
    g_assert_cmpint(client_walk(c, 1, 2, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_XATTRCREATE, "4s84", N(2), "user.x", N(4), N(0)),
                    ==, 0);
    g_assert_cmpint(write_text(c, 2, 0, "abc"), ==, 0);
    g_assert_cmpint(write_text(c, 2, 3, "de"), ==, ENOSPC);
    g_assert_cmpint(client_call(c, T_CLUNK, "4", N(2)), ==, EINVAL);
    g_assert_cmpint(getxattr(folder_path(f, "file"), "user.x", bytes, 16), ==, -1);
}

static u64 mapped(const P9Folder *f, const char *name, const char *attribute)
{
    u8 bytes[8] = { 0 };
    u64 value = 0;

    g_assert_cmpint(lgetxattr(folder_path(f, name), attribute, bytes, 8), >, 0);
    for (unsigned i = 0; i < 8; i++) {
        value |= (u64)bytes[i] << 8 * i;
    }
    return value;
}

/* The names and layouts are QEMU's: its documentation of 9pfs, mapped-xattr. */
static void test_mapped(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, "security_model=mapped-xattr"));
    g_autofree char *target = NULL, *list = NULL, *none = NULL;
    P9Attributes a;

    if (!folder_has_attributes(f)) {
        g_test_skip("the file system of the temporary folder has no user attributes");
        return;
    }
    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(1), "file", N(2), N(04755),
                                N(55)), ==, 0);
    g_assert_cmpuint(stat_of(f, "file").st_mode, ==, S_IFREG | 0600);
    g_assert_cmpuint(mapped(f, "file", "user.virtfs.mode"), ==, S_IFREG | 04755);
    g_assert_cmpuint(mapped(f, "file", "user.virtfs.gid"), ==, 55);
    g_assert_cmpint(client_call(c, T_SETATTR, "4444488888", N(1), N(1 | 2), N(0111),
                                N(77), N(0), N(0), N(0), N(0), N(0), N(0)), ==, 0);
    a = client_attributes(c, 1);
    g_assert_cmpuint(a.mode, ==, S_IFREG | 0111);
    g_assert_cmpuint(a.uid, ==, 77);
    g_assert_cmpuint(a.gid, ==, 55);
    g_assert_cmpuint(stat_of(f, "file").st_mode, ==, S_IFREG | 0600);
    /* They are the server's own. */
    list = get_attribute(c, 1, "");
    g_assert_null(strstr(list, "virtfs"));
    none = get_attribute(c, 1, "user.virtfs.mode");
    g_assert_null(none);
    g_assert_cmpint(client_walk(c, 1, 2, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_XATTRCREATE, "4s84", N(2), "user.virtfs.mode",
                                N(4), N(0)), ==, EACCES);
    /* Links and devices are files. */
    g_assert_cmpint(client_call(c, T_SYMLINK, "4ss4", N(0), "link", "/etc", N(0)), ==,
                    0);
    assert_contents(f, "link", "/etc");
    g_assert_true(S_ISREG(stat_of(f, "link").st_mode));
    g_assert_cmpint(client_walk(c, 0, 3, "link"), ==, 0);
    g_assert_cmpint(client_call(c, T_READLINK, "4", N(3)), ==, 0);
    target = client_get_string(c);
    g_assert_cmpstr(target, ==, "/etc");
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(3), N(0)), ==, ENXIO);
    g_assert_cmpint(client_call(c, T_MKNOD, "4s4444", N(0), "disk", N(S_IFBLK | 0600),
                                N(8), N(17), N(0)), ==, 0);
    g_assert_true(S_ISREG(stat_of(f, "disk").st_mode));
    g_assert_cmpuint(mapped(f, "disk", "user.virtfs.rdev"), ==, makedev(8, 17));
    g_assert_cmpint(client_walk(c, 0, 4, "disk"), ==, 0);
    a = client_attributes(c, 4);
    g_assert_cmpuint(a.mode, ==, S_IFBLK | 0600);
    g_assert_cmpuint(a.rdev, ==, makedev(8, 17));
}

static void test_modes(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = NULL;
    mode_t mask = umask(0);

    if (!folder_has_attributes(f)) {
        g_test_skip("the file system of the temporary folder has no user attributes");
        return;
    }
    c = client_new(folder_share(f, "security_model=mapped-xattr,fmode=0640,dmode=0750,"
                                "writeout=immediate"));
    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(1), "file", N(2), N(04755),
                                N(55)), ==, 0);
    g_assert_cmpint(client_call(c, T_WRITE, "484b", N(1), N(0), N(4), "text", N(4)), ==,
                    0);
    g_assert_cmpint(client_call(c, T_MKDIR, "4s44", N(0), "dir", N(01777), N(0)), ==,
                    0);
    g_assert_cmpint(client_call(c, T_SYMLINK, "4ss4", N(0), "link", "/etc", N(0)), ==,
                    0);
    umask(mask);
    g_assert_cmpuint(stat_of(f, "file").st_mode, ==, S_IFREG | 0640);
    g_assert_cmpuint(stat_of(f, "link").st_mode, ==, S_IFREG | 0640);
    g_assert_cmpuint(stat_of(f, "dir").st_mode, ==, S_IFDIR | 0750);
    g_assert_cmpuint(mapped(f, "dir", "user.virtfs.mode"), ==, S_IFDIR | 01777);
    assert_contents(f, "file", "text");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/p9/attributes", test_attributes);
    g_test_add_func("/p9/mapped", test_mapped);
    g_test_add_func("/p9/modes", test_modes);
    return g_test_run();
}
