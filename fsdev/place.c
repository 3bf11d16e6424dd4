/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places in a shared folder: see place.h.
 */

#include "fsdev/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

PlacePath place_path(int place)
{
    PlacePath path;

    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", place);
    return path;
}

/* Below `folder`, through no link of any kind. */
static int open_beneath(int folder, const char *path, int flags, int *fd)
{
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
                   (strchr(path, '/') ? RESOLVE_NO_SYMLINKS : 0),
    };

    *fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    return *fd < 0 ? errno : 0;
}

bool place_same(int place, int other)
{
    struct stat one, two;

    return fstat(place, &one) == 0 && fstat(other, &two) == 0 &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

int place_works(const Share *share)
{
    struct stat st;
    int fd, why = open_beneath(share->root, ".", O_DIRECTORY, &fd);

    if (why) {
        return why;
    }
    close(fd);
    return stat(place_path(share->root).text, &st) ? errno : 0;
}

bool place_name_good(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0 && strlen(name) <= PLACE_NAME_MOST;
}

/* 9P's walk(5): ".." in the root is the root. */
static int walk_up(const Share *share, int folder, int *place)
{
    char *name = NULL;
    int why;

    if (place_same(folder, share->root)) {
        *place = fcntl(folder, F_DUPFD_CLOEXEC, 0);
        return *place < 0 ? errno : 0;
    }
    why = place_parent(share, folder, place, &name);
    g_free(name);
    return why;
}

int place_walk(const Share *share, int folder, const char *name, int *place)
{
    if (strcmp(name, "..") == 0) {
        return walk_up(share, folder, place);
    }
    return place_name_good(name) ? open_beneath(folder, name, 0, place)
           : strlen(name) > PLACE_NAME_MOST ? ENAMETOOLONG : ENOENT;
}

static char *proc_target(int place)
{
    return g_file_read_link(place_path(place).text, NULL);
}

char *place_where(const Share *share, int place)
{
    g_autofree char *root = proc_target(share->root), *path = proc_target(place);
    size_t n = root ? strlen(root) : 0;

    if (!root || !path) {
        return NULL;
    }
    if (strcmp(root, "/") == 0) {
        return g_strdup(path + 1);
    }
    if (strncmp(root, path, n) != 0 || (path[n] && path[n] != '/')) {
        return NULL;
    }
    return g_strdup(path + n + (path[n] == '/'));
}

int place_find(const Share *share, const char *where, int *place)
{
    return open_beneath(share->root, *where ? where : ".", 0, place);
}

/*
 * The kernel's word on where it lies is only a guess by the time that it is read: what
 * is found there must be the same file.
 */
int place_parent(const Share *share, int place, int *folder, char **name)
{
    g_autofree char *where = place_where(share, place);
    char *cut;
    int why, found;

    if (!where || !*where) {
        return where ? EBUSY : ESTALE;
    }
    cut = strrchr(where, '/');
    *name = g_strdup(cut ? cut + 1 : where);
    where[cut ? cut - where : 0] = 0;
    why = place_find(share, where, folder);
    if (why) {
        return why;
    }
    why = open_beneath(*folder, *name, 0, &found);
    if (!why) {
        why = place_same(found, place) ? 0 : ESTALE;
        close(found);
    }
    if (why) {
        close(*folder);
    }
    return why;
}

int place_open(int place, int flags, int *fd)
{
    struct stat st;

    if (fstat(place, &st)) {
        return errno;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return S_ISLNK(st.st_mode) ? ELOOP : ENXIO;
    }
    *fd = open(place_path(place).text, flags | O_CLOEXEC | O_NOCTTY);
    return *fd < 0 ? errno : 0;
}
