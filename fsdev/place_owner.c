/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owners and modes of a shared folder's files: see place.h.
 */

#include "fsdev/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATTRIBUTE(name) "user.virtfs." name

/* ---- mapped-xattr: little endian, as QEMU writes them ---- */

static u64 from_bytes(const u8 *bytes, unsigned n)
{
    u64 value = 0;

    while (n--) {
        value = value << 8 | bytes[n];
    }
    return value;
}

static bool get_mapped(int place, const char *name, unsigned n, u64 *value)
{
    u8 bytes[8];

    if (getxattr(place_path(place).text, name, bytes, n) != n) {
        return false;
    }
    *value = from_bytes(bytes, n);
    return true;
}

static int set_mapped(int place, const char *name, unsigned n, u64 value)
{
    value = GUINT64_TO_LE(value);
    return setxattr(place_path(place).text, name, &value, n, 0) ? errno : 0;
}

static int map_owner(int place, const PlaceOwner *owner)
{
    int why = 0;

    if (owner->uid != UINT32_MAX) {
        why = set_mapped(place, ATTRIBUTE("uid"), 4, owner->uid);
    }
    if (!why && owner->gid != UINT32_MAX) {
        why = set_mapped(place, ATTRIBUTE("gid"), 4, owner->gid);
    }
    if (!why && owner->mode != UINT32_MAX) {
        why = set_mapped(place, ATTRIBUTE("mode"), 4, owner->mode);
    }
    return why || !owner->rdev ? why
           : set_mapped(place, ATTRIBUTE("rdev"), 8, owner->rdev);
}

/* A folder stays a folder, whatever somebody has written beside it. */
static void read_mapped(int place, struct stat *st)
{
    u64 value;

    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) {
        return;
    }
    if (get_mapped(place, ATTRIBUTE("uid"), 4, &value)) {
        st->st_uid = value;
    }
    if (get_mapped(place, ATTRIBUTE("gid"), 4, &value)) {
        st->st_gid = value;
    }
    if (get_mapped(place, ATTRIBUTE("mode"), 4, &value)) {
        u32 type = S_ISREG(st->st_mode) && !S_ISDIR(value) && (value & S_IFMT)
                   ? value & S_IFMT : st->st_mode & S_IFMT;

        st->st_mode = type | (value & ~(u32)S_IFMT);
    }
    if ((S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) &&
        get_mapped(place, ATTRIBUTE("rdev"), 8, &value)) {
        st->st_rdev = value;
    }
}

/* ---- for all ---- */

int place_stat(const Share *share, int place, struct stat *st)
{
    if (fstat(place, st)) {
        return errno;
    }
    if (share->mapped) {
        read_mapped(place, st);
    }
    return 0;
}

static int change_owner(int place, u32 uid, u32 gid)
{
    return fchownat(place, "", uid, gid, AT_EMPTY_PATH) ? errno : 0;
}

/* A new owner takes the set-user-id bits away, so the mode comes last. */
int place_own_new(const Share *share, int place, const PlaceOwner *owner)
{
    int why;

    if (share->mapped) {
        return map_owner(place, owner);
    }
    why = change_owner(place, owner->uid, owner->gid);
    if (why && share->config.security_model == SECURITY_PASSTHROUGH) {
        return why;
    }
    return S_ISLNK(owner->mode) ||
           !chmod(place_path(place).text, owner->mode & ~(u32)S_IFMT) ? 0 : errno;
}

int place_chmod(const Share *share, int place, u32 mode)
{
    struct stat st;
    int why;

    mode &= ~(u32)S_IFMT;
    if (!share->mapped) {
        return chmod(place_path(place).text, mode) ? errno : 0;
    }
    why = place_stat(share, place, &st);
    return why ? why : set_mapped(place, ATTRIBUTE("mode"), 4,
                                  (st.st_mode & S_IFMT) | mode);
}

int place_chown(const Share *share, int place, u32 uid, u32 gid)
{
    const PlaceOwner owner = { uid, gid, UINT32_MAX, 0 };

    return share->mapped ? map_owner(place, &owner) : change_owner(place, uid, gid);
}
