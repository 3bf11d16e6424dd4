/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rings, split and packed, as a driver sees them: virtio 1.2, sections 2.7 and 2.8.
 * Every test runs over both formats, with and without EVENT_IDX.
 */

#include "tests/lib/virtio_bed.h"

enum { SIZE = 16 };

static gpa out, in;                     /* a buffer of either direction */

static void set_up(u64 features, unsigned queue, u16 size)
{
    bed_open(&echo_type, NULL);
    driver_msix(&d, true);
    bed_bring_up(features | F_INDIRECT, queue, size);
    out = driver_alloc(&d, 4096, 16);
    in = driver_alloc(&d, 4096, 16);
}

static void tear_down(void)
{
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    bed_close();
}

/* A request that writes `n` bytes of value `mark` and gets them back. */
static int send(u8 mark, unsigned n)
{
    DriverBuf buf[2] = { { out + 16 * mark, n, false }, { in + 16 * mark, n, true } };
    int id;

    for (unsigned i = 0; i < n; i++) {
        ram_put(d.machine, out + 16 * mark + i, mark, 1);
    }
    id = ring_add(&the_ring, buf, 2, false);
    ring_publish(&the_ring);
    return id;
}

static void expect(int id, u8 mark, unsigned n)
{
    DriverUsed used;

    g_assert_true(ring_poll(&the_ring, &used));
    g_assert_cmpint(used.id, ==, id);
    g_assert_cmpuint(used.bytes, ==, n);
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmphex(ram_get(d.machine, in + 16 * mark + i, 1), ==, mark);
    }
}

static void expect_nothing(void)
{
    DriverUsed used;

    g_assert_false(ring_poll(&the_ring, &used));
}

/* ---- one at a time, until every counter has wrapped ---- */

static void test_wraps(gconstpointer data)
{
    set_up(*(const u64 *)data, ECHO, SIZE);
    for (unsigned i = 0; i < 70000; i++) {
        int id = send(i % 200, 1 + i % 16);

        expect_nothing();
        ring_notify(&the_ring);
        expect(id, i % 200, 1 + i % 16);
    }
    expect_nothing();
    tear_down();
}

/* Chains across the ring's end, direct and indirect, that fill it almost. */
static void test_spans_the_end(gconstpointer data)
{
    DriverBuf buf[6];

    set_up(*(const u64 *)data, ECHO, SIZE);
    for (unsigned round = 0; round < 200; round++) {
        int id[2];

        for (unsigned i = 0; i < 6; i++) {
            buf[i] = (DriverBuf){ (i < 3 ? out : in) + 4 * i, 4, i >= 3 };
            ram_put(d.machine, out + 4 * i, 0x01010101 * (round & 0x7f), 4);
        }
        id[0] = ring_add(&the_ring, buf, 6, false);
        id[1] = ring_add(&the_ring, buf, 6, round & 1);
        g_assert_cmpint(id[0], >=, 0);
        g_assert_cmpint(id[1], >=, 0);
        ring_publish(&the_ring);
        ring_notify(&the_ring);
        for (unsigned i = 0; i < 2; i++) {
            DriverUsed used;

            g_assert_true(ring_poll(&the_ring, &used));
            g_assert_cmpint(used.id, ==, id[i]);
            g_assert_cmpuint(used.bytes, ==, 12);
        }
        g_assert_cmphex(ram_get(d.machine, in + 20, 1), ==, round & 0x7f);
    }
    tear_down();
}

/* A ring can be full to the last entry; used entries come as they are completed. */
static void test_out_of_order(gconstpointer data)
{
    set_up(*(const u64 *)data, ECHO, SIZE);
    echo->hold = true;
    for (unsigned round = 0; round < 50; round++) {
        int id[SIZE / 2], order[SIZE / 2];

        for (unsigned i = 0; i < SIZE / 2; i++) {
            id[i] = send(i, 8);
            g_assert_cmpint(id[i], >=, 0);
        }
        g_assert_cmpint(send(0, 1), ==, -1);
        ring_notify(&the_ring);
        g_assert_cmpuint(chains_out(&echo->virtio), ==, SIZE / 2);
        expect_nothing();
        for (unsigned i = 0; i < SIZE / 2; i++) {
            order[i] = i;
        }
        for (unsigned left = SIZE / 2; left; left--) {
            unsigned i = (round * 5 + left * 3) % left;

            echo_release(echo, i);
            expect(id[order[i]], order[i], 8);
            order[i] = order[left - 1];
        }
    }
    tear_down();
}

