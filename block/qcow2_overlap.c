/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the metadata of a qcow2 image lies, so that nothing else is written there,
 * whatever its tables and counters say.  The L1, refcount and snapshot tables are
 * compared one by one; places that seldom change are sorted; L2 tables and refcount
 * blocks are a set (q->meta).
 */

#include "block/qcow2_int.h"

#include <errno.h>

static bool run_meets(u64 first, u64 n, u64 bytes_at, u64 bytes, u64 cluster)
{
    u64 from = bytes_at / cluster;
    u64 to = units(bytes_at + bytes, cluster);

    return bytes && first < to && from < first + n;
}

/* Places don't overlap each other: at most one begins last before the end of these. */
static bool places_meet(const Qcow2 *q, u64 first, u64 n)
{
    guint low = 0, high = q->places->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(q->places, Run, middle).first < first + n) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (!low) {
        return false;
    }
    return first < g_array_index(q->places, Run, low - 1).first +
                   g_array_index(q->places, Run, low - 1).n;
}

static int by_first(const void *a, const void *b)
{
    u64 one = ((const Run *)a)->first, other = ((const Run *)b)->first;

    return one < other ? -1 : one > other;
}

void places_build(Qcow2 *q)
{
    guint n = 0;

    g_array_set_size(q->places, 0);
    g_array_append_vals(q->places, q->bitmap_places->data, q->bitmap_places->len);
    for (u32 i = 0; i < q->h.n_snapshots; i++) {
        Run run = { q->snapshot[i].l1_offset / q->cluster,
                    units(q->snapshot[i].l1_size * 8ull, q->cluster) };

        g_array_append_val(q->places, run);
    }
    g_array_sort(q->places, by_first);
    for (guint i = 0; i < q->places->len; i++) {
        Run run = g_array_index(q->places, Run, i);
        Run *last = &g_array_index(q->places, Run, n ? n - 1 : 0);

        if (n && run.first < last->first + last->n) {
            last->n = MAX(last->n, run.first + run.n - last->first);
        } else {
            g_array_index(q->places, Run, n++) = run;
        }
    }
    g_array_set_size(q->places, n);
}

const char *overlap_find(const Qcow2 *q, u64 first, u64 n)
{
    const char *what = first == 0 ? "the header" : NULL;

    if (run_meets(first, n, q->h.l1_offset, q->h.l1_size * 8ull, q->cluster)) {
        what = "the L1 table";
    } else if (run_meets(first, n, q->h.reftable_offset,
                         q->h.reftable_clusters * q->cluster, q->cluster)) {
        what = "the refcount table";
    } else if (q->snapshot_table.n &&
               run_meets(first, n, q->snapshot_table.first * q->cluster,
                         q->snapshot_table.n * q->cluster, q->cluster)) {
        what = "the snapshot table";
    }
    if (!what && places_meet(q, first, n)) {
        what = "a snapshot's L1 table or a bitmap";
    }
    for (u64 i = 0; i < n && !what; i++) {
        if (g_hash_table_contains(q->meta, GSIZE_TO_POINTER(first + i))) {
            what = "an L2 table or refcount block";
        }
    }
    return what;
}

int overlap_check(Qcow2 *q, u64 first, u64 n)
{
    const char *what = overlap_find(q, first, n);

    if (what) {
        return qcow2_corrupt(q, "cluster %" G_GUINT64_FORMAT " holds %s and is to be "
                             "overwritten", first, what);
    }
    return 0;
}
