/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU accesses: how they are split for a device, what is read where nothing is,
 * doorbells.
 */

#include "hw/core/memory.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A device of bytes that logs what it is asked: "r4@8", "w2@4=1234". */
typedef struct {
    u8 bytes[32];
    GString *log;
    Region *moves;              /* leaves the space at the first access */
} Toy;

static u64 toy_read(void *opaque, u64 offset, unsigned size)
{
    Toy *toy = opaque;
    u64 value = 0;

    g_assert_cmpuint(offset % size, ==, 0);
    g_assert_cmpuint(offset + size, <=, sizeof toy->bytes);
    memcpy(&value, toy->bytes + offset, size);
    g_string_append_printf(toy->log, "r%u@%x ", size, (unsigned)offset);
    if (toy->moves) {
        space_remove(toy->moves);
    }
    /* high bits are noise */
    return value | (size < 8 ? UINT64_MAX << (8 * size) : 0);
}

static void toy_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Toy *toy = opaque;

    g_assert_cmpuint(offset % size, ==, 0);
    g_assert_cmpuint(offset + size, <=, sizeof toy->bytes);
    memcpy(toy->bytes + offset, &value, size);
    g_string_append_printf(toy->log, "w%u@%x=%" G_GINT64_MODIFIER "x ", size,
                           (unsigned)offset, value);
    if (toy->moves) {
        space_remove(toy->moves);
    }
}

static void toy_init(Toy *toy)
{
    *toy = (Toy){ .log = g_string_new(NULL) };
    for (unsigned i = 0; i < sizeof toy->bytes; i++) {
        toy->bytes[i] = 0xa0 + i;
    }
}

/* What the toy would hold at `offset`, by bytes. */
static u64 toy_bytes(u64 offset, unsigned size)
{
    u64 value = 0;

    for (unsigned i = size; i-- > 0;) {
        value = value << 8 | (0xa0 + offset + i);
    }
    return value;
}

static void widths(void)
{
    static const struct {
        u8 sizes;
        u64 at;
        unsigned size;
        const char *reads, *writes;
    } rows[] = {
        { 0,             0, 4, "r4@0 ", "w4@0=44332211 " },
        { 0,             8, 8, "r8@8 ", "w8@8=8877665544332211 " },
        { 1 | 2 | 4,     8, 8, "r4@8 r4@c ", "w4@8=44332211 w4@c=88776655 " },
        { 1,             4, 4, "r1@4 r1@5 r1@6 r1@7 ",
                               "w1@4=11 w1@5=22 w1@6=33 w1@7=44 " },
        { 2,             4, 4, "r2@4 r2@6 ", "w2@4=2211 w2@6=4433 " },
        { 4,             4, 1, "r4@4 ", "" },           /* cut out; dropped */
        { 4,             7, 1, "r4@4 ", "" },
        { 4,             6, 2, "r4@4 ", "" },
        { 4,             6, 4, "r4@4 r4@8 ", "" },
        { 4,             2, 8, "r4@0 r4@4 r4@8 ", "w4@4=66554433 " },
        { 8,             4, 4, "r8@0 ", "" },
        { 1 | 2 | 4 | 8, 1, 4, "r1@1 r2@2 r1@4 ", "w1@1=11 w2@2=3322 w1@4=44 " },
        { 2 | 4,         5, 1, "r2@4 ", "" },
        { 1 | 4,         2, 4, "r1@2 r1@3 r1@4 r1@5 ",
                               "w1@2=11 w1@3=22 w1@4=33 w1@5=44 " },
        { 4,            28, 8, "r4@1c ", "w4@1c=44332211 " },      /* past the end */
        { 0,            31, 2, "r1@1f ", "w1@1f=11 " },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        RegionOps ops = { toy_read, toy_write, rows[i].sizes };
        Space *space = space_new("test", 0x10000);
        u64 inside = MIN(rows[i].size, 32 - rows[i].at), value;
        Region region;
        Toy toy;

        toy_init(&toy);
        region_init_io(&region, "toy", &ops, &toy, 32);
        space_add(space, &region, 0x100, 0);
        value = toy_bytes(rows[i].at, inside);
        value |= inside < rows[i].size ? UINT64_MAX << (8 * inside) : 0;
        value &= UINT64_MAX >> (64 - 8 * rows[i].size);
        g_assert_cmphex(space_read(space, 0x100 + rows[i].at, rows[i].size), ==, value);
        g_assert_cmpstr(toy.log->str, ==, rows[i].reads);
        g_string_truncate(toy.log, 0);
        space_write(space, 0x100 + rows[i].at, 0x8877665544332211, rows[i].size);
        g_assert_cmpstr(toy.log->str, ==, rows[i].writes);
        g_string_free(toy.log, TRUE);
        region_fini(&region);
        space_free(space);
    }
}

