/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a 9P client holds: fids, and the qids by which it tells files from one another.
 *
 * A fid has up to two descriptors; there is a limit for all of them, so that a guest
 * can't take the last that this process may have.
 */

#include "fsdev/p9_inside.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- fids ---- */

Fid *fid_find(P9 *p9, u32 number)
{
    return g_hash_table_lookup(p9->fids, GUINT_TO_POINTER(number));
}

bool fid_room(const P9 *p9, unsigned descriptors)
{
    return p9->descriptors_most - p9->descriptors >= descriptors;
}

static void count(P9 *p9, int fd, int n)
{
    p9->descriptors += fd >= 0 ? n : 0;
}

static void close_counted(P9 *p9, int *fd)
{
    if (*fd >= 0) {
        count(p9, *fd, -1);
        close(*fd);
        *fd = -1;
    }
}

int fid_new(P9 *p9, u32 number, u32 uid, int place, Fid **made)
{
    int why = number == P9_NOFID ? EBADF : fid_find(p9, number) ? EINVAL
              : !fid_room(p9, 1) ? EMFILE : 0;

    if (why) {
        if (place >= 0) {
            close(place);
        }
        return why;
    }
    count(p9, place, 1);
    *made = g_new0(Fid, 1);
    **made = (Fid){ .number = number, .uid = uid, .place = place, .fd = -1 };
    g_hash_table_insert(p9->fids, GUINT_TO_POINTER(number), *made);
    return 0;
}

void fid_move(P9 *p9, Fid *fid, int place)
{
    close_counted(p9, &fid->place);
    fid->place = place;
    count(p9, place, 1);
}

void fid_opened(P9 *p9, Fid *fid, int fd, u32 flags)
{
    struct stat st;

    fid->fd = fd;
    fid->flags = flags;
    fid->kind = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? FID_FOLDER : FID_FILE;
    count(p9, fd, 1);
}

static void fid_free(P9 *p9, Fid *fid)
{
    close_counted(p9, &fid->place);
    close_counted(p9, &fid->fd);
    if (fid->value) {
        g_byte_array_unref(fid->value);
        p9->values--;
    }
    g_free(fid->name);
    g_free(fid);
}

int fid_drop(P9 *p9, Fid *fid)
{
    int why = fid->kind == FID_NEW_VALUE ? p9_set_value(p9, fid) : 0;

    g_hash_table_remove(p9->fids, GUINT_TO_POINTER(fid->number));
    fid_free(p9, fid);
    return why;
}

static gboolean forget(gpointer number, gpointer fid, gpointer p9)
{
    (void)number;
    fid_free(p9, fid);
    return TRUE;
}

void fids_forget(P9 *p9)
{
    g_hash_table_foreach_remove(p9->fids, forget, p9);
}

/* ---- flags ---- */

/* 9P's numbers are Linux's on most machines, which need not be the host's. */
static const struct { u32 p9; int host; } open_flags[] = {
    { 01, O_WRONLY }, { 02, O_RDWR }, { 0200, O_EXCL }, { 01000, O_TRUNC },
    { 02000, O_APPEND }, { 010000, O_DSYNC }, { 0200000, O_DIRECTORY },
    { 04000000, O_SYNC },
};

int p9_open_flags(const P9 *p9, u32 flags)
{
    int host = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(open_flags); i++) {
        host |= flags & open_flags[i].p9 ? open_flags[i].host : 0;
    }
    if ((host & O_ACCMODE) == O_ACCMODE) {
        return -EINVAL;
    }
    if (p9->share->config.readonly && (host & (O_ACCMODE | O_TRUNC))) {
        return -EROFS;
    }
    return host;
}

/* ---- qids ---- */

enum { QID_LINK = 0x02, QID_FOLDER = 0x80, DEVICE_SHIFT = 48 };

static unsigned device_number(P9 *p9, dev_t dev)
{
    for (unsigned i = 0; i < p9->devices->len; i++) {
        if (g_array_index(p9->devices, dev_t, i) == dev) {
            return i;
        }
    }
    if (p9->devices->len <= UINT16_MAX) {
        g_array_append_val(p9->devices, dev);
    }
    return p9->devices->len - 1;
}

/* Inodes of other file systems in the folder have the device's number on top. */
u64 p9_qid_path(P9 *p9, dev_t dev, u64 inode, int *why)
{
    unsigned n = device_number(p9, dev);
    Share *share = p9->share;

    *why = n && share->config.multidevs == MULTIDEVS_FORBID ? ENODEV : 0;
    if (n && share->config.multidevs == MULTIDEVS_WARN) {
        if (!share->warned) {
            share->warned = true;
            warn_user("fsdev '%s': there are several file systems in it, whose file "
                      "numbers can be the same; multidevs=remap helps",
                      share->config.id);
        }
        return inode;
    }
    return inode ^ (u64)n << DEVICE_SHIFT;
}

int p9_put_qid(P9 *p9, const struct stat *st, WireOut *out)
{
    int why;
    u64 path = p9_qid_path(p9, st->st_dev, st->st_ino, &why);

    wire_put(out, S_ISDIR(st->st_mode) ? QID_FOLDER
                  : S_ISLNK(st->st_mode) ? QID_LINK : 0, 1);
    wire_put(out, (u64)st->st_mtime ^ (u64)st->st_size << 8, 4);
    wire_put(out, path, 8);
    return why;
}

int p9_put_qid_of(P9 *p9, int place, WireOut *out)
{
    struct stat st;
    int why = place_stat(p9->share, place, &st);

    return why ? why : p9_put_qid(p9, &st, out);
}
