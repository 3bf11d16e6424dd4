/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time and timers.
 *
 * The virtual clock is nanoseconds of guest time: it starts at 0, stops while the
 * machine is paused and is part of a snapshot.  Every device timer is on it.  Timer
 * callbacks run on the main thread, in its GLib loop, with the machine lock held.
 * Nothing polls: the earliest timer arms one timerfd.
 *
 * A Clock is read by any thread without a lock; timers are set and cancelled, and the
 * clock is started, stopped and set, under the machine lock.
 */

#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/types.h"

typedef struct Clock Clock;
typedef struct Timer Timer;
typedef void TimerFn(void *opaque);

/* A stopped clock at 0, with a source on `context` (NULL: the default main context). */
Clock *clock_new(GMainContext *context);
void clock_free(Clock *clock);

u64 clock_now(const Clock *clock);              /* ns of guest time */
void clock_start(Clock *clock);
void clock_stop(Clock *clock);
bool clock_running(const Clock *clock);
void clock_set(Clock *clock, u64 ns);       /* only while stopped: after a restore */

/*
 * Runs the timers that are due, each at most once.  The main loop does it for a running
 * clock; this is for a standing one that was set ahead: tests, replay.
 */
void clock_run_due(Clock *clock);

/*
 * The host's CLOCK_MONOTONIC time, ns, at which guest time `ns` comes (while the clock
 * runs on): for waits with a deadline outside the main loop.
 */
u64 clock_to_host(const Clock *clock, u64 ns);

Timer *timer_new(Clock *clock, TimerFn *fn, void *opaque);
void timer_free(Timer *timer);                  /* NULL is allowed */
void timer_set(Timer *timer, u64 when_ns);  /* replaces an earlier time */
void timer_cancel(Timer *timer);
bool timer_armed(const Timer *timer);
u64 timer_when(const Timer *timer);             /* UINT64_MAX when not armed */

#endif
