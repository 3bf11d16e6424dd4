/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the metadata of a qcow2 image lies, so that nothing else is written there,
 * whatever its tables and counters say.  The L1, refcount and snapshot tables are
 * compared one by one; places that seldom change are sorted; L2 tables and refcount
 * blocks are in a hash table (q->meta).
 */

#include "block/qcow2_int.h"

#include <errno.h>

/* A value in q->meta: how many entries refer to the cluster, and what it is. */
enum { META_BITS = 2 };

static gsize meta_value(const Qcow2 *q, u64 cluster)
{
    return GPOINTER_TO_SIZE(g_hash_table_lookup(q->meta, GSIZE_TO_POINTER(cluster)));
}

static void meta_set(Qcow2 *q, u64 cluster, gsize value)
{
    g_hash_table_insert(q->meta, GSIZE_TO_POINTER(cluster), GSIZE_TO_POINTER(value));
}

void meta_note(Qcow2 *q, u64 cluster, Meta meta)
{
    gsize times = meta_value(q, cluster) >> META_BITS;

    meta_set(q, cluster, (times + 1) << META_BITS | meta);
}

Meta meta_at(const Qcow2 *q, u64 cluster)
{
    return meta_value(q, cluster) & ((1 << META_BITS) - 1);
}

void meta_forget(Qcow2 *q, u64 cluster)
{
    gsize value = meta_value(q, cluster);

    if (value >> META_BITS > 1) {
        meta_set(q, cluster, value - (1 << META_BITS));
    } else {
        g_hash_table_remove(q->meta, GSIZE_TO_POINTER(cluster));
    }
}

static bool runs_meet(Run a, Run b)
{
    return a.n && b.n && a.first < b.first + b.n && b.first < a.first + a.n;
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

enum { FIXED = 4 };

/* What there is one of in each image. */
typedef struct {
    Run run;
    const char *what;
} Fixed;

static void fixed_tables(const Qcow2 *q, Fixed to[FIXED])
{
    to[0] = (Fixed){ { 0, 1 }, "the header" };
    to[1] = (Fixed){ { q->h.l1_offset / q->cluster,
                       units(q->h.l1_size * 8ull, q->cluster) }, "the L1 table" };
    to[2] = (Fixed){ { q->h.reftable_offset / q->cluster, q->h.reftable_clusters },
                     "the refcount table" };
    to[3] = (Fixed){ q->snapshot_table, "the snapshot table" };
}

const char *overlap_find(const Qcow2 *q, u64 first, u64 n)
{
    const Run run = { first, n };
    const char *what = NULL;
    Fixed fixed[FIXED];

    fixed_tables(q, fixed);
    for (unsigned i = 0; i < FIXED && !what; i++) {
        what = runs_meet(run, fixed[i].run) ? fixed[i].what : NULL;
    }
    if (!what && places_meet(q, first, n)) {
        what = "a snapshot's L1 table or a bitmap";
    }
    for (u64 i = 0; i < n && !what; i++) {
        if (meta_at(q, first + i)) {
            what = "an L2 table or refcount block";
        }
    }
    return what;
}

bool fixed_apart(const Qcow2 *q, GError **err)
{
    Fixed fixed[FIXED];

    fixed_tables(q, fixed);
    for (unsigned i = 0; i < FIXED; i++) {
        const Run run = fixed[i].run;
        const char *what = places_meet(q, run.first, run.n)
                           ? "a snapshot's L1 table or a bitmap" : NULL;

        for (unsigned k = 0; k < i && !what; k++) {
            what = runs_meet(run, fixed[k].run) ? fixed[k].what : NULL;
        }
        if (what && run.n) {
            return qcow2_fail(q, err, "%s overlaps %s", fixed[i].what, what);
        }
    }
    return true;
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
