/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu with 3D, inside (virtio 1.2, 5.7.6.8.3): what its files share.
 *
 *     gpu_gl.c            the renderer: its life, jobs on their way, capability sets
 *     gpu_gl_command.c    commands: from a chain to a job, and what its end changes
 *     gpu_gl_context.c    those about contexts
 *     gpu_gl_blob.c       blobs: the renderer's memory that the guest sees
 *     gpu_gl_scanout.c    what the consoles show
 *     gpu_gl_record.h     what contexts are, to make them anew
 *     gpu_gl_state.c      saving and restoring
 *     gpu_gl_content.c    what resources hold, packed
 *     gpu_render.h        the renderer itself; gpu_render_jobs.h: its thread's jobs
 *     gpu_isolated.h      the same in a process of its own
 *     gpu_venus.c         the process that does the guests' Vulkan
 *
 * All resources are the renderer's.  A command is copied out of its chain and judged
 * here (ids, lengths, host memory), done on the renderer's thread in the order of the
 * queue, and completed here when it and its fence are done.  What a command changes of
 * which ids there are changes at once, what it changes of the picture at its end.
 * Under the machine lock.
 */

#ifndef HW_VIRTIO_GPU_GL_H
#define HW_VIRTIO_GPU_GL_H

#include "hw/virtio/gpu.h"
#include "hw/virtio/gpu_gl_record.h"
#include "hw/virtio/gpu_render.h"

typedef struct {
    GpuCtxCreate create;
    GlRecord *record;
    u64 serial;                     /* of those with this id */
    bool venus;                     /* Vulkan's: its commands are the library's alone */
    GArray *made;                   /* GlMade: not fetched yet */
} GlContext;

/* What a context's stream has made for a blob; the resource's id is the blob's here. */
typedef struct { GpuCreate3d create; u64 charged; } GlMade;

/* A blob in the window that the guest sees (5.7.6.8). */
typedef struct GpuMapping {
    Region region;
    u64 offset, serial;
    bool ready;                     /* the renderer has said where it is */
} GpuMapping;

typedef struct GpuGl {
    const RenderModule *module;
    Renderer *renderer;
    int done;                       /* eventfd */
    pid_t venus;                    /* 0: no Vulkan */
    IoWatch *watch;
    GHashTable *contexts;           /* id -> GlContext */
    GHashTable *out;                /* RenderJob that have a chain */
    u32 epoch;                      /* resets, and whatever else makes jobs stale */
    u64 shown;                      /* serial of the newest SET_SCANOUT */
    u64 shown_done;                 /* of the newest that is done */
    bool stale[GPU_SCANOUTS];       /* the scanout's copy is not what is shown */
    u32 to_show[GPU_SCANOUTS];      /* the newest SET_SCANOUT's resource */
    gint64 due[GPU_SCANOUTS];       /* the next reading back: monotonic us */
    unsigned later;                 /* the main loop's source that asks for it */
    RenderWindow window[GPU_SCANOUTS];
    /* Resources whose pages the renderer may write without being told to: ids. */
    GHashTable *written;
    u64 shared_at;                  /* address of the window; UINT64_MAX: nowhere */
    u64 mappings;                   /* serial of the newest */
    GByteArray *saved;              /* for the save that has asked whether it may */
    bool refused;                   /* RENDER_LOAD, since the last gpu_gl_load */
    unsigned announce;
} GpuGl;

/* gpu_gl.c */
bool gpu_gl_open(Gpu *gpu, GError **err) must_check;
void gpu_gl_close(Gpu *gpu);            /* also what was not opened */
void gpu_gl_reset(Gpu *gpu);
void gpu_gl_stop(VirtioDevice *virtio);
void gpu_gl_paused(VirtioDevice *virtio);
u32 gpu_gl_capsets(const Gpu *gpu);
const RenderCapset *gpu_gl_capset(const GpuGl *gl, u32 id);     /* NULL: not offered */
void gpu_gl_post(Gpu *gpu, RenderJob *job);
void gpu_gl_run(Gpu *gpu, RenderJob *job);      /* and waits; it stays the caller's */
/* Ends what the renderer has done. */
void gpu_gl_finished(Gpu *gpu);

/* gpu_gl_state.c */
bool gpu_gl_savable(Device *dev, GError **err) must_check;
void gpu_gl_save(Gpu *gpu, GByteArray *out);
/* `wanted`: the state to come, whose picture is shown at once. */
bool gpu_gl_load(Gpu *gpu, const GpuState *wanted, const u8 *data, size_t n,
                 GError **err) must_check;

