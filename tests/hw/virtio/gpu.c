/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-gpu before a driver of our own (virtio 1.2, section 5.7): numbers here are the
 * specification's, written once more.
 */

#include "hw/virtio/devices.h"
#include "tests/lib/virtio_bed.h"
#include "ui/console.h"

#include <string.h>

enum { GET_DISPLAY_INFO = 0x100, CREATE_2D, UNREF, SET_SCANOUT, FLUSH, TRANSFER,
       ATTACH, DETACH, GET_EDID = 0x10a, CREATE_BLOB = 0x10c, SCANOUT_BLOB,
       UPDATE_CURSOR = 0x300, MOVE_CURSOR };
enum { OK = 0x1100, OK_INFO, OK_EDID = 0x1104, UNSPEC = 0x1200, NO_MEMORY, BAD_SCANOUT,
       BAD_RESOURCE, BAD_CONTEXT, BAD_PARAMETER };
enum { BGRX = 2, RGBA = 67, IN_BYTES = 4096, OUT_BYTES = 4096 };

static gpa in, out, memory;
static Console *console;

static void set_up(const char *options, u64 features)
{
    bed_open(&virtio_gpu, options);
    in = driver_alloc(&d, IN_BYTES, 4096);
    out = driver_alloc(&d, OUT_BYTES, 4096);
    memory = driver_alloc(&d, 64 << 10, 4096);
    bed_bring_up(features, 0, 16);
    console = console_nth(0);
    g_assert_nonnull(console);
}

/* Sends a header and `n` words; the answer's type. */
static u32 command_flags(u32 type, u32 flags, u64 fence, const u32 *words, unsigned n)
{
    DriverBuf buf[] = { { in, 24 + 4 * n, false }, { out, OUT_BYTES, true } };
    DriverUsed used;

    ram_put(d.machine, in, type | (u64)flags << 32, 8);
    ram_put(d.machine, in + 8, fence, 8);
    ram_put(d.machine, in + 16, 0, 8);
    for (unsigned i = 0; i < n; i++) {
        ram_put(d.machine, in + 24 + 4 * i, words[i], 4);
    }
    ram_put(d.machine, out, 0, 8);
    g_assert_cmpint(ring_add(&the_ring, buf, 2, false), >=, 0);
    ring_publish(&the_ring);
    ring_notify(&the_ring);
    g_assert_true(ring_poll(&the_ring, &used));
    g_assert_cmpuint(used.bytes, >=, 24);
    return ram_get(d.machine, out, 4);
}

#define command(type, ...)                                                          \
    command_flags(type, 0, 0, (const u32[]){ __VA_ARGS__ },                         \
                  sizeof((const u32[]){ __VA_ARGS__ }) / 4)

static u32 pixel(u32 x, u32 y)
{
    u32 value;

    memcpy(&value, console->surface.pixels + y * console->surface.stride + 4 * x, 4);
    return value & 0xffffff;
}

/* A resource of 64 x 32 whose two pages are not beside each other. */
static void make_resource(u32 id, u32 format)
{
    g_assert_cmphex(command(CREATE_2D, id, format, 64, 32), ==, OK);
    g_assert_cmphex(command(ATTACH, id, 2, memory + 8192, 0, 4096, 0, memory, 0, 4096,
                            0), ==, OK);
}

static void fill(gpa at, u32 value)
{
    for (unsigned i = 0; i < 4096; i += 4) {
        ram_put(d.machine, at + i, value, 4);
    }
}

/* ---- tests ---- */

static void test_display_info(void)
{
    set_up("xres=1024,yres=600,max-outputs=2", 0);
    g_assert_cmphex(driver_config(&d, 2, 2), ==, 0x1050);
    g_assert_cmphex(driver_read(&d, AREA_DEVICE, 8, 4), ==, 2);
    g_assert_cmphex(command_flags(GET_DISPLAY_INFO, 0, 0, NULL, 0), ==, OK_INFO);
    g_assert_cmpuint(ram_get(d.machine, out + 24 + 8, 4), ==, 1024);
    g_assert_cmpuint(ram_get(d.machine, out + 24 + 12, 4), ==, 600);
    g_assert_cmpuint(ram_get(d.machine, out + 24 + 16, 4), ==, 1);
    g_assert_cmpuint(ram_get(d.machine, out + 24 + 24 + 16, 4), ==, 0);
    bed_close();
}

