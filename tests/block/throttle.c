/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates of a disk: how much passes in a given time, by what throttling.* is documented
 * to mean; and that a disk's requests wait for it, but nobody who drains the disk does.
 */

#include "block/block_private.h"
#include "block/queue.h"
#include "block/throttle.h"
#include "tests/lib/block_mem.h"

#include <string.h>

enum { DISK = 1 << 20, SECOND = 1000000 };

static const BlockHost no_host;
static unsigned done_count;

static Throttle *open_rates(const char *words)
{
    g_autoptr(KeyVals) options = keyvals_parse(words, NULL, NULL);
    GError *error = NULL;
    Throttle *throttle;

    g_assert_true(throttle_open(options, "d", &throttle, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(options->n, ==, 0);
    return throttle;
}

/* Requests that begin in [from, from + us): each as soon as it may. */
static unsigned passes(Throttle *throttle, bool write, u64 bytes, s64 from, s64 us)
{
    unsigned n = 0;
    s64 now = from;

    while (now < from + us) {
        u64 wait = throttle_wait(throttle, write, now);

        if (wait) {
            now += wait;
        } else {
            throttle_count(throttle, write, bytes, now);
            n++;
        }
        g_assert_cmpuint(n, <, 1000000);
    }
    return n;
}

static void in_range(unsigned n, unsigned from, unsigned to)
{
    g_assert_cmpuint(n, >=, from);
    g_assert_cmpuint(n, <=, to);
}

/* What holds: the rate, and a tenth of a second's worth at the beginning. */
static void test_rates(void)
{
    Throttle *t = open_rates("throttling.iops-total=100");

    in_range(passes(t, false, 4096, 5 * SECOND, SECOND), 105, 115);
    in_range(passes(t, true, 1 << 20, 6 * SECOND, SECOND), 95, 105);
    /* After a rest. */
    in_range(passes(t, true, 512, 100 * SECOND, SECOND), 105, 115);
    throttle_unref(t);
    t = open_rates("bps_wr=1000000");
    in_range(passes(t, true, 10000, 5 * SECOND, 10 * SECOND), 1000, 1020);
    g_assert_cmpuint(throttle_wait(t, false, 15 * SECOND), ==, 0);
    throttle_unref(t);
    t = open_rates("throttling.iops-read=1000,throttling.bps-read=1000000");
    in_range(passes(t, false, 512, 5 * SECOND, SECOND), 1050, 1150);
    in_range(passes(t, false, 100000, 100 * SECOND, SECOND), 10, 13);
    throttle_unref(t);
    t = open_rates("iops=100,iops_size=4096");
    in_range(passes(t, false, 40960, 5 * SECOND, SECOND), 10, 12);
    in_range(passes(t, false, 512, 100 * SECOND, SECOND), 105, 115);
    throttle_unref(t);
}

/* 500 a second for two seconds, then 100. */
static void test_bursts(void)
{
    Throttle *t = open_rates("throttling.iops-total=100,throttling.iops-total-max=500,"
                             "throttling.iops-total-max-length=2");

    in_range(passes(t, true, 512, 5 * SECOND, SECOND), 500, 560);
    in_range(passes(t, true, 512, 6 * SECOND, SECOND), 490, 510);
    in_range(passes(t, true, 512, 7 * SECOND, 2 * SECOND), 200, 410);
    in_range(passes(t, true, 512, 9 * SECOND, SECOND), 95, 105);
    throttle_unref(t);
}

/* Two drives fill the same buckets. */
static void test_groups(void)
{
    Throttle *one = open_rates("iops=50,group=g");
    Throttle *two = open_rates("iops=100,group=g");
    Throttle *other = open_rates("iops=100");
    unsigned n = passes(one, true, 512, 5 * SECOND, SECOND / 2);

    n += passes(two, true, 512, 5 * SECOND + SECOND / 2, SECOND / 2);
    in_range(n, 105, 115);
    g_assert_cmpuint(throttle_wait(other, true, 6 * SECOND), ==, 0);
    throttle_unref(one);
    in_range(passes(two, true, 512, 6 * SECOND, SECOND), 95, 105);
    throttle_unref(two);
    throttle_unref(other);
}

/* ---- a disk ---- */

static void note_done(void *opaque, int error)
{
    (void)opaque;
    g_assert_cmpint(error, ==, 0);
    done_count++;
}

static Block *take(const char *rates)
{
    BlockSettings settings = { .throttle = open_rates(rates) };
    Block *block = block_new("d", mem_node("m", DISK), &settings);

    g_assert(block_take("d", BLOCK_TAKE_WRITES, &no_host, NULL, NULL) == block);
    return block;
}

static void start(Block *block, unsigned n)
{
    static u8 sector[512];
    static struct iovec iov;

    done_count = 0;
    for (unsigned i = 0; i < n; i++) {
        BlockVec data = vec_of(&iov, sector, sizeof sector);

        if (i & 1) {
            block_write(block, 512 * i, data, false, note_done, NULL);
        } else {
            block_read(block, 512 * i, data, note_done, NULL);
        }
    }
}

/* The 11th begins when one has gone, and so on: 100 a second are never early. */
static void test_waits(void)
{
    Block *block = take("iops=100");
    s64 begin = g_get_monotonic_time();

    io_lock(io_main());
    start(block, 41);
    g_assert_cmpuint(block_in_flight(block), ==, 41);
    io_unlock(io_main());
    while (done_count < 41) {
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, 29 * SECOND / 100);
    block_release(block);
    block_free(block);
}

/* At one a second these would take half a minute. */
static void test_drain(void)
{
    Block *block = take("iops=1");
    s64 begin = g_get_monotonic_time();

    io_lock(io_main());
    start(block, 30);
    block_drain(block, false);
    g_assert_cmpuint(done_count, ==, 30);
    g_assert_cmpuint(block_in_flight(block), ==, 0);
    io_unlock(io_main());
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 25 * SECOND);
    block_release(block);
    block_free(block);
}

/* In an I/O thread, let go of while requests wait. */
static void test_io_thread(void)
{
    IoContext *io = io_thread_new("t", NULL);
    Block *block = take("iops=20");

    block_set_context(block, io);
    io_lock(io);
    start(block, 9);
    io_unlock(io);
    g_usleep(SECOND / 5);
    io_lock(io);
    start(block, 9);
    io_unlock(io);
    block_release(block);
    g_assert_cmpuint(done_count, >=, 9);
    g_assert_cmpuint(block_in_flight(block), ==, 0);
    block_free(block);
    queue_close(io);
    io_thread_free(io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/throttle/rates", test_rates);
    g_test_add_func("/block/throttle/bursts", test_bursts);
    g_test_add_func("/block/throttle/groups", test_groups);
    g_test_add_func("/block/throttle/waits", test_waits);
    g_test_add_func("/block/throttle/drain", test_drain);
    g_test_add_func("/block/throttle/io-thread", test_io_thread);
    return g_test_run();
}
