/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What saving and restoring share: sections of `state` beside those that have headers
 * of their own.
 *
 *     clock          a record: SnapshotClock
 *     cpuid          u32 number, each u32 leaf, u32 index, u8 indexed, 4 u32 eax to edx
 *     cpu0, cpu1..   the records of an X86State (accel/x86_state.h)
 *     device/PATH    of each device, as hw/core/state.c has it
 */

#ifndef VM_SNAPSHOT_PARTS_H
#define VM_SNAPSHOT_PARTS_H

#include "base/field.h"
#include "vm/snapshot_layers.h"
#include "vm/snapshot_ram.h"

#define SNAPSHOT_CLOCK_ROWS(row) row(SnapshotClock,                                    \
    (u64, virtual_ns, "guest time, in ns", .max = 1ull << 61),                         \
    (u64, real_ns,    "the host's time of day then, in ns since 1970"))

SNAPSHOT_CLOCK_ROWS(STATE_STRUCT);
extern const Field snapshot_clock_rows[];

/* What the machine came from: its folders, and where its RAM lies in them. */
typedef struct {
    Layers *layers;
    GArray *runs;               /* RamRun */
} SnapshotOrigin;

/* NULL: it did not come from a snapshot. */
const SnapshotOrigin *snapshot_origin(void);

#endif
