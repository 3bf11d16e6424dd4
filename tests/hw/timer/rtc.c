/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock as a driver sees it.  What is expected stands in Motorola's
 * MC146818 data sheet.
 */

#include "hw/timer/rtc.h"

#include "tests/lib/bed.h"

#include <time.h>

enum { SECONDS = 0, SECONDS_ALARM = 1, MINUTES = 2, MINUTES_ALARM = 3, HOURS = 4,
       HOURS_ALARM = 5, WEEKDAY = 6, DAY = 7, MONTH = 8, YEAR = 9, A = 10, B = 11,
       C = 12, D = 13, CENTURY = 0x32 };
enum { SET = 0x80, PIE = 0x40, AIE = 0x20, UIE = 0x10, BINARY = 0x04, H24 = 0x02 };
enum { IRQF = 0x80, PF = 0x40, AF = 0x20, UF = 0x10 };

#define SEC NS_PER_SEC
#define US 1000ull

typedef struct {
    Bed *bed;
    Device *rtc;
} Clk;

static void open_with(Clk *c, const char *options)
{
    c->bed = bed_new();
    c->rtc = bed_add(c->bed, &rtc_type, options);
}

/* A Saturday evening before a leap day. */
static void set_up(Clk *c, gconstpointer data)
{
    open_with(c, "base=2020-02-28T23:59:58,clock=vm");
}

static void tear_down(Clk *c, gconstpointer data)
{
    bed_free(c->bed);
}

static u8 get(Clk *c, u8 index)
{
    out8(c->bed, 0x70, index);
    return in8(c->bed, 0x71);
}

/* Register C; the periodic flag comes and goes 1024 times a second. */
static u8 flags(Clk *c)
{
    return get(c, C) & ~PF;
}

static void put(Clk *c, u8 index, u8 value)
{
    out8(c->bed, 0x70, index);
    out8(c->bed, 0x71, value);
}

static void assert_time(Clk *c, const char *expected)
{
    g_autofree char *text =
        g_strdup_printf("%02x%02x-%02x-%02x %02x:%02x:%02x %x", get(c, CENTURY),
                        get(c, YEAR), get(c, MONTH), get(c, DAY), get(c, HOURS),
                        get(c, MINUTES), get(c, SECONDS), get(c, WEEKDAY));

    g_assert_cmpstr(text, ==, expected);
}

/* What a BIOS leaves, and what can't be written. */
static void registers(Clk *c, gconstpointer data)
{
    g_assert_cmphex(get(c, A), ==, 0x26);
    g_assert_cmphex(get(c, B), ==, 0x02);
    g_assert_cmphex(flags(c), ==, 0x00);
    g_assert_cmphex(get(c, D), ==, 0x80);
    put(c, A, 0xa6);
    g_assert_cmphex(get(c, A), ==, 0x26);
    put(c, C, 0xff);
    put(c, D, 0x00);
    g_assert_cmphex(flags(c), ==, 0x00);
    g_assert_cmphex(get(c, D), ==, 0x80);
    put(c, 0x80 | 0x40, 0x5a);          /* bit 7 of the index is not part of it */
    g_assert_cmphex(get(c, 0x40), ==, 0x5a);
}

static void time_of_day(Clk *c, gconstpointer data)
{
    assert_time(c, "2020-02-28 23:59:58 6");
    bed_time(c->bed, 1 * SEC - 1);
    assert_time(c, "2020-02-28 23:59:58 6");
    bed_time(c->bed, 1 * SEC);
    assert_time(c, "2020-02-28 23:59:59 6");
    bed_time(c->bed, 2 * SEC);
    assert_time(c, "2020-02-29 00:00:00 7");
    bed_time(c->bed, (86400 + 2) * SEC);
    assert_time(c, "2020-03-01 00:00:00 1");
}

/* Data mode and hour format. */
static void formats(Clk *c, gconstpointer data)
{
    put(c, B, BINARY | H24);
    g_assert_cmpuint(get(c, SECONDS), ==, 58);
    g_assert_cmpuint(get(c, HOURS), ==, 23);
    g_assert_cmpuint(get(c, YEAR), ==, 20);
    g_assert_cmpuint(get(c, CENTURY), ==, 20);
    put(c, B, BINARY);
    g_assert_cmphex(get(c, HOURS), ==, 0x80 | 11);
    put(c, B, 0);
    g_assert_cmphex(get(c, HOURS), ==, 0x91);
    bed_time(c->bed, 2 * SEC);
    g_assert_cmphex(get(c, HOURS), ==, 0x12);           /* midnight is 12 AM */
    bed_time(c->bed, (2 + 12 * 3600) * SEC);
    g_assert_cmphex(get(c, HOURS), ==, 0x92);           /* noon is 12 PM */
    bed_time(c->bed, (2 + 13 * 3600) * SEC);
    g_assert_cmphex(get(c, HOURS), ==, 0x81);
}