/* gpu_gl_content.c: what resources hold, in a snapshot */
/* The renderer has bytes of it that are not in the guest's pages. */
bool gpu_gl_holds(const GpuCreate3d *create, u32 blob);
/* Both give memory of their own.  NULL: it isn't packed, or not to so many bytes. */
u8 *gpu_gl_pack(const u8 *data, size_t bytes, u64 *packed);
u8 *gpu_gl_unpack(const u8 *packed, u64 n, u64 bytes);

/* gpu_gl_stream.c: what commands of a context (SUBMIT_3D) do beside drawing */
void gpu_gl_stream(Gpu *gpu, const u32 *word, size_t n);
void gpu_gl_written(Gpu *gpu, u32 resource);    /* its pages; 0: of all such */

/* gpu_gl_command.c */
void gpu_gl_control(VirtioDevice *virtio, Chain *chain);
/* A command without a chain, judged and done before this returns: the answer. */
u32 gpu_gl_do(Gpu *gpu, RenderJob *job);
/* Judges; the job gets the host's ranges.  Takes the pages over. */
u32 gpu_gl_attach(Gpu *gpu, RenderJob *job, GpuResource *r, GpuPages *pages, u32 n);

/* gpu_gl_context.c */
u32 gpu_gl_judge_ctx_create(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_ctx_destroy(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_ctx_attach(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_ctx_detach(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_transfer_3d(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_submit(Gpu *gpu, RenderJob *job);
void gpu_gl_ctx_create_done(Gpu *gpu, RenderJob *job);
void gpu_gl_transfer_from_done(Gpu *gpu, RenderJob *job);
void gpu_gl_submit_done(Gpu *gpu, RenderJob *job);
/* The stream in the job goes to its context. */
void gpu_gl_submit(Gpu *gpu, RenderJob *job);
/* The command is done: its effects, its answer, its chain. */
void gpu_gl_end(Gpu *gpu, RenderJob *job);

/* gpu_gl_blob.c */
/* What the stream makes for blobs; false: more than there may be. */
bool gpu_gl_made(Gpu *gpu, GlContext *context, const u32 *word, size_t n) must_check;
/* The commands that make it again. */
u32 gpu_gl_append_made(const GlContext *context, GArray *out);
u32 gpu_gl_judge_blob(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_map(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_unmap(Gpu *gpu, RenderJob *job);
void gpu_gl_map_done(Gpu *gpu, RenderJob *job);
/*
 * For a restore, before there are contexts: what RESOURCE_CREATE_BLOB and
 * RESOURCE_MAP_BLOB did.  The pages are taken over.
 */
bool gpu_gl_make_blob(Gpu *gpu, const GpuCreate3d *create, const GpuCreateBlob *blob,
                      GpuPages *pages) must_check;
bool gpu_gl_map(Gpu *gpu, u32 resource, u64 offset) must_check;
/* The guest does not see its memory any more, whatever the renderer is doing. */
void gpu_gl_hide(GpuResource *r);
void gpu_gl_shared_moved(VirtioDevice *virtio, u64 address);
/* 0: too large, or nothing. */
u64 gpu_gl_bytes_3d(const GpuCreate3d *in);

/* gpu_gl_scanout.c */
u32 gpu_gl_judge_scanout(Gpu *gpu, RenderJob *job);
u32 gpu_gl_judge_scanout_blob(Gpu *gpu, RenderJob *job);
void gpu_gl_scanout_blob_done(Gpu *gpu, RenderJob *job);
/* Shows what the state says; false: it can't be. */
bool gpu_gl_show(Gpu *gpu, unsigned n);
u32 gpu_gl_judge_flush(Gpu *gpu, RenderJob *job);
/* Before the renderer has it: the part that is to be shown of these pixels. */
void gpu_gl_show_saved(Gpu *gpu, unsigned n, const GpuState *wanted,
                       const GpuCreate3d *create, const u32 *pixels);
void gpu_gl_scanout_done(Gpu *gpu, RenderJob *job);
void gpu_gl_pictures_done(Gpu *gpu, RenderJob *job);
void gpu_gl_cursor_done(Gpu *gpu, RenderJob *job);
void gpu_gl_cursor(Gpu *gpu, unsigned n); /* the pointer's resource is the state's */
void gpu_gl_pointer(Gpu *gpu, unsigned n, bool has_image);
/* For the consoles. */
void gpu_gl_fetch(Gpu *gpu, unsigned n);
bool gpu_gl_window(Gpu *gpu, unsigned n, const ConsoleWindow *window);

/* gpu_venus.c: the socket for RenderHost, or -1 and why */
int gpu_venus_start(GpuGl *gl, GError **err) must_check;
void gpu_venus_end(GpuGl *gl);          /* if it has begun */

/* gpu_isolated.h: the module's renderer in a process of its own */
extern const RenderModule gpu_isolated;

/* For tests: what draws instead of the module. */
extern const RenderModule *gpu_render_hook;

#endif
