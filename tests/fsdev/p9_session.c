/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 9P server before and beside files: versions, messages that are cut or lie about
 * their lengths, limits, and what a snapshot keeps.
 */

#include "tests/lib/p9_client.h"
#include "tests/lib/p9_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define N(value) ((u64)(value))

static void test_version(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, "security_model=none"));
    g_autofree char *said = NULL;

    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_VERSION, "4s", N(100), "9P2000.L"), ==, EMSGSIZE);
    /* What was before is over. */
    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, EPROTO);
    g_assert_cmpint(client_call(c, T_VERSION, "4s", N(8192), "9P2000.u"), ==, 0);
    client_get(c, 4);
    said = client_get_string(c);
    g_assert_cmpstr(said, ==, "unknown");
    g_assert_cmpint(client_call(c, T_VERSION, "4s", N(UINT32_MAX), "9P2000.L"), ==, 0);
    g_assert_cmpuint(client_get(c, 4), ==, P9_MESSAGE_MOST);
    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, EBADF);
    g_assert_cmpint(client_call(c, T_AUTH, "4ss4", N(1), "root", "", N(0)), ==,
                    EOPNOTSUPP);
    g_assert_cmpint(client_call(c, 99, ""), ==, EOPNOTSUPP);
    g_assert_cmpint(client_call(c, T_FLUSH, "2", N(7)), ==, 0);
}

/* Every message that takes arguments, cut at every byte, and with wild lengths. */
static void test_cut(void)
{
    static const struct { u8 type; const char *kinds; } messages[] = {
        { T_STATFS, "4" }, { T_LOPEN, "44" }, { T_LCREATE, "4s444" },
        { T_SYMLINK, "4ss4" }, { T_MKNOD, "4s4444" }, { T_RENAME, "44s" },
        { T_READLINK, "4" }, { T_GETATTR, "48" }, { T_SETATTR, "4444488888" },
        { T_XATTRWALK, "44s" }, { T_XATTRCREATE, "4s84" }, { T_READDIR, "484" },
        { T_FSYNC, "44" }, { T_LOCK, "414884s" }, { T_GETLOCK, "41884s" },
        { T_LINK, "44s" }, { T_MKDIR, "4s44" }, { T_RENAMEAT, "4s4s" },
        { T_UNLINKAT, "4s4" }, { T_VERSION, "4s" }, { T_AUTH, "4ss4" },
        { T_ATTACH, "44ss4" }, { T_FLUSH, "2" }, { T_READ, "484" }, { T_CLUNK, "4" },
        { T_REMOVE, "4" },
    };
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, "security_model=none"));

    for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autoptr(GByteArray) m = g_byte_array_new();

        client_add(m, "412", N(0), N(messages[i].type), N(1));
        for (const char *kind = messages[i].kinds; *kind; kind++) {
            char one[2] = { *kind, 0 };

            if (*kind == 's') {
                client_add(m, one, "name");
            } else {
                client_add(m, one, N(0));
            }
        }
        for (unsigned n = 0; n < m->len; n++) {
            m->data[0] = n;
            g_assert_cmpint(client_send(c, m->data, n), ==, n < 7 ? -1 : EBADMSG);
            /* It says more than there is, and less than its header. */
            m->data[0] = n + 1;
            g_assert_cmpint(client_send(c, m->data, n), ==, n < 7 ? -1 : EBADMSG);
            m->data[0] = 6;
            g_assert_cmpint(client_send(c, m->data, n), ==, n < 7 ? -1 : EBADMSG);
        }
    }
    g_assert_cmpint(client_call(c, T_GETATTR, "48", N(0), N(0)), ==, 0);
    /* A string that goes on for ever, and one with a 0 inside. */
    g_assert_cmpint(client_call(c, T_UNLINKAT, "424", N(0), N(65535), N(0)), ==,
                    EBADMSG);
    g_assert_cmpint(client_call(c, T_UNLINKAT, "42b4", N(0), N(3), "a\0b", (size_t)3,
                                N(0)), ==, EBADMSG);
    /* A write that says more than it has; walks of too many names. */
    g_assert_cmpint(client_call(c, T_LCREATE, "4s444", N(0), "x", N(2), N(0644), N(0)),
                    ==, 0);
    g_assert_cmpint(client_call(c, T_WRITE, "484b", N(0), N(0), N(UINT32_MAX), "abc",
                                (size_t)3), ==, EINVAL);
    g_assert_cmpint(client_call(c, T_WRITE, "484b", N(0), N(INT64_MAX), N(3), "abc",
                                (size_t)3), ==, EINVAL);
    g_assert_cmpint(client_call(c, T_WALK, "442", N(0), N(1), N(17)), ==, EINVAL);
}

