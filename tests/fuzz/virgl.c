/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu under a driver that sends anything: all control commands with ids that
 * mostly exist, several at a time, and resets.  Whatever comes is answered.
 *
 *     /gpu/commands     2D, its cursor queue and blobs too
 *     /virgl/commands   3D with the real renderer, and blobs that are mapped.  Streams
 *                       (SUBMIT_3D) are empty, cut short, or make a buffer for a blob:
 *                       virglrenderer 0.10.4 itself falls over some
 *     /virgl/isolated   3D with the isolated one, and streams of commands with the
 *                       right lengths and wrong contents.  It may die of them, the
 *                       machine may not, and the next reset brings a new one
 *
 * MAYFLY_FUZZ=N in the environment: N times 100000 commands, otherwise 2000.  Where
 * there is no module or no GL, 3D is skipped.
 */

#include "base/lock.h"
#include "hw/virtio/devices.h"
#include "hw/virtio/gpu_gl.h"
#include "tests/lib/chance.h"
#include "tests/lib/virgl_garbage.h"
#include "tests/lib/virgl_leaks.h"
#include "tests/lib/virtio_bed.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT = 2000, LONG = 100000, IDS = 6, WORDS = 512, MEMORY = 160 << 10 };
enum { BATCH = 8, IN_BYTES = WORDS * 4 + 64, OUT_BYTES = 2048 };
enum { OK = 0x1100, ERRORS = 0x1200, ERRORS_END = 0x1206 };

static Chance chance;
static gpa in, out, memory;
static u32 word[WORDS];
static unsigned n_words;
static u64 answered, good, lost;
static bool garbage;                /* in streams */
static u32 bad_context;             /* that the renderer has given up; 0: none */

static void put(u32 value)
{
    if (n_words < WORDS) {
        word[n_words++] = value;
    }
}

static u32 some(u32 below)
{
    return chance_one_in(&chance, 40) ? chance_next(&chance) :
                                        chance_below(&chance, below);
}

static u32 some_id(void)
{
    return 1 + some(IDS);
}

/* Pages of the driver's that nothing else lies in, and sometimes none at all. */
static void some_pages(u32 bytes)
{
    u32 page = some(32), n = some(bytes);

    put(page < 32 ? memory + 4096 * page : page | 0x80000000);
    put(0);
    put(n < bytes ? n : n | 0x80000000);
    put(0);
}

/* ---- bodies of commands (5.7.6.8), as words ---- */

static void rect(u32 side)
{
    put(some(2) * some(side));
    put(some(2) * some(side));
    put(16 + some(side));
    put(16 + some(side));
}

static void box(u32 side)
{
    put(some(2));
    put(some(2));
    put(0);
    put(1 + some(side));
    put(1 + some(side));
    put(1 + some(2) / 2);
}

static void create_2d(void)
{
    put(some_id());
    put(1 + some(3));
    put(16 + some(64));
    put(16 + some(64));
}

static void create_3d(void)
{
    bool buffer = chance_one_in(&chance, 3);

    put(some_id());
    put(buffer ? 0 : some(9));                      /* target */
    put(buffer ? 64 : 1 + some(chance_one_in(&chance, 4) ? 320 : 4));
    put(chance_one_in(&chance, 3) ? chance_next(&chance) & 0x1ff :
        buffer                    ? 16 :
                                    0x4000a);
    put(buffer ? some(8192) : 1 + some(64));
    put(buffer ? 1 : 1 + some(64));
    put(1 + some(2) / 2);
    put(1 + some(2) / 2);
    put(some(3) / 2);
    put(some(2) / 2);
    put(some(2));
    put(0);
}

static void attach_backing(void)
{
    u32 n = some(4);

    put(some_id());
    put(n);
    for (u32 i = 0; i < MIN(n, 8); i++) {
        some_pages(16384);
    }
}

static void transfer_3d(void)
{
    box(64);
    put(some(4096));
    put(0);
    put(some_id());
    put(some(2));
    put(some(2) * 256);
    put(0);
}

static void transfer_2d(void)
{
    rect(48);
    put(some(4096));
    put(0);
    put(some_id());
    put(0);
}

static void set_scanout(void)
{
    rect(48);
    put(some(2));
    put(some(IDS));
}

static void flush(void)
{
    rect(48);
    put(some_id());
    put(0);
}

static void id_alone(void)
{
    put(some_id());
    put(0);
}

static void context(void)
{
    put(4);
    put(some(3));
    for (unsigned i = 0; i < 16; i++) {
        put(0x41414141);
    }
}

