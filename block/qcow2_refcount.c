/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which clusters of a qcow2 file are in use: counters, and taking and freeing clusters.
 *
 * New refcount blocks, and a refcount table that has become too short, are placed
 * behind all that is in use (q->top), so that what they count never has to be moved
 * for them.  A block may well count itself.
 */

#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

enum { MAX_FREED = 65536 };         /* runs noted before they are counted down */

/* ---- counters ---- */

/* The slice with the counter of a cluster, and its number there; NULL: no block. */
static int counter_find(Qcow2 *q, u64 cluster, Slice **slice, u64 *i)
{
    u64 block = cluster >> q->ref_bits;
    u64 in_block = cluster & ((1ull << q->ref_bits) - 1);
    u64 per_slice = (u64)q->ref.bytes * 8 >> q->h.refcount_order;
    u64 offset;

    *slice = NULL;
    *i = in_block % per_slice;
    if (block >= q->reftable_n || !(q->reftable[block] & QCOW2_REF_OFFSET)) {
        return 0;
    }
    offset = q->reftable[block] & QCOW2_REF_OFFSET;
    if (offset & (q->cluster - 1) || offset >= QCOW2_MAX_HOST) {
        return qcow2_corrupt(q, "refcount block %" G_GUINT64_FORMAT " is at 0x%"
                             G_GINT64_MODIFIER "x", block, offset);
    }
    return tables_get(q, &q->ref, offset + in_block / per_slice * q->ref.bytes, slice);
}

static void counter_set(Qcow2 *q, Slice *slice, u64 i, u64 value)
{
    u64 bit = i << q->h.refcount_order;

    refcount_put(slice->data, i, q->h.refcount_order, value);
    tables_touch(q, &q->ref, slice, bit / 8, MAX(1, (1u << q->h.refcount_order) / 8));
}

int refcount_get(Qcow2 *q, u64 cluster, u64 *count)
{
    Slice *slice;
    u64 i;
    int error = counter_find(q, cluster, &slice, &i);

    *count = !error && slice ? refcount_at(slice->data, i, q->h.refcount_order) : 0;
    return error;
}

/* ---- room for counters ---- */

static bool has_block(const Qcow2 *q, u64 block)
{
    return block < q->reftable_n && q->reftable[block] & QCOW2_REF_OFFSET;
}

/* Fills clusters that nothing refers to yet. */
static int clusters_blank(Qcow2 *q, u64 first, u64 n)
{
    g_autofree u8 *zeroes = g_malloc0(MIN(n * q->cluster, MiB));
    u64 end = (first + n) * q->cluster;

    for (u64 at = first * q->cluster; at < end;) {
        u64 bytes = MIN(end - at, MIN(n * q->cluster, MiB));
        int error = node_write(q->file, at, zeroes, bytes);

        if (error) {
            return error;
        }
        at += bytes;
    }
    return 0;
}

/*
 * What has to be added so that clusters [first, end) have counters: blocks, and perhaps
 * a longer refcount table, both behind `end`, where they need counters too.
 */
typedef struct {
    u64 blocks, at;             /* how many, and the first one's cluster */
    u64 table, table_at;        /* clusters of a new table; 0: none */
    u64 end;
} Growth;

static u64 missing_blocks(const Qcow2 *q, u64 first, u64 end)
{
    u64 n = 0;

    for (u64 block = first >> q->ref_bits; block <= (end - 1) >> q->ref_bits; block++) {
        n += !has_block(q, block);
    }
    return n;
}

static u64 missing_in_all(const Qcow2 *q, u64 first, u64 n, u64 new_at, u64 new_end)
{
    u64 last = (first + n - 1) >> q->ref_bits;
    u64 missing = missing_blocks(q, first, first + n);

    if (new_end > new_at) {
        u64 from = MAX(new_at, (last + 1) << q->ref_bits);

        missing += from < new_end ? missing_blocks(q, from, new_end) : 0;
    }
    return missing;
}

/* The smallest growth that also counts itself. */
static Growth growth_plan(const Qcow2 *q, u64 first, u64 n)
{
    Growth g = { .at = MAX(q->top, first + n) };

    for (;;) {
        Growth next = g;

        next.end = g.at + g.blocks + g.table;
        next.blocks = missing_in_all(q, first, n, g.at, next.end);
        next.end = g.at + next.blocks + g.table;
        if ((MAX(next.end, first + n) - 1) >> q->ref_bits >= q->reftable_n) {
            u64 entries = ((next.end - 1) >> q->ref_bits) + 1;

            next.table = units((entries + entries / 2) * 8, q->cluster);
        }
        next.table_at = g.at + next.blocks;
        next.end = next.table_at + next.table;
        if (next.blocks == g.blocks && next.table == g.table) {
            return next;
        }
        g = next;
    }
}

