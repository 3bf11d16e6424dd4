/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a driver can get wrong in a ring, one thing each: the device asks for a reset,
 * says so (virtio 1.2, 2.1.2), uses nothing, and works again after the reset.  And what
 * looks wrong and is allowed.
 */

#include "tests/lib/virtio_bed.h"

enum { SIZE = 8, NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 0x80 };

static gpa table;

static void bring_up(u64 features)
{
    bed_bring_up(features, ECHO, SIZE);
    driver_set(&d, CONFIG_MSIX_VECTOR, 0);
}

static void set_up(u64 features)
{
    bed_open(&echo_type, NULL);
    driver_msix(&d, true);
    table = driver_alloc(&d, 16 * 1100, 16);
    bring_up(features);
}

/* ---- by hand ---- */

typedef struct { u64 at; u32 bytes; u16 flags, next; } Row;     /* packed: next is id */

static void put_row(gpa at, const Row *row, bool packed)
{
    ram_put(d.machine, at, row->at, 8);
    ram_put(d.machine, at + 8, row->bytes, 4);
    ram_put(d.machine, at + 12, packed ? row->next : row->flags, 2);
    ram_put(d.machine, at + 14, packed ? row->flags : row->next, 2);
}

/* Makes entry 0 of the ring available, as it lies there, and rings. */
static void show(void)
{
    if (the_ring.packed) {
        u16 flags = ram_get(d.machine, the_ring.desc + 14, 2);

        ram_put(d.machine, the_ring.desc + 14, flags | AVAIL, 2);
    } else {
        u16 idx = ram_get(d.machine, the_ring.avail + 2, 2);

        ram_put(d.machine, the_ring.avail + 4 + 2 * (idx % SIZE), 0, 2);
        ram_put(d.machine, the_ring.avail + 2, idx + 1, 2);
    }
    ring_notify(&the_ring);
}

static bool used_one(void)
{
    return the_ring.packed ? ram_get(d.machine, the_ring.desc + 14, 2) & 0x8000
                       : ram_get(d.machine, the_ring.used + 2, 2) == 1;
}

static void expect_fault(void)
{
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x4f);
    g_assert_cmpuint(d.messages[0], ==, 1);
    g_assert_cmpuint(d.messages[1], ==, 0);
    g_assert_cmphex(driver_read(&d, AREA_ISR, 0, 1), ==, 2);
    g_assert_false(used_one());
    g_assert_cmpuint(chains_out(&echo->virtio), ==, 0);
    ring_notify(&the_ring);                         /* and once is enough */
    g_assert_cmpuint(d.messages[0], ==, 1);
    d.messages[0] = 0;
}

static void expect_good(u32 bytes)
{
    gpa length = the_ring.packed ? the_ring.desc + 8 : the_ring.used + 8;

    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    g_assert_true(used_one());
    g_assert_cmpuint(ram_get(d.machine, length, 4), ==, bytes);
    g_assert_cmpuint(d.messages[0], ==, 0);
    d.messages[1] = 0;
}

/* ---- one thing each ---- */

#define B 0x20000                   /* a buffer that is there; T: the table's address */
#define T UINT64_MAX
#define M 0x100000                  /* the first byte that is not there */

typedef struct {
    const char *what;
    Row ring[3], table[3];
    bool good;
    u32 bytes;                      /* good: that come back */
} Case;

