/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A renderer that draws nothing: see fake_render.h.
 */

#include "tests/lib/fake_render.h"

#include "hw/virtio/gpu_gl.h"

#include <string.h>

struct Renderer {
    RenderJob *first, *last;
    struct { u32 resource; GpuRect rect; } shown[GPU_SCANOUTS];
};

FakeRender fake_render_state;

/* Of every blob. */
static u8 memory[64 << 10] __attribute__((aligned(4096)));

static u8 caps[][64] = { { 1, 1 }, { 2, 2 }, { 4, 4 } };
static const RenderCapset capsets[] = { { 1, 1, 64, caps[0] }, { 2, 2, 64, caps[1] },
                                        { GPU_CAPSET_VENUS, 0, 64, caps[2] } };

static Renderer *open_fake(const RenderHost *host, char **why)
{
    (void)host;
    (void)why;
    return g_new0(Renderer, 1);
}

static RenderJob *finished(Renderer *r)
{
    RenderJob *all = fake_render_state.hold ? NULL : r->first;

    if (all) {
        r->first = r->last = NULL;
    }
    return all;
}

static void close_fake(Renderer *r)
{
    for (RenderJob *job = r->first, *next; job; job = next) {
        next = job->next;
        render_job_clear(job);
        g_free(job);
    }
    g_free(r);
}

static const RenderCapset *capset(const Renderer *r, unsigned n)
{
    (void)r;
    return n < G_N_ELEMENTS(capsets) ? &capsets[n] : NULL;
}

static const char *name(const Renderer *r, bool *software, const char **where)
{
    (void)r;
    *software = true;
    *where = "a test";
    return "nothing";
}

/* All of what a scanout shows, in one color. */
static void read_back(const Renderer *r, RenderJob *job, u32 n)
{
    GpuRect rect = r->shown[n].rect;
    size_t count = (size_t)rect.width * rect.height;
    RenderPicture picture = { n, 0, 0, rect.width, rect.height, g_new(u32, count + 1) };

    for (size_t i = 0; i < count; i++) {
        picture.pixels[i] = 0x336699;
    }
    job->pictures = g_array_new(false, false, sizeof picture);
    g_array_append_val(job->pictures, picture);
}

static void save(RenderJob *job, u32 pixel)
{
    const GpuCreate3d *c = &job->in.create_3d;
    u32 n = c->target == GPU_TEXTURE_BUFFER || !pixel ? 0 : c->width * c->height;

    job->bytes = n * 4;
    job->data = g_malloc(n * 4 + 4);
    for (u32 i = 0; i < n; i++) {
        memcpy(job->data + i * 4, &pixel, 4);
    }
}

static void note(Renderer *r, RenderJob *job)
{
    FakeRender *f = &fake_render_state;

    f->last = job->type;
    f->jobs++;
    f->contexts += job->type == GPU_CTX_CREATE;
    f->resets += job->type == RENDER_RESET;
    job->answer = f->answer ? f->answer : GPU_OK;
    if (job->type == GPU_SET_SCANOUT) {
        r->shown[job->in.scanout.scanout].resource = job->in.scanout.resource;
        r->shown[job->in.scanout.scanout].rect = job->in.scanout.rect;
    } else if (job->type == GPU_MAP_BLOB) {
        job->answer = job->answer == GPU_OK ? GPU_OK_MAP_INFO : job->answer;
        job->map = memory;
        job->map_bytes = sizeof memory;
    } else if (job->type == RENDER_READ) {
        read_back(r, job, job->scanout);
    } else if (job->type == RENDER_SAVE) {
        save(job, f->pixel);
    } else if (job->type == RENDER_CURSOR) {
        job->bytes = GPU_CURSOR_SIZE * GPU_CURSOR_SIZE * 4;
        job->data = g_malloc0(job->bytes);
    }
}

static void post(Renderer *r, RenderJob *job)
{
    note(r, job);
    job->next = NULL;
    if (r->last) {
        r->last->next = job;
    } else {
        r->first = job;
    }
    r->last = job;
}

static void run(Renderer *r, RenderJob *job)
{
    note(r, job);
}

const RenderModule fake_render = {
    .open = open_fake, .close = close_fake, .capset = capset, .name = name,
    .post = post, .run = run, .finished = finished, .at_once = true, .maps = true,
};

void fake_render_install(void)
{
    gpu_render_hook = &fake_render;
}
