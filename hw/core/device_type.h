/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between device.c (one device) and device_type.c (kinds of devices).  Nobody else
 * includes this.
 */

#ifndef HW_CORE_DEVICE_TYPE_H
#define HW_CORE_DEVICE_TYPE_H

#include "hw/core/device.h"

/*
 * A device with all its parts and default options, and nothing opened; `machine` may be
 * NULL (for help).
 */
Device *device_blank(Machine *machine, const DeviceType *type, const BusType *bus,
                     GError **err) must_check;

/* Sets one option of whichever part has it and adds its row to `given`. */
bool device_option(Device *dev, const KeyVal *pair, GHashTable *given,
                   GError **err) must_check;

/* Applies the -global values that mean this device. */
bool globals_apply(Device *dev, GHashTable *given, GError **err) must_check;

#endif
