/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blobs of the renderer's (virtio 1.2, 5.7.6.8): resources whose memory the guest can
 * see.  See gpu_gl.h.  Under the machine lock.
 *
 *     a context's stream    RESOURCE_CREATE: makes something, under a number (blob_id)
 *     RESOURCE_CREATE_BLOB  fetches it: now it is a resource
 *     RESOURCE_MAP_BLOB     its memory appears in the window (2.10), at the driver's
 *                           offset, and is read and written there without a command
 *
 * Memory of a Vulkan context (venus=on) has its number from Vulkan's own commands.
 *
 * The memory is the library's, in this process, and goes when the resource does.  So it
 * is taken out of the guest's sight before the renderer hears of whatever ends it: an
 * unmapping, the resource's end, a reset.  Once a region is out of the space no CPU is
 * at it.
 *
 * What a context made and never fetched stays charged: the library does not free it
 * with the context.
 */

#include "hw/virtio/gpu_gl.h"

#include "base/log.h"

enum {
    MADE_MAX = 256,                 /* not fetched, of one context */
    MAPPINGS_MAX = 256,             /* each is a memory slot of KVM's */
    MADE_WORDS = 11, MADE_BLOB_ID = MADE_WORDS, MADE_TARGET = 1,
    WINDOW_PRIORITY = -1,           /* a BAR's; newer than that of the window itself */
    MAKER = 1,                      /* context, while a snapshot is loaded */
};

/* ---- made, not fetched ---- */

static bool add_made(Gpu *gpu, GlContext *context, const u32 *word)
{
    GlMade made = { .create = { word[MADE_BLOB_ID], word[MADE_TARGET], word[2], word[3],
                                word[4], word[5], word[6], word[7], word[8], word[9],
                                word[10], 0 } };

    made.charged = MAX(gpu_gl_bytes_3d(&made.create), 1);
    if (context->made->len >= MADE_MAX ||
        made.charged > gpu->config.max_hostmem - gpu->host_bytes) {
        return false;
    }
    gpu->host_bytes += made.charged;
    g_array_append_val(context->made, made);
    return true;
}

bool gpu_gl_made(Gpu *gpu, GlContext *context, const u32 *word, size_t n)
{
    for (size_t i = 0; i < n; i += (word[i] >> 16) + 1) {
        u32 length = word[i] >> 16;

        if (length >= n - i) {
            return true;
        }
        if ((word[i] & 0xff) == VIRGL_RESOURCE_CREATE && length >= MADE_WORDS &&
            !add_made(gpu, context, word + i)) {
            return false;
        }
    }
    return true;
}

u32 gpu_gl_append_made(const GlContext *context, GArray *out)
{
    for (unsigned i = 0; i < context->made->len; i++) {
        const GpuCreate3d *c = &g_array_index(context->made, GlMade, i).create;
        u32 words[] = { VIRGL_HEADER(VIRGL_RESOURCE_CREATE, 0, MADE_WORDS), c->target,
                        c->format, c->bind, c->width, c->height, c->depth,
                        c->array_size, c->last_level, c->samples, c->flags,
                        c->resource };

        g_array_append_vals(out, words, G_N_ELEMENTS(words));
    }
    return context->made->len;
}

/* The library gives out the first one with this number. */
static bool fetch_made(Gpu *gpu, GlContext *context, u32 blob_id, GpuCreate3d *create)
{
    for (unsigned i = 0; i < context->made->len; i++) {
        const GlMade *made = &g_array_index(context->made, GlMade, i);

        if (made->create.resource == blob_id) {
            *create = made->create;
            gpu->host_bytes -= made->charged;
            g_array_remove_index(context->made, i);
            return true;
        }
    }
    return false;
}

/* ---- blobs ---- */

