/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 9P server under messages that are right but for some of their bytes, on a folder
 * with links out of it: nothing outside of it may change.  Snapshots are taken, damaged
 * and loaded meanwhile.  MAYFLY_FUZZ=N in the environment: N times 200000 messages.
 */

#include "tests/lib/chance.h"
#include "tests/lib/p9_client.h"
#include "tests/lib/p9_folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGES = 200000, FIDS = 12 };

static Chance chance;
static P9Client *c;

static const struct { u8 type; const char *kinds; } messages[] = {
    { T_STATFS, "F" }, { T_LOPEN, "Fo" }, { T_LCREATE, "Fso44" }, { T_SYMLINK, "Fss4" },
    { T_MKNOD, "Fsm444" }, { T_RENAME, "FFs" }, { T_READLINK, "F" },
    { T_GETATTR, "F8" }, { T_SETATTR, "Fvmnnk8888" }, { T_XATTRWALK, "FFa" },
    { T_XATTRCREATE, "Fakv" },
    { T_READDIR, "Fkn" }, { T_FSYNC, "F4" }, { T_LOCK, "F14884s" },
    { T_GETLOCK, "F1884s" }, { T_LINK, "FFs" }, { T_MKDIR, "Fs44" },
    { T_RENAMEAT, "FsFs" }, { T_UNLINKAT, "Fsu" }, { T_ATTACH, "F4ss4" },
    { T_FLUSH, "2" }, { T_WALK, "FFw" }, { T_WALK, "FFw" }, { T_WALK, "FFw" },
    { T_READ, "Fkn" }, { T_WRITE, "Fkb" }, { T_CLUNK, "F" }, { T_CLUNK, "F" },
    { T_REMOVE, "F" },
};

static const char *some_name(void)
{
    static const char *const names[] = {
        "a", "b", "c", "d", "dir", "dir", "out", "up", "proc", "..", ".", "", "a/b",
        "../secret", "secret",
    };

    return names[chance_below(&chance, G_N_ELEMENTS(names))];
}

static void add_names(GByteArray *m)
{
    unsigned n = chance_below(&chance, 4);

    client_add(m, "2", (u64)n);
    while (n--) {
        client_add(m, "s", some_name());
    }
}

static void add_bytes(GByteArray *m)
{
    static const u8 bytes[3000] = "some text";
    size_t n = chance_below(&chance, chance_one_in(&chance, 8) ? sizeof bytes : 20);

    client_add(m, "4b", (u64)n, bytes, n);
}

static void add_some(GByteArray *m, char kind)
{
    static const u32 types[] = { S_IFREG, S_IFDIR, S_IFIFO, S_IFSOCK, 0, S_IFLNK };
    static const char *const attributes[] = { "user.a", "", "user.virtfs.mode",
                                              "system.posix_acl_access", "x" };
    u64 r = chance_next(&chance);

    switch (kind) {
    case 'F': client_add(m, "4", chance_below(&chance, FIDS)); break;
    case 'o': client_add(m, "4", r & 0xf003); break;
    case 'm': client_add(m, "4", types[r % 6] | 0700); break;
    case 'n': client_add(m, "4", r % 5000); break;
    case 'k': client_add(m, "8", r % 9000); break;
    case 'v': client_add(m, "4", r % 512); break;
    case 'u': client_add(m, "4", (r & 1) << 9); break;
    case 's': client_add(m, "s", some_name()); break;
    case 'a': client_add(m, "s", attributes[r % G_N_ELEMENTS(attributes)]); break;
    case 'w': add_names(m); break;
    case 'b': add_bytes(m); break;
    default:  client_add(m, (char[]){ kind, 0 }, r);
    }
}

static void damage(GByteArray *m)
{
    unsigned n = 1 + chance_below(&chance, 3);

    while (n--) {
        m->data[chance_below(&chance, m->len)] = chance_next(&chance);
    }
    if (m->len && chance_one_in(&chance, 4)) {
        g_byte_array_set_size(m, chance_below(&chance, m->len + 1));
    }
}

static void send_some(void)
{
    unsigned which = chance_below(&chance, G_N_ELEMENTS(messages));
    g_autoptr(GByteArray) m = g_byte_array_new();

    client_add(m, "412", (u64)0, (u64)messages[which].type, chance_next(&chance));
    for (const char *kind = messages[which].kinds; *kind; kind++) {
        add_some(m, *kind);
    }
    for (unsigned i = 0; i < 4; i++) {
        m->data[i] = m->len >> 8 * i;
    }
    /* A device that is made would stay beside the test. */
    if (chance_one_in(&chance, 8) && messages[which].type != T_MKNOD) {
        damage(m);
    }
    if (m->len < 5 || m->data[4] != T_MKNOD || m->data[4] == messages[which].type) {
        client_send(c, m->data, m->len);
    }
}

static void save_and_load(void)
{
    g_autoptr(GByteArray) state = g_byte_array_new();

    p9_save(c->server, state);
    if (chance_one_in(&chance, 2)) {
        damage(state);
    }
    (void)!p9_load(c->server, state->data, state->len, NULL);
}

static void begin(P9Folder *f)
{
    g_assert_cmpint(mkdir(folder_path(f, "dir"), 0755), ==, 0);
    g_assert_cmpint(symlink("../secret", folder_path(f, "out")), ==, 0);
    g_assert_cmpint(symlink("..", folder_path(f, "up")), ==, 0);
    g_assert_cmpint(symlink("/proc/self/root", folder_path(f, "proc")), ==, 0);
}

static void again(void)
{
    client_call(c, T_VERSION, "4s", (u64)(4096 + chance_below(&chance, 100000)),
                "9P2000.L");
}

/* Some fids lead somewhere; those that are in use stay what they are. */
static void attach(void)
{
    for (u32 fid = 0; fid < FIDS / 2; fid++) {
        client_call(c, T_ATTACH, "44ss4", (u64)fid, (u64)UINT32_MAX, "", "", (u64)0);
        if (fid % 2) {
            client_walk(c, fid, fid, "dir");
        }
    }
}

static void test_messages(gconstpointer model)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 n = MESSAGES * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1);
    g_autoptr(P9Folder) f = folder_new();
    u32 seed = g_test_rand_int();

    g_test_message("seed %u", seed);
    chance = chance_new(seed);
    begin(f);
    c = client_new(folder_share(f, model));
    for (u64 i = 0; i < n; i++) {
        send_some();
        if (i % 1024 == 0) {
            again();
        }
        if (i % 16 == 0) {
            attach();
        }
        if (i % 256 == 0) {
            save_and_load();
        }
        if (i % 4096 == 0) {
            folder_assert_untouched(f);
        }
    }
    folder_assert_untouched(f);
    client_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/p9/none", "security_model=none", test_messages);
    g_test_add_data_func("/p9/mapped", "security_model=mapped-xattr", test_messages);
    return g_test_run();
}