/*
 * Whatever a device declares, reading has the same bytes; a write changes its own or
 * none.
 */
static void bytes_do_not_depend_on_widths(void)
{
    for (unsigned sizes = 0; sizes < 16; sizes++) {
        RegionOps ops = { toy_read, toy_write, sizes };
        Space *space = space_new("test", 0);
        Region region;
        Toy toy;

        toy_init(&toy);
        region_init_io(&region, "toy", &ops, &toy, 32);
        space_add(space, &region, 0x1000, 0);
        for (unsigned at = 0; at < 24; at++) {
            for (unsigned size = 1; size <= 8; size++) {
                Toy before = toy;

                g_assert_cmphex(space_read(space, 0x1000 + at, size), ==,
                                toy_bytes(at, size));
                space_write(space, 0x1000 + at, 0x8877665544332211, size);
                for (unsigned i = 0; i < 32; i++) {
                    bool ours = i - at < size;
                    u8 written = ours ? 0x11 * (i - at + 1) : 0;

                    g_assert_true(toy.bytes[i] == before.bytes[i] ||
                                  (ours && toy.bytes[i] == written));
                }
                memcpy(toy.bytes, before.bytes, sizeof toy.bytes);
            }
        }
        g_string_free(toy.log, TRUE);
        region_fini(&region);
        space_free(space);
    }
}

/* A region whose size is no multiple of its only width has no access for the rest. */
static void ragged_end(void)
{
    RegionOps ops = { toy_read, toy_write, 4 };
    Space *space = space_new("test", 0);
    Region region;
    Toy toy;

    toy_init(&toy);
    region_init_io(&region, "toy", &ops, &toy, 6);
    space_add(space, &region, 0, 0);
    g_assert_cmphex(space_read(space, 4, 1), ==, 0xff);
    g_assert_cmphex(space_read(space, 0, 8), ==, 0xffffffffa3a2a1a0);
    space_write(space, 0, 0, 8);
    g_assert_cmpstr(toy.log->str, ==, "r4@0 w4@0=0 ");
    g_string_free(toy.log, TRUE);
    region_fini(&region);
    space_free(space);
}

static void holes(void)
{
    static const RegionOps none;
    RegionOps ops = { toy_read, toy_write, 0 };
    Space *ports = space_new("ports", 0x10000), *all = space_new("memory", 0);
    Region region, last, deaf;
    Toy toy;

    toy_init(&toy);
    region_init_io(&region, "toy", &ops, &toy, 2);
    region_init_io(&last, "last", &ops, &toy, 1);
    region_init_io(&deaf, "deaf", &none, NULL, 4);
    space_add(ports, &region, 0x102, 0);
    space_add(ports, &last, 0xffff, 0);
    space_add(ports, &deaf, 0x200, 0);
    g_assert_cmphex(space_read(ports, 0x100, 8), ==, 0xffffffffa1a0ffff);
    space_write(ports, 0x100, 0x8877665544332211, 8);
    g_assert_cmphex(space_read(ports, 0x80, 1), ==, 0xff);
    g_assert_cmphex(space_read(ports, 0x80, 4), ==, 0xffffffff);
    g_assert_cmphex(space_read(ports, 0xffff, 4), ==, 0xffffff33);     /* no wrap */
    g_assert_cmphex(space_read(ports, 0x200, 4), ==, 0xffffffff);
    space_write(ports, 0x200, 0, 4);
    space_write(ports, 0xfffe, 0x44332211, 4);
    g_assert_cmpstr(toy.log->str, ==, "r2@0 w2@0=4433 r1@0 w1@0=22 ");
    g_assert_cmphex(space_read(ports, 0x10000, 4), ==, 0xffffffff);    /* outside */
    g_assert_cmphex(space_read(ports, UINT64_MAX - 1, 8), ==, UINT64_MAX);
    space_write(ports, UINT64_MAX - 1, 0, 8);

    space_remove(&region);
    space_add(all, &region, 0, 0);
    g_assert_cmphex(space_read(all, UINT64_MAX, 4), ==, 0xffffffff);
    space_write(all, UINT64_MAX, 0, 8);                 /* must not reach address 0 */
    g_assert_cmpstr(toy.log->str, ==, "r2@0 w2@0=4433 r1@0 w1@0=22 ");
    g_string_free(toy.log, TRUE);
    region_fini(&region);
    region_fini(&last);
    region_fini(&deaf);
    space_free(ports);
    space_free(all);
}

