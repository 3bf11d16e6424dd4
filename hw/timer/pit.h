/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 interval timer and port 0x61.  Its channel 0 drives GSI 0.
 */

#ifndef HW_TIMER_PIT_H
#define HW_TIMER_PIT_H

#include "hw/core/device.h"

enum { PIT_HZ = 1193182 };

extern const DeviceType pit_type;

#endif
