/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu on the wire (virtio 1.2, 5.7.6).  All numbers are little endian, as this
 * host's are.
 */

#ifndef HW_VIRTIO_GPU_WIRE_H
#define HW_VIRTIO_GPU_WIRE_H

#include "base/types.h"

enum {
    GPU_GET_DISPLAY_INFO = 0x100, GPU_RESOURCE_CREATE_2D, GPU_RESOURCE_UNREF,
    GPU_SET_SCANOUT, GPU_RESOURCE_FLUSH, GPU_TRANSFER_TO_HOST_2D, GPU_ATTACH_BACKING,
    GPU_DETACH_BACKING, GPU_GET_CAPSET_INFO, GPU_GET_CAPSET, GPU_GET_EDID,
    GPU_ASSIGN_UUID, GPU_CREATE_BLOB, GPU_SET_SCANOUT_BLOB,

    GPU_CTX_CREATE = 0x200, GPU_CTX_DESTROY, GPU_CTX_ATTACH_RESOURCE,
    GPU_CTX_DETACH_RESOURCE, GPU_RESOURCE_CREATE_3D, GPU_TRANSFER_TO_HOST_3D,
    GPU_TRANSFER_FROM_HOST_3D, GPU_SUBMIT_3D, GPU_MAP_BLOB, GPU_UNMAP_BLOB,

    GPU_UPDATE_CURSOR = 0x300, GPU_MOVE_CURSOR,

    GPU_OK = 0x1100, GPU_OK_DISPLAY_INFO, GPU_OK_CAPSET_INFO, GPU_OK_CAPSET,
    GPU_OK_EDID, GPU_OK_UUID, GPU_OK_MAP_INFO,

    GPU_ERR_UNSPEC = 0x1200, GPU_ERR_OUT_OF_MEMORY, GPU_ERR_SCANOUT, GPU_ERR_RESOURCE,
    GPU_ERR_CONTEXT, GPU_ERR_PARAMETER,
};

enum { GPU_F_VIRGL = 1 << 0, GPU_F_EDID = 1 << 1, GPU_F_BLOB = 1 << 3,
       GPU_F_CONTEXT_INIT = 1 << 4 };
enum { GPU_FLAG_FENCE = 1, GPU_FLAG_RING = 2, GPU_EVENT_DISPLAY = 1 };
enum { GPU_SCANOUTS = 16, GPU_BACKING_MAX = 16384, GPU_CURSOR_SIZE = 64 };
enum { GPU_CAPSET_VIRGL = 1, GPU_CAPSET_VIRGL2, GPU_CAPSET_VENUS = 4, GPU_CAPSETS = 3,
       GPU_CAPSET_MASK = 0xff, GPU_CONTEXTS_MAX = 256 };
enum { GPU_CREATE_Y_0_TOP = 1, GPU_TEXTURE_BUFFER = 0, GPU_TEXTURE_2D = 2,
       GPU_TEXTURE_3D = 3, GPU_BIND_RENDER_TARGET = 1 << 1 };
enum { GPU_BLOB_GUEST = 1, GPU_BLOB_HOST = 2, GPU_BLOB_HOST_GUEST = 3 };
enum { GPU_BLOB_MAPPABLE = 1, GPU_BLOB_FLAGS = 7, GPU_SHARED_HOST_VISIBLE = 1 };

typedef struct { u32 x, y, width, height; } GpuRect;

typedef struct {
    u32 type, flags;
    u64 fence_id;
    u32 ctx_id;
    u8 ring, padding[3];
} GpuHeader;

typedef struct { u32 resource, format, width, height; } GpuCreate2d;
typedef struct { u32 resource, padding; } GpuId;
typedef struct { GpuRect rect; u32 scanout, resource; } GpuSetScanout;
typedef struct { GpuRect rect; u32 resource, padding; } GpuFlush;
typedef struct { GpuRect rect; u64 offset; u32 resource, padding; } GpuTransfer2d;
typedef struct { u32 resource, entries; } GpuAttach;
typedef struct { u64 at; u32 bytes, padding; } GpuEntry;
typedef struct { u32 scanout, padding; } GpuGetEdid;
typedef struct {
    u32 resource, memory, flags, entries;
    u64 blob_id, size;
} GpuCreateBlob;
typedef struct { u32 resource, padding; u64 offset; } GpuMapBlob;
typedef struct { u32 info, padding; } GpuMapInfo;
typedef struct {
    GpuRect rect;
    u32 scanout, resource, width, height, format, padding, stride[4], offset[4];
} GpuScanoutBlob;
typedef struct {
    u32 scanout, x, y, padding, resource, hot_x, hot_y, padding2;
} GpuCursor;

/* 5.7.6.8.3: 3D.  The context is the header's. */
typedef struct { u32 index, padding; } GpuCapsetIndex;
typedef struct { u32 id, version; } GpuGetCapset;
typedef struct { u32 name_bytes, context_init; char name[64]; } GpuCtxCreate;
typedef struct {
    u32 resource, target, format, bind, width, height, depth, array_size, last_level,
        samples, flags, padding;
} GpuCreate3d;
typedef struct { u32 x, y, z, w, h, d; } GpuBox;
typedef struct {
    GpuBox box;
    u64 offset;
    u32 resource, level, stride, layer_stride;
} GpuTransfer3d;
typedef struct { u32 bytes, padding; } GpuSubmit;

/* What stands behind a command's header. */
typedef union {
    GpuCreate2d create; GpuId id; GpuSetScanout scanout; GpuFlush flush;
    GpuTransfer2d transfer; GpuAttach attach; GpuGetEdid edid; GpuCreateBlob blob;
    GpuMapBlob map; GpuScanoutBlob scanout_blob; GpuCursor cursor;
    GpuCapsetIndex capset_index; GpuGetCapset capset; GpuCtxCreate context;
    GpuCreate3d create_3d; GpuTransfer3d transfer_3d; GpuSubmit submit;
} GpuBody;

typedef struct {
    struct { GpuRect rect; u32 enabled, flags; } mode[GPU_SCANOUTS];
} GpuDisplayInfo;
typedef struct { u32 id, version, bytes, padding; } GpuCapsetInfo;
typedef struct { u32 size, padding; u8 edid[1024]; } GpuEdid;

/* 5.7.4 */
typedef struct { u32 events_read, events_clear, scanouts, capsets; } GpuConfigSpace;

#endif