static bool growth_fits(const Qcow2 *q, const Growth *g)
{
    return g->end <= QCOW2_MAX_HOST / q->cluster &&
           g->table <= MAX(QCOW2_MAX_REFTABLE_BYTES, q->cluster) / q->cluster;
}

static void table_grow(Qcow2 *q, const Growth *g)
{
    u64 n = g->table * q->cluster / 8;

    q->reftable = g_renew(u64, q->reftable, n);
    memset(q->reftable + q->reftable_n, 0, (n - q->reftable_n) * 8);
    q->reftable_n = n;
}

/* The longer table lies at its new place; the old one is let go of by a commit. */
static void table_move(Qcow2 *q, const Growth *g)
{
    Run old = { q->h.reftable_offset / q->cluster, q->h.reftable_clusters };

    q->h.reftable_offset = g->table_at * q->cluster;
    q->h.reftable_clusters = g->table;
    if (q->reftable_moved) {        /* that place was never in the header on disk */
        clusters_untake(q, old);
    } else {
        q->reftable_old = old;
    }
    q->reftable_moved = true;
}

static void block_enter(Qcow2 *q, u64 block, u64 cluster)
{
    q->reftable[block] = cluster * q->cluster;
    dirty_add(&q->reftable_dirty, block, block + 1);
    meta_note(q, cluster, META_REFBLOCK);
    tables_drop(&q->ref, cluster * q->cluster, q->cluster);
}

/* A growth's blocks, for the clusters from `first` to `last` and for themselves. */
static void blocks_enter(Qcow2 *q, const Growth *g, u64 first, u64 last)
{
    u64 at = g->at;

    for (u64 block = first; block <= (g->end - 1) >> q->ref_bits; block++) {
        if (block > last && block < g->at >> q->ref_bits) {
            block = g->at >> q->ref_bits;
        }
        if (!has_block(q, block)) {
            block_enter(q, block, at++);
        }
    }
}

/* It can't be done after all: nothing refers to the growth. */
static void growth_undo(Qcow2 *q, const Growth *g, u64 first)
{
    for (u64 block = first; block <= (g->end - 1) >> q->ref_bits; block++) {
        u64 at = q->reftable[block] / q->cluster;

        if (at >= g->at && at < g->at + g->blocks) {
            q->reftable[block] = 0;
            meta_forget(q, at);
            tables_drop(&q->ref, at * q->cluster, q->cluster);
        }
    }
}

/* Clusters [first, first + n) have counters afterwards. */
static int counters_make(Qcow2 *q, u64 first, u64 n)
{
    u64 from = first >> q->ref_bits;
    u64 old_n = q->reftable_n;
    Growth g;
    int error;

    if (!missing_blocks(q, first, first + n)) {
        return 0;
    }
    g = growth_plan(q, first, n);
    if (!growth_fits(q, &g)) {
        return -EFBIG;
    }
    error = overlap_check(q, g.at, g.end - g.at);
    error = error ? error : clusters_blank(q, g.at, g.blocks);
    if (error) {
        return error;
    }
    if (g.table) {
        table_grow(q, &g);
    }
    blocks_enter(q, &g, from, (first + n - 1) >> q->ref_bits);
    error = refcount_up(q, g.at, g.end - g.at);
    if (error) {
        growth_undo(q, &g, from);
        q->reftable_n = old_n;
    } else if (g.table) {
        table_move(q, &g);
    }
    return error;
}

/* ---- counting ---- */

static int count_by(Qcow2 *q, u64 first, u64 n, int step)
{
    for (u64 done = 0; done < n; done++) {
        Slice *slice;
        u64 i, value;
        int error = counter_find(q, first + done, &slice, &i);

        if (!error && !slice) {
            error = step > 0 ? counters_make(q, first + done, n - done) : -EINVAL;
            error = error ? error : counter_find(q, first + done, &slice, &i);
        }
        value = error ? 0 : refcount_at(slice->data, i, q->h.refcount_order);
        if (!error && step > 0 && value == refcount_max(q->h.refcount_order)) {
            error = -EOVERFLOW;
        }
        if (!error && step < 0 && !value) {
            error = qcow2_corrupt(q, "cluster %" G_GUINT64_FORMAT " was freed more "
                                  "often than used", first + done);
        }
        if (!error && step < 0 && value == 1) {     /* whoever referred to it lied */
            error = overlap_check(q, first + done, 1);
        }
        if (error) {
            if (step > 0 && done) {
                clusters_untake(q, (Run){ first, done });
            }
            return error;
        }
        counter_set(q, slice, i, value + step);
        if (step > 0) {
            q->top = MAX(q->top, first + done + 1);
        } else if (value == 1) {
            q->hint = MIN(q->hint, first + done);
        }
    }
    return 0;
}

int refcount_up(Qcow2 *q, u64 first, u64 n)
{
    return count_by(q, first, n, 1);
}

