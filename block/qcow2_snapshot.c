/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal snapshots of a qcow2 image.
 *
 * What becomes visible does so in one write: the header's place and number of snapshots
 * are in one sector, and so are the disk's size and the L1 table's place.  While the
 * counters and flags of a whole tree change, a version 3 image carries the dirty bit:
 * after a crash it is repaired when it is opened.
 */

#include "block/qcow2_tree.h"

#include <errno.h>
#include <string.h>

enum { ROW_BYTES = 40, KNOWN_EXTRA = 24, MAX_EXTRA = 64 * 1024 };

/* ---- the table ---- */

static void snapshot_clear(Qcow2Snapshot *sn)
{
    g_free(sn->id);
    g_free(sn->name);
    g_free(sn->extra);
}

void snapshots_free(Qcow2Snapshot *snapshot, u32 n)
{
    for (u32 i = 0; snapshot && i < n; i++) {
        snapshot_clear(&snapshot[i]);
    }
    g_free(snapshot);
}

static u32 be16_at(const u8 *at)
{
    return at[0] << 8 | at[1];
}

static char *text_at(const u8 *at, unsigned n)
{
    g_autofree char *raw = g_strndup((const char *)at, n);

    return g_utf8_make_valid(raw, -1);
}

/* A row's fixed part; `variable`: the bytes that follow it. */
static void row_get(Qcow2Snapshot *sn, const u8 *row, u32 *variable)
{
    *sn = (Qcow2Snapshot){
        .l1_offset = be64_at(row),
        .l1_size = be32_at(row + 8),
        .date_sec = be32_at(row + 16),
        .date_nsec = be32_at(row + 20),
        .vm_clock_ns = be64_at(row + 24),
        .vm_state_size = be32_at(row + 32),
        .icount = UINT64_MAX,
    };
    *variable = be32_at(row + 36) + be16_at(row + 12) + be16_at(row + 14);
}

static void row_get_variable(const Qcow2 *q, Qcow2Snapshot *sn, const u8 *row,
                             const u8 *rest)
{
    u32 extra = be32_at(row + 36);
    u32 id = be16_at(row + 12), name = be16_at(row + 14);

    sn->disk_size = q->h.size;
    if (extra >= 8) {
        sn->vm_state_size = be64_at(rest);
    }
    if (extra >= 16) {
        sn->disk_size = be64_at(rest + 8);
    }
    if (extra >= KNOWN_EXTRA) {
        sn->icount = be64_at(rest + 16);
        sn->extra_bytes = extra - KNOWN_EXTRA;
        sn->extra = g_memdup2(rest + KNOWN_EXTRA, sn->extra_bytes);
    }
    sn->id = text_at(rest + extra, id);
    sn->name = text_at(rest + extra + id, name);
}

static bool row_fits(Qcow2 *q, const Qcow2Snapshot *sn, GError **err)
{
    if (sn->l1_size > QCOW2_MAX_L1_BYTES / 8 || sn->l1_offset & (q->cluster - 1) ||
        sn->l1_offset >= QCOW2_MAX_HOST || sn->disk_size > INT64_MAX ||
        sn->l1_size < l1_entries_for(sn->disk_size, q->h.cluster_bits)) {
        return qcow2_fail(q, err, "the L1 table of snapshot '%s' can't be", sn->name);
    }
    return true;
}

static bool row_load(Qcow2 *q, Qcow2Snapshot *sn, u64 *at, GError **err)
{
    g_autofree u8 *rest = NULL;
    u8 row[ROW_BYTES];
    u32 variable;
    int error = node_read(q->file, *at, row, sizeof row);

    if (error) {
        return node_error(q->node, error, "can't read the snapshot table", err);
    }
    row_get(sn, row, &variable);
    if (be32_at(row + 36) > MAX_EXTRA) {
        return qcow2_fail(q, err, "a row of the snapshot table is too long");
    }
    rest = g_malloc(variable + 1);
    error = node_read(q->file, *at + sizeof row, rest, variable);
    if (error) {
        return node_error(q->node, error, "can't read the snapshot table", err);
    }
    row_get_variable(q, sn, row, rest);
    *at += (sizeof row + variable + 7) & ~7ull;
    return row_fits(q, sn, err);
}

