/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu with 3D: the renderer's life, and jobs on their way.  See gpu_gl.h.
 * Under the machine lock.
 *
 * A chain is completed in the main loop, which the renderer wakes.  When the driver
 * resets the device, chains end at once and the renderer's results fall; nobody waits.
 */

#include "hw/virtio/gpu_gl.h"

#include "base/log.h"
#include "ui/frontend.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

const RenderModule *gpu_render_hook;

/* ---- jobs ---- */

void gpu_gl_post(Gpu *gpu, RenderJob *job)
{
    job->epoch = gpu->gl->epoch;
    if (job->chain) {
        g_hash_table_add(gpu->gl->out, job);
    }
    gpu->gl->module->post(gpu->gl->renderer, job);
    if (gpu->gl->module->at_once) {
        gpu_gl_finished(gpu);
    }
}

void gpu_gl_run(Gpu *gpu, RenderJob *job)
{
    job->epoch = gpu->gl->epoch;
    gpu->gl->module->run(gpu->gl->renderer, job);
    gpu_gl_finished(gpu);               /* what was posted before it */
}

void gpu_gl_finished(Gpu *gpu)
{
    GpuGl *gl = gpu->gl;
    RenderJob *job = gl->module->finished(gl->renderer), *next;

    for (; job; job = next) {
        next = job->next;
        g_hash_table_remove(gl->out, job);
        gpu_gl_end(gpu, job);
        render_job_clear(job);
        g_free(job);
    }
}

static void some_finished(void *opaque)
{
    Gpu *gpu = opaque;
    u64 count;

    if (read(gpu->gl->done, &count, sizeof count) > 0) {
        gpu_gl_finished(gpu);
    }
}

void gpu_gl_stop(VirtioDevice *virtio)
{
    GpuGl *gl = gpu_of(&virtio->device)->gl;
    GHashTableIter each;
    gpointer job;

    g_hash_table_iter_init(&each, gl->out);
    while (g_hash_table_iter_next(&each, &job, NULL)) {
        chain_done(((RenderJob *)job)->chain);
        ((RenderJob *)job)->chain = NULL;
    }
    g_hash_table_remove_all(gl->out);
}

/* Nothing is on its way, and no fence is open, in a machine that stands. */
void gpu_gl_paused(VirtioDevice *virtio)
{
    gpu_gl_run(gpu_of(&virtio->device), &(RenderJob){ .type = RENDER_WAIT });
}

void gpu_gl_reset(Gpu *gpu)
{
    GpuGl *gl = gpu->gl;
    RenderJob *job = g_new0(RenderJob, 1);

    gl->epoch++;
    g_hash_table_remove_all(gl->contexts);
    g_hash_table_remove_all(gl->written);
    job->type = RENDER_RESET;
    gpu_gl_post(gpu, job);
}

/* ---- capability sets ---- */

u32 gpu_gl_capsets(const Gpu *gpu)
{
    u32 n = 0;

    while (gpu->gl->module->capset(gpu->gl->renderer, n)) {
        n++;
    }
    return n;
}

const RenderCapset *gpu_gl_capset(const GpuGl *gl, u32 id)
{
    const RenderCapset *c;

    for (u32 n = 0; (c = gl->module->capset(gl->renderer, n)); n++) {
        if (c->id == id) {
            return c;
        }
    }
    return NULL;
}

/* ---- life ---- */

static void library_says(const char *text)
{
    log_at(LOG_GUEST_ERROR, "virgl: %s", text);
}

/* The capability set begins with it. */
static u32 venus_protocol(const GpuGl *gl)
{
    const RenderCapset *c = gpu_gl_capset(gl, GPU_CAPSET_VENUS);
    u32 version = 0;

    if (c && c->bytes >= sizeof version) {
        memcpy(&version, c->data, sizeof version);
    }
    return version;
}

