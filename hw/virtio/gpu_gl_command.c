/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of virtio-gpu with 3D: see gpu_gl.h.  Each row judges a command, before
 * it goes to the renderer, and says what its end changes.  Under the machine lock.
 */

#include "hw/virtio/gpu_gl.h"

#include <string.h>

enum { SIDE_MAX = 16384, LAYERS_MAX = 2048, SAMPLES_MAX = 64 };

/* ---- answered at once ---- */

static u32 get_capset_info(Gpu *gpu, GpuRequest *request)
{
    const RenderCapset *c = gpu->gl->module->capset(gpu->gl->renderer,
                                                    request->in.capset_index.index);

    if (!c) {
        return GPU_ERR_PARAMETER;
    }
    request->out.capset = (GpuCapsetInfo){ c->id, c->version, c->bytes, 0 };
    request->out_bytes = sizeof request->out.capset;
    return GPU_OK_CAPSET_INFO;
}

static const GpuCommand commands_now[] = {
    { GPU_GET_DISPLAY_INFO, 0, gpu_get_display_info },
    { GPU_GET_EDID, sizeof(GpuGetEdid), gpu_get_edid },
    { GPU_GET_CAPSET_INFO, sizeof(GpuCapsetIndex), get_capset_info },
    { 0 }
};

/* The only answer that is larger than a request holds. */
static void get_capset(Gpu *gpu, Chain *chain, const GpuHeader *header)
{
    const RenderCapset *c = NULL;
    GpuGetCapset in = { 0 };

    if (chain_get(chain, &in, sizeof in)) {
        c = gpu_gl_capset(gpu->gl, in.id);
    }
    if (c && in.version > c->version) {
        c = NULL;
    }
    gpu_answer(gpu, chain, header, c ? GPU_OK_CAPSET : GPU_ERR_PARAMETER,
               c ? c->data : NULL, c ? c->bytes : 0);
    chain_done(chain);
}

/* ---- resources ---- */

static u32 judge_create_2d(Gpu *gpu, RenderJob *job)
{
    const GpuCreate2d *in = &job->in.create;
    u32 error = GPU_ERR_PARAMETER;
    GpuResource *r = NULL;

    if (gpu_format_known(in->format) && in->width && in->height &&
        in->width <= SIDE_MAX && in->height <= SIDE_MAX) {
        r = gpu_resource_gl(gpu, in->resource, (u64)in->width * in->height * 4, &error);
    }
    if (!r) {
        return error;
    }
    r->format = in->format;
    r->width = in->width;
    r->height = in->height;
    r->create = (GpuCreate3d){ in->resource, GPU_TEXTURE_2D, in->format,
                               GPU_BIND_RENDER_TARGET, in->width, in->height, 1, 1, 0,
                               0, GPU_CREATE_Y_0_TOP, 0 };
    job->serial = r->serial;
    return GPU_OK;
}

/* Bytes that it takes on the host, roughly; 0: no size that there is. */
u64 gpu_gl_bytes_3d(const GpuCreate3d *in)
{
    u64 layers = (u64)MAX(in->depth, 1) * MAX(in->array_size, 1) * MAX(in->samples, 1);

    if (in->target == GPU_TEXTURE_BUFFER) {
        return in->width;
    }
    if (in->width > SIDE_MAX || in->height > SIDE_MAX || in->depth > LAYERS_MAX ||
        in->array_size > LAYERS_MAX || in->samples > SAMPLES_MAX) {
        return 0;
    }
    return (u64)in->width * in->height * layers * (in->last_level ? 6 : 4);
}

static u32 judge_create_3d(Gpu *gpu, RenderJob *job)
{
    const GpuCreate3d *in = &job->in.create_3d;
    u64 bytes = gpu_gl_bytes_3d(in);
    u32 error = GPU_ERR_PARAMETER;
    GpuResource *r = bytes ? gpu_resource_gl(gpu, in->resource, bytes, &error) : NULL;

    if (!r) {
        return error;
    }
    r->format = in->format;
    r->width = in->width;
    r->height = in->height;
    r->create = *in;
    job->serial = r->serial;
    return GPU_OK;
}

/* The renderer takes it out of all contexts. */
static void detach_from_all(Gpu *gpu, u32 resource)
{
    GHashTableIter each;
    gpointer context;

    g_hash_table_iter_init(&each, gpu->gl->contexts);
    while (g_hash_table_iter_next(&each, NULL, &context)) {
        gl_record_detach(((GlContext *)context)->record, resource);
    }
}

