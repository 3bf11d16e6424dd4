/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM becomes what the files of a snapshot hold (vm/snapshot_ram.h): their runs are
 * mapped privately, and nothing is read.  Main thread, while the machine is built.
 */

#ifndef VM_SNAPSHOT_MAP_H
#define VM_SNAPSHOT_MAP_H

#include "hw/core/memory.h"
#include "vm/snapshot_layers.h"
#include "vm/snapshot_runs.h"

/* Maps what the section says; the runs (RamRun), or NULL: refused. */
GArray *snapshot_ram_map(Mem *mem, StateFile *file, const Layers *layers,
                         GError **err) must_check;

/* Are these (RamRegion) the machine's? */
bool ram_same_regions(const Mem *mem, const GArray *regions, GError **err) must_check;
/* Where a run begins; refused unless all of it lies in one region. */
bool ram_find_run(const Mem *mem, const RamRun *run, gpa *at, GError **err) must_check;

#endif
