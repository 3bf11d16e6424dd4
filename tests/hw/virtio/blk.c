/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk: virtio 1.2, section 5.2, over a disk in memory.
 */

#include "block/block_private.h"
#include "block/queue.h"
#include "hw/virtio/devices.h"
#include "tests/lib/block_mem.h"
#include "tests/lib/virtio_bed.h"

#include <errno.h>
#include <string.h>

enum {
    DISK = 1 << 20, SECTOR = 512,
    /* 5.2.6 */
    T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13,
    S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, S_NONE = 0xee,
    /* 5.2.4 */
    AT_CAPACITY = 0, AT_SEG_MAX = 12, AT_BLK_SIZE = 20, AT_WRITEBACK = 32,
    AT_QUEUES = 34, AT_MAX_DISCARD = 36,
};
#define F_RO           (1ull << 5)
#define F_FLUSH        (1ull << 9)
#define F_CONFIG_WCE   (1ull << 11)
#define F_MQ           (1ull << 12)
#define F_DISCARD      (1ull << 13)
#define F_WRITE_ZEROES (1ull << 14)
#define ALL (F_FLUSH | F_CONFIG_WCE | F_DISCARD | F_WRITE_ZEROES)

static BlockNode *disk;
static gpa header, data, status;

static void set_up_with(const char *options, u64 features, unsigned queue)
{
    g_autofree char *text = g_strdup_printf("drive=disk%s", options);

    disk = mem_node("disk", DISK);
    bed_open(&virtio_blk, text);
    header = driver_alloc(&d, 16, 16);
    data = driver_alloc(&d, 64 << 10, 16);
    status = driver_alloc(&d, 1, 1);
    bed_bring_up(features, queue, 64);
}

static void set_up(u64 features)
{
    set_up_with(",ioeventfd=off", features, 0);
}

static void tear_down(void)
{
    bed_close();
    node_unref(disk);
}

static void publish(const DriverBuf *buf, unsigned n, bool indirect)
{
    ram_put(d.machine, status, S_NONE, 1);
    g_assert_cmpint(ring_add(&the_ring, buf, n, indirect), >=, 0);
    ring_publish(&the_ring);
    ring_notify(&the_ring);
}

static void put_header(u32 type, u64 sector)
{
    ram_put(d.machine, header, type, 4);
    ram_put(d.machine, header + 4, 0, 4);
    ram_put(d.machine, header + 8, sector, 8);
}

static void wait_for_it(void)
{
    block_drain(block_by_id("disk"), false);
}

/* What comes back, and how many bytes it says were written. */
static u8 answer(u32 *bytes)
{
    DriverUsed used;

    wait_for_it();
    if (!ring_poll(&the_ring, &used)) {
        return S_NONE;
    }
    if (bytes) {
        *bytes = used.bytes;
    }
    return ram_get(d.machine, status, 1);
}

static u8 request(u32 type, u64 sector, u32 n, u32 *bytes)
{
    bool in = type == T_IN || type == T_GET_ID;
    DriverBuf buf[] = { { header, 16, false }, { data, n, in }, { status, 1, true } };

    put_header(type, sector);
    if (!n) {
        buf[1] = buf[2];
    }
    publish(buf, n ? 3 : 2, false);
    return answer(bytes);
}

static void fill(u32 n, u8 seed)
{
    for (u32 i = 0; i < n; i++) {
        ram_put(d.machine, data + i, (u8)(seed + i / 7), 1);
    }
}

static bool has(u32 n, u8 seed)
{
    for (u32 i = 0; i < n; i++) {
        if (ram_get(d.machine, data + i, 1) != (u8)(seed + i / 7)) {
            return false;
        }
    }
    return true;
}

/* ---- data ---- */

