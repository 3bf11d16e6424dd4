/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the 9P server: what p9.c (the table of messages) and the p9_*.c that serve
 * them share.
 */

#ifndef FSDEV_P9_INSIDE_H
#define FSDEV_P9_INSIDE_H

#include "fsdev/place.h"
#include "fsdev/p9.h"
#include "fsdev/wire.h"

enum { P9_VALUE_MOST = 64 << 10 };          /* XATTR_SIZE_MAX, XATTR_LIST_MAX */
enum { P9_VALUES_MOST = 256 };              /* at once, since each is memory */
enum { P9_QID_BYTES = 13, P9_NOFID = UINT32_MAX, P9_WALK_MOST = 16 };

typedef enum {
    FID_PLACE,                  /* walked to, not open */
    FID_FILE, FID_FOLDER,       /* open */
    FID_VALUE,                  /* an extended attribute that is read */
    FID_NEW_VALUE,              /* one that is set when the fid is let go of */
    FID_KINDS
} FidKind;

typedef struct {
    u32 number, uid;            /* uid: of whoever attached */
    FidKind kind;
    int place, fd;              /* -1: none; a place of -1 is stale */
    u32 flags;                  /* 9P's, that it was opened or is to be set with */
    char *name;                 /* of the attribute */
    GByteArray *value;          /* what there is of it */
    u32 want;                   /* bytes that it is to have */
} Fid;

struct P9 {
    Share *share;
    u32 message_most;           /* agreed on; 0: no version yet */
    GHashTable *fids;           /* number -> Fid */
    unsigned descriptors, descriptors_most;
    unsigned values;            /* fids with an attribute's value */
    GArray *devices;            /* dev_t; the root's first */
};

/* The arguments of one message, judged; by kind, in the order in which they come. */
typedef struct {
    Fid *fid[2];
    char *text[2];
    u64 n[10];
    WireIn rest;
} P9Args;

/* Serves one message: 0 or an errno. */
typedef int P9Fn(P9 *p9, P9Args *a, WireOut *out);

/* ---- p9_fid.c ---- */

Fid *fid_find(P9 *p9, u32 number);
/* A new one, on `place`, which it takes; 0 or an errno (then the place is closed). */
int fid_new(P9 *p9, u32 number, u32 uid, int place, Fid **fid);
int fid_drop(P9 *p9, Fid *fid);             /* sets what is to be set */
/* Another place for a fid that is not open; takes it. */
void fid_move(P9 *p9, Fid *fid, int place);
/* It is open now; takes `fd`. */
void fid_opened(P9 *p9, Fid *fid, int fd, u32 flags);
bool fid_room(const P9 *p9, unsigned descriptors);
void fids_forget(P9 *p9);
/* Open flags as the host has them, or an errno below 0. */
int p9_open_flags(const P9 *p9, u32 flags);
int p9_put_qid(P9 *p9, const struct stat *st, WireOut *out);
int p9_put_qid_of(P9 *p9, int place, WireOut *out);
u64 p9_qid_path(P9 *p9, dev_t dev, u64 inode, int *why);

/* ---- p9_tree.c, p9_file.c, p9_xattr.c ---- */

P9Fn p9_walk, p9_lcreate, p9_symlink, p9_mknod, p9_mkdir, p9_readlink, p9_link,
     p9_rename, p9_renameat, p9_unlinkat, p9_remove, p9_readdir;
P9Fn p9_lopen, p9_read, p9_write, p9_fsync, p9_getattr, p9_setattr, p9_statfs, p9_lock,
     p9_getlock;
P9Fn p9_xattrwalk, p9_xattrcreate;
void p9_give_value(P9 *p9, Fid *fid, FidKind kind, GByteArray *value);
int p9_set_value(const P9 *p9, const Fid *fid);     /* of a FID_NEW_VALUE */

#endif
