/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HPET as a driver sees it.  What is expected stands in the IA-PC HPET
 * specification, revision 1.0a.
 */

#include "hw/timer/hpet.h"
#include "hw/timer/hpet_private.h"

#include "tests/lib/bed.h"

#include <string.h>

enum { CAPABILITIES = 0x00, CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0 };
enum { LEVEL = 1 << 1, ENABLE = 1 << 2, PERIODIC = 1 << 3, SET = 1 << 6,
       MODE32 = 1 << 8, FSB = 1 << 14 };
enum { ROUTE_20 = 20 << 9, ROUTE_21 = 21 << 9 };

typedef struct {
    Bed *bed;
    Device *hpet;
    Irq line[GSI_COUNT];        /* what other devices drive */
} Chip;

static void open_with(Chip *c, const char *options)
{
    c->bed = bed_new();
    c->hpet = bed_add(c->bed, &hpet_type, options);
    memcpy(c->line, c->bed->machine->gsi, sizeof c->line);
}

static void set_up(Chip *c, gconstpointer data)
{
    open_with(c, NULL);
}

static void tear_down(Chip *c, gconstpointer data)
{
    bed_free(c->bed);
}

static u64 get(Chip *c, unsigned at)
{
    return mmio_read(c->bed, HPET_BASE + at, 8);
}

static u32 get32(Chip *c, unsigned at)
{
    return mmio_read(c->bed, HPET_BASE + at, 4);
}

static void put(Chip *c, unsigned at, u64 value)
{
    mmio_write(c->bed, HPET_BASE + at, value, 8);
}

static void put32(Chip *c, unsigned at, u32 value)
{
    mmio_write(c->bed, HPET_BASE + at, value, 4);
}

static unsigned config_of(unsigned timer)
{
    return 0x100 + 0x20 * timer;
}

static unsigned comparator_of(unsigned timer)
{
    return 0x108 + 0x20 * timer;
}

/* 2.3.4: revision, three timers, 64 bits, legacy capable, 10 ns. */
static void capabilities(Chip *c, gconstpointer data)
{
    g_assert_cmphex(get(c, CAPABILITIES), ==, 0x009896808086a201ull);
    put(c, CAPABILITIES, 0);
    g_assert_cmphex(get32(c, CAPABILITIES), ==, 0x8086a201);
    g_assert_cmphex(get32(c, CAPABILITIES + 4), ==, 10000000);
    for (unsigned n = 0; n < 3; n++) {
        g_assert_cmphex(get(c, config_of(n)), ==, 0x00f0000000000030ull);
        g_assert_cmphex(get(c, comparator_of(n)), ==, UINT64_MAX);
    }
    g_assert_cmphex(get(c, config_of(3)), ==, 0);
    g_assert_cmphex(get(c, COUNTER), ==, 0);
}

static void counter(Chip *c, gconstpointer data)
{
    bed_time(c->bed, 5000);
    g_assert_cmphex(get(c, COUNTER), ==, 0);        /* halted */
    put(c, CONFIG, 1);
    bed_time(c->bed, 5000 + 12345);
    g_assert_cmpuint(get(c, COUNTER), ==, 1234);
    put(c, CONFIG, 0);
    bed_time(c->bed, 1000000);
    g_assert_cmpuint(get(c, COUNTER), ==, 1234);
    put(c, COUNTER, 0x1fffffff0ull);
    put32(c, CONFIG, 1);
    bed_time(c->bed, 1000000 + 320);
    g_assert_cmphex(get(c, COUNTER), ==, 0x200000010ull);
    g_assert_cmphex(get32(c, COUNTER), ==, 0x10);
    g_assert_cmphex(get32(c, COUNTER + 4), ==, 2);
}

/* 2.3.9.2.1, edge: one rise at the match, and not before. */
static void one_shot(Chip *c, gconstpointer data)
{
    put(c, config_of(0), ENABLE | ROUTE_20);
    put(c, comparator_of(0), 1000);
    put(c, CONFIG, 1);
    bed_time(c->bed, 9999);
    g_assert_cmpuint(c->bed->rises[20], ==, 0);
    bed_time(c->bed, 10000);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
    bed_time(c->bed, 100000);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
    g_assert_cmphex(get(c, STATUS), ==, 0);
    /* A comparator that is far ahead has not passed. */
    put(c, comparator_of(0), UINT64_MAX);
    put(c, config_of(0), ENABLE | ROUTE_20);
    bed_time(c->bed, 200000);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
    /* 2.3.8: no interrupt while Tn_INT_ENB_CNF is 0. */
    put(c, config_of(0), ROUTE_20);
    put(c, comparator_of(0), 30000);
    bed_time(c->bed, 400000);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
}

