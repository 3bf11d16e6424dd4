/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are read: see file.h.  One thread at a time.
 */

#include "base/file.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(GError **err, const char *name, const char *what)
{
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", name, what);
    return false;
}

static bool fail_size(GError **err, const char *name, u64 limit)
{
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "%s: longer than %" PRIu64 " bytes, the most that is possible here",
                name, limit);
    return false;
}

/* A pipe has no length and is read once: take everything now. */
static bool drain(File *file, u64 limit, GError **err)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    u8 buffer[16384];
    ssize_t n;

    while ((n = read(file->fd, buffer, sizeof buffer)) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail(err, file->name, g_strerror(errno));
        }
        if (all->len + (u64)n > MIN(limit, G_MAXINT32)) {
            return fail_size(err, file->name, MIN(limit, G_MAXINT32));
        }
        g_byte_array_append(all, buffer, n);
    }
    close(file->fd);
    file->fd = -1;
    file->size = all->len;
    file->bytes = g_byte_array_free(g_steal_pointer(&all), FALSE);
    return true;
}

static bool file_begin(File *file, const char *path, u64 limit, GError **err)
{
    struct stat st;
    off_t end;

    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &st) < 0) {
        return fail(err, file->name, g_strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return fail(err, file->name, g_strerror(EISDIR));
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        return drain(file, limit, err);
    }
    end = S_ISREG(st.st_mode) ? st.st_size : lseek(file->fd, 0, SEEK_END);
    if (end < 0) {
        return fail(err, file->name, g_strerror(errno));
    }
    file->size = end;
    return file->size <= limit || fail_size(err, file->name, limit);
}

File *file_open_for(const char *option, const char *name, u64 limit, GError **err)
{
    g_autoptr(File) file = g_new0(File, 1);

    file->name = option ? g_strdup_printf("-%s %s", option, name) : g_strdup(name);
    return file_begin(file, name, limit, err) ? g_steal_pointer(&file) : NULL;
}

File *file_open(const char *name, u64 limit, GError **err)
{
    return file_open_for(NULL, name, limit, err);
}

void file_close(File *file)
{
    if (file) {
        if (file->fd >= 0) {
            close(file->fd);
        }
        g_free(file->bytes);
        g_free(file->name);
        g_free(file);
    }
}

bool file_read(File *file, u64 at, void *to, size_t n)
{
    if (at > file->size || n > file->size - at) {
        return false;
    }
    if (file->fd < 0) {
        memcpy(to, file->bytes + at, n);
        return true;
    }
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(file->fd, (u8 *)to + done, n - done, at + done);

        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        done += MAX(got, 0);
    }
    return true;
}

u8 *file_contents(File *file, GError **err)
{
    g_autofree u8 *all = g_try_malloc(file->size + 1);

    if (!all || !file_read(file, 0, all, file->size)) {
        fail(err, file->name, all ? "cannot be read to its end" : g_strerror(ENOMEM));
        return NULL;
    }
    all[file->size] = 0;
    return g_steal_pointer(&all);
}

char *firmware_path(const char *name)
{
    g_auto(GStrv) folders = g_strsplit(CONFIG_FIRMWARE_PATH, ":", 0);

    if (strchr(name, '/') || access(name, F_OK) == 0) {
        return g_strdup(name);
    }
    for (unsigned i = 0; folders[i]; i++) {
        g_autofree char *path = g_build_filename(folders[i], name, NULL);

        if (access(path, F_OK) == 0) {
            return g_steal_pointer(&path);
        }
    }
    return NULL;
}
