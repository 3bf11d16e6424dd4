/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the consoles of virtio-gpu with 3D show: see gpu_gl.h.  Under the machine lock.
 *
 * A window that can has the guest's texture drawn into it by the renderer.  Whoever
 * needs pixels finds them in the scanout's copy: read back at each flush where a viewer
 * takes pixels, and when they are asked for (screendump) where none does.  Reading back
 * takes at most a quarter of the time, as drawing does: a guest that flushes faster is
 * read less often, and the newest picture always is.
 *
 * A blob may be shown as lines of memory instead (SET_SCANOUT_BLOB; the state has a
 * format then): the guest's pages, or the renderer's memory while the guest has that
 * mapped.  These are copied at each flush, as they are without 3D.
 */

#include "hw/virtio/gpu_gl.h"

#include "base/lock.h"

#include <string.h>

/* ---- reading back ---- */

static void read_back(Gpu *gpu, unsigned n)
{
    RenderJob *job = g_new0(RenderJob, 1);

    job->type = RENDER_READ;
    job->scanout = n;
    job->serial = gpu->gl->shown_done;
    gpu_gl_post(gpu, job);
}

static gboolean read_what_is_stale(gpointer opaque)
{
    Gpu *gpu = opaque;

    machine_lock();
    gpu->gl->later = 0;
    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        if (gpu->gl->stale[i] && gpu->scanout[i].copy &&
            console_wants_pixels(gpu->scanout[i].console)) {
            read_back(gpu, i);
        }
    }
    machine_unlock();
    return G_SOURCE_REMOVE;
}

/* True if it is too soon, and will be done. */
static bool put_off(Gpu *gpu, unsigned n, const GpuResource *r)
{
    gint64 left = gpu->gl->due[n] - g_get_monotonic_time();

    if (left <= 0 || gpu->gl->to_show[n] != r->id) {
        return false;
    }
    gpu->gl->stale[n] = true;
    if (!gpu->gl->later) {
        gpu->gl->later = g_timeout_add(left / 1000 + 1, read_what_is_stale, gpu);
    }
    return true;
}

/* ---- judged before the renderer sees them ---- */

