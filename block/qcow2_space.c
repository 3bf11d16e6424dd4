/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of its clusters a qcow2 image has on its disk.  Main thread.
 */

#include "block/qcow2_int.h"

/* More by a tenth, and by two, of the clusters that are there: then some are not. */
static bool counts_more_than(Qcow2 *q, u64 there)
{
    u64 much = MAX(there * 10 / 9, there + 2), used = 0;
    u64 end = units(node_length(q->file), q->cluster);

    for (u64 i = 0; i < end && used < much; i++) {
        u64 count;

        if (refcount_get(q, i, &count)) {
            return false;
        }
        used += count != 0;
    }
    return used >= much;
}

bool qcow2_is_sparse(BlockNode *node)
{
    Qcow2 *q = qcow2_of(node);

    g_mutex_lock(&q->lock);
    if (!q->sparse_known && q->file->driver->space) {
        q->sparse = counts_more_than(q, q->file->driver->space(q->file) / q->cluster);
    }
    q->sparse_known = true;
    g_mutex_unlock(&q->lock);
    return q->sparse;
}
