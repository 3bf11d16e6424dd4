/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img snapshot-pack and snapshot-unpack: a snapshot's folder as one file.  In
 * the stream of bytes (img/pack_stream.h) lies each file of the folder:
 *
 *     u8 length, name; u64 bytes; pieces: u64 offset, u64 length, bytes
 *     the last piece: u64 bytes of the file, u64 0
 *
 * and a name of length 0 at the end.  Between pieces are zeroes, which take no room.
 * The images of disks that are the user's own are not in it.
 */

#include "img/img.h"
#include "img/pack_stream.h"
#include "vm/snapshot_folder.h"
#include "vm/snapshot_view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 1024, NAME_MAX_BYTES = 100, PIECE = 1 << 20, PAGE = 4096 };
#define FILE_MAX (1ull << 44)

static bool fail_errno(GError **err, const char *what)
{
    return snapshot_refuse(err, "%s: %s", what, g_strerror(errno));
}

/* A file of a snapshot's own: no way out of its folder, nothing hidden. */
static bool is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789._-");

    return n > 0 && n <= NAME_MAX_BYTES && !name[n] && name[0] != '.' && name[0] != '-';
}

/* ---- packing ---- */

static bool put_u64(PackStream *pack, u64 value, GError **err)
{
    u64 number = GUINT64_TO_LE(value);

    return pack_write(pack, &number, sizeof number, err);
}

static bool put_piece(PackStream *pack, int fd, u64 at, u64 end, GError **err)
{
    g_autofree u8 *buffer = g_malloc(PIECE);

    if (!put_u64(pack, at, err) || !put_u64(pack, end - at, err)) {
        return false;
    }
    for (u64 n; at < end; at += n) {
        n = MIN(PIECE, end - at);
        if (pread(fd, buffer, n, at) != (ssize_t)n) {
            return snapshot_refuse(err, "it changes, or can't be read");
        }
        if (!pack_write(pack, buffer, n, err)) {
            return false;
        }
    }
    return true;
}

static bool put_contents(PackStream *pack, int fd, u64 size, GError **err)
{
    for (u64 at = 0; at < size;) {
        off_t data = lseek(fd, at, SEEK_DATA), hole;

        if (data < 0) {
            break;
        }
        hole = lseek(fd, data, SEEK_HOLE);
        at = hole < 0 ? size : MIN((u64)hole, size);
        if (!put_piece(pack, fd, data, at, err)) {
            return false;
        }
    }
    return put_u64(pack, size, err) && put_u64(pack, 0, err);
}

static bool put_file(PackStream *pack, const char *dir, const char *name, GError **err)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    u8 length = strlen(name);
    struct stat info;
    bool done = fd >= 0 && fstat(fd, &info) == 0;

    if (!done) {
        fail_errno(err, path);
    } else if (!S_ISREG(info.st_mode)) {
        done = snapshot_refuse(err, "%s: it is no file", path);
    } else {
        done = pack_write(pack, &length, 1, err) &&
               pack_write(pack, name, length, err) &&
               put_u64(pack, info.st_size, err) &&
               put_contents(pack, fd, info.st_size, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *names_of(const char *path, GError **err)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, err);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (!is_name(name) || names->len == FILES_MAX) {
            snapshot_refuse(err, "%s/%s: no snapshot has such a file", path, name);
            return NULL;
        }
        g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, by_name);
    return dir ? g_steal_pointer(&names) : NULL;
}

static bool pack_folder(const SnapshotView *view, int fd, const char *file,
                        GError **err)
{
    g_autoptr(PackStream) pack = pack_write_begin(fd, file, err);
    g_autoptr(GPtrArray) names = pack ? names_of(view->dir, err) : NULL;
    u8 end = 0;

    for (unsigned i = 0; names && i < names->len; i++) {
        if (!put_file(pack, view->dir, names->pdata[i], err)) {
            return false;
        }
    }
    return names && pack_write(pack, &end, 1, err) && pack_write_end(pack, err);
}

static bool sync_above(const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* The file is written beside its place and renamed. */
static bool pack_to(const SnapshotView *view, const char *file, GError **err)
{
    g_autofree char *temporary = g_strdup_printf("%s.new.%d", file, (int)getpid());
    int fd;
    bool done;

    if (view->layers->n > 1) {
        return snapshot_refuse(err, "%s: it needs its parents; snapshot-flatten makes "
                               "one of them, which can be packed", view->dir);
    }
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_errno(err, temporary);
    }
    done = pack_folder(view, fd, file, err);
    close(fd);
    if (done && (rename(temporary, file) || !sync_above(file))) {
        done = fail_errno(err, file);
    }
    if (!done) {
        unlink(temporary);
    }
    return done;
}

static int pack_run(const ImgArgs *args)
{
    GError *err = NULL;
    g_autoptr(SnapshotView) view = snapshot_view(args->word[0], &err);

    return view && pack_to(view, args->word[1], &err) ? 0 : img_fail_error(err);
}

/* ---- unpacking ---- */

static bool get_u64(PackStream *pack, u64 *value, GError **err)
{
    if (!pack_read(pack, value, sizeof *value, err)) {
        return false;
    }
    *value = GUINT64_FROM_LE(*value);
    return true;
}

