/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 9P messages about files: contents, attributes, the file system.
 */

#include "fsdev/p9_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

static int last_error(bool failed)
{
    return failed ? errno : 0;
}

/* ---- opening ---- */

int p9_lopen(P9 *p9, P9Args *a, WireOut *out)
{
    Fid *fid = a->fid[0];
    int fd, why, flags = p9_open_flags(p9, a->n[0]);
    struct stat st;

    if (flags < 0 || fid->kind != FID_PLACE) {
        return flags < 0 ? -flags : EINVAL;
    }
    if (!fid_room(p9, 1)) {
        return EMFILE;
    }
    why = place_stat(p9->share, fid->place, &st);
    if (!why && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        why = ENXIO;                /* also what mapped-xattr says is no file */
    }
    if (why || (why = place_open(fid->place, flags & ~O_EXCL, &fd))) {
        return why;
    }
    fid_opened(p9, fid, fd, a->n[0]);
    why = p9_put_qid_of(p9, fid->place, out);
    wire_put(out, 0, 4);            /* no unit of its own: the longest message */
    return why;
}

/* ---- contents ---- */

/* As much as there is, or an error if there is nothing before it. */
static ssize_t read_all(int fd, u8 *at, size_t n, u64 offset)
{
    size_t done = 0;
    ssize_t got = 0;

    while (done < n && (got = pread(fd, at + done, n - done, offset + done)) > 0) {
        done += got;
    }
    return got < 0 && !done ? -1 : (ssize_t)done;
}

static ssize_t write_all(int fd, const u8 *at, size_t n, u64 offset)
{
    size_t done = 0;
    ssize_t put = 0;

    while (done < n && (put = pwrite(fd, at + done, n - done, offset + done)) > 0) {
        done += put;
    }
    return put < 0 && !done ? -1 : (ssize_t)done;
}

static bool range_good(u64 offset, u64 n)
{
    return offset <= INT64_MAX && n <= INT64_MAX - offset;
}

static int read_value(const Fid *fid, u64 offset, u8 *at, size_t *n)
{
    size_t from = MIN(offset, fid->value->len);

    *n = MIN(*n, fid->value->len - from);
    if (*n) {
        memcpy(at, fid->value->data + from, *n);
    }
    return 0;
}

/* Offset, count. */
int p9_read(P9 *p9, P9Args *a, WireOut *out)
{
    const Fid *fid = a->fid[0];
    size_t counted = out->used, n = a->n[1];
    ssize_t got;
    int why = 0;
    u8 *at;

    (void)p9;
    wire_put(out, 0, 4);
    at = wire_space(out, &n);
    if (!range_good(a->n[0], n)) {
        return EINVAL;
    }
    if (fid->kind == FID_VALUE) {
        why = read_value(fid, a->n[0], at, &n);
    } else if (fid->kind == FID_FILE) {
        got = read_all(fid->fd, at, n, a->n[0]);
        why = last_error(got < 0);
        n = MAX(got, 0);
    } else {
        why = fid->kind == FID_FOLDER ? EISDIR : EBADF;
    }
    if (!why) {
        out->used += n;
        wire_patch(out, counted, n, 4);
    }
    return why;
}

/* An attribute's value comes from its beginning to its end. */
static int write_value(Fid *fid, u64 offset, const u8 *at, size_t n)
{
    if (offset != fid->value->len || n > fid->want - offset) {
        return offset != fid->value->len ? EINVAL : ENOSPC;
    }
    g_byte_array_append(fid->value, at, n);
    return 0;
}

/* Offset, count, the bytes. */
int p9_write(P9 *p9, P9Args *a, WireOut *out)
{
    Fid *fid = a->fid[0];
    const u8 *at = wire_get_bytes(&a->rest, a->n[1]);
    ssize_t put = a->n[1];
    int why;

    if (!at || !range_good(a->n[0], a->n[1])) {
        return EINVAL;
    }
    if (fid->kind == FID_NEW_VALUE) {
        why = write_value(fid, a->n[0], at, a->n[1]);
    } else if (fid->kind == FID_FILE) {
        put = write_all(fid->fd, at, a->n[1], a->n[0]);
        why = last_error(put < 0);
        if (put > 0 && p9->share->config.writeout) {
            sync_file_range(fid->fd, a->n[0], put, SYNC_FILE_RANGE_WAIT_BEFORE |
                            SYNC_FILE_RANGE_WRITE);
        }
    } else {
        why = fid->kind == FID_FOLDER ? EISDIR : EBADF;
    }
    wire_put(out, put, 4);
    return why;
}

int p9_fsync(P9 *p9, P9Args *a, WireOut *out)
{
    int fd = a->fid[0]->fd;

    (void)p9, (void)out;
    return fd < 0 ? EBADF : last_error((a->n[0] ? fdatasync : fsync)(fd));
}

/* ---- attributes ---- */

static void put_time(WireOut *out, const struct timespec *t)
{
    wire_put(out, t->tv_sec, 8);
    wire_put(out, t->tv_nsec, 8);
}