/* A reply does not fit where the guest has too little room for it. */
static void test_room(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, "security_model=none"));
    u8 message[19] = { 19, 0, 0, 0, T_GETATTR, 1, 0 }, reply[256];

    g_assert_cmpuint(p9_serve(c->server, message, 19, reply, 160), ==, 160);
    g_assert_cmpuint(p9_serve(c->server, message, 19, reply, 159), ==, 11);
    g_assert_cmpuint(reply[4], ==, 7);
    g_assert_cmpuint(reply[7], ==, EMSGSIZE);
    g_assert_cmpuint(p9_serve(c->server, message, 19, reply, 10), ==, 0);
}

/* A guest gets a quarter of this process's descriptors and no more. */
static void test_limits(void)
{
    g_autoptr(P9Folder) f = folder_new();
    Share *share = folder_share(f, "security_model=none");
    struct rlimit before, few;
    P9Client *c;
    int fd, why = 0;
    u32 n;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    few = before;
    few.rlim_cur = 400;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
    c = client_new(share);
    for (n = 1; !why && n < 1000; n++) {
        why = client_walk(c, 0, n, "");
    }
    g_assert_cmpint(why, ==, EMFILE);
    g_assert_cmpuint(n, >, 90);
    g_assert_cmpuint(n, <=, 101);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(1), N(0)), <=, EMFILE);
    fd = open("/", O_RDONLY);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    /* What is let go of can be had again. */
    g_assert_cmpint(client_call(c, T_CLUNK, "4", N(1)), ==, 0);
    g_assert_cmpint(client_call(c, T_CLUNK, "4", N(1)), ==, EBADF);
    g_assert_cmpint(client_call(c, T_CLUNK, "4", N(2)), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, 0);
    client_free(c);
    setrlimit(RLIMIT_NOFILE, &before);
}

/* Attributes' values are memory of this process. */
static void test_value_limits(void)
{
    g_autoptr(P9Folder) f = folder_new();
    g_autoptr(P9Client) c = client_new(folder_share(f, "security_model=none"));
    int why = 0;
    u32 n;

    g_assert_cmpint(client_walk(c, 0, 1, ""), ==, 0);
    g_assert_cmpint(client_call(c, T_XATTRCREATE, "4s84", N(1), "user.a", N(1) << 40,
                                N(0)), ==, E2BIG);
    for (n = 2; !why && n < 2000; n++) {
        why = client_walk(c, 0, n, "");
        if (!why) {
            why = client_call(c, T_XATTRCREATE, "4s84", N(n), "user.a", N(65536), N(0));
        }
    }
    g_assert_cmpint(why, ==, ENOMEM);
    g_assert_cmpuint(n, <, 300);
}

/* ---- snapshots ---- */

static void hold_everything(P9Client *c)
{
    g_assert_cmpint(client_walk(c, 0, 1, "dir/file"), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 2, "dir/file"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(2), N(2)), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 3, "dir"), ==, 0);
    g_assert_cmpint(client_call(c, T_LOPEN, "44", N(3), N(0)), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 4, "gone"), ==, 0);
    g_assert_cmpint(client_call(c, T_XATTRWALK, "44s", N(1), N(5), ""), ==, 0);
    g_assert_cmpint(client_walk(c, 0, 6, "dir/file"), ==, 0);
    g_assert_cmpint(client_call(c, T_XATTRCREATE, "4s84", N(6), "user.trial", N(4),
                                N(0)), ==, 0);
    g_assert_cmpint(client_call(c, T_WRITE, "484b", N(6), N(0), N(2), "ab", (size_t)2),
                    ==, 0);
}

