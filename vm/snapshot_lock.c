/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks on snapshots: see snapshot_lock.h. */

#include "vm/snapshot_lock.h"

#include "vm/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The snapshot that this process runs from. */
static struct {
    char *path;                 /* NULL: none */
    bool alone;
} held;

/* The folder of an open file may have been replaced before it was locked. */
static bool is_still(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static bool refuse_lock(const char *path, bool alone, GError **err)
{
    if (errno != EWOULDBLOCK) {
        return snapshot_refuse(err, "snapshot '%s' cannot be locked: %s", path,
                               g_strerror(errno));
    }
    return snapshot_refuse(err, "snapshot '%s' is in use: %s", path,
                           alone ? "-persist needs it alone"
                           : "a run with -persist continues it");
}

/* Where a file system knows no locks, nobody can have the snapshot alone. */
static bool lock(int fd, bool alone)
{
    return flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 ||
           (!alone && errno != EWOULDBLOCK);
}

bool snapshot_lock(const char *path, bool alone, int *fd, GError **err)
{
    for (;;) {
        *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*fd < 0) {
            return true;
        }
        if (!lock(*fd, alone)) {
            refuse_lock(path, alone, err);
            close(*fd);
            *fd = -1;
            return false;
        }
        if (is_still(*fd, path)) {
            return true;
        }
        close(*fd);
    }
}

bool snapshot_lock_run(const char *path, bool alone, GError **err)
{
    int fd;

    if (!snapshot_lock(path, alone, &fd, err)) {
        return false;
    }
    g_free(held.path);
    held.path = g_strdup(path);
    held.alone = alone;
    return true;                /* `fd` stays open as long as the process lives */
}

bool snapshot_is_ours(const char *path)
{
    return held.alone && strcmp(held.path, path) == 0;
}

/* The old folder stays locked, too: it is this one until the rename, or for good. */
bool snapshot_lock_follow(int fd, GError **err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy >= 0 && flock(copy, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    snapshot_refuse(err, "%s: cannot be locked: %s", held.path, g_strerror(errno));
    if (copy >= 0) {
        close(copy);
    }
    return false;
}
