/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A renderer's thread and its jobs: see gpu_render_jobs.h. */

#include "hw/virtio/gpu_render_jobs.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- the thread's life ---- */

bool jobs_open(RenderJobs *j, const char *name, int done, GThreadFunc run, void *opaque,
               char **why)
{
    g_mutex_init(&j->lock);
    g_cond_init(&j->changed);
    j->done = done;
    j->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (j->wake < 0) {
        *why = g_strdup_printf("no eventfd: %s", g_strerror(errno));
        return false;
    }
    j->thread = g_thread_new(name, run, opaque);
    g_mutex_lock(&j->lock);
    while (!j->begun) {
        g_cond_wait(&j->changed, &j->lock);
    }
    g_mutex_unlock(&j->lock);
    *why = g_steal_pointer(&j->why);
    return !*why;
}

static void free_jobs(RenderJob *job)
{
    for (RenderJob *next; job; job = next) {
        next = job->next;
        render_job_clear(job);
        g_free(job);
    }
}

void jobs_close(RenderJobs *j)
{
    __atomic_store_n(&j->ending, true, __ATOMIC_RELEASE);
    if (j->thread) {
        jobs_wake(j);
        g_thread_join(j->thread);
    }
    free_jobs(j->first);
    free_jobs(j->done_first);
    if (j->wake >= 0) {
        close(j->wake);
    }
    g_mutex_clear(&j->lock);
    g_cond_clear(&j->changed);
}

void jobs_begun(RenderJobs *j, char *why)
{
    g_mutex_lock(&j->lock);
    j->why = why;
    j->begun = true;
    g_cond_broadcast(&j->changed);
    g_mutex_unlock(&j->lock);
}

bool jobs_is_ending(const RenderJobs *j)
{
    return __atomic_load_n(&j->ending, __ATOMIC_ACQUIRE);
}

void jobs_wake(RenderJobs *j)
{
    u64 one = 1;

    if (write(j->wake, &one, sizeof one) < 0) {
        /* an eventfd that is full wakes it as well */
    }
}

bool jobs_woken(const RenderJobs *j)
{
    u64 count;

    return read(j->wake, &count, sizeof count) >= 0 || errno == EAGAIN;
}

/* ---- to it ---- */

void jobs_push(RenderJobs *j, RenderJob *job)
{
    bool first;

    job->next = NULL;
    g_mutex_lock(&j->lock);
    first = !j->last;
    if (first) {
        j->first = j->last = job;
    } else {
        j->last = j->last->next = job;
    }
    g_mutex_unlock(&j->lock);
    if (first) {
        jobs_wake(j);
    }
}

bool jobs_is_empty(RenderJobs *j)
{
    bool empty;

    g_mutex_lock(&j->lock);
    empty = !j->first;
    g_mutex_unlock(&j->lock);
    return empty;
}

RenderJob *jobs_take(RenderJobs *j)
{
    RenderJob *job;

    g_mutex_lock(&j->lock);
    job = j->first;
    if (job) {
        j->first = job->next;
        j->last = j->first ? j->last : NULL;
    }
    g_mutex_unlock(&j->lock);
    return job;
}

RenderJob *jobs_take_all(RenderJobs *j)
{
    RenderJob *all;

    g_mutex_lock(&j->lock);
    all = j->first;
    j->first = j->last = NULL;
    g_mutex_unlock(&j->lock);
    return all;
}

void jobs_put_back(RenderJobs *j, RenderJob *job)
{
    g_mutex_lock(&j->lock);
    job->next = j->first;
    j->first = job;
    j->last = j->last ? j->last : job;
    g_mutex_unlock(&j->lock);
}

/* ---- and back ---- */

void jobs_finish(RenderJobs *j, RenderJob *job)
{
    u64 one = 1;

    job->next = NULL;
    g_mutex_lock(&j->lock);
    if (job->waited) {
        job->ready = true;
        g_cond_broadcast(&j->changed);
    } else if (j->done_last) {
        j->done_last = j->done_last->next = job;
    } else {
        j->done_first = j->done_last = job;
        if (write(j->done, &one, sizeof one) < 0) {
            /* an eventfd that is full is read soon */
        }
    }
    g_mutex_unlock(&j->lock);
}

RenderJob *jobs_finished(RenderJobs *j)
{
    RenderJob *all;

    g_mutex_lock(&j->lock);
    all = j->done_first;
    j->done_first = j->done_last = NULL;
    g_mutex_unlock(&j->lock);
    return all;
}

void jobs_expect(RenderJob *job)
{
    job->waited = true;
    job->ready = false;
}

bool jobs_wait(RenderJobs *j, const RenderJob *job, u32 seconds)
{
    gint64 end = g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
    bool ready, late = false;

    g_mutex_lock(&j->lock);
    while (!job->ready && !late) {
        if (seconds) {
            late = !g_cond_wait_until(&j->changed, &j->lock, end);
        } else {
            g_cond_wait(&j->changed, &j->lock);
        }
    }
    ready = job->ready;
    g_mutex_unlock(&j->lock);
    return ready;
}