/* Takes the pages over.  `create`: as the renderer made it; NULL: Vulkan's. */
static u32 new_blob(Gpu *gpu, RenderJob *job, const GpuCreate3d *create,
                    GpuPages *pages)
{
    const GpuCreateBlob *in = &job->in.blob;
    bool of_host = in->memory != GPU_BLOB_GUEST;
    u64 bytes = of_host ? MAX(create ? gpu_gl_bytes_3d(create) : 0, in->size) : 1;
    u32 error = GPU_ERR_PARAMETER;
    GpuResource *r = NULL;

    if (in->size && !(in->flags & ~(u32)GPU_BLOB_FLAGS) &&
        in->memory >= GPU_BLOB_GUEST && in->memory <= GPU_BLOB_HOST_GUEST &&
        (of_host || !(in->flags & GPU_BLOB_MAPPABLE))) {
        r = gpu_resource_gl(gpu, in->resource, bytes, &error);
    }
    if (!r) {
        g_free(pages);
        return error;
    }
    r->create = create ? *create : (GpuCreate3d){ 0 };
    r->create.resource = in->resource;
    r->format = r->create.format;
    r->width = r->create.width;
    r->height = r->create.height;
    r->bytes = in->size;
    r->blob = in->memory;
    r->blob_flags = in->flags;
    r->venus = !create;
    job->serial = r->serial;
    if (in->memory == GPU_BLOB_HOST) {
        g_free(pages);
        return GPU_OK;
    }
    error = gpu_gl_attach(gpu, job, r, pages, in->entries);
    if (error != GPU_OK) {
        gpu_resource_free(gpu, r);
    }
    return error;
}

u32 gpu_gl_judge_blob(Gpu *gpu, RenderJob *job)
{
    const GpuCreateBlob *in = &job->in.blob;
    GlContext *context = g_hash_table_lookup(gpu->gl->contexts,
                                             GUINT_TO_POINTER(job->header.ctx_id));
    bool venus = context && context->venus && in->memory == GPU_BLOB_HOST;
    GpuCreate3d create = { 0 };
    GpuPages *pages = NULL;

    if (!virtio_has(&gpu->virtio, GPU_F_BLOB)) {
        return GPU_ERR_UNSPEC;
    }
    if (in->memory == GPU_BLOB_HOST ? in->entries : !in->entries) {
        return GPU_ERR_PARAMETER;
    }
    if (in->memory != GPU_BLOB_HOST) {
        pages = gpu_get_pages(job->chain, in->entries);
        if (!pages) {
            return GPU_ERR_UNSPEC;
        }
    }
    if (in->memory != GPU_BLOB_GUEST && !venus &&
        (!context || !fetch_made(gpu, context, in->blob_id, &create))) {
        g_free(pages);
        return context ? GPU_ERR_PARAMETER : GPU_ERR_CONTEXT;
    }
    return new_blob(gpu, job, venus ? NULL : &create, pages);
}

/* ---- the window ---- */

static void place(Gpu *gpu, GpuMapping *m)
{
    if (gpu->gl->shared_at == UINT64_MAX) {
        space_remove(&m->region);
    } else if (m->region.space) {
        region_move(&m->region, gpu->gl->shared_at + m->offset);
    } else {
        space_add(gpu->virtio.device.machine->mmio, &m->region,
                  gpu->gl->shared_at + m->offset, WINDOW_PRIORITY);
    }
}

void gpu_gl_shared_moved(VirtioDevice *virtio, u64 address)
{
    Gpu *gpu = gpu_of(&virtio->device);
    Space *space = gpu->virtio.device.machine->mmio;
    GHashTableIter each;
    gpointer r;

    if (!gpu->gl) {
        return;                         /* it has ended */
    }
    gpu->gl->shared_at = address;
    space_begin(space);
    g_hash_table_iter_init(&each, gpu->resources);
    while (g_hash_table_iter_next(&each, NULL, &r)) {
        GpuMapping *m = ((GpuResource *)r)->mapping;

        if (m && m->ready) {
            place(gpu, m);
        }
    }
    space_commit(space);
}

void gpu_gl_hide(GpuResource *r)
{
    if (r->mapping && r->mapping->ready) {
        region_fini(&r->mapping->region);
    }
    g_clear_pointer(&r->mapping, g_free);
}

/* ---- mapping ---- */

static bool is_free(const Gpu *gpu, u64 offset, u64 bytes)
{
    GHashTableIter each;
    gpointer value;
    unsigned n = 0;

    g_hash_table_iter_init(&each, gpu->resources);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const GpuResource *r = value;

        if (r->mapping && r->mapping->offset < offset + bytes &&
            offset < r->mapping->offset + r->bytes) {
            return false;
        }
        n += r->mapping != NULL;
    }
    return n < MAPPINGS_MAX;
}

