/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images over files in memory, a model of what such a disk may hold after a
 * crash, and random operations on both: for tests.
 *
 * The model is in units of 512 bytes; every write fills its units with a number of its
 * own.  A unit must hold what it had at the last flush that was done, or the number of
 * a write that has begun since.  Main thread.
 */

#ifndef TESTS_LIB_QCOW2_TRIAL_H
#define TESTS_LIB_QCOW2_TRIAL_H

#include "block/qcow2.h"
#include "tests/lib/block_mem.h"

enum { TRIAL_UNIT = 512 };

/* The bytes of a new image. */
GByteArray *trial_create(const char *options, u64 size);
/* Opens a copy of the bytes; NULL and an error if the driver refuses them. */
BlockNode *trial_open(const GByteArray *bytes, BlockFlags flags, const char *options,
                    GError **err);

typedef enum {
    TRIAL_WRITE,
    TRIAL_ZERO,
    TRIAL_DISCARD,
    TRIAL_FLUSH,
    TRIAL_SNAPSHOT,
    TRIAL_APPLY,
    TRIAL_DELETE,
    TRIAL_PACK,
    TRIAL_KINDS
} TrialKind;

/* What was done, and which entries of the log it made. */
typedef struct {
    TrialKind kind;
    unsigned from, to;              /* in the log: [from, to) */
    u64 unit, n;                    /* which units */
    u32 number;                     /* what was written; 0: zeroes */
    int error;
    u32 *content; /* TRIAL_FLUSH, TRIAL_APPLY: the whole disk after it */
} TrialOp;

typedef struct {
    BlockNode *node;
    MemFile *file;
    GByteArray *begin;              /* what the file was at first */
    GRand *rand;
    u64 units;
    u32 *now;                       /* a number for each unit */
    u32 next;                       /* the number of the next write */
    GArray *ops;                    /* of TrialOp */
    u32 *saved;                     /* the content of the one snapshot, or NULL */
    bool snapshots, packs;          /* are tried */
} Trial;

Trial *trial_new(const char *create, const char *open, u64 size, u32 seed);
void trial_free(Trial *trial);

/* One random operation, on disk and model. */
void trial_step(Trial *trial);
void trial_flush(Trial *trial);

/* An image with something of everything in it. */
GByteArray *trial_image(const char *create, u64 size, u32 seed);

/* The disk has what the model has; units whose operation failed may have either. */
void trial_compare(Trial *trial, BlockNode *node);

/* A disk after a crash at log entry `n`: false, and it is printed what is wrong. */
bool trial_may_be(Trial *trial, BlockNode *node, unsigned n);

#endif
