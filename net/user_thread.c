/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp at work: one thread per user network.
 *
 *     from_guest ring --> slirp_input          held frames --> the front
 *     sockets <--> slirp_pollfds_poll --> send_packet --> the front, or held
 *
 * Long TCP segments pass both ways in one piece: the guest may send up to 64 KiB at
 * once, and its offers of a maximum segment size are raised on the way to libslirp
 * where its driver takes segments that are to be cut (it never does cut them: they
 * have arrived).  That is ten to forty times fewer packets for guest and host.
 *
 * While frames are held because the guest does not take them, no socket is read.
 */

#include "net/user.h"

#include "base/log.h"
#include "net/offload.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    RING_BYTES = 512 << 10,
    HELD_MOST = 2 << 20,            /* bytes; what is over is lost: TCP sends again */
    SLIRP_MTU = 65520,              /* libslirp takes up to 65521 */
    LONG_MSS = 32 << 10,            /* two in a window of 64 KiB */
    NS_PER_MS = 1000000,
};

struct UserTimer {
    UserTimer *next;
    SlirpTimerId id;
    void *opaque;
    s64 when_ms;                    /* -1: not set */
};

struct UserHeld {
    UserHeld *next;
    NetOffload todo;
    size_t n;
    u8 bytes[];
};

#define load(p)     __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define take(p)     __atomic_exchange_n(p, false, __ATOMIC_SEQ_CST)

/* Poked while awake: then it does not fall asleep before it has looked once more. */
void user_wake(User *u)
{
    store(&u->poked, true);
    if (take(&u->asleep)) {
        eventfd_write(u->wake, 1);
    }
}

/* ---- to the guest ---- */

static bool deliver(User *u, const NetOffload *todo, const void *bytes, size_t n)
{
    struct iovec iov = { (void *)bytes, n };
    NetFrame frame = { *todo, &iov, 1, n };

    return netdev_deliver(&u->nd, 0, &frame, 1) == 1;
}

static void hold(User *u, const NetOffload *todo, const void *bytes, size_t n)
{
    UserHeld *held;

    if (u->held_bytes + n > HELD_MOST) {
        return;
    }
    held = g_malloc(sizeof *held + n);
    *held = (UserHeld){ NULL, *todo, n };
    memcpy(held->bytes, bytes, n);
    *u->held_end = held;
    u->held_end = &held->next;
    u->held_bytes += n;
}

static void deliver_held(User *u)
{
    UserHeld *held;

    while ((held = u->held) && deliver(u, &held->todo, held->bytes, held->n)) {
        u->held = held->next;
        u->held_end = u->held ? u->held_end : &u->held;
        u->held_bytes -= held->n;
        g_free(held);
    }
}

/* libslirp has computed all checksums: the guest need not look. */
static ssize_t send_packet(const void *bytes, size_t n, void *opaque)
{
    User *u = opaque;
    NetOffload todo = { .flags = NET_DATA_VALID };

    if (u->held || !deliver(u, &todo, bytes, n)) {
        hold(u, &todo, bytes, n);
    }
    return n;
}

/* ---- from the guest ---- */

/* Raises the offer in a SYN to what libslirp can send at once. */
static void raise_mss(User *u, u8 *frame, size_t bytes)
{
    enum { TCP_FLAGS = 13, SYN = 2, END = 0, NOP = 1, MSS = 2, HEADER = 20 };
    static const NetOffload whole = { .gso = NET_GSO_TCP4 };
    NetLayout l;
    u8 *at, *end;

    net_layout(frame, bytes, &l);
    if (!l.payload || !(frame[l.l4 + TCP_FLAGS] & SYN) ||
        !(netdev_front_takes(&u->nd) & (l.version == 4 ? NET_TSO4 : NET_TSO6)) ||
        !net_checksum_good(frame, bytes)) {
        return;
    }
    end = frame + l.payload;
    for (at = frame + l.l4 + HEADER; at < end && *at != END; ) {
        if (*at == NOP) {
            at++;
            continue;
        }
        if (at + 2 > end || at[1] < 2 || at + at[1] > end) {
            return;
        }
        if (at[0] == MSS && at[1] == 4) {
            at[2] = LONG_MSS >> 8;
            at[3] = LONG_MSS & 0xff;
            net_finish(&whole, frame, bytes);
        }
        at += at[1];
    }
}

