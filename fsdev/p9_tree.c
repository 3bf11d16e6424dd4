/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 9P messages about names: walking, making, renaming, removing, listing.
 */

#include "fsdev/p9_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int last_error(bool failed)
{
    return failed ? errno : 0;
}

/* ---- walking ---- */

/*
 * 9P's walk(5): as far as it goes; an error only if not even the first name is there.
 * *place: where it ended, a descriptor of its own, or -1 if not all names were found.
 */
static int walk_names(P9 *p9, int from, WireIn *names, unsigned n, int *place,
                      WireOut *out)
{
    size_t counted = out->used;
    unsigned done = 0;
    int why = 0;

    *place = fcntl(from, F_DUPFD_CLOEXEC, 0);
    if (*place < 0) {
        return errno;
    }
    wire_put(out, 0, 2);
    for (; done < n && !why; done += !why) {
        g_autofree char *name = wire_get_string(names);
        int next = -1;

        why = names->bad ? EBADMSG : place_walk(p9->share, *place, name, &next);
        if (!why) {
            close(*place);
            *place = next;
            why = p9_put_qid_of(p9, next, out);
        }
    }
    wire_patch(out, counted, done, 2);
    if (why) {
        out->used = MIN(out->used, counted + 2 + done * P9_QID_BYTES);
        close(*place);
        *place = -1;
    }
    return done && why != EBADMSG ? 0 : why;
}

/* A fid that is open can't walk, but a copy of it can be had. */
int p9_walk(P9 *p9, P9Args *a, WireOut *out)
{
    Fid *fid = a->fid[0], *made;
    u32 number = a->n[0];
    unsigned n = wire_get(&a->rest, 2);
    int place, why;

    if (a->rest.bad || n > P9_WALK_MOST) {
        return EINVAL;
    }
    if ((fid->kind != FID_PLACE && (n || number == fid->number)) ||
        (number != fid->number && fid_find(p9, number))) {
        return EINVAL;
    }
    if (!fid_room(p9, 2)) {
        return EMFILE;
    }
    why = walk_names(p9, fid->place, &a->rest, n, &place, out);
    if (why || place < 0) {
        return why;
    }
    if (number == fid->number) {
        fid_move(p9, fid, place);
        return 0;
    }
    return fid_new(p9, number, fid->uid, place, &made);
}

/* ---- making ---- */

static PlaceOwner owner_of(const Fid *fid, u32 gid, u32 mode)
{
    return (PlaceOwner){ fid->uid, gid, mode, 0 };
}

/* Lcreate: fid[0] becomes the open file.  Flags, mode, group. */
int p9_lcreate(P9 *p9, P9Args *a, WireOut *out)
{
    Fid *fid = a->fid[0];
    PlaceOwner owner = owner_of(fid, a->n[2], S_IFREG | (a->n[1] & 07777));
    int place, fd, why, flags = p9_open_flags(p9, a->n[0]);

    if (flags < 0 || fid->kind != FID_PLACE) {
        return flags < 0 ? -flags : EINVAL;
    }
    if (!fid_room(p9, 2)) {
        return EMFILE;
    }
    why = place_create(p9->share, fid->place, a->text[0], flags, &owner, &place, &fd);
    if (why) {
        return why;
    }
    fid_move(p9, fid, place);
    fid_opened(p9, fid, fd, a->n[0]);
    why = p9_put_qid_of(p9, place, out);
    wire_put(out, 0, 4);            /* no unit of its own: the longest message */
    return why;
}

static int make(P9 *p9, P9Args *a, const PlaceOwner *owner, const char *target,
                WireOut *out)
{
    int place, why = place_make(p9->share, a->fid[0]->place, a->text[0], target, owner,
                               &place);

    if (!why) {
        why = p9_put_qid_of(p9, place, out);
        close(place);
    }
    return why;
}

int p9_symlink(P9 *p9, P9Args *a, WireOut *out)
{
    PlaceOwner owner = owner_of(a->fid[0], a->n[0], S_IFLNK | 0777);

    if (!*a->text[1] || strlen(a->text[1]) > PLACE_LINK_MOST) {
        return *a->text[1] ? ENAMETOOLONG : ENOENT;
    }
    return make(p9, a, &owner, a->text[1], out);
}

/* Mode, major, minor, group.  Folders and links have messages of their own. */
int p9_mknod(P9 *p9, P9Args *a, WireOut *out)
{
    PlaceOwner owner = owner_of(a->fid[0], a->n[3], a->n[0] & (S_IFMT | 07777));

    if (!(owner.mode & S_IFMT)) {
        owner.mode |= S_IFREG;
    }
    if (S_ISDIR(owner.mode) || S_ISLNK(owner.mode)) {
        return EINVAL;
    }
    if (S_ISCHR(owner.mode) || S_ISBLK(owner.mode)) {
        owner.rdev = makedev(a->n[1] & 0xfff, a->n[2] & 0xfffff);
    }
    return make(p9, a, &owner, NULL, out);
}