static const Case split_cases[] = {
    { .what = "both ways", .ring = { { B, 4, NEXT, 1 }, { B, 9, WRITE, 0 } },
      .good = true, .bytes = 4 },
    { .what = "a loop of one", .ring = { { B, 4, NEXT, 0 } } },
    { .what = "a loop of two", .ring = { { B, 0, NEXT, 1 }, { B, 0, NEXT, 0 } } },
    { .what = "a descriptor past the end", .ring = { { B, 4, NEXT, SIZE } } },
    { .what = "written before read",
      .ring = { { B, 4, WRITE | NEXT, 1 }, { B, 4, 0, 0 } } },
    { .what = "4 GiB in all",
      .ring = { { B, 1, NEXT, 1 }, { B, 0xffffffff, WRITE, 0 } } },
    { .what = "4 GiB less one",
      .ring = { { B, 0, NEXT, 1 }, { B, 0xffffffff, WRITE, 0 } }, .good = true },
    { .what = "not in memory, to read",
      .ring = { { M - 1, 2, NEXT, 1 }, { B, 2, WRITE, 0 } } },
    { .what = "not in memory, to write",
      .ring = { { B, 2, NEXT, 1 }, { M - 1, 2, WRITE, 0 } } },
    { .what = "to the last byte", .ring = { { B, 2, NEXT, 1 }, { M - 2, 2, WRITE, 0 } },
      .good = true, .bytes = 2 },
    { .what = "over the end of addresses",
      .ring = { { ~0ull, 2, NEXT, 1 }, { B, 2, WRITE, 0 } } },
    { .what = "not in memory, not touched", .ring = { { M, 2, 0, 0 } }, .good = true },

    { .what = "indirect", .ring = { { T, 32, INDIRECT, 0 } },
      .table = { { B, 3, NEXT, 1 }, { B, 9, WRITE, 0 } }, .good = true, .bytes = 3 },
    { .what = "indirect, marked as written", .ring = { { T, 32, INDIRECT | WRITE, 7 } },
      .table = { { B, 3, NEXT, 1 }, { B, 9, WRITE, 0 } }, .good = true, .bytes = 3 },
    { .what = "indirect after direct",
      .ring = { { B, 3, NEXT, 1 }, { T, 16, INDIRECT, 0 } },
      .table = { { B, 9, WRITE, 0 } }, .good = true, .bytes = 3 },
    { .what = "indirect and next",
      .ring = { { T, 16, INDIRECT | NEXT, 1 }, { B, 2, WRITE, 0 } },
      .table = { { B, 9, 0, 0 } } },
    { .what = "indirect in indirect", .ring = { { T, 16, INDIRECT, 0 } },
      .table = { { T, 16, INDIRECT, 0 } } },
    { .what = "an empty table", .ring = { { T, 0, INDIRECT, 0 } },
      .table = { { B, 9, WRITE, 0 } } },
    { .what = "a table with a rest", .ring = { { T, 17, INDIRECT, 0 } },
      .table = { { B, 9, WRITE, 0 } } },
    { .what = "a table of 4 GiB", .ring = { { T, 0xfffffff0, INDIRECT, 0 } },
      .table = { { B, 9, WRITE, 0 } } },
    { .what = "a table that loops", .ring = { { T, 32, INDIRECT, 0 } },
      .table = { { B, 0, NEXT, 1 }, { B, 0, NEXT, 0 } } },
    { .what = "a table that leads out", .ring = { { T, 32, INDIRECT, 0 } },
      .table = { { B, 0, NEXT, 2 } } },
    { .what = "a table not in memory", .ring = { { M - 8, 16, INDIRECT, 0 } } },
};

