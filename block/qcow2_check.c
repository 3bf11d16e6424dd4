/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking a qcow2 image: everything that refers to a cluster is counted anew and
 * compared with the counters of the image.
 *
 *   counter > references    a leak: space nobody uses
 *   counter < references    corruption: the cluster could be given to somebody else
 *   COPIED flag wrong       corruption: a write in place could change a snapshot
 *
 * Counts are kept in small pieces, only for clusters that something refers to, so that
 * neither a long sparse file nor wild offsets cost memory.
 */

#include "block/qcow2_tree.h"

#include <errno.h>

enum { PIECE = 64 };                /* clusters counted together */

typedef struct {
    Qcow2 *q;
    Qcow2Check *r;
    unsigned fix;
    GHashTable *piece;              /* of u32[PIECE], by cluster / PIECE */
    u64 end;                        /* clusters of the file */
    u64 top;                        /* from here on only what a repair has taken */
    u64 next_host;                  /* for fragmentation */
    bool rebuild;                   /* the refcount structure itself is damaged */
} Check;

static void say(const Check *c, const char *fmt, ...) printf_like(2, 3);
static void say(const Check *c, const char *fmt, ...)
{
    g_autofree char *line = NULL;
    va_list args;

    if (c->r->say) {
        va_start(args, fmt);
        line = g_strdup_vprintf(fmt, args);
        va_end(args);
        c->r->say(c->r->opaque, line);
    }
}

/* ---- counting ---- */

static u32 counted(const Check *c, u64 cluster)
{
    const u32 *piece = g_hash_table_lookup(c->piece, GSIZE_TO_POINTER(cluster / PIECE));

    return piece ? piece[cluster % PIECE] : 0;
}

static bool count_one(Check *c, u64 cluster)
{
    u64 key = cluster / PIECE;
    u32 *piece;

    if (cluster >= c->end) {
        return false;
    }
    piece = g_hash_table_lookup(c->piece, GSIZE_TO_POINTER(key));
    if (!piece) {
        piece = g_new0(u32, PIECE);
        g_hash_table_insert(c->piece, GSIZE_TO_POINTER(key), piece);
    }
    piece[cluster % PIECE] += piece[cluster % PIECE] != UINT32_MAX;
    return true;
}

static void count_run(Check *c, u64 first, u64 n)
{
    for (u64 i = 0; i < n; i++) {
        if (!count_one(c, first + i)) {
            say(c, "ERROR: counting reference for region exceeding the end of the file "
                "by one cluster or more: offset 0x%" G_GINT64_MODIFIER "x size 0x%"
                G_GINT64_MODIFIER "x", first * c->q->cluster, n * c->q->cluster);
            c->r->corruptions++;
            return;
        }
    }
}

static void count_bytes(Check *c, u64 offset, u64 bytes)
{
    if (bytes) {
        count_run(c, offset / c->q->cluster, units(bytes, c->q->cluster));
    }
}

/* ---- trees ---- */

/* How much is in use, and in how many pieces. */
static void measure(Check *c, u64 entry)
{
    u64 host = entry & QCOW2_OFFSET;

    if (entry & QCOW2_COMPRESSED) {
        c->r->compressed_clusters++;
        c->r->allocated_clusters++;
        c->r->fragmented_clusters++;
    } else if (host) {
        c->r->allocated_clusters++;
        c->r->fragmented_clusters += c->next_host && c->next_host != host;
        c->next_host = host + c->q->cluster;
    }
}

static void check_entry(Check *c, u64 entry, bool active)
{
    Run run = entry_run(c->q, entry);

    if (!(entry & QCOW2_COMPRESSED) && entry & QCOW2_OFFSET & (c->q->cluster - 1)) {
        say(c, "ERROR offset=%" G_GINT64_MODIFIER "x: Cluster is not properly aligned; "
            "L2 entry corrupted.", (u64)(entry & QCOW2_OFFSET));
        c->r->corruptions++;
        return;
    }
    if (active) {
        measure(c, entry);
    }
    count_run(c, run.first, run.n);
}

