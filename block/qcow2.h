/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images: what there is beside reading and writing them as nodes.
 *
 * Main thread.  The node is one of driver `qcow2_driver`; functions that change the
 * image stop it meanwhile.
 */

#ifndef BLOCK_QCOW2_H
#define BLOCK_QCOW2_H

#include "block/node.h"

extern const BlockDriver qcow2_driver;

/* ---- what it is ---- */

typedef struct {
    char *name;
    u64 granularity, table_offset;
    u32 table_entries, flags;       /* 1 in use, 2 auto */
} Qcow2Bitmap;

typedef struct {
    unsigned version, cluster_bits, refcount_bits;
    const char *compression;        /* "zlib" or "zstd" */
    const char *backing_name, *backing_format;      /* or NULL */
    bool lazy_refcounts, dirty, corrupt;
} Qcow2Info;

Qcow2Info qcow2_info(BlockNode *node);
/* The bitmaps; none if the image says that they are not to be trusted. */
const Qcow2Bitmap *qcow2_bitmaps(BlockNode *node, unsigned *n);

/*
 * It counts more clusters than its file has on its disk, as after preallocation of the
 * tables alone: only the file knows what is zero.
 */
bool qcow2_is_sparse(BlockNode *node);

/* ---- snapshots ---- */

typedef struct {
    char *id, *name;
    u64 l1_offset;
    u32 l1_size;                    /* entries */
    u32 date_sec, date_nsec;
    u64 vm_clock_ns, vm_state_size, disk_size, icount;
    u8 *extra;                      /* what we don't know, behind the known part */
    u32 extra_bytes;
} Qcow2Snapshot;

const Qcow2Snapshot *qcow2_snapshots(BlockNode *node, unsigned *n);
bool qcow2_snapshot_create(BlockNode *node, const char *name, GError **err) must_check;
/* By id or, if there is no such id, by name. */
bool qcow2_snapshot_apply(BlockNode *node, const char *which, GError **err) must_check;
bool qcow2_snapshot_delete(BlockNode *node, const char *which, GError **err) must_check;

/* A node that is not written shows a snapshot instead of the disk. */
bool qcow2_snapshot_view(BlockNode *node, const char *which, GError **err) must_check;

/* ---- check ---- */

typedef enum { QCOW2_FIX_LEAKS = 1, QCOW2_FIX_ERRORS = 2 } Qcow2Fix;

typedef struct {
    u64 corruptions, leaks, check_errors, corruptions_fixed, leaks_fixed;
    u64 image_end, total_clusters, allocated_clusters, fragmented_clusters,
        compressed_clusters;
    void (*say)(void *opaque, const char *line);        /* each finding; or NULL */
    void *opaque;
} Qcow2Check;

/*
 * Compares all counters with what the tables refer to.  False: it can't be done
 * (memory, a table that can't be read).
 */
bool qcow2_check(BlockNode *node, unsigned fix, Qcow2Check *result,
                 GError **err) must_check;

/* What a new image would take; from the options of create. */
typedef struct {
    u64 cluster;                    /* bytes */
    u64 disk;                       /* the disk's size, in whole clusters */
    u64 metadata;                   /* when all of the disk is there */
    bool takes_all;                 /* at once, or nobody knows what it will not */
} Qcow2Measure;
bool qcow2_measure(KeyVals *options, u64 size, Qcow2Measure *to,
                   GError **err) must_check;

/* ---- changes ---- */

/* Clusters for the disk from there on: for an image that has just grown to its size. */
typedef enum {
    QCOW2_ALLOCATE_NOTHING, QCOW2_ALLOCATE_METADATA, QCOW2_ALLOCATE_SPACE,
    QCOW2_ALLOCATE_FULL
} Qcow2Preallocation;
bool qcow2_preallocate(BlockNode *node, u64 from, Qcow2Preallocation mode,
                       GError **err) must_check;

/* One cluster, or the end of the disk; -EEXIST: it is there already. */
int qcow2_write_compressed(BlockNode *node, u64 offset, const void *data, size_t n);
u64 qcow2_cluster_size(BlockNode *node);

/* NULL, NULL: none.  Only what the header says; nothing is opened. */
bool qcow2_set_backing(BlockNode *node, const char *name, const char *format,
                       GError **err) must_check;
/* All clusters become unallocated: commit has moved what they held down. */
bool qcow2_make_empty(BlockNode *node, GError **err) must_check;

#endif
