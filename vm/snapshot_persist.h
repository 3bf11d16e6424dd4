/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs from a snapshot, and -persist.
 *
 * A run of a snapshot holds a shared lock on its folder, one with -persist the only one:
 * nobody's snapshot changes under him.  With -persist what the guest does lies beside
 * the snapshot as always, and becomes the snapshot, in one step, when the machine ends
 * in good order or is saved under this name.  Whatever happens in between, there is the
 * old one.  Main thread.
 */

#ifndef VM_SNAPSHOT_PERSIST_H
#define VM_SNAPSHOT_PERSIST_H

#include "vm/vm_config.h"
#include "vm/vm.h"

/* Locks the snapshot of this name until the process ends; `alone`: nobody else has it. */
bool snapshot_lock(const char *name, bool alone, GError **err) must_check;
/* The new folder `fd` is about to take the place of `path`: it is locked as the old. */
bool snapshot_lock_follow(const char *path, int fd, GError **err) must_check;

/* -persist: the machine is saved when it ends. */
void persist_attach(Vm *vm, const VmConfig *config);

#endif
