/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node without anything behind it, for measurements: reads give zeroes, writes go
 * nowhere.
 */

#include "block/drivers.h"

PROPS(NullConfig,
    (u64,  size,        "how long it seems to be", .is_size = true, .def = GiB,
           .max = INT64_MAX),
    (u64,  latency_ns,  "without effect"),
    (bool, read_zeroes, "reads give zeroes: they always do", .def = 1));

static bool null_open(BlockNode *node, const void *opaque, KeyVals *rest, GError **err)
{
    const NullConfig *config = opaque;

    (void)rest, (void)err;
    node->filename = g_strdup_printf("%s://", node->driver->name);
    node_set_length(node, config->size);
    return true;
}

static void null_map(BlockNode *node, BlockAccess access, u64 offset, u64 bytes,
                     BlockMap *to)
{
    (void)node, (void)offset;
    *to = (BlockMap){ access == BLOCK_READ ? MAP_ZERO : MAP_SLOW, NULL, 0, bytes };
}

static int null_write(BlockNode *node, u64 offset, BlockVec from)
{
    (void)node, (void)offset, (void)from;
    return 0;
}

static int null_write_zeroes(BlockNode *node, u64 offset, u64 bytes, bool may_unmap)
{
    (void)node, (void)offset, (void)bytes, (void)may_unmap;
    return 0;
}

static int null_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out)
{
    *out = (BlockStatus){ .zero = true, .allocated = true, .node = node,
                          .offset = offset, .bytes = bytes };
    return 0;
}

#define NULL_CALLS                                                                  \
    .is_protocol = true, .has_no_contents = true,                                   \
    .fields = NullConfig_fields, .config_size = sizeof(NullConfig),                 \
    .open = null_open, .map = null_map, .write = null_write,                        \
    .write_zeroes = null_write_zeroes, .status = null_status

const BlockDriver block_null_co = {
    .name = "null-co", .help = "nothing: reads give zeroes", NULL_CALLS
};

const BlockDriver block_null_aio = {
    .name = "null-aio", .help = "the same", NULL_CALLS
};
