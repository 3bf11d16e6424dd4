/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a qcow2 image: in place where the cluster is ours alone, otherwise into new
 * clusters.  What a write leaves of a new cluster is copied from where it was; data is
 * written before its entry is, and the entry reaches the disk only after a flush.
 */

#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

/* ---- who writes where ---- */

static bool is_busy(const Qcow2 *q, u64 first, u64 end)
{
    for (GList *link = q->writing.head; link; link = link->next) {
        const Writing *w = link->data;

        if (w->first < end && first < w->end) {
            return true;
        }
    }
    return false;
}

void writing_begin(Qcow2 *q, Writing *w, u64 first, u64 end)
{
    while (is_busy(q, first, end)) {
        g_cond_wait(&q->settled, &q->lock);
    }
    *w = (Writing){ first, end, { .data = w } };
    g_queue_push_tail_link(&q->writing, &w->link);
}

void writing_end(Qcow2 *q, Writing *w)
{
    g_queue_unlink(&q->writing, &w->link);
    g_cond_broadcast(&q->settled);
}

/* ---- one stretch ---- */

/* Guest clusters that are written together: to file clusters in a row. */
typedef struct {
    u64 guest, n;
    u64 host;                   /* offset in the file */
    bool in_place;              /* ours, and what is in it counts */
    bool link;                  /* the entries change */
    bool taken;                 /* the file's clusters are new */
} Stretch;

/* Does a write into this entry's cluster need no other one? */
typedef enum { PLACE_NEW, PLACE_SAME, PLACE_FILL } Place;

/*
 * FILL: the cluster is there but what it holds does not count (a zero flag).  A missing
 * COPIED flag is looked up, so that a cluster that became ours alone is used.
 */
static int place_of(Qcow2 *q, u64 entry, Place *place)
{
    u64 count = 1;
    int error = 0;

    *place = PLACE_NEW;
    if (entry & QCOW2_COMPRESSED || !(entry & QCOW2_OFFSET)) {
        return 0;
    }
    if (!(entry & QCOW2_COPIED)) {
        error = refcount_get(q, (entry & QCOW2_OFFSET) / q->cluster, &count);
    }
    if (!error && !count) {
        error = qcow2_corrupt(q, "cluster 0x%" G_GINT64_MODIFIER "x is used and has no "
                              "refcount", (u64)(entry & QCOW2_OFFSET));
    }
    if (!error && count == 1) {
        *place = entry & QCOW2_ZERO ? PLACE_FILL : PLACE_SAME;
    }
    return error;
}

/* How many entries have the place of the first, and in a row where that counts. */
static int stretch_count(Qcow2 *q, const Entries *e, u64 want, Place place, u64 *n)
{
    u64 first = entry_at(e, 0);

    for (*n = 1; *n < MIN(want, e->n); (*n)++) {
        u64 entry = entry_at(e, *n);
        Place other;
        int error = entry_judge(q, 0, entry);

        error = error ? error : place_of(q, entry, &other);
        if (error) {
            return error;
        }
        if (other != place ||
            (place != PLACE_NEW && (entry & ~QCOW2_ZERO) !=
                                       (first & ~QCOW2_ZERO) + *n * q->cluster)) {
            break;
        }
    }
    return 0;
}

static int stretch_plan(Qcow2 *q, u64 guest, u64 want, Stretch *s)
{
    Place place;
    Entries e;
    Run run;
    int error = qcow2_begin_change(q);

    error = error ? error : entries_get(q, guest, &e);
    error = error ? error : entry_judge(q, guest, entry_at(&e, 0));
    error = error ? error : place_of(q, entry_at(&e, 0), &place);
    /* A table that a snapshot has too: all that it shows is shared. */
    if (!error && e.slice && !(q->l1[guest >> q->l2_bits] & QCOW2_COPIED)) {
        error = entries_get_writable(q, guest, &e);
    }
    *s = (Stretch){ .guest = guest, .link = true };
    error = error ? error : stretch_count(q, &e, want, place, &s->n);
    if (error) {
        return error;
    }
    if (place != PLACE_NEW) {
        s->host = entry_at(&e, 0) & QCOW2_OFFSET;
        s->in_place = place == PLACE_SAME;
        s->link = !s->in_place || !(entry_at(&e, 0) & QCOW2_COPIED);
        return overlap_check(q, s->host / q->cluster, s->n);
    }
    error = clusters_take(q, s->n, &run);
    if (!error) {
        s->host = run.first * q->cluster;
        s->n = run.n;
        s->taken = true;
    }
    return error;
}