static void host_memory(void)
{
    RegionOps ops = { toy_read, toy_write, 0 };
    Space *space = space_new("memory", 0);
    Mem *mem = mem_new();
    Region rom, bar;
    u32 value = 0x11223344;
    Toy toy;

    toy_init(&toy);
    g_assert_true(mem_add_ram(mem, space, "ram", 0, 0x3000, NULL));
    g_assert_true(region_init_rom(&rom, "rom", 0x1000, NULL));
    memset(region_rom_bytes(&rom), 0xcc, 0x1000);
    space_add(space, &rom, 0x3000, 0);
    region_init_io(&bar, "bar", &ops, &toy, 2);
    space_add(space, &bar, 0x1001, 1);

    g_assert_true(mem_write(mem, 0x2ffe, &value, 2));
    /* RAM, then ROM */
    g_assert_cmphex(space_read(space, 0x2ffe, 4), ==, 0xcccc3344);
    space_write(space, 0x2ffe, 0x55667788, 4);
    g_assert_cmphex(space_read(space, 0x2ffe, 4), ==, 0xcccc7788);

    memset(mem_page_flags(mem), 0, 3);
    space_write(space, 0xfff, 0x66554433221100, 7);     /* RAM, RAM, bar, RAM */
    g_assert_cmphex(space_read(space, 0xfff, 7), ==, 0x66554433221100);
    g_assert_cmpstr(toy.log->str, ==, "w2@0=3322 r2@0 ");
    g_assert_true(mem_read(mem, 0x1003, &value, 2));
    g_assert_cmphex(value & 0xffff, ==, 0x5544);        /* DMA sees the same RAM */
    g_assert_cmpuint(mem_page_flags(mem)[0], ==, PAGE_DIRTY_ALL);
    g_assert_cmpuint(mem_page_flags(mem)[1], ==, PAGE_DIRTY_ALL);
    g_assert_cmpuint(mem_page_flags(mem)[2], ==, 0);
    g_string_free(toy.log, TRUE);
    region_fini(&bar);
    region_fini(&rom);
    mem_free(mem);
    space_free(space);
}

/* The first half of an access takes the device away; the second half finds nothing. */
static void map_changes_meanwhile(void)
{
    RegionOps ops = { toy_read, toy_write, 1 };
    Space *space = space_new("memory", 0);
    Region region;
    Toy toy;

    toy_init(&toy);
    region_init_io(&region, "toy", &ops, &toy, 32);
    toy.moves = &region;
    space_add(space, &region, 0, 0);
    g_assert_cmphex(space_read(space, 0, 4), ==, 0xffffffa0);
    space_add(space, &region, 0, 0);
    space_write(space, 0, 0x44332211, 4);
    g_assert_cmpstr(toy.log->str, ==, "r1@0 w1@0=11 ");
    g_string_free(toy.log, TRUE);
    region_fini(&region);
    space_free(space);
}

