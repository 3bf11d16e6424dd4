/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks that wait for the kernel or for a worker: see queue.h.
 *
 * One eventfd per context says that something is done: workers and the kernel write it.
 * It is read under the lock only, so a thread that drains sees it too.  While requests
 * are handed to the kernel it is switched off: what is done at once is found without
 * it.
 */

#include "block/queue.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * RING: requests that the kernel takes at once, and twice that are under way.  Workers:
 * QEMU has 64 as well.
 */
enum { RING = 256, OUT_MAX = 2 * RING, WORKERS = 64, WAITING_WORKERS = 32 };

typedef struct { Task *first, *last; } TaskList;

typedef struct {
    IoContext *io;
    bool has_ring, refused;
    struct io_uring ring;
    int bell;
    IoWatch *watch;
    unsigned plugged;
    unsigned out;                   /* in the ring */
    TaskList waiting;               /* for a place in the ring */
    pthread_mutex_t lock;           /* guards `ended` */
    TaskList ended;
} Queue;

/* ---- lists ---- */

static void list_add(TaskList *list, Task *task)
{
    task->next = NULL;
    if (list->first) {
        list->last->next = task;
    } else {
        list->first = task;
    }
    list->last = task;
}

static Task *list_take(TaskList *list)
{
    Task *task = list->first;

    if (task) {
        list->first = task->next;
    }
    return task;
}

/* ---- a context's queue ---- */

/* Containers often forbid it (EPERM), old kernels do not have it (ENOSYS). */
bool queue_works(void)
{
    static gsize state;             /* 1: it does not, 2: it does */
    struct io_uring ring;

    if (g_once_init_enter(&state)) {
        bool works = io_uring_queue_init(2, &ring, 0) == 0;

        if (works) {
            io_uring_queue_exit(&ring);
        }
        g_once_init_leave(&state, works ? 2 : 1);
    }
    return state == 2;
}

static void bell_rang(void *opaque);

static Queue *queue_of(IoContext *io)
{
    Queue **slot = (Queue **)io_queue_slot(io);
    Queue *queue = *slot;

    if (!queue) {
        *slot = queue = g_new0(Queue, 1);
        queue->io = io;
        pthread_mutex_init(&queue->lock, NULL);
        queue->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        g_assert(queue->bell >= 0);
        queue->watch = io_watch(io, queue->bell, bell_rang, queue);
    }
    return queue;
}

void queue_open(IoContext *io)
{
    queue_of(io);
}

bool queue_has_ring(IoContext *io)
{
    Queue *queue = queue_of(io);

    if (!queue->has_ring && !queue->refused) {
        queue->refused = io_uring_queue_init(RING, &queue->ring, 0) < 0;
        queue->has_ring = !queue->refused;
        if (queue->has_ring) {
            io_uring_register_eventfd(&queue->ring, queue->bell);
        }
    }
    return queue->has_ring;
}

void queue_close(IoContext *io)
{
    Queue **slot = (Queue **)io_queue_slot(io), *queue = *slot;

    if (queue) {
        g_assert(!queue->out && !queue->waiting.first && !queue->ended.first);
        io_unwatch(queue->watch);
        if (queue->has_ring) {
            io_uring_queue_exit(&queue->ring);
        }
        close(queue->bell);
        pthread_mutex_destroy(&queue->lock);
        g_free(queue);
        *slot = NULL;
    }
}

/* ---- the ring ---- */

static void fill(struct io_uring_sqe *sqe, Task *task)
{
    if (task->is_flush) {
        io_uring_prep_fsync(sqe, task->fd, IORING_FSYNC_DATASYNC);
    } else if (task->access == BLOCK_READ) {
        io_uring_prep_readv(sqe, task->fd, task->iov, task->n_iov, task->offset);
    } else {
        io_uring_prep_writev(sqe, task->fd, task->iov, task->n_iov, task->offset);
    }
    if (task->is_large) {
        io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
    }
    io_uring_sqe_set_data(sqe, task);
}

/*
 * Fills the ring from those who wait, and shows it to the kernel.  True if something is
 * done already.
 */
