/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu's resources: see gpu.h.  Under the machine lock.
 */

#include "hw/virtio/gpu_gl.h"

#include <string.h>

/* ---- formats (5.7.6.8): bytes of a pixel, in memory order ---- */

enum { B8G8R8A8 = 1, B8G8R8X8, A8R8G8B8, X8R8G8B8, R8G8B8A8 = 67, X8B8G8R8,
       A8B8G8R8 = 121, R8G8B8X8 = 134 };

bool gpu_format_native(u32 format)
{
    return format == B8G8R8A8 || format == B8G8R8X8;
}

bool gpu_format_known(u32 format)
{
    return gpu_format_native(format) || format == A8R8G8B8 || format == X8R8G8B8 ||
           format == R8G8B8A8 || format == X8B8G8R8 || format == A8B8G8R8 ||
           format == R8G8B8X8;
}

static u32 swap_red_blue(u32 v)
{
    return (v & 0xff00ff00) | (v >> 16 & 0xff) | (v & 0xff) << 16;
}

void gpu_convert(u32 format, const u32 *from, u32 *to, u32 n)
{
    switch (format) {
    case A8R8G8B8:
    case X8R8G8B8:
        for (u32 i = 0; i < n; i++) {
            to[i] = GUINT32_SWAP_LE_BE(from[i]);
        }
        break;
    case R8G8B8A8:
    case R8G8B8X8:
        for (u32 i = 0; i < n; i++) {
            to[i] = swap_red_blue(from[i]);
        }
        break;
    case A8B8G8R8:
    case X8B8G8R8:
        for (u32 i = 0; i < n; i++) {
            to[i] = from[i] >> 8 | from[i] << 24;
        }
        break;
    default:
        memcpy(to, from, (size_t)n * 4);
    }
}

/* ---- resources ---- */

GpuResource *gpu_resource(Gpu *gpu, u32 id)
{
    return g_hash_table_lookup(gpu->resources, GUINT_TO_POINTER(id));
}

/* What a resource takes beside its pixels: the driver may make many small ones. */
enum { RESOURCE_CHARGE = 1024 };

static bool charge(Gpu *gpu, GpuResource *r, u64 bytes)
{
    if (bytes > gpu->config.max_hostmem - gpu->host_bytes) {
        return false;
    }
    gpu->host_bytes += bytes;
    r->charged += bytes;
    return true;
}

static GpuResource *resource_new(Gpu *gpu, u32 id, u64 bytes, u32 *error)
{
    GpuResource *r;

    /* 5.7.6.8: 0 says "none" wherever a resource is named. */
    if (!id || gpu_resource(gpu, id)) {
        *error = GPU_ERR_RESOURCE;
        return NULL;
    }
    r = g_new0(GpuResource, 1);
    if (!charge(gpu, r, bytes + RESOURCE_CHARGE)) {
        g_free(r);
        *error = GPU_ERR_OUT_OF_MEMORY;
        return NULL;
    }
    r->id = id;
    g_hash_table_insert(gpu->resources, GUINT_TO_POINTER(id), r);
    return r;
}

GpuResource *gpu_resource_2d(Gpu *gpu, const GpuCreate2d *c, u32 *error)
{
    u64 bytes = (u64)c->width * c->height * 4;
    GpuResource *r;

    if (!gpu_format_known(c->format) || !c->width || !c->height ||
        c->width > 2 * SURFACE_MAX || c->height > 2 * SURFACE_MAX) {
        *error = GPU_ERR_PARAMETER;
        return NULL;
    }
    r = resource_new(gpu, c->resource, bytes, error);
    if (!r) {
        return NULL;
    }
    r->format = c->format;
    r->width = c->width;
    r->height = c->height;
    r->bytes = bytes;
    r->pixels = g_try_malloc0(bytes);
    if (!r->pixels) {
        gpu_resource_free(gpu, r);
        *error = GPU_ERR_OUT_OF_MEMORY;
        return NULL;
    }
    return r;
}

