/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each of virgl's commands leaves behind (virgl_protocol.h): see gpu_gl_record.h.
 */

#include "hw/virtio/gpu_gl_record.h"

#define WHOLE .keep = KEEP_WHOLE
#define SLOTS(by, words, n) \
    .keep = KEEP_SLOTS, .by_shader = by, .each = words, .slots = n
#define OBJECTS(at, by) .names = NAMES_OBJECTS, .first = at, .step = by
#define RESOURCES(at, by) .names = NAMES_RESOURCES, .first = at, .step = by
#define REFUSED(at, text) \
    .names = NAMES_REFUSED, .first = at, .step = 1, .why = text
#define NEVER(text) .keep = KEEP_NEVER, .why = text

/* All others leave nothing behind; what is made for blobs is gpu_gl_blob.c's. */
const GlCommandRow gl_command_rows[VIRGL_COMMANDS] = {
    [VIRGL_CREATE_OBJECT] = { .keep = KEEP_OWN },
    [VIRGL_BIND_OBJECT] = { WHOLE, OBJECTS(0, 1) },
    [VIRGL_DESTROY_OBJECT] = { .keep = KEEP_OWN },
    [VIRGL_SET_VIEWPORT] = { SLOTS(0, 6, 16) },
    [VIRGL_SET_FRAMEBUFFER] = { WHOLE, OBJECTS(1, 1) },
    [VIRGL_SET_VERTEX_BUFFERS] = { WHOLE, RESOURCES(2, 3) },
    [VIRGL_SET_SAMPLER_VIEWS] = { SLOTS(1, 1, 128), .cuts = true, OBJECTS(2, 1) },
    [VIRGL_SET_INDEX_BUFFER] = { WHOLE, RESOURCES(0, 1), .end = 1 },
    [VIRGL_SET_CONSTANTS] = { WHOLE, .keys = 1 },
    [VIRGL_SET_STENCIL_REF] = { WHOLE },
    [VIRGL_SET_BLEND_COLOR] = { WHOLE },
    [VIRGL_SET_SCISSOR] = { SLOTS(0, 2, 16) },
    [VIRGL_BIND_SAMPLERS] = { SLOTS(1, 1, 32), OBJECTS(2, 1) },
    [VIRGL_BEGIN_QUERY] = { .keep = KEEP_OWN },
    [VIRGL_END_QUERY] = { .keep = KEEP_OWN },
    [VIRGL_GET_QUERY_RESULT] = { .keep = KEEP_OWN },
    [VIRGL_SET_STIPPLE] = { WHOLE },
    [VIRGL_SET_CLIP] = { WHOLE },
    [VIRGL_SET_SAMPLE_MASK] = { WHOLE },
    [VIRGL_SET_STREAMOUT] = { WHOLE, REFUSED(1, "streamout") },
    [VIRGL_SET_RENDER_CONDITION] = { WHOLE, REFUSED(0, "a render condition"),
                                     .end = 1 },
    [VIRGL_SET_UNIFORM_BUFFER] = { WHOLE, .keys = 2, RESOURCES(4, 1) },
    [VIRGL_SET_SUB_CTX] = { .keep = KEEP_OWN },
    [VIRGL_CREATE_SUB_CTX] = { .keep = KEEP_OWN },
    [VIRGL_DESTROY_SUB_CTX] = { .keep = KEEP_OWN },
    [VIRGL_BIND_SHADER] = { .keep = KEEP_OWN, .key = 1, .keys = 1, OBJECTS(0, 1),
                            .end = 1 },
    [VIRGL_SET_TESS] = { WHOLE },
    [VIRGL_SET_MIN_SAMPLES] = { WHOLE },
    [VIRGL_SET_SHADER_BUFFERS] = { SLOTS(1, 3, 32), RESOURCES(4, 3) },
    [VIRGL_SET_SHADER_IMAGES] = { SLOTS(1, 5, 32), RESOURCES(6, 5) },
    [VIRGL_SET_FRAMEBUFFER_EMPTY] = { WHOLE },
    [VIRGL_SET_ATOMIC_BUFFERS] = { SLOTS(0, 3, 32), RESOURCES(3, 3) },
    [VIRGL_GET_QUERY_RESULT_QBO] = { .keep = KEEP_OWN },
    [VIRGL_SET_TWEAKS] = { WHOLE, .keys = 1 },
    [VIRGL_RESOURCE_SET_TYPE] = { NEVER("a resource that got its type later") },
};

void gl_each_name(const GlCommandRow *row, u32 *words, u32 n, GlName *f, void *opaque)
{
    u32 end = row->end ? MIN(row->end, n) : n;

    if (row->names == NAMES_NOTHING) {
        return;
    }
    for (u32 i = row->first; i < end; i += row->step) {
        f(opaque, &words[i]);
    }
}