static void check_l2(Check *c, u64 table, bool active)
{
    u64 n = c->q->cluster / 8;
    g_autofree u64 *entry = g_new(u64, n);

    if (words_read(c->q, table, entry, n)) {
        say(c, "ERROR: I/O error in check_refcounts_l2");
        c->r->check_errors++;
        return;
    }
    for (u64 i = 0; i < n; i++) {
        if (entry[i]) {
            check_entry(c, entry[i], active);
        }
    }
}

static void check_tree(Check *c, const u64 *l1, u32 n, bool active)
{
    for (u32 i = 0; i < n; i++) {
        u64 table = l1[i] & QCOW2_OFFSET;

        if (!table) {
            continue;
        }
        if (table & (c->q->cluster - 1)) {
            say(c, "ERROR l2_offset=%" G_GINT64_MODIFIER "x: Table is not cluster "
                "aligned; L1 entry corrupted", table);
            c->r->corruptions++;
            continue;
        }
        count_run(c, table / c->q->cluster, 1);
        if (table / c->q->cluster < c->end) {
            check_l2(c, table, active);
        }
    }
}

static void check_snapshot(Check *c, const Qcow2Snapshot *sn)
{
    g_autofree u64 *l1 = g_try_new(u64, MAX(sn->l1_size, 1));

    if (!l1 || words_read(c->q, sn->l1_offset, l1, sn->l1_size)) {
        say(c, "ERROR: the L1 table of snapshot %s can't be read", sn->id);
        c->r->check_errors++;
        return;
    }
    count_bytes(c, sn->l1_offset, sn->l1_size * 8ull);
    check_tree(c, l1, sn->l1_size, false);
}

static void check_references(Check *c)
{
    Qcow2 *q = c->q;

    count_run(c, 0, 1);
    count_bytes(c, q->h.l1_offset, q->h.l1_size * 8ull);
    check_tree(c, q->l1, q->h.l1_size, true);
    for (u32 i = 0; i < q->h.n_snapshots; i++) {
        check_snapshot(c, &q->snapshot[i]);
    }
    count_run(c, q->snapshot_table.first, q->snapshot_table.n);
    for (guint i = 0; i < q->bitmap_places->len; i++) {
        Run run = g_array_index(q->bitmap_places, Run, i);

        count_run(c, run.first, run.n);
    }
}

/* ---- the refcount structure ---- */

static bool block_is_usable(Check *c, u64 i, u64 offset)
{
    if (offset & (c->q->cluster - 1)) {
        say(c, "ERROR refcount block %" G_GUINT64_FORMAT " is not cluster aligned; "
            "refcount table entry corrupted", i);
    } else if (offset / c->q->cluster >= c->end) {
        say(c, "ERROR refcount block %" G_GUINT64_FORMAT " is outside image", i);
    } else if (counted(c, offset / c->q->cluster)) {
        say(c, "ERROR refcount block %" G_GUINT64_FORMAT " overlaps other data", i);
    } else {
        return true;
    }
    c->r->corruptions++;
    c->rebuild = true;
    return false;
}

static void check_structure(Check *c)
{
    Qcow2 *q = c->q;

    if (!c->rebuild) {
        count_run(c, q->h.reftable_offset / q->cluster, q->h.reftable_clusters);
    }
    for (u64 i = 0; i < q->reftable_n; i++) {
        u64 offset = q->reftable[i] & QCOW2_REF_OFFSET;

        if (offset && block_is_usable(c, i, offset)) {
            count_run(c, offset / q->cluster, 1);
        }
    }
}

/* ---- comparing ---- */

static void compare_one(Check *c, u64 cluster, u64 has, u64 should)
{
    bool leak = has > should;
    bool fix = c->fix & (leak ? QCOW2_FIX_LEAKS : QCOW2_FIX_ERRORS);

    say(c, "%s cluster %" G_GUINT64_FORMAT " refcount=%" G_GUINT64_FORMAT " reference=%"
        G_GUINT64_FORMAT, fix ? "Repairing" : leak ? "Leaked" : "ERROR", cluster, has,
        should);
    if (fix && refcount_set(c->q, cluster, should) == 0) {
        *(leak ? &c->r->leaks_fixed : &c->r->corruptions_fixed) += 1;
    } else if (leak) {
        c->r->leaks++;
    } else {
        c->r->corruptions++;
    }
}

