/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Image locking, as QEMU and qemu-img do it: of the bytes 100 to 104 each stands for
 * something that a process does with the image, of the bytes 200 to 204 each for
 * something that others must not do.  A process puts read locks on the bytes that are
 * true of it, then looks whether anybody has the byte that stands against one of its
 * own.  The locks belong to the open file description.  Main thread.
 */

#include "block/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { USED_BASE = 100, UNSHARED_BASE = 200 };
enum { PERM_READ = 1, PERM_WRITE = 2, PERM_RESIZE = 8, PERMS = 5 };

static const char *const perm_names[PERMS] = {
    "consistent read", "write", "write unchanged", "resize", "change children"
};

static int lock_byte(int fd, off_t at, short type)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = at,
                          .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &lock);
}

/* Somebody else has a lock there. */
static bool is_taken(int fd, off_t at)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at,
                          .l_len = 1 };

    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static unsigned perms_used(BlockFlags flags)
{
    return flags & BLOCK_FORCE_SHARE ? 0
           : PERM_READ | (flags & BLOCK_RDWR ? PERM_WRITE : 0) |
             ((flags & BLOCK_RDWR) && (flags & BLOCK_RESIZE) ? PERM_RESIZE : 0);
}

static unsigned perms_unshared(BlockFlags flags)
{
    return flags & BLOCK_FORCE_SHARE ? 0
           : (flags & BLOCK_SHARE_WRITE ? 0 : PERM_WRITE) |
             (flags & BLOCK_FIXED_SIZE ? PERM_RESIZE : 0);
}

static void put_locks(int fd, unsigned used, unsigned unshared)
{
    for (unsigned i = 0; i < PERMS; i++) {
        lock_byte(fd, USED_BASE + i, used >> i & 1 ? F_RDLCK : F_UNLCK);
        lock_byte(fd, UNSHARED_BASE + i, unshared >> i & 1 ? F_RDLCK : F_UNLCK);
    }
}

static bool refuse(unsigned perm, const char *shared, const char *filename,
                   GError **err)
{
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_AGAIN, "Failed to get %s\"%s\" lock; "
                "is another process using the image [%s]?", shared, perm_names[perm],
                filename);
    return false;
}

static bool claim(int fd, BlockFlags flags, const char *filename, GError **err)
{
    unsigned used = perms_used(flags);
    unsigned unshared = perms_unshared(flags);
    bool right = true;

    put_locks(fd, used, unshared);
    for (unsigned i = 0; right && i < PERMS; i++) {
        if ((used >> i & 1) && is_taken(fd, UNSHARED_BASE + i)) {
            right = refuse(i, "", filename, err);
        } else if ((unshared >> i & 1) && is_taken(fd, USED_BASE + i)) {
            right = refuse(i, "shared ", filename, err);
        }
    }
    return right;
}

bool file_lock(int fd, BlockFlags flags, const char *filename, GError **err)
{
    bool right = claim(fd, flags, filename, err);

    if (!right) {
        file_unlock(fd);
    }
    return right;
}

bool file_lock_again(int fd, BlockFlags was, BlockFlags flags, const char *filename,
                     GError **err)
{
    bool right = claim(fd, flags, filename, err);

    if (!right) {
        put_locks(fd, perms_used(was), perms_unshared(was));
    }
    return right;
}

void file_unlock(int fd)
{
    put_locks(fd, 0, 0);
}
