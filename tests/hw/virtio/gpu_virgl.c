/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu-gl with virglrenderer on what GL there is, under a driver that means it
 * ill: what would have the library read beside a buffer is refused, and a shader that
 * loops for ever costs its context, or the isolated process, and not the machine.
 * Where there is no module or no GL it is skipped.
 */

#include "hw/virtio/devices.h"
#include "hw/virtio/gpu_gl.h"
#include "tests/lib/virtio_bed.h"

#include <string.h>

enum {
    CONTEXT = 5, SIDE = 64, TARGET = 7, B8G8R8A8 = 1, R8 = 64, R32G32B32A32 = 31,
    SAMPLED = 1 << 3, VERTICES = 1 << 4,
};

static Gpu *gpu;

/*
 * Mesa leaves something of shaders behind when it unloads its driver, and a suppression
 * names no library that is gone.  gpu_blob.c looks for leaks of the same code of ours.
 */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

static u32 give(u32 type, u32 context, GpuBody body)
{
    RenderJob job = { .type = type, .header.ctx_id = context, .in = body };
    u32 answer = gpu_gl_do(gpu, &job);

    render_job_clear(&job);
    return answer;
}

static bool set_up(const char *options)
{
    g_autoptr(GError) err = NULL;
    Rig *trial = rig_new(&virtio_gpu_gl.device, &virtio_pci_bus, options, NS_PER_SEC,
                         &err);

    if (!trial) {
        g_test_skip(err->message);
        return false;
    }
    rig_free(trial);
    bed_open(&virtio_gpu_gl, options);
    gpu = gpu_of(rig->dev);
    return true;
}

/* ---- buffers ---- */

static u32 create_buffer(u32 format, u32 width)
{
    return give(GPU_RESOURCE_CREATE_3D, 0, (GpuBody){ .create_3d = {
        9, GPU_TEXTURE_BUFFER, format, VERTICES, width, 1, 1, 1, 0, 0, 0, 0 } });
}

static u32 read_buffer(u32 x, u32 bytes)
{
    return give(GPU_TRANSFER_FROM_HOST_3D, 0, (GpuBody){ .transfer_3d = {
        { x, 0, 0, bytes, 1, 1 }, 0, 9, 0, 0, 0 } });
}

static u32 submit(const u32 *words, u32 n)
{
    RenderJob job = { .type = GPU_SUBMIT_3D, .header.ctx_id = CONTEXT,
                      .data = g_memdup2(words, n * 4), .bytes = n * 4 };

    gpu_gl_submit(gpu, &job);
    gpu_gl_run(gpu, &job);
    gpu_gl_end(gpu, &job);
    render_job_clear(&job);
    return job.answer;
}

/* TRANSFER3D from the host, of all of it. */
static u32 read_in_stream(u32 bytes)
{
    const u32 words[] = { VIRGL_HEADER(VIRGL_TRANSFER3D, 0, 13), 9, 0, 0, 0, 0, 0, 0, 0,
                          bytes, 1, 1, 0, 2 };

    return submit(words, G_N_ELEMENTS(words));
}

static void attach_page(void)
{
    RenderJob job = { .type = GPU_ATTACH_BACKING, .in.attach = { 9, 1 } };
    GpuPages *page = g_new0(GpuPages, 1);

    *page = (GpuPages){ driver_alloc(&d, 4096, 4096), 0, 4096 };
    g_assert_cmphex(gpu_gl_attach(gpu, &job, gpu_resource(gpu, 9), page, 1), ==,
                    GPU_OK);
    gpu_gl_run(gpu, &job);
    g_assert_cmphex(job.answer, ==, GPU_OK);
    render_job_clear(&job);
}

