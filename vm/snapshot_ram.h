/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM as a file of a snapshot, `ram`: the page with number i (ram_page) lies at
 * i * 4096, a page of zeroes is a hole.  A snapshot that was saved from a run of
 * another one may have only the pages that changed; the section "ram" of `state` says
 * which file has which:
 *
 *     page       0 .. 99 | 100 .. 163 | 164 .. 9999 | ...
 *     layer      1       | 0          | 1           | none: zeroes
 *                          own file     the parent's
 *
 *     u32 regions   each u64 base, u64 size: must be those of the machine
 *     u32 layers    each text: the folder of a parent, relative to the snapshot
 *     u32 runs      each u64 first page, u64 pages, u32 layer; in order
 *
 * Restoring maps the runs privately; nothing is read.  Which pages have changed since
 * then the kernel knows (/proc/self/pagemap).  Main thread, the machine paused.
 */

#ifndef VM_SNAPSHOT_RAM_H
#define VM_SNAPSHOT_RAM_H

#include "hw/core/memory.h"
#include "vm/snapshot_file.h"

/* What RAM was mapped from: kept as long as the machine, for the next save. */
typedef struct {
    GPtrArray *dirs;            /* char *, absolute; layer i: the i-th */
    GArray *runs;               /* RamRun */
} RamLayers;

typedef struct {
    u64 page, pages;
    u32 layer;
} RamRun;

RamLayers *ram_layers_new(void);
void ram_layers_free(RamLayers *layers);            /* NULL is allowed */

/*
 * Writes RAM into `fd` and the section into `out`.  `from`: what it was mapped from, or
 * NULL.  *written: bytes that went into the file.
 */
bool snapshot_ram_save(Mem *mem, const RamLayers *from, int fd, GByteArray *out,
                       u64 *written, GError **err) must_check;

/* Maps what the section says; `dir` is the snapshot's folder.  NULL: refused. */
RamLayers *snapshot_ram_map(Mem *mem, StateFile *file, const char *dir,
                            GError **err) must_check;

#endif
