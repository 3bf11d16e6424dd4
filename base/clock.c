/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual clock and its timers.
 *
 * A running clock is CLOCK_MONOTONIC minus an offset; a standing one is a constant.
 * Both live in one atomic word, so that a reader needs no lock and never sees half of a
 * change.
 *
 * Armed timers are a binary heap, earliest first, equal times in the order they were
 * set.  A timerfd is armed for the earliest.  Moving a timer to a later time leaves the
 * timerfd as it is: it wakes us once too early and is armed again, which is cheaper
 * than a system call whenever a guest writes a timer register.
 */

#include "base/clock.h"

#include "base/lock.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { NOT_QUEUED = -1 };

/* Times from here on (146 years) are "never"; it keeps every sum inside s64. */
#define NEVER (1ull << 62)

struct Timer {
    Clock *clock;
    TimerFn *fn;
    void *opaque;
    u64 when;
    u64 key, order;         /* its rank in the heap */
    u64 round;              /* the dispatch in which it last ran */
    int at;                 /* its place in the heap */
};

typedef struct {
    GSource source;
    Clock *clock;
} ClockSource;

struct Clock {
    s64 word;               /* 2 * (offset or constant) + running; atomic */
    int fd;
    u64 fd_at;              /* virtual time for which fd is armed; NEVER: not armed */
    GPtrArray *heap;
    u64 order, round;
    u64 served;             /* every timer due before this time has run */
    GSource *source;
};

static u64 host_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static s64 clock_word(const Clock *clock)
{
    return __atomic_load_n(&clock->word, __ATOMIC_ACQUIRE);
}

static void clock_set_word(Clock *clock, s64 value, bool running)
{
    __atomic_store_n(&clock->word, value * 2 + running, __ATOMIC_RELEASE);
}

u64 clock_now(const Clock *clock)
{
    s64 word = clock_word(clock);

    return word & 1 ? host_now() - (word >> 1) : (u64)(word >> 1);
}

bool clock_running(const Clock *clock)
{
    return clock_word(clock) & 1;
}

u64 clock_to_host(const Clock *clock, u64 ns)
{
    s64 word = clock_word(clock);
    s64 offset = word & 1 ? word >> 1 : (s64)host_now() - (word >> 1);
    s64 host = (s64)MIN(ns, NEVER) + offset;

    return MAX(host, 0);
}

/* ---- the heap ---- */

static Timer *heap_at(const Clock *clock, unsigned i)
{
    return g_ptr_array_index(clock->heap, i);
}

