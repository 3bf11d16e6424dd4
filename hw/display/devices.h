/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The display devices there are, for hw/devices.c.
 */

#ifndef HW_DISPLAY_DEVICES_H
#define HW_DISPLAY_DEVICES_H

#include "hw/pci/pci.h"

extern const PciType vga_pci, bochs_display;
extern const DeviceType ramfb_type;

#endif