u32 gpu_gl_judge_scanout(Gpu *gpu, RenderJob *job)
{
    const GpuSetScanout *in = &job->in.scanout;
    const GpuResource *r = gpu_resource(gpu, in->resource);

    if (in->scanout >= gpu->config.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    if (in->resource && !r) {
        return GPU_ERR_RESOURCE;
    }
    if (r && (!gpu_rect_fits(&in->rect, r->width, r->height) || in->rect.width < 16 ||
              in->rect.height < 16 || in->rect.width > SURFACE_MAX ||
              in->rect.height > SURFACE_MAX)) {
        return GPU_ERR_PARAMETER;
    }
    job->serial = ++gpu->gl->shown;
    gpu->gl->to_show[in->scanout] = in->resource;
    return GPU_OK;
}

/* Where its lines lie is judged when they are shown. */
u32 gpu_gl_judge_scanout_blob(Gpu *gpu, RenderJob *job)
{
    const GpuScanoutBlob *in = &job->in.scanout_blob;
    const GpuResource *r = gpu_resource(gpu, in->resource);

    if (!virtio_has(&gpu->virtio, GPU_F_BLOB)) {
        return GPU_ERR_UNSPEC;
    }
    if (in->scanout >= gpu->config.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    if (in->resource && (!r || !r->blob)) {
        return GPU_ERR_RESOURCE;
    }
    if (r && (!gpu_format_known(in->format) ||
              !gpu_rect_fits(&in->rect, in->width, in->height))) {
        return GPU_ERR_PARAMETER;
    }
    job->serial = ++gpu->gl->shown;
    gpu->gl->to_show[in->scanout] = 0;
    return GPU_OK;
}

u32 gpu_gl_judge_flush(Gpu *gpu, RenderJob *job)
{
    const GpuResource *r = gpu_resource(gpu, job->in.flush.resource);

    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    if (!r->blob && !gpu_rect_fits(&job->in.flush.rect, r->width, r->height)) {
        return GPU_ERR_PARAMETER;
    }
    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        if (!console_wants_pixels(gpu->scanout[i].console)) {
            gpu->gl->stale[i] = true;
        } else if (!put_off(gpu, i, r)) {
            job->want |= 1u << i;
        }
    }
    job->serial = gpu->gl->shown;
    return GPU_OK;
}

/* ---- their ends ---- */

static void set_texture(Gpu *gpu, unsigned n)
{
    const GpuState *s = &gpu->state;
    GpuScanout *scanout = &gpu->scanout[n];

    if (gpu->vga && n == 0) {
        gpu->vga->given = true;
    }
    g_free(scanout->copy);
    scanout->copy = g_new0(u32, (size_t)s->w[n] * s->h[n]);
    scanout->surface = (Surface){ s->w[n], s->h[n], s->w[n] * 4,
                                  (const u8 *)scanout->copy };
    gpu->gl->stale[n] = true;
    console_set_texture(scanout->console, &scanout->surface);
    if (console_wants_pixels(scanout->console)) {
        read_back(gpu, n);
    }
}

/* A driver that flips changes only the resource: then nothing else is new. */
static bool same_place(const GpuState *s, const GpuSetScanout *in)
{
    u32 n = in->scanout;

    return s->resource[n] && !s->format[n] && s->w[n] == in->rect.width &&
           s->h[n] == in->rect.height;
}

void gpu_gl_scanout_done(Gpu *gpu, RenderJob *job)
{
    const GpuSetScanout *in = &job->in.scanout;
    GpuState *s = &gpu->state;
    u32 n = in->scanout;
    bool same = same_place(s, in);

    gpu->gl->shown_done = job->serial;
    if (!gpu_resource(gpu, in->resource)) {
        gpu_scanout_off(gpu, n);
        return;
    }
    gpu_scanout_place(s, in);
    gpu->gl->stale[n] = true;
    if (!same || !gpu->scanout[n].copy) {
        set_texture(gpu, n);
    }
}

void gpu_gl_scanout_blob_done(Gpu *gpu, RenderJob *job)
{
    const GpuScanoutBlob *in = &job->in.scanout_blob;
    GpuState *s = &gpu->state, before = *s;
    u32 n = in->scanout;

    gpu->gl->shown_done = job->serial;
    if (!gpu_resource(gpu, in->resource)) {
        gpu_scanout_off(gpu, n);
        return;
    }
    gpu_scanout_place_blob(s, in);
    gpu->gl->stale[n] = false;
    if (!gpu_scanout_show(gpu, n)) {
        *s = before;
        gpu_scanout_off(gpu, n);        /* the renderer shows it no more */
        job->answer = GPU_ERR_PARAMETER;
    }
}

static bool show_blob(Gpu *gpu, unsigned n)
{
    const GpuState *s = &gpu->state;
    RenderJob job = { .type = GPU_SET_SCANOUT_BLOB, .in.scanout_blob = {
        { s->x[n], s->y[n], s->w[n], s->h[n] }, n, s->resource[n], 4 * SURFACE_MAX,
        4 * SURFACE_MAX, s->format[n], 0, { s->stride[n] }, { s->offset[n] } } };

    return gpu_gl_do(gpu, &job) == GPU_OK;
}

bool gpu_gl_show(Gpu *gpu, unsigned n)
{
    GpuState *s = &gpu->state;
    RenderJob job = { .type = GPU_SET_SCANOUT, .in.scanout = {
        { s->x[n], s->y[n], s->w[n], s->h[n] }, n, s->resource[n] } };

    if (s->format[n]) {
        return show_blob(gpu, n);
    }
    s->w[n] = 0;                        /* not what is shown now */
    return gpu_gl_do(gpu, &job) == GPU_OK && s->w[n];
}

void gpu_gl_show_saved(Gpu *gpu, unsigned n, const GpuState *wanted,
                       const GpuCreate3d *create, const u32 *pixels)
{
    GpuScanout *scanout = &gpu->scanout[n];
    GpuRect rect = { wanted->x[n], wanted->y[n], wanted->w[n], wanted->h[n] };

    if (!gpu_format_known(create->format) || !rect.width || !rect.height ||
        rect.width > SURFACE_MAX || rect.height > SURFACE_MAX ||
        !gpu_rect_fits(&rect, create->width, create->height)) {
        return;
    }
    g_free(scanout->copy);
    scanout->copy = g_new(u32, (size_t)rect.width * rect.height);
    for (u32 y = 0; y < rect.height; y++) {
        gpu_convert(create->format,
                    pixels + (size_t)(rect.y + y) * create->width + rect.x,
                    scanout->copy + (size_t)y * rect.width, rect.width);
    }
    scanout->surface = (Surface){ rect.width, rect.height, rect.width * 4,
                                  (const u8 *)scanout->copy };
    console_set_surface(scanout->console, &scanout->surface);
    console_show_now(scanout->console);
}

static void take_picture(Gpu *gpu, const RenderPicture *p)
{
    const GpuState *s = &gpu->state;
    GpuScanout *scanout = &gpu->scanout[p->scanout];
    const GpuResource *r = gpu_resource(gpu, s->resource[p->scanout]);
    GpuRect rect = { p->x, p->y, p->w, p->h };

    if (!r || !scanout->copy ||
        !gpu_rect_fits(&rect, s->w[p->scanout], s->h[p->scanout])) {
        return;
    }
    for (u32 y = 0; y < p->h; y++) {
        gpu_convert(r->format, p->pixels + (size_t)y * p->w,
                    scanout->copy + (size_t)(p->y + y) * s->w[p->scanout] + p->x, p->w);
    }
    if (p->w == s->w[p->scanout] && p->h == s->h[p->scanout]) {
        gpu->gl->stale[p->scanout] = false;
    }
    console_damage(scanout->console, p->x, p->y, p->w, p->h);
}

/* What was read before the scanout became another is not shown. */
void gpu_gl_pictures_done(Gpu *gpu, RenderJob *job)
{
    const GpuResource *r = job->type == GPU_RESOURCE_FLUSH
                           ? gpu_resource(gpu, job->in.flush.resource) : NULL;

    if (r && r->blob) {
        gpu_scanout_flush(gpu, r, &job->in.flush.rect);
    }
    if (job->serial != gpu->gl->shown_done) {
        return;
    }
    for (unsigned i = 0; job->pictures && i < job->pictures->len; i++) {
        const RenderPicture *p = &g_array_index(job->pictures, RenderPicture, i);

        take_picture(gpu, p);
        gpu->gl->due[p->scanout] = g_get_monotonic_time() + 3 * (gint64)job->read_us;
    }
}

/* ---- the pointer ---- */

void gpu_gl_cursor(Gpu *gpu, unsigned n)
{
    RenderJob *job = g_new0(RenderJob, 1);

    job->type = RENDER_CURSOR;
    job->scanout = n;
    job->in.id.resource = gpu->state.cursor[n];
    gpu_gl_post(gpu, job);
}

void gpu_gl_cursor_done(Gpu *gpu, RenderJob *job)
{
    const GpuState *s = &gpu->state;
    const GpuResource *r = gpu_resource(gpu, job->in.id.resource);
    u32 image[GPU_CURSOR_SIZE * GPU_CURSOR_SIZE], n = job->scanout;
    CursorImage cursor = { GPU_CURSOR_SIZE, GPU_CURSOR_SIZE,
                           MIN(s->hot_x[n], GPU_CURSOR_SIZE - 1),
                           MIN(s->hot_y[n], GPU_CURSOR_SIZE - 1), image };

    if (r && job->answer == GPU_OK && s->cursor[n] == r->id &&
        job->bytes == sizeof image) {
        gpu_convert(r->format, (const u32 *)job->data, image, G_N_ELEMENTS(image));
        console_set_cursor(gpu->scanout[n].console, &cursor);
        gpu_gl_pointer(gpu, n, true);
    }
}

/* Where a window's picture has the pointer in it, the renderer draws it. */
void gpu_gl_pointer(Gpu *gpu, unsigned n, bool has_image)
{
    const Console *console = gpu->scanout[n].console;
    const CursorImage *image = &console->cursor;
    RenderJob *job;

    if (!gpu->gl->window[n].id) {
        return;
    }
    job = g_new0(RenderJob, 1);
    job->type = RENDER_POINTER;
    job->scanout = n;
    job->pointer = (RenderPointer){ .has_image = has_image, .x = console->cursor_x,
                                    .y = console->cursor_y };
    if (has_image && image->pixels) {
        job->pointer.width = image->width;
        job->pointer.height = image->height;
        job->bytes = (size_t)image->width * image->height * 4;
        job->data = g_memdup2(image->pixels, job->bytes);
    }
    gpu_gl_post(gpu, job);
}

/* ---- the consoles' wishes ---- */

void gpu_gl_fetch(Gpu *gpu, unsigned n)
{
    RenderJob job = { .type = RENDER_READ, .scanout = n };

    if (!gpu->scanout[n].copy || !gpu->gl->stale[n]) {
        return;
    }
    gpu_gl_run(gpu, &job);
    job.serial = gpu->gl->shown_done;   /* all that was posted before has ended */
    gpu_gl_pictures_done(gpu, &job);
    render_job_clear(&job);
}

bool gpu_gl_window(Gpu *gpu, unsigned n, const ConsoleWindow *window)
{
    RenderJob job = { .type = RENDER_WINDOW, .scanout = n };
    RenderWindow *now = &gpu->gl->window[n];
    bool is_new = now->id != window->id;

    *now = (RenderWindow){ window->id, window->width, window->height,
                           window->draw_pointer };
    job.window = *now;
    if (is_new) {
        gpu_gl_run(gpu, &job);
        gpu_gl_pointer(gpu, n, true);
        return job.answer == GPU_OK;
    }
    gpu_gl_post(gpu, g_memdup2(&job, sizeof job));
    return true;
}