static void move(u64 features)
{
    u32 bytes = 99;
    u8 byte;

    set_up(features);
    fill(4096, 5);
    g_assert_cmphex(request(T_OUT, 3, 4096, &bytes), ==, S_OK);
    g_assert_cmpuint(bytes, ==, 1);
    g_assert_cmpint(node_read(disk, 3 * SECTOR + 4095, &byte, 1), ==, 0);
    g_assert_cmphex(byte, ==, (u8)(5 + 4095 / 7));
    fill(4096, 77);
    g_assert_cmphex(request(T_IN, 3, 4096, &bytes), ==, S_OK);
    g_assert_cmpuint(bytes, ==, 4097);
    g_assert_true(has(4096, 5));
    tear_down();
}

static void test_split(void)
{
    move(ALL | F_EVENT_IDX);
}

static void test_packed(void)
{
    move(ALL | F_EVENT_IDX | F_PACKED);
}

/* 2.7.4.1: no assumptions about the framing: the same request in odd pieces. */
static void test_framing(void)
{
    set_up(ALL | F_INDIRECT);
    for (unsigned indirect = 0; indirect < 2; indirect++) {
        DriverBuf out[] = { { header, 5, false }, { header + 5, 11, false },
                            { data, 1, false }, { data + 1, 1000, false },
                            { data + 1001, 23, false }, { status, 1, true } };
        DriverBuf in[] = { { header, 16, false }, { data, 700, true },
                           { data + 700, 323, true }, { data + 1023, 1, true },
                           { status, 1, true } };

        fill(1024, 9 + indirect);
        put_header(T_OUT, 10);
        publish(out, G_N_ELEMENTS(out), indirect);
        g_assert_cmphex(answer(NULL), ==, S_OK);
        fill(1024, 50);
        put_header(T_IN, 10);
        publish(in, G_N_ELEMENTS(in), indirect);
        g_assert_cmphex(answer(NULL), ==, S_OK);
        g_assert_true(has(1024, 9 + indirect));
    }
    tear_down();
}

/* ---- what is refused ---- */

static void test_refused(void)
{
    set_up(ALL);
    g_assert_cmphex(request(T_IN, DISK / SECTOR, 512, NULL), ==, S_IOERR);
    g_assert_cmphex(request(T_IN, DISK / SECTOR - 1, 1024, NULL), ==, S_IOERR);
    g_assert_cmphex(request(T_OUT, UINT64_MAX, 512, NULL), ==, S_IOERR);
    g_assert_cmphex(request(T_OUT, UINT64_MAX / 512, 512, NULL), ==, S_IOERR);
    g_assert_cmphex(request(T_OUT, 0, 511, NULL), ==, S_IOERR);
    g_assert_cmphex(request(T_IN, 0, 100, NULL), ==, S_IOERR);
    g_assert_cmphex(request(77, 0, 512, NULL), ==, S_UNSUPP);
    g_assert_cmphex(request(T_IN, 0, 512, NULL), ==, S_OK);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    tear_down();
}

/* Without a header, or without room for the status, there is nothing to answer. */
static void test_broken(void)
{
    set_up(ALL);
    publish(&(DriverBuf){ header, 15, false }, 1, false);
    g_assert_cmphex(answer(NULL), ==, S_NONE);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x4f);
    tear_down();
}

static void test_readonly(void)
{
    disk = mem_node("disk", DISK);
    disk->flags &= ~BLOCK_RDWR;
    bed_open(&virtio_blk, "drive=disk,ioeventfd=off");
    header = driver_alloc(&d, 16, 16);
    data = driver_alloc(&d, 4096, 16);
    status = driver_alloc(&d, 1, 1);
    bed_bring_up(F_RO, 0, 64);
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_IOERR);
    g_assert_cmphex(request(T_IN, 0, 512, NULL), ==, S_OK);
    g_assert_cmphex(driver_offered(&d) & (F_DISCARD | F_WRITE_ZEROES), ==, 0);
    tear_down();
}

/* ---- flush and cache ---- */

