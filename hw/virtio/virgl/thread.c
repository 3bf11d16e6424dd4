/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The renderer's thread, its jobs and its fences; and, last, the module's table, whose
 * functions any thread may call.  See inside.h and gpu_render.h.
 *
 * virglrenderer is one per process and is used by this thread alone.  It waits for
 * fences on a thread of its own and says through a descriptor that some have passed.
 */

#define VIRGL_RENDERER_UNSTABLE_APIS    /* fences of contexts' rings */

#include "hw/virtio/virgl/inside.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virgl/virglrenderer.h>

enum { VULKAN_MS = 100 };

static RenderHost the_host;         /* the library's log has no cookie */

/* ---- what the library asks of us ---- */

static virgl_renderer_gl_context new_context(void *cookie, int scanout,
                                             struct virgl_renderer_gl_ctx_param *param)
{
    Renderer *r = cookie;

    (void)scanout;
    return egl_new_context(&r->egl, param->major_ver, param->minor_ver);
}

static void free_context(void *cookie, virgl_renderer_gl_context context)
{
    eglDestroyContext(((Renderer *)cookie)->egl.display, context);
}

/* Also on the library's own thread. */
static int use_context(void *cookie, int scanout, virgl_renderer_gl_context context)
{
    Renderer *r = cookie;

    (void)scanout;
    return !eglMakeCurrent(r->egl.display, EGL_NO_SURFACE, EGL_NO_SURFACE, context);
}

/* The library's from now on. */
static int give_server(void *cookie, uint32_t version)
{
    (void)version;
    return ((Renderer *)cookie)->host.venus;
}

/* ---- fences ---- */

void render_finish(Renderer *r, RenderJob *job)
{
    if (r->host.answer) {
        r->host.answer(job);
    } else {
        jobs_finish(&r->jobs, job);
    }
}

static bool of_ring(const RenderJob *job)
{
    return job->header.flags & GPU_FLAG_RING;
}

/* Finishes the fenced jobs that `passed` says yes to. */
static void pass(Renderer *r, bool (*passed)(const RenderJob *, const void *),
                 const void *what)
{
    RenderJob **at = &r->fenced, *job;

    r->fenced_last = NULL;
    while ((job = *at)) {
        if (passed(job, what)) {
            *at = job->next;
            render_finish(r, job);
        } else {
            r->fenced_last = job;
            at = &job->next;
        }
    }
}

static bool up_to(const RenderJob *job, const void *fence)
{
    return !of_ring(job) && (s32)(job->fence - *(const u32 *)fence) <= 0;
}

static void fence_passed(void *cookie, uint32_t fence)
{
    pass(cookie, up_to, &fence);
}

typedef struct { u32 context, ring, fence; } RingFence;

static bool up_to_in_ring(const RenderJob *job, const void *what)
{
    const RingFence *f = what;

    return of_ring(job) && job->header.ctx_id == f->context &&
           job->header.ring == f->ring && (s32)(job->fence - f->fence) <= 0;
}

static void ring_fence_passed(void *cookie, uint32_t context, uint32_t ring,
                              uint64_t fence)
{
    pass(cookie, up_to_in_ring, &(RingFence){ context, ring, fence });
}

static bool of_context(const RenderJob *job, const void *context)
{
    u32 wanted = *(const u32 *)context;

    return !wanted || (of_ring(job) && job->header.ctx_id == wanted);
}

void render_drop_fences(Renderer *r, u32 context)
{
    pass(r, of_context, &context);
}

