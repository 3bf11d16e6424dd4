/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames between fronts and back ends: see net.h for the flow and the threads.
 */

#include "net/kind.h"
#include "net/offload.h"
#include "net/registry.h"


#include <string.h>

#define load(p)     __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
#define take(p)     __atomic_exchange_n(p, false, __ATOMIC_SEQ_CST)

static bool held;                   /* atomic: the machine stands still */

size_t net_frame_copy(const NetFrame *frame, void *to, size_t n)
{
    size_t done = 0;

    for (unsigned i = 0; i < frame->n && done < n; i++) {
        size_t part = MIN(frame->iov[i].iov_len, n - done);

        memcpy((u8 *)to + done, frame->iov[i].iov_base, part);
        done += part;
    }
    return done;
}

static bool is_good(const NetFrame *frame)
{
    return frame->bytes >= NET_HEADER_BYTES && frame->bytes <= NET_FRAME_MAX &&
           net_offload_valid(&frame->todo, frame->bytes);
}

/* ---- filters ---- */

/* Filters come and go on the main thread: the list can be read there. */
static NetFilter **filter_place(Netdev *nd, const char *position, bool before)
{
    const char *id = g_str_has_prefix(position, "id=") ? position + 3 : NULL;
    NetFilter **at = &nd->filter;

    if (strcmp(position, "head") == 0) {
        return at;
    }
    while (*at && !(id && strcmp((*at)->name, id) == 0)) {
        at = &(*at)->next;
    }
    if (!*at) {
        return strcmp(position, "tail") == 0 ? at : NULL;
    }
    return before ? at : &(*at)->next;
}

bool netdev_add_filter(Netdev *nd, const char *name, const char *position, bool before,
                       NetFilterFn *fn, void *opaque, GError **err)
{
    NetFilter **at = filter_place(nd, position, before), *filter;

    if (!at) {
        return net_refuse(err, "position '%s': it is head, tail, or id= and a filter "
                          "of netdev '%s'", position, nd->config->id);
    }
    filter = g_new0(NetFilter, 1);
    *filter = (NetFilter){ g_strdup(name), fn, opaque, *at };
    pthread_mutex_lock(&nd->filter_lock);
    store(at, filter);
    pthread_mutex_unlock(&nd->filter_lock);
    return true;
}

void netdev_remove_filter(Netdev *nd, void *opaque)
{
    NetFilter **at = &nd->filter, *filter;

    pthread_mutex_lock(&nd->filter_lock);
    while ((filter = *at)) {
        if (filter->opaque == opaque) {
            store(at, filter->next);
            g_free(filter->name);
            g_free(filter);
        } else {
            at = &filter->next;
        }
    }
    pthread_mutex_unlock(&nd->filter_lock);
}

static void run_filters(Netdev *nd, NetDirection direction, const NetFrame *frame)
{
    if (likely(!load(&nd->filter))) {
        return;
    }
    pthread_mutex_lock(&nd->filter_lock);
    for (NetFilter *filter = nd->filter; filter; filter = filter->next) {
        filter->fn(filter->opaque, direction, frame);
    }
    pthread_mutex_unlock(&nd->filter_lock);
}

/* ---- fitting ---- */

typedef struct {
    Netdev *nd;
    unsigned queue;
} Way;

typedef bool PassFn(Netdev *nd, unsigned queue, const NetFrame *frame);

static bool to_back_end(Netdev *nd, unsigned queue, const NetFrame *frame)
{
    return nd->kind->send(nd, queue, frame);
}

static bool to_front(Netdev *nd, unsigned queue, const NetFrame *frame)
{
    NetFront *front = nd->front;

    return front->ops->receive(front->opaque, queue, frame);
}

static bool emit(const Way *way, PassFn *pass, const NetOffload *todo, const u8 *bytes,
                 size_t n)
{
    struct iovec iov = { (void *)bytes, n };
    NetFrame frame = { *todo, &iov, 1, n };

    return pass(way->nd, way->queue, &frame);
}

static bool emit_to_back_end(void *way, const NetOffload *todo, const u8 *bytes,
                             size_t n)
{
    return emit(way, to_back_end, todo, bytes, n);
}

static bool emit_to_front(void *way, const NetOffload *todo, const u8 *bytes, size_t n)
{
    return emit(way, to_front, todo, bytes, n);
}

/* A copy, changed to fit. */
static bool fit(Netdev *nd, unsigned queue, NetDirection direction,
                const NetFrame *frame, u32 takes, unsigned mtu)
{
    u8 **scratch = &nd->queue[queue].scratch[direction == NET_TO_BACK_END];
    Way way = { nd, queue };

    if (!*scratch) {
        *scratch = g_malloc(NET_FRAME_MAX);
    }
    net_frame_copy(frame, *scratch, frame->bytes);
    return net_fit(&frame->todo, *scratch, frame->bytes, takes, mtu,
                   direction == NET_TO_BACK_END ? emit_to_back_end : emit_to_front,
                   &way);
}

/* ---- from the front ---- */

