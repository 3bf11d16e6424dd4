/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds stream, dgram and socket: frames over sockets, to another machine or to a
 * program such as passt.  socket is QEMU's older spelling of the other two.
 */

#include "net/kinds.h"
#include "net/stream.h"

#include "base/keyval.h"

#include <string.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

enum { ADDRESS_UNSET, ADDRESS_INET, ADDRESS_UNIX, ADDRESS_FD };
static const char *const address_types[] = { "unset", "inet", "unix", "fd", NULL };

typedef struct {
    Netdev nd;
    union { Stream stream; Dgram dgram; };
    bool is_stream;
} Sockets;

static bool sockets_send(Netdev *nd, unsigned queue, const NetFrame *frame)
{
    Sockets *s = (Sockets *)nd;

    (void)queue;
    return s->is_stream ? stream_send(&s->stream, frame)
                        : dgram_send(&s->dgram, frame);
}

static void sockets_resume(Netdev *nd, unsigned queue)
{
    Sockets *s = (Sockets *)nd;

    (void)queue;
    if (s->is_stream) {
        stream_resume(&s->stream);
    } else {
        dgram_resume(&s->dgram);
    }
}

static void sockets_close(Netdev *nd)
{
    Sockets *s = (Sockets *)nd;

    if (s->is_stream) {
        stream_close(&s->stream);
    } else {
        dgram_close(&s->dgram);
    }
}

static void sockets_print(Netdev *nd, GString *out)
{
    const Sockets *s = (Sockets *)nd;

    if (s->is_stream) {
        stream_print(&s->stream, out);
    } else {
        g_string_append(out, s->dgram.name);
    }
}

#define SOCKETS .send = sockets_send, .resume = sockets_resume, \
                .close = sockets_close, .print = sockets_print

/* ---- stream ---- */

PROPS(StreamConfig, NETDEV_ROWS,
    (bool, server,    "listen, instead of connecting"),
    (u32,  reconnect, "as a client, seconds until the next attempt; 0: none"),
    (u8,   addr_type, "what the address is (addr.type)", .names = address_types),
    (str,  addr_host, "host name or address (addr.host)"),
    (str,  addr_port, "TCP port (addr.port)"),
    (str,  addr_path, "path of a unix socket (addr.path)"),
    (str,  addr_str,  "number of a socket that is open already (addr.str)"));

typedef struct {
    Sockets sockets;
    StreamConfig config;
} StreamNet;

static bool stream_kind_open(Netdev *nd, GError **err)
{
    StreamNet *n = container_of(nd, StreamNet, sockets.nd);
    const StreamConfig *c = &n->config;
    Stream *s = &n->sockets.stream;
    int fd = -1, type = SOCK_STREAM;

    n->sockets.is_stream = true;
    s->at = (Address){ c->addr_path, c->addr_host, c->addr_port };
    s->server = c->server;
    s->reconnect = c->reconnect;
    if (c->server && c->reconnect) {
        return net_refuse(err, "'reconnect' option is incompatible with socket in "
                          "server mode");
    }
    switch (c->addr_type) {
    case ADDRESS_INET:
        if (!c->addr_port) {
            return net_refuse(err, "addr.type=inet needs addr.host= and addr.port=");
        }
        s->at.path = NULL;
        break;
    case ADDRESS_UNIX:
        if (!c->addr_path) {
            return net_refuse(err, "addr.type=unix needs addr.path=");
        }
        break;
    case ADDRESS_FD:
        if (!net_take_fd(c->addr_str ? c->addr_str : "", &fd, &type, err)) {
            return false;
        }
        break;
    default:
        return net_refuse(err, "addr.type=inet, unix or fd is needed");
    }
    if (type != SOCK_STREAM) {
        return net_refuse(err, "fd: %d is not a stream socket", fd);
    }
    return stream_open(s, nd, fd, err);
}

const NetKind net_stream = {
    .name = "stream",
    .help = "frames over a stream socket: another machine, passt",
    NETDEV_CONFIG(StreamNet, StreamConfig), .open = stream_kind_open, SOCKETS,
};

/* ---- dgram ---- */

