/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of a Block over real files, through io_uring and through threads, over raw,
 * and over the overlay: what is read is what was written, whatever lies between; errors
 * go where werror and rerror say.
 */

#include "block/block_private.h"
#include "block/overlay.h"
#include "block/queue.h"
#include "tests/lib/block_mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DISK = 4 << 20, MOST = 300 << 10, REQUESTS = 600, AT_ONCE = 32 };

static char path[] = "/tmp/mayfly-block-XXXXXX";
static const BlockHost no_host;

typedef struct {
    bool busy, write;
    u64 offset;
    u8 *bytes;
    struct iovec iov[7];
    unsigned n;
    size_t size;
} Slot;

static u8 *model;                   /* what the disk has */
static unsigned done_count;
static int last_error;

static void make_file(u64 length)
{
    int fd;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    g_assert(fd >= 0 && ftruncate(fd, length) == 0);
    close(fd);
}

static BlockNode *open_raw(const char *more)
{
    g_autofree char *text = g_strdup_printf("driver=raw,file.driver=file,"
                                            "file.filename=%s%s", path, more);
    g_autoptr(KeyVals) options = keyvals_parse(text, NULL, NULL);
    g_autoptr(GError) error = NULL;
    BlockNode *node = node_open(options, BLOCK_RDWR | BLOCK_UNMAP, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(options->n, ==, 0);
    return node;
}

static Block *take(BlockNode *node, const BlockSettings *settings)
{
    Block *block = block_new("d", node, settings);

    g_assert(block_take("d", BLOCK_TAKE_WRITES, &no_host, NULL, NULL) == block);
    return block;
}

static void note_done(void *opaque, int error)
{
    (void)opaque;
    done_count++;
    last_error = error;
}

/* ---- random traffic, several at once, none overlapping ---- */

static bool overlaps(const Slot *slots, u64 offset, size_t size)
{
    for (unsigned i = 0; i < AT_ONCE; i++) {
        if (slots[i].busy && offset < slots[i].offset + slots[i].size &&
            slots[i].offset < offset + size) {
            return true;
        }
    }
    return false;
}

static void slot_done(void *opaque, int error)
{
    Slot *slot = opaque;

    g_assert_cmpint(error, ==, 0);
    if (slot->write) {
        memcpy(model + slot->offset, slot->bytes, slot->size);
    } else {
        g_assert(memcmp(model + slot->offset, slot->bytes, slot->size) == 0);
    }
    slot->busy = false;
    done_count++;
}

/* Cuts the buffer into ranges at random places. */
static void cut(Slot *slot, unsigned unit)
{
    size_t at = 0;

    for (slot->n = 0; slot->n < 6 && at < slot->size; slot->n++) {
        unsigned units = g_test_rand_int_range(1, 2 + slot->size / unit / 2);
        size_t n = MIN(slot->size - at, unit * units);

        slot->iov[slot->n] = (struct iovec){ slot->bytes + at, n };
        at += n;
    }
    if (at < slot->size) {
        slot->iov[slot->n++] = (struct iovec){ slot->bytes + at, slot->size - at };
    }
}

static void start_one(Block *block, Slot *slots, unsigned unit)
{
    size_t size = unit * g_test_rand_int_range(1, MOST / unit);
    u64 offset = (u64)unit * g_test_rand_int_range(0, (DISK - size) / unit + 1);
    Slot *slot = slots;

    while (slot < slots + AT_ONCE && slot->busy) {
        slot++;
    }
    if (slot == slots + AT_ONCE || overlaps(slots, offset, size)) {
        block_drain(block, false);
        return;
    }
    slot->busy = true;
    slot->write = g_test_rand_bit();
    slot->offset = offset;
    slot->size = size;
    cut(slot, unit);
    if (slot->write) {
        memset(slot->bytes, g_test_rand_int(), size);
        slot->bytes[0] = g_test_rand_int();
        block_write(block, offset, vec_all(slot->iov, slot->n), g_test_rand_bit(),
                    slot_done, slot);
    } else {
        block_read(block, offset, vec_all(slot->iov, slot->n), slot_done, slot);
    }
}

static void traffic(BlockNode *node, const BlockSettings *settings, IoContext *io,
                    unsigned unit)
{
    Slot slots[AT_ONCE] = { 0 };
    Block *block = take(node, settings);

    block_set_context(block, io);
    model = g_malloc0(DISK);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        slots[i].bytes = g_malloc(MOST);
    }
    io_lock(io);
    for (unsigned i = 0; i < REQUESTS; i++) {
        bool plug = i % 64 == 0;

        if (plug) {
            block_plug(block);
        }
        start_one(block, slots, unit);
        if (plug) {
            block_unplug(block);
        }
        if (i % 100 == 0) {
            block_flush(block, note_done, NULL);
        }
    }
    block_drain(block, false);
    g_assert_cmpuint(block_in_flight(block), ==, 0);
    io_unlock(io);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        g_free(slots[i].bytes);
    }
    block_release(block);
    g_assert_cmpuint(node_length(block->root), ==, DISK);
    {
        g_autofree u8 *back = g_malloc(DISK);

        g_assert_cmpint(node_read(block->root, 0, back, DISK), ==, 0);
        g_assert(memcmp(back, model, DISK) == 0);
    }
    g_clear_pointer(&model, g_free);
    block_free(block);
}

