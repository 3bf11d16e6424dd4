/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blobs whose memory the guest sees (virtio 1.2, 5.7.6.8), with virglrenderer on what
 * GL there is: what a CPU writes in the window the library reads from the resource, and
 * back; where nothing is mapped nothing is seen; what a hostile driver asks is refused;
 * and whatever ends a resource ends what is seen of it.  Where there is no module or
 * no GL it is skipped.
 */

#include "hw/virtio/devices.h"
#include "hw/virtio/gpu_gl.h"
#include "tests/lib/virgl_leaks.h"
#include "tests/lib/virtio_bed.h"

#include <string.h>

enum {
    CONTEXT = 5, BYTES = 16384, WINDOW = 4 << 20, WINDOW_BAR = 4,
    PERSISTENT = 2, COHERENT = 4, R8 = 64, VERTICES = 1 << 4,
    FEATURES = GPU_F_VIRGL | GPU_F_BLOB | GPU_F_CONTEXT_INIT,
};

static Gpu *gpu;

static u32 give(u32 type, u32 context, GpuBody body)
{
    RenderJob job = { .type = type, .header.ctx_id = context, .in = body };
    u32 answer = gpu_gl_do(gpu, &job);

    render_job_clear(&job);
    return answer;
}

/* As the driver's own commands would: judged, then fed. */
static bool submit(const u32 *words, u32 n)
{
    GlContext *context = g_hash_table_lookup(gpu->gl->contexts,
                                             GUINT_TO_POINTER(CONTEXT));
    RenderJob job = { .type = GPU_SUBMIT_3D, .header.ctx_id = CONTEXT, .bytes = n * 4,
                      .data = g_memdup2(words, n * 4) };
    bool good = gpu_gl_made(gpu, context, words, n);

    if (good) {
        gpu_gl_submit(gpu, &job);
        gpu_gl_run(gpu, &job);
        gpu_gl_end(gpu, &job);
        good = job.answer == GPU_OK;
    }
    render_job_clear(&job);
    return good;
}

static bool make(u32 blob_id, u32 bytes, u32 flags)
{
    const u32 words[] = { VIRGL_HEADER(VIRGL_RESOURCE_CREATE, 0, 11),
                          GPU_TEXTURE_BUFFER, R8, VERTICES, bytes, 1, 1, 1, 0, 0, flags,
                          blob_id };

    return submit(words, G_N_ELEMENTS(words));
}

static u32 fetch(u32 id, u32 blob_id, u64 bytes)
{
    return give(GPU_CREATE_BLOB, CONTEXT, (GpuBody){ .blob = {
        id, GPU_BLOB_HOST, GPU_BLOB_MAPPABLE, 0, blob_id, bytes } });
}

static void create(u32 id)
{
    g_assert_true(make(id + 100, BYTES, PERSISTENT | COHERENT));
    g_assert_cmphex(fetch(id, id + 100, BYTES), ==, GPU_OK);
}

static u32 map(u32 id, u64 offset)
{
    return give(GPU_MAP_BLOB, 0, (GpuBody){ .map = { id, 0, offset } });
}

static u32 unmap(u32 id)
{
    return give(GPU_UNMAP_BLOB, 0, (GpuBody){ .id = { id, 0 } });
}

static bool set_up(void)
{
    g_autofree char *options = g_strdup_printf("hostmem=%d,max-hostmem=64M", WINDOW);
    g_autoptr(GError) err = NULL;
    Rig *trial = rig_new(&virtio_gpu_gl.device, &virtio_pci_bus, options, NS_PER_SEC,
                         &err);

    if (!trial) {
        g_test_skip(err->message);
        return false;
    }
    rig_free(trial);
    bed_open(&virtio_gpu_gl, options);
    bed_bring_up(FEATURES, 0, 16);
    gpu = gpu_of(rig->dev);
    g_assert_cmphex(give(GPU_CTX_CREATE, CONTEXT,
                         (GpuBody){ .context = { 4, 2, "test" } }), ==, GPU_OK);
    return true;
}

static u64 look(u64 offset)
{
    return space_read(d.machine->mmio, d.bar[WINDOW_BAR] + offset, 8);
}

static void put(u64 offset, u64 value)
{
    space_write(d.machine->mmio, d.bar[WINDOW_BAR] + offset, value, 8);
}

#define NOTHING UINT64_MAX

/* What the resource holds, as the library reads it. */
static u64 in_renderer(u32 id, u64 offset)
{
    RenderJob job = { .type = RENDER_SAVE, .blob = true,
                      .in.create_3d = gpu_resource(gpu, id)->create };
    u64 value = 0;

    gpu_gl_run(gpu, &job);
    g_assert_cmphex(job.answer, ==, GPU_OK);
    if (job.bytes) {
        g_assert_cmpuint(job.bytes, ==, BYTES);
        memcpy(&value, job.data + offset, 8);
    }
    render_job_clear(&job);
    return value;
}

