/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What 3D resources hold, in a snapshot: see gpu_gl.h.
 *
 * Each is packed by itself (zstd), so that a restore unpacks one while the renderer
 * fills the one before, and never has all of them in memory.
 */

#include "hw/virtio/gpu_gl.h"

#include <zstd.h>

enum { STAGING = 1 << 19, PACK_LEVEL = 1, CONTENT_MAX = 2u << 30 };

/* A staging buffer is nothing but the guest's pages, and so are some blobs. */
bool gpu_gl_holds(const GpuCreate3d *create, u32 blob)
{
    return blob != GPU_BLOB_GUEST &&
           (create->target != GPU_TEXTURE_BUFFER || create->bind != STAGING);
}

u8 *gpu_gl_pack(const u8 *data, size_t bytes, u64 *packed)
{
    size_t room = ZSTD_compressBound(bytes), n;
    u8 *to = g_try_malloc(MAX(room, 1));

    n = to ? ZSTD_compress(to, room, data, bytes, PACK_LEVEL) : 0;
    if (to && ZSTD_isError(n)) {
        g_clear_pointer(&to, g_free);
    }
    *packed = to ? n : 0;
    return to;
}

u8 *gpu_gl_unpack(const u8 *packed, u64 n, u64 bytes)
{
    u8 *to = bytes && bytes < CONTENT_MAX &&
             ZSTD_getFrameContentSize(packed, n) == bytes ? g_try_malloc(bytes) : NULL;

    if (to && ZSTD_decompress(to, bytes, packed, n) != bytes) {
        g_clear_pointer(&to, g_free);
    }
    return to;
}
