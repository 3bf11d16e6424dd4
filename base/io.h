/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where fast devices do their work: a thread with a GLib loop, and the lock that guards
 * whatever is served there.
 *
 *   io_main()      the main thread and its loop; its lock is the machine lock
 *   -object iothread,id=X   a thread of its own; its lock is its own
 *
 * The loop's thread holds the lock while it runs a callback of ours; anybody else who
 * touches what is served there (a vCPU at a device's registers) takes it too.  Order:
 * the machine lock first, then the lock of an I/O thread; a thread that holds the
 * latter never takes the former, and sends interrupts as messages.
 *
 * io_find and the making of threads: main thread.  The rest: any thread.
 */

#ifndef BASE_IO_H
#define BASE_IO_H

#include "base/types.h"

typedef struct IoContext IoContext;

IoContext *io_main(void);
IoContext *io_thread_new(const char *id, GError **err) must_check;
void io_thread_free(IoContext *io);             /* ends the thread; nothing uses it */
/* NULL and an error that names it: there is no such I/O thread. */
IoContext *io_find(const char *id, GError **err) must_check;
const char *io_id(const IoContext *io);         /* "main" or the user's */
int io_thread_tid(const IoContext *io);         /* of the kernel; 0: the main thread */

void io_lock(IoContext *io);
void io_unlock(IoContext *io);
bool io_locked(IoContext *io);                  /* by this thread */

/* Takes the lock unless this thread has it; the result goes to io_leave. */
static inline bool io_enter(IoContext *io)
{
    bool took = !io_locked(io);

    if (took) {
        io_lock(io);
    }
    return took;
}

static inline void io_leave(IoContext *io, bool took)
{
    if (took) {
        io_unlock(io);
    }
}

/*
 * Calls `ready` in the loop, under the lock, whenever `fd` is readable.  `ready` reads
 * it empty.  io_unwatch: under the lock; `ready` is not called from then on.
 */
typedef struct IoWatch IoWatch;
typedef void IoReadyFn(void *opaque);
IoWatch *io_watch(IoContext *io, int fd, IoReadyFn *ready, void *opaque);
void io_unwatch(IoWatch *watch);                /* NULL is allowed */

/* Calls `fn` once in the loop, under the lock. */
void io_post(IoContext *io, IoReadyFn *fn, void *opaque);

/*
 * Calls `fn` in the loop, without the lock, and returns when it is done; nothing else
 * of the loop runs meanwhile.  The main thread, which has no I/O thread's lock.
 */
void io_run(IoContext *io, IoReadyFn *fn, void *opaque);
/* For sources of one's own, called without the lock; NULL: the default one. */
GMainContext *io_loop(const IoContext *io);

/* A slot for the block layer's queue of this loop; see block/queue.c. */
void **io_queue_slot(IoContext *io);

#endif