/* A pixel of 16 bytes: virglrenderer reads 16 times as far as the box says. */
static void test_buffer(void)
{
    if (!set_up("max-hostmem=64M")) {
        return;
    }
    g_assert_cmphex(give(GPU_CTX_CREATE, CONTEXT,
                         (GpuBody){ .context = { 4, 2, "test" } }), ==, GPU_OK);
    g_assert_cmphex(create_buffer(R32G32B32A32, 112), ==, GPU_OK);
    attach_page();
    give(GPU_CTX_ATTACH_RESOURCE, CONTEXT, (GpuBody){ .id = { 9, 0 } });
    g_assert_cmphex(read_buffer(0, 112), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(read_buffer(64, 4), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(read_buffer(0, 7), ==, GPU_OK);
    g_assert_cmphex(read_in_stream(112), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(read_in_stream(7), ==, GPU_OK);
    give(GPU_RESOURCE_UNREF, 0, (GpuBody){ .id = { 9, 0 } });
    g_assert_cmphex(create_buffer(R8, 112), ==, GPU_OK);
    attach_page();
    g_assert_cmphex(read_buffer(0, 112), ==, GPU_OK);
    bed_close();
}

/* ---- shaders ---- */

/* A triangle over all of the target; the corners are (0, 0), (1, 0), (0, 1). */
static const char vertex[] =
    "VERT\nDCL SV[0], VERTEXID\nDCL OUT[0], POSITION\nDCL TEMP[0..1]\n"
    "IMM[0] UINT32 {1, 0, 0, 0}\nIMM[1] FLT32 {4.0, -1.0, 0.0, 1.0}\n"
    "AND TEMP[0].x, SV[0].xxxx, IMM[0].xxxx\n"
    "USHR TEMP[0].y, SV[0].xxxx, IMM[0].xxxx\n"
    "U2F TEMP[1].xy, TEMP[0].xyxy\n"
    "MAD OUT[0].xy, TEMP[1].xyxy, IMM[1].xxxx, IMM[1].yyyy\n"
    "MOV OUT[0].zw, IMM[1].zzzw\nEND\n";
static const char green[] =
    "FRAG\nDCL OUT[0], COLOR\nIMM[0] FLT32 {0.0, 1.0, 0.0, 1.0}\n"
    "MOV OUT[0], IMM[0]\nEND\n";
static const char for_ever[] =
    "FRAG\nDCL OUT[0], COLOR\nDCL TEMP[0]\nIMM[0] FLT32 {0.5, 0.25, 0.125, 1.0}\n"
    "MOV TEMP[0], IMM[0]\nBGNLOOP\nADD TEMP[0], TEMP[0], IMM[0]\nENDLOOP\n"
    "MOV OUT[0], TEMP[0]\nEND\n";

static void add(GArray *to, const u32 *words, u32 n)
{
    g_array_append_vals(to, words, n);
}

#define ADD(to, ...) add(to, (const u32[]){ __VA_ARGS__ },                          \
                         sizeof((const u32[]){ __VA_ARGS__ }) / 4)

static void add_shader(GArray *to, u32 handle, bool fragment, const char *text)
{
    u32 bytes = strlen(text) + 1, words = (bytes + 3) / 4;
    g_autofree char *whole = g_malloc0(words * 4);

    memcpy(whole, text, bytes);
    ADD(to, VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_SHADER, 5 + words), handle,
        fragment, bytes, 300, 0);
    g_array_append_vals(to, whole, words);
    ADD(to, VIRGL_HEADER(VIRGL_BIND_SHADER, 0, 2), handle, fragment);
}

static u32 as_float(float value)
{
    u32 bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void add_state(GArray *to, u32 side)
{
    u32 half = as_float(side / 2.0), all = 0xfu << 27;

    ADD(to, VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_SURFACE, 5), 1, TARGET, B8G8R8A8, 0,
        0);
    ADD(to, VIRGL_HEADER(VIRGL_SET_FRAMEBUFFER, 0, 3), 1, 0, 1);
    ADD(to, VIRGL_HEADER(VIRGL_SET_VIEWPORT, 0, 7), 0, half, half, as_float(0.5), half,
        half, as_float(0.5));
    ADD(to, VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_BLEND, 11), 2, 0, 0, all, all, all,
        all, all, all, all, all);
    ADD(to, VIRGL_HEADER(VIRGL_BIND_OBJECT, VIRGL_BLEND, 1), 2);
    ADD(to, VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_RASTERIZER, 9), 3, 1u << 29 | 2,
        as_float(1), 0, 0, as_float(1), 0, 0, 0);
    ADD(to, VIRGL_HEADER(VIRGL_BIND_OBJECT, VIRGL_RASTERIZER, 1), 3);
    ADD(to, VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_DSA, 5), 4, 0, 0, 0, 0);
    ADD(to, VIRGL_HEADER(VIRGL_BIND_OBJECT, VIRGL_DSA, 1), 4);
    ADD(to, VIRGL_HEADER(VIRGL_CREATE_OBJECT, VIRGL_VERTEX_ELEMENTS, 1), 5);
    ADD(to, VIRGL_HEADER(VIRGL_BIND_OBJECT, VIRGL_VERTEX_ELEMENTS, 1), 5);
}

