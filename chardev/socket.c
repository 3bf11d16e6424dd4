/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket: a stream socket, unix or TCP, as server or client, or one that was passed on
 * by number (fd=).
 *
 * A server has one client at a time; the next one waits until that has gone.  A client
 * whose peer goes stays without one, or tries again every `reconnect` seconds.  A unix
 * socket that was made here is unlinked at the end.
 */

#include "chardev/address.h"
#include "chardev/kinds.h"
#include "base/keyval.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

PROPS(SocketConfig, CHARDEV_ROWS,
    (str,  path,      "path of a unix socket"),
    (str,  host,      "host name or address"),
    (str,  port,      "TCP port"),
    (str,  fd,        "number of a socket that is open already"),
    (bool, server,    "listen, instead of connecting"),
    (bool, wait,      "as a server, start only when a client has come", .def = true),
    (u32,  reconnect, "as a client, seconds until the next attempt; 0: none"),
    (bool, delay,     "let TCP gather small writes", .def = true),
    (bool, nodelay,   "do not"));

typedef struct {
    Chardev chr;
    SocketConfig config;
    Address at;
    char *name;
    int listener, conn;         /* 0: none */
    guint watch;                /* for a client, or for the end of a connect */
    guint retry;
    ino_t made;                 /* inode of the unix socket that is ours */
} Socket;

static void watch(Socket *s, int fd, GIOCondition condition, GUnixFDSourceFunc fn)
{
    if (s->watch) {
        g_source_remove(s->watch);
    }
    s->watch = fn ? g_unix_fd_add(fd, condition, fn, s) : 0;
}

static void show(Socket *s, bool connected)
{
    backend_set_where(&s->chr, "%s%s%s", connected ? "" : "disconnected:", s->name,
                      s->config.server ? ",server=on" : "");
}

static void use(Socket *s, int conn)
{
    int on = 1;

    s->conn = conn;
    if (s->config.nodelay || !s->config.delay) {
        setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    show(s, true);
    backend_connect(&s->chr, conn, conn, false);
}

/* ---- server ---- */

static gboolean client_came(gint fd, GIOCondition condition, gpointer opaque)
{
    Socket *s = opaque;
    int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)condition;
    if (conn >= 0) {
        watch(s, -1, 0, NULL);
        use(s, conn);
    }
    return G_SOURCE_CONTINUE;
}

static void wait_for_client(Socket *s)
{
    struct pollfd p = { .fd = s->listener, .events = POLLIN };

    info_user("waiting for a client on %s", s->name);
    while (!s->conn) {
        if (poll(&p, 1, -1) > 0) {
            client_came(s->listener, G_IO_IN, s);
        }
    }
}

static bool serve(Socket *s, int given, GError **err)
{
    int fd = given ? given : address_listen(&s->at, err);
    struct stat st;

    if (fd < 0) {
        return false;
    }
    s->listener = fd;
    if (s->at.path && stat(s->at.path, &st) == 0) {
        s->made = st.st_ino;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    show(s, false);
    if (s->config.wait) {
        wait_for_client(s);
    } else {
        watch(s, s->listener, G_IO_IN, client_came);
    }
    return true;
}

/* ---- client ---- */

static void try_later(Socket *s);

static gboolean connect_ended(gint fd, GIOCondition condition, gpointer opaque)
{
    Socket *s = opaque;
    int error = 0;

    (void)condition;
    watch(s, -1, 0, NULL);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof error });
    if (error) {
        close(fd);
        s->conn = 0;
        try_later(s);
    } else {
        use(s, fd);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean try_connect(gpointer opaque)
{
    Socket *s = opaque;
    int fd = address_connect(&s->at, true, NULL);

    s->retry = 0;
    if (fd < 0) {
        try_later(s);
    } else {
        s->conn = fd;
        watch(s, fd, G_IO_OUT, connect_ended);
    }
    return G_SOURCE_REMOVE;
}

static void try_later(Socket *s)
{
    s->retry = g_timeout_add_seconds(s->config.reconnect, try_connect, s);
}

static bool call(Socket *s, int given, GError **err)
{
    int fd;

    show(s, false);
    if (s->config.reconnect) {
        try_connect(s);
        return true;
    }
    fd = given ? given : address_connect(&s->at, false, err);
    if (fd < 0) {
        return false;
    }
    use(s, fd);
    return true;
}

/* ---- both ---- */

static void socket_hung_up(Chardev *chr)
{
    Socket *s = container_of(chr, Socket, chr);

    backend_disconnect(chr);
    close(s->conn);
    s->conn = 0;
    show(s, false);
    if (s->listener) {
        watch(s, s->listener, G_IO_IN, client_came);
    } else if (s->config.reconnect) {
        try_later(s);
    }
}

static bool bad_option(GError **err, const char *text)
{
    g_set_error_literal(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
    return false;
}

/* *given becomes the descriptor of fd=, or 0. */
static bool take_fd(Socket *s, int *given, GError **err)
{
    const char *text = s->config.fd;
    socklen_t size = sizeof(int);
    int type;
    u64 fd = 0;

    if (text && (!number_parse(text, 3, INT32_MAX, &fd) ||
                 getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "fd: '%s' is not the number of an open socket", text);
        return false;
    }
    if (text && s->config.reconnect) {
        return bad_option(err, "fd and reconnect exclude each other");
    }
    *given = fd;
    return true;
}

static bool socket_open(Chardev *chr, GError **err)
{
    Socket *s = container_of(chr, Socket, chr);
    const SocketConfig *c = &s->config;
    int given;

    if (!c->path + !c->port + !c->fd != 2 || (c->host && !c->port)) {
        return bad_option(err, "a socket needs one of: path=, host= and port=, fd=");
    }
    if (!take_fd(s, &given, err)) {
        return false;
    }
    s->at = (Address){ c->path, c->host, c->port };
    s->name = given ? g_strdup_printf("fd:%d", given) : address_name(&s->at);
    return c->server ? serve(s, given, err) : call(s, given, err);
}

static void socket_close(Chardev *chr)
{
    Socket *s = container_of(chr, Socket, chr);
    struct stat st;

    watch(s, -1, 0, NULL);
    if (s->retry) {
        g_source_remove(s->retry);
    }
    if (s->conn) {
        close(s->conn);
    }
    if (s->listener) {
        close(s->listener);
    }
    if (s->made && stat(s->at.path, &st) == 0 && st.st_ino == s->made) {
        unlink(s->at.path);
    }
    g_free(s->name);
}

const ChardevKind chardev_socket = {
    .name = "socket",
    .help = "a stream socket: unix or TCP, server or client",
    .open = socket_open,
    .close = socket_close,
    .hung_up = socket_hung_up,
    .peer = true,
    CHARDEV_CONFIG(Socket, SocketConfig),
};