/* The header, each block's sum, and the preferred mode's size (E-EDID 3.4, 3.10). */
static void test_edid(void)
{
    set_up("xres=1024,yres=600", 2);
    g_assert_cmphex(command(GET_EDID, 0, 0), ==, OK_EDID);
    g_assert_cmpuint(ram_get(d.machine, out + 24, 4), ==, 256);
    g_assert_cmphex(ram_get(d.machine, out + 32, 8), ==, 0x00ffffffffffff00);
    for (unsigned block = 0; block < 2; block++) {
        u8 sum = 0;

        for (unsigned i = 0; i < 128; i++) {
            sum += ram_get(d.machine, out + 32 + 128 * block + i, 1);
        }
        g_assert_cmpuint(sum, ==, 0);
    }
    g_assert_cmpuint(ram_get(d.machine, out + 32 + 54 + 2, 1) |
                     ram_get(d.machine, out + 32 + 54 + 4, 1) >> 4 << 8, ==, 1024);
    g_assert_cmpuint(ram_get(d.machine, out + 32 + 54 + 5, 1) |
                     ram_get(d.machine, out + 32 + 54 + 7, 1) >> 4 << 8, ==, 600);
    g_assert_cmphex(command(GET_EDID, 1, 0), ==, BAD_SCANOUT);
    bed_close();
}

static void test_picture(void)
{
    set_up(NULL, 0);
    g_assert_null(console->surface.pixels);
    make_resource(7, BGRX);
    fill(memory + 8192, 0x00112233);            /* the upper half */
    fill(memory, 0x00445566);
    g_assert_cmphex(command(SET_SCANOUT, 0, 0, 64, 32, 0, 7), ==, OK);
    g_assert_cmpuint(console->surface.width, ==, 64);
    g_assert_cmpuint(console->surface.height, ==, 32);
    g_assert_cmphex(pixel(0, 0), ==, 0);
    /* One pixel on either side of the border between the pages. */
    g_assert_cmphex(command(TRANSFER, 63, 15, 1, 2, (15 * 64 + 63) * 4, 0, 7, 0), ==,
                    OK);
    g_assert_cmphex(pixel(63, 15), ==, 0x112233);
    g_assert_cmphex(pixel(63, 16), ==, 0x445566);
    g_assert_cmphex(pixel(62, 15), ==, 0);
    g_assert_cmphex(command(TRANSFER, 0, 0, 64, 32, 0, 0, 7, 0), ==, OK);
    g_assert_cmphex(pixel(5, 5), ==, 0x112233);
    g_assert_cmphex(pixel(5, 20), ==, 0x445566);
    g_assert_cmphex(command(FLUSH, 0, 0, 64, 32, 7, 0), ==, OK);
    /* A part of it, then none. */
    g_assert_cmphex(command(SET_SCANOUT, 0, 8, 64, 16, 0, 7), ==, OK);
    g_assert_cmphex(pixel(0, 7), ==, 0x112233);
    g_assert_cmphex(pixel(0, 8), ==, 0x445566);
    g_assert_cmphex(command(UNREF, 7, 0), ==, OK);
    g_assert_null(console->surface.pixels);
    bed_close();
}

/* Bytes R, G, B, A in memory. */
static void test_format(void)
{
    set_up(NULL, 0);
    make_resource(1, RGBA);
    fill(memory + 8192, 0xff332211);
    g_assert_cmphex(command(TRANSFER, 0, 0, 64, 32, 0, 0, 1, 0), ==, OK);
    g_assert_cmphex(command(SET_SCANOUT, 0, 0, 64, 32, 0, 1), ==, OK);
    g_assert_cmphex(pixel(3, 3), ==, 0x112233);
    fill(memory + 8192, 0xff030201);
    g_assert_cmphex(command(TRANSFER, 0, 0, 64, 32, 0, 0, 1, 0), ==, OK);
    g_assert_cmphex(pixel(3, 3), ==, 0x112233);     /* not before it is flushed */
    g_assert_cmphex(command(FLUSH, 0, 0, 64, 32, 1, 0), ==, OK);
    g_assert_cmphex(pixel(3, 3), ==, 0x010203);
    bed_close();
}

