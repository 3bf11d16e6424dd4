/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu-gl with isolated=on: what moves between the guest's pages and textures is
 * what a driver asked for and nothing beside it; a renderer that dies, hangs or lies is
 * lost and the device lives; and the process may do nothing but draw.  Where there is
 * no module or no GL it is skipped.
 */

#include "hw/virtio/devices.h"
#include "hw/virtio/gpu_gl.h"
#include "hw/virtio/gpu_isolated.h"
#include "tests/lib/virtio_bed.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIDE = 64, LINE = SIDE * 4, BYTES = LINE * SIDE };

static Gpu *gpu;
static gpa pages_at;

static bool set_up(const char *options)
{
    g_autoptr(GError) err = NULL;
    Rig *trial = rig_new(&virtio_gpu_gl.device, &virtio_pci_bus, options, NS_PER_SEC,
                         &err);

    if (!trial) {
        g_assert_null(strstr(err->message, "mayfly-gpu ended"));    /* no want of GL */
        g_test_skip(err->message);
        return false;
    }
    rig_free(trial);
    bed_open(&virtio_gpu_gl, options);
    gpu = gpu_of(rig->dev);
    pages_at = driver_alloc(&d, 96 << 10, 4096);
    return true;
}

static u32 give(u32 type, u32 context, GpuBody body)
{
    RenderJob job = { .type = type, .header.ctx_id = context, .in = body };

    return gpu_gl_do(gpu, &job);
}

static u32 create(u32 id)
{
    return give(GPU_RESOURCE_CREATE_3D, 0, (GpuBody){ .create_3d = {
        id, GPU_TEXTURE_2D, 1, GPU_BIND_RENDER_TARGET | 8, SIDE, SIDE, 1, 1, 0, 0, 0,
        0 } });
}

/* Its pages are of odd lengths, each somewhere else. */
static gpa page_at(u64 offset)
{
    return offset < 1000 ? pages_at + 77777 + offset
           : offset < 5001 ? pages_at + offset - 1000 : pages_at + 33333 + offset;
}

static void attach(u32 id)
{
    RenderJob job = { .type = GPU_ATTACH_BACKING, .in.attach = { id, 3 } };
    GpuPages *pages = g_new0(GpuPages, 3);

    pages[0] = (GpuPages){ page_at(0), 0, 1000 };
    pages[1] = (GpuPages){ page_at(1000), 1000, 4001 };
    pages[2] = (GpuPages){ page_at(5001), 5001, BYTES - 5001 };
    g_assert_cmphex(gpu_gl_attach(gpu, &job, gpu_resource(gpu, id), pages, 3), ==,
                    GPU_OK);
    gpu_gl_run(gpu, &job);
    g_assert_cmphex(job.answer, ==, GPU_OK);
    render_job_clear(&job);
}

static void put(u64 offset, u8 value)
{
    g_assert_true(mem_write(d.machine->mem, page_at(offset), &value, 1));
}

static u8 get(u64 offset)
{
    u8 value;

    g_assert_true(mem_read(d.machine->mem, page_at(offset), &value, 1));
    return value;
}

static u8 pattern(u64 offset)
{
    return offset * 31 + offset / LINE * 7 + 1;
}

static void put_pattern(void)
{
    for (u64 i = 0; i < BYTES; i++) {
        put(i, pattern(i));
    }
}

static GpuTransfer3d box(u32 x, u32 y, u32 w, u32 h)
{
    return (GpuTransfer3d){ { x, y, 0, w, h, 1 }, y * LINE + x * 4, 7, 0, LINE, 0 };
}

static u32 transfer(u32 type, GpuTransfer3d what)
{
    return give(type, 0, (GpuBody){ .transfer_3d = what });
}

/* All that is outside has this value, and what is inside the pattern. */
static void assert_box(u32 x, u32 y, u32 w, u32 h, u8 outside)
{
    for (u64 i = 0; i < BYTES; i++) {
        u32 row = i / LINE, column = i % LINE / 4;
        bool in = row >= y && row < y + h && column >= x && column < x + w;

        g_assert_cmphex(get(i), ==, in ? pattern(i) : outside);
    }
}

static void clear_pages(u8 value)
{
    for (u64 i = 0; i < BYTES; i++) {
        put(i, value);
    }
}

/* To a texture and back, and back in part. */
static void test_moves(void)
{
    if (!set_up("isolated=on")) {
        return;
    }
    g_assert_cmphex(create(7), ==, GPU_OK);
    attach(7);
    put_pattern();
    g_assert_cmphex(transfer(GPU_TRANSFER_TO_HOST_3D, box(0, 0, SIDE, SIDE)), ==,
                    GPU_OK);
    clear_pages(0xee);
    g_assert_cmphex(transfer(GPU_TRANSFER_FROM_HOST_3D, box(8, 4, 12, 20)), ==, GPU_OK);
    assert_box(8, 4, 12, 20, 0xee);
    g_assert_cmphex(transfer(GPU_TRANSFER_FROM_HOST_3D, box(0, 0, SIDE, SIDE)), ==,
                    GPU_OK);
    assert_box(0, 0, SIDE, SIDE, 0);
    g_assert_cmphex(give(GPU_RESOURCE_UNREF, 0, (GpuBody){ .id = { 7, 0 } }), ==,
                    GPU_OK);
    g_assert_cmpuint(gpu->gl->renderer->shared, ==, 0);
    bed_close();
}

