/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A renderer's thread and the jobs on their way to it and back (gpu_render.h): what the
 * one of the module and the one that speaks with a process of its own have in common.
 *
 *     device  -- push, wake -->  to do  -- take -->  thread
 *     device  <-- finished --    done   <-- finish, `done` is written --
 *
 * A job that somebody waits for goes back to him alone.  Any thread, but for what says
 * otherwise; nothing of the machine's is used.
 */

#ifndef HW_VIRTIO_GPU_RENDER_JOBS_H
#define HW_VIRTIO_GPU_RENDER_JOBS_H

#include "hw/virtio/gpu_render.h"

typedef struct {
    GThread *thread;
    GMutex lock;                    /* guards what follows, but for the eventfds */
    GCond changed;
    bool begun, ending;
    char *why;                      /* it could not begin */
    int wake, done;                 /* eventfds: the thread's; the device's */
    RenderJob *first, *last;        /* to do */
    RenderJob *done_first, *done_last;
} RenderJobs;

/*
 * Starts the thread and waits until it has called jobs_begun.  False: what it said;
 * the caller frees that, and calls jobs_close all the same.
 */
bool jobs_open(RenderJobs *j, const char *name, int done, GThreadFunc run, void *opaque,
               char **why) must_check;
/* Ends the thread; what was pushed is dropped. */
void jobs_close(RenderJobs *j);

void jobs_push(RenderJobs *j, RenderJob *job);
bool jobs_is_empty(RenderJobs *j);
void jobs_wake(RenderJobs *j);
RenderJob *jobs_finished(RenderJobs *j);        /* linked, the first one first */
/* Before it is pushed: it will be waited for, and stays the caller's. */
void jobs_expect(RenderJob *job);
/* False: `seconds` (0: for ever) have passed, and it is not done yet. */
bool jobs_wait(RenderJobs *j, const RenderJob *job, u32 seconds);

/* The thread's. */
void jobs_begun(RenderJobs *j, char *why);      /* takes it over; NULL: all is well */
bool jobs_is_ending(const RenderJobs *j);
bool jobs_woken(const RenderJobs *j);           /* after a poll; false: broken */
RenderJob *jobs_take(RenderJobs *j);            /* the first one, or NULL */
RenderJob *jobs_take_all(RenderJobs *j);
void jobs_put_back(RenderJobs *j, RenderJob *job);
void jobs_finish(RenderJobs *j, RenderJob *job);

#endif
