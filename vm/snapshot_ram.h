/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM as a file of a snapshot, `ram`: the page with number i (ram_page) lies at i *
 * 4096, a page of zeroes is a hole.  A snapshot that was saved from a run of another
 * one may have only the pages that changed; the section "ram" of `state`
 * (vm/snapshot_runs.h) says which file has which:
 *
 *     page       0 .. 99 | 100 .. 163 | 164 .. 9999 | ...
 *     layer      1       | 0          | 1           | none: zeroes
 *                          own file     the parent's
 *
 * Which pages have changed since they were mapped from such files (vm/snapshot_map.h)
 * the kernel knows (vm/host_pages.h).  Main thread, the machine paused.
 */

#ifndef VM_SNAPSHOT_RAM_H
#define VM_SNAPSHOT_RAM_H

#include "hw/core/memory.h"
#include "vm/snapshot_runs.h"

typedef struct RamSaver RamSaver;

/*
 * Saves RAM into the empty file `fd`.  `from`: the runs (RamRun) that it was mapped
 * from, or NULL; `changes`: what is as it lies there stays there, and layer i becomes
 * layer i + 1.
 */
RamSaver *ram_saver_new(Mem *mem, const GArray *from, bool changes, int fd,
                        GError **err) must_check;
/*
 * Writes and syncs.  It takes no lock and no memory, so a forked process may do it,
 * which has RAM as it was at the fork; its parent then calls what follows.
 */
void ram_saver_write(RamSaver *saver);
/* Bytes of the file so far, while it is written. */
u64 ram_saver_written(const RamSaver *saver);
/* Frees it and puts the section into `out`.  *written: bytes of the file. */
bool ram_saver_end(RamSaver *saver, GByteArray *out, u64 *written,
                   GError **err) must_check;

#endif
