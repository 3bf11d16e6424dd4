/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drivers there are, for drivers.c.
 */

#ifndef BLOCK_DRIVERS_H
#define BLOCK_DRIVERS_H

#include "block/node.h"
#include "block/options.h"

extern const BlockDriver block_file, block_host_device, block_null_aio, block_null_co,
                         block_raw;

#endif
