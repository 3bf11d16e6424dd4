/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 and port 0x61 as a driver sees them.  What is expected stands in Intel's
 * 8254 data sheet (order number 231164); its "Mode Definitions" are meant where a mode
 * is named, and in the ICH9 data sheet, 13.7.1, for port 0x61.
 */

#include "hw/timer/pit.h"

#include "tests/lib/bed.h"

enum { CONTROL = 0x43, PORT61 = 0x61, HZ = 1193182 };
enum { START = 1000 };      /* the pulse at which most tests begin */

typedef struct {
    Bed *bed;
    Device *pit;
} Chip;

/* The virtual time of a pulse of the 1193182 Hz clock. */
static u64 ns_of(u64 pulse)
{
    return (pulse * NS_PER_SEC + HZ - 1) / HZ;
}

static void at(Chip *c, u64 pulse)
{
    bed_time(c->bed, ns_of(pulse));
}

static void set_up(Chip *c, gconstpointer data)
{
    c->bed = bed_new();
    c->pit = bed_add(c->bed, &pit_type, NULL);
    at(c, START);
}

static void tear_down(Chip *c, gconstpointer data)
{
    bed_free(c->bed);
}

static void program(Chip *c, unsigned channel, u8 control, u16 count)
{
    out8(c->bed, CONTROL, channel << 6 | 0x30 | control);
    out8(c->bed, 0x40 + channel, count);
    out8(c->bed, 0x40 + channel, count >> 8);
}

/* A counter latch command and its two bytes. */
static u16 count(Chip *c, unsigned channel)
{
    u8 low;

    out8(c->bed, CONTROL, channel << 6);
    low = in8(c->bed, 0x40 + channel);
    return low | in8(c->bed, 0x40 + channel) << 8;
}

/* Read-back command: status only. */
static u8 status(Chip *c, unsigned channel)
{
    out8(c->bed, CONTROL, 0xe0 | 2 << channel);
    return in8(c->bed, 0x40 + channel);
}

static bool out(Chip *c, unsigned channel)
{
    return status(c, channel) >> 7;
}

static void gate2(Chip *c, bool level)
{
    out8(c->bed, PORT61, level);
}

/* The values and outputs of channel 2 at this pulse and the following. */
static void assert_row(Chip *c, u64 pulse, unsigned n, const u16 *values,
                       const char *outs)
{
    for (unsigned i = 0; i < n; i++) {
        at(c, pulse + i);
        g_assert_cmpuint(count(c, 2), ==, values[i]);
        g_assert_cmpint(out(c, 2), ==, outs[i] == '1');
        g_assert_cmpint(in8(c->bed, PORT61) >> 5 & 1, ==, outs[i] == '1');
    }
}

/* "OUT goes high N + 1 CLK pulses after the initial count is written" */
static void mode0(Chip *c, gconstpointer data)
{
    static const u16 values[] = { 4, 3, 2, 1, 0, 0xffff, 0xfffe };

    gate2(c, true);
    program(c, 2, 0x00, 4);
    g_assert_false(out(c, 2));
    assert_row(c, START + 1, 7, values, "0000111");
    /* Gate low disables counting, and does nothing to OUT. */
    at(c, START + 20);
    program(c, 2, 0x00, 10);
    at(c, START + 23);
    g_assert_cmpuint(count(c, 2), ==, 8);
    gate2(c, false);
    at(c, START + 50);
    g_assert_cmpuint(count(c, 2), ==, 8);
    g_assert_false(out(c, 2));
    gate2(c, true);
    at(c, START + 57);
    g_assert_false(out(c, 2));
    at(c, START + 58);
    g_assert_true(out(c, 2));
    /* "Writing the first byte disables counting.  OUT is set low immediately" */
    out8(c->bed, 0x42, 5);
    g_assert_false(out(c, 2));
}

