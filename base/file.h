/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is read whole or in parts: kernels, firmware, ROMs.  Anything that
 * open(2) takes will do: a pipe or a terminal is read to its end and kept in memory,
 * everything else is read where it lies, so that a large file costs nothing and one
 * that shrinks is an error, not a crash.  A name such as /proc/self/fd/3 works for
 * both.
 *
 * One thread at a time.
 */

#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/types.h"

typedef struct {
    char *name;             /* for messages: as the user wrote it, or "-option NAME" */
    u64 size;
    int fd;                 /* -1: `bytes` has everything */
    u8 *bytes;
} File;

/*
 * Fails where the file is longer than `limit`.  The error says "NAME: what is wrong".
 */
File *file_open(const char *name, u64 limit, GError **err) must_check;
/* The same for the value of an option, which messages then name, too. */
File *file_open_for(const char *option, const char *name, u64 limit,
                    GError **err) must_check;
void file_close(File *file);            /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(File, file_close)

/* False unless all `n` bytes at `at` were there. */
bool file_read(File *file, u64 at, void *to, size_t n) must_check;

/* Everything, with a zero byte behind it that does not count; NULL on a read error. */
u8 *file_contents(File *file, GError **err) must_check;

/*
 * Where `name` is: a name without a folder is looked for here, then where the
 * distribution keeps firmware.  NULL: nowhere.  A path is not looked for.
 */
char *firmware_path(const char *name);

#endif