static const Case packed_cases[] = {
    { .what = "both ways", .ring = { { B, 4, NEXT, 1 }, { B, 9, WRITE | AVAIL, 1 } },
      .good = true, .bytes = 4 },
    { .what = "longer than the ring",
      .ring = { { B, 0, NEXT, 1 }, { B, 0, NEXT | AVAIL, 1 },
                { B, 0, NEXT | AVAIL, 1 } } },
    { .what = "written before read",
      .ring = { { B, 4, WRITE | NEXT, 1 }, { B, 4, AVAIL, 0 } } },
    { .what = "4 GiB in all",
      .ring = { { B, 1, NEXT, 1 }, { B, 0xffffffff, WRITE | AVAIL, 0 } } },
    { .what = "not in memory, to read",
      .ring = { { M - 1, 2, NEXT, 1 }, { B, 2, WRITE | AVAIL, 0 } } },
    { .what = "not in memory, to write",
      .ring = { { B, 2, NEXT, 1 }, { M - 1, 2, WRITE | AVAIL, 0 } } },

    { .what = "indirect", .ring = { { T, 32, INDIRECT, 3 } },
      .table = { { B, 3, 0, 0 }, { B, 9, WRITE, 0 } }, .good = true, .bytes = 3 },
    { .what = "a table with flags that do not count",
      .ring = { { T, 32, INDIRECT | WRITE, 3 } },
      .table = { { B, 3, NEXT | 0x8080, 99 }, { B, 9, WRITE, 7 } }, .good = true,
      .bytes = 3 },
    { .what = "indirect after direct",
      .ring = { { B, 3, NEXT, 0 }, { T, 16, INDIRECT | AVAIL, 0 } },
      .table = { { B, 9, WRITE, 0 } } },
    { .what = "indirect and next",
      .ring = { { T, 16, INDIRECT | NEXT, 1 }, { B, 2, WRITE | AVAIL, 0 } },
      .table = { { B, 9, 0, 0 } } },
    { .what = "indirect in indirect", .ring = { { T, 16, INDIRECT, 0 } },
      .table = { { T, 16, INDIRECT, 0 } } },
    { .what = "an empty table", .ring = { { T, 0, INDIRECT, 0 } } },
    { .what = "a table with a rest", .ring = { { T, 31, INDIRECT, 0 } },
      .table = { { B, 9, WRITE, 0 } } },
    { .what = "a table of 4 GiB", .ring = { { T, 0xfffffff0, INDIRECT, 0 } } },
    { .what = "a table not in memory", .ring = { { M - 8, 16, INDIRECT, 0 } } },
};

static void try_case(const Case *c, u64 features)
{
    g_test_message("%s", c->what);
    bring_up(features);
    for (unsigned i = 0; i < 3; i++) {
        Row row = c->ring[i];

        row.at = row.at == T && row.flags & INDIRECT ? table : row.at;
        put_row(the_ring.desc + 16 * i, &row, the_ring.packed);
        row = c->table[i];
        row.at = row.at == T && row.flags & INDIRECT ? table : row.at;
        put_row(table + 16 * i, &row, the_ring.packed);
    }
    if (the_ring.packed) {              /* "longer than the ring" */
        for (unsigned i = 3; i < SIZE; i++) {
            put_row(the_ring.desc + 16 * i, &(Row){ B, 0, NEXT | AVAIL, 0 }, true);
        }
    }
    show();
    if (c->good) {
        expect_good(c->bytes);
    } else {
        expect_fault();
    }
}

static void test_split(void)
{
    set_up(F_INDIRECT);
    for (unsigned i = 0; i < G_N_ELEMENTS(split_cases); i++) {
        try_case(&split_cases[i], F_INDIRECT);
    }
    bed_close();
}

static void test_packed(void)
{
    set_up(F_PACKED | F_INDIRECT);
    for (unsigned i = 0; i < G_N_ELEMENTS(packed_cases); i++) {
        try_case(&packed_cases[i], F_PACKED | F_INDIRECT);
    }
    bed_close();
}

/* 2.7.5.3.1: only if it was negotiated. */
static void test_no_indirect(void)
{
    static const Case indirect = {
        .what = "indirect, not agreed on",
        .ring = { { T, 16, INDIRECT, 0 } }, .table = { { B, 9, WRITE, 0 } },
    };

    set_up(0);
    try_case(&indirect, 0);
    try_case(&indirect, F_PACKED);
    bed_close();
}

/* Linux makes tables that are longer than the ring. */
static void test_long_table(void)
{
    static const u64 features[] = { F_INDIRECT, F_INDIRECT | F_PACKED };

    set_up(0);
    for (unsigned f = 0; f < 4; f++) {
        u32 n = f < 2 ? 1024 : 1025;

        bring_up(features[f % 2]);
        for (unsigned i = 0; i < n; i++) {
            Row row = { B, 1, i >= n / 2 ? WRITE : 0, i + 1 };

            row.flags |= !the_ring.packed && i + 1 < n ? NEXT : 0;
            put_row(table + 16 * i, &row, the_ring.packed);
        }
        put_row(the_ring.desc, &(Row){ table, 16 * n, INDIRECT, 0 }, the_ring.packed);
        show();
        if (n == 1024) {
            expect_good(512);
        } else {
            expect_fault();
        }
    }
    bed_close();
}