static void blob(void)
{
    u32 n = some(4);

    put(some_id());
    put(1 + some(3) / 2);
    put(some(4));
    put(n);
    put(some(2));
    put(0);
    put(some(65536));
    put(0);
    for (u32 i = 0; i < MIN(n, 8); i++) {
        some_pages(32768);
    }
}

static void map_blob(void)
{
    put(some_id());
    put(0);
    put(some(16) * 4096);
    put(0);
}

static void scanout_blob(void)
{
    rect(48);
    put(some(2));
    put(some(IDS));
    put(16 + some(64));
    put(16 + some(64));
    put(1 + some(3));
    put(0);
    for (u32 i = 0; i < 8; i++) {
        put(i ? some(64) : 256 + some(64));
    }
}

static void cursor(void)
{
    put(some(2));
    put(some(100));
    put(some(100));
    put(0);
    put(some(IDS));
    put(some(64));
    put(some(64));
    put(0);
}

static void stream(void)
{
    unsigned size = n_words, begin;
    u32 commands = garbage ? 1 + chance_below(&chance, 4) : 0;

    put(0);
    put(0);
    begin = n_words;
    if (!garbage && chance_one_in(&chance, 2)) {    /* a buffer, for a blob */
        const u32 words[] = { VIRGL_HEADER(VIRGL_RESOURCE_CREATE, 0, 11), 0, 64, 16,
                              some(4) * 4096, 1, 1, 1, 0, 0, 6, some(2) };

        for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
            put(words[i]);
        }
    }
    for (u32 i = 0; i < commands; i++) {
        n_words += virgl_garbage(&chance, word + n_words, WORDS - n_words);
    }
    word[size] = chance_one_in(&chance, 90) ? chance_next(&chance)
                                            : (n_words - begin) * 4;
}

static void nothing(void)
{
}

typedef struct {
    u32 type;
    void (*body)(void);
} Kind;

static const Kind kinds_2d[] = {
    { 0x100, nothing }, { 0x101, create_2d }, { 0x101, create_2d }, { 0x102, id_alone },
    { 0x103, set_scanout }, { 0x104, flush }, { 0x105, transfer_2d },
    { 0x106, attach_backing }, { 0x106, attach_backing }, { 0x107, id_alone },
    { 0x10a, id_alone }, { 0x10c, blob }, { 0x10d, scanout_blob }, { 0x300, cursor },
    { 0x301, cursor },
};
static const Kind kinds_3d[] = {
    { 0x100, nothing }, { 0x101, create_2d }, { 0x102, id_alone },
    { 0x103, set_scanout }, { 0x104, flush }, { 0x105, transfer_2d },
    { 0x106, attach_backing }, { 0x107, id_alone }, { 0x108, id_alone },
    { 0x109, id_alone }, { 0x10a, id_alone },
    { 0x200, context }, { 0x201, nothing }, { 0x202, id_alone }, { 0x203, id_alone },
    { 0x204, create_3d }, { 0x204, create_3d }, { 0x205, transfer_3d },
    { 0x206, transfer_3d }, { 0x207, stream }, { 0x207, stream }, { 0x207, stream },
    { 0x207, stream }, { 0x202, id_alone }, { 0x200, context },
    { 0x106, attach_backing }, { 0x10c, blob }, { 0x10c, blob },
    { 0x10d, scanout_blob }, { 0x208, map_blob }, { 0x209, id_alone },
};
static const Kind anew[] = { { 0x201, nothing }, { 0x200, context } };

static void come_up(void)
{
    bool is_2d = !gpu_of(rig->dev)->gl;

    driver_set(&d, STATUS, 0);
    g_assert_true(driver_open(&d, rig->machine, driver_first(rig->machine)));
    in = driver_alloc(&d, BATCH * IN_BYTES, 4096);
    out = driver_alloc(&d, BATCH * OUT_BYTES, 4096);
    memory = driver_alloc(&d, MEMORY, 4096);
    bad_context = 0;
    bed_bring_up(is_2d     ? GPU_F_BLOB
                 : garbage ? GPU_F_VIRGL | GPU_F_CONTEXT_INIT
                           : GPU_F_VIRGL | GPU_F_CONTEXT_INIT | GPU_F_BLOB,
                 is_2d && chance_one_in(&chance, 8), BATCH * 2);
}

/* Reading what is not shown can only fail where there is nobody who could. */
static bool is_lost(void)
{
    RenderJob job = { .type = RENDER_READ, .scanout = GPU_SCANOUTS - 1 };

    gpu_gl_run(gpu_of(rig->dev), &job);
    render_job_clear(&job);
    return job.answer != GPU_OK;
}

