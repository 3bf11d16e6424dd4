/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way out of a Chardev (output.h says how it works and who may call).
 *
 * The indexes are sequentially consistent on purpose: a writer stores head and then
 * looks whether the timer is set, the main loop says it is not set and then looks at
 * head.  One of the two sees the other.
 */

#include "chardev/output.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    SMALL = 16,             /* up to so many bytes wait for more: a FIFO's */
    STALLED_MS = 2000,      /* a reader that takes nothing for so long has stopped */
    CRASH_MS = 100,
    ASK_BYTES = 512,        /* what a writable descriptor takes without blocking */
};

/* How soon the main loop is to drain. */
enum { IDLE, SOON, NOW };
static const long delay_ns[] = { [SOON] = 1000000, [NOW] = 1 };

#define load(p)     __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)

bool output_init(Output *out, const char *name, GError **err)
{
    *out = (Output){ .name = name, .fd = -1, .log_fd = -1, .timer = -1 };
    pthread_mutex_init(&out->lock, NULL);
    pthread_mutex_init(&out->drain_lock, NULL);
    out->ring = g_malloc(OUTPUT_BYTES);
    out->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (out->timer < 0) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot make a timer: %s", g_strerror(errno));
        return false;
    }
    return true;
}

void output_fini(Output *out)
{
    if (out->log_fd >= 0) {
        close(out->log_fd);
    }
    if (out->timer >= 0) {
        close(out->timer);
    }
    g_free(out->ring);
    pthread_mutex_destroy(&out->lock);
    pthread_mutex_destroy(&out->drain_lock);
}

