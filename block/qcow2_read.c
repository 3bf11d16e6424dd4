/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a qcow2 image: where guest bytes lie.
 */

#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

/* ---- where ---- */

/* Guest bytes from `offset` on that are of one kind and, as data, lie in a row. */
typedef struct {
    EntryKind kind;
    u64 entry;                  /* the first one */
    u64 bytes;
} Piece;

/* Does the entry `i` clusters behind `first` go on with the same piece? */
static bool in_a_row(const Qcow2 *q, u64 first, u64 entry, u64 i)
{
    EntryKind kind = entry_kind(first);

    if (entry_kind(entry) != kind || kind == ENTRY_COMPRESSED) {
        return false;
    }
    return kind != ENTRY_DATA ||
           (((first ^ entry) & QCOW2_COPIED) == 0 &&
            (entry & QCOW2_OFFSET) == (first & QCOW2_OFFSET) + i * q->cluster);
}

/* Looks no further than one slice of an L2 table. */
static int piece_find(Qcow2 *q, u64 offset, u64 bytes, Piece *p)
{
    u64 guest = offset / q->cluster;
    u64 skip = offset & (q->cluster - 1);
    u64 want = units(skip + bytes, q->cluster);
    Entries e;
    u64 n = 1;
    int error = entries_get(q, guest, &e);

    if (error) {
        return error;
    }
    p->entry = entry_at(&e, 0);
    p->kind = entry_kind(p->entry);
    error = entry_judge(q, guest, p->entry);
    if (error) {
        return error;
    }
    want = MIN(want, e.n);
    if (!e.slice) {
        n = want;
    }
    while (n < want && in_a_row(q, p->entry, entry_at(&e, n), n)) {
        n++;
    }
    p->bytes = MIN(bytes, n * q->cluster - skip);
    return 0;
}

/* What is not in this image: from its backing file, as far as that goes. */
static void map_backing(const Qcow2 *q, u64 offset, BlockMap *to)
{
    BlockNode *backing = q->node->backing;
    u64 length = backing ? node_length(backing) : 0;

    if (offset >= length) {
        to->kind = MAP_ZERO;
        return;
    }
    *to = (BlockMap){ MAP_NODE, backing, offset, MIN(to->bytes, length - offset) };
}

static void map_piece(const Qcow2 *q, u64 offset, const Piece *p, BlockMap *to)
{
    *to = (BlockMap){ .bytes = p->bytes };
    switch (p->kind) {
    case ENTRY_NONE:
        map_backing(q, offset, to);
        break;
    case ENTRY_ZERO:
        to->kind = MAP_ZERO;
        break;
    case ENTRY_DATA:
        to->kind = MAP_NODE;
        to->node = q->file;
        to->offset = (p->entry & QCOW2_OFFSET) + (offset & (q->cluster - 1));
        break;
    case ENTRY_COMPRESSED:
        to->kind = MAP_SLOW;
        break;
    }
}

/* True if the slice for `guest` is in memory: looking there does no I/O. */
static bool is_at_hand(Qcow2 *q, u64 guest)
{
    u64 i = guest >> q->l2_bits;
    u64 table = i < q->h.l1_size ? q->l1[i] & QCOW2_OFFSET : 0;
    u64 at = table + (guest & ((1ull << q->l2_bits) - 1)) * 8;

    at &= ~(u64)(q->l2.bytes - 1);
    return !table || g_hash_table_contains(q->l2.by_offset, &at);
}

/* In place, if the clusters are there, only ours, and no metadata. */
static bool may_write(Qcow2 *q, u64 offset, const Piece *p)
{
    u64 skip = offset & (q->cluster - 1);
    u64 n = units(skip + p->bytes, q->cluster);

    return p->kind == ENTRY_DATA && (p->entry & QCOW2_COPIED) && q->changing &&
           !q->corrupt &&
           overlap_check(q, (p->entry & QCOW2_OFFSET) / q->cluster, n) == 0;
}

