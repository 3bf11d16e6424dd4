/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kind of back end is; for the files of net/ only.  kinds.c lists them.
 *
 * A kind opens something of the host, takes frames in `send` and hands over what comes
 * with netdev_deliver, on the main loop, its front's or a thread of its own.  Fitting
 * frames to what either side takes, filters, the link and the pausing of the machine
 * are not its business.
 */

#ifndef NET_KIND_H
#define NET_KIND_H

#include "base/field.h"
#include "net/net.h"

#include <pthread.h>

/* The first rows of every kind's options. */
#define NETDEV_ROWS (str, id, "name by which devices find it", .required = true)

typedef struct {
    FOR_EACH(MEMBER_, , NETDEV_ROWS)
} NetdevConfig;

typedef struct {
    const char *name, *help;
    const Field *config;            /* NETDEV_ROWS first */
    u32 config_at;                  /* of the config in the object */
    size_t size;                    /* of the object, which begins with a Netdev */
    bool (*open)(Netdev *nd, GError **err);
    void (*close)(Netdev *nd);      /* takes a half-open one; may be NULL */
    /*
     * Under the front's lock.  False: full, netdev_writable follows.  What can't be
     * sent at all is dropped: true.
     */
    bool (*send)(Netdev *nd, unsigned queue, const NetFrame *frame);
    /* The front has room again: deliver what was refused, soon, on your own thread. */
    void (*resume)(Netdev *nd, unsigned queue);
    /* The front's takes or queues have changed; may be NULL. */
    void (*changed)(Netdev *nd);
    /*
     * Ends its own work, or begins it, in the loop of nd->io, where its front is
     * served: when this returns nothing of it is under way elsewhere.  The main thread,
     * without that context's lock; NULL: it stays where it is.
     */
    void (*work)(Netdev *nd, bool on);
    /* vhost-net's descriptor for a queue and the interface's; may be NULL */
    bool (*vhost)(Netdev *nd, unsigned queue, int *vhost, int *interface);
    /* Packets go past this process, or again through it; may be NULL */
    void (*vhost_carries)(Netdev *nd, bool on);
    /* What info network shows after the type: "net=10.0.2.0,restrict=off" */
    void (*print)(Netdev *nd, GString *out);
} NetKind;

#define NETDEV_CONFIG(T, C) \
    .config = C##_fields, .config_at = offsetof(T, config), .size = sizeof(T)

typedef struct {
    bool starved;                   /* atomic: the front refused a frame */
    bool blocked;                   /* atomic: netdev_writable came while held */
    u8 *scratch[2];                 /* frames on their way, by direction */
} NetQueue;

typedef struct NetFilter {
    char *name;
    NetFilterFn *fn;
    void *opaque;
    struct NetFilter *next;
} NetFilter;

struct Netdev {
    const NetKind *kind;
    const NetdevConfig *config;
    NetFront *front;                /* under io's lock; NULL: none */
    IoContext *io;                  /* atomic; the front's, or the main one */
    u32 takes;                      /* what `send` takes undone; set by open */
    unsigned queues;                /* pairs; set by open, otherwise 1 */
    u32 front_takes;                /* atomic; 0 without a front */
    unsigned front_mtu, front_queues;           /* atomic */
    bool link_down;
    pthread_mutex_t filter_lock;
    NetFilter *filter;              /* in the order in which they are called */
    NetQueue queue[NET_QUEUES_MAX];
};

extern const NetKind *const net_kinds[];        /* by name; NULL-terminated */

/* For a kind that is not listed: tests. */
Netdev *netdev_make(const NetKind *kind, const char *options, GError **err) must_check;

/*
 * Hands frames to the front, in order; how many it took (or dropped).  The rest is to
 * be delivered again when resume is called.  Without the machine lock.
 */
unsigned netdev_deliver(Netdev *nd, unsigned queue, NetFrame *frames, unsigned n);
/* There is room again after a send that was false.  Without the machine lock. */
void netdev_writable(Netdev *nd, unsigned queue);

static inline u32 netdev_front_takes(const Netdev *nd)
{
    return __atomic_load_n(&nd->front_takes, __ATOMIC_RELAXED);
}

u64 nets_clock(void);               /* ns */

/* The n-th back end in order of creation, NULL after the last. */
Netdev *netdev_nth(unsigned n);

/* Sets an error and returns false; with errno's reason. */
bool net_refuse(GError **err, const char *fmt, ...) printf_like(2, 3);
bool net_refuse_errno(GError **err, const char *fmt, ...) printf_like(2, 3);

#endif
