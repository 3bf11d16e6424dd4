/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A protocol node in memory: for tests.  It can fail at a chosen call, and keeps what
 * was written to it, in order: a test replays any prefix of that and has what a crash
 * would have left.
 */

#ifndef TESTS_LIB_BLOCK_MEM_H
#define TESTS_LIB_BLOCK_MEM_H

#include "block/node.h"
#include <pthread.h>

typedef enum { MEM_READ, MEM_WRITE, MEM_FLUSH, MEM_DISCARD, MEM_OPS } MemOp;

/* A change: bytes (a write), zeroes, a new length, or a flush. */
typedef struct {
    enum { LOG_WRITE, LOG_ZERO, LOG_LENGTH, LOG_FLUSH } kind;
    u64 offset, bytes;
    u8 *data;                       /* LOG_WRITE */
} MemLog;

typedef struct {
    GByteArray *bytes;
    pthread_mutex_t lock;
    bool log;                       /* keep `entries` */
    GArray *entries;                /* MemLog */
    unsigned calls[MEM_OPS];
    /* The call of this kind with this number (from 1) and those after it fail so. */
    struct { unsigned from, times; int error; } fail[MEM_OPS];
    unsigned delay_us;              /* each read and write takes so long */
    u64 max;                        /* a write or length beyond is an error, -EFBIG */
} MemFile;

extern const BlockDriver block_mem;

/* What `max` is at first. */
#define MEM_MAX (64 * MiB)

/*
 * Named, so that options can refer to it ("file=NAME"); flags are RDWR, RESIZE, UNMAP.
 */
BlockNode *mem_node(const char *name, u64 length);
MemFile *mem_file(BlockNode *node);

/* What the first `n` entries of the log leave of a file that began as `bytes`. */
GByteArray *mem_replay(const MemFile *file, const GByteArray *begin, unsigned n);

#endif