/* The library copies one buffer to another, as it would for the guest's GL. */
static void copy(u32 from, u32 to)
{
    const u32 words[] = { VIRGL_HEADER(VIRGL_COPY_REGION, 0, 13), to, 0, 0, 0, 0, from,
                          0, 0, 0, 0, BYTES, 1, 1 };

    give(GPU_CTX_ATTACH_RESOURCE, CONTEXT, (GpuBody){ .id = { from, 0 } });
    give(GPU_CTX_ATTACH_RESOURCE, CONTEXT, (GpuBody){ .id = { to, 0 } });
    g_assert_true(submit(words, G_N_ELEMENTS(words)));
    gpu_gl_run(gpu, &(RenderJob){ .type = RENDER_WAIT });
}

/* ---- the tests ---- */

static void test_seen(void)
{
    if (!set_up()) {
        return;
    }
    create(1);
    create(2);
    g_assert_cmphex(look(0), ==, NOTHING);
    g_assert_cmphex(map(1, 0), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(map(2, WINDOW - BYTES), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(look(BYTES), ==, NOTHING);
    put(BYTES - 8, 0x1122334455667788);
    put(0, 77);
    g_assert_cmphex(in_renderer(1, BYTES - 8), ==, 0x1122334455667788);
    copy(1, 2);
    g_assert_cmphex(look(WINDOW - 8), ==, 0x1122334455667788);
    g_assert_cmphex(look(WINDOW - BYTES), ==, 77);
    g_assert_cmphex(unmap(1), ==, GPU_OK);
    g_assert_cmphex(look(0), ==, NOTHING);
    g_assert_cmphex(map(1, BYTES), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(look(BYTES), ==, 77);
    bed_close();
}

static void test_refused(void)
{
    GpuBody wrong = { .blob = { 9, GPU_BLOB_HOST, GPU_BLOB_MAPPABLE, 0, 999, BYTES } };

    if (!set_up()) {
        return;
    }
    create(1);
    create(2);
    g_assert_cmphex(map(3, 0), ==, GPU_ERR_RESOURCE);
    g_assert_cmphex(unmap(1), ==, GPU_ERR_UNSPEC);
    g_assert_cmphex(map(1, 100), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(1, WINDOW), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(1, WINDOW - BYTES + 4096), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(1, -(u64)4096), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(1, BYTES), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(map(1, 4 * BYTES), ==, GPU_ERR_PARAMETER);      /* twice */
    g_assert_cmphex(map(2, BYTES), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(2, 2 * BYTES - 4096), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(2, 4096), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(2, 0), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(give(GPU_CREATE_BLOB, CONTEXT, wrong), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(give(GPU_CREATE_BLOB, 77, wrong), ==, GPU_ERR_CONTEXT);
    /* no pages; one that stays in the renderer; larger than what was made */
    g_assert_true(make(300, 5000, PERSISTENT | COHERENT));
    g_assert_cmphex(fetch(10, 300, 5000), ==, GPU_OK);
    g_assert_cmphex(map(10, 8 * BYTES), ==, GPU_ERR_PARAMETER);
    g_assert_true(make(301, BYTES, 0));
    g_assert_cmphex(fetch(11, 301, BYTES), ==, GPU_OK);
    g_assert_cmphex(map(11, 8 * BYTES), ==, GPU_ERR_UNSPEC);
    g_assert_true(make(302, BYTES, PERSISTENT | COHERENT));
    g_assert_cmphex(fetch(12, 302, 2 * BYTES), ==, GPU_OK);
    g_assert_cmphex(map(12, 8 * BYTES), ==, GPU_ERR_UNSPEC);
    g_assert_cmphex(look(8 * BYTES), ==, NOTHING);
    g_assert_false(make(303, 65 << 20, PERSISTENT));    /* more than max-hostmem */
    g_assert_cmphex(look(0), ==, 0);
    bed_close();
}

/* A driver that does not wait for answers sees nothing of what is under way. */
static void test_in_flight(void)
{
    static const u32 ends[] = { GPU_UNMAP_BLOB, GPU_RESOURCE_UNREF };

    if (!set_up()) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        RenderJob *job = g_new0(RenderJob, 1);

        create(20 + i);
        job->type = GPU_MAP_BLOB;
        job->in.map = (GpuMapBlob){ 20 + i, 0, 0 };
        g_assert_cmphex(gpu_gl_judge_map(gpu, job), ==, GPU_OK);
        gpu_gl_post(gpu, job);
        g_assert_cmphex(give(ends[i], 0, (GpuBody){ .id = { 20 + i, 0 } }), ==, GPU_OK);
        gpu_gl_run(gpu, &(RenderJob){ .type = RENDER_WAIT });
        g_assert_cmphex(look(0), ==, NOTHING);
    }
    bed_close();
}

static void test_ends(void)
{
    if (!set_up()) {
        return;
    }
    create(1);
    create(2);
    create(3);
    g_assert_cmphex(map(1, 0), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(map(2, BYTES), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(map(3, 2 * BYTES), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(give(GPU_RESOURCE_UNREF, 0, (GpuBody){ .id = { 1, 0 } }), ==,
                    GPU_OK);
    g_assert_cmphex(look(0), ==, NOTHING);
    g_assert_cmphex(give(GPU_CTX_DESTROY, CONTEXT, (GpuBody){ 0 }), ==, GPU_OK);
    put(BYTES, 5);                      /* a resource outlives its context */
    g_assert_cmphex(look(BYTES), ==, 5);
    driver_set(&d, STATUS, 0);
    g_assert_cmphex(look(BYTES), ==, NOTHING);
    g_assert_cmphex(look(2 * BYTES), ==, NOTHING);
    bed_close();
}

/* Memory decoding goes off and on, and the window elsewhere. */
static void test_moved(void)
{
    PciDevice *pci;
    u64 was;

    if (!set_up()) {
        return;
    }
    pci = pci_device(rig->dev);
    was = d.bar[WINDOW_BAR];
    create(1);
    g_assert_cmphex(map(1, BYTES), ==, GPU_OK_MAP_INFO);
    put(BYTES, 6);
    pci_config_write(pci->on, 0, d.devfn, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
    g_assert_cmphex(look(BYTES), ==, NOTHING);
    pci_config_write(pci->on, 0, d.devfn, PCI_BAR0 + 4 * WINDOW_BAR, was + WINDOW, 4);
    pci_config_write(pci->on, 0, d.devfn, PCI_COMMAND,
                     PCI_COMMAND_MASTER | PCI_COMMAND_MEM, 2);
    g_assert_cmphex(look(BYTES), ==, NOTHING);
    d.bar[WINDOW_BAR] += WINDOW;
    g_assert_cmphex(look(BYTES), ==, 6);
    bed_close();
}

static void test_saved(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    if (!set_up()) {
        return;
    }
    create(1);
    create(2);
    create(3);
    g_assert_true(make(900, BYTES, PERSISTENT | COHERENT));         /* not fetched */
    g_assert_cmphex(map(1, 4096), ==, GPU_OK_MAP_INFO);
    g_assert_cmphex(map(2, WINDOW - BYTES), ==, GPU_OK_MAP_INFO);
    put(4096, 11);
    put(4096 + BYTES - 8, 22);
    copy(1, 3);                         /* one that is not mapped */
    g_assert_true(device_savable(rig->dev, &err));
    g_assert_no_error(err);
    device_save(rig->dev, saved);
    put(4096, 99);
    g_assert_cmphex(unmap(2), ==, GPU_OK);
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_no_error(err);
    g_assert_cmphex(look(4096), ==, 11);
    g_assert_cmphex(look(4096 + BYTES - 8), ==, 22);
    g_assert_cmphex(look(WINDOW - BYTES), ==, 0);
    put(4096 + 8, 33);
    g_assert_cmphex(in_renderer(1, 8), ==, 33);
    g_assert_cmphex(in_renderer(3, BYTES - 8), ==, 22);
    g_assert_cmphex(fetch(4, 900, BYTES), ==, GPU_OK);
    bed_close();
}

/* ---- blobs on the screen ---- */

enum { WIDE = 32, HIGH = 32, B8G8R8X8 = 2, B8G8R8A8 = 1 };

static u32 show_lines(u32 id, u32 stride, u32 offset)
{
    return give(GPU_SET_SCANOUT_BLOB, 0, (GpuBody){ .scanout_blob = {
        { 0, 0, WIDE, HIGH }, 0, id, WIDE, HIGH, B8G8R8X8, 0, { stride },
        { offset } } });
}

static u32 show_texture(u32 id)
{
    return give(GPU_SET_SCANOUT, 0, (GpuBody){ .scanout = {
        { 0, 0, WIDE, HIGH }, 0, id } });
}

static u32 shown_at(u32 x, u32 y)
{
    const Surface *s = &console_nth(0)->surface;

    g_assert_nonnull(s->pixels);
    g_assert_cmpuint(s->width, ==, WIDE);
    return ((const u32 *)(s->pixels + y * s->stride))[x] & 0xffffff;
}

static void flush(u32 id)
{
    g_assert_cmphex(give(GPU_RESOURCE_FLUSH, 0, (GpuBody){ .flush = {
        { 0, 0, WIDE, HIGH }, id, 0 } }), ==, GPU_OK);
}

/* A blob in the guest's own pages, where the test may write. */
static gpa create_in_pages(u32 id)
{
    const GpuCreateBlob blob = { id, GPU_BLOB_GUEST, 0, 1, 0, WIDE * HIGH * 4 };
    const GpuCreate3d none = { 0 };
    GpuPages *pages = g_new0(GpuPages, 1);
    gpa at = driver_alloc(&d, WIDE * HIGH * 4, 4096);

    *pages = (GpuPages){ at, 0, WIDE * HIGH * 4 };
    g_assert_true(gpu_gl_make_blob(gpu, &none, &blob, pages));
    return at;
}

static void test_scanout_pages(void)
{
    const u32 stride = WIDE * 4;
    gpa at;

    if (!set_up()) {
        return;
    }
    at = create_in_pages(30);
    ram_put(d.machine, at + 5 * stride + 4 * 3, 0xff112233, 4);
    g_assert_cmphex(show_lines(30, stride, 0), ==, GPU_OK);
    g_assert_cmphex(shown_at(3, 5), ==, 0x112233);
    ram_put(d.machine, at + 5 * stride + 4 * 3, 0x445566, 4);
    flush(30);
    g_assert_cmphex(shown_at(3, 5), ==, 0x445566);
    g_assert_cmphex(show_lines(30, stride, 4), ==, GPU_ERR_PARAMETER);  /* its end */
    g_assert_null(console_nth(0)->surface.pixels);
    g_assert_cmphex(show_lines(31, stride, 0), ==, GPU_ERR_RESOURCE);
    g_assert_cmphex(show_lines(30, stride, 0), ==, GPU_OK);
    give(GPU_RESOURCE_UNREF, 0, (GpuBody){ .id = { 30, 0 } });
    g_assert_null(console_nth(0)->surface.pixels);
    bed_close();
}

/* The renderer's memory while the guest has it mapped; and then a texture again. */
static void test_scanout_host(void)
{
    if (!set_up()) {
        return;
    }
    create(1);
    g_assert_cmphex(show_lines(1, WIDE * 4, 0), ==, GPU_ERR_PARAMETER);
    g_assert_cmphex(map(1, 0), ==, GPU_OK_MAP_INFO);
    put(WIDE * 4 * 7, 0x0000aa00123456);
    g_assert_cmphex(show_lines(1, WIDE * 4, 0), ==, GPU_OK);
    g_assert_cmphex(shown_at(0, 7), ==, 0x123456);
    g_assert_false(console_nth(0)->texture);
    g_assert_cmphex(unmap(1), ==, GPU_OK);
    flush(1);
    g_assert_cmphex(shown_at(0, 7), ==, 0);
    g_assert_cmphex(give(GPU_RESOURCE_CREATE_3D, 0, (GpuBody){ .create_3d = {
        40, GPU_TEXTURE_2D, B8G8R8A8, GPU_BIND_RENDER_TARGET, WIDE, HIGH, 1, 1, 0, 0, 0,
        0 } }), ==, GPU_OK);
    g_assert_cmphex(show_lines(40, WIDE * 4, 0), ==, GPU_ERR_RESOURCE);
    g_assert_cmphex(show_texture(40), ==, GPU_OK);
    g_assert_true(console_nth(0)->texture);
    g_assert_cmpuint(gpu->state.format[0], ==, 0);
    bed_close();
}

static void test_scanout_saved(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    gpa at;

    if (!set_up()) {
        return;
    }
    at = create_in_pages(30);
    ram_put(d.machine, at + 4 * WIDE * 9, 0x654321, 4);
    g_assert_cmphex(show_lines(30, WIDE * 4, 0), ==, GPU_OK);
    g_assert_true(device_savable(rig->dev, &err));
    device_save(rig->dev, saved);
    device_reset(rig->dev);
    g_assert_null(console_nth(0)->surface.pixels);
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_cmphex(shown_at(0, 9), ==, 0x654321);
    ram_put(d.machine, at + 4 * WIDE * 9, 0x777777, 4);
    flush(30);
    g_assert_cmphex(shown_at(0, 9), ==, 0x777777);
    bed_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/blob/seen", test_seen);
    g_test_add_func("/gpu/blob/refused", test_refused);
    g_test_add_func("/gpu/blob/in-flight", test_in_flight);
    g_test_add_func("/gpu/blob/ends", test_ends);
    g_test_add_func("/gpu/blob/moved", test_moved);
    g_test_add_func("/gpu/blob/saved", test_saved);
    g_test_add_func("/gpu/blob/scanout-pages", test_scanout_pages);
    g_test_add_func("/gpu/blob/scanout-host", test_scanout_host);
    g_test_add_func("/gpu/blob/scanout-saved", test_scanout_saved);
    return g_test_run();
}