bool snapshots_load(Qcow2 *q, GError **err)
{
    u64 at = q->h.snapshots_offset;
    u32 n = q->h.n_snapshots;

    q->snapshot = g_new0(Qcow2Snapshot, n);
    for (q->h.n_snapshots = 0; q->h.n_snapshots < n;) {
        Qcow2Snapshot *sn = &q->snapshot[q->h.n_snapshots++];

        if (!row_load(q, sn, &at, err)) {
            return false;
        }
        if (at - q->h.snapshots_offset > QCOW2_MAX_SNAPSHOT_TABLE) {
            return qcow2_fail(q, err, "the snapshot table is too large");
        }
    }
    if (n) {
        q->snapshot_table = (Run){ q->h.snapshots_offset / q->cluster,
                                   units(at - q->h.snapshots_offset, q->cluster) };
    }
    return true;
}

static void row_append(GByteArray *to, const Qcow2Snapshot *sn)
{
    size_t id = strlen(sn->id), name = strlen(sn->name);
    u8 row[ROW_BYTES + KNOWN_EXTRA] = { 0 };

    be64_put(row, sn->l1_offset);
    be32_put(row + 8, sn->l1_size);
    be32_put(row + 12, id << 16 | name);
    be32_put(row + 16, sn->date_sec);
    be32_put(row + 20, sn->date_nsec);
    be64_put(row + 24, sn->vm_clock_ns);
    be32_put(row + 32, MIN(sn->vm_state_size, UINT32_MAX));
    be32_put(row + 36, KNOWN_EXTRA + sn->extra_bytes);
    be64_put(row + 40, sn->vm_state_size);
    be64_put(row + 48, sn->disk_size);
    be64_put(row + 56, sn->icount);
    g_byte_array_append(to, row, sizeof row);
    g_byte_array_append(to, sn->extra, sn->extra_bytes);
    g_byte_array_append(to, (const u8 *)sn->id, id);
    g_byte_array_append(to, (const u8 *)sn->name, name);
    g_byte_array_append(to, (const u8[8]){ 0 }, -to->len & 7);
}

/* A new table for these snapshots; the header has it when this returns. */
static int table_store(Qcow2 *q, const Qcow2Snapshot *snapshot, u32 n)
{
    g_autoptr(GByteArray) table = g_byte_array_new();
    Run old = q->snapshot_table, new = { 0 };
    u8 place[12];
    int error = 0;

    for (u32 i = 0; i < n; i++) {
        row_append(table, &snapshot[i]);
    }
    new.n = units(table->len, q->cluster);
    if (new.n) {
        error = clusters_take_row(q, new.n, &new.first);
        error = error ? error : node_write(q->file, new.first * q->cluster, table->data,
                                           table->len);
    }
    error = error ? error : qcow2_commit(q);
    be32_put(place, n);
    be64_put(place + 4, new.first * q->cluster);
    error = error ? error :
                    node_write(q->file, QCOW2_AT_SNAPSHOTS, place, sizeof place);
    error = error ? error : node_flush(q->file);
    if (error) {
        return error;
    }
    q->h.snapshots_offset = new.first * q->cluster;
    q->snapshot_table = new;
    if (old.n) {
        clusters_free(q, old.first, old.n);
    }
    return 0;
}

/* ---- the dirty bit ---- */

static int upheaval_begin(Qcow2 *q)
{
    int error = qcow2_begin_change(q);

    q->packed_at = 0;
    error = error ? error : qcow2_commit(q);
    if (!error && q->h.version >= 3 && !q->marked_dirty) {
        error = header_set_incompatible(q, QCOW2_DIRTY, 0);
    }
    return error ? error : node_flush(q->file);
}

static int upheaval_end(Qcow2 *q, int error)
{
    int last = qcow2_commit(q);

    if (!error && !last && q->h.version >= 3 && !q->marked_dirty) {
        last = header_set_incompatible(q, 0, QCOW2_DIRTY);
    }
    return error ? error : last;
}

/* ---- finding one ---- */

const Qcow2Snapshot *qcow2_snapshots(BlockNode *node, unsigned *n)
{
    *n = qcow2_of(node)->h.n_snapshots;
    return qcow2_of(node)->snapshot;
}

static Qcow2Snapshot *snapshot_find(Qcow2 *q, const char *which)
{
    for (u32 i = 0; i < q->h.n_snapshots; i++) {
        if (strcmp(q->snapshot[i].id, which) == 0) {
            return &q->snapshot[i];
        }
    }
    for (u32 i = 0; i < q->h.n_snapshots; i++) {
        if (strcmp(q->snapshot[i].name, which) == 0) {
            return &q->snapshot[i];
        }
    }
    return NULL;
}