/* True if the job now waits for one. */
static bool fence(Renderer *r, RenderJob *job)
{
    int bad;

    if (!(job->header.flags & GPU_FLAG_FENCE) || job->answer >= GPU_ERR_UNSPEC ||
        job->type == GPU_SET_SCANOUT || job->type == GPU_SET_SCANOUT_BLOB) {
        return false;
    }
    job->fence = ++r->fence;
    bad = of_ring(job)
          ? virgl_renderer_context_create_fence(job->header.ctx_id, 0, job->header.ring,
                                                job->fence)
          : virgl_renderer_create_fence(job->fence, job->header.ctx_id);
    if (bad) {
        return false;
    }
    job->next = NULL;
    if (r->fenced_last) {
        r->fenced_last->next = job;
    } else {
        r->fenced = job;
    }
    r->fenced_last = job;
    return true;
}

/* ---- jobs ---- */

static void reset(Renderer *r)
{
    shown_forget(r, 0);
    render_free_all(r);
    render_drop_fences(r, 0);
}

static void wait_for_fences(Renderer *r)
{
    for (unsigned ms = 0; r->fenced && ms < 10000; ms++) {
        virgl_renderer_poll();
        g_usleep(r->fenced ? 1000 : 0);
    }
    render_drop_fences(r, 0);           /* a GPU that hangs: as if it had answered */
}

void render_work(Renderer *r, RenderJob *job)
{
    job->answer = GPU_OK;
    switch (job->type) {
    case RENDER_RESET:   reset(r); break;
    case RENDER_READ:    shown_read(r, job); break;
    case RENDER_WINDOW:  shown_window(r, job); break;
    case RENDER_POINTER: shown_pointer(r, job); break;
    case RENDER_CURSOR:  shown_read_cursor(r, job); break;
    case RENDER_WAIT:    wait_for_fences(r); break;
    case RENDER_SAVE:    content_save(r, job); break;
    case RENDER_LOAD:    content_load(r, job); break;
    default:             render_command(r, job);
    }
    if (job->waited || !fence(r, job)) {
        render_finish(r, job);
    }
}

/* Milliseconds until the library is asked about fences, whatever happens; -1: never. */
static int patience(const Renderer *r, bool told, unsigned vulkan)
{
    if (!r->fenced || (told && !vulkan)) {
        return -1;
    }
    return told ? VULKAN_MS : 1;        /* Vulkan's process may have ended */
}

static void loop(Renderer *r)
{
    struct pollfd fds[3 + GPU_CONTEXTS_MAX] = {
        { .fd = r->jobs.wake, .events = POLLIN },
        { .fd = virgl_renderer_get_poll_fd(), .events = POLLIN },
        { .fd = r->host.receive ? r->host.socket : -1, .events = POLLIN } };
    bool told = fds[1].fd >= 0;
    RenderJob *job, *next;

    while (!jobs_is_ending(&r->jobs)) {
        int pause = shown_draw(r);
        unsigned vulkan = venus_poll(r, fds + 3);
        int longest = patience(r, told, vulkan);
        bool passed = false;

        poll(fds, 3 + vulkan, pause < 0 || (longest >= 0 && longest < pause) ? longest
                                                                            : pause);
        for (unsigned i = 1; i < 3 + vulkan; i++) {
            passed |= i != 2 && fds[i].revents & POLLIN;
        }
        if (fds[0].revents && !jobs_woken(&r->jobs)) {
            return;
        }
        if (fds[2].revents) {
            r->host.receive(r);
        }
        for (job = jobs_take_all(&r->jobs); job; job = next) {
            next = job->next;
            render_work(r, job);
        }
        if (r->fenced || passed) {
            virgl_renderer_poll();
        }
    }
}

/* ---- life ---- */

static void library_says(const char *format, va_list args)
{
    char text[256];

    vsnprintf(text, sizeof text, format, args);
    if (the_host.log) {
        the_host.log(g_strchomp(text));
    }
}

