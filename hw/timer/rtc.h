/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MC146818 real-time clock and its battery-backed bytes, for the board.  It drives
 * GSI 8. Under the machine lock.
 */

#ifndef HW_TIMER_RTC_H
#define HW_TIMER_RTC_H

#include "hw/core/device.h"

extern const DeviceType rtc_type;

/*
 * Battery-backed bytes 0x0e-0x7f, for firmware to find: memory sizes, boot order.  Set
 * before the machine starts, they stay over a reset.
 */
void rtc_set_cmos(Device *rtc, unsigned index, u8 value);
u8 rtc_get_cmos(Device *rtc, unsigned index);

#endif
