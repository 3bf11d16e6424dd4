/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk under a driver that asks for anything: random types, sectors, lengths and
 * flags, buffers in odd pieces, errors of the image below, resets and register writes
 * while requests are out.  After each run of this an honest request must still work.
 * MAYFLY_FUZZ=N in the environment: N times 200000 requests.
 */

#include "block/block.h"
#include "hw/virtio/devices.h"
#include "tests/lib/block_mem.h"
#include "tests/lib/chance.h"
#include "tests/lib/virtio_bed.h"

#include <errno.h>
#include <stdlib.h>

enum { DISK = 256 << 10, REQUESTS = 200000, PER_RIG = 2000, ROOM = 32 << 10 };

static BlockNode *disk;
static gpa header, data, status;
static Chance chance;
static u64 answered;
static gpa heap;                    /* what bring_up may use again */

static u32 below(u32 n)
{
    return chance_below(&chance, n);
}

static void bring_up(void)
{
    static const u64 features[] = { 0, 1ull << 9, 1ull << 13 | 1ull << 14,
                                    1ull << 9 | 1ull << 11 | 1ull << 13 | 1ull << 14 };
    u64 wanted = features[below(4)] | (below(2) ? F_PACKED : 0) |
                 (below(2) ? F_EVENT_IDX : 0) | (below(2) ? F_INDIRECT : 0);

    d.heap = heap;
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | wanted));
    g_assert_true(driver_ring(&d, &the_ring, 0, 64));
    driver_ok(&d);
}

static void drain(void)
{
    DriverUsed used;

    block_drain(block_by_id("disk"), true);
    while (ring_poll(&the_ring, &used)) {
        answered++;
    }
}

static u64 odd_sector(void)
{
    switch (below(6)) {
    case 0:
        return UINT64_MAX - below(1000);
    case 1:
        return UINT64_MAX / 512 + below(10);
    case 2:
        return DISK / 512 - below(20);
    default:
        return below(DISK / 512);
    }
}

/* The buffers of a request: cut at random, sometimes with the wrong direction. */
static unsigned cut(DriverBuf *buf, bool in)
{
    unsigned n = 0, pieces = below(5);
    u32 at = 0;

    buf[n++] = (DriverBuf){ header, below(50) ? 16 : below(33), false };
    for (unsigned i = 0; i < pieces; i++) {
        u32 bytes = below(3) ? 512 * below(8) : below(3000);

        buf[n++] = (DriverBuf){ data + at, bytes, below(100) ? in : !in };
        at += bytes;
    }
    if (below(200)) {
        buf[n++] = (DriverBuf){ status, 1, true };
    }
    return n;
}

static void send_one(void)
{
    static const u8 types[] = { 0, 0, 0, 1, 1, 1, 4, 8, 11, 13, 7, 255 };
    u32 type = types[below(sizeof types)];
    DriverBuf buf[8];
    unsigned n = cut(buf, type == 0 || type == 8);

    ram_put(d.machine, header, below(100) ? type : below(UINT32_MAX), 4);
    ram_put(d.machine, header + 8, odd_sector(), 8);
    if (type == 11 || type == 13) {
        ram_put(d.machine, data, odd_sector(), 8);
        ram_put(d.machine, data + 8, below(10) ? below(64) : below(UINT32_MAX), 4);
        ram_put(d.machine, data + 12, below(4), 4);
        n = 3;
        buf[1] = (DriverBuf){ data, below(20) ? 16 : 16 * below(4), false };
        buf[2] = (DriverBuf){ status, 1, true };
    }
    if (ring_add(&the_ring, buf, n, below(2) && (d.features & F_INDIRECT)) < 0) {
        drain();
        return;
    }
    ring_publish(&the_ring);
    if (below(3)) {
        ring_notify(&the_ring);
    }
}

static void fail_below(void)
{
    static const int errors[] = { -EIO, -ENOSPC, -EPERM, -ENOTSUP };
    MemFile *file = mem_file(disk);
    MemOp op = below(MEM_OPS);

    file->fail[op].from = file->calls[op] + 1 + below(5);
    file->fail[op].times = 1 + below(3);
    file->fail[op].error = errors[below(4)];
}

static void step(void)
{
    switch (below(64)) {
    case 0:
        drain();
        break;
    case 1:
        driver_write(&d, AREA_DEVICE, below(60), below(UINT32_MAX), 1 << below(3));
        break;
    case 2:
        fail_below();
        break;
    case 3:
        driver_write(&d, AREA_NOTIFY, 2 * below(2), below(4), 2);
        break;
    case 4:
        bring_up();
        break;
    default:
        send_one();
    }
    if (driver_get(&d, STATUS) & S_NEEDS_RESET) {
        bring_up();
    }
}

static bool honest_request_works(void)
{
    DriverBuf buf[] = { { header, 16, false },
                        { data, 512, true },
                        { status, 1, true } };
    DriverUsed used;

    for (unsigned i = 0; i < MEM_OPS; i++) {
        mem_file(disk)->fail[i].from = 0;
    }
    bring_up();
    ram_put(d.machine, header, 0, 8);
    ram_put(d.machine, header + 8, 1, 8);
    ram_put(d.machine, status, 0xee, 1);
    g_assert_cmpint(ring_add(&the_ring, buf, 3, false), >=, 0);
    ring_publish(&the_ring);
    ring_notify(&the_ring);
    block_drain(block_by_id("disk"), false);
    return ring_poll(&the_ring, &used) && ram_get(d.machine, status, 1) == 0;
}

static void test_requests(void)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 requests = REQUESTS * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1);

    for (u64 done = 0; done < requests; done += PER_RIG) {
        chance = chance_new((u32)g_test_rand_int());
        disk = mem_node("disk", DISK);
        bed_open(&virtio_blk, "drive=disk,ioeventfd=off");
        header = driver_alloc(&d, 64, 16);
        data = driver_alloc(&d, ROOM, 16);
        status = driver_alloc(&d, 1, 1);
        heap = d.heap;
        bring_up();
        for (unsigned i = 0; i < PER_RIG; i++) {
            step();
        }
        g_assert_true(honest_request_works());
        bed_close();
        node_unref(disk);
    }
    g_test_message("%" G_GUINT64_FORMAT " answers", answered);
    g_assert_cmpuint(answered, >, requests / 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-blk/requests", test_requests);
    return g_test_run();
}
