/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Discard, zeroes and another length for a qcow2 image.  No other request is inside
 * meanwhile (.remaps), so entries can be taken away.
 */

#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

/* What becomes of a guest cluster. */
typedef enum {
    FORGET,             /* unallocated: what the backing file has shows */
    DISCARD,            /* what it holds is not needed */
    ZERO,               /* reads as zeroes, space may go */
    ZERO_KEEP,          /* reads as zeroes, space stays */
} Change;

/* The entry after a change; the same one if nothing has to be done. */
static u64 changed(const Qcow2 *q, u64 entry, Change change)
{
    EntryKind kind = entry_kind(entry);
    bool shines = q->node->backing != NULL;     /* unallocated is not zero */

    if (change == FORGET || (kind == ENTRY_NONE && !shines)) {
        return 0;
    }
    if (q->h.version < 3) {
        return shines ? entry : 0;
    }
    if (kind == ENTRY_NONE && change == DISCARD) {
        return 0;
    }
    if (change == ZERO_KEEP && !(entry & QCOW2_COMPRESSED) && entry & QCOW2_COPIED) {
        return entry | QCOW2_ZERO;
    }
    return kind == ENTRY_ZERO && change == ZERO_KEEP ? entry : QCOW2_ZERO;
}

/* Entries of one slice. */
static int change_some(Qcow2 *q, u64 guest, u64 n, Change change, u64 *done)
{
    bool writable = false;
    Entries e;
    int error = entries_get(q, guest, &e);

    *done = error ? 0 : MIN(n, e.n);
    for (u64 i = 0; i < *done && !error; i++) {
        u64 old = entry_at(&e, i);
        u64 new = changed(q, old, change);

        if (new == old) {
            if (!e.slice) {         /* so it is for all of them */
                return 0;
            }
            continue;
        }
        error = entry_judge(q, guest + i, old);
        if (!error && !writable) {
            error = entries_get_writable(q, guest, &e);
            writable = !error;
            *done = error ? 0 : MIN(*done, e.n);
        }
        if (!error) {
            entry_set(q, &e, i, new);
        }
        if (!error && !(new & QCOW2_OFFSET)) {
            entry_free(q, old);
        }
    }
    return error;
}

static int change_all(Qcow2 *q, u64 first, u64 end, Change change)
{
    int error = qcow2_begin_change(q);
    u64 n;

    for (u64 guest = first; guest < end && !error; guest += n) {
        error = change_some(q, guest, end - guest, change, &n);
    }
    return error;
}

int qcow2_forget(Qcow2 *q, u64 first, u64 end)
{
    return change_all(q, first, end, FORGET);
}

/* Whole clusters in a range; the last one of the disk counts as whole. */
static bool whole_clusters(const Qcow2 *q, u64 offset, u64 bytes, u64 *first, u64 *end)
{
    u64 stop = offset + bytes;

    *first = units(offset, q->cluster);
    *end = stop == node_length(q->node) ? units(stop, q->cluster) : stop / q->cluster;
    return *first < *end;
}

int qcow2_discard(BlockNode *node, u64 offset, u64 bytes)
{
    Qcow2 *q = qcow2_of(node);
    u64 first, end;
    int error;

    if (!whole_clusters(q, offset, bytes, &first, &end)) {
        return 0;
    }
    g_mutex_lock(&q->lock);
    error = change_all(q, first, end, DISCARD);
    g_mutex_unlock(&q->lock);
    return error;
}

/* ---- zeroes ---- */

/* Bytes of a cluster: only where something else shows. */
static int zero_bytes(Qcow2 *q, u64 offset, u64 bytes)
{
    g_autofree u8 *zeroes = NULL;
    struct iovec iov;
    BlockStatus status;
    int error;

    if (!bytes) {
        return 0;
    }
    error = qcow2_status(q->node, offset, bytes, &status);
    if (error || (status.zero && status.bytes == bytes)) {
        return error;
    }
    zeroes = g_malloc0(bytes);
    return qcow2_write(q->node, offset, vec_of(&iov, zeroes, bytes));
}

int qcow2_write_zeroes(BlockNode *node, u64 offset, u64 bytes, bool may_unmap)
{
    Qcow2 *q = qcow2_of(node);
    u64 first, end;
    int error;

    if (q->h.version < 3 && (node->backing || !may_unmap)) {
        return -ENOTSUP;
    }
    if (!whole_clusters(q, offset, bytes, &first, &end)) {
        u64 middle = MIN(units(offset + 1, q->cluster) * q->cluster, offset + bytes);

        error = zero_bytes(q, offset, middle - offset);
        return error ? error : zero_bytes(q, middle, offset + bytes - middle);
    }
    error = zero_bytes(q, offset, first * q->cluster - offset);
    if (!error && end * q->cluster < offset + bytes) {
        error = zero_bytes(q, end * q->cluster, offset + bytes - end * q->cluster);
    }
    if (!error) {
        g_mutex_lock(&q->lock);
        error = change_all(q, first, end, may_unmap ? ZERO : ZERO_KEEP);
        g_mutex_unlock(&q->lock);
    }
    return error;
}

/* ---- another length ---- */

