/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a guest cluster to its L2 entry, and what an entry holds on to.
 */

#include "block/qcow2_int.h"

#include <errno.h>

/* ---- reading ---- */

static int table_of(Qcow2 *q, u64 guest, u64 *offset)
{
    u64 i = guest >> q->l2_bits;

    *offset = i < q->h.l1_size ? q->l1[i] & QCOW2_OFFSET : 0;
    if (*offset & (q->cluster - 1)) {
        return qcow2_corrupt(q, "L2 table %" G_GUINT64_FORMAT " is at 0x%"
                             G_GINT64_MODIFIER "x", i, *offset);
    }
    return 0;
}

static int entries_in(Qcow2 *q, u64 guest, u64 table, Entries *e)
{
    u64 i = guest & ((1ull << q->l2_bits) - 1);
    u64 at = i * 8;

    *e = (Entries){ .n = (1ull << q->l2_bits) - i };
    if (!table) {
        return 0;
    }
    e->at = at & (q->l2.bytes - 1);
    e->n = (q->l2.bytes - e->at) / 8;
    return tables_get(q, &q->l2, table + at, &e->slice);
}

int entries_get(Qcow2 *q, u64 guest, Entries *e)
{
    u64 table;
    int error = table_of(q, guest, &table);

    return error ? error : entries_in(q, guest, table, e);
}

int entry_judge(Qcow2 *q, u64 guest, u64 entry)
{
    if (entry & QCOW2_COMPRESSED) {
        return 0;
    }
    if ((entry & QCOW2_ZERO) && q->h.version < 3) {
        return qcow2_corrupt(q,
                             "guest cluster %" G_GUINT64_FORMAT " has the zero flag, "
                             "which version 2 does not have",
                             guest);
    }
    if ((entry & QCOW2_OFFSET) & (q->cluster - 1)) {
        return qcow2_corrupt(q, "guest cluster %" G_GUINT64_FORMAT " is at 0x%"
                             G_GINT64_MODIFIER "x", guest, (u64)(entry & QCOW2_OFFSET));
    }
    return 0;
}

Run entry_run(const Qcow2 *q, u64 entry)
{
    if (entry & QCOW2_COMPRESSED) {
        Packed p = packed_of(entry, q->h.cluster_bits);
        u64 first = p.offset / q->cluster;

        return (Run){ first, (p.offset + p.bytes - 1) / q->cluster - first + 1 };
    }
    return (Run){ (entry & QCOW2_OFFSET) / q->cluster, !!(entry & QCOW2_OFFSET) };
}

/* ---- writing ---- */

/* Copies a table that a snapshot has too; with 0, makes an empty one. */
static int table_fill(Qcow2 *q, u64 to, u64 from)
{
    g_autofree u8 *empty = from ? NULL : g_malloc0(q->l2.bytes);

    for (u64 at = 0; at < q->cluster; at += q->l2.bytes) {
        Slice *slice = NULL;
        int error = from ? tables_get(q, &q->l2, from + at, &slice) : 0;

        error = error ? error : node_write(q->file, to + at,
                                           slice ? slice->data : empty, q->l2.bytes);
        if (error) {
            return error;
        }
    }
    return 0;
}

static int table_replace(Qcow2 *q, u64 i)
{
    u64 old = q->l1[i] & QCOW2_OFFSET;
    Run run;
    int error = clusters_take(q, 1, &run);

    if (error) {
        return error;
    }
    error = table_fill(q, run.first * q->cluster, old);
    if (error) {
        clusters_untake(q, run);
        return error;
    }
    tables_drop(&q->l2, run.first * q->cluster, q->cluster);
    meta_note(q, run.first, META_L2);
    q->l1[i] = run.first * q->cluster | QCOW2_COPIED;
    dirty_add(&q->l1_dirty, i, i + 1);
    __atomic_store_n(&q->clean, false, __ATOMIC_RELEASE);
    if (old) {                      /* somebody else's from now on */
        meta_forget(q, old / q->cluster);
        clusters_free(q, old / q->cluster, 1);
    }
    return 0;
}

/* The L2 table of a guest cluster is there and nobody else's. */
static int table_own(Qcow2 *q, u64 guest)
{
    u64 i = guest >> q->l2_bits;
    u64 count, table;
    int error = table_of(q, guest, &table);

    if (error || (table && q->l1[i] & QCOW2_COPIED)) {
        return error;
    }
    g_assert(i < q->h.l1_size);
    if (!table) {
        return table_replace(q, i);
    }
    error = refcount_get(q, table / q->cluster, &count);
    if (error) {
        return error;
    }
    if (!count) {
        return qcow2_corrupt(q, "L2 table %" G_GUINT64_FORMAT " has no refcount", i);
    }
    if (count > 1) {
        return table_replace(q, i);
    }
    q->l1[i] |= QCOW2_COPIED;
    dirty_add(&q->l1_dirty, i, i + 1);
    __atomic_store_n(&q->clean, false, __ATOMIC_RELEASE);
    return 0;
}

int entries_get_writable(Qcow2 *q, u64 guest, Entries *e)
{
    int error = table_own(q, guest);

    return error ? error : entries_get(q, guest, e);
}

void entry_set(Qcow2 *q, Entries *e, u64 i, u64 entry)
{
    be64_put(e->slice->data + e->at + i * 8, entry);
    tables_touch(q, &q->l2, e->slice, e->at + i * 8, 8);
}

void entry_free(Qcow2 *q, u64 entry)
{
    Run run = entry_run(q, entry);

    if (run.n) {
        clusters_free(q, run.first, run.n);
    }
}
