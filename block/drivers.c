/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every driver, one line each, sorted by name.
 */

#include "block/drivers.h"
#include "block/qcow2.h"

const BlockDriver *const block_drivers[] = {
    &block_file,
    &block_host_device,
    &block_null_aio,
    &block_null_co,
    &qcow2_driver,
    &block_raw,
    NULL
};
