/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The high precision event timers, for the board.
 *
 * When it is opened the HPET puts itself in front of machine->gsi[] on the lines that
 * it can drive (0 and 8 for legacy replacement, and 20-23), so create it after the
 * board has filled gsi[], and drive GSIs by machine_gsi() rather than by an older copy
 * of gsi[n]. What others drive there passes through, or-ed with its own interrupts; in
 * legacy replacement the PIT and the RTC are cut off from lines 0 and 8.
 */

#ifndef HW_TIMER_HPET_H
#define HW_TIMER_HPET_H

#include "hw/core/device.h"

enum { HPET_BASE = 0xfed00000, HPET_PERIOD_FS = 10000000 /* 100 MHz */ };

extern const DeviceType hpet_type;

#endif