static void set_date(Clk *c, const u8 *bytes)
{
    static const u8 index[] = { SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR, CENTURY };

    for (unsigned i = 0; i < G_N_ELEMENTS(index); i++) {
        put(c, index[i], bytes[i]);
    }
}

/* "SET": updates stop, the bytes are set, and the divider goes on. */
static void set_time(Clk *c, gconstpointer data)
{
    static const u8 bytes[] = { 0x57, 0x59, 0x23, 0x31, 0x12, 0x99, 0x19 };

    bed_time(c->bed, SEC / 4);
    put(c, B, SET | UIE | H24);
    g_assert_cmphex(get(c, B), ==, SET | H24);          /* SET clears UIE */
    bed_time(c->bed, 3 * SEC);
    g_assert_cmphex(get(c, SECONDS), ==, 0x58);
    g_assert_cmphex(flags(c), ==, 0);
    set_date(c, bytes);
    g_assert_cmphex(get(c, YEAR), ==, 0x99);
    bed_time(c->bed, 10 * SEC + SEC / 2);
    put(c, B, H24);
    assert_time(c, "1999-12-31 23:59:57 6");
    bed_time(c->bed, 11 * SEC);
    assert_time(c, "1999-12-31 23:59:58 6");
    bed_time(c->bed, 13 * SEC);
    assert_time(c, "2000-01-01 00:00:00 7");
}

/* "The first update cycle begins one-half second" after the divider's reset ends. */
static void divider_reset(Clk *c, gconstpointer data)
{
    bed_time(c->bed, SEC / 4);
    put(c, B, SET | H24);
    put(c, A, 0x76);
    put(c, SECONDS, 0x10);
    put(c, B, H24);
    bed_time(c->bed, 20 * SEC + SEC / 10);
    g_assert_cmphex(get(c, SECONDS), ==, 0x10);
    put(c, A, 0x26);
    bed_time(c->bed, 20 * SEC + SEC / 10 + SEC / 2 - 1);
    g_assert_cmphex(get(c, SECONDS), ==, 0x10);
    bed_time(c->bed, 20 * SEC + SEC / 10 + SEC / 2);
    g_assert_cmphex(get(c, SECONDS), ==, 0x11);
}

/* Figure 14: UIP from 244 us before the update cycle of 1984 us to its end. */
static void update_in_progress(Clk *c, gconstpointer data)
{
    bed_time(c->bed, SEC - 2229 * US);
    g_assert_cmphex(get(c, A) & 0x80, ==, 0);
    bed_time(c->bed, SEC - 2227 * US);
    g_assert_cmphex(get(c, A) & 0x80, ==, 0x80);
    bed_time(c->bed, SEC);
    g_assert_cmphex(get(c, A) & 0x80, ==, 0);
    g_assert_cmphex(get(c, SECONDS), ==, 0x59);
    put(c, B, SET | H24);
    bed_time(c->bed, 2 * SEC - 1);
    g_assert_cmphex(get(c, A) & 0x80, ==, 0);
}

/* UF is set with or without UIE; reading C clears it and the interrupt. */
static void update_interrupt(Clk *c, gconstpointer data)
{
    put(c, SECONDS_ALARM, 0x77);                        /* never */
    bed_time(c->bed, SEC);
    g_assert_cmphex(flags(c), ==, UF);
    g_assert_cmphex(flags(c), ==, 0);
    put(c, B, UIE | H24);
    for (unsigned i = 2; i < 100; i++) {
        bed_time(c->bed, i * SEC - 1);
        g_assert_cmphex(c->bed->lines, ==, 0);
        bed_time(c->bed, i * SEC);
        g_assert_cmphex(c->bed->lines, ==, 1 << 8);
        g_assert_cmphex(flags(c), ==, IRQF | UF);
        g_assert_cmphex(c->bed->lines, ==, 0);
    }
    g_assert_cmpuint(c->bed->rises[8], ==, 98);
}