static void test_blob(void)
{
    set_up("blob=on", 8);
    g_assert_cmphex(command(CREATE_BLOB, 3, 1, 0, 1, 0, 0, 8192, 0, memory, 0, 8192, 0),
                    ==, OK);
    fill(memory, 0x00778899);
    g_assert_cmphex(command(SCANOUT_BLOB, 0, 0, 32, 16, 0, 3, 32, 16, BGRX, 0, 128, 0,
                            0, 0, 64, 0, 0, 0), ==, OK);
    g_assert_cmphex(pixel(31, 15), ==, 0x778899);
    /* Its last line would end behind it. */
    g_assert_cmphex(command(SCANOUT_BLOB, 0, 0, 32, 16, 0, 3, 32, 16, BGRX, 0, 544, 0,
                            0, 0, 0, 0, 0, 0), ==, BAD_PARAMETER);
    g_assert_cmpuint(console->surface.height, ==, 16);
    bed_close();
}

static void test_fence(void)
{
    set_up(NULL, 0);
    g_assert_cmphex(command_flags(GET_DISPLAY_INFO, 1, 0x123456789, NULL, 0), ==,
                    OK_INFO);
    g_assert_cmphex(ram_get(d.machine, out + 4, 4), ==, 1);
    g_assert_cmphex(ram_get(d.machine, out + 8, 8), ==, 0x123456789);
    bed_close();
}

static void test_errors(void)
{
    set_up(NULL, 0);
    g_assert_cmphex(command(CREATE_2D, 0, BGRX, 64, 64), ==, BAD_RESOURCE);
    g_assert_cmphex(command(CREATE_2D, 1, 3000, 64, 64), ==, BAD_PARAMETER);
    g_assert_cmphex(command(CREATE_2D, 1, BGRX, 0, 64), ==, BAD_PARAMETER);
    g_assert_cmphex(command(CREATE_2D, 1, BGRX, 16000, 16000), ==, NO_MEMORY);
    make_resource(1, BGRX);
    g_assert_cmphex(command(CREATE_2D, 1, BGRX, 64, 64), ==, BAD_RESOURCE);
    g_assert_cmphex(command(SET_SCANOUT, 0, 0, 65, 32, 0, 1), ==, BAD_PARAMETER);
    g_assert_cmphex(command(SET_SCANOUT, UINT32_MAX, 0, 64, 32, 0, 1), ==,
                    BAD_PARAMETER);
    g_assert_cmphex(command(SET_SCANOUT, 0, 0, 64, 32, 1, 1), ==, BAD_SCANOUT);
    g_assert_cmphex(command(SET_SCANOUT, 0, 0, 64, 32, 0, 2), ==, BAD_RESOURCE);
    g_assert_cmphex(command(TRANSFER, 1, 0, 64, 32, 0, 0, 1, 0), ==, BAD_PARAMETER);
    g_assert_cmphex(command(TRANSFER, 0, 0, 64, 32, 0, 1, 1, 0), ==, BAD_PARAMETER);
    g_assert_cmphex(command(FLUSH, 0, 1, 64, 32, 1, 0), ==, BAD_PARAMETER);
    g_assert_cmphex(command(ATTACH, 1, 1, memory, 0, 4096, 0), ==, UNSPEC);
    g_assert_cmphex(command(DETACH, 1, 0), ==, OK);
    g_assert_cmphex(command(DETACH, 1, 0), ==, BAD_RESOURCE);
    g_assert_cmphex(command(ATTACH, 1, 16385, memory, 0, 4096, 0), ==, UNSPEC);
    g_assert_cmphex(command(0x207, 0), ==, UNSPEC);         /* SUBMIT_3D */
    g_assert_cmphex(command(UNREF, 9, 0), ==, BAD_RESOURCE);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    bed_close();
}

/* Many small resources take host memory, too. */
static void test_limit(void)
{
    u32 id = 1, answer;

    set_up("max-hostmem=16M", 0);
    while ((answer = command(CREATE_2D, id, BGRX, 1, 1)) == OK) {
        id++;
    }
    g_assert_cmphex(answer, ==, NO_MEMORY);
    g_assert_cmpuint(id, <, 20000);
    g_assert_cmphex(command(UNREF, 5, 0), ==, OK);
    g_assert_cmphex(command(CREATE_2D, id, BGRX, 1, 1), ==, OK);
    bed_close();
}