static bool push(Queue *queue)
{
    int pushed;

    io_uring_cq_eventfd_toggle(&queue->ring, false);
    do {
        struct io_uring_sqe *sqe;

        while (queue->waiting.first && queue->out < OUT_MAX &&
               (sqe = io_uring_get_sqe(&queue->ring))) {
            fill(sqe, list_take(&queue->waiting));
            queue->out++;
        }
        pushed = io_uring_submit(&queue->ring);
    } while (pushed == -EINTR || (pushed > 0 && queue->waiting.first &&
                                  queue->out < OUT_MAX));
    io_uring_cq_eventfd_toggle(&queue->ring, true);
    /* The kernel sees that before we look. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (pushed < 0) {
        eventfd_write(queue->bell, 1);      /* it had no room: again, soon */
    }
    return io_uring_cq_ready(&queue->ring);
}

static void push_and_ring(Queue *queue)
{
    if (push(queue)) {
        eventfd_write(queue->bell, 1);
    }
}

static bool reap_ring(Queue *queue)
{
    struct io_uring_cqe *cqe;
    bool some = false;

    while (queue->has_ring && io_uring_peek_cqe(&queue->ring, &cqe) == 0) {
        Task *task = io_uring_cqe_get_data(cqe);
        int result = cqe->res;

        io_uring_cqe_seen(&queue->ring, cqe);
        queue->out--;
        some = true;
        task->done(task, result);
    }
    return some;
}

static void queue_push(Task *task)
{
    Queue *queue = queue_of(task->io);

    g_assert(io_locked(task->io) && queue->has_ring);
    list_add(&queue->waiting, task);
    if (!queue->plugged) {
        push_and_ring(queue);
    }
}

void queue_move(Task *task, int fd, BlockAccess access, u64 offset,
                const struct iovec *iov, unsigned n)
{
    task->fd = fd;
    task->is_flush = false;
    task->access = access;
    task->offset = offset;
    task->iov = iov;
    task->n_iov = n;
    queue_push(task);
}

void queue_flush(Task *task, int fd)
{
    task->fd = fd;
    task->is_flush = true;
    queue_push(task);
}

/* ---- what is done ---- */

static bool reap_ended(Queue *queue)
{
    bool some = false;
    Task *task;

    do {
        pthread_mutex_lock(&queue->lock);
        task = list_take(&queue->ended);
        pthread_mutex_unlock(&queue->lock);
        if (task) {
            some = true;
            task->done(task, task->result);
        }
    } while (task);
    return some;
}

/* Ends what is done; new requests that come of it are pushed together. */
static bool reap(Queue *queue)
{
    bool some;

    queue->plugged++;
    some = reap_ring(queue);
    some |= reap_ended(queue);
    queue->plugged--;
    if (!queue->plugged && queue->has_ring &&
        (queue->waiting.first || io_uring_sq_ready(&queue->ring))) {
        push_and_ring(queue);
    }
    return some;
}

static void bell_rang(void *opaque)
{
    Queue *queue = opaque;
    eventfd_t count;

    eventfd_read(queue->bell, &count);
    reap(queue);
}

void queue_end(Task *task, int result)
{
    Queue *queue = *(Queue **)io_queue_slot(task->io);

    task->result = result;
    pthread_mutex_lock(&queue->lock);
    list_add(&queue->ended, task);
    pthread_mutex_unlock(&queue->lock);
    eventfd_write(queue->bell, 1);
}

void queue_plug(IoContext *io)
{
    queue_of(io)->plugged++;
}

void queue_unplug(IoContext *io)
{
    Queue *queue = queue_of(io);

    while (queue->plugged == 1 && queue->waiting.first && queue->out < OUT_MAX &&
           push(queue)) {
        reap(queue);
    }
    queue->plugged--;
}

void queue_wait(IoContext *io)
{
    Queue *queue = queue_of(io);
    struct pollfd bell = { .fd = queue->bell, .events = POLLIN };

    if (queue->waiting.first && queue->has_ring && push(queue)) {
        reap(queue);
    } else if (!reap(queue)) {
        poll(&bell, 1, -1);
        bell_rang(queue);
    }
}

/* ---- workers ---- */

static void work(void *data, void *unused)
{
    Task *task = data;

    (void)unused;
    queue_end(task, task->work(task));
}

void queue_work(Task *task, bool may_wait)
{
    static GThreadPool *pool[2];
    static gsize ready;

    if (g_once_init_enter(&ready)) {
        pool[0] = g_thread_pool_new(work, NULL, WORKERS, FALSE, NULL);
        pool[1] = g_thread_pool_new(work, NULL, WAITING_WORKERS, FALSE, NULL);
        g_once_init_leave(&ready, 1);
    }
    g_thread_pool_push(pool[may_wait], task, NULL);
}
