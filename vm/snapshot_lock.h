/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has a snapshot: locks (flock) on its folder.  A run from it has a shared one, as
 * has whoever puts another in its place; a run with -persist has the only one.  So
 * nobody's snapshot changes under him.  A lock goes with its process.  Main thread.
 */

#ifndef VM_SNAPSHOT_LOCK_H
#define VM_SNAPSHOT_LOCK_H

#include "base/types.h"

/*
 * Locks the folder at `path` until *fd is closed; `alone`: nobody else has it.  Where
 * none is, *fd is -1: whoever opens what is in it tells.
 */
bool snapshot_lock(const char *path, bool alone, int *fd, GError **err) must_check;

/* The same for the snapshot that this process runs from, to its end. */
bool snapshot_lock_run(const char *path, bool alone, GError **err) must_check;
/* Does this process run from `path` alone? */
bool snapshot_is_ours(const char *path);
/* The new folder `fd` is about to take its place: it is locked as the old one. */
bool snapshot_lock_follow(int fd, GError **err) must_check;

#endif
