/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The module that draws with virglrenderer: what its files share.
 *
 *     thread.c     the thread, its jobs and fences
 *     egl.c        the display, contexts, the windows' surfaces
 *     command.c    the driver's commands
 *     blob.c       resources whose memory is in this process
 *     venus.c      Vulkan's contexts and their memory
 *     content.c    what resources hold, for snapshots
 *     process.c    a program around them, for isolated=on; confine.c: what it may do
 *     show.c       scanouts: reading back, drawing into windows
 *
 * Everything but the functions of the table at the end of thread.c runs on the
 * renderer's thread.
 */

#ifndef HW_VIRTIO_VIRGL_INSIDE_H
#define HW_VIRTIO_VIRGL_INSIDE_H

#include "hw/virtio/gpu_render_jobs.h"

#include <epoxy/egl.h>
#include <poll.h>

typedef struct {
    EGLDisplay display;
    EGLConfig config, window_config;
    EGLContext root;                /* ours; all others share with it */
    char *name, *where;
    bool software;
} Egl;

typedef struct {
    u32 resource;                   /* 0: none */
    GpuRect rect;
    RenderWindow window;
    EGLSurface surface;
    bool dirty;                     /* to be drawn when `due` has come */
    gint64 due;                     /* monotonic us */
    RenderPointer pointer;
    unsigned pointer_texture;
} Shown;

/* Where a blob's memory is. */
typedef struct {
    void *at;
    u64 bytes;
    void *device, *memory;          /* Vulkan's, for what only it can map; or NULL */
} RenderMap;

typedef struct Venus Venus;

struct Renderer {
    RenderHost host;
    RenderJobs jobs;
    RenderJob *fenced, *fenced_last;        /* done but for their fence */
    u32 fence;                      /* the newest */
    Egl egl;
    RenderCapset capset[GPU_CAPSETS];
    Shown shown[GPU_SCANOUTS];
    Venus *venus;                   /* NULL: no Vulkan */
    GHashTable *contexts;           /* id -> its capability set, GPU_CAPSET_... */
    GHashTable *resources;          /* id -> iov that the library has of it, or NULL */
    GHashTable *maps;               /* id -> RenderMap */
    GHashTable *wide; /* buffers whose pixels have some bytes: id -> how many */
    unsigned program, vertices, sampler;    /* GL's, for drawing; 0: not made yet */
};

/* thread.c */
void render_work(Renderer *r, RenderJob *job);
void render_finish(Renderer *r, RenderJob *job);
/* Ends the wait of jobs whose fence is `context`'s; 0: of all. */
void render_drop_fences(Renderer *r, u32 context);

/* egl.c: false and the reason (static). */
bool egl_open(Egl *egl, const RenderHost *host, const char **why);
void egl_close(Egl *egl);
EGLContext egl_new_context(const Egl *egl, int major, int minor);
/* Our own context; EGL_NO_SURFACE: for reading and writing textures. */
bool egl_use(const Egl *egl, EGLSurface surface);

/* command.c */
void render_command(Renderer *r, RenderJob *job);
void render_free_all(Renderer *r);      /* contexts and resources */

/* blob.c */
const RenderMap *blob_map(Renderer *r, u32 id); /* now or before; NULL: it can't be */
void blob_unmap(Renderer *r, u32 id);           /* if it is mapped */
/* What a blob's memory holds; false: it has none. */
bool blob_save(Renderer *r, RenderJob *job);
bool blob_load(Renderer *r, RenderJob *job);

/*
 * venus.c.  venus_open: NULL, or why not (static); either way it is to be closed.
 * A blob of a Vulkan context's is noted with its size, until it is forgotten.
 */
const char *venus_open(Renderer *r);
void venus_close(Renderer *r);
const char *venus_name(const Renderer *r);      /* the first device's; NULL: no Vulkan */
void venus_note(Renderer *r, u32 id, u64 bytes);
void venus_forget(Renderer *r, u32 id);
bool venus_has(const Renderer *r, u32 id);
bool venus_map(Renderer *r, u32 id, RenderMap *map);
void venus_unmap(const RenderMap *map);
/* Ends the contexts' processes, or all of Vulkan's, for one that says nothing.  Any
 * thread. */
void venus_give_up(const Renderer *r, bool all);
/* What says that fences have passed, at most GPU_CONTEXTS_MAX; how many. */
unsigned venus_poll(const Renderer *r, struct pollfd *fds);

/* content.c */
void content_save(Renderer *r, RenderJob *job);
void content_load(Renderer *r, RenderJob *job);

/* show.c */
void shown_flush(Renderer *r, RenderJob *job);
void shown_set(Renderer *r, const RenderJob *job);
void shown_read(Renderer *r, RenderJob *job);
void shown_read_cursor(Renderer *r, RenderJob *job);
void shown_window(Renderer *r, RenderJob *job);
void shown_pointer(Renderer *r, RenderJob *job);
void shown_forget(Renderer *r, u32 resource);       /* 0: all */
void shown_close(Renderer *r);
/* Draws the windows that are due; ms until the next one is, -1: none waits. */
int shown_draw(Renderer *r);

#endif
