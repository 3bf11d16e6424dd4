/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that brings a virtio device up, sends some honest requests, and lies in its
 * rings: loops, wild addresses, lengths of 4 GiB, wrong directions, descriptors past
 * the end, bad indirect tables, jumping indices, ids used twice.  It is a rule of
 * tests/conformance.c and the fuzz target tests/fuzz/ring.c.
 */

#ifndef TESTS_LIB_HOSTILE_H
#define TESTS_LIB_HOSTILE_H

#include "tests/lib/conform.h"

/* What is wrong with the rig's device, or NULL.  Under the machine lock. */
char *hostile_rings(Rig *rig, u64 seed, unsigned rounds);

#endif
