/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder that appears at once: see snapshot_folder.h. */

#include "vm/snapshot_folder.h"

#include "vm/snapshot_file.h"
#include "vm/snapshot_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail_errno(GError **err, const char *what)
{
    return snapshot_refuse(err, "%s: %s", what, g_strerror(errno));
}

/* Deletes a folder of files, and what a failed save left of one. */
static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(path);
}

static bool check_place(Folder *folder, const char *path, GError **err)
{
    g_autofree char *state = g_build_filename(path, "state", NULL);
    struct stat info;

    if (lstat(path, &info) && errno == ENOENT) {
        return true;
    }
    if (access(state, F_OK)) {
        return snapshot_refuse(err, "%s is there, and no snapshot", path);
    }
    return snapshot_is_ours(path) || snapshot_lock(path, false, &folder->lock, err);
}

bool folder_begin(Folder *folder, const char *path, GError **err)
{
    g_autofree char *above = g_path_get_dirname(path);
    g_autofree char *temporary = g_strdup_printf("%s.new.%d", path, (int)getpid());

    *folder = (Folder){ .fd = -1, .lock = -1 };
    if (!check_place(folder, path, err)) {
        return false;
    }
    if (g_mkdir_with_parents(above, 0700) || mkdir(temporary, 0700)) {
        return fail_errno(err, temporary);
    }
    folder->path = g_strdup(path);
    folder->temporary = g_steal_pointer(&temporary);
    folder->fd = open(folder->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder->fd >= 0 || fail_errno(err, folder->temporary);
}

static bool sync_folder(const char *path, GError **err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    if (!done) {
        fail_errno(err, path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

bool folder_write(const Folder *folder, const char *name, const void *bytes, size_t n,
                  GError **err)
{
    int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write(fd, bytes, n) == (ssize_t)n && fsync(fd) == 0;

    if (!done) {
        fail_errno(err, name);
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* One rename makes it whole; a snapshot that was there before is exchanged for it. */
bool folder_end(Folder *folder, GError **err)
{
    g_autofree char *above = g_path_get_dirname(folder->path);

    if (!sync_folder(folder->temporary, err) ||
        (snapshot_is_ours(folder->path) && !snapshot_lock_follow(folder->fd, err))) {
        return false;
    }
    if (rename(folder->temporary, folder->path) &&
        renameat2(AT_FDCWD, folder->temporary, AT_FDCWD, folder->path,
                  RENAME_EXCHANGE)) {
        return fail_errno(err, folder->path);
    }
    return sync_folder(above, err);
}

void folder_clear(Folder *folder)
{
    if (folder->lock >= 0) {
        close(folder->lock);
    }
    if (folder->temporary) {
        close(folder->fd);
        remove_folder(folder->temporary);
    }
    g_clear_pointer(&folder->path, g_free);
    g_clear_pointer(&folder->temporary, g_free);
}