/* 2.3.6: a level stays up until its status bit is written with 1. */
static void level(Chip *c, gconstpointer data)
{
    put(c, config_of(2), LEVEL | ENABLE | ROUTE_21);
    put(c, comparator_of(2), 100);
    put(c, CONFIG, 1);
    bed_time(c->bed, 1000);
    g_assert_cmphex(get(c, STATUS), ==, 4);
    g_assert_cmphex(c->bed->lines, ==, 1 << 21);
    put(c, STATUS, 3);
    g_assert_cmphex(c->bed->lines, ==, 1 << 21);
    put32(c, STATUS, 4);
    g_assert_cmphex(get(c, STATUS), ==, 0);
    g_assert_cmphex(c->bed->lines, ==, 0);
}

/* 2.3.9.2.2, the way that Linux goes: time and period by VAL_SET, then the period. */
static void periodic(Chip *c, gconstpointer data)
{
    put32(c, config_of(0), ENABLE | PERIODIC | SET | MODE32 | ROUTE_20);
    put32(c, comparator_of(0), 5000);
    put32(c, comparator_of(0), 10000);
    g_assert_cmphex(get32(c, config_of(0)) & SET, ==, 0);
    put(c, CONFIG, 1);
    bed_time(c->bed, 49990);
    g_assert_cmpuint(c->bed->rises[20], ==, 0);
    for (unsigned i = 0; i < 2000; i++) {
        bed_time(c->bed, 50000 + i * 100000);
        g_assert_cmpuint(c->bed->rises[20], ==, i + 1);
        g_assert_cmpuint(get32(c, comparator_of(0)), ==, 15000 + i * 10000);
    }
}

/* hw/timer/tick.h: a line is not raised more often than every 50 us. */
static void absurd_rate(Chip *c, gconstpointer data)
{
    put(c, config_of(0), ENABLE | PERIODIC | SET | ROUTE_20);
    put(c, comparator_of(0), 1);
    put(c, CONFIG, 1);
    bed_run(c->bed, 10000000, 5000);
    g_assert_cmpuint(c->bed->rises[20], >, 10);
    g_assert_cmpuint(c->bed->rises[20], <=, 10000000 / 50000 + 1);
}

/* Linux leaves timer 0 running without its interrupt: that is to wake nobody. */
static void unheard(Chip *c, gconstpointer data)
{
    Hpet *hpet = container_of(c->hpet, Hpet, device);

    put32(c, config_of(0), PERIODIC | SET | MODE32 | LEVEL | ROUTE_20);
    put32(c, comparator_of(0), 5000);
    put32(c, comparator_of(0), 10000);
    put(c, CONFIG, 1);
    g_assert_false(timer_armed(hpet->comparator[0].timer));
    bed_time(c->bed, 50000 - 10);
    g_assert_cmphex(get(c, STATUS), ==, 0);
    bed_time(c->bed, 50000 + 1000 * 100000);
    g_assert_cmpuint(get32(c, comparator_of(0)), ==, 15000 + 1000 * 10000);
    g_assert_cmphex(get(c, STATUS), ==, 1);
    g_assert_cmpuint(c->bed->rises[20], ==, 0);
    put32(c, STATUS, 1);
    put32(c, config_of(0), PERIODIC | ENABLE | MODE32 | ROUTE_20);
    bed_time(c->bed, 50000 + 1001 * 100000 - 10);
    g_assert_cmpuint(c->bed->rises[20], ==, 0);
    bed_time(c->bed, 50000 + 1001 * 100000);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
}

