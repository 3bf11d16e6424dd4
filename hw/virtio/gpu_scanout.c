/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What virtio-gpu's consoles show: see gpu.h.  Under the machine lock.
 *
 * Where a resource has its pixels as a Surface does, the console shows these; other
 * formats and blobs are copied at each flush.
 */

#include "hw/virtio/gpu_gl.h"

#include <string.h>

static GpuRect shown_rect(const Gpu *gpu, unsigned n)
{
    const GpuState *s = &gpu->state;

    return (GpuRect){ s->x[n], s->y[n], s->w[n], s->h[n] };
}

/* Copies lines of the resource into the scanout's own pixels; `d` is inside of it. */
static void copy_pixels(Gpu *gpu, unsigned n, const GpuResource *r, const Rect *d)
{
    const GpuState *s = &gpu->state;
    GpuScanout *scanout = &gpu->scanout[n];
    u32 format = r->pixels ? r->format : s->format[n];
    g_autofree u32 *line = g_new0(u32, d->w);

    for (u32 y = d->y; y < d->y + d->h; y++) {
        const u32 *from = line;

        if (r->pixels) {
            from = r->pixels + (size_t)(s->y[n] + y) * r->width + s->x[n] + d->x;
        } else {
            gpu_resource_read(gpu, r, s->offset[n] + (u64)(s->y[n] + y) * s->stride[n] +
                                      (s->x[n] + d->x) * 4ull, line, d->w * 4ull);
        }
        gpu_convert(format, from, scanout->copy + (size_t)y * s->w[n] + d->x, d->w);
    }
}

static void set_surface(Gpu *gpu, unsigned n, const GpuResource *r)
{
    GpuScanout *scanout = &gpu->scanout[n];
    GpuRect rect = shown_rect(gpu, n);

    scanout->surface = (Surface){ rect.width, rect.height, rect.width * 4, NULL };
    g_clear_pointer(&scanout->copy, g_free);
    if (r->pixels && gpu_format_native(r->format)) {
        scanout->surface.stride = r->width * 4;
        scanout->surface.pixels = (u8 *)(r->pixels + rect.y * (size_t)r->width +
                                         rect.x);
    } else {
        scanout->copy = g_new0(u32, (size_t)rect.width * rect.height);
        scanout->surface.pixels = (u8 *)scanout->copy;
        copy_pixels(gpu, n, r, &(Rect){ 0, 0, rect.width, rect.height });
    }
    console_set_surface(scanout->console, &scanout->surface);
}

/* A blob's lines lie in what it has of pages. */
static bool blob_fits(const Gpu *gpu, unsigned n, const GpuResource *r)
{
    const GpuState *s = &gpu->state;
    u64 last = s->offset[n] + (u64)(s->y[n] + s->h[n] - 1) * s->stride[n] +
               (s->x[n] + (u64)s->w[n]) * 4;

    return gpu_format_known(s->format[n]) && gpu_resource_readable(r) &&
           s->x[n] <= 2 * SURFACE_MAX &&
           s->y[n] <= 2 * SURFACE_MAX && last <= r->bytes;
}

bool gpu_scanout_show(Gpu *gpu, unsigned n)
{
    const GpuState *s = &gpu->state;
    GpuResource *r = gpu_resource(gpu, s->resource[n]);
    GpuRect rect = shown_rect(gpu, n);

    if (!r || rect.width < 16 || rect.height < 16 || rect.width > SURFACE_MAX ||
        rect.height > SURFACE_MAX) {
        return false;
    }
    if (r->pixels ? !gpu_rect_fits(&rect, r->width, r->height)
                  : !blob_fits(gpu, n, r)) {
        return false;
    }
    if (gpu->vga && n == 0) {
        gpu->vga->given = true;
    }
    set_surface(gpu, n, r);
    return true;
}

void gpu_consoles_blank(Gpu *gpu)
{
    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        console_set_surface(gpu->scanout[i].console, NULL);
        g_clear_pointer(&gpu->scanout[i].copy, g_free);
    }
}

void gpu_scanout_place(GpuState *s, const GpuSetScanout *in)
{
    u32 n = in->scanout;

    s->resource[n] = in->resource;
    s->x[n] = in->rect.x;
    s->y[n] = in->rect.y;
    s->w[n] = in->rect.width;
    s->h[n] = in->rect.height;
    s->format[n] = s->stride[n] = s->offset[n] = 0;
}

void gpu_scanout_place_blob(GpuState *s, const GpuScanoutBlob *in)
{
    u32 n = in->scanout;

    gpu_scanout_place(s, &(GpuSetScanout){ in->rect, n, in->resource });
    s->format[n] = in->format;
    s->stride[n] = in->stride[0];
    s->offset[n] = in->offset[0];
}

void gpu_scanout_off(Gpu *gpu, unsigned n)
{
    GpuState *s = &gpu->state;
    GpuScanout *scanout = &gpu->scanout[n];

    s->resource[n] = s->x[n] = s->y[n] = s->w[n] = s->h[n] = 0;
    s->format[n] = s->stride[n] = s->offset[n] = 0;
    console_set_surface(scanout->console, NULL);
    g_clear_pointer(&scanout->copy, g_free);
}

