/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Image formats that are not supported, by name.
 */

#ifndef BLOCK_PROBE_H
#define BLOCK_PROBE_H

#include "base/types.h"

/* The format whose images begin with these bytes; NULL: none of those known. */
const char *foreign_format(const u8 *head, size_t n);

#endif
