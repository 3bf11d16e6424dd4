/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The renderer in a process of its own (isolated=on): what its files share.
 *
 *     gpu_isolated.c          the thread that speaks with the process; its table
 *     gpu_isolated_socket.c   what goes to it and comes from it
 *     gpu_isolated_start.c    the process: its start and its end
 *     gpu_isolated_job.c      jobs and answers: what they move of the guest's memory
 *     gpu_isolated_pages.c    the guest's pages and the process's copy of them
 *     gpu_isolated_wire.h     what goes through the socket
 *     virgl/process.c         the other side
 *
 * For the device it is a renderer like the one of the module (gpu_render.h).  The
 * process has no piece of the guest's RAM: a resource's pages have a copy in memory
 * that both sides see, and only what a transfer names is copied, here, before the job
 * is sent or after its answer has come.  So it works with RAM of any kind, that of a
 * restored snapshot too.
 *
 *     guest's pages  <-- copied here -->  shared memory  <-- the library's -->  texture
 *
 * A process that ends, says what can't be, or is silent for too long with jobs to do is
 * killed and mourned in one line.  Its jobs fail then, and all that follow, until the
 * driver resets the device: that starts a new one.
 *
 * All but the functions of the table at the end of gpu_isolated.c runs on the thread,
 * or in its place while it waits (`busy`).
 */

#ifndef HW_VIRTIO_GPU_ISOLATED_H
#define HW_VIRTIO_GPU_ISOLATED_H

#include "hw/virtio/gpu_isolated_wire.h"
#include "hw/virtio/gpu_render_jobs.h"

enum { QUERY_RESULT = 16 };         /* bytes, at the beginning of a query's resource */

/* A resource's pages and their copy. */
typedef struct {
    int refs;
    struct iovec *iov;
    u64 *start;                     /* of each range in the resource */
    u32 n_iov;
    u8 *copy;                       /* shared memory */
    u64 bytes;
    u64 *charged;                   /* where `bytes` are counted */
    unsigned reading;               /* answers to come that change the pages */
    bool watched;                   /* a query's result comes here */
    u8 seen[QUERY_RESULT];          /* what both sides had of it last */
} Pages;

typedef struct {
    GpuCreate3d create;
    u32 line;                       /* bytes of the first level's; 0: not known */
    bool query;                     /* results of queries come here */
    Pages *pages;                   /* or NULL */
} Known;

/* Lines of bytes in a resource's pages. */
typedef struct {
    Pages *pages;
    u64 first, each, step, layer_step;
    u32 lines, layers;
} Lines;

typedef struct {
    RenderJob *job;
    GArray *parts;                  /* Lines that the answer changes; or NULL */
} Flight;

struct Renderer {
    RenderHost host;
    char *render_node, *program;
    RenderJobs jobs;

    GMutex busy;                    /* guards what follows; held but for the wait */
    bool watches;                   /* the wait is at most a second */
    IsolatedHello hello;
    RenderCapset capset[GPU_CAPSETS];
    int pid, socket;                /* -1: the renderer is lost */
    u32 number;                     /* the newest */
    GHashTable *flights;            /* number -> Flight */
    GHashTable *known;              /* resource -> Known */
    GHashTable *watched;            /* Pages */
    u64 shared;                     /* bytes of all copies */
    unsigned reading;               /* flights that change pages */
    gint64 silent;                  /* us since something came, with flights open */
    GByteArray *out;                /* to be sent, from `sent` on */
    size_t sent;
    int fd;                         /* goes with it, or -1 */
    GByteArray *in;                 /* what has come of an answer */
};

/* gpu_isolated_socket.c */
bool isolated_write(Renderer *r);       /* some of `out`; false: the process is gone */
/* All that has come; or what is wrong with it. */
const char *isolated_read(Renderer *r, bool *gone);

/* gpu_isolated_start.c: false and the reason, which the caller frees. */
bool isolated_start(Renderer *r, char **why);
/* Its end, at once or once it has ended itself: how it did, which the caller frees. */
char *isolated_end(Renderer *r, bool now);

/* gpu_isolated_job.c */
void isolated_begin(Renderer *r);
/* False: not yet, answers must come before; or `quick`, and there is much to do. */
bool isolated_send(Renderer *r, RenderJob *job, bool quick);
/* How much data may be behind it. */
u64 isolated_most(const Renderer *r, const IsolatedAnswer *answer);
/* An answer and its data; false: it can't be one. */
bool isolated_answer(Renderer *r, const IsolatedAnswer *answer, const u8 *data);
void isolated_fail(Renderer *r);        /* all flights; no resources any more */

/* gpu_isolated_pages.c */
/* NULL: no memory.  Takes the ranges over; *fd is the caller's. */
Pages *pages_new(struct iovec *iov, u32 n, u64 *charged, u64 limit, int *fd);
void pages_unref(Pages *p);
void pages_watch(Pages *p);
void pages_watch_in(Pages *p);          /* what the driver has written */
void pages_watch_out(Pages *p);         /* the result, if there is one */
/* Where a box of `of` lies in pages; stride and layer_stride may be 0. */
Lines lines_of(Pages *pages, const Known *of, const GpuTransfer3d *box);
void lines_in(const Lines *part);         /* from the guest */
void lines_out(const Lines *part);        /* to it */

#endif