/* An alarm byte of 0xc0 and above does not care. */
static void alarms(Clk *c, gconstpointer data)
{
    put(c, SECONDS_ALARM, 0x05);
    put(c, MINUTES_ALARM, 0x00);
    put(c, HOURS_ALARM, 0x00);
    put(c, B, AIE | H24);
    bed_time(c->bed, 7 * SEC - 1);
    g_assert_cmphex(c->bed->lines, ==, 0);
    bed_time(c->bed, 7 * SEC);                          /* 00:00:05 */
    g_assert_cmphex(c->bed->lines, ==, 1 << 8);
    g_assert_cmphex(flags(c), ==, IRQF | AF | UF);
    g_assert_cmphex(get(c, MINUTES_ALARM), ==, 0x00);
    bed_time(c->bed, (86400 + 6) * SEC);
    g_assert_cmphex(c->bed->lines, ==, 0);
    bed_time(c->bed, (86400 + 7) * SEC);
    g_assert_cmphex(flags(c), ==, IRQF | AF | UF);
    /* Every minute at second 5. */
    put(c, MINUTES_ALARM, 0xc0);
    put(c, HOURS_ALARM, 0xff);
    for (unsigned i = 1; i <= 70; i++) {
        bed_time(c->bed, (86400 + 7 + 60 * i - 1) * SEC);
        g_assert_cmphex(c->bed->lines, ==, 0);
        bed_time(c->bed, (86400 + 7 + 60 * i) * SEC);
        g_assert_cmphex(flags(c), ==, IRQF | AF | UF);
    }
    /* Without AIE the flag is set all the same; a second 0x77 never comes. */
    put(c, B, H24);
    bed_time(c->bed, 200000 * SEC);
    g_assert_cmphex(flags(c), ==, AF | UF);
    put(c, SECONDS_ALARM, 0x77);
    bed_time(c->bed, 300000 * SEC);
    g_assert_cmphex(flags(c), ==, UF);
}

/* Table 5: the rates. */
static void periodic(Clk *c, gconstpointer data)
{
    static const struct { u8 rate; double hz; } table[] = {
        { 15, 2 }, { 10, 64 }, { 6, 1024 }, { 3, 8192 }, { 2, 128 }, { 1, 256 },
    };
    u64 now = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        unsigned n = 0;

        put(c, A, 0x20 | table[i].rate);
        put(c, B, PIE | H24);
        (void)get(c, C);
        for (unsigned k = 1; k <= 40000; k++) {
            bed_time(c->bed, now + k * 50 * US);
            if (c->bed->lines) {
                g_assert_cmphex(get(c, C) & (IRQF | PF), ==, IRQF | PF);
                n++;
            }
        }
        now += 2 * SEC;
        g_assert_cmpuint(n, >=, 2 * table[i].hz - 1);
        g_assert_cmpuint(n, <=, 2 * table[i].hz + 1);
    }
    /* Without PIE: a flag. */
    put(c, A, 0x26);
    put(c, B, H24);
    (void)get(c, C);
    bed_time(c->bed, now + 900 * US);
    g_assert_cmphex(get(c, C) & PF, ==, 0);
    bed_time(c->bed, now + 1000 * US);
    g_assert_cmphex(get(c, C) & PF, ==, PF);
    put(c, A, 0x20);                                    /* rate 0: none */
    bed_time(c->bed, now + SEC);
    g_assert_cmphex(get(c, C) & PF, ==, 0);
}

/* A guest that does not look for 15 ticks: lost, or with driftfix=slew given later. */
static unsigned ticks_after_a_pause(const char *options)
{
    Clk c;
    unsigned n = 0;

    open_with(&c, options);
    put(&c, A, 0x2a);                                   /* 64 Hz */
    put(&c, B, PIE | H24);
    bed_run(c.bed, SEC / 4, SEC / 256);
    for (unsigned k = 1; k <= 1000; k++) {
        bed_time(c.bed, SEC / 4 + k * (SEC / 1000));
        n += get(&c, C) >> 7;
    }
    bed_free(c.bed);
    return n;
}

static void driftfix(void)
{
    unsigned none = ticks_after_a_pause("clock=vm");
    unsigned slew = ticks_after_a_pause("clock=vm,driftfix=slew");

    g_assert_cmpuint(none, >=, 64);
    g_assert_cmpuint(none, <=, 66);
    g_assert_cmpuint(slew, >=, 79);
    g_assert_cmpuint(slew, <=, 81);
}