/* What the renderer refused is not there. */
static void create_done(Gpu *gpu, RenderJob *job)
{
    GpuResource *r = gpu_resource(gpu, job->in.create.resource);

    if (job->answer >= GPU_ERR_UNSPEC && r && r->serial == job->serial) {
        g_hash_table_remove(gpu->gl->written, GUINT_TO_POINTER(r->id));
        detach_from_all(gpu, r->id);
        gpu_resource_free(gpu, r);
    }
}

static u32 judge_unref(Gpu *gpu, RenderJob *job)
{
    GpuResource *r = gpu_resource(gpu, job->in.id.resource);

    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    g_hash_table_remove(gpu->gl->written, GUINT_TO_POINTER(r->id));
    detach_from_all(gpu, r->id);
    gpu_resource_free(gpu, r);
    return GPU_OK;
}

static struct iovec *host_ranges(Gpu *gpu, const GpuPages *pages, u32 n)
{
    struct iovec *iov = g_new0(struct iovec, MAX(n, 1));

    for (u32 i = 0; i < n; i++) {
        if (pages[i].bytes && !mem_iov(gpu->virtio.device.machine->mem, pages[i].at,
                                       pages[i].bytes, &iov[i])) {
            g_free(iov);
            return NULL;
        }
    }
    return iov;
}

u32 gpu_gl_attach(Gpu *gpu, RenderJob *job, GpuResource *r, GpuPages *pages, u32 n)
{
    job->iov = pages ? host_ranges(gpu, pages, n) : NULL;
    job->n_iov = n;
    if (!job->iov) {
        g_free(pages);
        return GPU_ERR_UNSPEC;
    }
    return gpu_resource_attach(gpu, r, pages, n) ? GPU_OK : GPU_ERR_OUT_OF_MEMORY;
}

static u32 judge_attach(Gpu *gpu, RenderJob *job)
{
    GpuResource *r = gpu_resource(gpu, job->in.attach.resource);
    u32 n = job->in.attach.entries;

    if (!r || r->blob) {                /* a blob has the pages it was made with */
        return GPU_ERR_RESOURCE;
    }
    return gpu_gl_attach(gpu, job, r, r->n_pages ? NULL : gpu_get_pages(job->chain, n),
                         n);
}

static u32 judge_detach(Gpu *gpu, RenderJob *job)
{
    GpuResource *r = gpu_resource(gpu, job->in.id.resource);

    if (!r || !r->n_pages || r->blob) {
        return GPU_ERR_RESOURCE;
    }
    g_hash_table_remove(gpu->gl->written, GUINT_TO_POINTER(r->id));
    gpu_resource_detach(gpu, r);
    return GPU_OK;
}

static u32 judge_transfer_2d(Gpu *gpu, RenderJob *job)
{
    const GpuResource *r = gpu_resource(gpu, job->in.transfer.resource);

    if (!r || !r->n_pages) {
        return GPU_ERR_RESOURCE;
    }
    return gpu_rect_fits(&job->in.transfer.rect, r->width, r->height)
           ? GPU_OK : GPU_ERR_PARAMETER;
}

static void load_done(Gpu *gpu, RenderJob *job)
{
    gpu->gl->refused |= job->answer != GPU_OK;
}

/* ---- the table ---- */

typedef struct {
    u32 type, bytes;                /* behind the header */
    u32 (*judge)(Gpu *gpu, RenderJob *job);         /* GPU_OK: to the renderer */
    void (*done)(Gpu *gpu, RenderJob *job);         /* or NULL */
} GlCommand;

