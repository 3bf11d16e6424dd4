/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The section "ram" of `state`: which pages lie in which layer's file `ram`, each at
 * its number * 4096 there.  What no run has is zeroes.
 *
 *     u32 regions   each u64 base, u64 size: must be those of the machine
 *     u32 runs      each u64 first page, u64 pages, u32 layer; in order
 *
 * Main thread.
 */

#ifndef VM_SNAPSHOT_RUNS_H
#define VM_SNAPSHOT_RUNS_H

#include "vm/snapshot_file.h"

enum { RAM_RUNS_MAX = 16384, RAM_REGIONS_MAX = 256 };

typedef struct {
    u64 base, size;
} RamRegion;

/* Pages that lie in the `ram` of one layer. */
typedef struct {
    u64 page, pages;
    u32 layer;
} RamRun;

typedef struct {
    GArray *regions;            /* RamRegion */
    GArray *runs;               /* RamRun: in order, none empty or over another */
} RamSection;

void ram_section_put(const GArray *regions, const GArray *runs, GByteArray *out);
/*
 * Reads it; `layers`: so many there are.  A machine's own regions are not known here.
 */
bool ram_section_get(StateFile *file, u32 layers, RamSection *ram,
                     GError **err) must_check;
void ram_section_clear(RamSection *ram);

#endif
