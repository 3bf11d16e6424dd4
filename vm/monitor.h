/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor: commands typed at a Chardev, as QEMU's HMP.
 *
 * On connecting it says what it is and prompts "(qemu) "; after each command come its
 * output and the prompt again, lines ending in CR LF.  On a mux it speaks only while it
 * has the focus.  A command received is run, also if its sender has gone already.
 *
 * The main thread, without the machine lock.
 */

#ifndef VM_MONITOR_H
#define VM_MONITOR_H

#include "chardev/chardev.h"
#include "vm/vm.h"

/* Puts a monitor before `chr`.  Fails if something else stands there. */
bool monitor_new(Vm *vm, Chardev *chr, GError **err) must_check;
void monitors_free(void);           /* all of them; before the Vm goes */

/*
 * Runs one line and appends what it says, lines ending in LF.  *cpu is the vCPU that
 * the line's commands look at; the command "cpu" changes it.  False after "quit".
 */
bool monitor_run(Vm *vm, unsigned *cpu, const char *line, GString *out);

#endif
