/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual clock: it stands and runs, and its timers fire in order, under the lock,
 * from any thread.  No test fails because a machine is slow: only lower bounds on time
 * are checked.
 */

#include "base/clock.h"

#include "base/lock.h"

#include <stdlib.h>
#include <time.h>

enum { MS = 1000 * 1000 };

static u64 host(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

typedef struct Fixture Fixture;

/* A timer that knows what it was set for. */
typedef struct {
    Fixture *owner;
    Timer *timer;
    u64 set_for;
    unsigned n;
    bool fired;
} Slot;

struct Fixture {
    Clock *clock;
    GArray *seen;           /* numbers of the slots, in the order in which they fired */
    Slot slot[256];
};

static void fired(void *opaque)
{
    Slot *slot = opaque;
    Fixture *f = slot->owner;

    g_assert_true(machine_lock_held());
    g_assert_cmpuint(clock_now(f->clock), >=, slot->set_for);
    g_assert_false(timer_armed(slot->timer));
    slot->fired = true;
    g_array_append_val(f->seen, slot->n);
}

static void set(Fixture *fixture, unsigned n, u64 when)
{
    Slot *slot = &fixture->slot[n];

    if (!slot->timer) {
        slot->timer = timer_new(fixture->clock, fired, slot);
    }
    slot->owner = fixture;
    slot->n = n;
    slot->set_for = when;
    timer_set(slot->timer, when);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->clock = clock_new(NULL);
    fixture->seen = g_array_new(FALSE, FALSE, sizeof(unsigned));
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    clock_stop(fixture->clock);
    for (unsigned i = 0; i < G_N_ELEMENTS(fixture->slot); i++) {
        timer_free(fixture->slot[i].timer);
    }
    clock_free(fixture->clock);
    g_array_free(fixture->seen, TRUE);
}

static void wait_for(Fixture *fixture, unsigned n)
{
    while (fixture->seen->len < n) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static unsigned seen(const Fixture *fixture, unsigned i)
{
    return g_array_index(fixture->seen, unsigned, i);
}

static void stands_and_runs(Fixture *fixture, gconstpointer data)
{
    Clock *clock = fixture->clock;
    u64 stood, before = host();

    (void)data;
    g_assert_false(clock_running(clock));
    g_assert_cmpuint(clock_now(clock), ==, 0);
    clock_start(clock);
    clock_start(clock);                     /* again: nothing happens */
    g_assert_true(clock_running(clock));
    g_usleep(2000);
    g_assert_cmpuint(clock_now(clock), >=, 2 * MS);
    g_assert_cmpuint(clock_now(clock), <=, host() - before);
    clock_stop(clock);
    stood = clock_now(clock);
    g_usleep(2000);
    g_assert_cmpuint(clock_now(clock), ==, stood);
    clock_start(clock);
    g_assert_cmpuint(clock_now(clock), >=, stood);
    clock_stop(clock);
    clock_set(clock, 1000 * NS_PER_SEC);
    g_assert_cmpuint(clock_now(clock), ==, 1000 * NS_PER_SEC);
    clock_start(clock);
    g_assert_cmpuint(clock_now(clock), >=, 1000 * NS_PER_SEC);
    clock_stop(clock);
    /* from a hostile file: far away, not wrapped */
    clock_set(clock, UINT64_MAX);
    g_assert_cmpuint(clock_now(clock), >, 70 * 365 * 86400ull * NS_PER_SEC);
    clock_start(clock);
    g_assert_cmpuint(clock_now(clock), >, 70 * 365 * 86400ull * NS_PER_SEC);
}

static void host_time(Fixture *fixture, gconstpointer data)
{
    Clock *clock = fixture->clock;
    u64 now, before;

    (void)data;
    clock_set(clock, 5 * NS_PER_SEC);
    before = host();
    clock_start(clock);
    now = clock_to_host(clock, 5 * NS_PER_SEC);
    g_assert_cmpuint(now, >=, before);
    g_assert_cmpuint(now, <=, host());
    g_assert_cmpuint(clock_to_host(clock, 6 * NS_PER_SEC), ==, now + NS_PER_SEC);
    g_assert_cmpuint(clock_to_host(clock, UINT64_MAX), >, now + 100 * NS_PER_SEC);
}

static void in_order(Fixture *fixture, gconstpointer data)
{
    static const unsigned order[] = { 1, 3, 4, 2, 0 };

    (void)data;
    set(fixture, 0, 3 * MS);
    set(fixture, 1, 1 * MS);
    set(fixture, 2, 2 * MS);
    set(fixture, 3, 2 * MS);                /* equal times: in the order set */
    set(fixture, 4, 2 * MS);
    set(fixture, 2, 2 * MS);                /* set again: now after the others */
    g_assert_cmpuint(timer_when(fixture->slot[1].timer), ==, 1 * MS);
    clock_start(fixture->clock);
    wait_for(fixture, 5);
    for (unsigned i = 0; i < 5; i++) {
        g_assert_cmpuint(seen(fixture, i), ==, order[i]);
    }
    g_assert_cmpuint(timer_when(fixture->slot[1].timer), ==, UINT64_MAX);
}

/*
 * Many timers, set, moved and cancelled at random: they fire sorted, and only those
 * left.
 */
static void heap_holds(Fixture *fixture, gconstpointer data)
{
    enum { N = G_N_ELEMENTS(fixture->slot) };
    unsigned left = 0;

    (void)data;
    for (unsigned i = 0; i < 4 * N; i++) {
        unsigned n = g_test_rand_int_range(0, N);

        if (g_test_rand_int_range(0, 4) == 0 && fixture->slot[n].timer) {
            timer_cancel(fixture->slot[n].timer);
        } else {
            set(fixture, n, g_test_rand_int_range(0, 1000));
        }
    }
    for (unsigned i = 0; i < N; i++) {
        left += fixture->slot[i].timer && timer_armed(fixture->slot[i].timer);
    }
    clock_set(fixture->clock, 1000);
    clock_start(fixture->clock);
    wait_for(fixture, left);
    for (unsigned i = 1; i < left; i++) {
        g_assert_cmpuint(fixture->slot[seen(fixture, i - 1)].set_for, <=,
                         fixture->slot[seen(fixture, i)].set_for);
    }
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    g_assert_cmpuint(fixture->seen->len, ==, left);
}

static void stopped_fires_nothing(Fixture *fixture, gconstpointer data)
{
    (void)data;
    clock_set(fixture->clock, 10 * MS);
    set(fixture, 0, 5 * MS);
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    g_assert_cmpuint(fixture->seen->len, ==, 0);
    clock_start(fixture->clock);
    clock_stop(fixture->clock);
    g_usleep(1000);
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    g_assert_cmpuint(fixture->seen->len, ==, 0);
    clock_start(fixture->clock);
    wait_for(fixture, 1);
}

/*
 * The timerfd stays armed for the earlier time; the timer must wait for the later one.
 */
static void moved_later(Fixture *fixture, gconstpointer data)
{
    (void)data;
    set(fixture, 0, 1 * MS);
    clock_start(fixture->clock);
    machine_lock();
    set(fixture, 0, 10 * MS);
    machine_unlock();
    wait_for(fixture, 1);                   /* fired() checks the time */
    machine_lock();
    set(fixture, 1, clock_now(fixture->clock) + 3600 * NS_PER_SEC);
    set(fixture, 1, 0);                     /* and earlier, into the past */
    machine_unlock();
    wait_for(fixture, 2);
}

typedef struct {
    Timer *timer;
    Clock *clock;
    u64 step;
    unsigned left;
} Periodic;

static void again(void *opaque)
{
    Periodic *p = opaque;

    if (p->left && --p->left) {
        timer_set(p->timer, p->step ? clock_now(p->clock) + p->step : 0);
    }
}

static gboolean note(gpointer data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

static void rearms_itself(Fixture *fixture, gconstpointer data)
{
    Periodic p = { .clock = fixture->clock, .step = MS / 2, .left = 5 };

    (void)data;
    p.timer = timer_new(p.clock, again, &p);
    timer_set(p.timer, 0);
    clock_start(p.clock);
    while (p.left) {
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_cmpuint(clock_now(p.clock), >=, 4 * (MS / 2));
    clock_stop(p.clock);
    timer_free(p.timer);
}

/*
 * A guest's timer that is always due must not keep the main loop, or the lock, for
 * itself.
 */
static void always_due(Fixture *fixture, gconstpointer data)
{
    Periodic p = { .clock = fixture->clock, .left = 1000000 };
    bool idle = false;

    (void)data;
    p.timer = timer_new(p.clock, again, &p);
    timer_set(p.timer, 0);
    set(fixture, 0, 1);
    clock_start(p.clock);
    g_idle_add_full(G_PRIORITY_HIGH, note, &idle, NULL);
    while (!idle || fixture->seen->len == 0) {
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_cmpuint(p.left, >, 0);
    clock_stop(p.clock);
    timer_free(p.timer);
}

typedef struct {
    Timer *self, *other;
} Killer;

static void kill_both(void *opaque)
{
    Killer *killer = opaque;

    g_clear_pointer(&killer->self, timer_free);
    g_clear_pointer(&killer->other, timer_free);
}

static void freed_in_callback(Fixture *fixture, gconstpointer data)
{
    Killer killer;

    (void)data;
    killer.self = timer_new(fixture->clock, kill_both, &killer);
    killer.other = timer_new(fixture->clock, (TimerFn *)abort, NULL);
    timer_set(killer.self, 1);
    timer_set(killer.other, 2);
    clock_set(fixture->clock, 10);
    clock_start(fixture->clock);
    while (killer.other) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static gpointer setter(gpointer data)
{
    Fixture *fixture = data;

    for (unsigned i = 0; i < 2000; i++) {
        u64 now = clock_now(fixture->clock);

        machine_lock();
        set(fixture, i % 64, now + i % 7 * 1000);
        if (i % 5 == 0) {
            timer_cancel(fixture->slot[(i + 32) % 64].timer ?: fixture->slot[0].timer);
        }
        machine_unlock();
        g_assert_cmpuint(clock_now(fixture->clock), >=, now);
    }
    return NULL;
}

/* Other threads set timers and read the time while the main loop runs them. */
static void from_threads(Fixture *fixture, gconstpointer data)
{
    GThread *a, *b;

    (void)data;
    machine_lock();
    set(fixture, 0, 0);
    machine_unlock();
    clock_start(fixture->clock);
    a = g_thread_new("setter", setter, fixture);
    b = g_thread_new("setter", setter, fixture);
    for (unsigned i = 0; i < 200; i++) {
        g_main_context_iteration(NULL, FALSE);
    }
    g_thread_join(a);
    g_thread_join(b);
    machine_lock();
    set(fixture, 100, clock_now(fixture->clock));
    machine_unlock();
    while (!fixture->slot[100].fired) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static void wrong_use(void)
{
    if (g_test_subprocess()) {
        Clock *clock = clock_new(NULL);
        Timer *timer = timer_new(clock, (TimerFn *)abort, NULL);

        clock_start(clock);
        timer_set(timer, 1);                /* without the lock */
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*machine_lock_held*");
}

static void lock_is_owned(void)
{
    g_assert_false(machine_lock_held());
    machine_lock();
    g_assert_true(machine_lock_held());
    machine_unlock();
    g_assert_false(machine_lock_held());
}

#define ADD(name, fn) \
    g_test_add("/base/clock/" name, Fixture, NULL, set_up, fn, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("stands-and-runs", stands_and_runs);
    ADD("host-time", host_time);
    ADD("in-order", in_order);
    ADD("heap", heap_holds);
    ADD("stopped", stopped_fires_nothing);
    ADD("moved-later", moved_later);
    ADD("rearms-itself", rearms_itself);
    ADD("always-due", always_due);
    ADD("freed-in-callback", freed_in_callback);
    ADD("threads", from_threads);
    g_test_add_func("/base/clock/wrong-use", wrong_use);
    g_test_add_func("/base/lock", lock_is_owned);
    return g_test_run();
}