static bool write_at(int fd, const u8 *bytes, size_t n, u64 at)
{
    while (n) {
        ssize_t done = pwrite(fd, bytes, n, at);

        if (done <= 0) {
            return false;
        }
        bytes += done;
        at += done;
        n -= done;
    }
    return true;
}

static bool get_piece(PackStream *pack, int fd, u64 at, u64 n, GError **err)
{
    g_autofree u8 *buffer = g_malloc(PIECE);

    while (n) {
        size_t part = MIN(n, PIECE - at % PIECE), run;
        bool zero;

        if (!pack_read(pack, buffer, part, err)) {
            return false;
        }
        for (size_t i = 0; i < part; i += run) {
            run = img_zero_run(buffer + i, part - i, PAGE, &zero);
            if (!zero && !write_at(fd, buffer + i, run, at + i)) {
                return fail_errno(err, "cannot be written");
            }
        }
        at += part;
        n -= part;
    }
    return true;
}

/* Pieces lie in order, inside the file. */
static bool get_contents(PackStream *pack, int fd, u64 size, GError **err)
{
    u64 end = 0, at, n;

    do {
        if (!get_u64(pack, &at, err) || !get_u64(pack, &n, err)) {
            return false;
        }
        if (at < end || at > size || n > size - at || (n == 0 && at != size)) {
            return snapshot_refuse(err, "a piece of 0x%" PRIx64 " bytes at 0x%" PRIx64
                                   " is not in a file of 0x%" PRIx64, n, at, size);
        }
        if (!get_piece(pack, fd, at, n, err)) {
            return false;
        }
        end = at + n;
    } while (n);
    return true;
}

static bool get_file(PackStream *pack, const Folder *folder, const char *name,
                     GError **err)
{
    u64 size;
    bool done;
    int fd;

    if (!get_u64(pack, &size, err)) {
        return false;
    }
    if (size > FILE_MAX) {
        return snapshot_refuse(err, "0x%" PRIx64 " bytes; 16 TiB are possible", size);
    }
    fd = openat(folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                0600);
    if (fd < 0 || ftruncate(fd, size)) {
        done = fail_errno(err, "cannot be made");
    } else {
        done = get_contents(pack, fd, size, err) &&
               (fsync(fd) == 0 || fail_errno(err, "cannot be written"));
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* False: an error, or *last. */
static bool get_name(PackStream *pack, char name[UINT8_MAX + 1], bool *last,
                     GError **err)
{
    u8 length;

    *last = false;
    if (!pack_read(pack, &length, 1, err) || !pack_read(pack, name, length, err)) {
        return false;
    }
    name[length] = 0;
    *last = length == 0;
    if (!*last && (strlen(name) != length || !is_name(name))) {
        g_autofree char *shown = g_strescape(name, NULL);

        return snapshot_refuse(err, "'%s' is no name of a snapshot's file", shown);
    }
    return !*last;
}

static bool get_files(PackStream *pack, const Folder *folder, GError **err)
{
    char name[UINT8_MAX + 1];
    unsigned n = 0;
    bool last;

    while (get_name(pack, name, &last, err)) {
        if (n++ == FILES_MAX) {
            return snapshot_refuse(err, "more than %d files", FILES_MAX);
        }
        if (!get_file(pack, folder, name, err)) {
            g_prefix_error(err, "file '%s' in it: ", name);
            return false;
        }
    }
    return last && pack_read_end(pack, err);
}

/* What comes out must be a snapshot that needs no other. */
static bool check_folder(const Folder *folder, GError **err)
{
    g_autoptr(SnapshotView) view = snapshot_view(folder->temporary, err);

    return view && (view->layers->n == 1 ||
                    snapshot_refuse(err, "what is in it needs parents"));
}

static bool unpack_to(int fd, const char *file, const char *dir, GError **err)
{
    g_autoptr(PackStream) pack = pack_read_begin(fd, file, err);
    g_autofree char *path = g_canonicalize_filename(dir, NULL);
    Folder folder;
    bool done;

    if (!pack) {
        return false;
    }
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        return snapshot_refuse(err, "%s is there already", dir);
    }
    if (!folder_begin(&folder, path, err)) {
        return false;
    }
    done = get_files(pack, &folder, err) && check_folder(&folder, err) &&
           folder_end(&folder, err);
    folder_clear(&folder);
    return done;
}

static int unpack_run(const ImgArgs *args)
{
    const char *file = args->word[0];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    GError *err = NULL;
    bool done;

    if (fd < 0) {
        return img_fail("%s: %s", file, g_strerror(errno));
    }
    done = unpack_to(fd, file, args->word[1], &err);
    close(fd);
    return done ? 0 : img_fail_error(err);
}

static const ImgOption no_options[] = { { 0 } };

const ImgCommand img_snapshot_pack = {
    "snapshot-pack", "folder file", "makes one file of a machine's snapshot", pack_run,
    no_options, 2, 2
};

const ImgCommand img_snapshot_unpack = {
    "snapshot-unpack", "file folder", "makes a snapshot's folder again", unpack_run,
    no_options, 2, 2
};