/* Once the machine runs, since whatever is wrong with it is one line. */
static gboolean announce(gpointer opaque)
{
    GpuGl *gl = ((Gpu *)opaque)->gl;
    bool software;
    const char *where, *name = gl->module->name(gl->renderer, &software, &where);
    const char *vulkan = gl->module->vulkan ? gl->module->vulkan(gl->renderer) : NULL;

    gl->announce = 0;
    info_user("3D is drawn by %s'%s' (%s)", software ? "a software renderer, " : "",
              name, where);
    if (vulkan) {
        info_user("Vulkan is done by '%s' (virgl_render_server)", vulkan);
    }
    if (vulkan && venus_protocol(gl) == 0) {
        info_user("this virglrenderer's Vulkan has protocol 0: Mesa 25's driver in a "
                  "guest wants 1, which virglrenderer 1.1 (Debian 13) has");
    }
    return G_SOURCE_REMOVE;
}

static bool find_module(GpuGl *gl, bool isolated, GError **err)
{
    gl->module = gpu_render_hook ? gpu_render_hook
                 : isolated      ? &gpu_isolated
                                 : module_symbol("gpu-virgl", "gpu_renderer", err);
    return gl->module;
}

static void free_context(gpointer context)
{
    gl_record_free(((GlContext *)context)->record);
    g_array_unref(((GlContext *)context)->made);
    g_free(context);
}

bool gpu_gl_open(Gpu *gpu, GError **err)
{
    GpuGl *gl = gpu->gl = g_new0(GpuGl, 1);
    const GlHost *host = gl_host();
    g_autofree char *why = NULL;
    int venus = 0;

    gl->contexts = g_hash_table_new_full(NULL, NULL, NULL, free_context);
    gl->out = g_hash_table_new(NULL, NULL);
    gl->written = g_hash_table_new(NULL, NULL);
    gl->shared_at = UINT64_MAX;
    gl->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (gl->done < 0) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno), "no eventfd: %s",
                    g_strerror(errno));
        return false;
    }
    if (!find_module(gl, gpu->config.isolated, err)) {
        return false;
    }
    if (gpu->config.venus) {
        venus = gpu_venus_start(gl, err);
        if (venus < 0) {
            return false;
        }
    }
    gl->renderer = gl->module->open(&(RenderHost){
        .window = host->window, .render_node = host->render_node, .done = gl->done,
        .log = library_says, .memory = gpu->config.max_hostmem,
        .watchdog = gpu->config.watchdog, .venus = venus,
        .venus_pid = gl->venus,
    }, &why);
    if (!gl->renderer) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "no GL: %s; the same device without \"-gl\" needs none", why);
        return false;
    }
    gl->watch = io_watch(io_main(), gl->done, some_finished, gpu);
    gpu->virtio.features |= GPU_F_VIRGL | GPU_F_CONTEXT_INIT;
    if (gl->module->maps && gpu->config.blob != GPU_BLOB_OFF) {
        gpu->virtio.features |= GPU_F_BLOB;
        gpu->virtio.shared_bytes = gpu->config.hostmem;
        gpu->virtio.shared_id = GPU_SHARED_HOST_VISIBLE;
    }
    if (!gpu_render_hook) {
        gl->announce = g_idle_add(announce, gpu);
    }
    return true;
}

void gpu_gl_close(Gpu *gpu)
{
    GpuGl *gl = gpu->gl;

    if (!gl) {
        return;
    }
    if (gl->announce) {
        g_source_remove(gl->announce);
    }
    if (gl->later) {
        g_source_remove(gl->later);
    }
    io_unwatch(gl->watch);
    gpu_venus_end(gl);                  /* first: the renderer may wait for it */
    if (gl->renderer) {
        gl->module->close(gl->renderer);
    }
    if (gl->done >= 0) {
        close(gl->done);
    }
    g_hash_table_unref(gl->contexts);
    g_hash_table_unref(gl->out);
    g_hash_table_unref(gl->written);
    g_clear_pointer(&gl->saved, g_byte_array_unref);
    g_clear_pointer(&gpu->gl, g_free);
}
