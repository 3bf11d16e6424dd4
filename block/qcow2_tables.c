/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L2 tables and refcount blocks in memory, in slices of at most 64 KiB: what was used
 * least lately makes room.  When all that could go has changed, everything is committed
 * first, in the order that keeps the image whole (qcow2_int.h).
 */

#include "block/qcow2_int.h"

#include <errno.h>

enum { MIN_SLICES = 16 };

void tables_open(Tables *t, unsigned bytes, u64 budget)
{
    *t = (Tables){
        .by_offset = g_hash_table_new(g_int64_hash, g_int64_equal),
        .bytes = bytes,
        .max = MAX(MIN_SLICES, budget / bytes),
    };
    g_queue_init(&t->used);
}

static Slice *slice_of(GList *link)
{
    return link->data;
}

static void slice_free(Tables *t, Slice *slice)
{
    t->n_dirty -= slice->from != slice->to;
    g_hash_table_remove(t->by_offset, &slice->offset);
    g_queue_unlink(&t->used, &slice->link);
    g_free(slice);
}

void tables_close(Tables *t)
{
    if (t->by_offset) {
        while (t->used.head) {
            slice_free(t, slice_of(t->used.head));
        }
        g_clear_pointer(&t->by_offset, g_hash_table_unref);
    }
}

/* Lets one go that has not changed, but none of the last eight. */
static bool make_room(Tables *t)
{
    GList *link = t->used.tail;

    for (unsigned left = t->used.length; left > MIN_SLICES / 2; left--) {
        if (slice_of(link)->from == slice_of(link)->to) {
            slice_free(t, slice_of(link));
            return true;
        }
        link = link->prev;
    }
    return false;
}

int tables_get(Qcow2 *q, Tables *t, u64 offset, Slice **slice)
{
    u64 begin = offset & ~(u64)(t->bytes - 1);
    Slice *s = g_hash_table_lookup(t->by_offset, &begin);
    int error;

    if (s) {
        g_queue_unlink(&t->used, &s->link);
        g_queue_push_head_link(&t->used, &s->link);
        *slice = s;
        return 0;
    }
    /* Where a commit has asked, there may be some more for a while. */
    while (t->used.length >= t->max && make_room(t)) {
    }
    if (t->used.length >= t->max && !q->in_commit) {
        error = qcow2_commit(q);
        if (error) {
            return error;
        }
        make_room(t);
    }
    s = g_malloc(sizeof *s + t->bytes);
    *s = (Slice){ .link.data = s, .offset = begin };
    error = node_read(q->file, begin, s->data, t->bytes);
    if (error) {
        g_free(s);
        return error;
    }
    g_hash_table_insert(t->by_offset, &s->offset, s);
    g_queue_push_head_link(&t->used, &s->link);
    *slice = s;
    return 0;
}

void tables_touch(Qcow2 *q, Tables *t, Slice *slice, unsigned at, unsigned n)
{
    if (slice->from == slice->to) {
        t->n_dirty++;
        slice->from = at;
        slice->to = at + n;
    } else {
        slice->from = MIN(slice->from, at);
        slice->to = MAX(slice->to, at + n);
    }
    __atomic_store_n(&q->clean, false, __ATOMIC_RELEASE);
}

/* Whole sectors: a disk writes no less at once. */
static int slice_write(Qcow2 *q, Slice *slice)
{
    u32 from = slice->from & ~511u;
    u32 to = (slice->to + 511) & ~511u;

    return node_write(q->file, slice->offset + from, slice->data + from, to - from);
}

int tables_write(Qcow2 *q, Tables *t)
{
    for (GList *link = t->used.head; link && t->n_dirty; link = link->next) {
        Slice *slice = slice_of(link);
        int error;

        if (slice->from == slice->to) {
            continue;
        }
        error = slice_write(q, slice);
        if (error) {
            return error;
        }
        slice->from = slice->to = 0;
        t->n_dirty--;
    }
    return 0;
}

void tables_drop(Tables *t, u64 offset, u64 bytes)
{
    for (u64 at = 0; at < bytes; at += t->bytes) {
        u64 begin = offset + at;
        Slice *slice = g_hash_table_lookup(t->by_offset, &begin);

        if (slice) {
            slice_free(t, slice);
        }
    }
}