/* The data is written: the entries show it. */
static int stretch_link(Qcow2 *q, const Stretch *s)
{
    for (u64 done = 0; done < s->n;) {
        Entries e;
        int error = entries_get_writable(q, s->guest + done, &e);

        if (error) {
            if (s->taken) {
                clusters_untake(q, (Run){ s->host / q->cluster + done, s->n - done });
            }
            return error;
        }
        for (u64 i = 0; i < e.n && done < s->n; i++, done++) {
            u64 old = entry_at(&e, i);

            entry_set(q, &e, i, (s->host + done * q->cluster) | QCOW2_COPIED);
            if (s->taken) {
                entry_free(q, old);
            }
        }
    }
    return 0;
}

/* ---- copying what stays ---- */

/* Guest bytes as they were; beyond the end of the disk, zeroes. */
static int old_bytes(Qcow2 *q, u64 offset, u8 *to, u64 n)
{
    u64 length = node_length(q->node);
    u64 inside = offset < length ? MIN(n, length - offset) : 0;
    struct iovec iov;

    memset(to + inside, 0, n - inside);
    return inside ? qcow2_read(q->node, offset, vec_of(&iov, to, inside)) : 0;
}

/* Writes [begin, end) of the new clusters: old bytes, the data, old bytes. */
static int fill(Qcow2 *q, const Stretch *s, u64 offset, BlockVec from)
{
    u64 begin = s->guest * q->cluster;
    u64 before = offset - begin;
    u64 after = s->n * q->cluster - before - from.bytes;
    g_autofree u8 *old = before + after ? g_malloc(before + after) : NULL;
    g_autofree struct iovec *iov = g_new(struct iovec, from.n + 2);
    unsigned n = 0;
    int error = 0;

    if (!old) {
        return node_writev(q->file, s->host, from);
    }
    if (before) {
        error = old_bytes(q, begin, old, before);
        iov[n++] = (struct iovec){ old, before };
    }
    n += vec_flatten(from, iov + n, from.n, NULL);
    if (after) {
        error = error ? error : old_bytes(q, offset + from.bytes, old + before, after);
        iov[n++] = (struct iovec){ old + before, after };
    }
    return error ? error : node_writev(q->file, s->host, vec_all(iov, n));
}

/* ---- writing ---- */

static int stretch_write(Qcow2 *q, const Stretch *s, u64 offset, BlockVec from)
{
    u64 skip = offset - s->guest * q->cluster;

    if (s->in_place) {
        return node_writev(q->file, s->host + skip, from);
    }
    return fill(q, s, offset, from);
}

/* Fills as many clusters as one stretch has; takes the lock and lets it go. */
static int write_stretch(Qcow2 *q, u64 offset, BlockVec from, u64 *done)
{
    u64 guest = offset / q->cluster;
    u64 end = units(offset + from.bytes, q->cluster);
    Writing w;
    Stretch s;
    int error;

    g_mutex_lock(&q->lock);
    writing_begin(q, &w, guest, end);
    error = stretch_plan(q, guest, end - guest, &s);
    if (!error) {
        *done = MIN(from.bytes, (s.guest + s.n) * q->cluster - offset);
        g_mutex_unlock(&q->lock);
        error = stretch_write(q, &s, offset, vec_slice(from, 0, *done));
        g_mutex_lock(&q->lock);
        if (!error && s.link) {
            error = stretch_link(q, &s);
        } else if (error && s.taken) {
            clusters_untake(q, (Run){ s.host / q->cluster, s.n });
        }
    }
    writing_end(q, &w);
    g_mutex_unlock(&q->lock);
    return error;
}

int qcow2_write(BlockNode *node, u64 offset, BlockVec from)
{
    u64 n;

    for (u64 done = 0; done < from.bytes; done += n) {
        int error = write_stretch(qcow2_of(node), offset + done,
                                  vec_slice(from, done, from.bytes - done), &n);

        if (error) {
            return error;
        }
    }
    return 0;
}
