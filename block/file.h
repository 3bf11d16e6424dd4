/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between file.c (the protocol node) and file_lock.c.  Nobody else includes this.
 */

#ifndef BLOCK_FILE_H
#define BLOCK_FILE_H

#include "block/node.h"

/*
 * Locks an open image as QEMU does: byte ranges that say what this process does with
 * it and what it does not want others to do.  They go with the file description.
 */
bool file_lock(int fd, BlockFlags flags, const char *filename, GError **err) must_check;

/* Other locks than those for `was`, which stay if that can't be. */
bool file_lock_again(int fd, BlockFlags was, BlockFlags flags, const char *filename,
                     GError **err) must_check;
void file_unlock(int fd);

#endif