static void take_from_guest(User *u)
{
    NetOffload todo;
    size_t n;
    u8 *frame;

    while ((frame = frame_ring_first(&u->from_guest, &todo, &n))) {
        net_finish(&todo, frame, n);
        raise_mss(u, frame, n);
        u->lib->slirp_input(u->slirp, frame, n);
        frame_ring_done(&u->from_guest);
    }
}

/* ---- what libslirp asks for ---- */

static void guest_error(const char *why, void *opaque)
{
    log_at(LOG_GUEST_ERROR, "netdev '%s': %s", ((User *)opaque)->config.id, why);
}

static s64 clock_get_ns(void *opaque)
{
    (void)opaque;
    return nets_clock();
}

static void *timer_new_opaque(SlirpTimerId id, void *timer_opaque, void *opaque)
{
    User *u = opaque;
    UserTimer *timer = g_new0(UserTimer, 1);

    *timer = (UserTimer){ u->timers, id, timer_opaque, -1 };
    u->timers = timer;
    return timer;
}

static void timer_free_one(void *timer, void *opaque)
{
    User *u = opaque;
    UserTimer **at = &u->timers;

    while (*at && *at != timer) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = (*at)->next;
        g_free(timer);
    }
}

static void timer_mod(void *timer, int64_t ms, void *opaque)
{
    (void)opaque;
    ((UserTimer *)timer)->when_ms = ms;
}

static void poll_fd(int fd, void *opaque)
{
    (void)fd, (void)opaque;         /* all of them are asked for anew each time */
}

static void notify(void *opaque)
{
    user_guest_can_take_more(opaque);
    user_wake(opaque);
}

static const SlirpCb callbacks = {
    .send_packet = send_packet, .guest_error = guest_error,
    .clock_get_ns = clock_get_ns, .timer_new_opaque = timer_new_opaque,
    .timer_free = timer_free_one, .timer_mod = timer_mod,
    .register_poll_fd = poll_fd, .unregister_poll_fd = poll_fd, .notify = notify,
};

static void run_timers(User *u, u32 *timeout_ms)
{
    s64 now = clock_get_ns(u) / NS_PER_MS;

    for (UserTimer *timer = u->timers, *next; timer; timer = next) {
        next = timer->next;
        if (timer->when_ms >= 0 && timer->when_ms <= now) {
            timer->when_ms = -1;
            u->lib->slirp_handle_timer(u->slirp, timer->id, timer->opaque);
        }
    }
    for (UserTimer *timer = u->timers; timer; timer = timer->next) {
        if (timer->when_ms >= 0) {
            *timeout_ms = MIN(*timeout_ms, MAX(timer->when_ms - now, 0));
        }
    }
}

/* ---- the loop ---- */

static const struct { int slirp; short poll; } events[] = {
    { SLIRP_POLL_IN, POLLIN }, { SLIRP_POLL_OUT, POLLOUT }, { SLIRP_POLL_PRI, POLLPRI },
    { SLIRP_POLL_ERR, POLLERR }, { SLIRP_POLL_HUP, POLLHUP },
};

static int add_poll(int fd, int wanted, void *opaque)
{
    GArray *polls = ((User *)opaque)->polls;
    struct pollfd p = { .fd = fd };

    for (unsigned i = 0; i < G_N_ELEMENTS(events); i++) {
        p.events |= wanted & events[i].slirp ? events[i].poll : 0;
    }
    g_array_append_val(polls, p);
    return polls->len - 1;
}

static int get_revents(int i, void *opaque)
{
    short came = g_array_index(((User *)opaque)->polls, struct pollfd, i).revents;
    int got = 0;

    for (unsigned e = 0; e < G_N_ELEMENTS(events); e++) {
        got |= came & events[e].poll ? events[e].slirp : 0;
    }
    return got;
}

