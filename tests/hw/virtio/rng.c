/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng: virtio 1.2, section 5.4, and its limit of bytes over time.
 */

#include "base/rng.h"
#include "hw/virtio/devices.h"
#include "tests/lib/virtio_bed.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MS 1000000ull

static gpa buffer;

static void set_up(const char *options, u64 features)
{
    bed_open(&virtio_rng, options);
    buffer = driver_alloc(&d, 128 << 10, 16);
    bed_bring_up(features, 0, 8);
}

/* In one buffer or two: so that waiting chains lie across the ring's end, too. */
static void ask(u32 n)
{
    static unsigned count;
    u32 first = count++ % 3 ? n / 3 : 0;
    DriverBuf buf[] = { { buffer, first, true }, { buffer + first, n - first, true } };
    bool two = first > 0;

    g_assert_cmpint(ring_add(&the_ring, two ? buf : buf + 1, 1 + two, false), >=, 0);
    ring_publish(&the_ring);
    ring_notify(&the_ring);
}

/* Bytes of the next answer; -1: there is none. */
static int answer(void)
{
    DriverUsed used;

    return ring_poll(&the_ring, &used) ? (int)used.bytes : -1;
}

/* ---- bytes ---- */

/* Every bit is 1 about as often as 0, and what was not asked for stays as it was. */
static void test_random(void)
{
    unsigned ones = 0;

    set_up(NULL, F_PACKED);
    g_assert_cmphex(driver_config(&d, 2, 2), ==, 0x1044);
    ask(4096);
    g_assert_cmpint(answer(), ==, 4096);
    for (unsigned i = 0; i < 4096; i += 8) {
        ones += __builtin_popcountll(ram_get(d.machine, buffer + i, 8));
    }
    g_assert_cmpuint(ones, >, 16384 - 640);     /* seven standard deviations */
    g_assert_cmpuint(ones, <, 16384 + 640);
    g_assert_cmphex(ram_get(d.machine, buffer + 4096, 8), ==, 0);
    bed_close();
}

/* 5.4.6.2: "MAY use less than the entire buffer length": the machine must not stand. */
static void test_large(void)
{
    set_up(NULL, 0);
    ask(128 << 10);
    g_assert_cmpint(answer(), ==, 64 << 10);
    bed_close();
}

/* A buffer that is not memory, 4 GiB of it: an end, and soon. */
static void test_not_memory(void)
{
    DriverBuf buf = { TiB, UINT32_MAX, true };

    set_up(NULL, 0);
    g_assert_cmpint(ring_add(&the_ring, &buf, 1, false), >=, 0);
    ring_publish(&the_ring);
    ring_notify(&the_ring);
    g_assert_cmpint(answer(), ==, -1);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x4f);
    bed_close();
}

/* ---- the limit ---- */

static void limit(u64 features)
{
    set_up("max-bytes=100,period=1000", features);
    for (unsigned period = 0; period < 20; period++) {
        ask(60);
        g_assert_cmpint(answer(), ==, 60);
        ask(60);
        g_assert_cmpint(answer(), ==, 40);
        ask(60);
        ask(50);
        g_assert_cmpint(answer(), ==, -1);
        bed_pass(999 * MS);
        g_assert_cmpint(answer(), ==, -1);
        bed_pass(MS);
        g_assert_cmpint(answer(), ==, 60);
        g_assert_cmpint(answer(), ==, 40);
        bed_pass(1000 * MS);
    }
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    bed_close();
}

static void test_limit_split(void)
{
    limit(F_EVENT_IDX);
}

static void test_limit_packed(void)
{
    limit(F_PACKED | F_EVENT_IDX);
}

/* Neither the driver's reset nor the machine's fills it again. */
static void test_limit_stays(void)
{
    set_up("max-bytes=100,period=1000", 0);
    ask(100);
    g_assert_cmpint(answer(), ==, 100);
    bed_bring_up(F_PACKED, 0, 8);
    ask(1);
    g_assert_cmpint(answer(), ==, -1);
    device_reset(rig->dev);
    g_assert_true(driver_open(&d, rig->machine, d.devfn));
    buffer = driver_alloc(&d, 4096, 16);
    bed_bring_up(0, 0, 8);
    ask(1);
    g_assert_cmpint(answer(), ==, -1);
    bed_pass(1000 * MS);
    g_assert_cmpint(answer(), ==, 1);
    bed_close();
}

/* A request that waits does so in the machine that goes on from a snapshot. */
static void test_limit_saved(void)
{
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    set_up("max-bytes=100,period=1000", F_PACKED);
    ask(100);
    g_assert_cmpint(answer(), ==, 100);
    ask(7);
    device_save(rig->dev, saved);
    device_reset(rig->dev);
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_cmpint(answer(), ==, -1);
    bed_pass(1000 * MS);
    g_assert_cmpint(answer(), ==, 7);
    bed_close();
}

/* ---- the source ---- */

static char *source_file(int *fd, const char *bytes, size_t n)
{
    *fd = memfd_create("random", 0);
    g_assert_cmpint(pwrite(*fd, bytes, n, 0), ==, n);
    return g_strdup_printf("/proc/self/fd/%d", *fd);
}

static void test_object(void)
{
    int fd;
    g_autofree char *path = source_file(&fd, "sixteen bytes ok", 16);
    Rng *source = rng_open_file("src", path, NULL);

    set_up("rng=src", 0);
    ask(16);
    g_assert_cmpint(answer(), ==, 16);
    g_assert_cmphex(ram_get(d.machine, buffer + 13, 3), ==, 0x6b6f20);     /* " ok" */
    ask(4);                                     /* the file has no more bytes */
    g_assert_cmpint(answer(), ==, -1);
    bed_pass(1100 * MS);
    g_assert_cmpint(answer(), ==, -1);
    g_assert_cmpint(pwrite(fd, "more", 4, 16), ==, 4);
    bed_pass(1100 * MS);                            /* it is asked again every second */
    g_assert_cmpint(answer(), ==, 4);
    g_assert_cmphex(ram_get(d.machine, buffer, 4), ==, 0x65726f6d);        /* "more" */
    bed_close();
    rng_close(source);
    close(fd);
}

static void test_no_object(void)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(rig_new(&virtio_rng.device, &virtio_pci_bus, "rng=nobody", 0, &err));
    g_assert_cmpstr(err->message, ==, "rng: there is no object 'nobody'");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rng/random", test_random);
    g_test_add_func("/rng/large", test_large);
    g_test_add_func("/rng/not-memory", test_not_memory);
    g_test_add_func("/rng/limit/split", test_limit_split);
    g_test_add_func("/rng/limit/packed", test_limit_packed);
    g_test_add_func("/rng/limit/stays", test_limit_stays);
    g_test_add_func("/rng/limit/saved", test_limit_saved);
    g_test_add_func("/rng/object", test_object);
    g_test_add_func("/rng/no-object", test_no_object);
    return g_test_run();
}
