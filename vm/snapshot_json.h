/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot.json: what a snapshot is, for people and tools.  A restore does not read it.
 * Main thread.
 */

#ifndef VM_SNAPSHOT_JSON_H
#define VM_SNAPSHOT_JSON_H

#include "vm/vm_config.h"

typedef struct {
    const VmConfig *config;
    const Machine *machine;
    const char *parent;         /* NULL: it needs none */
    u64 ram_written, guest_ns;
    u32 format;                 /* of `state` */
} SnapshotFacts;

/* g_malloc'd; ends its line.  NULL: there is no json-glib. */
char *snapshot_json(const SnapshotFacts *facts, GError **err) must_check;

#endif
