/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that speaks with the isolated renderer; and, last, the table, whose
 * functions any thread may call.  See gpu_isolated.h.
 *
 * It never waits for the process at a job: what can't be sent yet stays, and answers
 * are taken meanwhile.  Who posts a job sends it there and then, if nothing is in the
 * way and nothing of the guest's memory is to be copied.
 */

#include "hw/virtio/gpu_isolated.h"

#include "base/log.h"
#include "ui/frontend.h"

#include <poll.h>
#include <unistd.h>

enum { SECOND_US = 1000000 };

/* ---- its loss ---- */

static void clear_buffers(Renderer *r)
{
    g_byte_array_set_size(r->out, 0);
    g_byte_array_set_size(r->in, 0);
    r->sent = 0;
    if (r->fd >= 0) {
        close(r->fd);
    }
    r->fd = -1;
    r->silent = 0;
}

/* `why`: it is to be killed for that.  NULL: it has ended. */
static void lose(Renderer *r, const char *why)
{
    g_autofree char *how = isolated_end(r, why);

    clear_buffers(r);
    isolated_fail(r);
    warn_user("the renderer's process %s: the guest has no 3D any more until its "
              "driver resets the display", why ? why : how ? how : "is gone");
}

static void start_again(Renderer *r)
{
    g_autofree char *why = NULL;

    if (!isolated_start(r, &why)) {
        warn_user("no new renderer's process: %s", why);
    }
}

/* ---- jobs ---- */

/* Windows are the machine's, and what draws into them is not. */
static bool is_for_windows(const RenderJob *job)
{
    return job->type == RENDER_WINDOW || job->type == RENDER_POINTER;
}

static u32 answer_without(const RenderJob *job)
{
    return job->type == RENDER_RESET || job->type == RENDER_WAIT ||
           job->type == RENDER_POINTER ? GPU_OK : GPU_ERR_UNSPEC;
}

/* False: it must wait, and with it all behind it. */
static bool send_one(Renderer *r, RenderJob *job)
{
    if (r->socket < 0 && job->type == RENDER_RESET) {
        start_again(r);
    }
    if (r->socket >= 0 && !is_for_windows(job)) {
        return isolated_send(r, job, false);
    }
    job->answer = answer_without(job);
    jobs_finish(&r->jobs, job);
    return true;
}

/* ---- what is to do ---- */

/* Makes the next message, when the last one has gone. */
static void next_job(Renderer *r)
{
    RenderJob *job;

    while (!r->out->len && (job = jobs_take(&r->jobs))) {
        if (!send_one(r, job)) {
            jobs_put_back(&r->jobs, job);
            return;
        }
        if (r->out->len && !isolated_write(r)) {
            lose(r, NULL);
        }
    }
}

/* ---- the thread ---- */

/* Machine and process may have been stopped: a long wait counts as a short one. */
static bool is_hung(Renderer *r, gint64 waited)
{
    if (!g_hash_table_size(r->flights)) {
        r->silent = 0;
        return false;
    }
    r->silent += MIN(waited, SECOND_US);
    return r->host.watchdog && r->silent > (gint64)r->host.watchdog * SECOND_US;
}

static void serve(Renderer *r, short events, gint64 waited)
{
    const char *why = NULL;
    bool gone = false;

    if (events & (POLLIN | POLLHUP | POLLERR)) {
        r->silent = 0;
        why = isolated_read(r, &gone);
    } else if (is_hung(r, waited)) {
        why = "did not get on with its work and was ended";
    }
    if (!why && !gone && (events & POLLOUT)) {
        gone = !isolated_write(r);
    }
    if (why || gone) {
        lose(r, why);
    }
}

/* Waits, for a second at most while there is something to be watched. */
static void wait(Renderer *r, struct pollfd *fds)
{
    r->watches = r->watches || g_hash_table_size(r->flights);
    g_mutex_unlock(&r->busy);
    if (poll(fds, 2, r->watches ? 1000 : -1) == 0) {
        r->watches = false;
    }
    g_mutex_lock(&r->busy);
}

