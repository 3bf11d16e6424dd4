/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the qcow2 driver: an open image, its tables in memory, and the one rule
 * that makes a crash harmless.
 *
 *   refcounts (in memory, and so on disk) are never lower than what the tables on disk
 *   AND the tables in memory together refer to.
 *
 * - Taking a cluster raises its count in memory at once.
 * - Letting go of one only notes it (q->freed).  The count goes down when the table
 *   that no longer refers to it is safe on disk.  Until then nobody gets the cluster.
 * - qcow2_commit writes in this order, with a flush at each line:
 *       data (long written), refcount blocks, a moved refcount table
 *       the refcount table's entries or its place in the header
 *       L2 entries, L1 entries
 *   New L2 tables and refcount blocks are written whole when they are taken, before
 *   anything refers to them.
 *
 * So whatever part of the writes since the last flush reaches the disk, in whatever
 * order: every entry that is there refers to a cluster that is counted and was filled,
 * and what is lost is at most space (leaks, which check -r leaks gives back).
 *
 * With lazy refcounts the second word is the dirty bit's: refcount blocks are written
 * when there is time, and an image that was not closed is repaired when it is opened.
 *
 * Locking: everything below is called under q->lock, which is held across I/O for
 * metadata but never across I/O for data.  A guest cluster that is being filled is in
 * q->writing; others that want to write there wait (q->settled).  Calls that take away
 * what map gave out (discard, snapshots, truncate) find no other request inside: the
 * node's gate sees to that (.remaps).
 */

#ifndef BLOCK_QCOW2_INT_H
#define BLOCK_QCOW2_INT_H

#include "block/node.h"
#include "block/qcow2.h"
#include "block/qcow2_format.h"

/* A piece of an L2 table or refcount block in memory. */
typedef struct {
    GList link;                 /* in the order of use */
    u64 offset;                 /* in the file */
    u32 from, to;               /* bytes that changed; from == to: none */
    u8 data[];
} Slice;

typedef struct {
    GHashTable *by_offset;      /* of Slice, by &slice->offset */
    GQueue used;                /* first: used last */
    unsigned bytes;             /* of a slice */
    unsigned max;               /* slices */
    unsigned n_dirty;
} Tables;

/* Entries [from, to) of a table in memory that the disk does not have yet. */
typedef struct {
    u64 from, to;
} Dirty;

typedef struct {
    u64 first, n;               /* clusters of the file */
} Run;

/* Guest clusters [first, end) that somebody is filling. */
typedef struct {
    u64 first, end;
    GList link;
} Writing;

typedef struct {
    u32 type, bytes;
    u8 *data;
} Extension;

/* What a cluster in q->meta is. */
typedef enum { META_NONE, META_REFBLOCK, META_L2 } Meta;

typedef struct Qcow2 {
    BlockNode *node, *file;
    GMutex lock;
    GCond settled;
    GQueue writing;             /* of Writing */

    Qcow2Header h;
    GArray *extensions;         /* of Extension, all the image has */
    char *backing_name, *backing_format;
    u64 cluster;                /* bytes */
    unsigned l2_bits;           /* log2 of an L2 table's entries */
    unsigned ref_bits;          /* log2 of a refcount block's counters */

    u64 *l1;                    /* h.l1_size entries */
    Dirty l1_dirty;
    u64 *reftable;
    u32 reftable_n;             /* entries */
    Dirty reftable_dirty;
    bool reftable_moved;        /* the header on disk has the old place */
    Run reftable_old;           /* which is freed when the header has the new one */
    Tables l2, ref;
    bool in_commit;

    u64 top;                    /* no cluster from here on is in use */
    u64 hint;                   /* none below this is free */
    u64 packed_at;              /* where compressed bytes may go on; 0: nowhere */
    GArray *freed;              /* of Run: to be counted down after the next commit */
    GHashTable *meta;           /* clusters of L2 tables and refcount blocks */

    Qcow2Snapshot *snapshot;    /* h.n_snapshots */
    Run snapshot_table;
    GArray *bitmaps;            /* of Qcow2Bitmap */
    GArray *bitmap_places;      /* of Run: the directory, tables, bits */
    GArray *places;             /* those and snapshots' L1 tables, sorted */
    u8 *bitmap_directory;
    bool lazy, marked_dirty;
    bool changing;              /* the image on disk says that it is being changed */
    bool open, warned;
    bool corrupt;               /* found out while running: nothing is written */
    bool clean;                 /* nothing to commit; atomic */
    bool sparse, sparse_known;  /* qcow2_is_sparse */
} Qcow2;

