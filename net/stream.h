/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ethernet frames over sockets, for the kinds stream, dgram and socket.
 *
 * Over a stream socket each frame has its length before it, 32 bits in network order:
 * what QEMU and passt speak.  Over datagrams a frame is a datagram.  Sending is done on
 * the sender's thread and never waits; receiving is the main loop's.
 */

#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "chardev/address.h"
#include "net/kind.h"
#include "net/wake.h"

#include <sys/socket.h>

typedef struct {
    Netdev *nd;
    Address at;                     /* borrowed strings */
    char *name;                     /* for messages: "unix:/tmp/x" */
    bool server;
    u32 reconnect;                  /* seconds; 0: never */

    pthread_mutex_t lock;           /* over the next four */
    int conn;                       /* -1: nobody */
    GByteArray *rest;               /* of a frame that was sent in part */
    bool blocked;                   /* a sender waits for room */
    guint out_watch;

    int listener;                   /* -1: none */
    guint in_watch, listen_watch, retry;
    GSource *again;                 /* delivers what the front did not take */
    ino_t made;                     /* of the unix socket that is ours */
    u8 *bytes;                      /* received */
    size_t used;
} Stream;

/* With `fd` >= 0 that is the connection. */
bool stream_open(Stream *s, Netdev *nd, int fd, GError **err) must_check;
void stream_close(Stream *s);
bool stream_send(Stream *s, const NetFrame *frame);
void stream_resume(Stream *s);
void stream_print(const Stream *s, GString *out);

typedef struct {
    Netdev *nd;
    int fd;                         /* -1: none */
    char *name;
    struct sockaddr_storage to;     /* where frames go */
    socklen_t to_bytes;             /* 0: the socket is connected */
    char *made;                     /* path of the unix socket that is ours, or NULL */
    guint in_watch;
    GSource *again;
    u8 *bytes;
    size_t used;                    /* of a frame that was not taken yet; 0: none */
} Dgram;

/* `fd` is bound, and connected unless `to` is set. */
void dgram_start(Dgram *d, Netdev *nd, int fd);
void dgram_close(Dgram *d);
bool dgram_send(Dgram *d, const NetFrame *frame);
void dgram_resume(Dgram *d);

/* "HOST:PORT" as a UDP address; with `passive`, HOST may be missing. */
bool dgram_address(const char *host, const char *port, bool passive,
                   struct sockaddr_storage *at, socklen_t *bytes,
                   GError **err) must_check;
/* A UDP socket bound to `local` (NULL: anywhere), or one of the group that `to` is. */
int dgram_bind(const struct sockaddr_storage *local, GError **err);
int dgram_join(const struct sockaddr_storage *group, const char *local, GError **err);

/* The open descriptor that fd= names; with `type`, a socket and of what type. */
bool net_take_fd(const char *text, int *fd, int *type, GError **err) must_check;

#endif
