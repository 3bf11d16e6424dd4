/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -loadvm NAME,relink=on: a machine that goes on from a snapshot is in another network
 * than it believes.  Its links go down when it starts, and up half a second later: what
 * looks after addresses in the guest asks for them anew.  Main thread.
 */

#ifndef VM_SNAPSHOT_RELINK_H
#define VM_SNAPSHOT_RELINK_H

#include "vm/vm.h"

void relink_attach(Vm *vm);
void relink_detach(Vm *vm);

#endif