/* Hardware retriggerable one-shot. */
static void mode1(Chip *c, gconstpointer data)
{
    static const u16 shot[] = { 3, 2, 1, 0, 0xffff };
    static const u16 again[] = { 3, 2, 3, 2, 1, 0 };

    program(c, 2, 0x02, 3);
    g_assert_true(out(c, 2));
    at(c, START + 10);
    g_assert_true(out(c, 2));
    gate2(c, true);
    assert_row(c, START + 11, 5, shot, "00011");
    gate2(c, false);
    at(c, START + 30);
    gate2(c, true);
    assert_row(c, START + 31, 2, again, "00");
    gate2(c, false);
    gate2(c, true);                     /* retriggered at 32, loaded at 33 */
    assert_row(c, START + 33, 4, again + 2, "0001");
}

/* Rate generator: low for the last pulse of each period. */
static void mode2(Chip *c, gconstpointer data)
{
    static const u16 values[] = { 3, 2, 1, 3, 2, 1, 3 };

    gate2(c, true);
    program(c, 2, 0x04, 3);
    g_assert_true(out(c, 2));
    assert_row(c, START + 1, 7, values, "1101101");
    /* "If GATE goes low during an output pulse, OUT is set high immediately" */
    at(c, START + 9);
    g_assert_false(out(c, 2));
    gate2(c, false);
    g_assert_true(out(c, 2));
    at(c, START + 20);
    g_assert_true(out(c, 2));
    gate2(c, true);                     /* reloads with the next pulse */
    assert_row(c, START + 21, 4, values, "1101");
}

/* "Writing a new count while counting does not affect the current counting sequence" */
static void mode2_new_count(Chip *c, gconstpointer data)
{
    static const u16 values[] = { 4, 3, 2, 1, 2, 1, 2 };

    gate2(c, true);
    program(c, 2, 0x04, 4);
    at(c, START + 2);
    out8(c->bed, 0x42, 2);
    out8(c->bed, 0x42, 0);
    g_assert_cmphex(status(c, 2) & 0x40, ==, 0x40);         /* null count */
    assert_row(c, START + 5, 1, values + 4, "1");
    g_assert_cmphex(status(c, 2) & 0x40, ==, 0);
    assert_row(c, START + 6, 2, values + 5, "01");
}

/* Square wave: an even count, and an odd one, high for (N + 1) / 2. */
static void mode3(Chip *c, gconstpointer data)
{
    static const u16 even[] = { 6, 4, 2, 6, 4, 2, 6 };
    static const u16 odd[] = { 4, 2, 0, 4, 2, 4, 2 };

    gate2(c, true);
    program(c, 2, 0x06, 6);
    assert_row(c, START + 1, 7, even, "1110001");
    at(c, START + 20);
    program(c, 2, 0x0e, 5);             /* mode bits x11 */
    assert_row(c, START + 21, 7, odd, "1110011");
}

/* Software and hardware triggered strobe: low for a pulse, N + 1 after the trigger. */
static void mode4_and_5(Chip *c, gconstpointer data)
{
    static const u16 values[] = { 3, 2, 1, 0, 0xffff };

    gate2(c, true);
    program(c, 2, 0x08, 3);
    assert_row(c, START + 1, 5, values, "11101");
    gate2(c, false);
    at(c, START + 20);
    program(c, 2, 0x0a, 3);
    at(c, START + 30);
    g_assert_true(out(c, 2));
    gate2(c, true);
    assert_row(c, START + 31, 5, values, "11101");
}

/* "Counter Latch Command": held until read; a second latch is ignored. */
static void latch(Chip *c, gconstpointer data)
{
    program(c, 0, 0x04, 1000);
    at(c, START + 101);
    out8(c->bed, CONTROL, 0x00);
    at(c, START + 301);
    out8(c->bed, CONTROL, 0x00);
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 900 & 0xff);
    at(c, START + 401);
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 900 >> 8);
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 600 & 0xff);    /* live again */
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 600 >> 8);
}

