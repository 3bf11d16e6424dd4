/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot's folder is whole or not there: it is written as NAME.new.PID beside its
 * place and renamed once all of it is on disk.  Whatever happens meanwhile, there is
 * the old one, the new one or none.  Main thread.
 */

#ifndef VM_SNAPSHOT_FOLDER_H
#define VM_SNAPSHOT_FOLDER_H

#include "base/types.h"

typedef struct {
    char *path, *temporary;
    int fd;                     /* of the temporary one */
    int lock;                   /* on what is replaced; -1: none */
} Folder;

/*
 * Only a snapshot is replaced, and not one that a run with -persist has, unless it is
 * this one's; another thing at `path` is an error.
 */
bool folder_begin(Folder *folder, const char *path, GError **err) must_check;
/* A new file in it, synced: a close that fails loses data, too. */
bool folder_write(const Folder *folder, const char *name, const void *bytes, size_t n,
                  GError **err) must_check;
/* Puts it in its place; its files have been synced. */
bool folder_end(Folder *folder, GError **err) must_check;
/* Always at the end; deletes what was not put in its place. */
void folder_clear(Folder *folder);

#endif