static void test_flush(void)
{
    MemFile *file;

    set_up(ALL);
    file = mem_file(disk);
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_OK);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 0);
    g_assert_cmphex(request(T_FLUSH, 0, 0, NULL), ==, S_OK);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 1);
    /* 5.2.5.2: with a write-through cache each write is safe before it is done */
    driver_write(&d, AREA_DEVICE, AT_WRITEBACK, 0, 1);
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_OK);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 2);
    file->fail[MEM_FLUSH].from = file->calls[MEM_FLUSH] + 1;
    file->fail[MEM_FLUSH].times = 1;
    file->fail[MEM_FLUSH].error = -EIO;
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_IOERR);
    tear_down();
}

/* 5.2.5.2: a driver without FLUSH has a write-through cache. */
static void test_no_flush(void)
{
    set_up(0);
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_OK);
    g_assert_cmpuint(mem_file(disk)->calls[MEM_FLUSH], ==, 1);
    tear_down();
}

/* ---- discard and zeroes ---- */

static u8 clear(u32 type, u64 sector, u32 sectors, u32 flags)
{
    DriverBuf buf[] = { { header, 16, false },
                        { data, 16, false },
                        { status, 1, true } };

    put_header(type, 0);
    ram_put(d.machine, data, sector, 8);
    ram_put(d.machine, data + 8, sectors, 4);
    ram_put(d.machine, data + 12, flags, 4);
    publish(buf, 3, false);
    return answer(NULL);
}

static void test_clear(void)
{
    u8 bytes[4 * SECTOR];

    set_up(ALL);
    memset(bytes, 0xaa, sizeof bytes);
    g_assert_cmpint(node_write(disk, 0, bytes, sizeof bytes), ==, 0);
    g_assert_cmphex(clear(T_WRITE_ZEROES, 1, 2, 0), ==, S_OK);
    g_assert_cmpint(node_read(disk, 0, bytes, sizeof bytes), ==, 0);
    g_assert_cmphex(bytes[511], ==, 0xaa);
    g_assert_cmphex(bytes[512], ==, 0);
    g_assert_cmphex(bytes[3 * 512 - 1], ==, 0);
    g_assert_cmphex(bytes[3 * 512], ==, 0xaa);
    g_assert_cmphex(clear(T_DISCARD, 0, 1, 0), ==, S_OK);
    g_assert_cmpuint(mem_file(disk)->calls[MEM_DISCARD], ==, 2);
    /* 5.2.6.2: unknown flags, and unmap in a discard: UNSUPP */
    g_assert_cmphex(clear(T_WRITE_ZEROES, 0, 1, 2), ==, S_UNSUPP);
    g_assert_cmphex(clear(T_DISCARD, 0, 1, 1), ==, S_UNSUPP);
    g_assert_cmphex(clear(T_WRITE_ZEROES, DISK / SECTOR, 1, 0), ==, S_IOERR);
    g_assert_cmphex(clear(T_DISCARD, UINT64_MAX, UINT32_MAX, 0), ==, S_IOERR);
    tear_down();
}

static void test_not_agreed(void)
{
    set_up(F_FLUSH);
    g_assert_cmphex(clear(T_WRITE_ZEROES, 0, 1, 0), ==, S_UNSUPP);
    tear_down();
}

/* ---- what it says of itself ---- */

/* 5.2.6.2: 20 bytes, with a zero behind what is shorter. */
static void check_id(const char *options, const char *text)
{
    char id[21] = { 0 };

    set_up_with(options, ALL, 0);
    fill(20, 1);
    g_assert_cmphex(request(T_GET_ID, 0, 20, NULL), ==, S_OK);
    for (unsigned i = 0; i < 20; i++) {
        id[i] = ram_get(d.machine, data + i, 1);
    }
    g_assert_cmpstr(id, ==, text);
    tear_down();
}

static void test_id(void)
{
    check_id(",ioeventfd=off,serial=abc", "abc");
    check_id(",ioeventfd=off,serial=12345678901234567890cut", "12345678901234567890");
}

static u64 space(unsigned at, unsigned n)
{
    return driver_read(&d, AREA_DEVICE, at, n);
}