static u32 submit(u32 context, const u32 *words, u32 n)
{
    RenderJob job = { .type = GPU_SUBMIT_3D, .header.ctx_id = context, .bytes = n * 4,
                      .data = g_memdup2(words, n * 4) };

    gpu_gl_submit(gpu, &job);
    gpu_gl_run(gpu, &job);
    gpu_gl_end(gpu, &job);
    render_job_clear(&job);
    return job.answer;
}

/* virgl_protocol.h: the same as commands of a context; 1: to the host, 2: from it. */
static void test_stream(void)
{
    u32 words[] = { VIRGL_HEADER(VIRGL_TRANSFER3D, 0, 13), 7, 0, 0, LINE, 0,
                    0, 0, 0, SIDE, SIDE, 1, 0, 1 };

    if (!set_up("isolated=on")) {
        return;
    }
    g_assert_cmphex(create(7), ==, GPU_OK);
    attach(7);
    g_assert_cmphex(give(GPU_CTX_CREATE, 3, (GpuBody){ .context = { 4, 0, "test" } }),
                    ==, GPU_OK);
    g_assert_cmphex(give(GPU_CTX_ATTACH_RESOURCE, 3, (GpuBody){ .id = { 7, 0 } }), ==,
                    GPU_OK);
    put_pattern();
    g_assert_cmphex(submit(3, words, G_N_ELEMENTS(words)), ==, GPU_OK);
    clear_pages(0x55);
    words[6] = 3;
    words[7] = 9;
    words[9] = words[10] = 5;
    words[12] = 9 * LINE + 3 * 4;
    words[13] = 2;
    g_assert_cmphex(submit(3, words, G_N_ELEMENTS(words)), ==, GPU_OK);
    g_assert_cmphex(give(GPU_TRANSFER_FROM_HOST_3D, 0, (GpuBody){ .transfer_3d =
                         box(3, 9, 5, 5) }), ==, GPU_OK);
    assert_box(3, 9, 5, 5, 0x55);
    bed_close();
}

/* What the console shows is what was uploaded. */
static void test_shown(void)
{
    const u32 *shown;

    if (!set_up("isolated=on")) {
        return;
    }
    g_assert_cmphex(give(GPU_RESOURCE_CREATE_2D, 0, (GpuBody){ .create = {
        7, 2, SIDE, SIDE } }), ==, GPU_OK);
    attach(7);
    put_pattern();
    g_assert_cmphex(give(GPU_TRANSFER_TO_HOST_2D, 0, (GpuBody){ .transfer = {
        { 0, 0, SIDE, SIDE }, 0, 7, 0 } }), ==, GPU_OK);
    g_assert_cmphex(give(GPU_SET_SCANOUT, 0, (GpuBody){ .scanout = {
        { 0, 0, SIDE, SIDE }, 0, 7 } }), ==, GPU_OK);
    console_update(console_nth(0));
    shown = (const u32 *)console_nth(0)->surface.pixels;
    for (u32 i = 0; i < SIDE * SIDE; i++) {
        g_assert_cmphex(shown[i] & 0xffffff, ==, pattern(i * 4) |
                        pattern(i * 4 + 1) << 8 | pattern(i * 4 + 2) << 16);
    }
    bed_close();
}

/* ---- a renderer that is lost ---- */

/* It stands when this returns. */
static void stop_process(void)
{
    int pid = gpu->gl->renderer->pid;
    siginfo_t info;

    kill(pid, SIGSTOP);
    g_assert_cmpint(waitid(P_PID, pid, &info, WSTOPPED), ==, 0);
}

static void expect_lost(void)
{
    Renderer *r = gpu->gl->renderer;
    int pid = r->pid;

    g_assert_cmphex(create(9), ==, GPU_ERR_UNSPEC);
    g_assert_null(gpu_resource(gpu, 9));
    device_reset(rig->dev);
    g_assert_cmphex(create(9), ==, GPU_OK);
    g_assert_cmpint(r->pid, !=, pid);
    g_assert_cmpint(r->pid, >, 0);
}

/* With jobs on their way, some of which read the guest's pages or write them. */
static void test_dies(void)
{
    if (!set_up("isolated=on")) {
        return;
    }
    g_assert_cmphex(create(7), ==, GPU_OK);
    attach(7);
    stop_process();
    for (unsigned i = 0; i < 20; i++) {
        RenderJob *job = g_new0(RenderJob, 1);

        job->type = i % 2 ? GPU_TRANSFER_FROM_HOST_3D : GPU_TRANSFER_TO_HOST_3D;
        job->header.flags = GPU_FLAG_FENCE;
        job->in.transfer_3d = box(0, 0, SIDE, SIDE);
        gpu_gl_post(gpu, job);
    }
    kill(gpu->gl->renderer->pid, SIGKILL);
    gpu_gl_run(gpu, &(RenderJob){ .type = RENDER_WAIT });
    g_assert_cmpuint(g_hash_table_size(gpu->gl->renderer->flights), ==, 0);
    g_assert_null(gpu->gl->renderer->jobs.first);
    expect_lost();
    bed_close();
}

