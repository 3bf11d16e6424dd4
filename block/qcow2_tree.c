/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks over an L1 table and its L2 tables (qcow2_tree.h).
 */

#include "block/qcow2_tree.h"

#include <errno.h>

/* One step of a walk; `left` ends it early. */
typedef struct {
    int (*run)(Qcow2 *q, u64 first, u64 n);
    u64 left;                   /* calls of run that may still be made */
    u64 made;
} Walk;

static int walk_run(Qcow2 *q, Walk *w, Run run)
{
    int error = 0;

    if (run.n && w->left) {
        error = w->run(q, run.first, run.n);
        w->left -= !error;
        w->made += !error;
    }
    return error;
}

static int walk_table(Qcow2 *q, Walk *w, u64 table)
{
    int error = 0;

    for (u64 at = 0; at < q->cluster && !error && w->left; at += q->l2.bytes) {
        Slice *slice;

        error = tables_get(q, &q->l2, table + at, &slice);
        for (unsigned i = 0; i < q->l2.bytes && !error; i += 8) {
            u64 entry = be64_at(slice->data + i);

            error = entry ? entry_judge(q, 0, entry) : 0;
            error = error ? error : walk_run(q, w, entry_run(q, entry));
        }
    }
    return error ? error : walk_run(q, w, (Run){ table / q->cluster, 1 });
}

static int walk(Qcow2 *q, Walk *w, const u64 *l1, u32 n)
{
    int error = 0;

    for (u32 i = 0; i < n && !error && w->left; i++) {
        u64 table = l1[i] & QCOW2_OFFSET;

        if (table & (q->cluster - 1)) {
            error = qcow2_corrupt(q, "an L2 table is at 0x%" G_GINT64_MODIFIER "x",
                                  table);
        } else if (table) {
            error = walk_table(q, w, table);
        }
    }
    return error;
}

/* What is in use already is used once more. */
static int count_again(Qcow2 *q, u64 first, u64 n)
{
    for (u64 i = 0; i < n; i++) {
        u64 count;
        int error = refcount_get(q, first + i, &count);

        if (!error && !count) {
            error = qcow2_corrupt(q, "cluster %" G_GUINT64_FORMAT
                                  " is used and has no refcount", first + i);
        }
        if (error) {
            return error;
        }
    }
    return refcount_up(q, first, n);
}

int tree_up(Qcow2 *q, const u64 *l1, u32 n)
{
    Walk up = { .run = count_again, .left = UINT64_MAX };
    int error = walk(q, &up, l1, n);

    if (error) {
        Walk back = { .run = refcount_down, .left = up.made };

        if (back.left) {
            (void)!walk(q, &back, l1, n);
        }
    }
    return error;
}

int tree_down(Qcow2 *q, const u64 *l1, u32 n)
{
    Walk down = { .run = refcount_down, .left = UINT64_MAX };

    return walk(q, &down, l1, n);
}

/* ---- flags ---- */

static int flag_of(Qcow2 *q, u64 entry, u64 *flagged)
{
    u64 count = 0;
    int error = 0;

    *flagged = entry;
    if (!(entry & QCOW2_COMPRESSED) && entry & QCOW2_OFFSET) {
        error = refcount_get(q, (entry & QCOW2_OFFSET) / q->cluster, &count);
        *flagged = (entry & ~QCOW2_COPIED) | (count == 1 ? QCOW2_COPIED : 0);
    }
    return error;
}

static int flag_table(Qcow2 *q, u64 table)
{
    for (u64 at = 0; at < q->cluster; at += q->l2.bytes) {
        Slice *slice;
        int error = tables_get(q, &q->l2, table + at, &slice);

        for (unsigned i = 0; i < q->l2.bytes && !error; i += 8) {
            u64 entry = be64_at(slice->data + i);
            u64 flagged;

            error = flag_of(q, entry, &flagged);
            if (!error && flagged != entry) {
                be64_put(slice->data + i, flagged);
                tables_touch(q, &q->l2, slice, i, 8);
            }
        }
        if (error) {
            return error;
        }
    }
    return 0;
}

int tree_flags(Qcow2 *q, u64 *l1, u32 n, Dirty *changed)
{
    int error = 0;

    for (u32 i = 0; i < n && !error; i++) {
        u64 flagged;

        if (!(l1[i] & QCOW2_OFFSET) || l1[i] & QCOW2_OFFSET & (q->cluster - 1)) {
            continue;
        }
        error = flag_of(q, l1[i], &flagged);
        if (!error && flagged != l1[i]) {
            l1[i] = flagged;
            dirty_add(changed, i, i + 1);
            __atomic_store_n(&q->clean, false, __ATOMIC_RELEASE);
        }
        error = error ? error : flag_table(q, flagged & QCOW2_OFFSET);
    }
    return error;
}
