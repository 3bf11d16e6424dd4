/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's commands, as calls of virglrenderer.  What could be judged without it
 * (ids, lengths) the device has judged; virglrenderer judges the rest.  See inside.h.
 */

#define VIRGL_RENDERER_UNSTABLE_APIS

#include "hw/virtio/virgl/inside.h"

#include <virgl/virglrenderer.h>

/* ---- buffers of wide pixels ---- */

/* Words of the two transfers in streams, counted from the header. */
enum { VIRGL_CCMD_TRANSFER3D = 43, VIRGL_CCMD_COPY_TRANSFER3D = 45 };
enum { WORD_RESOURCE = 1, WORD_BOX = 6, WORD_DIRECTION = 13, WORD_COPY_FLAGS = 14,
       FROM_HOST = 2 };

static void note_wide(Renderer *r, u32 id)
{
    struct virgl_renderer_resource_info info = { 0 };

    if (virgl_renderer_resource_get_info(id, &info) == 0 && info.width &&
        info.stride > info.width) {
        g_hash_table_insert(r->wide, GUINT_TO_POINTER(id),
                            GUINT_TO_POINTER(info.stride / info.width));
    }
}

/*
 * A buffer's box is in bytes.  The library reads as many pixels, which is beyond the
 * end of the buffer where a pixel has more than one byte: memory of the host's.
 */
static bool reads_beyond(const Renderer *r, u32 id, const GpuBox *box)
{
    u32 each = GPOINTER_TO_UINT(g_hash_table_lookup(r->wide, GUINT_TO_POINTER(id)));
    struct virgl_renderer_resource_info info = { 0 };

    return each && (virgl_renderer_resource_get_info(id, &info) != 0 ||
                    box->x + (u64)box->w * each > info.width);
}

static bool stream_reads_beyond(const Renderer *r, const u32 *word, size_t n)
{
    for (size_t i = 0; i < n; i += (word[i] >> 16) + 1) {
        u32 command = word[i] & 0xff, length = word[i] >> 16;
        bool reads;

        if (length >= n - i) {
            return false;
        }
        reads = (command == VIRGL_CCMD_TRANSFER3D && length >= WORD_DIRECTION &&
                 word[i + WORD_DIRECTION] == FROM_HOST) ||
                (command == VIRGL_CCMD_COPY_TRANSFER3D && length >= WORD_COPY_FLAGS &&
                 (word[i + WORD_COPY_FLAGS] & FROM_HOST));
        if (reads && reads_beyond(r, word[i + WORD_RESOURCE],
                                  (const GpuBox *)&word[i + WORD_BOX])) {
            return true;
        }
    }
    return false;
}

/* ---- resources ---- */

static u32 create(Renderer *r, RenderJob *job, u32 id,
                  const struct virgl_renderer_resource_create_args *wanted)
{
    struct virgl_renderer_resource_create_args args = *wanted;
    struct virgl_renderer_resource_info info = { 0 };

    args.handle = id;
    if (virgl_renderer_resource_create(&args, NULL, 0)) {
        return GPU_ERR_PARAMETER;
    }
    g_hash_table_insert(r->resources, GUINT_TO_POINTER(id), NULL);
    if (args.target == GPU_TEXTURE_BUFFER) {
        note_wide(r, id);
    }
    if (virgl_renderer_resource_get_info(id, &info) == 0) {
        job->line = info.stride;
    }
    return GPU_OK;
}

static u32 create_2d(Renderer *r, RenderJob *job)
{
    const GpuCreate2d *in = &job->in.create;

    return create(r, job, in->resource, &(struct virgl_renderer_resource_create_args){
        .target = GPU_TEXTURE_2D, .format = in->format, .bind = GPU_BIND_RENDER_TARGET,
        .width = in->width, .height = in->height, .depth = 1, .array_size = 1,
        .flags = GPU_CREATE_Y_0_TOP,
    });
}

static u32 create_3d(Renderer *r, RenderJob *job)
{
    const GpuCreate3d *in = &job->in.create_3d;

    return create(r, job, in->resource, &(struct virgl_renderer_resource_create_args){
        .target = in->target, .format = in->format, .bind = in->bind,
        .width = in->width, .height = in->height, .depth = in->depth,
        .array_size = in->array_size, .last_level = in->last_level,
        .nr_samples = in->samples, .flags = in->flags,
    });
}

static bool is_resource(const Renderer *r, u32 id)
{
    return g_hash_table_contains(r->resources, GUINT_TO_POINTER(id));
}

static u32 detach_backing(Renderer *r, RenderJob *job)
{
    u32 id = job->in.id.resource;
    struct iovec *iov;
    int n;

    if (is_resource(r, id)) {
        virgl_renderer_resource_detach_iov(id, &iov, &n);
        g_hash_table_insert(r->resources, GUINT_TO_POINTER(id), NULL);
    }
    return GPU_OK;
}