GpuResource *gpu_resource_blob(Gpu *gpu, u32 id, u64 bytes, u32 *error)
{
    GpuResource *r = resource_new(gpu, id, 0, error);

    if (r) {
        r->bytes = bytes;
    }
    return r;
}

GpuResource *gpu_resource_gl(Gpu *gpu, u32 id, u64 bytes, u32 *error)
{
    static u64 serial;
    GpuResource *r = resource_new(gpu, id, bytes, error);

    if (r) {
        r->gl = true;
        r->bytes = bytes;
        r->serial = ++serial;
    }
    return r;
}

bool gpu_resource_attach(Gpu *gpu, GpuResource *r, GpuPages *pages, u32 n)
{
    u64 first = 0;

    gpu_resource_detach(gpu, r);
    if (!charge(gpu, r, n * sizeof *pages)) {
        g_free(pages);
        return false;
    }
    for (u32 i = 0; i < n; i++) {
        pages[i].first = first;
        first += pages[i].bytes;
    }
    r->pages = pages;
    r->n_pages = n;
    return true;
}

void gpu_resource_detach(Gpu *gpu, GpuResource *r)
{
    u64 bytes = r->n_pages * sizeof *r->pages;

    gpu->host_bytes -= bytes;
    r->charged -= bytes;
    g_clear_pointer(&r->pages, g_free);
    r->n_pages = 0;
}

void gpu_resource_free(Gpu *gpu, GpuResource *r)
{
    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        if (gpu->state.resource[i] == r->id) {
            gpu_scanout_off(gpu, i);
        }
        if (gpu->state.cursor[i] == r->id) {
            gpu->state.cursor[i] = 0;       /* its image stays as it was copied */
        }
    }
    gpu_gl_hide(r);
    gpu->host_bytes -= r->charged;
    g_hash_table_remove(gpu->resources, GUINT_TO_POINTER(r->id));
    g_free(r->pages);
    g_free(r->pixels);
    g_free(r);
}

void gpu_resources_free(Gpu *gpu)
{
    g_autoptr(GList) all = g_hash_table_get_values(gpu->resources);

    for (GList *l = all; l; l = l->next) {
        gpu_resource_free(gpu, l->data);
    }
}

/* ---- the guest's pages ---- */

u64 gpu_resource_backed(const GpuResource *r)
{
    return r->n_pages ? r->pages[r->n_pages - 1].first + r->pages[r->n_pages - 1].bytes
                      : 0;
}

/* The pages that hold this byte, which is there. */
static u32 pages_of(const GpuResource *r, u64 offset)
{
    u32 low = 0, high = r->n_pages;

    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;

        if (r->pages[middle].first <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

bool gpu_resource_readable(const GpuResource *r)
{
    return r->blob != GPU_BLOB_HOST || (r->mapping && r->mapping->ready);
}

void gpu_resource_read(const Gpu *gpu, const GpuResource *r, u64 offset, void *to,
                       u64 n)
{
    const Mem *mem = gpu->virtio.device.machine->mem;
    u64 backed = gpu_resource_backed(r);
    u8 *out = to;

    if (r->blob == GPU_BLOB_HOST) {
        if (gpu_resource_readable(r) && offset < r->bytes) {
            memcpy(to, r->mapping->region.host + offset, MIN(n, r->bytes - offset));
        }
        return;
    }
    if (offset >= backed) {
        return;
    }
    n = MIN(n, backed - offset);
    for (u32 i = pages_of(r, offset); n > 0; i++) {
        const GpuPages *p = &r->pages[i];
        u64 skip = offset - p->first, part = MIN(n, p->bytes - skip);

        if (part && !mem_read(mem, p->at + skip, out, part)) {
            return;
        }
        out += part;
        offset += part;
        n -= part;
    }
}