static u64 rung(int fd)
{
    u64 count = 0;

    return read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

static void note_change(void *opaque, const FlatView *old, const FlatView *now)
{
    (void)old;
    (void)now;
    ++*(unsigned *)opaque;
}

/* What was rung once rings again without the lock, until any map changes. */
static void hints(Space *space, int any, int two)
{
    BellHint hint = { 0 };
    Space *other = space_new("other", 0);
    RegionOps ops = { toy_read, toy_write, 0 };
    Region elsewhere;

    g_assert_false(space_ring(&hint, 0, 0));
    g_assert_false(space_ring(&hint, 0x1000, 4));
    space_write_noted(space, 0x1000, 1, 4, &hint);
    g_assert_true(space_ring(&hint, 0x1000, 4));
    g_assert_true(space_ring(&hint, 0x1000, 4));
    g_assert_cmpuint(rung(any), ==, 3);
    g_assert_false(space_ring(&hint, 0x1000, 2));       /* another write */
    g_assert_false(space_ring(&hint, 0x1004, 4));
    space_write_noted(space, 0x1010, 1, 4, &hint);      /* no doorbell: the old one */
    g_assert_true(space_ring(&hint, 0x1000, 4));
    space_write_noted(space, 0x1004, 1, 2, &hint);
    g_assert_false(space_ring(&hint, 0x1000, 4));
    g_assert_true(space_ring(&hint, 0x1004, 2));
    g_assert_cmpuint(rung(any), ==, 1);
    g_assert_cmpuint(rung(two), ==, 2);
    space_write_noted(space, 0x1008, 7, 2, &hint);      /* that one is for its value */
    g_assert_false(space_ring(&hint, 0x1008, 2));
    space_write_noted(space, 0x1008, 7, 2, &hint);
    space_write_noted(space, 0x1004, 1, 2, &hint);
    region_init_io(&elsewhere, "elsewhere", &ops, NULL, 32);
    space_add(other, &elsewhere, 0, 0);
    g_assert_false(space_ring(&hint, 0x1004, 2));
    g_assert_cmpuint(rung(two), ==, 1);
    region_fini(&elsewhere);
    space_free(other);
}

static void doorbells(void)
{
    RegionOps ops = { toy_read, toy_write, 0 };
    int any = eventfd(0, EFD_NONBLOCK), two = eventfd(0, EFD_NONBLOCK),
        seven = eventfd(0, EFD_NONBLOCK);
    Space *space = space_new("memory", 0);
    unsigned changes = 0;
    Region region;
    Toy toy;

    toy_init(&toy);
    region_init_io(&region, "toy", &ops, &toy, 32);
    region_add_doorbell(&region, &(Doorbell){ .offset = 0, .fd = any });
    space_add(space, &region, 0x1000, 0);
    space_listen(space, note_change, &changes);
    region_add_doorbell(&region, &(Doorbell){ .offset = 4, .size = 2, .fd = two });
    region_add_doorbell(&region, &(Doorbell){ .offset = 8, .size = 2, .match = true,
                                              .value = 7, .fd = seven });
    g_assert_cmpuint(changes, ==, 3);                   /* listeners know of bells */

    space_write(space, 0x1000, 1, 1);
    space_write(space, 0x1000, 2, 4);
    g_assert_cmpuint(rung(any), ==, 2);
    space_write(space, 0x1004, 9, 2);
    g_assert_cmpuint(rung(two), ==, 1);
    space_write(space, 0x1008, 0xabcd0007, 2);          /* only 16 bits count */
    g_assert_cmpuint(rung(seven), ==, 1);
    g_assert_cmpstr(toy.log->str, ==, "");

    space_write(space, 0x1002, 1, 2);                   /* beside it */
    space_write(space, 0x1004, 9, 4);                   /* another width */
    space_write(space, 0x1008, 6, 2);                   /* another value */
    g_assert_cmpstr(toy.log->str, ==, "w2@2=1 w4@4=9 w2@8=6 ");
    g_assert_cmpuint(rung(any) + rung(two) + rung(seven), ==, 0);

    /* full: not an error */
    g_assert_cmpint(eventfd_write(two, UINT64_MAX - 1), ==, 0);
    space_write(space, 0x1004, 9, 2);
    g_assert_cmpuint(rung(two), ==, UINT64_MAX - 1);

    hints(space, any, two);
    g_assert_cmpuint(rung(seven), ==, 2);
    region_move(&region, 0x3000);
    region_remove_doorbell(&region, any);
    g_assert_cmpuint(changes, ==, 5);
    g_string_truncate(toy.log, 0);
    space_write(space, 0x3000, 1, 1);
    g_assert_cmpstr(toy.log->str, ==, "w1@0=1 ");
    region_fini(&region);
    g_assert_cmpuint(changes, ==, 6);
    space_free(space);
    g_string_free(toy.log, TRUE);
    close(any);
    close(two);
    close(seven);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/dispatch/widths", widths);
    g_test_add_func("/hw/dispatch/same-bytes", bytes_do_not_depend_on_widths);
    g_test_add_func("/hw/dispatch/ragged-end", ragged_end);
    g_test_add_func("/hw/dispatch/holes", holes);
    g_test_add_func("/hw/dispatch/host-memory", host_memory);
    g_test_add_func("/hw/dispatch/map-changes", map_changes_meanwhile);
    g_test_add_func("/hw/dispatch/doorbells", doorbells);
    return g_test_run();
}
