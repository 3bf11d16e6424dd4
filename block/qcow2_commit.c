/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From memory to disk, in the order that qcow2_int.h lays down.
 */

#include "block/qcow2_int.h"

#include <errno.h>

static bool is_dirty(Dirty d)
{
    return d.from != d.to;
}

/* What may be written at any time: nothing on disk relies on counters being low. */
static int write_refcounts(Qcow2 *q)
{
    bool later = q->lazy && q->marked_dirty && q->ref.n_dirty < q->ref.max / 2;
    int error = later ? 0 : tables_write(q, &q->ref);

    if (!error && q->reftable_moved) {
        error = words_write(q, q->h.reftable_offset, q->reftable, q->reftable_n);
    }
    return error;
}

/* Refcount blocks are safe: the refcount table may show them. */
static int write_reftable(Qcow2 *q)
{
    int error;

    if (q->reftable_moved) {
        u8 place[12];

        be64_put(place, q->h.reftable_offset);
        be32_put(place + 8, q->h.reftable_clusters);
        error = node_write(q->file, QCOW2_AT_REFTABLE, place, sizeof place);
    } else {
        Dirty d = q->reftable_dirty;

        error = words_write(q, q->h.reftable_offset + d.from * 8, q->reftable + d.from,
                            d.to - d.from);
    }
    error = error ? error : node_flush(q->file);
    if (error) {
        return error;
    }
    q->reftable_dirty = (Dirty){ 0 };
    if (q->reftable_moved) {
        q->reftable_moved = false;
        clusters_free(q, q->reftable_old.first, q->reftable_old.n);
    }
    return 0;
}

/* All that entries refer to is safe: they may be written. */
static int write_entries(Qcow2 *q)
{
    int error = tables_write(q, &q->l2);
    Dirty d = q->l1_dirty;

    if (!error && is_dirty(d)) {
        error = words_write(q, q->h.l1_offset + d.from * 8, q->l1 + d.from,
                            d.to - d.from);
    }
    if (!error) {
        q->l1_dirty = (Dirty){ 0 };
    }
    return error;
}

/*
 * No table on disk refers to these any more.  What can't be counted down is lost
 * space, no error; the host gets back what nobody uses.
 */
static void count_down(Qcow2 *q)
{
    g_autoptr(GArray) freed = q->freed;

    q->freed = g_array_new(FALSE, FALSE, sizeof(Run));
    for (guint i = 0; i < freed->len; i++) {
        Run run = g_array_index(freed, Run, i);

        for (u64 at = run.first; at < run.first + run.n; at++) {
            u64 count = 0;

            if (refcount_down(q, at, 1) || refcount_get(q, at, &count) || count) {
                continue;
            }
            if (q->packed_at / q->cluster == at) {
                q->packed_at = 0;
            }
            tables_drop(&q->l2, at * q->cluster, q->cluster);
            tables_drop(&q->ref, at * q->cluster, q->cluster);
            if (q->node->flags & BLOCK_UNMAP) {
                (void)!node_discard(q->file, at * q->cluster, q->cluster);
            }
        }
    }
}

static int commit_steps(Qcow2 *q)
{
    bool table = q->reftable_moved || is_dirty(q->reftable_dirty);
    bool entries = q->l2.n_dirty || is_dirty(q->l1_dirty);
    int error = write_refcounts(q);

    if (!error && (table || entries)) {
        error = node_flush(q->file);
    }
    if (!error && table) {
        error = write_reftable(q);
    }
    error = error ? error : write_entries(q);
    if (!error && q->freed->len) {
        error = node_flush(q->file);
        if (!error) {
            count_down(q);
            error = write_refcounts(q);
        }
    }
    return error;
}

int commit_unflushed(Qcow2 *q)
{
    int error = 0;

    if (__atomic_load_n(&q->clean, __ATOMIC_ACQUIRE)) {
        return 0;
    }
    if (q->corrupt) {
        return -EIO;
    }
    q->in_commit = true;
    error = commit_steps(q);
    q->in_commit = false;
    if (!error) {
        __atomic_store_n(&q->clean, true, __ATOMIC_RELEASE);
    }
    return error;
}

int qcow2_commit(Qcow2 *q)
{
    int error = commit_unflushed(q);

    return error ? error : node_flush(q->file);
}

int qcow2_begin_change(Qcow2 *q)
{
    u64 known = q->h.autoclear & (QCOW2_BITMAPS | QCOW2_RAW_DATA);
    int error = q->corrupt ? -EIO : 0;

    if (error || q->changing) {
        return error;
    }
    if (known != q->h.autoclear) {
        error = header_write64(q, QCOW2_AT_AUTOCLEAR, known);
        q->h.autoclear = error ? q->h.autoclear : known;
    }
    if (!error && q->lazy) {
        error = header_set_incompatible(q, QCOW2_DIRTY, 0);
        q->marked_dirty = !error;
    }
    error = error ? error : bitmaps_invalidate(q);
    error = error ? error : node_flush(q->file);
    q->changing = !error;
    return error;
}
