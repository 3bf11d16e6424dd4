/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rig with one virtio device, the fake driver before it, and a ring: what the tests
 * of hw/virtio share.  One at a time; under the machine lock while it is open.
 */

#ifndef TESTS_LIB_VIRTIO_BED_H
#define TESTS_LIB_VIRTIO_BED_H

#include "tests/lib/conform.h"
#include "tests/lib/driver.h"
#include "tests/lib/echo.h"

extern Rig *rig;
extern Driver d;
extern DriverRing the_ring;
extern Echo *echo;                  /* the device, where it is one */

/* The driver has found the device, and no more. */
void bed_open(const VirtioType *type, const char *options);
void bed_close(void);
/* Up to DRIVER_OK, with one queue. */
void bed_bring_up(u64 features, unsigned queue, u16 size);
/* One request through the ring to an echo; true if it was answered. */
bool bed_request(void);
/* Lets time pass at once. */
void bed_pass(u64 ns);

#endif
