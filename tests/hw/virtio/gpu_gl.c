/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu-gl's state before a renderer that draws nothing: saved, loaded, saved
 * again it is the same; and whatever bytes come back, they are refused or the device
 * lives.
 */

#include "base/lock.h"
#include "hw/virtio/devices.h"
#include "hw/virtio/gpu_gl.h"
#include "tests/lib/chance.h"
#include "tests/lib/fake_render.h"
#include "tests/lib/virtio_bed.h"

#include <stdlib.h>
#include <string.h>

static Gpu *gpu;

static void give(u32 type, u32 context, GpuBody body)
{
    RenderJob job = { .type = type, .header.ctx_id = context, .in = body };

    g_assert_cmphex(gpu_gl_do(gpu, &job), ==, GPU_OK);
}

static void submit(u32 context, const u32 *words, u32 n)
{
    RenderJob job = { .type = GPU_SUBMIT_3D, .header.ctx_id = context, .bytes = n * 4,
                      .data = g_memdup2(words, n * 4) };

    gpu_gl_submit(gpu, &job);
    gpu_gl_run(gpu, &job);
    gpu_gl_end(gpu, &job);
    render_job_clear(&job);
}

static void make_blob(void)
{
    const GpuCreate3d create = { 0, GPU_TEXTURE_BUFFER, 64, 16, 8192, 1, 1, 1, 0, 0, 6,
                                 0 };
    const GpuCreateBlob blob = { 9, GPU_BLOB_HOST, GPU_BLOB_MAPPABLE, 0, 0, 8192 };

    g_assert_true(gpu_gl_make_blob(gpu, &create, &blob, NULL));
    g_assert_true(gpu_gl_map(gpu, 9, 4096));
}

/*
 * Three resources, one of them shown and one a blob that the guest sees, and two
 * contexts, one of them lost.
 */
static void set_up(void)
{
    static const u32 stream[] = {
        VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_SURFACE, 5), 1, 7, 1, 0, 0,
        VIRGL_HEADER(VIRGL_SET_FRAMEBUFFER, 0, 3), 1, 0, 1,
    };
    static const u32 cut[] = { VIRGL_HEADER(VIRGL_CLEAR, 0, 8), 0 };

    fake_render_install();
    bed_open(&virtio_gpu_gl, "max-hostmem=64M");
    gpu = gpu_of(rig->dev);
    give(GPU_RESOURCE_CREATE_3D, 0, (GpuBody){ .create_3d = {
             7, GPU_TEXTURE_2D, 1, GPU_BIND_RENDER_TARGET, 64, 32, 1, 1, 0, 0, 0,
             0 } });
    give(GPU_RESOURCE_CREATE_3D, 0, (GpuBody){ .create_3d = {
             8, GPU_TEXTURE_BUFFER, 64, 16, 4096, 1, 1, 1, 0, 0, 0, 0 } });
    make_blob();
    give(GPU_SET_SCANOUT, 0, (GpuBody){ .scanout = { { 0, 0, 64, 32 }, 0, 7 } });
    give(GPU_CTX_CREATE, 3, (GpuBody){ .context = { 4, 0, "test" } });
    give(GPU_CTX_ATTACH_RESOURCE, 3, (GpuBody){ .id = { 7, 0 } });
    submit(3, stream, G_N_ELEMENTS(stream));
    give(GPU_CTX_CREATE, 4, (GpuBody){ .context = { 4, 0, "lost" } });
    submit(4, cut, G_N_ELEMENTS(cut));
}

static GByteArray *save(void)
{
    GByteArray *saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    g_assert_true(device_savable(rig->dev, &err));
    g_assert_no_error(err);
    device_save(rig->dev, saved);
    return saved;
}

static void test_saved(void)
{
    g_autoptr(GByteArray) saved = NULL, again = NULL;
    g_autoptr(GError) err = NULL;

    set_up();
    saved = save();
    device_reset(rig->dev);
    g_assert_null(console_nth(0)->surface.pixels);
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_cmpuint(console_nth(0)->surface.width, ==, 64);
    g_assert_nonnull(gpu_resource(gpu, 8));
    g_assert_true(gpu_resource(gpu, 9)->mapping->ready);
    g_assert_cmpuint(g_hash_table_size(gpu->gl->contexts), ==, 2);
    again = save();
    g_assert_cmpuint(again->len, >, 400);
    g_assert_cmpmem(again->data, again->len, saved->data, saved->len);
    bed_close();
}

