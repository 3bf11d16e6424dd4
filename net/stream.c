/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames over a stream socket: see stream.h.
 *
 * A frame that the socket takes only in part is kept, and the sender waits until it is
 * gone.  A peer that does not read holds up its sender's queue and nothing else; one
 * that sends what is no frame is hung up on.
 */

#include "net/stream.h"
#include "net/offload.h"

#include "base/keyval.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LENGTH_BYTES = 4, BUFFER_BYTES = 256 << 10, BATCH = 64 };

static void connected(Stream *s, int fd);
static void try_later(Stream *s);

static void remove_watch(guint *watch)
{
    if (*watch) {
        g_source_remove(*watch);
        *watch = 0;
    }
}

bool net_take_fd(const char *text, int *fd, int *type, GError **err)
{
    socklen_t size = sizeof *type;
    u64 number;

    if (!number_parse(text, 0, INT_MAX, &number) || fcntl(number, F_GETFD) < 0) {
        return net_refuse(err, "fd: '%s' is not the number of an open descriptor",
                          text);
    }
    *fd = number;
    if (type && getsockopt(*fd, SOL_SOCKET, SO_TYPE, type, &size) < 0) {
        return net_refuse(err, "fd: %s is not a socket", text);
    }
    return true;
}

/* ---- hanging up ---- */