int refcount_down(Qcow2 *q, u64 first, u64 n)
{
    return count_by(q, first, n, -1);
}

int refcount_set(Qcow2 *q, u64 cluster, u64 count)
{
    Slice *slice;
    u64 i;
    int error = counter_find(q, cluster, &slice, &i);

    if (!error && !slice) {
        error = counters_make(q, cluster, 1);
        error = error ? error : counter_find(q, cluster, &slice, &i);
    }
    if (!error && count > refcount_max(q->h.refcount_order)) {
        error = -EOVERFLOW;
    }
    if (!error) {
        counter_set(q, slice, i, count);
        q->top = MAX(q->top, cluster + 1);
        q->hint = count ? q->hint : MIN(q->hint, cluster);
    }
    return error;
}

/* ---- taking and freeing ---- */

/* The first free cluster from q->hint on that has a counter, and how many follow. */
static int free_find(Qcow2 *q, u64 want, Run *run)
{
    u64 at = q->hint;

    *run = (Run){ .n = 0 };
    while (at < q->top && run->n < want) {
        Slice *slice;
        u64 i;
        int error = counter_find(q, at, &slice, &i);

        if (error) {
            return error;
        }
        if (!slice) {               /* a part without a block: leave it alone */
            if (run->n) {
                break;
            }
            at = ((at >> q->ref_bits) + 1) << q->ref_bits;
            continue;
        }
        if (refcount_at(slice->data, i, q->h.refcount_order) == 0) {
            run->first = run->n++ ? run->first : at;
        } else if (run->n) {
            break;
        }
        at++;
    }
    if (!run->n) {
        q->hint = MAX(q->hint, q->top);
        *run = (Run){ q->top, want };
    }
    return 0;
}

int clusters_take(Qcow2 *q, u64 want, Run *run)
{
    int error = q->corrupt ? -EIO : free_find(q, want, run);

    if (!error && (run->first + run->n) > QCOW2_MAX_HOST / q->cluster) {
        error = -EFBIG;
    }
    error = error ? error : overlap_check(q, run->first, run->n);
    error = error ? error : refcount_up(q, run->first, run->n);
    if (!error) {
        q->hint = run->first + run->n;      /* all below were looked at */
    }
    return error;
}

int clusters_take_row(Qcow2 *q, u64 n, u64 *first)
{
    int error = q->corrupt ? -EIO : 0;

    *first = q->top;
    if (!error && (n > QCOW2_MAX_HOST / q->cluster ||
                   *first + n > QCOW2_MAX_HOST / q->cluster)) {
        error = -EFBIG;
    }
    error = error ? error : overlap_check(q, *first, n);
    return error ? error : refcount_up(q, *first, n);
}

void clusters_untake(Qcow2 *q, Run run)
{
    for (u64 i = 0; i < run.n; i++) {
        meta_forget(q, run.first + i);
    }
    /* If the counter can't be read any more the space is lost, nothing else. */
    (void)!refcount_down(q, run.first, run.n);
}

void clusters_free(Qcow2 *q, u64 first, u64 n)
{
    Run run = { first, n };
    Run *last = q->freed->len ? &g_array_index(q->freed, Run, q->freed->len - 1) : NULL;

    __atomic_store_n(&q->clean, false, __ATOMIC_RELEASE);
    if (last && last->first + last->n == first) {
        last->n += n;
        return;
    }
    g_array_append_val(q->freed, run);
    if (q->freed->len % MAX_FREED == 0 && !q->in_commit) {
        (void)!qcow2_commit(q);     /* the next flush tells */
    }
}

/* ---- opening ---- */

static int table_load(Qcow2 *q)
{
    q->reftable_n = q->h.reftable_clusters * q->cluster / 8;
    q->reftable = g_try_new(u64, q->reftable_n);
    if (!q->reftable) {
        return -ENOMEM;
    }
    return words_read(q, q->h.reftable_offset, q->reftable, q->reftable_n);
}

/* Behind everything: the end of the file, or the last counter that is not zero. */
static int top_find(Qcow2 *q)
{
    u64 block = q->reftable_n;
    u64 n = 1ull << q->ref_bits;

    q->top = units(node_length(q->file), q->cluster);
    while (block && !has_block(q, block - 1)) {
        block--;
    }
    if (!block) {
        return 0;
    }
    for (u64 i = n; i > 0; i--) {
        u64 count;
        int error = refcount_get(q, ((block - 1) << q->ref_bits) + i - 1, &count);

        if (error || count) {
            q->top = MAX(q->top, ((block - 1) << q->ref_bits) + i);
            return error;
        }
    }
    q->top = MAX(q->top, (block - 1) << q->ref_bits);
    return 0;
}

bool refcount_open(Qcow2 *q, GError **err)
{
    int error = table_load(q);

    error = error ? error : top_find(q);
    return error ? node_error(q->node, error, "can't read the refcount table", err)
                 : true;
}