static void periodic_rate(Chip *c, gconstpointer data)
{
    const u64 ms = 1000000;

    put(c, config_of(1), ENABLE | PERIODIC | SET | ROUTE_20);
    put(c, comparator_of(1), 100000);           /* 1 ms */
    put(c, CONFIG, 1);
    for (unsigned i = 1; i <= 300; i++) {
        bed_time(c->bed, i * ms);
        g_assert_cmpuint(c->bed->rises[20], ==, i);
        g_assert_cmpuint(c->bed->rose_at[20], ==, i * ms);
    }
    /* hw/timer/tick.h: late by 9, made up for at twice the rate. */
    bed_time(c->bed, 310 * ms);
    g_assert_cmpuint(c->bed->rises[20], ==, 301);
    bed_run(c->bed, 320 * ms, ms / 4);
    g_assert_cmpuint(c->bed->rises[20], ==, 320);
    /* By 1000: all but 20 are dropped. */
    bed_time(c->bed, 1320 * ms);
    bed_run(c->bed, 1370 * ms, ms / 4);
    g_assert_cmpuint(c->bed->rises[20], ==, 320 + 1 + 20 + 50);
}

/* 2.3.9.2.1: a timer in 32-bit mode matches whenever the low half does. */
static void wrap32(Chip *c, gconstpointer data)
{
    const u64 turn = (1ull << 32) * 10;

    put(c, COUNTER, 0xfffffff0);
    put(c, config_of(0), ENABLE | MODE32 | ROUTE_20);
    put(c, comparator_of(0), 0xaaaa00000010ull);
    g_assert_cmphex(get(c, comparator_of(0)), ==, 0x10);
    put(c, CONFIG, 1);
    bed_time(c->bed, 310);
    g_assert_cmpuint(c->bed->rises[20], ==, 0);
    bed_time(c->bed, 320);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
    bed_time(c->bed, 310 + turn);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
    bed_time(c->bed, 320 + turn);
    g_assert_cmpuint(c->bed->rises[20], ==, 2);
}

/* Not in the specification, see hw/timer/hpet.c: a moment that has passed is now. */
static void just_missed(Chip *c, gconstpointer data)
{
    put(c, config_of(0), ENABLE | MODE32 | ROUTE_20);
    put(c, CONFIG, 1);
    bed_time(c->bed, 100000);
    put32(c, comparator_of(0), 9000);
    bed_time(c->bed, 100000);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
    put(c, config_of(0), ENABLE | MODE32 | ROUTE_21);       /* ... but only then */
    bed_time(c->bed, 200000);
    g_assert_cmpuint(c->bed->rises[20] + c->bed->rises[21], ==, 1);
}

/* 2.3.5: LEG_RT_CNF puts timers 0 and 1 in the place of the PIT and the RTC. */
static void legacy(Chip *c, gconstpointer data)
{
    irq_set(&c->line[0], true);
    irq_set(&c->line[0], false);
    irq_set(&c->line[8], true);
    g_assert_cmpuint(c->bed->rises[0], ==, 1);
    g_assert_cmpuint(c->bed->rises[8], ==, 1);
    put(c, CONFIG, 3);
    g_assert_cmphex(c->bed->lines, ==, 0);
    irq_set(&c->line[0], true);
    irq_set(&c->line[0], false);
    g_assert_cmpuint(c->bed->rises[0], ==, 1);
    put(c, config_of(0), ENABLE | ROUTE_20);
    put(c, config_of(1), ENABLE | LEVEL | ROUTE_21);
    put(c, comparator_of(0), 100);
    put(c, comparator_of(1), 200);
    bed_time(c->bed, 1000);
    g_assert_cmphex(c->bed->lines, ==, 1 << 0);
    bed_time(c->bed, 2000);
    g_assert_cmphex(c->bed->lines, ==, 1 << 0 | 1 << 8);
    put(c, STATUS, 2);
    put(c, CONFIG, 1);
    g_assert_cmphex(c->bed->lines, ==, 1 << 8);     /* what the RTC still holds up */
    irq_set(&c->line[8], false);
    g_assert_cmphex(c->bed->lines, ==, 0);
}