/* Clusters [first, end) are counted by one block, or by none. */
static void compare_block(Check *c, u64 first, u64 end, bool has_block)
{
    for (u64 cluster = first; cluster < MIN(end, c->top); cluster++) {
        u64 should, has = 0;

        if (!has_block && cluster % PIECE == 0 &&
            !g_hash_table_contains(c->piece, GSIZE_TO_POINTER(cluster / PIECE))) {
            cluster += PIECE - 1;
            continue;
        }
        should = counted(c, cluster);
        if (has_block && refcount_get(c->q, cluster, &has)) {
            say(c, "Can't get refcount for cluster %" G_GUINT64_FORMAT, cluster);
            c->r->check_errors++;
            return;
        }
        if (has != should) {
            compare_one(c, cluster, has, should);
        }
        if (has || should) {
            c->r->image_end = MAX(c->r->image_end, (cluster + 1) * c->q->cluster);
        }
    }
}

static void compare(Check *c)
{
    u64 per_block = 1ull << c->q->ref_bits;
    u64 n = MAX(c->q->reftable_n, units(c->end, per_block));

    for (u64 i = 0; i < n; i++) {
        bool has_block = i < c->q->reftable_n && c->q->reftable[i] & QCOW2_REF_OFFSET;

        if (has_block || i * per_block < c->end) {
            compare_block(c, i * per_block,
                          has_block ? (i + 1) * per_block
                                    : MIN((i + 1) * per_block, c->end), has_block);
        }
    }
}

/* ---- flags ---- */

static void flag_check(Check *c, u64 entry, const char *what)
{
    u64 count = 0;

    if (entry & QCOW2_COMPRESSED || !(entry & QCOW2_OFFSET) ||
        refcount_get(c->q, (entry & QCOW2_OFFSET) / c->q->cluster, &count) ||
        (count == 1) == !!(entry & QCOW2_COPIED)) {
        return;
    }
    say(c,
        "%s OFLAG_COPIED %s: entry=%" G_GINT64_MODIFIER "x refcount=%" G_GUINT64_FORMAT,
        c->fix & QCOW2_FIX_ERRORS ? "Repairing" : "ERROR", what, entry, count);
    *(c->fix & QCOW2_FIX_ERRORS ? &c->r->corruptions_fixed : &c->r->corruptions) += 1;
}

static void check_flags(Check *c)
{
    Qcow2 *q = c->q;
    u64 n = q->cluster / 8;
    g_autofree u64 *entry = g_new(u64, n);

    for (u32 i = 0; i < q->h.l1_size; i++) {
        u64 table = q->l1[i] & QCOW2_OFFSET;

        if (!table || table & (q->cluster - 1) || table / q->cluster >= c->end) {
            continue;
        }
        flag_check(c, q->l1[i], "L2 cluster");
        if (words_read(q, table, entry, n)) {
            continue;               /* told already */
        }
        for (u64 k = 0; k < n; k++) {
            flag_check(c, entry[k], "data cluster");
        }
    }
    if (c->fix & QCOW2_FIX_ERRORS &&
        tree_flags(q, q->l1, q->h.l1_size, &q->l1_dirty)) {
        c->r->check_errors++;
    }
}

/* An L1 table whose last bytes are behind the end reads as empty there.  Nothing can
   bring them back; with the zeroes written the image can be used again. */
static void check_l1_end(Check *c)
{
    Qcow2 *q = c->q;
    u64 end = q->h.l1_offset + q->h.l1_size * 8ull;

    if (!q->h.l1_size || end <= node_length(q->file) ||
        units(end, q->cluster) > c->end) {
        return;                     /* further away: counted as a reference */
    }
    say(c, "%s the L1 table ends behind the end of the file, at 0x%" G_GINT64_MODIFIER
        "x: it was cut off", c->fix & QCOW2_FIX_ERRORS ? "Repairing" : "ERROR", end);
    if (!(c->fix & QCOW2_FIX_ERRORS)) {
        c->r->corruptions++;
    } else if (node_truncate(q->file, c->end * q->cluster, NULL)) {
        c->r->corruptions_fixed++;
    } else {
        c->r->check_errors++;
    }
}

