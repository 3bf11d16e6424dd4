/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot that is sealed: its file `sums` has the SHA-256 of each other file in its
 * folder and of the images that the user gave, in the form of sha256sum(1).  What has
 * changed since, were it one bit, is found when somebody asks.  Main thread.
 */

#ifndef VM_SNAPSHOT_SUMS_H
#define VM_SNAPSHOT_SUMS_H

#include "base/types.h"

#define SNAPSHOT_SUMS "sums"

/* Writes the file; `images`: char *, absolute paths of what is not in the folder. */
bool sums_write(const char *dir, const GPtrArray *images, GError **err) must_check;
/* Compares everything that was sealed; an error names the file. */
bool sums_check(const char *dir, GError **err) must_check;

#endif