static u32 offer(unsigned i, const Kind *kind, u32 context)
{
    u32 header[6] = { kind->type, some(2), 7, 0, context, 0 };
    DriverBuf buf[2] = { { in + i * IN_BYTES, 0, false },
                         { out + i * OUT_BYTES, OUT_BYTES, true } };

    n_words = 0;
    kind->body();
    buf[0].bytes = sizeof header + n_words * 4;
    g_assert_true(mem_write(d.machine->mem, buf[0].at, header, sizeof header));
    g_assert_true(mem_write(d.machine->mem, buf[0].at + 24, word, n_words * 4));
    ram_put(d.machine, buf[1].at, 0, 8);
    g_assert_cmpint(ring_add(&the_ring, buf, 2, false), >=, 0);
    return context;
}

/* Making a context takes the renderer as long as a thousand other commands. */
static const Kind *some_kind(const Kind *kinds, unsigned n)
{
    const Kind *kind = &kinds[chance_below(&chance, n)];

    return kind->type != 0x201 || chance_one_in(&chance, 16) ? kind : &kinds[0];
}

/* Up to BATCH commands, all of them answered. */
static void commands(const Kind *kinds, unsigned n_kinds)
{
    Gpu *gpu = gpu_of(rig->dev);
    unsigned n = 1 + chance_below(&chance, BATCH), first = bad_context ? 2 : 0;
    u32 context[BATCH] = { 0 }, type, bad = 0;
    bool failed = false;
    DriverUsed used;

    n = MAX(n, first);
    for (unsigned i = 0; i < n; i++) {
        context[i] = i < first ? offer(i, &anew[i], bad_context)
                               : offer(i, some_kind(kinds, n_kinds), 1 + some(3));
    }
    ring_publish(&the_ring);
    ring_notify(&the_ring);
    if (gpu->gl) {
        gpu_gl_run(gpu, &(RenderJob){ .type = RENDER_WAIT });
    }
    for (unsigned i = 0; i < n; i++) {
        g_assert_true(ring_poll(&the_ring, &used));
        type = ram_get(d.machine, out + i * OUT_BYTES, 4);
        g_assert_true((type >= OK && type < OK + 7) ||
                      (type >= ERRORS && type < ERRORS_END));
        answered++;
        good += type < ERRORS;
        failed |= type == ERRORS;
        bad = ram_get(d.machine, in + i * IN_BYTES, 4) == 0x207 && type >= ERRORS
              ? context[i] : bad;
    }
    bad_context = bad;
    if (garbage && failed && is_lost()) {
        lost++;
        come_up();
    }
}

static bool can_be(const VirtioType *type, const char *options)
{
    g_autoptr(GError) err = NULL;
    Rig *trial = rig_new(&type->device, &virtio_pci_bus, options, NS_PER_SEC, &err);

    if (!trial) {
        g_test_skip(err->message);
        return false;
    }
    rig_free(trial);
    return true;
}

static void run(const VirtioType *type, const char *options, const Kind *kinds,
                unsigned n)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 total = factor ? LONG * MAX(strtoull(factor, NULL, 0), 1) : SHORT;
    u32 seed = g_test_rand_int();

    if (!can_be(type, options)) {
        return;
    }
    g_test_message("seed %u", seed);
    chance = chance_new(seed);
    answered = good = lost = 0;
    bed_open(type, options);
    come_up();
    while (answered < total) {
        if (chance_one_in(&chance, 2000)) {
            come_up();
        }
        commands(kinds, n);
    }
    come_up();
    g_test_message("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " were done, %"
                   G_GUINT64_FORMAT " renderers died", good, answered, lost);
    g_assert_cmpuint(good, >, answered / 50);
    g_assert_true(!gpu_of(rig->dev)->gl || !is_lost());
    bed_close();
}

static void test_2d(void)
{
    garbage = false;
    run(&virtio_gpu, "max-hostmem=64M,max-outputs=2,blob=on", kinds_2d,
        G_N_ELEMENTS(kinds_2d));
}

static void test_3d(void)
{
    garbage = false;
    run(&virtio_gpu_gl, "max-hostmem=64M", kinds_3d, G_N_ELEMENTS(kinds_3d));
}

static void test_isolated(void)
{
    garbage = true;
    run(&virtio_gpu_gl, "max-hostmem=64M,isolated=on,watchdog=5", kinds_3d,
        G_N_ELEMENTS(kinds_3d));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/commands", test_2d);
    g_test_add_func("/virgl/commands", test_3d);
    g_test_add_func("/virgl/isolated", test_isolated);
    return g_test_run();
}