/* ---- split: indices and heads ---- */

static void good_chain(void)
{
    put_row(the_ring.desc, &(Row){ B, 4, WRITE, 0 }, the_ring.packed);
}

static void test_index_jumps(void)
{
    set_up(0);
    good_chain();
    ram_put(d.machine, the_ring.avail + 2, SIZE + 1, 2);
    ring_notify(&the_ring);
    expect_fault();
    bring_up(0);
    good_chain();
    ram_put(d.machine, the_ring.avail + 2, 0xffff, 2);          /* back */
    ring_notify(&the_ring);
    expect_fault();
    bed_close();
}

static void test_bad_head(void)
{
    set_up(0);
    ram_put(d.machine, the_ring.avail + 4, SIZE, 2);
    ram_put(d.machine, the_ring.avail + 2, 1, 2);
    ring_notify(&the_ring);
    expect_fault();
    bed_close();
}

/* A head that the device still has: both formats stop before they have too many. */
static void test_given_twice(void)
{
    set_up(0);
    echo->hold = true;
    good_chain();
    show();
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    g_assert_cmpuint(chains_out(&echo->virtio), ==, 1);
    show();
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x4f);
    echo_stop(&echo->virtio);
    d.messages[0] = 1;
    expect_fault();

    bring_up(F_PACKED);
    for (unsigned lap = 0; lap < 2; lap++) {
        for (unsigned i = 0; i < SIZE; i++) {
            Row row = { B, 4, lap ? 0x8000 : AVAIL, 0 };

            put_row(the_ring.desc + 16 * i, &row, true);
        }
        g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
        ring_notify(&the_ring);
        g_assert_cmpuint(chains_out(&echo->virtio), ==, SIZE);
    }
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x4f);
    bed_close();
}

/* ---- rings that are not memory ---- */

static void test_no_ring(void)
{
    static const unsigned areas[] = { QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE };

    set_up(0);
    for (unsigned i = 0; i < 6; i++) {
        unsigned area = areas[i % 3];

        g_assert_true(driver_negotiate(&d, F_VERSION_1 | (i < 3 ? 0 : F_PACKED)));
        the_ring.packed = i >= 3;
        for (unsigned j = 0; j < 3; j++) {
            driver_set(&d, QUEUE_SELECT, ECHO);
            driver_set(&d, areas[j], areas[j] == area ? TiB : 0x30000 + 0x1000 * j);
        }
        driver_set(&d, QUEUE_SIZE, SIZE);
        driver_set(&d, QUEUE_ENABLE, 1);
        the_ring.desc = 0x30000;
        the_ring.avail = 0x31000;
        the_ring.used = 0x32000;
        for (unsigned j = 0; j < 3; j++) {
            ram_put(d.machine, 0x30000 + 0x1000 * j, 0, 8);
        }
        good_chain();
        driver_ok(&d);
        show();
        /* Packed: without the event structure nobody is told; entries are served. */
        g_assert_cmphex(driver_get(&d, STATUS), ==,
                        the_ring.packed && area != QUEUE_DESC ? 0x0f : 0x4f);
    }
    bed_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fault/split", test_split);
    g_test_add_func("/fault/packed", test_packed);
    g_test_add_func("/fault/no-indirect", test_no_indirect);
    g_test_add_func("/fault/long-table", test_long_table);
    g_test_add_func("/fault/index-jumps", test_index_jumps);
    g_test_add_func("/fault/bad-head", test_bad_head);
    g_test_add_func("/fault/given-twice", test_given_twice);
    g_test_add_func("/fault/no-ring", test_no_ring);
    return g_test_run();
}
