/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a context's commands do to the guest's memory: see gpu_gl.h.  They are virgl's
 * own (virgl_protocol.h): a word of length, object and command, then that many words.
 * They are drawn by virglrenderer; here only those are looked for that write into a
 * resource's pages, so that who follows such writes learns of them.
 */

#include "hw/virtio/gpu_gl.h"

/* Words of the two transfers, counted from the header. */
enum {
    TRANSFER_RESOURCE = 1, TRANSFER_DIRECTION = 13, FROM_HOST = 2,
    COPY_STAGING = 12, COPY_FLAGS = 14, COPY_FROM_HOST = 2,
};

static void note(Gpu *gpu, u32 resource)
{
    g_hash_table_add(gpu->gl->written, GUINT_TO_POINTER(resource));
}

void gpu_gl_stream(Gpu *gpu, const u32 *word, size_t n)
{
    for (size_t i = 0; i < n; i += (word[i] >> 16) + 1) {
        u32 command = word[i] & 0xff, object = word[i] >> 8 & 0xff;
        u32 length = word[i] >> 16;

        if (length >= n - i) {
            return;
        }
        if (length >= 4 && command == VIRGL_CREATE_OBJECT && object == VIRGL_QUERY) {
            note(gpu, word[i + 4]);
        } else if (length >= TRANSFER_DIRECTION && command == VIRGL_TRANSFER3D &&
                   word[i + TRANSFER_DIRECTION] == FROM_HOST) {
            note(gpu, word[i + TRANSFER_RESOURCE]);
        } else if (length >= COPY_FLAGS && command == VIRGL_COPY_TRANSFER3D &&
                   (word[i + COPY_FLAGS] & COPY_FROM_HOST)) {
            note(gpu, word[i + COPY_STAGING]);
        }
    }
}

static void mark(Gpu *gpu, u32 id)
{
    const GpuResource *r = gpu_resource(gpu, id);

    for (u32 i = 0; r && i < r->n_pages; i++) {
        mem_written(gpu->virtio.device.machine->mem, r->pages[i].at, r->pages[i].bytes);
    }
}

void gpu_gl_written(Gpu *gpu, u32 resource)
{
    GHashTableIter each;
    gpointer id;

    if (resource) {
        mark(gpu, resource);
        return;
    }
    g_hash_table_iter_init(&each, gpu->gl->written);
    while (g_hash_table_iter_next(&each, &id, NULL)) {
        mark(gpu, GPOINTER_TO_UINT(id));
    }
}