static u32 attach_backing(Renderer *r, RenderJob *job)
{
    u32 id = job->in.attach.resource;

    if (!is_resource(r, id) ||
        virgl_renderer_resource_attach_iov(id, job->iov, job->n_iov)) {
        return GPU_ERR_UNSPEC;
    }
    g_hash_table_insert(r->resources, GUINT_TO_POINTER(id),
                        g_steal_pointer(&job->iov));
    return GPU_OK;
}

static void free_resource(Renderer *r, u32 id)
{
    struct iovec *iov;
    int n;

    shown_forget(r, id);
    blob_unmap(r, id);
    venus_forget(r, id);
    g_hash_table_remove(r->wide, GUINT_TO_POINTER(id));
    virgl_renderer_resource_detach_iov(id, &iov, &n);
    virgl_renderer_resource_unref(id);
}

static u32 unref(Renderer *r, RenderJob *job)
{
    u32 id = job->in.id.resource;

    if (is_resource(r, id)) {
        free_resource(r, id);
        g_hash_table_remove(r->resources, GUINT_TO_POINTER(id));
    }
    return GPU_OK;
}

static u32 create_context(Renderer *r, RenderJob *job)
{
    GpuCtxCreate *in = &job->in.context;
    u32 bytes = MIN(in->name_bytes, sizeof in->name - 1), id = job->header.ctx_id;
    u32 set = in->context_init & GPU_CAPSET_MASK;
    int bad;

    in->name[bytes] = 0;
    set = set ? set : GPU_CAPSET_VIRGL2;
    bad = virgl_renderer_context_create_with_flags(id, set, bytes, in->name);
    /* It has made the new one GL's current one, and still thinks it is the last. */
    virgl_renderer_force_ctx_0();
    if (bad) {
        return GPU_ERR_UNSPEC;
    }
    g_hash_table_insert(r->contexts, GUINT_TO_POINTER(id), GUINT_TO_POINTER(set));
    return GPU_OK;
}

static u32 destroy_context(Renderer *r, RenderJob *job)
{
    if (g_hash_table_remove(r->contexts, GUINT_TO_POINTER(job->header.ctx_id))) {
        virgl_renderer_context_destroy(job->header.ctx_id);
        render_drop_fences(r, job->header.ctx_id);
    }
    return GPU_OK;
}

/*
 * One by one: after virgl_renderer_reset the library no longer waits for fences on its
 * own thread.
 */
void render_free_all(Renderer *r)
{
    GHashTableIter each;
    gpointer id;

    g_hash_table_iter_init(&each, r->contexts);
    while (g_hash_table_iter_next(&each, &id, NULL)) {
        virgl_renderer_context_destroy(GPOINTER_TO_UINT(id));
    }
    g_hash_table_remove_all(r->contexts);
    g_hash_table_iter_init(&each, r->resources);
    while (g_hash_table_iter_next(&each, &id, NULL)) {
        free_resource(r, GPOINTER_TO_UINT(id));
    }
    g_hash_table_remove_all(r->resources);
}

static u32 attach_resource(Renderer *r, RenderJob *job)
{
    virgl_renderer_ctx_attach_resource(job->header.ctx_id, job->in.id.resource);
    return GPU_OK;
}

static u32 detach_resource(Renderer *r, RenderJob *job)
{
    virgl_renderer_ctx_detach_resource(job->header.ctx_id, job->in.id.resource);
    return GPU_OK;
}

static u32 transfer_2d(Renderer *r, RenderJob *job)
{
    const GpuTransfer2d *in = &job->in.transfer;
    GpuBox box = { in->rect.x, in->rect.y, 0, in->rect.width, in->rect.height, 1 };

    return virgl_renderer_transfer_write_iov(in->resource, 0, 0, 0, 0,
                                             (struct virgl_box *)&box, in->offset, NULL,
                                             0) ? GPU_ERR_PARAMETER : GPU_OK;
}

static u32 transfer_to(Renderer *r, RenderJob *job)
{
    GpuTransfer3d *in = &job->in.transfer_3d;

    return virgl_renderer_transfer_write_iov(
               in->resource, job->header.ctx_id, in->level, in->stride,
               in->layer_stride, (struct virgl_box *)&in->box, in->offset, NULL, 0)
           ? GPU_ERR_PARAMETER : GPU_OK;
}