static void test_config(void)
{
    set_up_with(",ioeventfd=off,num-queues=3,logical_block_size=4096,"
                "physical_block_size=16384,opt_io_size=64K,discard_granularity=64K",
                ALL | F_MQ, 2);
    g_assert_cmpuint(space(AT_CAPACITY, 8), ==, DISK / SECTOR);
    g_assert_cmpuint(space(AT_SEG_MAX, 4), ==, 254);
    g_assert_cmpuint(space(AT_BLK_SIZE, 4), ==, 4096);
    g_assert_cmpuint(space(24, 1), ==, 2);
    g_assert_cmpuint(space(28, 4), ==, 16);
    g_assert_cmpuint(space(AT_QUEUES, 2), ==, 3);
    g_assert_cmpuint(space(44, 4), ==, 128);
    g_assert_cmphex(request(T_IN, 1, 4096, NULL), ==, S_IOERR);     /* not a block */
    g_assert_cmphex(request(T_IN, 8, 4096, NULL), ==, S_OK);
    tear_down();
}

static void test_resize(void)
{
    unsigned before;

    set_up(ALL);
    driver_msix(&d, true);
    driver_set(&d, CONFIG_MSIX_VECTOR, 0);
    before = d.messages[0];
    g_assert_true(block_resize("disk", 2 * DISK, NULL));
    g_assert_cmpuint(d.messages[0], ==, before + 1);
    g_assert_cmpuint(space(AT_CAPACITY, 8), ==, 2 * DISK / SECTOR);
    g_assert_cmphex(request(T_IN, 2 * DISK / SECTOR - 1, 512, NULL), ==, S_OK);
    tear_down();
}

/* ---- errors, reset, I/O threads ---- */

static void fail(MemOp op, int error, unsigned times)
{
    MemFile *file = mem_file(disk);

    file->fail[op].from = file->calls[op] + 1;
    file->fail[op].times = times;
    file->fail[op].error = error;
}

static unsigned stops;

static void note_stop(const char *id, bool write, int error)
{
    (void)id, (void)write, (void)error;
    stops++;
}

static void test_errors(void)
{
    static const BlocksHost host = { note_stop }, none;

    blocks_set_host(&host);
    set_up(ALL);
    fail(MEM_READ, -EIO, 1);
    g_assert_cmphex(request(T_IN, 0, 512, NULL), ==, S_IOERR);
    g_assert_cmphex(request(T_IN, 0, 512, NULL), ==, S_OK);
    fail(MEM_WRITE, -ENOSPC, 1);
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_NONE);
    g_assert_cmpuint(stops, ==, 1);
    block_retry(block_by_id("disk"));
    g_assert_cmphex(answer(NULL), ==, S_OK);
    /* A reset takes back what waits. */
    fail(MEM_WRITE, -ENOSPC, 1);
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_NONE);
    bed_bring_up(ALL, 0, 64);
    g_assert_cmpuint(block_in_flight(block_by_id("disk")), ==, 0);
    g_assert_cmphex(request(T_OUT, 0, 512, NULL), ==, S_OK);
    tear_down();
    blocks_set_host(&none);
}

/* What waits for `cont` when the machine is saved is done in the one restored. */
static void saved_in_flight(u64 features)
{
    static const BlocksHost host = { note_stop }, none;
    g_autoptr(GByteArray) saved = g_byte_array_new();
    g_autoptr(GByteArray) again = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    u8 byte = 0;

    blocks_set_host(&host);
    set_up(ALL | features);
    fill(512, 9);
    fail(MEM_WRITE, -ENOSPC, 1);
    g_assert_cmphex(request(T_OUT, 2, 512, NULL), ==, S_NONE);
    device_save(rig->dev, saved);
    /* The ring says nothing of it any more; the memory stays. */
    device_reset(rig->dev);
    g_assert_true(device_load(rig->dev, saved->data, saved->len, &err));
    g_assert_no_error(err);
    device_save(rig->dev, again);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
    virtio_notify(container_of(rig->dev, VirtioDevice, device), 0);
    g_assert_cmphex(answer(NULL), ==, S_OK);
    g_assert_cmpint(node_read(disk, 2 * SECTOR + 7, &byte, 1), ==, 0);
    g_assert_cmphex(byte, ==, 10);
    g_assert_cmphex(request(T_IN, 2, 512, NULL), ==, S_OK);
    tear_down();
    blocks_set_host(&none);
}