static bool earlier(const Timer *a, const Timer *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void heap_put(Clock *clock, unsigned i, Timer *timer)
{
    g_ptr_array_index(clock->heap, i) = timer;
    timer->at = i;
}

/* Puts `timer` at `i` or where it belongs above or below. */
static void heap_settle(Clock *clock, unsigned i, Timer *timer)
{
    unsigned child;

    while (i > 0 && earlier(timer, heap_at(clock, (i - 1) / 2))) {
        heap_put(clock, i, heap_at(clock, (i - 1) / 2));
        i = (i - 1) / 2;
    }
    while ((child = 2 * i + 1) < clock->heap->len) {
        if (child + 1 < clock->heap->len &&
            earlier(heap_at(clock, child + 1), heap_at(clock, child))) {
            child++;
        }
        if (!earlier(heap_at(clock, child), timer)) {
            break;
        }
        heap_put(clock, i, heap_at(clock, child));
        i = child;
    }
    heap_put(clock, i, timer);
}

static void heap_remove(Timer *timer)
{
    Clock *clock = timer->clock;
    unsigned i = timer->at;
    Timer *last = heap_at(clock, clock->heap->len - 1);

    g_ptr_array_set_size(clock->heap, clock->heap->len - 1);
    if (last != timer) {
        heap_settle(clock, i, last);
    }
    timer->at = NOT_QUEUED;
}

/* ---- the timerfd ---- */

static void fd_set_time(Clock *clock, u64 when)
{
    u64 host = when < NEVER ? MAX(clock_to_host(clock, when), 1) : 0;   /* 0 disarms */
    struct itimerspec t = { .it_value = { host / NS_PER_SEC, host % NS_PER_SEC } };
    int failed = timerfd_settime(clock->fd, TFD_TIMER_ABSTIME, &t, NULL);

    g_assert(!failed);
    clock->fd_at = when;
}

static void fd_update(Clock *clock)
{
    u64 first = clock->heap->len ? heap_at(clock, 0)->key : NEVER;

    if (clock_running(clock) && first < clock->fd_at) {
        fd_set_time(clock, first);
    }
}

void clock_run_due(Clock *clock)
{
    bool running = clock_running(clock);
    u64 now = clock_now(clock);

    clock->served = now;
    clock->round++;
    /*
     * Each timer once: one that sets itself into the past must neither keep the lock
     * nor come before those that wait.
     */
    while (clock_running(clock) == running && clock->heap->len) {
        Timer *timer = heap_at(clock, 0);

        if (timer->key > now || timer->round == clock->round) {
            break;
        }
        timer->round = clock->round;
        heap_remove(timer);
        timer->fn(timer->opaque);       /* may free the timer */
    }
}

static gboolean clock_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
    Clock *clock = ((ClockSource *)source)->clock;
    u64 expired;

    (void)fn;
    (void)data;
    machine_lock();
    if (read(clock->fd, &expired, sizeof expired) == sizeof expired) {
        clock->fd_at = NEVER;
    }
    if (clock_running(clock)) {
        clock_run_due(clock);
    }
    fd_update(clock);
    machine_unlock();
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs clock_source = { .dispatch = clock_dispatch };

Clock *clock_new(GMainContext *context)
{
    Clock *clock = g_new0(Clock, 1);

    clock->heap = g_ptr_array_new();
    clock->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    g_assert(clock->fd >= 0);
    clock->fd_at = NEVER;
    clock->source = g_source_new(&clock_source, sizeof(ClockSource));
    ((ClockSource *)clock->source)->clock = clock;
    g_source_add_unix_fd(clock->source, clock->fd, G_IO_IN);
    g_source_set_name(clock->source, "virtual clock");
    g_source_set_priority(clock->source, G_PRIORITY_HIGH);
    g_source_set_can_recurse(clock->source, TRUE);      /* cheaper: see base/io.c */
    g_source_attach(clock->source, context);
    return clock;
}

void clock_free(Clock *clock)
{
    if (!clock) {
        return;
    }
    g_assert(clock->heap->len == 0);    /* a device was freed and left its timer */
    g_source_destroy(clock->source);
    g_source_unref(clock->source);
    close(clock->fd);
    g_ptr_array_free(clock->heap, TRUE);
    g_free(clock);
}

void clock_start(Clock *clock)
{
    if (!clock_running(clock)) {
        clock_set_word(clock, (s64)host_now() - (clock_word(clock) >> 1), true);
        fd_update(clock);
    }
}

void clock_stop(Clock *clock)
{
    if (clock_running(clock)) {
        clock_set_word(clock, clock_now(clock), false);
        fd_set_time(clock, NEVER);
    }
}

void clock_set(Clock *clock, u64 ns)
{
    g_assert(!clock_running(clock));
    clock_set_word(clock, MIN(ns, NEVER / 2), false);       /* leaves time to run */
    clock->served = 0;
}

/* ---- timers ---- */

Timer *timer_new(Clock *clock, TimerFn *fn, void *opaque)
{
    Timer *timer = g_new0(Timer, 1);

    *timer = (Timer){ .clock = clock, .fn = fn, .opaque = opaque, .at = NOT_QUEUED };
    return timer;
}

void timer_free(Timer *timer)
{
    if (timer) {
        timer_cancel(timer);
        g_free(timer);
    }
}

/* The heap has no lock of its own: while the clock runs, the machine lock is it. */
static void check_lock(const Timer *timer)
{
    g_assert(machine_lock_held() || !clock_running(timer->clock));
}

void timer_set(Timer *timer, u64 when_ns)
{
    Clock *clock = timer->clock;

    check_lock(timer);
    timer->when = when_ns;
    timer->key = MAX(when_ns, clock->served);
    timer->order = clock->order++;
    if (timer->at == NOT_QUEUED) {
        g_ptr_array_add(clock->heap, timer);
        timer->at = clock->heap->len - 1;
    }
    heap_settle(clock, timer->at, timer);
    fd_update(clock);
}

void timer_cancel(Timer *timer)
{
    check_lock(timer);
    if (timer->at != NOT_QUEUED) {
        heap_remove(timer);
    }
}

bool timer_armed(const Timer *timer)
{
    return timer->at != NOT_QUEUED;
}

u64 timer_when(const Timer *timer)
{
    return timer_armed(timer) ? timer->when : UINT64_MAX;
}