void gpu_scanout_flush(Gpu *gpu, const GpuResource *r, const GpuRect *rect)
{
    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        GpuRect s = shown_rect(gpu, i);
        u32 left = MAX(rect->x, s.x), top = MAX(rect->y, s.y);
        u64 right = MIN((u64)rect->x + rect->width, (u64)s.x + s.width);
        u64 bottom = MIN((u64)rect->y + rect->height, (u64)s.y + s.height);
        Rect d;

        if (gpu->state.resource[i] != r->id || right <= left || bottom <= top ||
            (gpu->gl && !gpu->state.format[i])) {       /* the renderer's to show */
            continue;
        }
        d = (Rect){ left - s.x, top - s.y, right - left, bottom - top };
        if (gpu->scanout[i].copy) {
            copy_pixels(gpu, i, r, &d);
        }
        console_damage(gpu->scanout[i].console, d.x, d.y, d.w, d.h);
    }
}

/* ---- the pointer ---- */

bool gpu_cursor_show(Gpu *gpu, unsigned n)
{
    const GpuState *s = &gpu->state;
    GpuResource *r = gpu_resource(gpu, s->cursor[n]);
    u32 image[GPU_CURSOR_SIZE * GPU_CURSOR_SIZE];
    CursorImage cursor = { GPU_CURSOR_SIZE, GPU_CURSOR_SIZE,
                           MIN(s->hot_x[n], GPU_CURSOR_SIZE - 1),
                           MIN(s->hot_y[n], GPU_CURSOR_SIZE - 1), image };

    if (!s->cursor[n]) {
        console_set_cursor(gpu->scanout[n].console, NULL);
        if (gpu->gl) {
            gpu_gl_pointer(gpu, n, true);
        }
        return true;
    }
    if (r && r->gl && r->blob != GPU_BLOB_GUEST) {
        if (r->width < GPU_CURSOR_SIZE || r->height < GPU_CURSOR_SIZE) {
            return false;
        }
        gpu_gl_cursor(gpu, n);          /* shown when its pixels are there */
        return true;
    }
    if (!r || (r->pixels ? r->width != GPU_CURSOR_SIZE || r->height != GPU_CURSOR_SIZE
                         : r->bytes < sizeof image)) {
        return false;
    }
    memset(image, 0, sizeof image);
    if (r->pixels) {
        gpu_convert(r->format, r->pixels, image, G_N_ELEMENTS(image));
    } else {
        gpu_resource_read(gpu, r, 0, image, sizeof image);
    }
    console_set_cursor(gpu->scanout[n].console, &cursor);
    return true;
}

void gpu_cursor_move(Gpu *gpu, unsigned n)
{
    console_move_cursor(gpu->scanout[n].console, gpu->state.cursor_x[n],
                        gpu->state.cursor_y[n]);
    if (gpu->gl) {
        gpu_gl_pointer(gpu, n, false);
    }
}

/* ---- consoles ---- */

/* The user's window has another size: 5.7.6.7, the driver asks and may follow. */
static void resized(void *opaque, u32 width, u32 height)
{
    GpuScanout *scanout = opaque;
    Gpu *gpu = scanout->gpu;
    GpuState *s = &gpu->state;

    width = CLAMP(width, 64, SURFACE_MAX);
    height = CLAMP(height, 64, SURFACE_MAX);
    if (s->width[scanout->n] != width || s->height[scanout->n] != height) {
        s->width[scanout->n] = width;
        s->height[scanout->n] = height;
        s->events |= GPU_EVENT_DISPLAY;
        virtio_config_changed(&gpu->virtio);
    }
}

static void vga_looks(void *opaque)
{
    Gpu *gpu = ((GpuScanout *)opaque)->gpu;

    if (!gpu->vga->given) {
        vga_update(gpu->vga);
    }
}

static void fetch(void *opaque)
{
    const GpuScanout *scanout = opaque;

    gpu_gl_fetch(scanout->gpu, scanout->n);
}

static bool window(void *opaque, const ConsoleWindow *window)
{
    const GpuScanout *scanout = opaque;

    return gpu_gl_window(scanout->gpu, scanout->n, window);
}

/* By: has it 3D, is it the VGA's. */
static const ConsoleOps console_ops[2][2] = {
    { { .resize = resized }, { .resize = resized, .update = vga_looks } },
    { { .resize = resized, .fetch = fetch, .window = window },
      { .resize = resized, .fetch = fetch, .window = window, .update = vga_looks } },
};

void gpu_scanouts_open(Gpu *gpu)
{
    const Device *dev = &gpu->virtio.device;
    const char *name = dev->id ? dev->id : dev->type->name;

    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        GpuScanout *scanout = &gpu->scanout[i];
        g_autofree char *nth = g_strdup_printf("%s.%u", name, i);

        scanout->gpu = gpu;
        scanout->n = i;
        if (gpu->vga && i == 0) {
            scanout->console = gpu->vga->console;
            scanout->console->ops = &console_ops[gpu->gl != NULL][1];
            scanout->console->opaque = scanout;
        } else {
            scanout->console = console_new(i ? nth : name,
                                           &console_ops[gpu->gl != NULL][0], scanout);
        }
    }
}

void gpu_scanouts_close(Gpu *gpu)
{
    for (unsigned i = 0; i < GPU_SCANOUTS; i++) {
        GpuScanout *scanout = &gpu->scanout[i];

        if (!gpu->vga || i > 0) {
            console_free(scanout->console);
        }
        g_clear_pointer(&scanout->copy, g_free);
    }
}
