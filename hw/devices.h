/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device types of which nothing is called but what every device has, so that they need
 * no header of their own: for hw/devices.c and the board.
 */

#ifndef HW_DEVICES_H
#define HW_DEVICES_H

#include "hw/core/device.h"

extern const DeviceType debug_exit_type;    /* isa-debug-exit */
extern const DeviceType debugcon_type;      /* isa-debugcon */
extern const DeviceType port92_type;
extern const DeviceType post_type;          /* port 0x80 */
extern const DeviceType pvpanic_type;
extern const DeviceType serial_type;        /* isa-serial */

#endif
