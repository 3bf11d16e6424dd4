/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -loadvm NAME,prefetch=...: the pages that a run touches first are there before it
 * runs, in one go, instead of one fault after the other.
 *
 * A run with prefetch=record looks, when its `until` text appears on a console or at
 * its end, which pages it has touched, and writes them to the file `touched` in the
 * snapshot's folder, all at once.  That file is made like `state` (vm/snapshot_file.h)
 * and has the one section "ram" (vm/snapshot_runs.h), where layer 0 stands for pages
 * that were read and layer 1 for those that were written.  It belongs to the snapshot
 * in whose folder it lies.  Main thread.
 */

#ifndef VM_SNAPSHOT_TOUCHED_H
#define VM_SNAPSHOT_TOUCHED_H

#include "hw/core/memory.h"
#include "vm/vm_config.h"

/* A machine that came from a snapshot is about to run: fetch, or begin to record. */
bool touched_attach(Vm *vm, const VmConfig *config, GError **err) must_check;
void touched_detach(Vm *vm);

/* Has the kernel bring the pages that file `fd` names; refused if it is damaged. */
bool touched_fetch(Mem *mem, int fd, GError **err) must_check;

#endif