static GByteArray *saved(const P9Client *c)
{
    GByteArray *bytes = g_byte_array_new();

    p9_save(c->server, bytes);
    return bytes;
}

static void test_snapshot(void)
{
    g_autoptr(P9Folder) f = folder_new();
    Share *share = folder_share(f, "security_model=none");
    g_autoptr(P9Client) c = client_new(share), other = client_new(share);
    g_autoptr(GByteArray) first = NULL, again = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(mkdir(folder_path(f, "dir"), 0755), ==, 0);
    folder_write(f, "dir/file", "what is in it");
    folder_write(f, "gone", "");
    hold_everything(c);
    g_assert_cmpint(unlink(folder_path(f, "gone")), ==, 0);
    first = saved(c);
    g_assert_true(p9_load(other->server, first->data, first->len, &error));
    g_assert_no_error(error);
    again = saved(other);
    g_assert_cmpmem(first->data, first->len, again->data, again->len);

    g_assert_cmpint(client_call(other, T_READ, "484", N(2), N(8), N(5)), ==, 0);
    g_assert_cmpuint(client_get(other, 4), ==, 5);
    g_assert_cmpmem(other->reply + other->at, 5, "in it", 5);
    g_assert_cmpint(client_call(other, T_READDIR, "484", N(3), N(0), N(4096)), ==, 0);
    g_assert_cmpint(client_call(other, T_GETATTR, "48", N(4), N(0)), ==, ESTALE);
    g_assert_cmpint(client_call(other, T_CLUNK, "4", N(4)), ==, 0);
    g_assert_cmpint(client_call(other, T_WRITE, "484b", N(6), N(2), N(2), "cd",
                                (size_t)2), ==, 0);
    if (folder_has_attributes(f)) {
        g_assert_cmpint(client_call(other, T_CLUNK, "4", N(6)), ==, 0);
    }
}

/* Whatever a snapshot says, it leads nowhere else. */
static void test_hostile_snapshot(void)
{
    static const char *const paths[] = { "../secret", "/etc/passwd", "out", "up/secret",
                                         "dir/../../secret", NULL };
    g_autoptr(P9Folder) f = folder_new();
    Share *share = folder_share(f, "security_model=none");
    g_autoptr(P9Client) c = client_new(share);
    g_autoptr(GByteArray) good = NULL;

    g_assert_cmpint(mkdir(folder_path(f, "dir"), 0755), ==, 0);
    folder_write(f, "dir/file", "what is in it");
    folder_write(f, "gone", "");
    g_assert_cmpint(symlink("../secret", folder_path(f, "out")), ==, 0);
    g_assert_cmpint(symlink("..", folder_path(f, "up")), ==, 0);
    for (unsigned i = 0; paths[i]; i++) {
        g_autoptr(GByteArray) bad = g_byte_array_new();

        client_add(bad, "44" "44144" "ss4", N(1), N(1), N(9), N(0), N(1), N(0),
                   N(0), paths[i], "", N(0));
        g_assert_true(p9_load(c->server, bad->data, bad->len, NULL));
        g_assert_cmpint(client_call(c, T_READ, "484", N(9), N(0), N(100)), ==, ESTALE);
    }
    client_free(c);
    c = client_new(share);
    hold_everything(c);
    good = saved(c);
    for (unsigned i = 0; i < good->len; i++) {
        g_autoptr(GByteArray) bad = g_byte_array_new();

        g_byte_array_append(bad, good->data, good->len);
        for (unsigned bit = 0; bit < 8; bit++) {
            bad->data[i] = good->data[i] ^ 1 << bit;
            (void)!p9_load(c->server, bad->data, bad->len, NULL);
            client_call(c, T_READ, "484", N(2), N(0), N(100));
        }
        g_assert_false(i && p9_load(c->server, good->data, i, NULL));
    }
    folder_assert_untouched(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/p9/version", test_version);
    g_test_add_func("/p9/cut", test_cut);
    g_test_add_func("/p9/room", test_room);
    g_test_add_func("/p9/limits", test_limits);
    g_test_add_func("/p9/value-limits", test_value_limits);
    g_test_add_func("/p9/snapshot", test_snapshot);
    g_test_add_func("/p9/hostile-snapshot", test_hostile_snapshot);
    return g_test_run();
}
