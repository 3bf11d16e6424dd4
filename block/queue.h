/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What waits: reads, writes and flushes of file descriptors in the io_uring of an
 * IoContext, and work for threads.  Each is a Task, part of an object of the caller's,
 * and ends with a call of its `done` in the loop of its context, under the lock.
 *
 * Called under the context's lock, except where it says "any thread".
 */

#ifndef BLOCK_QUEUE_H
#define BLOCK_QUEUE_H

#include "base/io.h"
#include "block/node.h"

typedef struct Task Task;
struct Task {
    IoContext *io;
    /* bytes moved, or 0, or -errno; the task may be gone afterwards */
    void (*done)(Task *task, int result);
    int (*work)(Task *task);        /* queue_work: in a worker */
    int result;
    Task *next;
    /* what it asks of the kernel; kept while it waits for a place in the ring */
    int fd;
    bool is_flush;
    bool is_large;                  /* a copy that others should not wait for */
    BlockAccess access;
    u64 offset;
    const struct iovec *iov;
    unsigned n_iov;
};

/* The kernel has io_uring and lets us use it.  Any thread. */
bool queue_works(void);

/* Makes a context ready for tasks. */
void queue_open(IoContext *io);

/* False: this context can't have a ring, so workers must do it. */
bool queue_has_ring(IoContext *io);

/* Moves up to all of the ranges; they and the list stay until `done`. */
void queue_move(Task *task, int fd, BlockAccess access, u64 offset,
                const struct iovec *iov, unsigned n);
void queue_flush(Task *task, int fd);

/*
 * Calls task->work in a thread; `may_wait`: it waits for others (in a gate, for a
 * driver's lock), so it must not take the threads that those need.
 */
void queue_work(Task *task, bool may_wait);

/* Ends the task with this result, later.  Any thread. */
void queue_end(Task *task, int result);

/*
 * Between these (they nest) the ring is filled; at the last unplug the kernel gets all
 * of it, and what is done at once is ended in there.
 */
void queue_plug(IoContext *io);
void queue_unplug(IoContext *io);

/* Ends what is done; waits until something is, if nothing was.  For draining. */
void queue_wait(IoContext *io);

/* Lets go of the ring; nothing waits in it. */
void queue_close(IoContext *io);

#endif
