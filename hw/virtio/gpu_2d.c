/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu's 2D and cursor commands (virtio 1.2, 5.7.6.7 to 5.7.6.10): see gpu.h.
 * Each returns the type of its answer.  Under the machine lock.
 */

#include "hw/virtio/gpu.h"

#include <string.h>

/* ---- what the displays are ---- */

u32 gpu_get_display_info(Gpu *gpu, GpuRequest *request)
{
    GpuDisplayInfo *info = &request->out.info;

    for (unsigned i = 0; i < gpu->config.max_outputs; i++) {
        info->mode[i].rect.width = gpu->state.width[i];
        info->mode[i].rect.height = gpu->state.height[i];
        info->mode[i].enabled = gpu->state.height[i] != 0;
    }
    request->out_bytes = sizeof *info;
    return GPU_OK_DISPLAY_INFO;
}

u32 gpu_get_edid(Gpu *gpu, GpuRequest *request)
{
    u32 n = request->in.edid.scanout;
    EdidInfo info;

    if (!virtio_has(&gpu->virtio, GPU_F_EDID)) {
        return GPU_ERR_UNSPEC;
    }
    if (n >= gpu->config.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    info = (EdidInfo){ gpu->state.width[n] ? gpu->state.width[n] : gpu->config.xres,
                       gpu->state.height[n] ? gpu->state.height[n] : gpu->config.yres,
                       4096, 4096 };
    request->out.edid.size = EDID_BYTES;
    edid_make(&info, request->out.edid.edid);
    request->out_bytes = sizeof request->out.edid;
    return GPU_OK_EDID;
}

/* ---- resources ---- */

static u32 create_2d(Gpu *gpu, GpuRequest *request)
{
    u32 error;

    return gpu_resource_2d(gpu, &request->in.create, &error) ? GPU_OK : error;
}

static u32 unref(Gpu *gpu, GpuRequest *request)
{
    GpuResource *r = gpu_resource(gpu, request->in.id.resource);

    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    gpu_resource_free(gpu, r);
    return GPU_OK;
}

GpuPages *gpu_get_pages(Chain *chain, u32 n)
{
    GpuPages *pages;
    GpuEntry entry;

    if (n > GPU_BACKING_MAX || chain_left(chain) < n * sizeof entry) {
        return NULL;
    }
    pages = g_new0(GpuPages, MAX(n, 1));
    for (u32 i = 0; i < n; i++) {
        if (!chain_get(chain, &entry, sizeof entry)) {
            g_free(pages);
            return NULL;
        }
        pages[i].at = entry.at;
        pages[i].bytes = entry.bytes;
    }
    return pages;
}

static u32 attach_backing(Gpu *gpu, GpuRequest *request)
{
    GpuResource *r = gpu_resource(gpu, request->in.attach.resource);
    u32 n = request->in.attach.entries;
    GpuPages *pages;

    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    if (r->n_pages) {
        return GPU_ERR_UNSPEC;
    }
    pages = gpu_get_pages(request->chain, n);
    if (!pages) {
        return GPU_ERR_UNSPEC;
    }
    return gpu_resource_attach(gpu, r, pages, n) ? GPU_OK : GPU_ERR_OUT_OF_MEMORY;
}

static u32 detach_backing(Gpu *gpu, GpuRequest *request)
{
    GpuResource *r = gpu_resource(gpu, request->in.id.resource);

    if (!r || !r->n_pages) {
        return GPU_ERR_RESOURCE;
    }
    gpu_resource_detach(gpu, r);
    return GPU_OK;
}

static u32 create_blob(Gpu *gpu, GpuRequest *request)
{
    const GpuCreateBlob *in = &request->in.blob;
    GpuResource *r;
    GpuPages *pages;
    u32 error;

    if (!virtio_has(&gpu->virtio, GPU_F_BLOB)) {
        return GPU_ERR_UNSPEC;
    }
    if (in->memory != GPU_BLOB_GUEST || !in->size) {
        return GPU_ERR_PARAMETER;       /* the others need a context */
    }
    pages = gpu_get_pages(request->chain, in->entries);
    if (!pages) {
        return GPU_ERR_UNSPEC;
    }
    r = gpu_resource_blob(gpu, in->resource, in->size, &error);
    if (!r) {
        g_free(pages);
        return error;
    }
    if (!gpu_resource_attach(gpu, r, pages, in->entries)) {
        gpu_resource_free(gpu, r);
        return GPU_ERR_OUT_OF_MEMORY;
    }
    return GPU_OK;
}

/* ---- pictures ---- */

/* 5.7.6.8: "offset" is where the rectangle begins in the guest's pages. */
static u32 transfer_2d(Gpu *gpu, GpuRequest *request)
{
    const GpuTransfer2d *in = &request->in.transfer;
    GpuResource *r = gpu_resource(gpu, in->resource);
    u64 stride, line;

    if (!r || !r->n_pages || !r->pixels) {
        return GPU_ERR_RESOURCE;
    }
    if (!gpu_rect_fits(&in->rect, r->width, r->height)) {
        return GPU_ERR_PARAMETER;
    }
    stride = r->width * 4ull;
    line = in->rect.width * 4ull;
    if (in->offset > gpu_resource_backed(r)) {
        return GPU_ERR_PARAMETER;
    }
    if (in->rect.x == 0 && in->rect.width == r->width) {
        gpu_resource_read(gpu, r, in->offset, r->pixels + in->rect.y * (u64)r->width,
                          stride * in->rect.height);
        return GPU_OK;
    }
    for (u32 y = 0; y < in->rect.height; y++) {
        gpu_resource_read(gpu, r, in->offset + y * stride,
                          r->pixels + (in->rect.y + y) * (u64)r->width + in->rect.x,
                          line);
    }
    return GPU_OK;
}

static u32 set_scanout(Gpu *gpu, GpuRequest *request)
{
    const GpuSetScanout *in = &request->in.scanout;
    GpuState *s = &gpu->state, before = *s;
    u32 n = in->scanout;

    if (n >= gpu->config.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    if (!in->resource) {
        gpu_scanout_off(gpu, n);
        return GPU_OK;
    }
    if (!gpu_resource(gpu, in->resource)) {
        return GPU_ERR_RESOURCE;
    }
    gpu_scanout_place(s, in);
    if (!gpu_scanout_show(gpu, n)) {
        *s = before;
        return GPU_ERR_PARAMETER;
    }
    return GPU_OK;
}

static u32 set_scanout_blob(Gpu *gpu, GpuRequest *request)
{
    const GpuScanoutBlob *in = &request->in.scanout_blob;
    GpuState *s = &gpu->state, before = *s;
    u32 n = in->scanout;
    GpuResource *r;

    if (n >= gpu->config.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    if (!in->resource) {
        gpu_scanout_off(gpu, n);
        return GPU_OK;
    }
    r = gpu_resource(gpu, in->resource);
    if (!r || r->pixels) {
        return GPU_ERR_RESOURCE;
    }
    gpu_scanout_place_blob(s, in);
    if (!gpu_rect_fits(&in->rect, in->width, in->height) || !gpu_scanout_show(gpu, n)) {
        *s = before;
        return GPU_ERR_PARAMETER;
    }
    return GPU_OK;
}

static u32 flush(Gpu *gpu, GpuRequest *request)
{
    const GpuFlush *in = &request->in.flush;
    GpuResource *r = gpu_resource(gpu, in->resource);

    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    if (r->pixels && !gpu_rect_fits(&in->rect, r->width, r->height)) {
        return GPU_ERR_PARAMETER;
    }
    gpu_scanout_flush(gpu, r, &in->rect);
    return GPU_OK;
}

/* ---- the pointer ---- */

static u32 update_cursor(Gpu *gpu, GpuRequest *request)
{
    const GpuCursor *in = &request->in.cursor;
    GpuState *s = &gpu->state;
    u32 n = in->scanout, before;

    if (n >= gpu->config.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    before = s->cursor[n];
    s->cursor[n] = in->resource;
    s->hot_x[n] = in->hot_x;
    s->hot_y[n] = in->hot_y;
    s->cursor_x[n] = in->x;
    s->cursor_y[n] = in->y;
    if (!gpu_cursor_show(gpu, n)) {
        s->cursor[n] = before;
        return GPU_ERR_RESOURCE;
    }
    gpu_cursor_move(gpu, n);
    return GPU_OK;
}

static u32 move_cursor(Gpu *gpu, GpuRequest *request)
{
    const GpuCursor *in = &request->in.cursor;

    if (in->scanout >= gpu->config.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    gpu->state.cursor_x[in->scanout] = in->x;
    gpu->state.cursor_y[in->scanout] = in->y;
    gpu_cursor_move(gpu, in->scanout);
    return GPU_OK;
}

const GpuCommand gpu_commands_2d[] = {
    { GPU_GET_DISPLAY_INFO, 0, gpu_get_display_info },
    { GPU_RESOURCE_CREATE_2D, sizeof(GpuCreate2d), create_2d },
    { GPU_RESOURCE_UNREF, sizeof(GpuId), unref },
    { GPU_SET_SCANOUT, sizeof(GpuSetScanout), set_scanout },
    { GPU_RESOURCE_FLUSH, sizeof(GpuFlush), flush },
    { GPU_TRANSFER_TO_HOST_2D, sizeof(GpuTransfer2d), transfer_2d },
    { GPU_ATTACH_BACKING, sizeof(GpuAttach), attach_backing },
    { GPU_DETACH_BACKING, sizeof(GpuId), detach_backing },
    { GPU_GET_EDID, sizeof(GpuGetEdid), gpu_get_edid },
    { GPU_CREATE_BLOB, sizeof(GpuCreateBlob), create_blob },
    { GPU_SET_SCANOUT_BLOB, sizeof(GpuScanoutBlob), set_scanout_blob },
    { 0 }
};

const GpuCommand gpu_commands_cursor[] = {
    { GPU_UPDATE_CURSOR, sizeof(GpuCursor), update_cursor },
    { GPU_MOVE_CURSOR, sizeof(GpuCursor), move_cursor },
    { 0 }
};
