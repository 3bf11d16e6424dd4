/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way out of a Chardev: a ring of bytes with many writers and one reader at a time.
 *
 * Writers append under `lock`, which nobody holds during a system call, and then set a
 * timer; the main loop drains the ring when the timer fires.  Whoever drains holds
 * `drain_lock` and writes to the host.  A writer that finds the ring full drains it
 * itself, so order is kept.  `lock` is taken before `drain_lock`, the machine lock
 * before both.
 *
 *     tail ---- host ----> log_tail - log file -> head     free-running; ring[x % size]
 *
 * The descriptor never blocks: it is non-blocking, a socket, a regular file, or is
 * asked with poll before every small write (`ask`, for a description shared with other
 * programs).
 *
 * output_write and output_kick: any thread.  The rest: the main thread.
 */

#ifndef CHARDEV_OUTPUT_H
#define CHARDEV_OUTPUT_H

#include "base/types.h"

#include <pthread.h>

enum { OUTPUT_BYTES = 16 * 1024 };

typedef void OutputSink(void *opaque, const u8 *bytes, size_t n);

typedef struct {
    const char *name;               /* for messages; borrowed */
    pthread_mutex_t lock;           /* writers: head, kicked */
    pthread_mutex_t drain_lock;     /* the one who drains: everything else */
    u8 *ring;
    u32 head, tail, log_tail;       /* atomic */
    u8 kicked;                      /* atomic: is the timer set, and how soon */
    bool blocked;                   /* atomic: the host takes nothing now */
    bool was_short;                 /* atomic: a writer waits for room */
    bool wanted;                    /* atomic: there is somebody to write to */
    bool socket, ask, failed;
    int fd;                         /* borrowed; -1: nobody listens */
    int log_fd;                     /* owned; -1: no log file */
    int timer;                      /* timerfd; readable when the ring wants draining */
    OutputSink *sink;               /* instead of fd */
    void *opaque;
} Output;

bool output_init(Output *out, const char *name, GError **err) must_check;
void output_fini(Output *out);

/* Where the bytes go from now on.  What nobody has taken until now is dropped. */
void output_to_fd(Output *out, int fd, bool ask);
void output_to_sink(Output *out, OutputSink *sink, void *opaque);
void output_log_to(Output *out, int fd);

/* Takes up to n bytes; if fewer, output_writable will be true some time. */
size_t output_write(Output *out, const u8 *bytes, size_t n);

/* Makes `timer` readable at once. */
void output_kick(Output *out);

/* What the main loop does when `timer` is readable, or fd writable again. */
void output_kicked(Output *out);
void output_drain(Output *out);
static inline bool output_blocked(Output *out)
{
    return __atomic_load_n(&out->blocked, __ATOMIC_SEQ_CST);
}

/* True, once, when there is room after a short write. */
bool output_writable(Output *out);

/* Drains it all, waiting for the host as long as it takes something now and then. */
void output_flush(Output *out);

/* Writes what it can, without looking at locks: from the handler of a fatal signal. */
void output_crash(Output *out);

#endif