/* The window's new size is an event, and the driver's to read. */
static void test_resize(void)
{
    set_up(NULL, 0);
    console_resize(console, 1600, 900);
    g_assert_cmphex(driver_read(&d, AREA_DEVICE, 0, 4), ==, 1);
    driver_write(&d, AREA_DEVICE, 4, 1, 4);
    g_assert_cmphex(driver_read(&d, AREA_DEVICE, 0, 4), ==, 0);
    g_assert_cmphex(command_flags(GET_DISPLAY_INFO, 0, 0, NULL, 0), ==, OK_INFO);
    g_assert_cmpuint(ram_get(d.machine, out + 24 + 8, 4), ==, 1600);
    bed_close();
}

/* What is shown is shown by the machine that goes on from a snapshot. */
static void test_saved(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GByteArray) again = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    set_up(NULL, 0);
    make_resource(7, BGRX);
    fill(memory + 8192, 0x00112233);
    g_assert_cmphex(command(TRANSFER, 0, 0, 64, 32, 0, 0, 7, 0), ==, OK);
    g_assert_cmphex(command(SET_SCANOUT, 0, 0, 64, 32, 0, 7), ==, OK);
    device_save(rig->dev, saved);
    device_reset(rig->dev);
    g_assert_null(console->surface.pixels);
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_cmphex(pixel(9, 9), ==, 0x112233);
    device_save(rig->dev, again);
    g_assert_cmpmem(again->data, again->len, saved->data, saved->len);
    /* The pages are there as well. */
    fill(memory + 8192, 0x00abcdef);
    g_assert_cmphex(command(TRANSFER, 0, 0, 64, 32, 0, 0, 7, 0), ==, OK);
    g_assert_cmphex(pixel(9, 9), ==, 0xabcdef);
    /* A byte less is refused, and the device is as after a reset. */
    g_assert_false(device_load(rig->dev, saved->data, saved->len - 1, &err));
    g_assert_nonnull(err);
    g_assert_null(console->surface.pixels);
    bed_close();
}

/* Commands in the right shape with hostile numbers: MAYFLY_FUZZ=N, N times as many. */
static void test_hostile(void)
{
    static const u32 types[] = { GET_DISPLAY_INFO, CREATE_2D, UNREF, SET_SCANOUT, FLUSH,
                                 TRANSFER, ATTACH, DETACH, GET_EDID, CREATE_BLOB,
                                 SCANOUT_BLOB, 0x200, 0x207 };
    const char *more = g_getenv("MAYFLY_FUZZ");
    u64 rounds = 20000ull * (more ? g_ascii_strtoull(more, NULL, 10) : 1);
    u64 random = 88172645463325252ull;

    set_up("blob=on,max-hostmem=16M,max-outputs=2", 2 | 8);
    for (u64 i = 0; i < rounds; i++) {
        u32 words[24];
        unsigned n;

        for (unsigned w = 0; w < G_N_ELEMENTS(words); w++) {
            u32 v;

            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            v = random >> 20;
            switch (random >> 8 & 7) {
            case 0: words[w] = v; break;
            case 1: words[w] = memory + (v & 0xfff0); break;
            case 2: words[w] = 1u << (v & 31); break;
            case 3: words[w] = v & 127; break;
            default: words[w] = v & 3;
            }
        }
        n = random % 22 + 1;
        command_flags(types[random / 64 % G_N_ELEMENTS(types)], 0, 0, words, n);
        if (i % 4096 == 0) {
            g_autoptr(GByteArray) saved = g_byte_array_new();
            g_autoptr(GError) err = NULL;

            device_save(rig->dev, saved);
            g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
        }
    }
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    bed_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/display-info", test_display_info);
    g_test_add_func("/gpu/edid", test_edid);
    g_test_add_func("/gpu/picture", test_picture);
    g_test_add_func("/gpu/format", test_format);
    g_test_add_func("/gpu/blob", test_blob);
    g_test_add_func("/gpu/fence", test_fence);
    g_test_add_func("/gpu/errors", test_errors);
    g_test_add_func("/gpu/limit", test_limit);
    g_test_add_func("/gpu/resize", test_resize);
    g_test_add_func("/gpu/saved", test_saved);
    g_test_add_func("/gpu/hostile", test_hostile);
    return g_test_run();
}
