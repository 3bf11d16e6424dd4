/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -persist: what the guest does lies beside its snapshot as always, and becomes the
 * snapshot, in one step, when the machine ends in good order or is saved under this
 * name.  Whatever happens in between, there is the old one.  The snapshot is locked
 * (vm/snapshot_lock.h).  Main thread.
 */

#ifndef VM_SNAPSHOT_PERSIST_H
#define VM_SNAPSHOT_PERSIST_H

#include "vm/vm_config.h"

/* The machine is saved when it ends, if that is wanted. */
void persist_attach(Vm *vm, const VmConfig *config);

#endif