static void loop(Renderer *r)
{
    while (!jobs_is_ending(&r->jobs)) {
        gint64 before = g_get_monotonic_time();
        struct pollfd fds[2] = { { .fd = r->jobs.wake, .events = POLLIN } };

        next_job(r);
        fds[1] = (struct pollfd){ r->socket, POLLIN | (r->out->len ? POLLOUT : 0), 0 };
        wait(r, fds);
        if (fds[0].revents && !jobs_woken(&r->jobs)) {
            return;
        }
        if (r->socket >= 0) {
            serve(r, fds[1].revents, g_get_monotonic_time() - before);
        }
    }
}

static gpointer run_thread(void *opaque)
{
    Renderer *r = opaque;
    char *why = NULL;
    bool good;

    g_mutex_lock(&r->busy);
    good = isolated_start(r, &why);
    jobs_begun(&r->jobs, why);
    if (good) {
        loop(r);
        g_free(isolated_end(r, true));
        clear_buffers(r);
        isolated_fail(r);
    }
    g_mutex_unlock(&r->busy);
    return NULL;
}

/* ---- life ---- */

static void close_isolated(Renderer *r)
{
    if (r->program) {
        jobs_close(&r->jobs);
    }
    g_hash_table_unref(r->flights);
    g_hash_table_unref(r->watched);
    g_hash_table_unref(r->known);
    for (unsigned i = 0; i < GPU_CAPSETS; i++) {
        g_free(r->capset[i].data);
    }
    g_byte_array_unref(r->out);
    g_byte_array_unref(r->in);
    g_mutex_clear(&r->busy);
    g_free(r->render_node);
    g_free(r->program);
    g_free(r);
}

static Renderer *open_isolated(const RenderHost *host, char **why)
{
    g_autoptr(GError) err = NULL;
    Renderer *r = g_new0(Renderer, 1);

    r->host = *host;
    r->render_node = g_strdup(host->render_node);
    r->pid = r->socket = r->fd = -1;
    r->out = g_byte_array_new();
    r->in = g_byte_array_new();
    isolated_begin(r);
    g_mutex_init(&r->busy);
    r->program = module_file("mayfly-gpu", &err);
    if (!r->program) {
        *why = g_strdup(err->message);
    }
    if (!r->program ||
        !jobs_open(&r->jobs, "gpu-process", host->done, run_thread, r, why)) {
        close_isolated(r);
        return NULL;
    }
    return r;
}

/* ---- what the device calls ---- */

static const RenderCapset *capset(const Renderer *r, unsigned n)
{
    return n < GPU_CAPSETS && r->capset[n].bytes ? &r->capset[n] : NULL;
}

static const char *name(const Renderer *r, bool *software, const char **where)
{
    *software = r->hello.software;
    *where = r->hello.where;
    return r->hello.name;
}

/* In the thread's place; false: not now. */
static bool send_now(Renderer *r, RenderJob *job)
{
    bool sent = false;

    if (!g_mutex_trylock(&r->busy)) {
        return false;
    }
    if (jobs_is_empty(&r->jobs) && !r->out->len && r->socket >= 0 &&
        !is_for_windows(job)) {
        sent = isolated_send(r, job, true);
    }
    /* What can't be written now, and a process that is gone, are the thread's. */
    if (sent && (!isolated_write(r) || r->out->len || !r->watches)) {
        jobs_wake(&r->jobs);
    }
    g_mutex_unlock(&r->busy);
    return sent;
}

static void post(Renderer *r, RenderJob *job)
{
    if (!send_now(r, job)) {
        jobs_push(&r->jobs, job);
    }
}

static void run(Renderer *r, RenderJob *job)
{
    jobs_expect(job);
    post(r, job);
    jobs_wait(&r->jobs, job, 0);
}

static RenderJob *finished(Renderer *r)
{
    return jobs_finished(&r->jobs);
}

const RenderModule gpu_isolated = {
    .open = open_isolated, .close = close_isolated, .capset = capset, .name = name,
    .post = post, .run = run, .finished = finished,
};
