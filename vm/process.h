/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This process as the host sees it: signals, pid file, the background.  Main thread.
 */

#ifndef VM_PROCESS_H
#define VM_PROCESS_H

#include "vm/vm.h"

/* The first thing main does: descriptors 0 to 2 are open, SIGPIPE is ignored. */
void process_begin(const char *argv0);

/* What ps and top show for this process; it is cut after 15 bytes. */
void process_set_name(const char *name);

/*
 * SIGTERM, SIGINT and SIGHUP end the machine in an orderly way, with status 0.  Before
 * this call they end the process at once, but leave the terminal as it was.
 */
bool process_catch_signals(Vm *vm, GError **err) must_check;

/*
 * Goes on as a child without a terminal; the parent waits until process_detached, or
 * until the child ends, and takes its status from that.  Before any thread is made.
 */
bool process_detach(GError **err) must_check;
/* All is set up: the parent may end; standard input, output and errors are shut. */
void process_detached(void);

/* Writes the process id.  The file is locked, and removed at process_end. */
bool process_pidfile(const char *path, GError **err) must_check;

void process_end(void);

#endif