/* RESET: "does not affect the clock, calendar or RAM"; interrupts are disabled. */
static void reset(Clk *c, gconstpointer data)
{
    put(c, 0x55, 0x77);
    put(c, SECONDS_ALARM, 0x30);
    put(c, B, BINARY | PIE | UIE | AIE | H24);
    bed_time(c->bed, SEC);
    g_assert_cmphex(c->bed->lines, ==, 1 << 8);
    device_reset(c->rtc);
    g_assert_cmphex(c->bed->lines, ==, 0);
    g_assert_cmphex(get(c, C), ==, 0);
    g_assert_cmphex(get(c, B), ==, BINARY | H24);
    g_assert_cmphex(get(c, 0x55), ==, 0x77);
    g_assert_cmphex(get(c, SECONDS_ALARM), ==, 0x30);
    g_assert_cmpuint(get(c, SECONDS), ==, 59);
}

static void board_bytes(Clk *c, gconstpointer data)
{
    rtc_set_cmos(c->rtc, 0x3d, 0x32);
    g_assert_cmphex(get(c, 0x3d), ==, 0x32);
    put(c, 0x0f, 0x05);
    g_assert_cmphex(rtc_get_cmos(c->rtc, 0x0f), ==, 0x05);
}

/* After a restore the alarm still comes. */
static void round_trip(Clk *c, gconstpointer data)
{
    put(c, SECONDS_ALARM, 0x05);
    put(c, MINUTES_ALARM, 0xff);
    put(c, HOURS_ALARM, 0xff);
    put(c, B, AIE | H24);
    bed_time(c->bed, 3 * SEC);
    bed_round_trip(c->rtc);
    bed_time(c->bed, 7 * SEC);
    g_assert_cmphex(flags(c), ==, IRQF | AF | UF);
    assert_time(c, "2020-02-29 00:00:05 7");
}

/* base=utc is the host's time. */
static void host_time(void)
{
    Clk c;
    struct tm tm = { 0 };
    double apart;

    open_with(&c, NULL);
    put(&c, B, BINARY | H24);
    tm.tm_year = get(&c, CENTURY) * 100 + get(&c, YEAR) - 1900;
    tm.tm_mon = get(&c, MONTH) - 1;
    tm.tm_mday = get(&c, DAY);
    tm.tm_hour = get(&c, HOURS);
    tm.tm_min = get(&c, MINUTES);
    tm.tm_sec = get(&c, SECONDS);
    apart = difftime(time(NULL), timegm(&tm));
    g_assert_cmpfloat(apart, >=, 0);
    g_assert_cmpfloat(apart, <, 60);
    bed_free(c.bed);
}

static void bases(void)
{
    static const struct { const char *options, *time; } table[] = {
        { "base=2006-06-17,clock=vm", "2006-06-17 00:00:00 7" },
        { "base=1969-12-31T23:59:59,clock=vm", "1969-12-31 23:59:59 4" },
        { "base=2106-02-07T06:28:16,clock=vm", "2106-02-07 06:28:16 1" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        Clk c;

        open_with(&c, table[i].options);
        assert_time(&c, table[i].time);
        bed_free(c.bed);
    }
}

static void bad_options(void)
{
    g_autoptr(Bed) bed = bed_new();

    bed_refuses(bed, &rtc_type, "base=tomorrow",
                "mc146818rtc: base: 'tomorrow' is not utc, localtime or a date such as "
                "2006-06-17T16:01:21");
    bed_refuses(bed, &rtc_type, "base=2006-06-17T16:01:21Z",
                "mc146818rtc: base: '2006-06-17T16:01:21Z' is not utc, localtime or a "
                "date such as 2006-06-17T16:01:21");
}

static void fuzz(Clk *c, gconstpointer data)
{
    static const BedRange range[] = { { 0x70, 2, false } };

    bed_fuzz(c->bed, c->rtc, range, G_N_ELEMENTS(range), NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(f) g_test_add("/hw/timer/rtc/" #f, Clk, NULL, set_up, f, tear_down)
    TEST(registers);
    TEST(time_of_day);
    TEST(formats);
    TEST(set_time);
    TEST(divider_reset);
    TEST(update_in_progress);
    TEST(update_interrupt);
    TEST(alarms);
    TEST(periodic);
    TEST(reset);
    TEST(board_bytes);
    TEST(round_trip);
    TEST(fuzz);
    g_test_add_func("/hw/timer/rtc/driftfix", driftfix);
    g_test_add_func("/hw/timer/rtc/host_time", host_time);
    g_test_add_func("/hw/timer/rtc/bases", bases);
    g_test_add_func("/hw/timer/rtc/bad_options", bad_options);
    return g_test_run();
}
