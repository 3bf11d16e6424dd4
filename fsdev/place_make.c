/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New files and names in a shared folder: see place.h.
 *
 * What can't be given its owner is taken away again.
 */

#include "fsdev/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int last_error(bool failed)
{
    return failed ? errno : 0;
}

/* Opens what was just made as `place` and makes it the guest's. */
static int adopt(const Share *share, int folder, const char *name,
                 const PlaceOwner *owner, int *place)
{
    int why = place_walk(share, folder, name, place);

    if (why) {
        return why;
    }
    why = place_own_new(share, *place, owner);
    if (why) {
        unlinkat(folder, name, S_ISDIR(owner->mode) ? AT_REMOVEDIR : 0);
        close(*place);
    }
    return why;
}

/* A file that is there already is opened with the same care as any other. */
int place_create(const Share *share, int folder, const char *name, int flags,
                const PlaceOwner *owner, int *place, int *fd)
{
    u32 mode = share->mapped ? share->config.fmode : owner->mode & 07777;
    int why;

    *fd = openat(folder, name, (flags & ~O_TRUNC) | O_CREAT | O_EXCL | O_NOFOLLOW |
                 O_CLOEXEC | O_NOCTTY, mode);
    if (*fd < 0) {
        why = errno;
        if (why != EEXIST || (flags & O_EXCL)) {
            return why;
        }
        why = place_walk(share, folder, name, place);
        if (!why && (why = place_open(*place, flags, fd))) {
            close(*place);
        }
        return why;
    }
    why = adopt(share, folder, name, owner, place);
    if (why) {
        close(*fd);
    }
    return why;
}

/* mapped-xattr: the link's target is what is in the file. */
static int make_file(int folder, const char *name, u32 mode, const char *contents)
{
    size_t n = contents ? strlen(contents) : 0;
    int why, fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
                         O_CLOEXEC, mode);

    if (fd < 0) {
        return errno;
    }
    errno = EIO;
    why = last_error(n && write(fd, contents, n) != (ssize_t)n);
    close(fd);
    if (why) {
        unlinkat(folder, name, 0);
    }
    return why;
}

int place_make(const Share *share, int folder, const char *name, const char *target,
              const PlaceOwner *owner, int *place)
{
    int why;

    if (S_ISDIR(owner->mode)) {
        why = last_error(mkdirat(folder, name, share->mapped ? share->config.dmode
                                                              : 0777));
    } else if (share->mapped) {
        why = make_file(folder, name, share->config.fmode, target);
    } else if (target) {
        why = last_error(symlinkat(target, folder, name));
    } else {
        why = last_error(mknodat(folder, name, owner->mode, owner->rdev));
    }
    return why ? why : adopt(share, folder, name, owner, place);
}

int place_readlink(const Share *share, int place, char *target)
{
    struct stat st, mapped;
    ssize_t n;
    int fd, why = place_stat(share, place, &mapped);

    if (why || fstat(place, &st)) {
        return why ? why : errno;
    }
    if (!S_ISLNK(mapped.st_mode)) {
        return EINVAL;
    }
    if (S_ISLNK(st.st_mode)) {
        n = readlinkat(place, "", target, PLACE_LINK_MOST);
        why = last_error(n < 0);
    } else if (!(why = place_open(place, O_RDONLY, &fd))) {
        n = pread(fd, target, PLACE_LINK_MOST, 0);
        why = last_error(n < 0);
        close(fd);
    }
    if (!why) {
        target[n] = 0;
    }
    return why;
}

int place_link(int place, int folder, const char *name)
{
    return last_error(linkat(AT_FDCWD, place_path(place).text, folder, name,
                             AT_SYMLINK_FOLLOW));
}