static gboolean client_came(gint fd, GIOCondition condition, gpointer opaque)
{
    Stream *s = opaque;
    int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    (void)condition;
    if (conn >= 0) {
        s->listen_watch = 0;
        connected(s, conn);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void hang_up(Stream *s)
{
    bool waited;

    remove_watch(&s->in_watch);
    pthread_mutex_lock(&s->lock);
    remove_watch(&s->out_watch);
    close(s->conn);
    s->conn = -1;
    g_byte_array_set_size(s->rest, 0);
    waited = s->blocked;
    s->blocked = false;
    pthread_mutex_unlock(&s->lock);
    s->used = 0;
    if (s->listener >= 0) {
        s->listen_watch = g_unix_fd_add(s->listener, G_IO_IN, client_came, s);
    } else if (s->reconnect) {
        try_later(s);
    }
    if (waited) {
        netdev_writable(s->nd, 0);
    }
}

/* ---- sending ---- */

static ssize_t put(Stream *s, const struct iovec *iov, unsigned n)
{
    struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
    ssize_t done;

    do {
        done = sendmsg(s->conn, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (done < 0 && errno == EINTR);
    return done;
}

static gboolean room_again(gint fd, GIOCondition condition, gpointer opaque)
{
    Stream *s = opaque;
    struct iovec iov;
    bool waited, more;
    ssize_t done;

    (void)fd, (void)condition;
    pthread_mutex_lock(&s->lock);
    iov = (struct iovec){ s->rest->data, s->rest->len };
    done = s->rest->len ? put(s, &iov, 1) : 0;
    if (done < 0 && errno != EAGAIN) {
        done = s->rest->len;            /* the reader will see that it is broken */
    }
    if (done > 0) {
        g_byte_array_remove_range(s->rest, 0, done);
    }
    more = s->rest->len > 0;
    waited = s->blocked && !more;
    s->blocked = s->blocked && more;
    s->out_watch = more ? s->out_watch : 0;
    pthread_mutex_unlock(&s->lock);
    if (waited) {
        netdev_writable(s->nd, 0);
    }
    return more;
}

/* With the lock; so the three that follow. */
static void wait_for_room(Stream *s)
{
    if (!s->out_watch) {
        s->out_watch = g_unix_fd_add(s->conn, G_IO_OUT, room_again, s);
    }
}

/* What of the message is not sent yet, from byte `done` on. */
static void keep_rest(Stream *s, const struct iovec *iov, unsigned n, size_t done)
{
    for (unsigned i = 0; i < n; i++) {
        size_t skip = MIN(done, iov[i].iov_len);

        g_byte_array_append(s->rest, (u8 *)iov[i].iov_base + skip,
                            iov[i].iov_len - skip);
        done -= skip;
    }
    wait_for_room(s);
}

static bool send_locked(Stream *s, const NetFrame *frame)
{
    struct iovec iov[IOV_MAX];
    u32 length = htonl(frame->bytes);
    ssize_t done;

    if (s->conn < 0 || frame->n >= IOV_MAX) {
        return true;
    }
    if (s->rest->len) {
        s->blocked = true;
        return false;
    }
    iov[0] = (struct iovec){ &length, LENGTH_BYTES };
    memcpy(iov + 1, frame->iov, frame->n * sizeof *iov);
    done = put(s, iov, frame->n + 1);
    if (done < 0 && errno == EAGAIN) {
        s->blocked = true;
        wait_for_room(s);
        return false;
    }
    if (done >= 0 && (size_t)done < LENGTH_BYTES + frame->bytes) {
        keep_rest(s, iov, frame->n + 1, done);
    }
    return true;
}

bool stream_send(Stream *s, const NetFrame *frame)
{
    bool taken;

    pthread_mutex_lock(&s->lock);
    taken = send_locked(s, frame);
    pthread_mutex_unlock(&s->lock);
    return taken;
}

/* ---- receiving ---- */

/* Frames that are complete, at most BATCH; how many.  -1: these are no frames. */
static int find_frames(Stream *s, NetFrame *frames, struct iovec *iov)
{
    bool checks = netdev_front_takes(s->nd) & NET_CSUM;
    size_t at = 0;
    int n = 0;

    while (n < BATCH && s->used - at >= LENGTH_BYTES) {
        u32 length;

        memcpy(&length, s->bytes + at, LENGTH_BYTES);
        length = ntohl(length);
        if (length > NET_FRAME_MAX) {
            return n ? n : -1;
        }
        if (s->used - at - LENGTH_BYTES < length) {
            break;
        }
        iov[n] = (struct iovec){ s->bytes + at + LENGTH_BYTES, length };
        frames[n] = (NetFrame){ .iov = &iov[n], .n = 1, .bytes = length };
        if (checks && net_checksum_good(iov[n].iov_base, length)) {
            frames[n].todo.flags = NET_DATA_VALID;
        }
        at += LENGTH_BYTES + length;
        n++;
    }
    return n;
}

/* False: the front has no room; or the peer was hung up on. */
static bool deliver(Stream *s)
{
    NetFrame frames[BATCH];
    struct iovec iov[BATCH];
    size_t gone = 0;
    int n, done = 0;

    do {
        n = find_frames(s, frames, iov);
        if (n < 0) {
            warn_user("netdev '%s': %s sends what is no frame; hung up",
                      s->nd->config->id, s->name);
            hang_up(s);
            return false;
        }
        done = netdev_deliver(s->nd, 0, frames, n);
        gone = 0;
        for (int i = 0; i < done; i++) {
            gone += LENGTH_BYTES + frames[i].bytes;
        }
        s->used -= gone;
        memmove(s->bytes, s->bytes + gone, s->used);
    } while (n > 0 && done == n);
    return done == n;
}

static gboolean readable(gint fd, GIOCondition condition, gpointer opaque)
{
    Stream *s = opaque;
    ssize_t n = recv(fd, s->bytes + s->used, BUFFER_BYTES - s->used, MSG_DONTWAIT);

    (void)condition;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        s->in_watch = 0;
        hang_up(s);
        return G_SOURCE_REMOVE;
    }
    s->used += MAX(n, 0);
    if (!deliver(s)) {
        s->in_watch = 0;            /* until stream_resume, or another connection */
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void deliver_again(void *opaque)
{
    Stream *s = opaque;

    if (s->conn >= 0 && !s->in_watch && deliver(s)) {
        s->in_watch = g_unix_fd_add(s->conn, G_IO_IN, readable, s);
    }
}

void stream_resume(Stream *s)
{
    net_wake(s->again);
}

/* ---- connecting ---- */

static void connected(Stream *s, int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_mutex_lock(&s->lock);
    s->conn = fd;
    pthread_mutex_unlock(&s->lock);
    s->in_watch = g_unix_fd_add(fd, G_IO_IN, readable, s);
}

static gboolean connect_ended(gint fd, GIOCondition condition, gpointer opaque)
{
    Stream *s = opaque;
    int error = 0;

    (void)condition;
    s->in_watch = 0;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof error });
    if (error) {
        close(fd);
        try_later(s);
    } else {
        connected(s, fd);
    }
    return G_SOURCE_REMOVE;
}

static gboolean try_connect(gpointer opaque)
{
    Stream *s = opaque;
    int fd = address_connect(&s->at, true, NULL);

    s->retry = 0;
    if (fd < 0) {
        try_later(s);
    } else {
        s->in_watch = g_unix_fd_add(fd, G_IO_OUT, connect_ended, s);
    }
    return G_SOURCE_REMOVE;
}

static void try_later(Stream *s)
{
    s->retry = g_timeout_add_seconds(s->reconnect, try_connect, s);
}

/* ---- life ---- */

static bool listen_there(Stream *s, GError **err)
{
    struct stat st;

    s->listener = address_listen(&s->at, err);
    if (s->listener < 0) {
        return false;
    }
    s->made = s->at.path && stat(s->at.path, &st) == 0 ? st.st_ino : 0;
    s->listen_watch = g_unix_fd_add(s->listener, G_IO_IN, client_came, s);
    return true;
}

bool stream_open(Stream *s, Netdev *nd, int fd, GError **err)
{
    pthread_mutex_init(&s->lock, NULL);
    s->nd = nd;
    s->conn = s->listener = -1;
    s->rest = g_byte_array_new();
    s->again = net_wake_new(NULL, deliver_again, s);
    s->bytes = g_malloc(BUFFER_BYTES);
    s->name = fd >= 0 ? g_strdup_printf("fd:%d", fd) : address_name(&s->at);
    nd->takes = NET_WHOLE;
    if (fd < 0 && s->server) {
        return listen_there(s, err);
    }
    if (fd < 0 && s->reconnect) {
        try_connect(s);
        return true;
    }
    fd = fd >= 0 ? fd : address_connect(&s->at, false, err);
    if (fd < 0) {
        return false;
    }
    connected(s, fd);
    return true;
}

void stream_close(Stream *s)
{
    struct stat st;

    if (!s->nd) {
        return;
    }
    remove_watch(&s->in_watch);
    remove_watch(&s->out_watch);
    remove_watch(&s->listen_watch);
    remove_watch(&s->retry);
    net_wake_free(s->again);
    if (s->conn >= 0) {
        close(s->conn);
    }
    if (s->listener >= 0) {
        close(s->listener);
    }
    if (s->made && stat(s->at.path, &st) == 0 && st.st_ino == s->made) {
        unlink(s->at.path);
    }
    g_byte_array_unref(s->rest);
    g_free(s->bytes);
    g_free(s->name);
    pthread_mutex_destroy(&s->lock);
}

void stream_print(const Stream *s, GString *out)
{
    g_string_append_printf(out, "%s%s", s->name,
                           s->conn < 0 ? s->server ? ",listening" : ",disconnected"
                                       : "");
}
