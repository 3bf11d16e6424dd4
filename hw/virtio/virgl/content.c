/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a resource holds, for a snapshot: each level, each layer of it, one behind the
 * other, in lines as the library has them.  See inside.h.
 *
 * Multisampled textures are not read: GL gives only what they resolve to.
 */

#include "hw/virtio/virgl/inside.h"

#include <string.h>
#include <virgl/virglrenderer.h>

/* A level's layers are equal in size. */
typedef struct {
    u32 level, w, h, layers, line;
    size_t bytes;                   /* of a layer, at least */
} Level;

static u32 smaller(u32 size, u32 level)
{
    return MAX(size >> level, 1);
}

/*
 * How long a line is the library knows for the first level.  A compressed format's
 * layer is taken for larger than it is, never for smaller.  The library's own length of
 * lines is right but where a pixel has 3 or 6 bytes: GL pads such lines.
 */
static Level level_of(const GpuCreate3d *c, u32 first_line, u32 level)
{
    Level l = { .level = level, .w = smaller(c->width, level),
                .h = smaller(c->height, level), .layers = MAX(c->array_size, 1) };
    u32 pixel = first_line % c->width ? 0 : first_line / c->width;

    if (c->target == GPU_TEXTURE_3D) {
        l.layers = smaller(c->depth, level);
    }
    if (pixel == 3 || pixel == 6) {
        l.line = pixel * ((l.w + 3) & ~3u);
        l.bytes = (size_t)l.line * l.h;
    } else {
        l.bytes = ((u64)first_line * l.w / c->width + 17) * l.h;
    }
    return l;
}

/* Bytes of a line of the first level; 0: it is not there, or nothing to be read. */
static u32 line_of(const GpuCreate3d *c)
{
    struct virgl_renderer_resource_info info = { 0 };

    if (!c->width || c->samples > 1 ||
        virgl_renderer_resource_get_info(c->resource, &info)) {
        return 0;
    }
    if (c->target == GPU_TEXTURE_BUFFER) {
        return info.stride == c->width ? info.stride : 0;
    }
    return info.stride;
}

static size_t total(const GpuCreate3d *c, u32 line)
{
    size_t bytes = 0;

    for (u32 i = 0; i <= MIN(c->last_level, 31); i++) {
        Level l = level_of(c, line, i);

        bytes += l.bytes * l.layers;
    }
    return bytes;
}

static bool move(const GpuCreate3d *c, u32 line, u8 *data, bool out)
{
    for (u32 i = 0; i <= MIN(c->last_level, 31); i++) {
        Level l = level_of(c, line, i);

        for (u32 layer = 0; layer < l.layers; layer++, data += l.bytes) {
            GpuBox box = { 0, 0, layer, l.w, l.h, 1 };
            struct iovec iov = { data, l.bytes };
            struct virgl_box *b = (struct virgl_box *)&box;

            if (out ? virgl_renderer_transfer_read_iov(c->resource, 0, i, l.line, 0, b,
                                                       0, &iov, 1)
                    : virgl_renderer_transfer_write_iov(c->resource, 0, i, l.line, 0, b,
                                                        0, &iov, 1)) {
                return false;
            }
        }
    }
    return true;
}

static bool is_zero(const u8 *data, size_t bytes)
{
    return !bytes || (!data[0] && !memcmp(data, data + 1, bytes - 1));
}

void content_save(Renderer *r, RenderJob *job)
{
    const GpuCreate3d *c = &job->in.create_3d;
    u32 line = line_of(c);

    if (job->blob && blob_save(r, job)) {
        return;
    }
    job->bytes = line ? total(c, line) : 0;
    job->data = line ? g_try_malloc0(MAX(job->bytes, 1)) : NULL;
    if (!job->data || !move(c, line, job->data, true)) {
        job->answer = GPU_ERR_UNSPEC;
    } else if (is_zero(job->data, job->bytes)) {
        job->bytes = 0;
    }
}

void content_load(Renderer *r, RenderJob *job)
{
    const GpuCreate3d *c = &job->in.create_3d;
    u32 line = line_of(c);
    size_t bytes = line ? total(c, line) : 0;
    g_autofree u8 *zeros = line && !job->bytes ? g_try_malloc0(bytes) : NULL;

    if (job->blob && blob_load(r, job)) {
        return;
    }
    if (!line || (job->bytes ? job->bytes != bytes : !zeros) ||
        !move(c, line, job->bytes ? job->data : zeros, false)) {
        job->answer = GPU_ERR_PARAMETER;
    }
}