static void test_hangs(void)
{
    if (!set_up("isolated=on,watchdog=1")) {
        return;
    }
    g_assert_cmphex(create(7), ==, GPU_OK);
    stop_process();
    g_assert_cmphex(create(8), ==, GPU_ERR_UNSPEC);
    expect_lost();
    bed_close();
}

/* ---- the process ---- */

static void test_confined(void)
{
    g_autofree char *file = NULL, *status = NULL;

    if (!set_up("isolated=on")) {
        return;
    }
    file = g_strdup_printf("/proc/%d/status", gpu->gl->renderer->pid);
    g_assert_true(g_file_get_contents(file, &status, NULL, NULL));
    g_assert_nonnull(strstr(status, "NoNewPrivs:\t1"));
    g_assert_nonnull(strstr(status, "Seccomp:\t2"));
    bed_close();
}

/* One that says nonsense is none: an error, in one line. */
static void test_lies(void)
{
    static const char text[] = "#!/bin/sh\nexec head -c 9999 /dev/zero >&3\n";
    g_autofree char *folder = g_dir_make_tmp("mayfly-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "mayfly-gpu", NULL);
    g_autofree char *before = g_strdup(g_getenv("MAYFLY_MODULES"));
    g_autoptr(GError) err = NULL;
    Rig *trial;

    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    chmod(file, 0700);
    g_setenv("MAYFLY_MODULES", folder, true);
    trial = rig_new(&virtio_gpu_gl.device, &virtio_pci_bus, "isolated=on", NS_PER_SEC,
                    &err);
    g_assert_null(trial);
    g_assert_nonnull(strstr(err->message, "mayfly-gpu"));
    if (before) {
        g_setenv("MAYFLY_MODULES", before, true);
    } else {
        g_unsetenv("MAYFLY_MODULES");
    }
    g_unlink(file);
    g_rmdir(folder);
}

/* ---- pages ---- */

/* A result is copied once, and never over what the driver has written since. */
static void test_watched(void)
{
    u8 guest[64] = { 2 };
    struct iovec *iov = g_new0(struct iovec, 1);
    u64 charged = 0;
    Pages *p;
    int fd = -1;

    *iov = (struct iovec){ guest, sizeof guest };
    p = pages_new(iov, 1, &charged, 1 << 20, &fd);
    g_assert_nonnull(p);
    g_assert_cmpuint(charged, ==, sizeof guest);
    pages_watch(p);
    g_assert_cmpuint(p->copy[0], ==, 2);
    p->copy[0] = 1;
    pages_watch_out(p);
    g_assert_cmpuint(guest[0], ==, 1);
    guest[0] = 2;
    pages_watch_out(p);
    g_assert_cmpuint(guest[0], ==, 2);
    pages_watch_in(p);
    g_assert_cmpuint(p->copy[0], ==, 2);
    pages_unref(p);
    g_assert_cmpuint(charged, ==, 0);
    close(fd);
}

/* Whatever a driver says of strides and boxes: no byte outside the pages, and soon. */
static void test_parts(void)
{
    static const u32 odd[] = { 0, 1, 3, 64, 4096, 0x7fffffff, 0xffffffff };
    enum { N = G_N_ELEMENTS(odd) };
    u8 guest[4096];
    struct iovec *iov = g_new0(struct iovec, 1);
    u64 charged = 0;
    Pages *p;
    int fd = -1;

    *iov = (struct iovec){ guest, sizeof guest };
    p = pages_new(iov, 1, &charged, 1 << 20, &fd);
    for (unsigned i = 0; i < N * N * N * N * N; i++) {
        Known known = { .create = { .width = odd[i % N], .height = 64,
                                    .target = i / 7 % 3 }, .line = odd[i / N % N] };
        GpuTransfer3d t = { { 0, 0, 0, odd[i / 5 % N], odd[i / N / N % N],
                              odd[i / N / N / N % N] }, odd[i / 3 % N], 1, i % 40,
                            odd[i / N / N / N / N % N], odd[i / 2 % N] };
        Lines part = lines_of(p, &known, &t);

        lines_in(&part);
        lines_out(&part);
    }
    pages_unref(p);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/isolated/watched", test_watched);
    g_test_add_func("/gpu/isolated/parts", test_parts);
    g_test_add_func("/gpu/isolated/moves", test_moves);
    g_test_add_func("/gpu/isolated/stream", test_stream);
    g_test_add_func("/gpu/isolated/shown", test_shown);
    g_test_add_func("/gpu/isolated/dies", test_dies);
    g_test_add_func("/gpu/isolated/hangs", test_hangs);
    g_test_add_func("/gpu/isolated/confined", test_confined);
    g_test_add_func("/gpu/isolated/lies", test_lies);
    return g_test_run();
}