/* ---- create ---- */

static char *new_id(const Qcow2 *q)
{
    u64 largest = 0;

    for (u32 i = 0; i < q->h.n_snapshots; i++) {
        largest = MAX(largest, g_ascii_strtoull(q->snapshot[i].id, NULL, 10));
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT, largest + 1);
}

/* The active L1 table, once more, in clusters of its own. */
static int l1_copy(Qcow2 *q, u64 *offset)
{
    u64 n = units(MAX(q->h.l1_size, 1) * 8ull, q->cluster);
    g_autofree u64 *copy = g_new0(u64, n * q->cluster / 8);
    u64 first;
    int error = clusters_take_row(q, n, &first);

    for (u32 i = 0; i < q->h.l1_size; i++) {
        copy[i] = q->l1[i] & ~QCOW2_COPIED;
    }
    *offset = first * q->cluster;
    return error ? error : words_write(q, *offset, copy, n * q->cluster / 8);
}

static int create_steps(Qcow2 *q, Qcow2Snapshot *sn)
{
    u32 n = q->h.n_snapshots;
    int error = l1_copy(q, &sn->l1_offset);

    if (error) {
        return error;
    }
    error = tree_up(q, q->l1, q->h.l1_size);
    if (!error) {
        error = tree_flags(q, q->l1, q->h.l1_size, &q->l1_dirty);
        q->snapshot = g_renew(Qcow2Snapshot, q->snapshot, n + 1);
        q->snapshot[n] = *sn;
        error = error ? error : table_store(q, q->snapshot, n + 1);
        if (error) {                /* the tree stays counted: leaks */
            return error;
        }
        q->h.n_snapshots = n + 1;
        places_build(q);
        return 0;
    }
    clusters_free(q, sn->l1_offset / q->cluster,
                  units(MAX(q->h.l1_size, 1) * 8ull, q->cluster));
    return error;
}

bool qcow2_snapshot_create(BlockNode *node, const char *name, GError **err)
{
    Qcow2 *q = qcow2_of(node);
    s64 now = g_get_real_time();
    Qcow2Snapshot sn = {
        .id = new_id(q), .name = g_strdup(name), .l1_size = q->h.l1_size,
        .date_sec = now / 1000000, .date_nsec = now % 1000000 * 1000,
        .disk_size = q->h.size, .icount = UINT64_MAX,
    };
    int error;

    if (q->h.n_snapshots >= QCOW2_MAX_SNAPSHOTS) {
        snapshot_clear(&sn);
        return qcow2_fail(q, err, "no more than %u snapshots fit", QCOW2_MAX_SNAPSHOTS);
    }
    node_stop(node);
    g_mutex_lock(&q->lock);
    error = upheaval_begin(q);
    if (!error) {
        error = upheaval_end(q, create_steps(q, &sn));
    }
    g_mutex_unlock(&q->lock);
    node_go(node);
    if (error) {
        snapshot_clear(&sn);
        return node_error(node, error, "can't create the snapshot", err);
    }
    return true;
}

/* ---- delete ---- */

static int l1_load(Qcow2 *q, const Qcow2Snapshot *sn, u64 **l1)
{
    *l1 = g_try_new(u64, MAX(sn->l1_size, 1));
    return *l1 ? words_read(q, sn->l1_offset, *l1, sn->l1_size) : -ENOMEM;
}

static int delete_steps(Qcow2 *q, Qcow2Snapshot *sn)
{
    u32 i = sn - q->snapshot;
    Qcow2Snapshot gone = *sn;
    g_autofree u64 *l1 = NULL;
    u64 bytes = MAX(gone.l1_size, 1) * 8ull;
    int error = l1_load(q, sn, &l1);

    if (error) {
        return error;
    }
    memmove(sn, sn + 1, (q->h.n_snapshots - i - 1) * sizeof *sn);
    error = table_store(q, q->snapshot, q->h.n_snapshots - 1);
    if (error) {
        memmove(sn + 1, sn, (q->h.n_snapshots - i - 1) * sizeof *sn);
        *sn = gone;
        return error;
    }
    q->h.n_snapshots--;
    places_build(q);
    snapshot_clear(&gone);
    clusters_free(q, gone.l1_offset / q->cluster, units(bytes, q->cluster));
    error = tree_down(q, l1, gone.l1_size);
    return error ? error : tree_flags(q, q->l1, q->h.l1_size, &q->l1_dirty);
}

