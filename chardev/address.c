/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket addresses (address.h).
 */

#include "chardev/address.h"
#include "chardev/backend.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

char *address_name(const Address *at)
{
    if (at->path) {
        return g_strdup_printf("unix:%s", at->path);
    }
    return g_strdup_printf("tcp:%s:%s", at->host ? at->host : "", at->port);
}

/* -1 and an error "cannot VERB ADDRESS: reason"; closes fd. */
static int give_up(int fd, const char *verb, const Address *at, GError **err)
{
    g_autofree char *name = address_name(at);
    int why = errno;

    if (fd >= 0) {
        close(fd);
    }
    errno = why;
    fail_errno(err, "cannot %s %s", verb, name);
    return -1;
}

/* ---- unix ---- */

static bool unix_address(const Address *at, struct sockaddr_un *sa, GError **err)
{
    *sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(at->path) >= sizeof sa->sun_path) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NAMETOOLONG,
                    "UNIX socket path '%s' is too long: at most %zu bytes", at->path,
                    sizeof sa->sun_path - 1);
        return false;
    }
    strcpy(sa->sun_path, at->path);
    return true;
}

/* Is it a socket on which nobody listens? */
static bool is_stale(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale = connect(fd, (const struct sockaddr *)sa, sizeof *sa) < 0 &&
                 errno == ECONNREFUSED;
    struct stat st;

    close(fd);
    return stale && stat(sa->sun_path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool unix_bind(int fd, const struct sockaddr_un *sa)
{
    if (bind(fd, (const struct sockaddr *)sa, sizeof *sa) == 0) {
        return true;
    }
    if (errno != EADDRINUSE) {
        return false;
    }
    if (is_stale(sa)) {
        unlink(sa->sun_path);
        return bind(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;
    }
    errno = EADDRINUSE;
    return false;
}

static int unix_listen(const Address *at, GError **err)
{
    struct sockaddr_un sa;
    int fd;

    if (!unix_address(at, &sa, err)) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !unix_bind(fd, &sa) || listen(fd, 1) < 0) {
        return give_up(fd, "listen on", at, err);
    }
    return fd;
}

static int unix_connect(const Address *at, GError **err)
{
    struct sockaddr_un sa;
    int fd;

    if (!unix_address(at, &sa, err)) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
        return give_up(fd, "connect to", at, err);
    }
    return fd;
}

/* ---- tcp ---- */

bool address_port_good(const char *port)
{
    return !*port || port[strspn(port, "0123456789")] ||
           g_ascii_strtoull(port, NULL, 10) <= UINT16_MAX;
}

static struct addrinfo *resolve(const Address *at, int flags, GError **err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *list;
    const char *host = at->host && *at->host ? at->host : NULL;
    int why = address_port_good(at->port) ? getaddrinfo(host, at->port, &hints, &list)
                                     : EAI_SERVICE;

    if (why) {
        g_autofree char *name = address_name(at);

        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "address %s: %s", name,
                    gai_strerror(why));
        return NULL;
    }
    return list;
}

static bool try_listen(int fd, const struct addrinfo *ai)
{
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 1) == 0;
}

static bool try_connect(int fd, const struct addrinfo *ai)
{
    return connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || errno == EINPROGRESS;
}

/* The first address of the host with which it works. */
static int tcp_socket(const Address *at, const char *verb, int flags, int type,
                      bool (*attempt)(int, const struct addrinfo *), GError **err)
{
    struct addrinfo *list = resolve(at, flags, err);
    int fd = -1, why = 0;

    if (!list) {
        return -1;
    }
    for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
        if (fd >= 0 && !attempt(fd, ai)) {
            why = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    errno = why;
    return fd < 0 ? give_up(-1, verb, at, err) : fd;
}

int address_listen(const Address *at, GError **err)
{
    if (at->path) {
        return unix_listen(at, err);
    }
    return tcp_socket(at, "listen on", AI_PASSIVE, SOCK_NONBLOCK, try_listen, err);
}

int address_connect(const Address *at, bool background, GError **err)
{
    if (at->path) {
        return unix_connect(at, err);
    }
    return tcp_socket(at, "connect to", 0, background ? SOCK_NONBLOCK : 0, try_connect,
                      err);
}
