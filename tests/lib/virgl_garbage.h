/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One command of a 3D context (virgl_protocol.h) for fuzz tests: its length is mostly
 * right, its words are ids that may exist, numbers that mean something somewhere, and
 * anything.
 */

#ifndef TESTS_LIB_VIRGL_GARBAGE_H
#define TESTS_LIB_VIRGL_GARBAGE_H

#include "tests/lib/chance.h"

/* At most `max` words, cut off there; how many. */
unsigned virgl_garbage(Chance *chance, u32 *to, unsigned max);

#endif