static inline Qcow2 *qcow2_of(BlockNode *node)
{
    return node->own;
}

/* ---- qcow2_open.c ---- */

/* "FILE: text" */
bool qcow2_fail(const Qcow2 *q, GError **err, const char *fmt, ...) printf_like(3, 4);
/* Says what is damaged, once; marks the image if it is writable.  Returns -EIO. */
int qcow2_corrupt(Qcow2 *q, const char *fmt, ...) printf_like(2, 3);
/* Notes where refcount blocks and L2 tables are; false: they overlap other things. */
bool meta_build(Qcow2 *q, GError **err);

/* ---- qcow2_header.c ---- */

bool header_load(Qcow2 *q, GError **err);
void header_free(Qcow2 *q);
Extension *qcow2_extension(Qcow2 *q, u32 type);
/* Writes part of the header. */
int header_write64(Qcow2 *q, unsigned at, u64 value);
/* Safe on disk when it returns. */
int header_set_incompatible(Qcow2 *q, u64 set, u64 clear);
/* All of it: header, extensions, backing file's name; sets backing_offset. */
GByteArray *header_build(Qcow2 *q);
int header_rewrite(Qcow2 *q);           /* -ENOSPC: it does not fit into a cluster */
/* Reads and writes big-endian words. */
int words_read(Qcow2 *q, u64 offset, u64 *to, u64 n);
int words_write(Qcow2 *q, u64 offset, const u64 *from, u64 n);

/* ---- qcow2_tables.c: L2 tables and refcount blocks in memory ---- */

void tables_open(Tables *t, unsigned bytes, u64 budget);
void tables_close(Tables *t);
/*
 * The slice with the byte at `offset`.  It stays until eight others of the same kind
 * have been asked for.  May commit to get room.
 */
int tables_get(Qcow2 *q, Tables *t, u64 offset, Slice **slice) must_check;
/* Bytes [at, at + n) of a slice have been changed. */
void tables_touch(Qcow2 *q, Tables *t, Slice *slice, unsigned at, unsigned n);
int tables_write(Qcow2 *q, Tables *t) must_check;
/* What is known of [offset, offset + bytes) is no longer true. */
void tables_drop(Tables *t, u64 offset, u64 bytes);

static inline void dirty_add(Dirty *d, u64 from, u64 to)
{
    d->from = d->from == d->to ? from : MIN(d->from, from);
    d->to = MAX(d->to, to);
}

/* ---- qcow2_refcount.c ---- */

bool refcount_open(Qcow2 *q, GError **err) must_check;
int refcount_get(Qcow2 *q, u64 cluster, u64 *count) must_check;
/* Counts n clusters up or down by one, at once; -EOVERFLOW: a counter is full. */
int refcount_up(Qcow2 *q, u64 first, u64 n) must_check;
int refcount_down(Qcow2 *q, u64 first, u64 n) must_check;
/* Sets one counter: for repair. */
int refcount_set(Qcow2 *q, u64 cluster, u64 count) must_check;
/* 1 to `want` clusters in a row that were free; they count 1. */
int clusters_take(Qcow2 *q, u64 want, Run *run) must_check;
/* Exactly n in a row, at the end of the file. */
int clusters_take_row(Qcow2 *q, u64 n, u64 *first) must_check;
/* Nothing in memory refers to them any more; they are free after the next commit. */
void clusters_free(Qcow2 *q, u64 first, u64 n);
/* Nobody ever referred to them. */
void clusters_untake(Qcow2 *q, Run run);
/* ---- qcow2_overlap.c ---- */

