/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that break a rule each, and what the rule must say of them.
 */

#ifndef TESTS_BROKEN_BROKEN_H
#define TESTS_BROKEN_BROKEN_H

#include "hw/core/device.h"

typedef struct {
    const DeviceType *type;
    const char *rule, *says;            /* * stands for anything */
} Broken;

/* Both end with a type of NULL. */
extern const Broken broken_devices[], broken_virtio[];

#endif
