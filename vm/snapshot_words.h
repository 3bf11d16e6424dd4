/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's options in a snapshot: the section "options" of `state`, u32 number, each
 * name and value (put_text).  Files that a reset needs are copied into the snapshot;
 * their option says "snapshot:NAME" then.  Main thread.
 */

#ifndef VM_SNAPSHOT_WORDS_H
#define VM_SNAPSHOT_WORDS_H

#include "vm/snapshot.h"
#include "vm/snapshot_file.h"

/* `words`: char *, name and value in turn.  Files go into the folder `dir_fd`. */
bool words_save(const GPtrArray *words, int dir_fd, GByteArray *out,
                GError **err) must_check;
bool words_load(StateFile *file, const char *dir, SnapshotWordFn *take, void *opaque,
                GError **err) must_check;

#endif