/* A cluster is a refcount block, or an L2 table once more. */
void meta_note(Qcow2 *q, u64 cluster, Meta meta);
Meta meta_at(const Qcow2 *q, u64 cluster);
/* It is so once less. */
void meta_forget(Qcow2 *q, u64 cluster);
/* Snapshots or bitmaps have changed: notes where they are. */
void places_build(Qcow2 *q);
/* False: tables that there is one of lie on each other. */
bool fixed_apart(const Qcow2 *q, GError **err);
/* What metadata these clusters hold, or NULL. */
const char *overlap_find(const Qcow2 *q, u64 first, u64 n);
/* -EIO and the corrupt bit if they hold some. */
int overlap_check(Qcow2 *q, u64 first, u64 n) must_check;

/* ---- qcow2_commit.c ---- */

/* All that is in memory is safe on disk; freed clusters are free. */
int qcow2_commit(Qcow2 *q) must_check;
/* The same but for the last flush of the file, which comes next. */
int commit_unflushed(Qcow2 *q) must_check;
/* Before the first change since the image was opened: what others must know. */
int qcow2_begin_change(Qcow2 *q) must_check;

/* ---- qcow2_create.c ---- */

bool qcow2_create(const BlockCreate *create, GError **err);
const Field *qcow2_create_fields(void);

/* ---- qcow2_l2.c: guest clusters and their entries ---- */

/* Entries of guest clusters from `guest` on; valid until the next call. */
typedef struct {
    Slice *slice;               /* NULL: there is no L2 table: all are 0 */
    unsigned at;                /* bytes of the first one in the slice */
    u64 n;                      /* how many there are */
} Entries;

int entries_get(Qcow2 *q, u64 guest, Entries *e) must_check;
/* The same, and they may be changed: the table is there and only ours. */
int entries_get_writable(Qcow2 *q, u64 guest, Entries *e) must_check;

static inline u64 entry_at(const Entries *e, u64 i)
{
    return e->slice ? be64_at(e->slice->data + e->at + i * 8) : 0;
}

void entry_set(Qcow2 *q, Entries *e, u64 i, u64 entry);
/* -EIO if the entry can't be; marks the image. */
int entry_judge(Qcow2 *q, u64 guest, u64 entry) must_check;
/* Lets go of what an entry refers to. */
void entry_free(Qcow2 *q, u64 entry);
/* Clusters of the file that an entry refers to; n 0: none. */
Run entry_run(const Qcow2 *q, u64 entry);

/* ---- qcow2_read.c, qcow2_write.c, qcow2_zero.c, qcow2_pack.c ---- */

void qcow2_map(BlockNode *node, BlockAccess access, u64 offset, u64 bytes,
               BlockMap *to);
int qcow2_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out);
int qcow2_read(BlockNode *node, u64 offset, BlockVec to);
int qcow2_write(BlockNode *node, u64 offset, BlockVec from);
int qcow2_discard(BlockNode *node, u64 offset, u64 bytes);
int qcow2_write_zeroes(BlockNode *node, u64 offset, u64 bytes, bool may_unmap);
/* Guest clusters [first, end) become unallocated; under the lock. */
int qcow2_forget(Qcow2 *q, u64 first, u64 end);
/* Unpacks a compressed cluster; takes q->lock and lets it go while it works. */
int packed_read(Qcow2 *q, u64 entry, u8 *to);
bool qcow2_truncate(BlockNode *node, u64 length, GError **err);

/* Waits until nobody fills these, then says that we do; under the lock. */
void writing_begin(Qcow2 *q, Writing *w, u64 first, u64 end);
void writing_end(Qcow2 *q, Writing *w);

/* ---- qcow2_snapshot.c, qcow2_bitmap.c ---- */

bool snapshots_load(Qcow2 *q, GError **err);
void snapshots_free(Qcow2Snapshot *snapshot, u32 n);
bool bitmaps_load(Qcow2 *q, GError **err);
void bitmaps_free(Qcow2 *q);
/* The image is about to change: bitmaps that should follow can't. */
int bitmaps_invalidate(Qcow2 *q);

#endif
