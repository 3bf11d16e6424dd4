/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user: a network inside this process, by libslirp.  It gives the guest an address, a
 * name service and a router; what the guest opens are sockets of this process.
 *
 * libslirp lives on a thread of its own (user_thread.c), so that the vCPU that sends
 * does not do its work.  The thread starts with the first frame, or at once where ports
 * are forwarded.
 */

#include "net/user.h"

#include "base/log.h"

#include <string.h>

static const char *const user_switch[] = { "auto", "on", "off", NULL };
static const Field UserConfig_fields[] = STATE_ROWS(UserConfig, USER_ROWS);

typedef bool RuleFn(User *u, const char *rule, GError **err);

static bool each_rule(User *u, const char *rules, RuleFn *fn, GError **err)
{
    g_auto(GStrv) rule = NULL;

    if (!rules) {
        return true;
    }
    if (!*rules) {              /* which g_strsplit takes for no rule at all */
        return fn(u, rules, err);
    }
    rule = g_strsplit(rules, "\n", -1);
    for (unsigned i = 0; rule[i]; i++) {
        if (!fn(u, rule[i], err)) {
            return false;
        }
    }
    return true;
}

static bool user_open(Netdev *nd, GError **err)
{
    User *u = user_of(nd);
    bool at_once = u->config.hostfwd || u->config.guestfwd;

    pthread_mutex_init(&u->start_lock, NULL);
    pthread_mutex_init(&u->slirp_lock, NULL);
    nd->takes = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN | NET_WHOLE;
    return user_addresses(u, err) && (!at_once || user_start(u, err)) &&
           each_rule(u, u->config.hostfwd, user_forward, err) &&
           each_rule(u, u->config.guestfwd, user_guest_forward, err);
}

static void user_close(Netdev *nd)
{
    User *u = user_of(nd);

    user_end(u);
    g_strfreev(u->search);
    pthread_mutex_destroy(&u->start_lock);
    pthread_mutex_destroy(&u->slirp_lock);
}

/* The first frame starts the thread; if that fails, it is said once. */
static bool is_running(User *u)
{
    g_autoptr(GError) err = NULL;

    if (likely(__atomic_load_n(&u->started, __ATOMIC_ACQUIRE))) {
        return true;
    }
    if (__atomic_load_n(&u->failed, __ATOMIC_RELAXED)) {
        return false;
    }
    if (!user_start(u, &err)) {
        warn_user("netdev '%s': %s", u->config.id, err->message);
        return false;
    }
    return true;
}

static bool user_send(Netdev *nd, unsigned queue, const NetFrame *frame)
{
    User *u = user_of(nd);

    (void)queue;
    if (!is_running(u)) {
        return true;
    }
    if (!frame_ring_put(&u->from_guest, frame)) {
        /* ... and once more: the thread may have emptied it before it could see that */
        __atomic_store_n(&u->blocked, true, __ATOMIC_SEQ_CST);
        if (!frame_ring_put(&u->from_guest, frame)) {
            user_wake(u);
            return false;
        }
    }
    user_wake(u);
    return true;
}

static void user_resume(Netdev *nd, unsigned queue)
{
    User *u = user_of(nd);

    (void)queue;
    if (__atomic_load_n(&u->started, __ATOMIC_ACQUIRE)) {
        user_wake(u);
    }
}

const NetKind net_user = {
    .name = "user",
    .help = "a network inside this process: DHCP, DNS, TCP, UDP",
    NETDEV_CONFIG(User, UserConfig),
    .open = user_open, .close = user_close, .send = user_send, .resume = user_resume,
    .print = user_print,
};