/* "Read-Back Command": several counters, status before count. */
static void read_back(Chip *c, gconstpointer data)
{
    program(c, 0, 0x04, 0x1234);
    g_assert_cmphex(status(c, 0), ==, 0xf4);        /* OUT, null count, both, mode 2 */
    program(c, 1, 0x06, 500);
    at(c, START + 11);
    out8(c->bed, CONTROL, 0xc0 | 2 << 0 | 2 << 1);
    at(c, START + 51);
    g_assert_cmphex(in8(c->bed, 0x40), ==, 0xb4);
    g_assert_cmphex(in8(c->bed, 0x40), ==, (0x1234 - 10) & 0xff);
    g_assert_cmphex(in8(c->bed, 0x40), ==, 0x12);
    g_assert_cmphex(in8(c->bed, 0x41), ==, 0xb6);
    g_assert_cmphex(in8(c->bed, 0x41), ==, (500 - 20) & 0xff);
    g_assert_cmphex(in8(c->bed, 0x41), ==, (500 - 20) >> 8);
}

/* One byte only: the other is zero. */
static void one_byte(Chip *c, gconstpointer data)
{
    out8(c->bed, CONTROL, 0x14);
    out8(c->bed, 0x40, 200);
    at(c, START + 51);
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 150);
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 150);
    out8(c->bed, CONTROL, 0x24);
    out8(c->bed, 0x40, 0x10);
    at(c, START + 52 + 0x101);
    g_assert_cmphex(in8(c->bed, 0x40), ==, 0x0e);
    g_assert_cmphex(status(c, 0) & 0x3f, ==, 0x24);
}

/* BCD: four decades, 0 is 10000. */
static void decimal(Chip *c, gconstpointer data)
{
    program(c, 0, 0x05, 0x1000);
    at(c, START + 2);
    g_assert_cmphex(count(c, 0), ==, 0x0999);
    at(c, START + 501);
    g_assert_cmphex(count(c, 0), ==, 0x0500);
    program(c, 0, 0x01, 0);
    at(c, START + 502);
    g_assert_cmphex(count(c, 0), ==, 0x0000);
    at(c, START + 503);
    g_assert_cmphex(count(c, 0), ==, 0x9999);
}

/* A count of 0 is 65536. */
static void longest(Chip *c, gconstpointer data)
{
    program(c, 0, 0x04, 0);
    at(c, START + 1);
    g_assert_cmphex(count(c, 0), ==, 0);
    at(c, START + 2);
    g_assert_cmphex(count(c, 0), ==, 0xffff);
    at(c, START + 65536);
    g_assert_cmphex(count(c, 0), ==, 1);
    at(c, START + 65538);
    g_assert_cmphex(count(c, 0), ==, 0xffff);
}

/* Channel 0 in mode 0: GSI 0 is its output. */
static void interrupt_once(Chip *c, gconstpointer data)
{
    program(c, 0, 0x00, 100);
    g_assert_cmphex(c->bed->lines & 1, ==, 0);
    at(c, START + 100);
    g_assert_cmpuint(c->bed->rises[0], ==, 0);
    at(c, START + 101);
    g_assert_cmpuint(c->bed->rises[0], ==, 1);
    g_assert_cmpuint(c->bed->rose_at[0], ==, ns_of(START + 101));
    g_assert_cmphex(c->bed->lines & 1, ==, 1);
    at(c, START + 100000);
    g_assert_cmpuint(c->bed->rises[0], ==, 1);
    program(c, 0, 0x00, 100);
    g_assert_cmphex(c->bed->lines & 1, ==, 0);
}

/* Mode 2: one rise a period, to the nanosecond, also after 500. */
static void interrupt_rate(Chip *c, gconstpointer data)
{
    enum { PERIOD = 1193, TICKS = 500 };
    unsigned first;

    program(c, 0, 0x04, PERIOD);
    first = c->bed->rises[0];           /* OUT went high when the mode was set */
    for (unsigned i = 1; i <= TICKS; i++) {
        at(c, START + 1 + i * PERIOD);
        g_assert_cmpuint(c->bed->rises[0] - first, ==, i);
        g_assert_cmpuint(c->bed->rose_at[0], ==, ns_of(START + 1 + i * PERIOD));
    }
}