static void test_files(void)
{
    static const char *const kinds[] = {
        "", ",file.aio=threads", ",cache.direct=on,file.cache.direct=on",
        ",file.aio=threads,cache.direct=on,file.cache.direct=on",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        make_file(DISK);
        traffic(open_raw(kinds[i]), &(BlockSettings){ 0 }, io_main(), 512);
        unlink(path);
    }
}

static void test_detect_zeroes(void)
{
    make_file(DISK);
    traffic(open_raw(""), &(BlockSettings){ .detect_zeroes = DETECT_UNMAP }, io_main(),
            512);
    unlink(path);
}

static blkcnt_t blocks_of_file(void)
{
    struct stat st;

    g_assert_cmpint(stat(path, &st), ==, 0);
    return st.st_blocks;
}

/* A disk of -blockdev, whose node says it: zeroes take the place of data as a hole. */
static void test_detect_zeroes_of_node(void)
{
    static u8 bytes[MOST / 4096 * 4096];
    g_autofree char *text = NULL;
    struct iovec iov;
    Block *block;

    make_file(DISK);
    text = g_strdup_printf("driver=raw,node-name=z,discard=unmap,detect-zeroes=unmap,"
                           "file.driver=file,file.filename=%s", path);
    g_assert_true(blockdev_add(text, NULL));
    block = block_take("z", BLOCK_TAKE_WRITES, &no_host, NULL, NULL);
    io_lock(io_main());
    for (unsigned i = 0; i < 2; i++) {
        memset(bytes, 'z' * !i, sizeof bytes);
        block_write(block, 0, vec_of(&iov, bytes, sizeof bytes), true, note_done, NULL);
        block_drain(block, false);
        g_assert_cmpint(last_error, ==, 0);
        g_assert((blocks_of_file() > 0) == !i);
    }
    io_unlock(io_main());
    block_release(block);
    nodes_close_all();
    unlink(path);
}

static void test_io_thread(void)
{
    IoContext *io = io_thread_new("t", NULL);

    make_file(DISK);
    traffic(open_raw(""), &(BlockSettings){ 0 }, io, 512);
    unlink(path);
    make_file(DISK);
    traffic(overlay_new(open_raw(""), NULL), &(BlockSettings){ 0 }, io, 512);
    unlink(path);
    queue_close(io);
    io_thread_free(io);
}

static void test_overlay(void)
{
    g_autofree u8 *below = g_malloc(DISK), *zeroes = g_malloc0(DISK);
    BlockNode *node;

    make_file(DISK);
    traffic(overlay_new(open_raw(""), NULL), &(BlockSettings){ 0 }, io_main(), 512);
    node = open_raw("");
    g_assert_cmpint(node_read(node, 0, below, DISK), ==, 0);
    g_assert(memcmp(below, zeroes, DISK) == 0);
    node_unref(node);
    unlink(path);
}

static void test_overlay_commit(void)
{
    g_autoptr(GError) error = NULL;
    BlockNode *node, *overlay;
    u8 byte = 0;

    make_file(DISK);
    node = open_raw("");
    g_assert_true(node_reopen(node, false, NULL));
    overlay = overlay_new(node, NULL);
    g_assert_cmpint(node_write(overlay, 100000, "x", 1), ==, 0);
    g_assert_cmpint(node_read(node, 100000, &byte, 1), ==, 0);
    g_assert_cmpint(byte, ==, 0);
    g_assert_true(overlay_commit(overlay, &error));
    g_assert_no_error(error);
    g_assert_cmpint(node_read(node, 100000, &byte, 1), ==, 0);
    g_assert_cmpint(byte, ==, 'x');
    g_assert_false(node_is_writable(node));
    node_unref(overlay);
    unlink(path);
}

