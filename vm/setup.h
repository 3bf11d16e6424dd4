/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what the user asked for to a machine that is ready to run.  Main thread.
 */

#ifndef VM_SETUP_H
#define VM_SETUP_H

#include "vm/vm_config.h"

/*
 * Builds everything that `config` asks for; the guest does not run yet.  After a
 * failure, too, vm_teardown takes down what there is.  `config` must outlive the
 * machine.
 */
Vm *vm_setup(VmConfig *config, GError **err) must_check;

/* The vCPUs stand.  Output is flushed, sockets and the pid file are removed. */
void vm_teardown(void);

#endif
