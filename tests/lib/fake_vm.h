/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for tests of what commands it: 2 MiB of RAM, a page of ROM at 0xff000 that
 * ends as QEMU's BIOS does, and two CPUs that only stand there, at the reset vector
 * below 1 MiB.  Only the first MiB is mapped for them, one to one.
 */

#ifndef TESTS_LIB_FAKE_VM_H
#define TESTS_LIB_FAKE_VM_H

#include "accel/accel.h"
#include "vm/vm.h"

typedef struct {
    Machine *machine;
    Vm *vm;
    X86State state;             /* what every CPU says that it is in */
    bool running;               /* its state may not be looked at */
    unsigned pauses, nmis;
} FakeVm;

extern FakeVm fake;

void fake_vm_open(void);
void fake_vm_close(void);       /* also all monitors and back ends */

#endif