static void test_saved(void)
{
    saved_in_flight(0);
    saved_in_flight(F_PACKED | F_INDIRECT);
}

static void test_reset_in_flight(void)
{
    set_up(ALL);
    mem_file(disk)->delay_us = 2000;
    for (unsigned i = 0; i < 8; i++) {
        DriverBuf buf[] = { { header, 16, false }, { data, 512, true },
                            { status, 1, true } };

        put_header(T_IN, i);
        publish(buf, 3, false);
    }
    g_assert_cmpuint(block_in_flight(block_by_id("disk")), ==, 8);
    driver_set(&d, STATUS, 0);
    g_assert_cmpuint(block_in_flight(block_by_id("disk")), ==, 0);
    bed_bring_up(ALL, 0, 64);
    g_assert_cmphex(request(T_IN, 0, 512, NULL), ==, S_OK);
    tear_down();
}

/* Served by another thread, woken by the doorbell alone; and reset while it works. */
static void test_io_thread(void)
{
    IoContext *io = io_thread_new("t", NULL);
    DriverUsed used;

    set_up_with(",iothread=t,num-queues=2", ALL | F_MQ | F_EVENT_IDX, 1);
    driver_msix(&d, true);
    bed_bring_up(ALL | F_MQ | F_EVENT_IDX, 1, 64);
    for (unsigned i = 0; i < 200; i++) {
        DriverBuf buf[] = { { header, 16, false }, { data, 4096, i % 2 },
                            { status, 1, true } };

        if (i % 2 == 0) {
            fill(4096, i);
        }
        put_header(i % 2 ? T_IN : T_OUT, i / 2);
        publish(buf, 3, false);
        while (!ring_poll(&the_ring, &used)) {
            g_usleep(100);
        }
        g_assert_cmphex(ram_get(d.machine, status, 1), ==, S_OK);
        g_assert_true(has(4096, i & ~1));
    }
    g_assert_cmpuint(d.messages[2], >, 0);
    for (unsigned i = 0; i < 20; i++) {
        put_header(T_IN, 0);
        publish((DriverBuf[]){ { header, 16, false }, { data, 4096, true },
                               { status, 1, true } }, 3, false);
        bed_bring_up(ALL | F_MQ, 1, 64);
    }
    tear_down();
    queue_close(io);
    io_thread_free(io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-blk/split", test_split);
    g_test_add_func("/virtio-blk/packed", test_packed);
    g_test_add_func("/virtio-blk/framing", test_framing);
    g_test_add_func("/virtio-blk/refused", test_refused);
    g_test_add_func("/virtio-blk/broken", test_broken);
    g_test_add_func("/virtio-blk/readonly", test_readonly);
    g_test_add_func("/virtio-blk/flush", test_flush);
    g_test_add_func("/virtio-blk/no-flush", test_no_flush);
    g_test_add_func("/virtio-blk/clear", test_clear);
    g_test_add_func("/virtio-blk/not-agreed", test_not_agreed);
    g_test_add_func("/virtio-blk/id", test_id);
    g_test_add_func("/virtio-blk/config", test_config);
    g_test_add_func("/virtio-blk/resize", test_resize);
    g_test_add_func("/virtio-blk/errors", test_errors);
    g_test_add_func("/virtio-blk/saved", test_saved);
    g_test_add_func("/virtio-blk/reset-in-flight", test_reset_in_flight);
    g_test_add_func("/virtio-blk/io-thread", test_io_thread);
    return g_test_run();
}