PROPS(DgramConfig, NETDEV_ROWS,
    (u8,  local_type,  "what the local address is (local.type)",
          .names = address_types),
    (str, local_host,  "address to receive at (local.host)"),
    (str, local_port,  "port to receive at (local.port)"),
    (str, local_path,  "unix socket to receive at (local.path)"),
    (str, local_str,   "number of a socket that is open and connected (local.str)"),
    (u8,  remote_type, "what the remote address is (remote.type)",
          .names = address_types),
    (str, remote_host, "address or multicast group to send to (remote.host)"),
    (str, remote_port, "port to send to (remote.port)"),
    (str, remote_path, "unix socket to send to (remote.path)"));

typedef struct {
    Sockets sockets;
    DgramConfig config;
} DgramNet;

static bool unix_address(const char *path, struct sockaddr_un *at, GError **err)
{
    *at = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (!path) {
        return net_refuse(err, "local.path= and remote.path= are needed");
    }
    if (strlen(path) >= sizeof at->sun_path) {
        return net_refuse(err, "UNIX socket path '%s' is too long: at most %zu bytes",
                          path, sizeof at->sun_path - 1);
    }
    strcpy(at->sun_path, path);
    return true;
}

static bool dgram_open_unix(DgramNet *n, GError **err)
{
    Dgram *d = &n->sockets.dgram;
    struct sockaddr_un local, *remote = (struct sockaddr_un *)&d->to;
    int fd;

    if (n->config.remote_type != ADDRESS_UNIX) {
        return net_refuse(err, "local.type=unix needs remote.type=unix");
    }
    if (!unix_address(n->config.local_path, &local, err) ||
        !unix_address(n->config.remote_path, remote, err)) {
        return false;
    }
    d->to_bytes = sizeof *remote;
    d->name = g_strdup_printf("unix:%s,remote=%s", local.sun_path, remote->sun_path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unlink(local.sun_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof local) < 0) {
        net_refuse_errno(err, "cannot bind to unix:%s", local.sun_path);
        close(fd);
        return false;
    }
    d->made = g_strdup(local.sun_path);
    dgram_start(d, &n->sockets.nd, fd);
    return true;
}

static bool dgram_open_inet(DgramNet *n, GError **err)
{
    const DgramConfig *c = &n->config;
    Dgram *d = &n->sockets.dgram;
    struct sockaddr_storage local;
    const struct sockaddr_in *in = (struct sockaddr_in *)&d->to;
    socklen_t bytes;
    bool group;
    int fd;

    if (c->remote_type != ADDRESS_INET || !c->remote_port) {
        return net_refuse(err, "remote.type=inet, remote.host= and remote.port= are "
                          "needed");
    }
    if (!dgram_address(c->remote_host, c->remote_port, false, &d->to, &d->to_bytes,
                       err)) {
        return false;
    }
    group = in->sin_family == AF_INET && IN_MULTICAST(ntohl(in->sin_addr.s_addr));
    if (!group && (c->local_type != ADDRESS_INET || !c->local_port)) {
        return net_refuse(err, "local.type=inet and local.port= are needed where the "
                          "remote address is no multicast group");
    }
    if (!group && !dgram_address(c->local_host, c->local_port, true, &local, &bytes,
                                 err)) {
        return false;
    }
    fd = group ? dgram_join(&d->to, c->local_host, err) : dgram_bind(&local, err);
    if (fd < 0) {
        return false;
    }
    d->name = g_strdup_printf("udp:%s:%s", c->remote_host ? c->remote_host : "",
                              c->remote_port);
    dgram_start(d, &n->sockets.nd, fd);
    return true;
}

static bool dgram_kind_open(Netdev *nd, GError **err)
{
    DgramNet *n = container_of(nd, DgramNet, sockets.nd);
    const DgramConfig *c = &n->config;
    int fd, type;

    if (c->local_type == ADDRESS_UNIX) {
        return dgram_open_unix(n, err);
    }
    if (c->local_type != ADDRESS_FD) {
        return dgram_open_inet(n, err);
    }
    if (!net_take_fd(c->local_str ? c->local_str : "", &fd, &type, err)) {
        return false;
    }
    if (type != SOCK_DGRAM) {
        return net_refuse(err, "fd: %d is not a datagram socket", fd);
    }
    n->sockets.dgram.name = g_strdup_printf("fd:%d", fd);
    dgram_start(&n->sockets.dgram, nd, fd);
    return true;
}

const NetKind net_dgram = {
    .name = "dgram",
    .help = "frames as datagrams: UDP, multicast, unix sockets",
    NETDEV_CONFIG(DgramNet, DgramConfig), .open = dgram_kind_open, SOCKETS,
};

/* ---- socket ---- */