/* Lines are shared with other devices: either holds them up. */
static void shared_line(Chip *c, gconstpointer data)
{
    put(c, config_of(0), LEVEL | ENABLE | ROUTE_20);
    put(c, comparator_of(0), 100);
    put(c, CONFIG, 1);
    irq_set(&c->line[20], true);
    bed_time(c->bed, 1000);
    irq_set(&c->line[20], false);
    g_assert_cmphex(c->bed->lines, ==, 1 << 20);
    irq_set(&c->line[20], true);
    put(c, STATUS, 1);
    g_assert_cmphex(c->bed->lines, ==, 1 << 20);
    irq_set(&c->line[20], false);
    g_assert_cmphex(c->bed->lines, ==, 0);
    /* Lines that it can't be routed to are nobody's. */
    put(c, config_of(0), LEVEL | ENABLE | 5 << 9);
    put(c, comparator_of(0), 1000);
    bed_time(c->bed, 10000);
    g_assert_cmphex(c->bed->lines, ==, 0);
}

/* 2.3.10: messages, where they are offered. */
static void messages(void)
{
    Chip c;

    open_with(&c, "timers=8,msi=on");
    g_assert_cmphex(get32(&c, CAPABILITIES), ==, 0x8086a701);
    g_assert_cmphex(get(&c, config_of(7)), ==, 0x00f0000000008030ull);
    put(&c, config_of(7) + 0x10, 0xfee01000000000e1ull);
    put(&c, config_of(7), ENABLE | FSB);
    put(&c, comparator_of(7), 100);
    put(&c, CONFIG, 1);
    bed_time(c.bed, 1000);
    g_assert_cmpuint(c.bed->messages, ==, 1);
    g_assert_cmphex(c.bed->msi[0].address, ==, 0xfee01000);
    g_assert_cmphex(c.bed->msi[0].data, ==, 0xe1);
    bed_free(c.bed);
}

static void round_trip(Chip *c, gconstpointer data)
{
    const u64 ms = 1000000;

    put(c, config_of(0), ENABLE | PERIODIC | SET | ROUTE_20);
    put(c, comparator_of(0), 100000);
    put(c, config_of(1), LEVEL | ENABLE | ROUTE_21);
    put(c, comparator_of(1), 150000);
    put(c, CONFIG, 1);
    irq_set(&c->line[0], true);
    bed_time(c->bed, 1 * ms);
    bed_time(c->bed, 2 * ms);
    bed_round_trip(c->hpet);
    g_assert_cmphex(c->bed->lines, ==, 1 << 0 | 1 << 20 | 1 << 21);
    g_assert_cmpuint(get(c, COUNTER), ==, 200000);
    c->bed->rises[20] = 0;
    bed_time(c->bed, 3 * ms);
    g_assert_cmpuint(c->bed->rises[20], ==, 1);
}

/* It gives the lines back. */
static void close_it(Chip *c, gconstpointer data)
{
    Irq *gsi = c->bed->machine->gsi;

    device_free(c->hpet);
    irq_set(&gsi[0], true);
    g_assert_cmphex(c->bed->lines, ==, 1);
    g_assert_true(gsi[20].opaque == c->bed);
}

static void bad_options(void)
{
    g_autoptr(Bed) bed = bed_new();

    bed_refuses(bed, &hpet_type, "timers=2",
                "hpet: timers: '2' is not a number from 3 to 24");
}

static void nudge(Bed *bed, Device *hpet, u32 random)
{
    machine_gsi(bed->machine, random % GSI_COUNT, random >> 8 & 1);
}

static void fuzz(void)
{
    static const BedRange range[] = {
        { HPET_BASE, 0x400, true }, { HPET_BASE + 0x100, 0x60, true },
        { HPET_BASE, 0x18, true },
    };
    Chip c;

    open_with(&c, "timers=24,msi=on");
    bed_fuzz(c.bed, c.hpet, range, G_N_ELEMENTS(range), nudge);
    bed_free(c.bed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(f) g_test_add("/hw/timer/hpet/" #f, Chip, NULL, set_up, f, tear_down)
    TEST(capabilities);
    TEST(counter);
    TEST(one_shot);
    TEST(level);
    TEST(periodic);
    TEST(absurd_rate);
    TEST(unheard);
    TEST(periodic_rate);
    TEST(wrap32);
    TEST(just_missed);
    TEST(legacy);
    TEST(shared_line);
    TEST(round_trip);
    TEST(close_it);
    g_test_add_func("/hw/timer/hpet/messages", messages);
    g_test_add_func("/hw/timer/hpet/bad_options", bad_options);
    g_test_add_func("/hw/timer/hpet/fuzz", fuzz);
    return g_test_run();
}