static struct { unsigned times, contexts; u32 first; } seen;

static void see(void *opaque, Console *console, const ConsoleNews *news)
{
    (void)opaque;
    if (news->surface && console->surface.pixels && !seen.times++) {
        seen.contexts = fake_render_state.contexts;
        seen.first = *(const u32 *)console->surface.pixels;
    }
}

/* Who looks has the saved picture before the renderer has made a single context. */
static void test_shown_first(void)
{
    static const ViewerOps ops = { .copy = see, .textures = true };
    g_autoptr(GByteArray) saved = NULL;
    g_autoptr(GError) err = NULL;
    Viewer *viewer;

    set_up();
    fake_render_state.pixel = 0xff123456;
    saved = save();
    device_reset(rig->dev);
    machine_unlock();
    viewer = viewer_new(console_nth(0), &ops, NULL);
    machine_lock();
    fake_render_state.contexts = 0;
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_cmpuint(seen.times, ==, 1);
    g_assert_cmpuint(seen.contexts, ==, 0);
    g_assert_cmphex(seen.first & 0xffffff, ==, 0x123456);
    g_assert_true(console_nth(0)->texture);     /* now it is the renderer's */
    g_assert_cmpuint(fake_render_state.contexts, >, 0);
    machine_unlock();
    viewer_free(viewer);
    machine_lock();
    fake_render_state.pixel = 0;
    bed_close();
}

static bool wants_nothing(void)
{
    RenderJob job = { .type = GPU_RESOURCE_FLUSH,
                      .in.flush = { { 0, 0, 64, 32 }, 7, 0 } };

    g_assert_cmphex(gpu_gl_do(gpu, &job), ==, GPU_OK);
    render_job_clear(&job);
    return !job.want;
}

static void look(void *opaque, Console *console, const ConsoleNews *news)
{
    (void)opaque;
    (void)console;
    (void)news;
}

/* A flush that comes too soon after a long reading back is read later, and once. */
static void test_paced(void)
{
    static const ViewerOps ops = { .copy = look };
    Viewer *viewer;

    set_up();
    machine_unlock();
    viewer = viewer_new(console_nth(0), &ops, NULL);
    machine_lock();
    g_assert_false(wants_nothing());
    gpu->gl->due[0] = g_get_monotonic_time() + 100000;
    g_assert_true(wants_nothing());
    g_assert_true(wants_nothing());
    g_assert_true(gpu->gl->stale[0]);
    fake_render_state.last = 0;
    machine_unlock();
    while (gpu->gl->later) {
        g_main_context_iteration(NULL, true);
    }
    viewer_free(viewer);
    machine_lock();
    g_assert_cmphex(fake_render_state.last, ==, RENDER_READ);
    g_assert_false(gpu->gl->stale[0]);
    bed_close();
}

/* The renderer can't make it. */
static void test_refused(void)
{
    g_autoptr(GByteArray) saved = NULL;
    g_autoptr(GError) err = NULL;

    set_up();
    saved = save();
    fake_render_state.answer = GPU_ERR_UNSPEC;
    g_assert_false(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_nonnull(strstr(err->message, "can't be made"));
    g_clear_error(&err);
    g_assert_false(device_savable(rig->dev, &err) && gpu->gl->saved);
    fake_render_state.answer = 0;
    bed_close();
}

static bool is_noted(u32 resource)
{
    return g_hash_table_contains(gpu->gl->written, GUINT_TO_POINTER(resource));
}

/* The pages written are a staging resource's where a copy reads from the host. */
static void test_written(void)
{
    enum { TO_HOST = 1, FROM_HOST = 2 };
    u32 plain[14] = { VIRGL_HEADER(VIRGL_TRANSFER3D, 0, 13), 7, [13] = TO_HOST };
    u32 copy[15] = { VIRGL_HEADER(VIRGL_COPY_TRANSFER3D, 0, 14), 7, [12] = 8 };
    static const u32 query[] = {
        VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_QUERY, 4), 1, 0, 0, 9 };

    set_up();
    submit(3, plain, G_N_ELEMENTS(plain));
    submit(3, copy, G_N_ELEMENTS(copy));
    g_assert_cmpuint(g_hash_table_size(gpu->gl->written), ==, 0);
    copy[14] = FROM_HOST;
    submit(3, copy, G_N_ELEMENTS(copy));
    g_assert_true(is_noted(8));
    g_assert_false(is_noted(7));
    plain[13] = FROM_HOST;
    submit(3, plain, G_N_ELEMENTS(plain));
    g_assert_true(is_noted(7));
    submit(3, query, G_N_ELEMENTS(query));
    g_assert_true(is_noted(9));
    bed_close();
}

