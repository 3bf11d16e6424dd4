/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the machine (gpu_isolated.h) and the renderer's process (virgl/process.c): a
 * stream socket, and memory for what the guest's pages hold.
 *
 *     machine -> process    Start; then Jobs in the order of the queue
 *     process -> machine    Hello; then Answers in the order of the jobs' ends
 *
 * Both are of one build, on one host: structs go as they are.  The machine believes
 * nothing of what comes back but pixels.
 */

#ifndef HW_VIRTIO_GPU_ISOLATED_WIRE_H
#define HW_VIRTIO_GPU_ISOLATED_WIRE_H

#include "base/spawn.h"
#include "hw/virtio/gpu_wire.h"

enum { ISOLATED_MAGIC = 0x4d475033, ISOLATED_SOCKET = SPAWN_SOCKET };

typedef struct {
    u32 magic;
    char render_node[252];          /* the user's choice; "": none */
} IsolatedStart;

typedef struct {
    u32 magic, good, software;
    char name[128], where[128];     /* of the renderer; name: or why there is none */
    struct { u32 id, version, bytes; } capset[GPU_CAPSETS];
} IsolatedHello;                    /* then the capability sets */

typedef struct {
    u32 number;                     /* not 0 */
    u32 type, scanout, want;        /* as in RenderJob, and so are these two */
    GpuHeader header;
    GpuBody in;
    u64 shared;                     /* bytes of memory that comes along; 0: none */
    u64 bytes;
} IsolatedJob;                      /* then its data */

typedef struct {
    u32 number;                     /* 0: the data is a complaint, to be logged */
    u32 answer;
    u32 line;                       /* of a resource that was created, bytes */
    u32 pictures, read_us, reserved;
    u64 bytes;
} IsolatedAnswer;                   /* then its data, or the pictures */

typedef struct { u32 scanout, x, y, w, h; } IsolatedPicture;    /* then its pixels */

#endif
