/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots: a machine at one moment as a folder, and back.
 *
 *     NAME/state           options, CPUs, devices, clock (vm/snapshot_file.h); all
 *                          that a restore reads
 *     NAME/ram             guest memory (vm/snapshot_ram.h)
 *     NAME/kernel, ...     files that a reset of the machine needs
 *     NAME/touched         pages that a run needs first (vm/snapshot_touched.h)
 *     NAME/snapshot.json   what it is, for people and tools; never read by a restore
 *
 * A folder is complete or not there: it is written beside its place, synced, and
 * renamed.  A name without '/' lies in XDG_DATA_HOME/mayfly/snapshots.
 *
 * Nothing in a snapshot is believed.  Its options pass the same parser as a user's, and
 * those that would reach for the host's files or programs are refused.  Main thread.
 */

#ifndef VM_SNAPSHOT_H
#define VM_SNAPSHOT_H

#include "vm/vm_config.h"

typedef struct Snapshot Snapshot;

/* Reads a snapshot's `state`.  Nothing of the machine is touched. */
Snapshot *snapshot_open(const char *name, GError **err) must_check;
/* The same of a `state` in memory, for tests. */
Snapshot *snapshot_of_bytes(const char *dir, const u8 *state, size_t n,
                            GError **err) must_check;
void snapshot_free(Snapshot *snapshot);             /* NULL is allowed */

/*
 * `take` is called for each option of the machine that was saved, in order.  A value of
 * NULL is one that no snapshot may have: it would reach for the host.
 */
typedef bool SnapshotWordFn(void *opaque, const char *name, const char *value,
                            GError **err);
bool snapshot_words(Snapshot *snapshot, SnapshotWordFn *take, void *opaque,
                    GError **err) must_check;

/* Adds its disks to the options. */
bool snapshot_drives(Snapshot *snapshot, VmConfig *config, GError **err) must_check;

/*
 * Fills a machine that was built from those options and has not run: RAM, clock, vCPUs,
 * devices.  After a failure the machine must not run.
 */
bool snapshot_restore(Snapshot *snapshot, Machine *machine, GError **err) must_check;

/*
 * Saves the machine.  A snapshot of this name is replaced; anything else is not.  Of a
 * machine that came from a snapshot only what has changed is saved, and the new one
 * needs the old one from then on, unless SAVE_ALL is.
 *
 * The machine stands until RAM is written, too, and goes on if it ran.  With
 * SAVE_BEHIND it goes on before: a forked process, which has RAM as it was then, writes
 * it, and the main loop turns meanwhile.  A run with -persist stands all the same: it
 * must not end before it is saved.
 */
enum { SAVE_ALL = 1, SAVE_BEHIND = 2 };
typedef struct {
    u64 pause_ns;               /* so long the machine stood */
    u64 took_ns;
    u64 ram_written;            /* bytes */
} SnapshotSaid;
bool snapshot_save(Vm *vm, const VmConfig *config, const char *name, unsigned how,
                   SnapshotSaid *said, GError **err) must_check;  /* said: or NULL */
/* The folder of the one that is being written behind the machine's back; NULL: none. */
const char *snapshot_under_way(u64 *written);

/* Saves behind its back, and starts `n` machines from that: vm/snapshot_fork.c */
bool snapshot_fork(Vm *vm, const VmConfig *config, unsigned n, const char *name,
                   GString *said, GError **err) must_check;

/*
 * The machine can be saved from now on: by the monitor, or by -snapshot-when once its
 * text appears on a console.  What -loadvm promises beside the restore begins, too.
 */
bool snapshot_attach(Vm *vm, const VmConfig *config, GError **err) must_check;
void snapshot_detach(void);
/* The same as snapshot_save, of the machine that was attached. */
bool snapshot_save_attached(const char *name, unsigned how, SnapshotSaid *said,
                            GError **err) must_check;
bool snapshot_fork_attached(unsigned n, const char *name, GString *said,
                            GError **err) must_check;

/* Where a snapshot of this name is or would be; g_malloc'd. */
char *snapshot_path(const char *name);
char *snapshot_store(void);                 /* the folder of those without '/' */

#endif
