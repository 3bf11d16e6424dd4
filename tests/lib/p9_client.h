/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 9P2000.L client for tests.  Messages are written as the protocol's manual has them;
 * nothing is shared with the server but its entry point.
 */

#ifndef TESTS_LIB_P9_CLIENT_H
#define TESTS_LIB_P9_CLIENT_H

#include "fsdev/p9.h"

enum {
    T_STATFS = 8, T_LOPEN = 12, T_LCREATE = 14, T_SYMLINK = 16, T_MKNOD = 18,
    T_RENAME = 20, T_READLINK = 22, T_GETATTR = 24, T_SETATTR = 26, T_XATTRWALK = 30,
    T_XATTRCREATE = 32, T_READDIR = 40, T_FSYNC = 50, T_LOCK = 52, T_GETLOCK = 54,
    T_LINK = 70, T_MKDIR = 72, T_RENAMEAT = 74, T_UNLINKAT = 76, T_VERSION = 100,
    T_AUTH = 102, T_ATTACH = 104, T_FLUSH = 108, T_WALK = 110, T_READ = 116,
    T_WRITE = 118, T_CLUNK = 120, T_REMOVE = 122,
};

typedef struct {
    P9 *server;
    u8 reply[256 << 10];
    size_t n, at;                   /* of the reply; read up to here */
} P9Client;

/* With a session of 64 KiB messages, and the root as fid 0. */
P9Client *client_new(Share *share);
void client_free(P9Client *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(P9Client, client_free)

/*
 * Appends arguments: 1 2 4 8 a number (u64 each), s a string, b bytes (pointer and
 * size_t).
 */
void client_add(GByteArray *to, const char *kinds, ...);
/* Sends bytes as they are; the errno of the reply, or 0; -1: there is no reply. */
int client_send(P9Client *c, const u8 *message, size_t n);
int client_call(P9Client *c, u8 type, const char *kinds, ...);
/* From the reply, one after the other. */
u64 client_get(P9Client *c, unsigned bytes);
char *client_get_string(P9Client *c);

/* Walks from fid `from` to `path` (names with '/' between them) as `to`. */
int client_walk(P9Client *c, u32 from, u32 to, const char *path);

/* What Tgetattr says. */
typedef struct {
    u32 mode, uid, gid;
    u64 links, rdev, size, mtime, mtime_ns;
} P9Attributes;
P9Attributes client_attributes(P9Client *c, u32 fid);

#endif