static const GlCommand commands[] = {
    { GPU_RESOURCE_CREATE_2D, sizeof(GpuCreate2d), judge_create_2d, create_done },
    { GPU_RESOURCE_UNREF, sizeof(GpuId), judge_unref, NULL },
    { GPU_SET_SCANOUT, sizeof(GpuSetScanout), gpu_gl_judge_scanout,
      gpu_gl_scanout_done },
    { GPU_SET_SCANOUT_BLOB, sizeof(GpuScanoutBlob), gpu_gl_judge_scanout_blob,
      gpu_gl_scanout_blob_done },
    { GPU_RESOURCE_FLUSH, sizeof(GpuFlush), gpu_gl_judge_flush, gpu_gl_pictures_done },
    { GPU_TRANSFER_TO_HOST_2D, sizeof(GpuTransfer2d), judge_transfer_2d, NULL },
    { GPU_ATTACH_BACKING, sizeof(GpuAttach), judge_attach, NULL },
    { GPU_DETACH_BACKING, sizeof(GpuId), judge_detach, NULL },
    { GPU_CTX_CREATE, sizeof(GpuCtxCreate), gpu_gl_judge_ctx_create,
      gpu_gl_ctx_create_done },
    { GPU_CTX_DESTROY, 0, gpu_gl_judge_ctx_destroy, NULL },
    { GPU_CTX_ATTACH_RESOURCE, sizeof(GpuId), gpu_gl_judge_ctx_attach, NULL },
    { GPU_CTX_DETACH_RESOURCE, sizeof(GpuId), gpu_gl_judge_ctx_detach, NULL },
    { GPU_RESOURCE_CREATE_3D, sizeof(GpuCreate3d), judge_create_3d, create_done },
    { GPU_TRANSFER_TO_HOST_3D, sizeof(GpuTransfer3d), gpu_gl_judge_transfer_3d,
      NULL },
    { GPU_TRANSFER_FROM_HOST_3D, sizeof(GpuTransfer3d), gpu_gl_judge_transfer_3d,
      gpu_gl_transfer_from_done },
    { GPU_SUBMIT_3D, sizeof(GpuSubmit), gpu_gl_judge_submit, gpu_gl_submit_done },
    { GPU_CREATE_BLOB, sizeof(GpuCreateBlob), gpu_gl_judge_blob, create_done },
    { GPU_MAP_BLOB, sizeof(GpuMapBlob), gpu_gl_judge_map, gpu_gl_map_done },
    { GPU_UNMAP_BLOB, sizeof(GpuId), gpu_gl_judge_unmap, NULL },
    /* the renderer's own jobs */
    { RENDER_READ, 0, NULL, gpu_gl_pictures_done },
    { RENDER_CURSOR, 0, NULL, gpu_gl_cursor_done },
    { RENDER_LOAD, 0, NULL, load_done },
};

static const GlCommand *find(u32 type)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].type == type) {
            return &commands[i];
        }
    }
    return NULL;
}

void gpu_gl_end(Gpu *gpu, RenderJob *job)
{
    const GlCommand *command = find(job->type);

    if (command && command->done && job->epoch == gpu->gl->epoch) {
        command->done(gpu, job);
    }
    if (job->chain) {
        GpuMapInfo info = { job->map_info, 0 };

        gpu_answer(gpu, job->chain, &job->header, job->answer, &info,
                   job->answer == GPU_OK_MAP_INFO ? sizeof info : 0);
        chain_done(job->chain);
    }
}

u32 gpu_gl_do(Gpu *gpu, RenderJob *job)
{
    const GlCommand *command = find(job->type);
    u32 answer = command && command->judge ? command->judge(gpu, job) : GPU_OK;

    if (answer == GPU_OK) {
        gpu_gl_run(gpu, job);
        gpu_gl_end(gpu, job);
        answer = job->answer;
    }
    return answer;
}

static void to_renderer(Gpu *gpu, Chain *chain, const GpuHeader *header)
{
    const GlCommand *command = find(header->type);
    RenderJob *job = g_new0(RenderJob, 1);
    u32 type = GPU_ERR_UNSPEC;

    job->type = header->type;
    job->header = *header;
    job->chain = chain;
    if (command && command->judge && chain_get(chain, &job->in, command->bytes)) {
        type = command->judge(gpu, job);
    }
    if (type == GPU_OK) {
        gpu_gl_post(gpu, job);
        return;
    }
    gpu_answer(gpu, chain, header, type, NULL, 0);
    chain_done(chain);
    render_job_clear(job);
    g_free(job);
}

void gpu_gl_control(VirtioDevice *virtio, Chain *chain)
{
    Gpu *gpu = gpu_of(&virtio->device);
    GpuRequest request = { .chain = chain };
    const GpuCommand *now;

    if (!chain_get(chain, &request.header, sizeof request.header)) {
        chain_fault(chain, "5.7.6.7: no header");
        chain_done(chain);
        return;
    }
    now = gpu_command_find(commands_now, request.header.type);
    if (now) {
        gpu_serve(gpu, now, &request);
    } else if (request.header.type == GPU_GET_CAPSET) {
        get_capset(gpu, chain, &request.header);
    } else {
        to_renderer(gpu, chain, &request.header);
    }
}
