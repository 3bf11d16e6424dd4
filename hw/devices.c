/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every device there is, one line each, sorted by name.
 */

#include "hw/core/device.h"

const DeviceType *const device_types[] = {
    NULL
};