/* What was saved before, or will be later, in another layout is said to be that. */
static void test_layout(void)
{
    static const u8 layout[] = { 2, 'L', '3', 'D' };
    g_autoptr(GByteArray) saved = NULL;
    g_autoptr(GError) err = NULL;
    u8 *at;

    set_up();
    saved = save();
    at = memmem(saved->data, saved->len, layout, sizeof layout);
    g_assert_nonnull(at);
    *at = 1;
    g_assert_false(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_nonnull(strstr(err->message, "laid it out differently"));
    bed_close();
}

static bool is_savable(const char *why)
{
    g_autoptr(GError) err = NULL;
    bool good = device_savable(rig->dev, &err);

    g_assert_true(good || strstr(err->message, why));
    return good;
}

/*
 * Vulkan's contexts have memory that no command of theirs has told of, and streams that
 * are not virgl's; neither can be saved.
 */
static void test_vulkan(void)
{
    static const u32 stream[] = { VIRGL_HEADER(VIRGL_RESOURCE_CREATE, 0, 11), 0, 64, 16,
                                  8192, 1, 1, 1, 0, 0, 6, 77 };
    static const GpuCreateBlob blob = { 10, GPU_BLOB_HOST, GPU_BLOB_MAPPABLE, 0, 77,
                                        8192 };
    RenderJob job = { .type = GPU_CREATE_BLOB, .header.ctx_id = 3, .in.blob = blob };
    RenderJob unknown = { .type = GPU_CTX_CREATE, .header.ctx_id = 6,
                          .in.context.context_init = 3 };

    set_up();
    gpu->virtio.state.driver_features |= GPU_F_BLOB;
    g_assert_true(is_savable(""));
    g_assert_cmphex(gpu_gl_do(gpu, &unknown), ==, GPU_ERR_PARAMETER);
    give(GPU_CTX_CREATE, 5, (GpuBody){ .context = { 4, GPU_CAPSET_VENUS, "vk" } });
    submit(5, stream, G_N_ELEMENTS(stream));
    g_assert_cmphex(gpu_gl_do(gpu, &job), ==, GPU_ERR_PARAMETER);
    give(GPU_CREATE_BLOB, 5, (GpuBody){ .blob = blob });
    g_assert_true(gpu_gl_map(gpu, 10, 16384));
    g_assert_false(is_savable("Vulkan"));
    give(GPU_CTX_DESTROY, 5, (GpuBody){ .id = { 0 } });
    g_assert_false(is_savable("Vulkan"));
    give(GPU_RESOURCE_UNREF, 0, (GpuBody){ .id = { 10, 0 } });
    g_assert_true(is_savable(""));
    bed_close();
}

static void test_hostile(void)
{
    const char *times = getenv("MAYFLY_FUZZ");
    u64 rounds = times ? 20000 * strtoull(times, NULL, 10) : 2000;
    Chance chance = chance_new(g_test_rand_int());
    g_autoptr(GByteArray) saved = NULL;

    set_up();
    saved = save();
    for (u64 i = 0; i < rounds; i++) {
        g_autofree u8 *bad = g_memdup2(saved->data, saved->len);
        g_autoptr(GError) err = NULL;
        size_t n = chance_one_in(&chance, 4) ? chance_below(&chance, saved->len + 1)
                                             : saved->len;

        for (u64 k = 1 + chance_below(&chance, 4); k > 0; k--) {
            bad[chance_below(&chance, saved->len)] = chance_one_in(&chance, 2)
                ? chance_next(&chance) : chance_below(&chance, 9);
        }
        g_assert_true(device_load(rig->dev, bad, n, &err) == !err);
    }
    bed_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/gl/saved", test_saved);
    g_test_add_func("/gpu/gl/shown-first", test_shown_first);
    g_test_add_func("/gpu/gl/paced", test_paced);
    g_test_add_func("/gpu/gl/refused", test_refused);
    g_test_add_func("/gpu/gl/written", test_written);
    g_test_add_func("/gpu/gl/layout", test_layout);
    g_test_add_func("/gpu/gl/vulkan", test_vulkan);
    g_test_add_func("/gpu/gl/hostile", test_hostile);
    return g_test_run();
}