/* The L1 table becomes longer: a new one, then its place in the header. */
static int l1_grow(Qcow2 *q, u32 n)
{
    u64 clusters = units(n * 8ull, q->cluster);
    u64 old = q->h.l1_offset / q->cluster;
    u64 old_n = units(q->h.l1_size * 8ull, q->cluster);
    g_autofree u64 *l1 = g_new0(u64, clusters * q->cluster / 8);
    u8 place[12];
    u64 first;
    int error = clusters_take_row(q, clusters, &first);

    if (error) {
        return error;
    }
    memcpy(l1, q->l1, q->h.l1_size * 8ull);
    error = words_write(q, first * q->cluster, l1, clusters * q->cluster / 8);
    error = error ? error : qcow2_commit(q);
    if (error) {
        clusters_untake(q, (Run){ first, clusters });
        return error;
    }
    be32_put(place, n);
    be64_put(place + 4, first * q->cluster);
    error = node_write(q->file, QCOW2_AT_L1, place, sizeof place);
    if (error) {                    /* who knows what is there now: keep both */
        return error;
    }
    g_free(q->l1);
    q->l1 = g_steal_pointer(&l1);
    q->h.l1_size = n;
    q->h.l1_offset = first * q->cluster;
    clusters_free(q, old, old_n);
    return node_flush(q->file);
}

/* What is to become visible behind the old end has to read as zeroes. */
static int end_clear(Qcow2 *q, u64 from, u64 to)
{
    u64 shown = q->node->backing ? node_length(q->node->backing) : 0;
    u64 whole = units(from, q->cluster);
    u64 edge = MIN(whole * q->cluster, to);
    int error = zero_bytes(q, from, edge - from);

    g_mutex_lock(&q->lock);
    error = error ? error : change_all(q, whole, units(to, q->cluster), FORGET);
    shown = MIN(shown, to);
    if (!error && shown > edge && q->h.version >= 3) {
        error = change_all(q, whole, units(shown, q->cluster), ZERO);
    }
    g_mutex_unlock(&q->lock);
    while (!error && q->h.version < 3 && edge < shown) {
        u64 n = MIN(q->cluster, shown - edge);

        error = zero_bytes(q, edge, n);
        edge += n;
    }
    return error;
}

static int grow(Qcow2 *q, u64 length)
{
    u64 entries = l1_entries_for(length, q->h.cluster_bits);
    int error = 0;

    if (entries * 8 > QCOW2_MAX_L1_BYTES || length > INT64_MAX) {
        return -EFBIG;
    }
    g_mutex_lock(&q->lock);
    error = qcow2_begin_change(q);
    if (!error && entries > q->h.l1_size) {
        error = l1_grow(q, entries);
    }
    g_mutex_unlock(&q->lock);
    return error ? error : end_clear(q, q->h.size, length);
}

static int set_size(Qcow2 *q, u64 length)
{
    int error = qcow2_commit(q);

    error = error ? error : header_write64(q, QCOW2_AT_SIZE, length);
    error = error ? error : node_flush(q->file);
    if (!error) {
        q->h.size = length;
        node_set_length(q->node, length);
    }
    return error;
}

/* What is behind the new end goes, and the file's end with it. */
static int shrink(Qcow2 *q, u64 length)
{
    u64 old = q->h.size;
    u64 count = 0;
    int error = qcow2_begin_change(q);

    error = error ? error : set_size(q, length);
    error = error ? error : change_all(q, units(length, q->cluster),
                                       units(old, q->cluster), FORGET);
    error = error ? error : qcow2_commit(q);
    while (!error && q->top > 1) {
        error = refcount_get(q, q->top - 1, &count);
        if (error || count) {
            break;
        }
        q->top--;
    }
    if (!error && q->top * q->cluster < node_length(q->file)) {
        (void)!node_truncate(q->file, q->top * q->cluster, NULL);
    }
    return error;
}

bool qcow2_truncate(BlockNode *node, u64 length, GError **err)
{
    Qcow2 *q = qcow2_of(node);
    int error = 0;

    if (q->h.n_snapshots && q->h.version < 3) {
        return qcow2_fail(q, err, "a version 2 image with snapshots can't be resized");
    }
    if (q->h.autoclear & QCOW2_BITMAPS) {
        return qcow2_fail(q, err, "an image with bitmaps can't be resized");
    }
    if (length > q->h.size) {
        error = grow(q, length);
    }
    g_mutex_lock(&q->lock);
    if (!error) {
        error = length < q->h.size ? shrink(q, length) : set_size(q, length);
    }
    g_mutex_unlock(&q->lock);
    return error ? node_error(node, error, "can't be resized", err) : true;
}

bool qcow2_make_empty(BlockNode *node, GError **err)
{
    Qcow2 *q = qcow2_of(node);
    int error;

    node_stop(node);
    g_mutex_lock(&q->lock);
    error = change_all(q, 0, units(q->h.size, q->cluster), FORGET);
    error = error ? error : qcow2_commit(q);
    g_mutex_unlock(&q->lock);
    node_go(node);
    return error ? node_error(node, error, "can't be emptied", err) : true;
}