/* ---- notifications ---- */

static unsigned interrupts(void)
{
    unsigned n = d.messages[1];

    g_assert_cmpuint(d.messages[0] + d.strays, ==, 0);
    d.messages[1] = 0;
    return n;
}

static unsigned interrupts_of(unsigned requests)
{
    for (unsigned i = 0; i < requests; i++) {
        int id = send(i, 4);

        ring_notify(&the_ring);
        expect(id, i, 4);
    }
    return interrupts();
}

/* 2.7.7, 2.8.10: none while they are not wanted, one per request when they are. */
static void test_interrupts(gconstpointer data)
{
    set_up(*(const u64 *)data, ECHO, SIZE);
    interrupts();
    ring_quiet(&the_ring);
    g_assert_cmpuint(interrupts_of(100), ==, 0);
    ring_loud(&the_ring);
    if (the_ring.event_idx && !the_ring.packed) {       /* asked for one */
        g_assert_cmpuint(interrupts_of(100), ==, 1);
    } else {
        g_assert_cmpuint(interrupts_of(100), ==, 100);
    }
    tear_down();
}

/* EVENT_IDX: exactly when the named entry is used, wherever in the ring it lies. */
static void test_event_idx(gconstpointer data)
{
    set_up(*(const u64 *)data, ECHO, SIZE);
    for (unsigned i = 0; i < 3000; i++) {
        unsigned slots = the_ring.packed ? 2 : 1, ahead = i % (SIZE / 2);

        interrupts();
        /* Packed: in the middle of a chain counts as well. */
        ring_event(&the_ring, slots * ahead + (the_ring.packed ? i / 8 % 2 : 0));
        g_assert_cmpuint(interrupts_of(ahead), ==, 0);
        g_assert_cmpuint(interrupts_of(1), ==, 1);
        g_assert_cmpuint(interrupts_of(ahead % 3), ==, 0);
    }
    tear_down();
}

/* What the device says about being notified is right: no request is left lying. */
static void test_kicks(gconstpointer data)
{
    unsigned kicks = 0;

    set_up(*(const u64 *)data, ECHO, SIZE);
    for (unsigned i = 0; i < 70000; i++) {
        u16 before = the_ring.next_avail;
        int id = send(0, 1), second;

        g_assert_true(ring_wants_kick(&the_ring, before));
        before = the_ring.next_avail;
        second = send(1, 1);
        kicks += ring_wants_kick(&the_ring, before);
        ring_notify(&the_ring);
        expect(id, 0, 1);
        expect(second, 1, 1);
    }
    /* With EVENT_IDX the second needs none; a packed ring begins with all welcome. */
    g_assert_cmpuint(kicks, ==, the_ring.event_idx ? the_ring.packed : 70000);
    tear_down();
}

/* Spurious notifications, also of queues that are not there. */
static void test_spurious(gconstpointer data)
{
    set_up(*(const u64 *)data, ECHO, SIZE);
    for (unsigned n = 0; n < 1024; n++) {
        driver_write(&d, AREA_NOTIFY, n * d.notify_multiplier, n, 2);
    }
    expect_nothing();
    g_assert_cmpuint(interrupts_of(1), ==, 1);
    tear_down();
}

/* ---- ways of serving ---- */

static void test_spans(gconstpointer data)
{
    set_up(*(const u64 *)data, SPANS, SIZE);
    for (unsigned i = 0; i < 100; i++) {
        DriverBuf buf[] = { { out, 3, false }, { out + 3, 0, false },
                            { out + 4, 5, false }, { in, 0, true }, { in, 4, true },
                            { in + 8, i & 1 ? 5 : 6, true }, { in, 0, true } };
        DriverUsed used;

        ram_put(d.machine, out, 0x3377665544332211 + i, 8);
        ram_put(d.machine, out + 8, 0x88, 1);
        ram_put(d.machine, in, 0, 8);
        ram_put(d.machine, in + 8, 0, 8);
        mem_page_flags(d.machine->mem)[in / PAGE_BYTES] = 0;
        g_assert_cmpint(ring_add(&the_ring, buf, 7, i & 2), >=, 0);
        ring_publish(&the_ring);
        ring_notify(&the_ring);
        g_assert_true(ring_poll(&the_ring, &used));
        g_assert_cmpuint(used.bytes, ==, i & 1 ? 9 : 8);    /* 10: one is not written */
        g_assert_cmphex(ram_get(d.machine, in + 1, 2), ==, 0x3322);
        g_assert_cmphex(ram_get(d.machine, in + 8 + (i & 1 ? 4 : 5), 1), ==,
                        ECHO_STATUS);
        g_assert_cmphex(mem_page_flags(d.machine->mem)[in / PAGE_BYTES], ==,
                        PAGE_DIRTY_ALL);
    }
    tear_down();
}

