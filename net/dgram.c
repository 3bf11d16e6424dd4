/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames as datagrams: see stream.h.  What the host does not take at once is lost, as
 * on any Ethernet.
 */

#include "net/stream.h"
#include "net/offload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64 };

/* ---- addresses ---- */

bool dgram_address(const char *host, const char *port, bool passive,
                   struct sockaddr_storage *at, socklen_t *bytes, GError **err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_family = AF_UNSPEC,
                              .ai_flags = passive ? AI_PASSIVE : 0 }, *list;
    int why = !address_port_good(port) ? EAI_SERVICE
              : getaddrinfo(host && *host ? host : NULL, port, &hints, &list);

    if (why) {
        return net_refuse(err, "address udp:%s:%s: %s", host ? host : "", port,
                          gai_strerror(why));
    }
    memcpy(at, list->ai_addr, list->ai_addrlen);
    *bytes = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}

static int give_up(int fd, const char *what, GError **err)
{
    net_refuse_errno(err, "cannot %s", what);
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static socklen_t address_bytes(const struct sockaddr_storage *at)
{
    return at->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                     : sizeof(struct sockaddr_in);
}

int dgram_bind(const struct sockaddr_storage *local, GError **err)
{
    int fd = socket(local->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0) {
        return give_up(fd, "make a UDP socket", err);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)local, address_bytes(local)) < 0) {
        return give_up(fd, "bind to the local address", err);
    }
    return fd;
}

int dgram_join(const struct sockaddr_storage *group, const char *local, GError **err)
{
    const struct sockaddr_in *at = (const struct sockaddr_in *)group;
    struct ip_mreq who = { .imr_multiaddr = at->sin_addr };
    int fd, on = 1;

    if (group->ss_family != AF_INET || !IN_MULTICAST(ntohl(at->sin_addr.s_addr))) {
        net_refuse(err, "mcast: %s is not an IPv4 multicast address",
                   inet_ntoa(at->sin_addr));
        return -1;
    }
    if (local && !inet_aton(local, &who.imr_interface)) {
        net_refuse(err, "localaddr: '%s' is not an IPv4 address", local);
        return -1;
    }
    fd = dgram_bind(group, err);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &who, sizeof who) < 0) {
        return give_up(fd, "join the multicast group", err);
    }
    /* The other machines may be on this host. */
    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof on);
    if (local) {
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &who.imr_interface,
                   sizeof who.imr_interface);
    }
    return fd;
}

/* ---- frames ---- */

bool dgram_send(Dgram *d, const NetFrame *frame)
{
    struct msghdr message = {
        .msg_name = d->to_bytes ? &d->to : NULL, .msg_namelen = d->to_bytes,
        .msg_iov = (struct iovec *)frame->iov, .msg_iovlen = frame->n,
    };
    ssize_t done;

    do {
        done = sendmsg(d->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (done < 0 && errno == EINTR);
    return true;
}

static bool deliver(Dgram *d)
{
    struct iovec iov = { d->bytes, d->used };
    NetFrame frame = { .iov = &iov, .n = 1, .bytes = d->used };

    if ((netdev_front_takes(d->nd) & NET_CSUM) &&
        net_checksum_good(d->bytes, d->used)) {
        frame.todo.flags = NET_DATA_VALID;
    }
    if (d->used && !netdev_deliver(d->nd, 0, &frame, 1)) {
        return false;
    }
    d->used = 0;
    return true;
}

static gboolean readable(gint fd, GIOCondition condition, gpointer opaque)
{
    Dgram *d = opaque;
    ssize_t n = 0;

    (void)condition;
    for (unsigned i = 0; i < BATCH; i++) {
        n = recv(fd, d->bytes, NET_FRAME_MAX, MSG_DONTWAIT);
        d->used = MAX(n, 0);
        if (n < 0) {
            break;
        }
        if (!deliver(d)) {
            d->in_watch = 0;        /* until dgram_resume */
            return G_SOURCE_REMOVE;
        }
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED) {
        d->in_watch = 0;            /* for good */
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void deliver_again(void *opaque)
{
    Dgram *d = opaque;

    if (!d->in_watch && d->used && deliver(d)) {
        d->in_watch = g_unix_fd_add(d->fd, G_IO_IN, readable, d);
    }
}

void dgram_resume(Dgram *d)
{
    net_wake(d->again);
}

/* ---- life ---- */

void dgram_start(Dgram *d, Netdev *nd, int fd)
{
    d->nd = nd;
    d->fd = fd;
    d->bytes = g_malloc(NET_FRAME_MAX);
    nd->takes = 0;
    d->again = net_wake_new(NULL, deliver_again, d);
    d->in_watch = g_unix_fd_add(fd, G_IO_IN, readable, d);
}

void dgram_close(Dgram *d)
{
    if (!d->nd) {
        return;
    }
    if (d->in_watch) {
        g_source_remove(d->in_watch);
    }
    net_wake_free(d->again);
    close(d->fd);
    if (d->made) {
        unlink(d->made);
    }
    g_free(d->made);
    g_free(d->name);
    g_free(d->bytes);
}