/* Sleeps until there is something to do; true if sockets are to be looked at. */
static bool wait(User *u, u32 timeout_ms, bool sockets)
{
    struct pollfd *p = (struct pollfd *)u->polls->data;
    struct timespec t = { timeout_ms / 1000, timeout_ms % 1000 * NS_PER_MS };
    static const struct timespec at_once;
    eventfd_t count;
    int n;

    store(&u->asleep, true);
    n = ppoll(p, u->polls->len,
              load(&u->poked) ? &at_once : timeout_ms == UINT32_MAX ? NULL : &t, NULL);
    store(&u->asleep, false);
    store(&u->poked, false);
    if (n > 0 && p[0].revents) {
        eventfd_read(u->wake, &count);
    }
    return sockets && n >= 0;
}

static void turn(User *u)
{
    struct pollfd wake = { .fd = u->wake, .events = POLLIN };
    u32 timeout_ms = UINT32_MAX;
    bool sockets;

    pthread_mutex_lock(&u->slirp_lock);
    deliver_held(u);
    take_from_guest(u);
    run_timers(u, &timeout_ms);
    g_array_set_size(u->polls, 0);
    g_array_append_val(u->polls, wake);
    sockets = !u->held;
    if (sockets) {
        u->lib->slirp_pollfds_fill(u->slirp, &timeout_ms, add_poll, u);
    }
    pthread_mutex_unlock(&u->slirp_lock);
    if (take(&u->blocked)) {
        netdev_writable(&u->nd, 0);
    }
    if (wait(u, timeout_ms, sockets)) {
        pthread_mutex_lock(&u->slirp_lock);
        u->lib->slirp_pollfds_poll(u->slirp, 0, get_revents, u);
        pthread_mutex_unlock(&u->slirp_lock);
    }
}

static void *run(void *opaque)
{
    User *u = opaque;

    prctl(PR_SET_NAME, "net/user");
    while (!load(&u->ending)) {
        turn(u);
    }
    return NULL;
}

/* ---- start and end ---- */

static bool start(User *u, GError **err)
{
    SlirpConfig *c = &u->slirp_config;

    u->lib = slirp_library(err);
    if (!u->lib) {
        return false;
    }
    c->version = 4;
    c->if_mtu = c->if_mru = SLIRP_MTU;
    u->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (u->wake < 0) {
        return net_refuse_errno(err, "cannot make an eventfd");
    }
    frame_ring_init(&u->from_guest, RING_BYTES);
    u->polls = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    u->held_end = &u->held;
    u->slirp = u->lib->slirp_new(c, &callbacks, u);
    if (!u->slirp) {
        return net_refuse(err, "libslirp does not take these options");
    }
    if (pthread_create(&u->thread, NULL, run, u) != 0) {
        return net_refuse(err, "cannot make a thread");
    }
    return true;
}

bool user_start(User *u, GError **err)
{
    bool good;

    pthread_mutex_lock(&u->start_lock);
    if (!u->started && !u->failed) {
        u->failed = !start(u, err);
        __atomic_store_n(&u->started, !u->failed, __ATOMIC_RELEASE);
    } else if (u->failed) {
        net_refuse(err, "libslirp could not be started");
    }
    good = u->started;
    pthread_mutex_unlock(&u->start_lock);
    return good;
}

void user_end(User *u)
{
    UserHeld *held;

    if (u->started) {
        store(&u->ending, true);
        user_wake(u);
        pthread_join(u->thread, NULL);
    }
    user_guest_forwards_end(u);
    if (u->slirp) {
        u->lib->slirp_cleanup(u->slirp);
    }
    while ((held = u->held)) {
        u->held = held->next;
        g_free(held);
    }
    while (u->timers) {
        timer_free_one(u->timers, u);
    }
    frame_ring_free(&u->from_guest);
    if (u->polls) {                 /* start() came that far */
        g_array_free(u->polls, TRUE);
        close(u->wake);
    }
}
