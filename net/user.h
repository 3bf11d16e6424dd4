/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the user network: user.c (the kind and its options),
 * user_address.c (what the options say), user_thread.c (libslirp at work),
 * user_forward.c (ports).  Nobody else includes this.
 */

#ifndef NET_USER_H
#define NET_USER_H

#include "net/kinds.h"
#include "net/ring.h"
#include "net/user_slirp.h"

#define USER_ROWS NETDEV_ROWS,                                                      \
    (u8,   ipv4,      "IPv4", .names = user_switch),                                \
    (u8,   ipv6,      "IPv6", .names = user_switch),                                \
    (str,  net,       "IPv4 network and mask [10.0.2.0/24]"),                       \
    (str,  host,      "this host's address as the guest sees it [net + 2]"),        \
    (str,  dns,       "address of the name service [net + 3]"),                     \
    (str,  dhcpstart, "first of 16 addresses for guests [net + 15]"),               \
    (str,  ipv6_net,  "IPv6 prefix [fec0::/64]"),                                   \
    (str,  ipv6_prefix, "the same, without its length [fec0::]"),                   \
    (u8,   ipv6_prefixlen, "that length", .def = 64, .min = 1, .max = 126),         \
    (str,  ipv6_host, "this host's IPv6 address [prefix + 2]"),                     \
    (str,  ipv6_dns,  "IPv6 address of the name service [prefix + 3]"),             \
    (bool, restrict_, "the guest reaches nothing but what is forwarded"),           \
    (str,  hostname,  "name that DHCP gives the guest", .max = 32),                 \
    (str,  domainname, "domain that DHCP gives the guest"),                         \
    (str,  dnssearch, "domain to search; may be repeated", .many = true),           \
    (str,  tftp,      "folder that the guest can read by TFTP"),                    \
    (str,  tftp_server_name, "name of the TFTP server", .max = 63),                 \
    (str,  bootfile,  "boot file that BOOTP names", .max = 127),                    \
    (str,  hostfwd,   "port of the host that leads to the guest: "                  \
                      "tcp|udp:[ADDR]:PORT-[ADDR]:PORT; may be repeated",           \
                      .many = true),                                                \
    (str,  guestfwd,  "port for the guest that leads to a back end or a command: "  \
                      "tcp:ADDR:PORT-CHARDEV or -cmd:COMMAND; may be repeated",     \
                      .many = true)

typedef struct { FOR_EACH(MEMBER_, , USER_ROWS) } UserConfig;

typedef struct UserTimer UserTimer;
typedef struct UserHeld UserHeld;
typedef struct UserGuestForward UserGuestForward;

typedef struct {
    Netdev nd;
    UserConfig config;
    SlirpConfig slirp_config;
    char **search;                  /* dnssearch, split */
    bool started, failed;           /* under start_lock */
    pthread_mutex_t start_lock;

    /* The thread and what it shares. */
    const SlirpLibrary *lib;
    Slirp *slirp;                   /* with slirp_lock */
    pthread_mutex_t slirp_lock;     /* taken before the machine lock, never after */
    pthread_t thread;
    int wake;                       /* eventfd */
    bool asleep, poked, ending, blocked;        /* atomic */
    FrameRing from_guest;           /* the machine lock's holder to the thread */

    /* The thread's own, or with slirp_lock. */
    UserTimer *timers;
    UserHeld *held, **held_end;     /* what the front did not take */
    size_t held_bytes;
    GArray *polls;                  /* struct pollfd; 0 is `wake` */
    UserGuestForward *forwards;
} User;

static inline User *user_of(Netdev *nd)
{
    return container_of(nd, User, nd);
}

/* user_address.c: fills slirp_config; strings are borrowed from the config. */
bool user_addresses(User *u, GError **err);
void user_print(Netdev *nd, GString *out);

/* user_thread.c */
bool user_start(User *u, GError **err);         /* once; later calls say how it went */
void user_end(User *u);
void user_wake(User *u);

/* user_forward.c: the rules of hostfwd= and guestfwd=, with slirp_lock free. */
bool user_forward(User *u, const char *rule, GError **err);
bool user_unforward(User *u, const char *rule, bool *found, GError **err);
bool user_guest_forward(User *u, const char *rule, GError **err);
void user_guest_can_take_more(User *u);         /* any thread */
void user_guest_forwards_end(User *u);

#endif
