/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O threads and the loops that devices are served in: see io.h.
 */

#include "base/io.h"

#include "base/lock.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct IoContext {
    char *id;
    GMainContext *loop;             /* NULL: the default one, of the main thread */
    GThread *thread;
    int tid;
    bool ending;                    /* atomic */
    pthread_mutex_t lock;           /* not for the main one */
    void *queue;
};

struct IoWatch {
    GSource source;
    IoContext *io;                  /* atomic: set last, before the loop sees it */
    IoReadyFn *ready;
    void *opaque;
    bool gone;                      /* under the lock */
};

static IoContext main_io = { .id = (char *)"main" };
static GPtrArray *threads;
static __thread IoContext *held;    /* the I/O thread's lock that this thread has */

IoContext *io_main(void)
{
    return &main_io;
}

const char *io_id(const IoContext *io)
{
    return io->id;
}

int io_thread_tid(const IoContext *io)
{
    return io->tid;
}

GMainContext *io_loop(const IoContext *io)
{
    return io->loop;
}

void **io_queue_slot(IoContext *io)
{
    return &io->queue;
}

/* ---- the lock ---- */

void io_lock(IoContext *io)
{
    if (io == &main_io) {
        machine_lock();
        return;
    }
    g_assert(!held);
    pthread_mutex_lock(&io->lock);
    held = io;
}

void io_unlock(IoContext *io)
{
    if (io == &main_io) {
        machine_unlock();
        return;
    }
    g_assert(held == io);
    held = NULL;
    pthread_mutex_unlock(&io->lock);
}

bool io_locked(IoContext *io)
{
    return io == &main_io ? machine_lock_held() : held == io;
}

/* ---- threads ---- */

static void *thread_run(void *opaque)
{
    IoContext *io = opaque;

    __atomic_store_n(&io->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
    g_main_context_push_thread_default(io->loop);
    while (!__atomic_load_n(&io->ending, __ATOMIC_ACQUIRE)) {
        g_main_context_iteration(io->loop, TRUE);
    }
    g_main_context_pop_thread_default(io->loop);
    return NULL;
}

IoContext *io_thread_new(const char *id, GError **err)
{
    IoContext *io = g_new0(IoContext, 1);
    g_autofree char *name = g_strdup_printf("IO %.10s", id);

    io->id = g_strdup(id);
    io->loop = g_main_context_new();
    pthread_mutex_init(&io->lock, NULL);
    io->thread = g_thread_try_new(name, thread_run, io, err);
    if (!io->thread) {
        io_thread_free(io);
        return NULL;
    }
    if (!threads) {
        threads = g_ptr_array_new();
    }
    g_ptr_array_add(threads, io);
    return io;
}

void io_thread_free(IoContext *io)
{
    if (io->thread) {
        __atomic_store_n(&io->ending, true, __ATOMIC_RELEASE);
        g_main_context_wakeup(io->loop);
        g_thread_join(io->thread);
        g_ptr_array_remove(threads, io);
    }
    g_main_context_unref(io->loop);
    pthread_mutex_destroy(&io->lock);
    g_free(io->id);
    g_free(io);
}

IoContext *io_find(const char *id, GError **err)
{
    for (unsigned i = 0; threads && i < threads->len; i++) {
        IoContext *io = threads->pdata[i];

        if (strcmp(io->id, id) == 0) {
            return io;
        }
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "there is no I/O thread '%s': -object iothread,id=%s makes it", id, id);
    return NULL;
}

/* ---- what the loop waits for ---- */

static gboolean watch_dispatch(GSource *source, GSourceFunc unused, gpointer opaque)
{
    IoWatch *watch = (IoWatch *)source;
    IoContext *io = __atomic_load_n(&watch->io, __ATOMIC_ACQUIRE);
    bool took = io_enter(io);

    (void)unused, (void)opaque;
    if (!watch->gone) {
        watch->ready(watch->opaque);
    }
    io_leave(io, took);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs watch_funcs = { .dispatch = watch_dispatch };

static IoWatch *watch_new(GSourceFuncs *funcs, IoContext *io, IoReadyFn *ready,
                          void *opaque)
{
    IoWatch *watch = (IoWatch *)g_source_new(funcs, sizeof(IoWatch));

    watch->ready = ready;
    watch->opaque = opaque;
    /*
     * GLib keeps a source from being called within itself by taking it out of what the
     * loop polls, which wakes the loop twice each time.  Under the lock nobody turns
     * the loop, so there is nothing to keep it from.
     */
    g_source_set_can_recurse(&watch->source, TRUE);
    __atomic_store_n(&watch->io, io, __ATOMIC_RELEASE);
    return watch;
}

IoWatch *io_watch(IoContext *io, int fd, IoReadyFn *ready, void *opaque)
{
    IoWatch *watch = watch_new(&watch_funcs, io, ready, opaque);

    g_source_add_unix_fd(&watch->source, fd, G_IO_IN);
    g_source_attach(&watch->source, io->loop);
    return watch;
}

void io_unwatch(IoWatch *watch)
{
    if (watch) {
        watch->gone = true;
        g_source_destroy(&watch->source);
        g_source_unref(&watch->source);
    }
}

static gboolean post_dispatch(GSource *source, GSourceFunc unused, gpointer opaque)
{
    watch_dispatch(source, unused, opaque);
    return G_SOURCE_REMOVE;
}

static GSourceFuncs post_funcs = { .dispatch = post_dispatch };

void io_post(IoContext *io, IoReadyFn *fn, void *opaque)
{
    IoWatch *watch = watch_new(&post_funcs, io, fn, opaque);

    g_source_set_ready_time(&watch->source, 0);
    g_source_attach(&watch->source, io->loop);
    g_source_unref(&watch->source);
}

typedef struct {
    IoReadyFn *fn;
    void *opaque;
    pthread_mutex_t lock;           /* over all */
    pthread_cond_t ended;
    bool done;
} Run;

static gboolean run_dispatch(gpointer opaque)
{
    Run *run = opaque;

    pthread_mutex_lock(&run->lock);
    run->fn(run->opaque);
    run->done = true;
    pthread_cond_signal(&run->ended);
    pthread_mutex_unlock(&run->lock);
    return G_SOURCE_REMOVE;
}

void io_run(IoContext *io, IoReadyFn *fn, void *opaque)
{
    Run run = { fn, opaque, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                false };
    GSource *source;

    if (io == &main_io) {
        fn(opaque);
        return;
    }
    g_assert(!held);
    pthread_mutex_lock(&run.lock);
    source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, run_dispatch, &run, NULL);
    g_source_attach(source, io->loop);
    g_source_unref(source);
    while (!run.done) {
        pthread_cond_wait(&run.ended, &run.lock);
    }
    pthread_mutex_unlock(&run.lock);
}
