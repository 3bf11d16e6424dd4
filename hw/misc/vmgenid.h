/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machine generation ID, for the board.  Under the machine lock. */

#ifndef HW_MISC_VMGENID_H
#define HW_MISC_VMGENID_H

#include "hw/core/device.h"

enum { VMGENID_BASE = 0xfed60000, VMGENID_BYTES = 16, VMGENID_GPE = 5 };

extern const DeviceType vmgenid_type;

/* Another generation begins; who calls this also raises VMGENID_GPE. */
void vmgenid_change(Device *dev);

#endif