/* Tables on tables may well be counted right; such an image can't be written. */
static void check_overlaps(Check *c)
{
    g_autoptr(GError) damage = NULL;

    if (!meta_build(c->q, &damage)) {
        say(c, "ERROR %s", damage->message);
        c->r->corruptions++;
    }
}

/* ---- repair ---- */

/* A new refcount table and blocks, behind all that is in use. */
static int structure_rebuild(Check *c)
{
    Qcow2 *q = c->q;
    u64 budget = (u64)q->ref.max * q->ref.bytes;
    unsigned bytes = q->ref.bytes;
    int error = 0;

    tables_close(&q->ref);
    tables_open(&q->ref, bytes, budget);
    q->reftable_n = 0;
    q->reftable_dirty = (Dirty){ 0 };
    q->h.reftable_clusters = 0;     /* so nothing of the old one is freed */
    q->hint = 0;
    q->top = MAX(c->end, 1);
    g_array_set_size(q->freed, 0);
    (void)!meta_build(q, NULL);
    for (u64 cluster = 0; cluster < c->end && !error; cluster++) {
        if (cluster % PIECE == 0 &&
            !g_hash_table_contains(c->piece, GSIZE_TO_POINTER(cluster / PIECE))) {
            cluster += PIECE - 1;
        } else if (counted(c, cluster)) {
            error = refcount_set(q, cluster, counted(c, cluster));
        }
    }
    return error;
}

static void finish(Check *c)
{
    Qcow2 *q = c->q;
    u64 marks = q->h.incompatible & (QCOW2_DIRTY | QCOW2_CORRUPT);
    int error = 0;

    if (!c->fix) {
        return;
    }
    q->corrupt = false;
    error = qcow2_commit(q);
    error = error ? error : tables_write(q, &q->ref);
    error = error ? error : node_flush(q->file);
    if (!error && marks && c->fix & QCOW2_FIX_ERRORS && !c->r->corruptions &&
        !c->r->check_errors) {
        error = header_set_incompatible(q, 0, marks);
    }
    c->r->check_errors += error != 0;
}

static void count_all(Check *c)
{
    g_hash_table_remove_all(c->piece);
    check_references(c);
}

static void check_steps(Check *c)
{
    Qcow2 *q = c->q;

    count_all(c);
    check_structure(c);
    if (c->rebuild && c->fix & QCOW2_FIX_ERRORS) {
        u64 found = c->r->corruptions;

        *c->r = (Qcow2Check){ .say = c->r->say, .opaque = c->r->opaque };
        count_all(c);
        say(c, "Rebuilding refcount structure");
        if (structure_rebuild(c)) {
            c->r->check_errors++;
            return;
        }
        c->r->corruptions_fixed = found - MIN(found, c->r->corruptions);
        c->r->image_end = q->top * q->cluster;
    } else if (c->rebuild) {
        c->r->image_end = c->end * q->cluster;
        return;
    } else {
        compare(c);
    }
    check_flags(c);
    check_overlaps(c);
    check_l1_end(c);
}

bool qcow2_check(BlockNode *node, unsigned fix, Qcow2Check *result, GError **err)
{
    Qcow2 *q = qcow2_of(node);
    Check c = { .q = q, .r = result, .fix = fix };
    int error = 0;

    result->total_clusters = units(q->h.size, q->cluster);
    g_mutex_lock(&q->lock);
    if (node_is_writable(node) && !q->corrupt) {
        error = qcow2_commit(q);
    }
    if (!error) {
        c.end = units(node_length(q->file), q->cluster);
        c.top = MAX(q->top, c.end);
        c.piece = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        check_steps(&c);
        finish(&c);
        result->total_clusters = units(q->h.size, q->cluster);
        g_hash_table_unref(c.piece);
    }
    g_mutex_unlock(&q->lock);
    return error ? node_error(node, error, "can't be checked", err) : true;
}