static void read_capsets(Renderer *r)
{
    static const u32 ids[GPU_CAPSETS] = { GPU_CAPSET_VIRGL, GPU_CAPSET_VIRGL2,
                                          GPU_CAPSET_VENUS };

    for (unsigned i = 0; i < (r->venus ? GPU_CAPSETS : GPU_CAPSETS - 1); i++) {
        RenderCapset *c = &r->capset[i];

        c->id = ids[i];
        virgl_renderer_get_cap_set(c->id, &c->version, &c->bytes);
        c->data = g_malloc0(MAX(c->bytes, 1));
        if (c->bytes) {
            virgl_renderer_fill_caps(c->id, c->version, c->data);
        }
    }
}

/* NULL, or why not, which the caller frees. */
static char *begin(Renderer *r)
{
    static struct virgl_renderer_callbacks callbacks = {
        .version = 3,
        .write_fence = fence_passed,
        .create_gl_context = new_context,
        .destroy_gl_context = free_context,
        .make_current = use_context,
        .write_context_fence = ring_fence_passed,
        .get_server_fd = give_server,
    };
    const char *why = "no EGL (package libegl1)";
    int flags = VIRGL_RENDERER_THREAD_SYNC;

    if (!egl_open(&r->egl, &r->host, &why)) {
        return g_strdup(why);
    }
    the_host = r->host;
    virgl_set_debug_callback(library_says);
    if (r->host.venus) {
        why = venus_open(r);
        flags |= VIRGL_RENDERER_VENUS | VIRGL_RENDERER_RENDER_SERVER;
        if (why) {
            return g_strdup(why);
        }
    }
    if (virgl_renderer_init(r, flags, &callbacks) != 0) {
        return g_strdup_printf("virglrenderer can't draw with '%s'%s", r->egl.name,
                               r->venus ? " and venus=on" : "");
    }
    read_capsets(r);
    return r->venus && !r->capset[GPU_CAPSETS - 1].bytes
           ? g_strdup("venus=on: this virglrenderer was built without it") : NULL;
}

static gpointer run_thread(gpointer opaque)
{
    Renderer *r = opaque;
    char *why = begin(r);
    bool good = !why;

    jobs_begun(&r->jobs, why);
    if (good) {
        loop(r);
        reset(r);
        shown_close(r);
        virgl_renderer_cleanup(r);
    }
    venus_close(r);
    egl_close(&r->egl);
    return NULL;
}

static void close_renderer(Renderer *r)
{
    jobs_close(&r->jobs);
    for (unsigned i = 0; i < GPU_CAPSETS; i++) {
        g_free(r->capset[i].data);
    }
    g_hash_table_unref(r->contexts);
    g_hash_table_unref(r->resources);
    g_hash_table_unref(r->maps);
    g_hash_table_unref(r->wide);
    g_free(r);
}

static Renderer *open_renderer(const RenderHost *host, char **why)
{
    Renderer *r = g_new0(Renderer, 1);

    setenv("EGL_LOG_LEVEL", "fatal", 0);        /* what fails is said in one line */
    r->host = *host;
    r->contexts = g_hash_table_new(NULL, NULL);
    r->resources = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    r->maps = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    r->wide = g_hash_table_new(NULL, NULL);
    if (!jobs_open(&r->jobs, "virgl", host->done, run_thread, r, why)) {
        close_renderer(r);
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
    *software = r->egl.software;
    *where = r->egl.where;
    return r->egl.name;
}

static void post(Renderer *r, RenderJob *job)
{
    jobs_push(&r->jobs, job);
}

static void run(Renderer *r, RenderJob *job)
{
    bool again = false;

    jobs_expect(job);
    jobs_push(&r->jobs, job);
    while (!jobs_wait(&r->jobs, job, r->host.venus ? r->host.watchdog : 0)) {
        venus_give_up(r, again);
        again = true;
    }
}

static RenderJob *finished(Renderer *r)
{
    return jobs_finished(&r->jobs);
}

extern const RenderModule gpu_renderer;
const RenderModule gpu_renderer = {
    .open = open_renderer, .close = close_renderer, .capset = capset, .name = name,
    .vulkan = venus_name,
    .post = post, .run = run, .finished = finished, .maps = true,
};
