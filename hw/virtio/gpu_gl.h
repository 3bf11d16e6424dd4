/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu with 3D, inside (virtio 1.2, 5.7.6.8.3): what its files share.
 *
 *     gpu_gl.c            the renderer: its life, jobs on their way, capability sets
 *     gpu_gl_command.c    commands: from a chain to a job, and what its end changes
 *     gpu_gl_context.c    those about contexts
 *     gpu_gl_scanout.c    what the consoles show
 *     gpu_gl_record.h     what contexts are, to make them anew
 *     gpu_gl_state.c      saving and restoring
 *     gpu_render.h        the renderer itself
 *     gpu_isolated.h      the same in a process of its own
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
} GlContext;

typedef struct GpuGl {
    const RenderModule *module;
    Renderer *renderer;
    int done;                       /* eventfd */
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
    GByteArray *saved;              /* for the save that has asked whether it may */
    unsigned announce;
} GpuGl;

/* gpu_gl.c */
bool gpu_gl_open(Gpu *gpu, GError **err) must_check;
void gpu_gl_close(Gpu *gpu);            /* also what was not opened */
void gpu_gl_reset(Gpu *gpu);
void gpu_gl_stop(VirtioDevice *virtio);
void gpu_gl_paused(VirtioDevice *virtio);
u32 gpu_gl_capsets(const Gpu *gpu);
void gpu_gl_post(Gpu *gpu, RenderJob *job);
void gpu_gl_run(Gpu *gpu, RenderJob *job);      /* and waits; it stays the caller's */
/* Ends what the renderer has done. */
void gpu_gl_finished(Gpu *gpu);

/* gpu_gl_state.c */
bool gpu_gl_savable(Device *dev, GError **err) must_check;
void gpu_gl_save(Gpu *gpu, GByteArray *out);
bool gpu_gl_load(Gpu *gpu, const u8 *data, size_t n, GError **err) must_check;

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

/* gpu_gl_scanout.c */
u32 gpu_gl_judge_scanout(Gpu *gpu, RenderJob *job);
/* Shows what the state says; false: it can't be. */
bool gpu_gl_show(Gpu *gpu, unsigned n);
u32 gpu_gl_judge_flush(Gpu *gpu, RenderJob *job);
void gpu_gl_scanout_done(Gpu *gpu, RenderJob *job);
void gpu_gl_pictures_done(Gpu *gpu, RenderJob *job);
void gpu_gl_cursor_done(Gpu *gpu, RenderJob *job);
void gpu_gl_cursor(Gpu *gpu, unsigned n); /* the pointer's resource is the state's */
void gpu_gl_pointer(Gpu *gpu, unsigned n, bool has_image);
/* For the consoles. */
void gpu_gl_fetch(Gpu *gpu, unsigned n);
bool gpu_gl_window(Gpu *gpu, unsigned n, const ConsoleWindow *window);

/* gpu_isolated.h: the module's renderer in a process of its own */
extern const RenderModule gpu_isolated;

/* For tests: what draws instead of the module. */
extern const RenderModule *gpu_render_hook;

#endif