/* Draws on a new target in a new context: the last command's answer. */
static u32 draw(u32 side, const char *fragment)
{
    g_autoptr(GArray) words = g_array_new(false, false, 4);

    g_assert_cmphex(give(GPU_CTX_CREATE, CONTEXT,
                         (GpuBody){ .context = { 4, 2, "test" } }), ==, GPU_OK);
    g_assert_cmphex(give(GPU_RESOURCE_CREATE_3D, 0, (GpuBody){ .create_3d = {
        TARGET, GPU_TEXTURE_2D, B8G8R8A8, GPU_BIND_RENDER_TARGET | SAMPLED, side, side,
        1, 1, 0, 0, 0, 0 } }), ==, GPU_OK);
    g_assert_cmphex(give(GPU_CTX_ATTACH_RESOURCE, CONTEXT,
                         (GpuBody){ .id = { TARGET, 0 } }), ==, GPU_OK);
    add_state(words, side);
    add_shader(words, 6, false, vertex);
    add_shader(words, 7, true, fragment);
    ADD(words, VIRGL_HEADER(VIRGL_DRAW, 0, 12), 0, 3, 4, 0, 1, 0, 0, 0, 0, 0, 2, 0);
    return submit((const u32 *)words->data, words->len);
}

/* The pixel in the middle, when all has been drawn; 0: it can't be read. */
static u32 middle(void)
{
    RenderJob job = { .type = RENDER_SAVE,
                      .in.create_3d = gpu_resource(gpu, TARGET)->create };
    u32 pixel = 0;

    gpu_gl_run(gpu, &job);
    if (job.answer == GPU_OK && job.bytes) {
        memcpy(&pixel, job.data + job.bytes / 2, 4);
    }
    render_job_clear(&job);
    return pixel;
}

static void draw_green(void)
{
    g_assert_cmphex(draw(SIDE, green), ==, GPU_OK);
    g_assert_cmphex(middle(), ==, 0xff00ff00);
    give(GPU_CTX_DESTROY, CONTEXT, (GpuBody){ 0 });
    give(GPU_RESOURCE_UNREF, 0, (GpuBody){ .id = { TARGET, 0 } });
}

/* Whatever it says to the loop: who draws next has a picture. */
static void test_loop(gconstpointer options)
{
    if (!set_up(options)) {
        return;
    }
    draw_green();
    g_test_message("the loop is answered with %#x", draw(SIDE, for_ever));
    g_test_message("and leaves %#x", middle());
    give(GPU_CTX_DESTROY, CONTEXT, (GpuBody){ 0 });
    give(GPU_RESOURCE_UNREF, 0, (GpuBody){ .id = { TARGET, 0 } });
    draw_green();
    bed_close();
}

/* On a picture so large that it would take minutes, even where each loop ends. */
static void test_long(void)
{
    if (!set_up("isolated=on,watchdog=1")) {
        return;
    }
    draw_green();
    draw(4096, for_ever);
    g_test_message("it leaves %#x", middle());
    gpu_gl_reset(gpu);
    gpu_resources_free(gpu);
    draw_green();
    bed_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/virgl/buffer", test_buffer);
    g_test_add_data_func("/gpu/virgl/loop", "isolated=off", test_loop);
    g_test_add_data_func("/gpu/virgl/loop-isolated", "isolated=on", test_loop);
    g_test_add_func("/gpu/virgl/long", test_long);
    return g_test_run();
}