/* hw/timer/tick.h: late ticks follow at twice the rate, up to 20 of them. */
static void late_ticks(Chip *c, gconstpointer data)
{
    enum { PERIOD = 11932 };            /* 10 ms */
    const u64 ms = 1000000;
    u64 now = ns_of(START + 1 + 10 * PERIOD);
    unsigned first;

    program(c, 0, 0x04, PERIOD);
    first = c->bed->rises[0];
    bed_time(c->bed, now);
    g_assert_cmpuint(c->bed->rises[0] - first, ==, 1);
    bed_time(c->bed, now + 4 * ms);
    g_assert_cmpuint(c->bed->rises[0] - first, ==, 1);
    bed_run(c->bed, now + 101 * ms, ms / 4);
    g_assert_cmpuint(c->bed->rises[0] - first, ==, 20);

    now += 10000 * ms;
    first = c->bed->rises[0];
    bed_time(c->bed, now);
    bed_run(c->bed, now + 401 * ms, ms / 4);
    /* One at once, 20 made up for, 40 in time: but for one at either end. */
    g_assert_cmpuint(c->bed->rises[0] - first, >=, 60);
    g_assert_cmpuint(c->bed->rises[0] - first, <=, 62);
}

/* A period of one pulse: the line is left alone most of the time. */
static void absurd_rate(Chip *c, gconstpointer data)
{
    unsigned first;

    program(c, 0, 0x04, 1);
    first = c->bed->rises[0];
    bed_run(c->bed, ns_of(START) + 10000000, 5000);
    g_assert_cmpuint(c->bed->rises[0] - first, <=, 10000000 / 50000 + 1);
    g_assert_cmpuint(c->bed->rises[0] - first, >, 10);
}

/* Bits 0-3 are kept, bit 4 toggles every 15 us (ICH9: "for every refresh cycle"). */
static void port61(Chip *c, gconstpointer data)
{
    unsigned toggles = 0;
    u8 last = in8(c->bed, PORT61) & 0x10;

    out8(c->bed, PORT61, 0xff);
    g_assert_cmphex(in8(c->bed, PORT61) & 0xcf, ==, 0x0f);
    out8(c->bed, PORT61, 0x00);
    g_assert_cmphex(in8(c->bed, PORT61) & 0xcf, ==, 0x00);
    for (unsigned us = 0; us < 3000; us++) {
        bed_time(c->bed, ns_of(START) + us * 1000);
        toggles += (in8(c->bed, PORT61) & 0x10) != last;
        last = in8(c->bed, PORT61) & 0x10;
    }
    g_assert_cmpuint(toggles, >=, 3000 / 16);
    g_assert_cmpuint(toggles, <=, 3000 / 15 + 1);
}

static void round_trip(Chip *c, gconstpointer data)
{
    gate2(c, true);
    program(c, 0, 0x04, 1000);
    program(c, 2, 0x06, 400);
    at(c, START + 101);
    out8(c->bed, CONTROL, 0xc2);
    in8(c->bed, 0x40);
    out8(c->bed, 0x42, 7);              /* half a count */
    bed_round_trip(c->pit);
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 900 & 0xff);
    g_assert_cmpuint(in8(c->bed, 0x40), ==, 900 >> 8);
    g_assert_cmpuint(count(c, 2), ==, 200);
    c->bed->rises[0] = 0;
    at(c, START + 1001);
    g_assert_cmpuint(c->bed->rises[0], ==, 1);
    out8(c->bed, 0x42, 0);
    at(c, START + 1201);
    g_assert_cmpuint(count(c, 2), ==, 6);
}

static void fuzz(Chip *c, gconstpointer data)
{
    static const BedRange range[] = { { 0x40, 4, false }, { PORT61, 1, false } };

    bed_fuzz(c->bed, c->pit, range, G_N_ELEMENTS(range), NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(f) g_test_add("/hw/timer/pit/" #f, Chip, NULL, set_up, f, tear_down)
    TEST(mode0);
    TEST(mode1);
    TEST(mode2);
    TEST(mode2_new_count);
    TEST(mode3);
    TEST(mode4_and_5);
    TEST(latch);
    TEST(read_back);
    TEST(one_byte);
    TEST(decimal);
    TEST(longest);
    TEST(interrupt_once);
    TEST(interrupt_rate);
    TEST(late_ticks);
    TEST(absurd_rate);
    TEST(port61);
    TEST(round_trip);
    TEST(fuzz);
    return g_test_run();
}
