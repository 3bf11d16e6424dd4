/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot as tools see it: what its `state` says, without a machine and whether or
 * not its parents and its disks' images are there.  Main thread.
 */

#ifndef VM_SNAPSHOT_VIEW_H
#define VM_SNAPSHOT_VIEW_H

#include "vm/snapshot_disks.h"
#include "vm/snapshot_parts.h"

typedef struct {
    char *dir;                  /* absolute */
    StateFile *file;
    Layers *layers;
    RamSection ram;
    GPtrArray *disks;           /* SavedDisk */
    GPtrArray *words;           /* char *: options and their values in turn */
    SnapshotClock clock;
    unsigned cpus, devices;
} SnapshotView;

/* `dir` is a path, of a folder that may be unfinished. */
SnapshotView *snapshot_view(const char *dir, GError **err) must_check;
void snapshot_view_free(SnapshotView *view);        /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SnapshotView, snapshot_view_free)

/* Sizes: of all RAM, and of the pages that lie in the files of layers from..to. */
u64 snapshot_view_ram(const SnapshotView *view);
u64 snapshot_view_stored(const SnapshotView *view, u32 from, u32 to);

/*
 * Makes one snapshot of it and its parents, in its place: it needs none of them any
 * more.  What was saved from runs of it does not know it again.
 */
bool snapshot_flatten(SnapshotView *view, GError **err) must_check;

#endif
