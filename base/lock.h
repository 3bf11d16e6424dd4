/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine lock.  It guards every device model that is not on an I/O thread: port
 * and MMIO callbacks, timers and interrupt lines run under it, and so does whoever
 * changes the address map or looks at a device from outside (monitor, snapshot).  It is
 * not recursive.  Nobody waits for a vCPU while holding it, except through
 * AccelType.pause (accel/accel.h), which lets it go meanwhile.
 */

#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>

void machine_lock(void);
void machine_unlock(void);
bool machine_lock_held(void);       /* by this thread; for assertions */

#endif