bool net_send(NetFront *front, unsigned queue, const NetFrame *frame)
{
    Netdev *nd = front->nd;

    if (!net_link_up(front) || !nd || !is_good(frame)) {
        return true;
    }
    queue %= nd->queues;
    run_filters(nd, NET_TO_BACK_END, frame);
    if (net_fits(&frame->todo, frame->bytes, nd->takes, 0)) {
        return nd->kind->send(nd, queue, frame);
    }
    return fit(nd, queue, NET_TO_BACK_END, frame, nd->takes, 0);
}

void net_resume(NetFront *front, unsigned queue)
{
    Netdev *nd = front->nd;

    if (nd && take(&nd->queue[queue].starved)) {
        nd->kind->resume(nd, queue);
    }
}

void net_set_takes(NetFront *front, u32 takes, unsigned mtu)
{
    Netdev *nd = front->nd;

    if (nd) {
        store(&nd->front_takes, takes);
        store(&nd->front_mtu, mtu);
        if (nd->kind->changed) {
            nd->kind->changed(nd);
        }
    }
}

void net_set_queues(NetFront *front, unsigned queues)
{
    Netdev *nd = front->nd;

    if (nd && load(&nd->front_queues) != queues) {
        store(&nd->front_queues, queues);
        if (nd->kind->changed) {
            nd->kind->changed(nd);
        }
    }
}

unsigned net_queues(const NetFront *front)
{
    return front->nd ? front->nd->queues : 1;
}

bool net_vhost(const NetFront *front, unsigned queue, int *vhost, int *interface)
{
    Netdev *nd = front->nd;

    return nd && nd->kind->vhost && nd->kind->vhost(nd, queue, vhost, interface);
}

void net_vhost_carries(NetFront *front, bool on)
{
    if (front->nd && front->nd->kind->vhost_carries) {
        front->nd->kind->vhost_carries(front->nd, on);
    }
}

/* ---- from the back end ---- */

static bool deliver_one(Netdev *nd, unsigned queue, const NetFrame *frame)
{
    u32 takes = nd->front_takes;
    unsigned mtu = nd->takes & NET_WHOLE ? nd->front_mtu : 0;

    run_filters(nd, NET_FROM_BACK_END, frame);
    if (net_fits(&frame->todo, frame->bytes, takes, mtu)) {
        return to_front(nd, queue, frame);
    }
    return fit(nd, queue, NET_FROM_BACK_END, frame, takes, mtu);
}

static unsigned deliver_all(Netdev *nd, unsigned queue, NetFrame *frames, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (nd->front && net_link_up(nd->front) && is_good(&frames[i]) &&
            !deliver_one(nd, queue, &frames[i])) {
            return i;
        }
    }
    return n;
}

/*
 * "Starved" is noted before the front is asked: a resume that comes between its answer
 * and our return finds it.
 */
unsigned netdev_deliver(Netdev *nd, unsigned queue, NetFrame *frames, unsigned n)
{
    IoContext *io = load(&nd->io);
    unsigned done;

    store(&nd->queue[queue].starved, true);
    if (load(&held)) {
        return 0;
    }
    io_lock(io);
    done = load(&held) ? 0 : deliver_all(nd, queue, frames, n);
    io_unlock(io);
    if (done == n) {
        store(&nd->queue[queue].starved, false);
    }
    return done;
}

void netdev_writable(Netdev *nd, unsigned queue)
{
    IoContext *io = load(&nd->io);
    NetFront *front;

    store(&nd->queue[queue].blocked, true);
    if (load(&held) || !take(&nd->queue[queue].blocked)) {
        return;
    }
    io_lock(io);
    front = nd->front;
    if (front) {
        front->ops->writable(front->opaque, queue);
    }
    io_unlock(io);
}

/* ---- the machine's time ---- */

static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;
static const Clock *the_clock;      /* with the lock: it may go while it is asked */

void nets_set_clock(const Clock *clock)
{
    pthread_mutex_lock(&clock_lock);
    the_clock = clock;
    pthread_mutex_unlock(&clock_lock);
}

u64 nets_clock(void)
{
    u64 now;

    pthread_mutex_lock(&clock_lock);
    now = the_clock ? clock_now(the_clock) : (u64)g_get_monotonic_time() * 1000;
    pthread_mutex_unlock(&clock_lock);
    return now;
}

static void go_on(Netdev *nd)
{
    for (unsigned i = 0; i < nd->queues; i++) {
        if (take(&nd->queue[i].starved)) {
            nd->kind->resume(nd, i);
        }
        if (take(&nd->queue[i].blocked)) {
            netdev_writable(nd, i);
        }
    }
}

void nets_hold(bool hold)
{
    Netdev *nd;

    store(&held, hold);
    for (unsigned i = 0; (nd = netdev_nth(i)); i++) {
        if (hold) {             /* when this returns no delivery is under way */
            IoContext *io = load(&nd->io);

            io_lock(io);
            io_unlock(io);
        } else {
            go_on(nd);
        }
    }
}