int p9_mkdir(P9 *p9, P9Args *a, WireOut *out)
{
    PlaceOwner owner = owner_of(a->fid[0], a->n[1], S_IFDIR | (a->n[0] & 07777));

    return make(p9, a, &owner, NULL, out);
}

int p9_readlink(P9 *p9, P9Args *a, WireOut *out)
{
    char target[PLACE_LINK_MOST + 1];
    int why = place_readlink(p9->share, a->fid[0]->place, target);

    if (!why) {
        wire_put_string(out, target);
    }
    return why;
}

/* Folder, file, name. */
int p9_link(P9 *p9, P9Args *a, WireOut *out)
{
    (void)p9, (void)out;
    return place_link(a->fid[1]->place, a->fid[0]->place, a->text[0]);
}

/* ---- renaming, removing ---- */

/* File, new folder, new name. */
int p9_rename(P9 *p9, P9Args *a, WireOut *out)
{
    g_autofree char *name = NULL;
    int folder, why = place_parent(p9->share, a->fid[0]->place, &folder, &name);

    (void)out;
    if (!why) {
        why = last_error(renameat(folder, name, a->fid[1]->place, a->text[0]));
        close(folder);
    }
    return why;
}

int p9_renameat(P9 *p9, P9Args *a, WireOut *out)
{
    (void)p9, (void)out;
    return last_error(renameat(a->fid[0]->place, a->text[0], a->fid[1]->place,
                               a->text[1]));
}

int p9_unlinkat(P9 *p9, P9Args *a, WireOut *out)
{
    enum { P9_REMOVEDIR = 0x200 };

    (void)p9, (void)out;
    if (a->n[0] & ~(u64)P9_REMOVEDIR) {
        return EINVAL;
    }
    return last_error(unlinkat(a->fid[0]->place, a->text[0],
                               a->n[0] ? AT_REMOVEDIR : 0));
}

/* 9P's remove(5): the fid is let go of, whatever becomes of the file. */
int p9_remove(P9 *p9, P9Args *a, WireOut *out)
{
    Fid *fid = a->fid[0];
    g_autofree char *name = NULL;
    struct stat st;
    int folder, why = p9->share->config.readonly ? EROFS : fid->place < 0 ? ESTALE : 0;

    (void)out;
    if (!why && !(why = place_parent(p9->share, fid->place, &folder, &name))) {
        why = last_error(fstat(fid->place, &st) ||
                         unlinkat(folder, name,
                                  S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0));
        close(folder);
    }
    fid_drop(p9, fid);
    return why;
}

/* ---- listing ---- */

/* The type is in d_type's terms; with mapped-xattr what is on the host says nothing. */
static int put_entry(P9 *p9, const struct dirent64 *entry, dev_t dev, WireOut *out)
{
    u8 type = p9->share->mapped ? DT_UNKNOWN : entry->d_type;
    size_t before = out->used;
    int why;
    u64 path = p9_qid_path(p9, dev, entry->d_ino, &why);

    wire_put(out, type == DT_DIR ? 0x80 : type == DT_LNK ? 0x02 : 0, 1);
    wire_put(out, 0, 4);
    wire_put(out, path, 8);
    wire_put(out, entry->d_off, 8);
    wire_put(out, type, 1);
    wire_put_string(out, entry->d_name);
    if (out->full) {
        out->used = before;
    }
    return why;
}

/* What is above the shared folder has no number that a guest should know. */
static bool put_entries(P9 *p9, const struct stat *folder, bool is_root, u8 *bytes,
                        ssize_t n, WireOut *out, int *why)
{
    for (ssize_t at = 0; at < n && !*why; ) {
        struct dirent64 *entry = (struct dirent64 *)(bytes + at);

        if (is_root && strcmp(entry->d_name, "..") == 0) {
            entry->d_ino = folder->st_ino;
        }
        *why = put_entry(p9, entry, folder->st_dev, out);
        if (out->full) {
            return false;
        }
        at += entry->d_reclen;
    }
    return !*why;
}

/* Offset (what the entry before said, or 0), and how many bytes there is room for. */
int p9_readdir(P9 *p9, P9Args *a, WireOut *out)
{
    _Alignas(struct dirent64) u8 bytes[16 << 10];
    Fid *fid = a->fid[0];
    size_t counted = out->used, n = a->n[1];
    WireOut entries = { 0 };
    struct stat st;
    ssize_t got;
    int why = 0;

    if (fid->kind != FID_FOLDER) {
        return EBADF;
    }
    wire_put(out, 0, 4);
    entries.at = wire_space(out, &n);
    entries.room = n;
    if (fstat(fid->fd, &st) || lseek(fid->fd, a->n[0], SEEK_SET) < 0) {
        return errno;
    }
    do {
        got = getdents64(fid->fd, bytes, sizeof bytes);
        why = last_error(got < 0);
    } while (got > 0 && put_entries(p9, &st, place_same(fid->place, p9->share->root),
                                    bytes, got, &entries, &why));
    if (!why && entries.full && !entries.used) {
        why = EINVAL;               /* 9P's read(5): not even one fits */
    }
    out->used += entries.used;
    wire_patch(out, counted, entries.used, 4);
    return why;
}
