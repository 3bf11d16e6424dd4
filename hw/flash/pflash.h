/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's flash chips: see pflash.c.
 */

#ifndef HW_FLASH_PFLASH_H
#define HW_FLASH_PFLASH_H

#include "hw/core/device.h"

enum { PFLASH_SECTOR = 4096 };

extern const DeviceType pflash_type;        /* cfi.pflash01: drive=, base= */

/* What is in it; whoever shows it elsewhere copies it. */
const u8 *pflash_bytes(Device *dev);
u64 pflash_size(Device *dev);

#endif
