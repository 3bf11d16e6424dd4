/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu's commands that are about 3D contexts: see gpu_gl.h.  Under the machine
 * lock.
 */

#include "hw/virtio/gpu_gl.h"

enum {
    SUBMIT_MAX = 4 << 20,           /* bytes; Mesa sends at most 256 KiB */
};

/* Of the job's header; NULL: there is none. */
static GlContext *find_context(const Gpu *gpu, const RenderJob *job)
{
    return g_hash_table_lookup(gpu->gl->contexts,
                               GUINT_TO_POINTER(job->header.ctx_id));
}

u32 gpu_gl_judge_ctx_create(Gpu *gpu, RenderJob *job)
{
    static u64 serial;
    GHashTable *contexts = gpu->gl->contexts;
    u32 set = job->in.context.context_init & GPU_CAPSET_MASK;   /* 0: virgl's */
    GlContext *context;

    if (set && !gpu_gl_capset(gpu->gl, set)) {
        return GPU_ERR_PARAMETER;
    }
    if (!job->header.ctx_id || find_context(gpu, job)) {
        return GPU_ERR_CONTEXT;
    }
    if (g_hash_table_size(contexts) >= GPU_CONTEXTS_MAX) {
        return GPU_ERR_OUT_OF_MEMORY;
    }
    context = g_new0(GlContext, 1);
    context->serial = ++serial;
    context->create = job->in.context;
    context->venus = set == GPU_CAPSET_VENUS;
    context->record = gl_record_new();
    context->made = g_array_new(false, false, sizeof(GlMade));
    g_hash_table_insert(contexts, GUINT_TO_POINTER(job->header.ctx_id), context);
    return GPU_OK;
}

void gpu_gl_ctx_create_done(Gpu *gpu, RenderJob *job)
{
    if (job->answer >= GPU_ERR_UNSPEC) {
        g_hash_table_remove(gpu->gl->contexts, GUINT_TO_POINTER(job->header.ctx_id));
    }
}

u32 gpu_gl_judge_ctx_destroy(Gpu *gpu, RenderJob *job)
{
    return g_hash_table_remove(gpu->gl->contexts, GUINT_TO_POINTER(job->header.ctx_id))
           ? GPU_OK : GPU_ERR_CONTEXT;
}

u32 gpu_gl_judge_ctx_attach(Gpu *gpu, RenderJob *job)
{
    const GpuResource *r = gpu_resource(gpu, job->in.id.resource);
    const GlContext *context = find_context(gpu, job);

    if (!context || !r) {
        return context ? GPU_ERR_RESOURCE : GPU_ERR_CONTEXT;
    }
    gl_record_attach(context->record, r->id, r->serial);
    return GPU_OK;
}

u32 gpu_gl_judge_ctx_detach(Gpu *gpu, RenderJob *job)
{
    const GpuResource *r = gpu_resource(gpu, job->in.id.resource);
    const GlContext *context = find_context(gpu, job);

    if (!context || !r) {
        return context ? GPU_ERR_RESOURCE : GPU_ERR_CONTEXT;
    }
    gl_record_detach(context->record, r->id);
    return GPU_OK;
}

/* The context may be none (0). */
u32 gpu_gl_judge_transfer_3d(Gpu *gpu, RenderJob *job)
{
    if (job->header.ctx_id && !find_context(gpu, job)) {
        return GPU_ERR_CONTEXT;
    }
    return gpu_resource(gpu, job->in.transfer_3d.resource) ? GPU_OK : GPU_ERR_RESOURCE;
}

void gpu_gl_transfer_from_done(Gpu *gpu, RenderJob *job)
{
    gpu_gl_written(gpu, job->in.transfer_3d.resource);
}

void gpu_gl_submit(Gpu *gpu, RenderJob *job)
{
    const GlContext *context = find_context(gpu, job);

    job->serial = context->serial;
    if (!context->venus) {
        gl_record_feed(context->record, (const u32 *)job->data, job->bytes / 4);
        gpu_gl_stream(gpu, (const u32 *)job->data, job->bytes / 4);
    }
}

u32 gpu_gl_judge_submit(Gpu *gpu, RenderJob *job)
{
    GlContext *context = find_context(gpu, job);
    u32 bytes = job->in.submit.bytes;

    if (!context) {
        return GPU_ERR_CONTEXT;
    }
    if (bytes > SUBMIT_MAX) {
        return GPU_ERR_OUT_OF_MEMORY;
    }
    if (bytes % 4 || bytes > chain_left(job->chain)) {
        return GPU_ERR_PARAMETER;
    }
    job->data = g_malloc(MAX(bytes, 4));
    job->bytes = bytes;
    if (!chain_get(job->chain, job->data, bytes)) {
        return GPU_ERR_PARAMETER;
    }
    if (!context->venus &&
        !gpu_gl_made(gpu, context, (const u32 *)job->data, bytes / 4)) {
        return GPU_ERR_OUT_OF_MEMORY;
    }
    gpu_gl_submit(gpu, job);
    return GPU_OK;
}

void gpu_gl_submit_done(Gpu *gpu, RenderJob *job)
{
    const GlContext *context = find_context(gpu, job);

    if (context && context->serial == job->serial && job->answer >= GPU_ERR_UNSPEC) {
        context->record->lost = true;
    }
    gpu_gl_written(gpu, 0);
}