PROPS(SocketConfig, NETDEV_ROWS,
    (str, fd,        "number of a socket that is open already"),
    (str, listen,    "[HOST]:PORT to wait at for another machine, TCP"),
    (str, connect,   "HOST:PORT of a machine that listens, TCP"),
    (str, mcast,     "GROUP:PORT that all machines share, UDP"),
    (str, udp,       "HOST:PORT to send to, UDP; with localaddr="),
    (str, localaddr, "with udp= [HOST]:PORT to receive at, with mcast= an address"));

typedef struct {
    Sockets sockets;
    SocketConfig config;
    char *host, *port;
} SocketNet;

/* At the last colon: an IPv6 address has several. */
static bool split_address(SocketNet *n, const char *option, const char *text,
                          GError **err)
{
    const char *colon = strrchr(text, ':');

    if (!colon || !colon[1]) {
        return net_refuse(err, "%s: '%s' is not HOST:PORT", option, text);
    }
    g_free(n->host);
    g_free(n->port);
    n->host = g_strndup(text, colon - text);
    n->port = g_strdup(colon + 1);
    return true;
}

static bool socket_open_tcp(SocketNet *n, GError **err)
{
    const SocketConfig *c = &n->config;
    Stream *s = &n->sockets.stream;

    if (!split_address(n, c->listen ? "listen" : "connect",
                       c->listen ? c->listen : c->connect, err)) {
        return false;
    }
    n->sockets.is_stream = true;
    s->at = (Address){ NULL, n->host, n->port };
    s->server = c->listen != NULL;
    return stream_open(s, &n->sockets.nd, -1, err);
}

static bool socket_open_udp(SocketNet *n, GError **err)
{
    const SocketConfig *c = &n->config;
    Dgram *d = &n->sockets.dgram;
    struct sockaddr_storage local;
    socklen_t bytes;
    int fd;

    if (!split_address(n, c->udp ? "udp" : "mcast", c->udp ? c->udp : c->mcast, err) ||
        !dgram_address(n->host, n->port, false, &d->to, &d->to_bytes, err)) {
        return false;
    }
    d->name = g_strdup_printf("udp:%s:%s", n->host, n->port);
    if (c->udp && !c->localaddr) {
        return net_refuse(err, "localaddr= is mandatory with udp=");
    }
    if (c->udp && (!split_address(n, "localaddr", c->localaddr, err) ||
                   !dgram_address(n->host, n->port, true, &local, &bytes, err))) {
        return false;
    }
    fd = c->udp ? dgram_bind(&local, err) : dgram_join(&d->to, c->localaddr, err);
    if (fd < 0) {
        return false;
    }
    dgram_start(d, &n->sockets.nd, fd);
    return true;
}

static bool socket_open_fd(SocketNet *n, GError **err)
{
    int fd, type;

    if (!net_take_fd(n->config.fd, &fd, &type, err)) {
        return false;
    }
    n->sockets.is_stream = type == SOCK_STREAM;
    if (n->sockets.is_stream) {
        return stream_open(&n->sockets.stream, &n->sockets.nd, fd, err);
    }
    n->sockets.dgram.name = g_strdup_printf("fd:%d", fd);
    dgram_start(&n->sockets.dgram, &n->sockets.nd, fd);
    return true;
}

static bool socket_kind_open(Netdev *nd, GError **err)
{
    SocketNet *n = container_of(nd, SocketNet, sockets.nd);
    const SocketConfig *c = &n->config;

    if (!c->fd + !c->listen + !c->connect + !c->mcast + !c->udp != 4) {
        return net_refuse(err, "exactly one of fd=, listen=, connect=, mcast= or udp= "
                          "is required");
    }
    if (c->localaddr && !c->mcast && !c->udp) {
        return net_refuse(err, "localaddr= is only valid with mcast= or udp=");
    }
    return c->fd ? socket_open_fd(n, err)
           : c->listen || c->connect ? socket_open_tcp(n, err)
           : socket_open_udp(n, err);
}

static void socket_kind_close(Netdev *nd)
{
    SocketNet *n = container_of(nd, SocketNet, sockets.nd);

    sockets_close(nd);
    g_free(n->host);
    g_free(n->port);
}

const NetKind net_socket = {
    .name = "socket",
    .help = "the same as stream or dgram, in older words",
    NETDEV_CONFIG(SocketNet, SocketConfig), .open = socket_kind_open,
    .send = sockets_send, .resume = sockets_resume, .close = socket_kind_close,
    .print = sockets_print,
};