/* ---- errors ---- */

static unsigned stops;

static void note_stop(const char *id, bool write, int error)
{
    g_assert_cmpstr(id, ==, "d");
    g_assert_cmpint(error, ==, -ENOSPC);
    g_assert_true(write);
    stops++;
}

static int write_one(Block *block)
{
    static u8 sector[512] = "data";
    static struct iovec iov;

    last_error = 1;
    block_write(block, 512, vec_of(&iov, sector, sizeof sector), false, note_done,
                NULL);
    block_drain(block, false);
    return last_error;
}

static void fail(BlockNode *node, MemOp op, int error, unsigned times)
{
    MemFile *file = mem_file(node);

    file->fail[op].from = file->calls[op] + 1;
    file->fail[op].times = times;
    file->fail[op].error = error;
}

static void test_errors(void)
{
    static const BlocksHost host = { note_stop };
    BlockNode *node = mem_node("m", DISK);
    Block *block = take(node, &(BlockSettings){ .on_write = ON_ERROR_ENOSPC });
    u8 byte;

    blocks_set_host(&host);
    io_lock(io_main());
    fail(node, MEM_WRITE, -EIO, 1);
    g_assert_cmpint(write_one(block), ==, -EIO);
    fail(node, MEM_WRITE, -ENOSPC, 2);
    g_assert_cmpint(write_one(block), ==, 1);           /* it waits */
    g_assert_cmpuint(stops, ==, 1);
    g_assert_cmpuint(block_in_flight(block), ==, 1);
    block_retry(block);
    block_drain(block, false);
    g_assert_cmpint(last_error, ==, 1);                 /* once more */
    block_retry(block);
    block_drain(block, false);
    g_assert_cmpint(last_error, ==, 0);
    g_assert_cmpint(node_read(node, 512, &byte, 1), ==, 0);
    g_assert_cmpint(byte, ==, 'd');
    fail(node, MEM_WRITE, -ENOSPC, 9);
    g_assert_cmpint(write_one(block), ==, 1);
    block_drain(block, true);
    g_assert_cmpint(last_error, ==, -ECANCELED);
    block->settings.on_write = ON_ERROR_IGNORE;
    fail(node, MEM_WRITE, -EIO, 1);
    g_assert_cmpint(write_one(block), ==, 0);
    io_unlock(io_main());
    block_release(block);
    block_free(block);
    blocks_set_host(&(BlocksHost){ NULL });
}

static void test_bounds(void)
{
    Block *block = take(mem_node("m", DISK), &(BlockSettings){ 0 });
    static u8 sector[512];
    struct iovec iov;
    static const u64 offsets[] = { DISK, DISK - 511, UINT64_MAX, UINT64_MAX - 511,
                                   INT64_MAX };

    io_lock(io_main());
    for (unsigned i = 0; i < G_N_ELEMENTS(offsets); i++) {
        block_read(block, offsets[i], vec_of(&iov, sector, 512), note_done, NULL);
        block_drain(block, false);
        g_assert_cmpint(last_error, ==, -EIO);
        last_error = 0;
        block_discard(block, offsets[i], 512, note_done, NULL);
        block_drain(block, false);
        g_assert_cmpint(last_error, ==, -EIO);
    }
    io_unlock(io_main());
    block_release(block);
    block_free(block);
}

/* cache=writethrough: no write is done before it is flushed. */
static void test_writethrough(void)
{
    BlockNode *node = mem_node("m", DISK);
    Block *block = take(node, &(BlockSettings){ .writethrough = true });

    io_lock(io_main());
    for (unsigned i = 1; i < 5; i++) {
        g_assert_cmpint(write_one(block), ==, 0);
        g_assert_cmpuint(mem_file(node)->calls[MEM_FLUSH], ==, i);
    }
    io_unlock(io_main());
    block_release(block);
    block_free(block);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/request/files", test_files);
    g_test_add_func("/block/request/detect-zeroes", test_detect_zeroes);
    g_test_add_func("/block/request/detect-zeroes-of-node", test_detect_zeroes_of_node);
    g_test_add_func("/block/request/io-thread", test_io_thread);
    g_test_add_func("/block/request/overlay", test_overlay);
    g_test_add_func("/block/request/overlay-commit", test_overlay_commit);
    g_test_add_func("/block/request/errors", test_errors);
    g_test_add_func("/block/request/bounds", test_bounds);
    g_test_add_func("/block/request/writethrough", test_writethrough);
    return g_test_run();
}
