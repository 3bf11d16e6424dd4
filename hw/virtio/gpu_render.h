/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between virtio-gpu-gl (gpu_gl.c) and the module that draws (virgl/): a renderer is a
 * thread with a GL context, which does jobs in the order they are posted.
 *
 *     device, under the machine lock              the renderer's thread
 *     a command, copied and judged  -- post -->   does it
 *     its chain is completed        <-- done --   when that is done, and its fence
 *     passed
 *
 * The thread takes no lock of the machine, so that one may wait for it under any.  It
 * knows the guest's memory only as the ranges that jobs bring (`iov`).  The module uses
 * nothing of the executable: what it needs of it stands in RenderHost.
 */

#ifndef HW_VIRTIO_GPU_RENDER_H
#define HW_VIRTIO_GPU_RENDER_H

#include "hw/virtio/gpu_wire.h"

#include <sys/uio.h>

typedef struct Renderer Renderer;
typedef struct RenderJob RenderJob;

/* Jobs that are no commands of the driver's. */
enum {
    RENDER_RESET = 0x10000,         /* no contexts, no resources, nothing shown */
    RENDER_READ,                    /* what scanout `read` shows, all of it */
    RENDER_WINDOW,                  /* `window` shows it from now on, or is redrawn */
    RENDER_POINTER,                 /* image or place: `pointer`, image in `data` */
    RENDER_CURSOR,                  /* the pixels of resource `id`, for a pointer */
    RENDER_WAIT,                    /* until every fence has passed */
    RENDER_SAVE,                    /* contents of `create_3d`'s resource: `data` */
    RENDER_LOAD,                    /* the other way; no data: all are 0 */
};

/* Pixels that were read back, as the resource has them: 4 bytes each. */
typedef struct {
    u32 scanout, x, y, w, h;        /* inside of the scanout */
    u32 *pixels;
} RenderPicture;

/* An X11 window; 0: none any more. */
typedef struct {
    unsigned long id;
    u32 width, height;
    bool draw_pointer;
} RenderWindow;

typedef struct {
    u32 width, height;              /* of a new image in `data`; 0: there is none */
    bool has_image;                 /* `data` is new */
    s32 x, y;
} RenderPointer;

struct RenderJob {
    RenderJob *next;
    u32 type;                       /* the command's, or RENDER_... */
    u32 answer;                     /* out: GPU_OK... or GPU_ERR_... */
    u32 line;                       /* out, CREATE: bytes of a line, 0: not known */
    u32 read_us;                    /* out: that reading `pictures` back took */
    GpuHeader header;
    GpuBody in;
    u32 scanout;                    /* RENDER_READ, WINDOW, POINTER */
    u32 want;                       /* FLUSH: bits of scanouts to be read back */
    RenderWindow window;
    RenderPointer pointer;
    struct iovec *iov;              /* backing; the thread takes it */
    u32 n_iov;
    u8 *data;                       /* SUBMIT_3D, POINTER, CURSOR, SAVE, LOAD */
    size_t bytes;
    GArray *pictures;               /* out, RenderPicture; or NULL */
    bool blob;                      /* SAVE, LOAD: of the memory of a blob, if it has */
    void *map;                      /* out, MAP_BLOB: where it is */
    u64 map_bytes;
    u32 map_info;                   /* how the guest shall cache it */
    bool waited;                    /* by `run`: not among the finished */
    bool ready;
    u32 fence;                      /* the thread's number for it */
    void *chain;                    /* the device's, and so are these */
    u32 epoch;
    u64 serial;
};

typedef struct {
    u32 id, version, bytes;
    u8 *data;
} RenderCapset;

/* What the executable does for it. */
typedef struct {
    bool window;                    /* to show in windows of the X server */
    const char *render_node;        /* the user's choice, or NULL */
    int done;                       /* an eventfd, written when jobs are finished */
    u64 memory;                     /* isolated: bytes that it may share, at most */
    u32 watchdog;                   /* isolated, Vulkan: seconds of silence, then it ends */
    int venus;                      /* socket of Vulkan's process, given away; 0: none */
    int venus_pid;
    void (*log)(const char *text);  /* the library's complaints about the guest */
    /* In a process of its own: jobs come on `socket`, and are answered at once. */
    int socket;                     /* looked at where there is `receive` */
    void (*receive)(Renderer *renderer);
    void (*answer)(RenderJob *job);
} RenderHost;

typedef struct {
    /* False: *why, one line without the way out; caller frees it. */
    Renderer *(*open)(const RenderHost *host, char **why);
    /* Ends the thread; what was posted is done or dropped. */
    void (*close)(Renderer *renderer);
    const RenderCapset *(*capset)(const Renderer *renderer, unsigned n);
    const char *(*name)(const Renderer *renderer, bool *software, const char **where);
    const char *(*vulkan)(const Renderer *renderer);    /* or NULL, and its answer */
    void (*post)(Renderer *renderer, RenderJob *job);
    /* Posts it and waits until it is done; it stays the caller's. */
    void (*run)(Renderer *renderer, RenderJob *job);
    RenderJob *(*finished)(Renderer *renderer);     /* linked, the first one first */
    bool at_once; /* what is posted has finished when `post` returns */
    bool maps;                      /* its blobs' memory is in this process */
} RenderModule;

static inline void render_job_clear(RenderJob *job)
{
    for (unsigned i = 0; job->pictures && i < job->pictures->len; i++) {
        g_free(g_array_index(job->pictures, RenderPicture, i).pixels);
    }
    g_clear_pointer(&job->pictures, g_array_unref);
    g_clear_pointer(&job->iov, g_free);
    g_clear_pointer(&job->data, g_free);
}

#endif