static u32 transfer_from(Renderer *r, RenderJob *job)
{
    GpuTransfer3d *in = &job->in.transfer_3d;

    return reads_beyond(r, in->resource, &in->box) ||
           virgl_renderer_transfer_read_iov(
               in->resource, job->header.ctx_id, in->level, in->stride,
               in->layer_stride, (struct virgl_box *)&in->box, in->offset, NULL, 0)
           ? GPU_ERR_PARAMETER : GPU_OK;
}

static bool is_venus(const Renderer *r, const RenderJob *job)
{
    gpointer set = g_hash_table_lookup(r->contexts, GUINT_TO_POINTER(job->header.ctx_id));

    return GPOINTER_TO_UINT(set) == GPU_CAPSET_VENUS;
}

static u32 submit(Renderer *r, RenderJob *job)
{
    return (!is_venus(r, job) &&
            stream_reads_beyond(r, (const u32 *)job->data, job->bytes / 4)) ||
           virgl_renderer_submit_cmd(job->data, job->header.ctx_id, job->bytes / 4)
           ? GPU_ERR_PARAMETER : GPU_OK;
}

/* The stream of the header's context has made it; its pages come along. */
static u32 create_blob(Renderer *r, RenderJob *job)
{
    const GpuCreateBlob *in = &job->in.blob;
    struct virgl_renderer_resource_info info = { 0 };

    if (virgl_renderer_resource_create_blob(
            &(struct virgl_renderer_resource_create_blob_args){
                .res_handle = in->resource, .ctx_id = job->header.ctx_id,
                .blob_mem = in->memory, .blob_flags = in->flags,
                .blob_id = in->blob_id, .size = in->size, .iovecs = job->iov,
                .num_iovs = job->n_iov })) {
        return GPU_ERR_PARAMETER;
    }
    if (is_venus(r, job) && in->memory == GPU_BLOB_HOST) {
        venus_note(r, in->resource, in->size);
    } else if (virgl_renderer_resource_get_info(in->resource, &info) == 0 &&
               info.height <= 1) {
        note_wide(r, in->resource);
    }
    g_hash_table_insert(r->resources, GUINT_TO_POINTER(in->resource),
                        g_steal_pointer(&job->iov));
    return GPU_OK;
}

static u32 map_blob(Renderer *r, RenderJob *job)
{
    const RenderMap *map = blob_map(r, job->in.map.resource);

    if (!map || virgl_renderer_resource_get_map_info(job->in.map.resource,
                                                     &job->map_info)) {
        return GPU_ERR_UNSPEC;
    }
    job->map = map->at;
    job->map_bytes = map->bytes;
    return GPU_OK_MAP_INFO;
}

static u32 unmap_blob(Renderer *r, RenderJob *job)
{
    blob_unmap(r, job->in.id.resource);
    return GPU_OK;
}

static u32 set_scanout(Renderer *r, RenderJob *job)
{
    shown_set(r, job);
    return GPU_OK;
}

/* The device shows it; no texture is shown any more. */
static u32 set_scanout_blob(Renderer *r, RenderJob *job)
{
    shown_set(r, &(RenderJob){ .in.scanout = {
        .scanout = job->in.scanout_blob.scanout } });
    return GPU_OK;
}

static u32 flush(Renderer *r, RenderJob *job)
{
    shown_flush(r, job);
    return GPU_OK;
}

static const struct {
    u32 type;
    u32 (*run)(Renderer *r, RenderJob *job);        /* the answer */
} commands[] = {
    { GPU_RESOURCE_CREATE_2D, create_2d },
    { GPU_RESOURCE_UNREF, unref },
    { GPU_SET_SCANOUT, set_scanout },
    { GPU_SET_SCANOUT_BLOB, set_scanout_blob },
    { GPU_RESOURCE_FLUSH, flush },
    { GPU_TRANSFER_TO_HOST_2D, transfer_2d },
    { GPU_ATTACH_BACKING, attach_backing },
    { GPU_DETACH_BACKING, detach_backing },
    { GPU_CTX_CREATE, create_context },
    { GPU_CTX_DESTROY, destroy_context },
    { GPU_CTX_ATTACH_RESOURCE, attach_resource },
    { GPU_CTX_DETACH_RESOURCE, detach_resource },
    { GPU_RESOURCE_CREATE_3D, create_3d },
    { GPU_TRANSFER_TO_HOST_3D, transfer_to },
    { GPU_TRANSFER_FROM_HOST_3D, transfer_from },
    { GPU_SUBMIT_3D, submit },
    { GPU_CREATE_BLOB, create_blob },
    { GPU_MAP_BLOB, map_blob },
    { GPU_UNMAP_BLOB, unmap_blob },
};

void render_command(Renderer *r, RenderJob *job)
{
    job->answer = GPU_ERR_UNSPEC;
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].type == job->type) {
            job->answer = commands[i].run(r, job);
            return;
        }
    }
}
