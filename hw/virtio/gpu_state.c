/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu's resources in a snapshot: see gpu.h.  For each: five numbers of 32 bits
 * (id, format, width, height, pages), its bytes, the pages (address, bytes), and the
 * pixels of a 2D resource.  What comes back is judged as a driver's commands are.
 * Under the machine lock.
 */

#include "hw/virtio/gpu_gl.h"

#include "base/bytes.h"

#include <string.h>

typedef struct {
    u32 id, format, width, height, n_pages, reserved;
    u64 bytes;
} Saved;

static gint by_id(gconstpointer a, gconstpointer b)
{
    u32 x = ((const GpuResource *)a)->id, y = ((const GpuResource *)b)->id;

    return x < y ? -1 : x > y;
}

void gpu_save_pages(const GpuResource *r, GByteArray *out)
{
    for (u32 i = 0; i < r->n_pages; i++) {
        append_num(out, r->pages[i].at, 8);
        append_num(out, r->pages[i].bytes, 4);
    }
}

static void save_one(const GpuResource *r, GByteArray *out)
{
    Saved saved = { r->id, r->format, r->width, r->height, r->n_pages, 0, r->bytes };

    append_bytes(out, &saved, sizeof saved);
    gpu_save_pages(r, out);
    if (r->pixels) {
        append_bytes(out, r->pixels, r->bytes);
    }
}

void gpu_save_more(Device *dev, GByteArray *out)
{
    Gpu *gpu = gpu_of(dev);
    GList *all;

    if (gpu->gl) {
        gpu_gl_save(gpu, out);
        return;
    }
    all = g_list_sort(g_hash_table_get_values(gpu->resources), by_id);

    for (GList *l = all; l; l = l->next) {
        save_one(l->data, out);
    }
    g_list_free(all);
}

static bool refused(GError **err, const char *why)
{
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "virtio-gpu: %s", why);
    return false;
}

GpuPages *gpu_load_pages(u32 n, const u8 **data, size_t *left)
{
    GpuPages *pages;

    if (n > GPU_BACKING_MAX || *left < n * 12ull) {
        return NULL;
    }
    pages = g_new0(GpuPages, MAX(n, 1));
    for (u32 i = 0; i < n; i++, *data += 12, *left -= 12) {
        pages[i].at = get64(*data);
        pages[i].bytes = get32(*data + 8);
    }
    return pages;
}

static bool load_pages(Gpu *gpu, GpuResource *r, u32 n, const u8 **data, size_t *left)
{
    GpuPages *pages = gpu_load_pages(n, data, left);

    return pages && gpu_resource_attach(gpu, r, pages, n);
}

static bool load_one(Gpu *gpu, const u8 **data, size_t *left)
{
    GpuResource *r;
    Saved saved;
    u32 error;

    if (*left < sizeof saved) {
        return false;
    }
    memcpy(&saved, *data, sizeof saved);
    *data += sizeof saved;
    *left -= sizeof saved;
    if (saved.width) {
        GpuCreate2d create = { saved.id, saved.format, saved.width, saved.height };

        r = gpu_resource_2d(gpu, &create, &error);
    } else {
        r = saved.bytes ? gpu_resource_blob(gpu, saved.id, saved.bytes, &error) : NULL;
    }
    if (!r || r->bytes != saved.bytes ||
        (saved.n_pages && !load_pages(gpu, r, saved.n_pages, data, left))) {
        return false;
    }
    if (r->pixels) {
        if (*left < r->bytes) {
            return false;
        }
        memcpy(r->pixels, *data, r->bytes);
        *data += r->bytes;
        *left -= r->bytes;
    }
    return true;
}

static bool show(Gpu *gpu, unsigned n)
{
    return gpu->gl ? gpu_gl_show(gpu, n) : gpu_scanout_show(gpu, n);
}

/* A scanout that is off is all zero, one that is on can be shown. */
static bool show_all(Gpu *gpu)
{
    GpuState *s = &gpu->state;

    for (unsigned i = 0; i < GPU_SCANOUTS; i++) {
        bool there = i < gpu->config.max_outputs;
        bool off = !(s->x[i] | s->y[i] | s->w[i] | s->h[i] | s->format[i] |
                     s->stride[i] | s->offset[i]);

        if (s->resource[i] ? !there || !show(gpu, i) : !off) {
            return false;
        }
        if (s->cursor[i] && (!there || !gpu_cursor_show(gpu, i))) {
            return false;
        }
        if (there) {
            gpu_cursor_move(gpu, i);
        }
        if (s->width[i] > SURFACE_MAX || s->height[i] > SURFACE_MAX) {
            return false;
        }
    }
    return true;
}

bool gpu_load_more(Device *dev, const u8 *data, size_t n, GError **err)
{
    Gpu *gpu = gpu_of(dev);
    GpuState wanted = gpu->state;
    bool good = true;

    gpu_consoles_blank(gpu);
    memset(&gpu->state, 0, sizeof gpu->state);
    gpu_resources_free(gpu);
    if (gpu->vga) {
        gpu->vga->given = false;
    }
    if (gpu->gl && !gpu_gl_load(gpu, &wanted, data, n, err)) {
        return false;
    }
    while (!gpu->gl && good && n > 0) {
        good = load_one(gpu, &data, &n);
    }
    gpu->state = wanted;
    if (!good) {
        return refused(err, "a resource that can't be");
    }
    return show_all(gpu) || refused(err, "a display that shows what is not there");
}