/* A device that takes buffers when it has something for them. */
static void test_source(gconstpointer data)
{
    DriverBuf buf = { 0, 8, true };
    int id[2];

    set_up(*(const u64 *)data, SOURCE, SIZE);
    buf.at = in;
    g_assert_false(echo_emit(echo, "abc", 3));
    id[0] = ring_add(&the_ring, &buf, 1, false);
    id[1] = ring_add(&the_ring, &buf, 1, true);
    g_assert_false(echo_emit(echo, "abc", 3));
    ring_publish(&the_ring);
    ring_notify(&the_ring);
    expect_nothing();
    for (unsigned i = 0; i < 2; i++) {
        DriverUsed used;

        g_assert_true(echo_emit(echo, "abc", 3));
        g_assert_true(ring_poll(&the_ring, &used));
        g_assert_cmpint(used.id, ==, id[i]);
        g_assert_cmpuint(used.bytes, ==, 3);
        g_assert_cmphex(ram_get(d.machine, in, 3), ==, 0x636261);
    }
    g_assert_false(echo_emit(echo, "abc", 3));
    tear_down();
}

/* A driver on another CPU that always adds one more: the device must let go. */
static unsigned refilled;

static void refill_request(VirtioDevice *virtio, Chain *chain)
{
    DriverUsed used;

    echo_serve(virtio, chain);
    g_assert_true(ring_poll(&the_ring, &used));
    send(1, 1);
    refilled++;
}

static const VirtioType refill_type = {
    ECHO_DEVICE("virtio-refill"), ECHO_QUEUES(refill_request),
};

static void test_refilled_for_ever(void)
{
    bed_open(&refill_type, NULL);
    bed_bring_up(F_EVENT_IDX, ECHO, SIZE);
    out = driver_alloc(&d, 4096, 16);
    in = driver_alloc(&d, 4096, 16);
    send(1, 1);
    for (unsigned i = 1; i < 10; i++) {
        if (i == 1) {
            ring_notify(&the_ring);
        } else {                                    /* it goes on by itself */
            bed_pass(0);
        }
        g_assert_cmpuint(refilled, ==, 2 * SIZE * i);
    }
    driver_set(&d, STATUS, 0);
    bed_pass(0);
    g_assert_cmpuint(refilled, ==, 2 * SIZE * 9);
    bed_close();
}

int main(int argc, char **argv)
{
    static const struct { const char *name; u64 features; } kinds[] = {
        { "split", 0 }, { "split-event-idx", F_EVENT_IDX },
        { "packed", F_PACKED }, { "packed-event-idx", F_PACKED | F_EVENT_IDX },
    };
    static const struct { const char *name; GTestDataFunc fn; bool events; } tests[] = {
        { "wraps", test_wraps, false },
        { "spans-the-end", test_spans_the_end, false },
        { "out-of-order", test_out_of_order, false },
        { "interrupts", test_interrupts, false },
        { "event-idx", test_event_idx, true },
        { "kicks", test_kicks, false },
        { "spurious", test_spurious, false },
        { "spans", test_spans, false },
        { "source", test_source, false },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        for (unsigned t = 0; t < G_N_ELEMENTS(tests); t++) {
            g_autofree char *path = g_strdup_printf("/ring/%s/%s", kinds[k].name,
                                                    tests[t].name);

            if (!tests[t].events || kinds[k].features & F_EVENT_IDX) {
                g_test_add_data_func(path, &kinds[k].features, tests[t].fn);
            }
        }
    }
    g_test_add_func("/ring/refilled-for-ever", test_refilled_for_ever);
    return g_test_run();
}
