/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks as part of the machine: options, run state, commands.  Main thread, without
 * the machine lock.
 */

#ifndef VM_DISKS_H
#define VM_DISKS_H

#include "vm/vm_config.h"

/* Opens what -blockdev and -drive say. */
bool disks_open(const VmConfig *config, GError **err) must_check;

/* From now on disks stand and go on with the machine, and can make it stand. */
void disks_attach(Vm *vm);

/* Safe on the host; the devices are still there. */
void disks_flush(void);
void disks_close(void);

#endif
