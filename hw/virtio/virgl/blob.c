/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resources whose memory is in this process: where that is, and what it holds (for
 * snapshots: GL gives such a buffer's contents in no other way while it is mapped).
 * See inside.h.
 */

#define VIRGL_RENDERER_UNSTABLE_APIS

#include "hw/virtio/virgl/inside.h"

#include <string.h>
#include <virgl/virglrenderer.h>

const RenderMap *blob_map(Renderer *r, u32 id)
{
    RenderMap *map = g_hash_table_lookup(r->maps, GUINT_TO_POINTER(id));
    RenderMap new = { 0 };

    if (map) {
        return map;
    }
    virgl_renderer_force_ctx_0();       /* it maps with whatever context is current */
    if (venus_has(r, id) ? !venus_map(r, id, &new)
                         : virgl_renderer_resource_map(id, &new.at, &new.bytes)) {
        return NULL;
    }
    map = g_memdup2(&new, sizeof new);
    g_hash_table_insert(r->maps, GUINT_TO_POINTER(id), map);
    return map;
}

void blob_unmap(Renderer *r, u32 id)
{
    const RenderMap *map = g_hash_table_lookup(r->maps, GUINT_TO_POINTER(id));

    if (map && venus_has(r, id)) {
        venus_unmap(map);
    } else if (map) {
        virgl_renderer_force_ctx_0();
        virgl_renderer_resource_unmap(id);
    }
    g_hash_table_remove(r->maps, GUINT_TO_POINTER(id));
}

/* Mapped for this alone, if it is not anyhow. */
static bool visit(Renderer *r, RenderJob *job, bool (*move)(RenderJob *,
                                                            const RenderMap *))
{
    u32 id = job->in.create_3d.resource;
    bool was = g_hash_table_contains(r->maps, GUINT_TO_POINTER(id));
    const RenderMap *map = blob_map(r, id);

    if (map && !move(job, map)) {
        job->answer = GPU_ERR_PARAMETER;
    }
    if (map && !was) {
        blob_unmap(r, id);
        return true;
    }
    return map;
}

static bool copy_out(RenderJob *job, const RenderMap *map)
{
    const u8 *bytes = map->at;

    if (!bytes[0] && !memcmp(bytes, bytes + 1, map->bytes - 1)) {
        return true;                    /* no data: all are 0 */
    }
    job->data = g_try_malloc(map->bytes);
    if (job->data) {
        memcpy(job->data, map->at, map->bytes);
        job->bytes = map->bytes;
    }
    return job->data;
}

static bool copy_in(RenderJob *job, const RenderMap *map)
{
    if (job->bytes == map->bytes) {
        memcpy(map->at, job->data, map->bytes);
    } else if (!job->bytes) {
        memset(map->at, 0, map->bytes);
    }
    return !job->bytes || job->bytes == map->bytes;
}

bool blob_save(Renderer *r, RenderJob *job)
{
    return visit(r, job, copy_out);
}

bool blob_load(Renderer *r, RenderJob *job)
{
    return visit(r, job, copy_in);
}