/* ---- apply ---- */

/* The snapshot's tree becomes the active one; `l1` is its L1 table. */
static int switch_to(Qcow2 *q, const Qcow2Snapshot *sn, const u64 *l1)
{
    u32 n = MAX(sn->l1_size, q->h.l1_size);
    u64 clusters = units(MAX(n, 1) * 8ull, q->cluster);
    u32 old_size = q->h.l1_size;
    u64 old = q->h.l1_offset, old_n = units(old_size * 8ull, q->cluster);
    u64 *new = g_new0(u64, clusters * q->cluster / 8);
    u64 *old_l1 = q->l1;
    u8 place[24];
    u64 first;
    int error = clusters_take_row(q, clusters, &first);

    memcpy(new, l1, sn->l1_size * 8ull);
    error = error ? error : words_write(q, first * q->cluster, new,
                                        clusters * q->cluster / 8);
    error = error ? error : qcow2_commit(q);
    be64_put(place, sn->disk_size);
    be32_put(place + 8, q->h.crypt_method);
    be32_put(place + 12, n);
    be64_put(place + 16, first * q->cluster);
    error = error ? error : node_write(q->file, QCOW2_AT_SIZE, place, sizeof place);
    error = error ? error : node_flush(q->file);
    if (error) {
        g_free(new);
        return error;
    }
    q->l1 = new;
    q->h.l1_offset = first * q->cluster;
    q->h.size = sn->disk_size;
    node_set_length(q->node, sn->disk_size);
    clusters_free(q, old / q->cluster, old_n);
    q->h.l1_size = n;
    (void)!meta_build(q, NULL);     /* what it finds was there before */
    error = tree_down(q, old_l1, old_size);
    g_free(old_l1);
    return error ? error : tree_flags(q, q->l1, n, &q->l1_dirty);
}

static int apply_steps(Qcow2 *q, Qcow2Snapshot *sn)
{
    g_autofree u64 *l1 = NULL;
    Dirty ignored = { 0 };
    int error = l1_load(q, sn, &l1);

    error = error ? error : tree_up(q, l1, sn->l1_size);
    if (error) {
        return error;
    }
    /* Flags of a tree that was not active mean nothing: now they say "shared". */
    error = tree_flags(q, l1, sn->l1_size, &ignored);
    return error ? error : switch_to(q, sn, l1);
}

/* ---- both ---- */

static bool on_snapshot(BlockNode *node, const char *which, const char *what,
                        int (*steps)(Qcow2 *q, Qcow2Snapshot *sn), GError **err)
{
    Qcow2 *q = qcow2_of(node);
    Qcow2Snapshot *sn = snapshot_find(q, which);
    int error;

    if (!sn) {
        return qcow2_fail(q, err, "there is no snapshot '%s'", which);
    }
    node_stop(node);
    g_mutex_lock(&q->lock);
    error = upheaval_begin(q);
    if (!error) {
        error = upheaval_end(q, steps(q, sn));
    }
    g_mutex_unlock(&q->lock);
    node_go(node);
    return error ? node_error(node, error, what, err) : true;
}

bool qcow2_snapshot_apply(BlockNode *node, const char *which, GError **err)
{
    return on_snapshot(node, which, "can't apply the snapshot", apply_steps, err);
}

bool qcow2_snapshot_delete(BlockNode *node, const char *which, GError **err)
{
    return on_snapshot(node, which, "can't delete the snapshot", delete_steps, err);
}

/* ---- view ---- */

bool qcow2_snapshot_view(BlockNode *node, const char *which, GError **err)
{
    Qcow2 *q = qcow2_of(node);
    const Qcow2Snapshot *sn = snapshot_find(q, which);
    u64 *l1 = NULL;
    int error;

    if (!sn) {
        return qcow2_fail(q, err, "there is no snapshot '%s'", which);
    }
    g_assert(!node_is_writable(node));
    node_stop(node);
    g_mutex_lock(&q->lock);
    error = l1_load(q, sn, &l1);
    if (!error) {
        g_free(q->l1);
        q->l1 = l1;
        q->h.l1_size = sn->l1_size;
        q->h.size = sn->disk_size;
        node_set_length(node, sn->disk_size);
    }
    g_mutex_unlock(&q->lock);
    node_go(node);
    return error ? node_error(node, error, "can't read the snapshot", err) : true;
}