u32 gpu_gl_judge_map(Gpu *gpu, RenderJob *job)
{
    const GpuMapBlob *in = &job->in.map;
    GpuResource *r = gpu_resource(gpu, in->resource);
    u64 window = gpu->virtio.shared_bytes;

    if (!r || !(r->blob_flags & GPU_BLOB_MAPPABLE)) {
        return r ? GPU_ERR_UNSPEC : GPU_ERR_RESOURCE;
    }
    if (r->mapping || ((in->offset | r->bytes) & ~PAGE_MASK) || r->bytes > window ||
        in->offset > window - r->bytes || !is_free(gpu, in->offset, r->bytes)) {
        return GPU_ERR_PARAMETER;
    }
    r->mapping = g_new0(GpuMapping, 1);
    r->mapping->offset = in->offset;
    job->serial = r->mapping->serial = ++gpu->gl->mappings;
    return GPU_OK;
}

/* The driver may have thought otherwise while the renderer was at it. */
void gpu_gl_map_done(Gpu *gpu, RenderJob *job)
{
    GpuResource *r = gpu_resource(gpu, job->in.map.resource);
    GpuMapping *m = r ? r->mapping : NULL;

    if (!m || m->serial != job->serial) {
        job->answer = GPU_ERR_UNSPEC;
        return;
    }
    if (job->answer == GPU_OK_MAP_INFO &&
        (((uintptr_t)job->map & ~PAGE_MASK) || job->map_bytes < r->bytes)) {
        RenderJob *undo = g_new0(RenderJob, 1);

        log_at(LOG_GUEST_ERROR, "virtio-gpu: the renderer's memory for a blob of "
               "%" G_GUINT64_FORMAT " bytes is no pages", r->bytes);
        undo->type = GPU_UNMAP_BLOB;
        undo->in.id.resource = r->id;
        gpu_gl_post(gpu, undo);
        job->answer = GPU_ERR_UNSPEC;
    }
    if (job->answer != GPU_OK_MAP_INFO) {
        gpu_gl_hide(r);
        return;
    }
    region_init_foreign(&m->region, "virtio-gpu blob", job->map, r->bytes);
    m->ready = true;
    place(gpu, m);
}

u32 gpu_gl_judge_unmap(Gpu *gpu, RenderJob *job)
{
    GpuResource *r = gpu_resource(gpu, job->in.id.resource);

    if (!r || !r->mapping) {
        return r ? GPU_ERR_UNSPEC : GPU_ERR_RESOURCE;
    }
    gpu_gl_hide(r);
    return GPU_OK;
}

/* ---- anew, from a snapshot ---- */

static bool run_job(Gpu *gpu, RenderJob *job)
{
    gpu_gl_run(gpu, job);
    return job->answer < GPU_ERR_UNSPEC;
}

static bool run_maker(Gpu *gpu, const GpuCreate3d *create)
{
    GlContext maker = { .made = g_array_new(false, false, sizeof(GlMade)) };
    g_autoptr(GArray) words = g_array_new(false, false, 4);
    GlMade made = { .create = *create };
    RenderJob job = { .type = GPU_SUBMIT_3D, .header.ctx_id = MAKER };

    made.create.resource = MAKER;
    g_array_append_val(maker.made, made);
    gpu_gl_append_made(&maker, words);
    g_array_unref(maker.made);
    job.data = (u8 *)words->data;
    job.bytes = words->len * 4;
    return run_job(gpu, &job);
}

/* A context that the guest does not know makes it, as the guest's had. */
bool gpu_gl_make_blob(Gpu *gpu, const GpuCreate3d *create, const GpuCreateBlob *blob,
                      GpuPages *pages)
{
    RenderJob begin = { .type = GPU_CTX_CREATE, .header.ctx_id = MAKER };
    RenderJob end = { .type = GPU_CTX_DESTROY, .header.ctx_id = MAKER };
    RenderJob job = { .type = GPU_CREATE_BLOB, .header.ctx_id = MAKER,
                      .in.blob = *blob };
    bool good;

    job.in.blob.blob_id = MAKER;
    if (!gpu->gl->module->maps) {
        g_free(pages);
        return false;
    }
    if (new_blob(gpu, &job, create, pages) != GPU_OK) {
        render_job_clear(&job);
        return false;
    }
    good = run_job(gpu, &begin) &&
           (blob->memory == GPU_BLOB_GUEST || run_maker(gpu, create)) &&
           run_job(gpu, &job);
    render_job_clear(&job);
    return run_job(gpu, &end) && good;
}

bool gpu_gl_map(Gpu *gpu, u32 resource, u64 offset)
{
    RenderJob job = { .type = GPU_MAP_BLOB, .in.map = { resource, 0, offset } };

    return gpu_gl_do(gpu, &job) == GPU_OK_MAP_INFO;
}
