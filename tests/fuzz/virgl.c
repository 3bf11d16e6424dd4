/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu-gl, with the real renderer, under a driver that sends anything: all
 * control commands with ids that mostly exist, and resets.  Whatever comes is answered.
 * MAYFLY_FUZZ=N in the environment: N times 100000 commands, otherwise 2000; where
 * there is no module or no GL it is skipped.
 *
 * Streams (SUBMIT_3D) are empty or cut short there: virglrenderer 0.10.4 itself falls
 * over some of those with wrong contents.  The isolated renderer gets such, too: it may
 * die of them, the machine may not, and the next reset brings a new one.
 */

#include "base/lock.h"
#include "hw/virtio/devices.h"
#include "hw/virtio/gpu_gl.h"
#include "tests/lib/chance.h"
#include "tests/lib/virtio_bed.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT = 2000, LONG = 100000, IDS = 6, WORDS = 512, MEMORY = 192 << 10 };
enum { OK = 0x1100, ERRORS = 0x1200, ERRORS_END = 0x1206 };

static Chance chance;
static gpa in, out, memory;
static u32 word[WORDS];
static unsigned n_words;
static u64 answered, good, lost;
static bool garbage;

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
        put(memory + 4096 * some(32));
        put(0);
        put(some(16384));
        put(0);
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

/* virgl_protocol.h: length, object, command; then words, some of them ids. */
static void stream(void)
{
    unsigned size = n_words, begin;
    u32 commands = garbage ? 1 + chance_below(&chance, 6) : 0;

    put(0);
    put(0);
    begin = n_words;
    for (u32 i = 0; i < commands; i++) {
        u32 command = some(53), length = chance_below(&chance, 24);

        put(length << 16 | some(12) << 8 | command);
        for (u32 k = 0; k < length; k++) {
            put(chance_one_in(&chance, 8) ? chance_next(&chance)
                : chance_one_in(&chance, 3) ? 0x3f800000 : some(IDS + 2));
        }
    }
    word[size] = chance_one_in(&chance, 30) ? chance_next(&chance)
                                            : (n_words - begin) * 4;
}

static void nothing(void)
{
}

static const struct {
    u32 type;
    void (*body)(void);
} kinds[] = {
    { 0x100, nothing }, { 0x101, create_2d }, { 0x102, id_alone },
    { 0x103, set_scanout }, { 0x104, flush }, { 0x105, transfer_2d },
    { 0x106, attach_backing }, { 0x107, id_alone }, { 0x108, id_alone },
    { 0x109, id_alone }, { 0x10a, id_alone },
    { 0x200, context }, { 0x201, nothing }, { 0x202, id_alone }, { 0x203, id_alone },
    { 0x204, create_3d }, { 0x204, create_3d }, { 0x205, transfer_3d },
    { 0x206, transfer_3d }, { 0x207, stream }, { 0x207, stream }, { 0x207, stream },
    { 0x202, id_alone }, { 0x200, context }, { 0x106, attach_backing },
};

static void come_up(void)
{
    driver_set(&d, STATUS, 0);
    g_assert_true(driver_open(&d, rig->machine, driver_first(rig->machine)));
    in = driver_alloc(&d, WORDS * 4 + 64, 4096);
    out = driver_alloc(&d, 4096, 4096);
    memory = driver_alloc(&d, MEMORY, 4096);
    bed_bring_up(1 | 1 << 4, 0, 16);
}

/* Reading what a scanout shows can only fail without a renderer, or for its size. */
static bool is_lost(void)
{
    RenderJob job = { .type = RENDER_READ, .scanout = GPU_SCANOUTS - 1 };

    gpu_gl_run(gpu_of(rig->dev), &job);
    render_job_clear(&job);
    return job.answer != GPU_OK;
}

static void command(void)
{
    unsigned kind = chance_below(&chance, G_N_ELEMENTS(kinds));
    Gpu *gpu = gpu_of(rig->dev);
    u32 header[6] = { kinds[kind].type, some(2), 7, 0, 1 + some(3), 0 }, type;
    DriverBuf buf[2];
    DriverUsed used;

    n_words = 0;
    kinds[kind].body();
    g_assert_true(mem_write(d.machine->mem, in, header, sizeof header));
    g_assert_true(mem_write(d.machine->mem, in + 24, word, n_words * 4));
    ram_put(d.machine, out, 0, 8);
    buf[0] = (DriverBuf){ in, 24 + n_words * 4, false };
    buf[1] = (DriverBuf){ out, 4096, true };
    g_assert_cmpint(ring_add(&the_ring, buf, 2, false), >=, 0);
    ring_publish(&the_ring);
    ring_notify(&the_ring);
    gpu_gl_run(gpu, &(RenderJob){ .type = RENDER_WAIT });
    g_assert_true(ring_poll(&the_ring, &used));
    type = ram_get(d.machine, out, 4);
    g_assert_true((type >= OK && type < OK + 7) ||
                  (type >= ERRORS && type < ERRORS_END));
    answered++;
    good += type < ERRORS;
    if (garbage && type == ERRORS && is_lost()) {
        lost++;
        come_up();
    }
}

static bool has_gl(const char *options)
{
    g_autoptr(GError) err = NULL;
    Rig *trial = rig_new(&virtio_gpu_gl.device, &virtio_pci_bus, options,
                         NS_PER_SEC, &err);

    if (!trial) {
        g_test_skip(err->message);
        return false;
    }
    rig_free(trial);
    return true;
}

static void run(const char *options, u64 few)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 commands = factor ? LONG * MAX(strtoull(factor, NULL, 0), 1) : few;
    u32 seed = g_test_rand_int();

    if (!has_gl(options)) {
        return;
    }
    g_test_message("seed %u", seed);
    chance = chance_new(seed);
    answered = good = lost = 0;
    bed_open(&virtio_gpu_gl, options);
    come_up();
    for (u64 i = 0; i < commands; i++) {
        if (chance_one_in(&chance, 500)) {
            come_up();
        }
        command();
    }
    come_up();
    g_test_message("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " were done, %"
                   G_GUINT64_FORMAT " renderers died", good, answered, lost);
    g_assert_cmpuint(good, >, answered / 10);
    g_assert_false(is_lost());
    bed_close();
}

static void test_commands(void)
{
    garbage = false;
    run("max-hostmem=64M", SHORT);
}

static void test_isolated(void)
{
    garbage = true;
    run("max-hostmem=64M,isolated=on", SHORT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virgl/commands", test_commands);
    g_test_add_func("/virgl/isolated", test_isolated);
    return g_test_run();
}