int p9_getattr(P9 *p9, P9Args *a, WireOut *out)
{
    enum { BASIC = 0x7ff };
    struct stat st;
    int why = place_stat(p9->share, a->fid[0]->place, &st);

    if (why) {
        return why;
    }
    wire_put(out, a->n[0] & BASIC, 8);
    why = p9_put_qid(p9, &st, out);
    wire_put(out, st.st_mode, 4);
    wire_put(out, st.st_uid, 4);
    wire_put(out, st.st_gid, 4);
    wire_put(out, st.st_nlink, 8);
    wire_put(out, st.st_rdev, 8);
    wire_put(out, st.st_size, 8);
    wire_put(out, st.st_blksize, 8);
    wire_put(out, st.st_blocks, 8);
    put_time(out, &st.st_atim);
    put_time(out, &st.st_mtim);
    put_time(out, &st.st_ctim);
    for (unsigned i = 0; i < 4; i++) {      /* birth, generation, version: not said */
        wire_put(out, 0, 8);
    }
    return why;
}

enum {
    SET_MODE = 1, SET_UID = 2, SET_GID = 4, SET_SIZE = 8, SET_ATIME = 0x10,
    SET_MTIME = 0x20, SET_CTIME = 0x40, SET_ATIME_TO = 0x80, SET_MTIME_TO = 0x100,
};

static struct timespec time_to_set(u64 valid, u64 now, u64 to, u64 sec, u64 ns)
{
    return (struct timespec){ valid & to ? sec : 0,
                              !(valid & now) ? UTIME_OMIT
                              : valid & to ? (long)ns : UTIME_NOW };
}

static int set_times(int place, u64 valid, const u64 *n)
{
    const struct timespec times[2] = {
        time_to_set(valid, SET_ATIME, SET_ATIME_TO, n[0], n[1]),
        time_to_set(valid, SET_MTIME, SET_MTIME_TO, n[2], n[3]),
    };

    return last_error(utimensat(AT_FDCWD, place_path(place).text, times, 0));
}

static int set_size(const Fid *fid, u64 size)
{
    bool open = fid->kind == FID_FILE && fcntl(fid->fd, F_GETFL) & O_ACCMODE;

    if (size > INT64_MAX) {
        return EFBIG;
    }
    return last_error(open ? ftruncate(fid->fd, size)
                      : truncate(place_path(fid->place).text, size));
}

/* Valid, mode, uid, gid, size, access and modification time. */
int p9_setattr(P9 *p9, P9Args *a, WireOut *out)
{
    const Fid *fid = a->fid[0];
    u64 valid = a->n[0];
    int why = 0;

    (void)out;
    if (valid & SET_MODE) {
        why = place_chmod(p9->share, fid->place, a->n[1]);
    }
    if (!why && valid & (SET_UID | SET_GID | SET_CTIME)) {
        why = place_chown(p9->share, fid->place, valid & SET_UID ? a->n[2] : UINT32_MAX,
                         valid & SET_GID ? a->n[3] : UINT32_MAX);
        if (why && p9->share->config.security_model == SECURITY_NONE) {
            why = 0;
        }
    }
    if (!why && valid & SET_SIZE) {
        why = set_size(fid, a->n[4]);
    }
    if (!why && valid & (SET_ATIME | SET_MTIME)) {
        why = set_times(fid->place, valid, &a->n[5]);
    }
    return why;
}

/* ---- the file system ---- */

int p9_statfs(P9 *p9, P9Args *a, WireOut *out)
{
    struct statfs st;
    u64 fsid = 0;

    (void)p9;
    if (fstatfs(a->fid[0]->place, &st)) {
        return errno;
    }
    memcpy(&fsid, &st.f_fsid, MIN(sizeof fsid, sizeof st.f_fsid));
    wire_put(out, st.f_type, 4);
    wire_put(out, st.f_bsize, 4);
    wire_put(out, st.f_blocks, 8);
    wire_put(out, st.f_bfree, 8);
    wire_put(out, st.f_bavail, 8);
    wire_put(out, st.f_files, 8);
    wire_put(out, st.f_ffree, 8);
    wire_put(out, fsid, 8);
    wire_put(out, MIN(st.f_namelen, PLACE_NAME_MOST), 4);
    return 0;
}

/* ---- locks: the guest's kernel has decided already ---- */

int p9_lock(P9 *p9, P9Args *a, WireOut *out)
{
    enum { LOCK_SUCCESS = 0, LOCK_TYPES = 3, LOCK_FLAGS = 3 };

    (void)p9;
    if (a->fid[0]->fd < 0) {
        return EBADF;
    }
    if (a->n[0] >= LOCK_TYPES || a->n[1] & ~(u64)LOCK_FLAGS) {
        return EINVAL;
    }
    wire_put(out, LOCK_SUCCESS, 1);
    return 0;
}

/* Type, start, length, process, client. */
int p9_getlock(P9 *p9, P9Args *a, WireOut *out)
{
    enum { UNLOCKED = 2 };

    (void)p9;
    if (a->fid[0]->fd < 0) {
        return EBADF;
    }
    wire_put(out, UNLOCKED, 1);
    wire_put(out, a->n[1], 8);
    wire_put(out, a->n[2], 8);
    wire_put(out, a->n[3], 4);
    wire_put_string(out, a->text[0]);
    return 0;
}
