/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of a shared folder, as the host's kernel has them.  For the files of fsdev/.
 *
 * A file is held by a descriptor that was opened with O_PATH: a "place".  A place is
 * found from another by one name, never by a path; "..", in which a guest could climb
 * out, is looked up from the root with openat2(RESOLVE_BENEATH).  No symbolic link is
 * ever followed: the guest does that, in its own tree.  So whatever becomes of names
 * meanwhile, on this host or through another guest, a place is a file that lay in the
 * folder when it was found.  What a call can't do with O_PATH it does through
 * /proc/self/fd/N, which leads to that very file.
 *
 * Only regular files and folders are ever opened: a device or a pipe is the guest's.
 *
 * Owners and modes (security_model): passthrough gives new files the guest's owner,
 * none tries to and does not mind, mapped-xattr keeps them beside the file, in
 * attributes called user.virtfs.*, as QEMU does; what is on the host then belongs to
 * this process with the modes fmode and dmode, links and devices are files with
 * contents or without.
 *
 * All return 0 or an errno.  Any thread.
 */

#ifndef FSDEV_PLACE_H
#define FSDEV_PLACE_H

#include "fsdev/share.h"

#include <sys/stat.h>

enum { SECURITY_NONE, SECURITY_PASSTHROUGH, SECURITY_MAPPED, SECURITY_MAPPED_ALIAS };
enum { MULTIDEVS_REMAP, MULTIDEVS_WARN, MULTIDEVS_FORBID };

#define SHARE_CONFIG_ROWS                                                             \
    (str,  id,   "name by which devices find it", .required = true),                  \
    (str,  path, "the folder", .required = true),                                     \
    (u8,   security_model, "how owners and modes are kept", .required = true,         \
           .names = security_models),                                                 \
    (bool, readonly, "the guest changes nothing"),                                    \
    (u8,   multidevs, "file numbers where other file systems are mounted inside",     \
           .names = multidevs),                                                       \
    (u32,  fmode, "host's mode of files made under mapped-xattr; 0: 0600",            \
           .max = 0777),                                                              \
    (u32,  dmode, "host's mode of folders made under mapped-xattr; 0: 0700",          \
           .max = 0777),                                                              \
    (u8,   writeout, "immediate: the host writes to the disk as soon as the guest",   \
           .names = writeouts)

typedef struct { FOR_EACH(MEMBER_, ShareConfig, SHARE_CONFIG_ROWS) } ShareConfig;

struct Share {
    ShareConfig config;
    int root;                       /* O_PATH */
    bool mapped;
    bool warned;                    /* multidevs=warn: once */
};

enum { PLACE_NAME_MOST = 255, PLACE_LINK_MOST = 4095 };

/* For calls that take a path: to the file itself, also if it is a link. */
typedef struct { char text[32]; } PlacePath;
PlacePath place_path(int place);

/* ---- place.c: places ---- */

/* The kernel and /proc have what is needed. */
int place_works(const Share *share);
/* A single name: not empty, no '/', not "." or "..". */
bool place_name_good(const char *name);
int place_walk(const Share *share, int folder, const char *name, int *place);
int place_parent(const Share *share, int place, int *folder, char **name);
/* From the root, "" is the root; NULL: it lies there no longer. */
char *place_where(const Share *share, int place);
int place_find(const Share *share, const char *where, int *place);
bool place_same(int place, int other);
/* Opens what is there; only files and folders. */
int place_open(int place, int flags, int *fd);

/* ---- place_owner.c: owners and modes ---- */

typedef struct {
    u32 uid, gid;                   /* UINT32_MAX: not to be changed */
    u32 mode;                       /* with the type; UINT32_MAX likewise */
    u64 rdev;                       /* of a device that is made */
} PlaceOwner;

int place_stat(const Share *share, int place, struct stat *st);
/* Of what was just made. */
int place_own_new(const Share *share, int place, const PlaceOwner *owner);
int place_chmod(const Share *share, int place, u32 mode);
int place_chown(const Share *share, int place, u32 uid, u32 gid);

/* ---- place_make.c: new files and names ---- */

int place_create(const Share *share, int folder, const char *name, int flags,
                const PlaceOwner *owner, int *place, int *fd);
/* A folder, device, pipe or socket by owner->mode; with a target, a link. */
int place_make(const Share *share, int folder, const char *name, const char *target,
              const PlaceOwner *owner, int *place);
/* `target` has room for PLACE_LINK_MOST bytes and a 0. */
int place_readlink(const Share *share, int place, char *target);
int place_link(int place, int folder, const char *name);

#endif