void qcow2_map(BlockNode *node, BlockAccess access, u64 offset, u64 bytes, BlockMap *to)
{
    Qcow2 *q = qcow2_of(node);
    Piece p;

    *to = (BlockMap){ .kind = MAP_SLOW, .bytes = bytes };
    if (!g_mutex_trylock(&q->lock)) {       /* whoever has it may be doing I/O */
        return;
    }
    if (is_at_hand(q, offset / q->cluster) && !piece_find(q, offset, bytes, &p)) {
        to->bytes = p.bytes;
        if (access == BLOCK_READ) {
            map_piece(q, offset, &p, to);
        } else if (may_write(q, offset, &p)) {
            map_piece(q, offset, &p, to);
        }
    }
    g_mutex_unlock(&q->lock);
}

/* ---- reading ---- */

static int read_packed(Qcow2 *q, u64 offset, u64 entry, BlockVec to)
{
    g_autofree u8 *cluster = g_malloc(q->cluster);
    int error = packed_read(q, entry, cluster);

    if (!error) {
        vec_from(to, cluster + (offset & (q->cluster - 1)));
    }
    return error;
}

/* One piece; takes the lock and lets it go. */
static int read_piece(Qcow2 *q, u64 offset, BlockVec to, u64 *done)
{
    BlockMap map;
    Piece p;
    int error;

    g_mutex_lock(&q->lock);
    error = piece_find(q, offset, to.bytes, &p);
    if (!error && p.kind == ENTRY_COMPRESSED) {
        *done = p.bytes;
        error = read_packed(q, offset, p.entry, vec_slice(to, 0, p.bytes));
        g_mutex_unlock(&q->lock);
        return error;
    }
    g_mutex_unlock(&q->lock);
    if (error) {
        return error;
    }
    map_piece(q, offset, &p, &map);
    *done = map.bytes;
    to = vec_slice(to, 0, map.bytes);
    if (map.kind == MAP_ZERO) {
        vec_fill(to, 0);
        return 0;
    }
    return node_readv(map.node, map.offset, to);
}

int qcow2_read(BlockNode *node, u64 offset, BlockVec to)
{
    u64 n;

    for (u64 done = 0; done < to.bytes; done += n) {
        int error = read_piece(qcow2_of(node), offset + done,
                               vec_slice(to, done, to.bytes - done), &n);

        if (error) {
            return error;
        }
    }
    return 0;
}

/* ---- status ---- */

/* Over slices, so that empty parts of a large disk are passed in large steps. */
static int piece_extend(Qcow2 *q, u64 offset, u64 bytes, Piece *p)
{
    while (p->bytes < bytes && p->kind != ENTRY_COMPRESSED) {
        u64 at = offset + p->bytes;
        Piece more;
        int error = piece_find(q, at, bytes - p->bytes, &more);

        if (error) {
            return error;
        }
        if (!in_a_row(q, p->entry, more.entry,
                      at / q->cluster - offset / q->cluster)) {
            break;
        }
        p->bytes += more.bytes;
    }
    return 0;
}

int qcow2_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out)
{
    Qcow2 *q = qcow2_of(node);
    Piece p;
    int error;

    g_mutex_lock(&q->lock);
    error = piece_find(q, offset, bytes, &p);
    error = error ? error : piece_extend(q, offset, bytes, &p);
    g_mutex_unlock(&q->lock);
    if (error) {
        return error;
    }
    *out = (BlockStatus){
        .data = p.kind == ENTRY_DATA || p.kind == ENTRY_COMPRESSED,
        .zero = p.kind == ENTRY_ZERO || (p.kind == ENTRY_NONE && !node->backing),
        .allocated = p.kind != ENTRY_NONE,
        .compressed = p.kind == ENTRY_COMPRESSED,
        .bytes = p.bytes,
    };
    if (p.kind == ENTRY_DATA || (p.kind == ENTRY_ZERO && p.entry & QCOW2_OFFSET)) {
        out->node = q->file;
        out->offset = (p.entry & QCOW2_OFFSET) + (offset & (q->cluster - 1));
    }
    return 0;
}