/* One write to the host; -1 and EAGAIN if it takes nothing now. */
static ssize_t put(Output *out, const u8 *bytes, size_t n)
{
    ssize_t done;

    if (out->sink) {
        out->sink(out->opaque, bytes, n);
        return n;
    }
    if (out->fd < 0) {
        return n;
    }
    if (out->ask) {
        struct pollfd p = { .fd = out->fd, .events = POLLOUT };

        n = MIN(n, ASK_BYTES);
        if (poll(&p, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
    do {
        done = out->socket ? send(out->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : write(out->fd, bytes, n);
    } while (done < 0 && errno == EINTR);
    return done;
}

static void complain(Output *out, const char *what)
{
    if (!out->failed && errno != EPIPE && errno != ECONNRESET && errno != EIO) {
        warn_user("chardev '%s': %s: %s; bytes are lost", out->name, what,
                  g_strerror(errno));
        out->failed = true;
    }
}

/* The bytes at `from` that lie together in the ring, up to `to`. */
static size_t stretch(u32 from, u32 to)
{
    return MIN(to - from, OUTPUT_BYTES - from % OUTPUT_BYTES);
}

static void drain_log(Output *out, u32 head)
{
    while (out->log_fd >= 0 && out->log_tail != head) {
        size_t n = stretch(out->log_tail, head);
        ssize_t done = write(out->log_fd, out->ring + out->log_tail % OUTPUT_BYTES, n);

        if (done < 0 && errno != EINTR) {
            complain(out, "log file");
            done = n;
        }
        out->log_tail += MAX(done, 0);
    }
}

/* With drain_lock held. */
static void drain(Output *out)
{
    u32 head = load(&out->head);

    drain_log(out, head);
    while (out->tail != head) {
        size_t n = stretch(out->tail, head);
        ssize_t done = put(out, out->ring + out->tail % OUTPUT_BYTES, n);

        if (done < 0 && errno == EAGAIN) {
            store(&out->blocked, true);
            return;
        }
        if (done < 0) {
            complain(out, "write");
            done = n;
        }
        store(&out->tail, out->tail + (u32)done);
    }
    store(&out->blocked, false);
}

static void redirect(Output *out, int fd, OutputSink *sink, void *opaque, bool ask)
{
    struct stat st;

    pthread_mutex_lock(&out->drain_lock);
    drain_log(out, load(&out->head));
    store(&out->tail, load(&out->head));
    out->fd = fd;
    out->sink = sink;
    out->opaque = opaque;
    out->ask = ask;
    out->failed = false;
    out->socket = fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
    store(&out->blocked, false);
    store(&out->wanted, fd >= 0 || sink || out->log_fd >= 0);
    pthread_mutex_unlock(&out->drain_lock);
}

void output_to_fd(Output *out, int fd, bool ask)
{
    redirect(out, fd, NULL, NULL, ask);
}

void output_to_sink(Output *out, OutputSink *sink, void *opaque)
{
    redirect(out, -1, sink, opaque, false);
}

void output_log_to(Output *out, int fd)
{
    pthread_mutex_lock(&out->drain_lock);
    out->log_fd = fd;
    out->log_tail = load(&out->head);
    store(&out->wanted, true);
    pthread_mutex_unlock(&out->drain_lock);
}

/* With `lock` held. */
static void kick(Output *out, u8 how_soon)
{
    if (load(&out->kicked) < how_soon) {
        struct itimerspec when = { .it_value.tv_nsec = delay_ns[how_soon] };

        store(&out->kicked, how_soon);
        timerfd_settime(out->timer, 0, &when, NULL);
    }
}

/* Bytes free in the ring, after an attempt to get some if there are none. */
static size_t make_room(Output *out)
{
    size_t room = OUTPUT_BYTES - (out->head - load(&out->tail));

    if (room == 0 && !load(&out->blocked)) {
        output_drain(out);
        room = OUTPUT_BYTES - (out->head - load(&out->tail));
    }
    return room;
}

size_t output_write(Output *out, const u8 *bytes, size_t n)
{
    size_t done = 0, room;

    if (!load(&out->wanted)) {
        return n;
    }
    pthread_mutex_lock(&out->lock);
    while (done < n && (room = make_room(out)) > 0) {
        u32 at = out->head % OUTPUT_BYTES;
        size_t part = MIN(MIN(n - done, room), OUTPUT_BYTES - at);

        memcpy(out->ring + at, bytes + done, part);
        store(&out->head, out->head + (u32)part);
        done += part;
    }
    if (done < n) {
        store(&out->was_short, true);
    }
    kick(out, done < n || n > SMALL ? NOW : SOON);
    pthread_mutex_unlock(&out->lock);
    return done;
}

void output_kick(Output *out)
{
    pthread_mutex_lock(&out->lock);
    kick(out, NOW);
    pthread_mutex_unlock(&out->lock);
}

void output_kicked(Output *out)
{
    u64 times;
    ssize_t ignored = read(out->timer, &times, sizeof times);

    (void)ignored;              /* set anew meanwhile: then it fires once more */
    store(&out->kicked, IDLE);
}

void output_drain(Output *out)
{
    pthread_mutex_lock(&out->drain_lock);
    drain(out);
    pthread_mutex_unlock(&out->drain_lock);
}

bool output_writable(Output *out)
{
    return !load(&out->blocked) && load(&out->was_short) &&
           __atomic_exchange_n(&out->was_short, false, __ATOMIC_SEQ_CST);
}

void output_flush(Output *out)
{
    struct pollfd p = { .fd = out->fd, .events = POLLOUT };

    do {
        output_drain(out);
    } while (load(&out->blocked) && poll(&p, 1, STALLED_MS) > 0);
}

static void crash_write(int fd, const u8 *ring, u32 from, u32 to)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };

    while (fd >= 0 && from != to && poll(&p, 1, CRASH_MS) > 0) {
        ssize_t done = write(fd, ring + from % OUTPUT_BYTES, stretch(from, to));

        if (done <= 0) {
            return;
        }
        from += done;
    }
}

void output_crash(Output *out)
{
    crash_write(out->log_fd, out->ring, out->log_tail, out->head);
    crash_write(out->fd, out->ring, out->tail, out->head);
}
