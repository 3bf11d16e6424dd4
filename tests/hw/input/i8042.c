/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard controller, keyboard and mouse as drivers see them.  What is expected stands
 * in IBM's PS/2 Hardware Interface Technical Reference (1991), sections "Keyboard and
 * Auxiliary Device Controller", "Keyboards" and "Mouse"; scan codes in its tables.
 */

#include "hw/input/i8042.h"

#include "tests/lib/bed.h"

#include <string.h>

enum { DATA = 0x60, STATUS = 0x64 };
enum { FULL = 0x01, SYSTEM = 0x04, COMMAND = 0x08, AUX = 0x20 };
enum { KEYBOARD_IRQ = 1 << 1, MOUSE_IRQ = 1 << 12 };

typedef struct {
    Bed *bed;
    Device *kbc;
} Kbc;

static void set_up(Kbc *k, gconstpointer data)
{
    k->bed = bed_new();
    k->kbc = bed_add(k->bed, &i8042_type, NULL);
}

static void tear_down(Kbc *k, gconstpointer data)
{
    bed_free(k->bed);
}

static u8 status(Kbc *k)
{
    return in8(k->bed, STATUS);
}

static void command(Kbc *k, u8 byte)
{
    out8(k->bed, STATUS, byte);
}

static void write_data(Kbc *k, u8 byte)
{
    out8(k->bed, DATA, byte);
}

/* Exactly these bytes are there, from the keyboard (or controller), or the mouse. */
static void assert_bytes(Kbc *k, bool mouse, const char *hex)
{
    g_autoptr(GString) got = g_string_new(NULL);

    while (status(k) & FULL) {
        g_assert_cmpint(!!(status(k) & AUX), ==, mouse);
        g_string_append_printf(got, "%s%02x", got->len ? " " : "", in8(k->bed, DATA));
        g_assert_cmpuint(got->len, <, 200);
    }
    g_assert_cmpstr(got->str, ==, hex);
}

static void keyboard(Kbc *k, u8 byte, const char *answer)
{
    write_data(k, byte);
    assert_bytes(k, false, answer);
}

static void mouse(Kbc *k, u8 byte, const char *answer)
{
    command(k, 0xd4);
    write_data(k, byte);
    assert_bytes(k, true, answer);
}

static void set_command_byte(Kbc *k, u8 byte)
{
    command(k, 0x60);
    write_data(k, byte);
}

static void assert_command_byte(Kbc *k, const char *hex)
{
    command(k, 0x20);
    assert_bytes(k, false, hex);
}

/* Controller commands. */
static void controller(Kbc *k, gconstpointer data)
{
    g_assert_cmphex(status(k) & FULL, ==, 0);
    command(k, 0xaa);
    g_assert_cmphex(status(k) & (COMMAND | SYSTEM), ==, COMMAND | SYSTEM);
    assert_bytes(k, false, "55");
    command(k, 0xab);
    assert_bytes(k, false, "00");
    command(k, 0xa9);
    assert_bytes(k, false, "00");
    set_command_byte(k, 0x47);
    g_assert_cmphex(status(k) & COMMAND, ==, 0);
    assert_command_byte(k, "47");
    command(k, 0xad);
    assert_command_byte(k, "57");
    command(k, 0xa7);
    assert_command_byte(k, "77");
    command(k, 0xae);
    command(k, 0xa8);
    assert_command_byte(k, "47");
    command(k, 0x7f);                   /* the last byte of RAM */
    write_data(k, 0x99);
    command(k, 0x3f);
    assert_bytes(k, false, "99");
    set_command_byte(k, 0x43);
    g_assert_cmphex(status(k) & SYSTEM, ==, 0);
}

/* Output port: read, A20, reset by bit 0, and the pulse. */
static void output_port(Kbc *k, gconstpointer data)
{
    command(k, 0xd0);
    g_assert_cmphex(in8(k->bed, DATA) & 0x03, ==, 0x03);
    command(k, 0xd1);
    write_data(k, 0xdd);
    command(k, 0xd0);
    g_assert_cmphex(in8(k->bed, DATA) & 0x03, ==, 0x01);
    command(k, 0xd1);
    write_data(k, 0xdf);
    g_assert_cmpuint(k->bed->requests, ==, 0);
    command(k, 0xd1);
    write_data(k, 0xde);
    g_assert_cmpuint(k->bed->requests, ==, 1);
    g_assert_cmpint(k->bed->request, ==, REQUEST_RESET);
    command(k, 0xff);
    g_assert_cmpuint(k->bed->requests, ==, 1);
    command(k, 0xfe);                   /* Linux's reboot=k */
    g_assert_cmpuint(k->bed->requests, ==, 2);
}

/* "Write output buffer", as if from keyboard or mouse; Linux probes IRQ 12 so. */
static void loops(Kbc *k, gconstpointer data)
{
    set_command_byte(k, 0x47);
    command(k, 0xd3);
    write_data(k, 0xa5);
    g_assert_cmphex(k->bed->lines, ==, MOUSE_IRQ);
    assert_bytes(k, true, "a5");
    command(k, 0xd2);
    write_data(k, 0x5a);
    g_assert_cmphex(k->bed->lines, ==, KEYBOARD_IRQ);
    assert_bytes(k, false, "5a");
    g_assert_cmphex(k->bed->lines, ==, 0);
}

/* Interrupts: only if the command byte says so, and one for each byte. */
static void interrupts(Kbc *k, gconstpointer data)
{
    set_command_byte(k, 0x44);
    ps2_key(k->kbc, 0x1e, true);
    ps2_key(k->kbc, 0x1e, false);
    g_assert_cmphex(k->bed->lines, ==, 0);
    set_command_byte(k, 0x45);
    g_assert_cmphex(k->bed->lines, ==, KEYBOARD_IRQ);
    g_assert_cmphex(in8(k->bed, DATA), ==, 0x1e);
    g_assert_cmphex(k->bed->lines, ==, KEYBOARD_IRQ);
    g_assert_cmpuint(k->bed->rises[1], ==, 2);
    g_assert_cmphex(in8(k->bed, DATA), ==, 0x9e);
    g_assert_cmphex(k->bed->lines, ==, 0);
}

/* As SeaBIOS and Linux's atkbd meet it, translation off and on. */
static void keyboard_commands(Kbc *k, gconstpointer data)
{
    set_command_byte(k, 0x04);
    keyboard(k, 0xff, "fa aa");
    keyboard(k, 0xf5, "fa");
    keyboard(k, 0xf2, "fa ab 83");
    keyboard(k, 0xf0, "fa");
    keyboard(k, 0x02, "fa");
    keyboard(k, 0xf0, "fa");
    keyboard(k, 0x00, "fa 02");
    keyboard(k, 0xed, "fa");
    keyboard(k, 0x07, "fa");
    keyboard(k, 0xf3, "fa");
    keyboard(k, 0x00, "fa");
    keyboard(k, 0xf4, "fa");
    keyboard(k, 0xee, "ee");
    keyboard(k, 0xf2, "fa ab 83");
    keyboard(k, 0xfe, "83");
    keyboard(k, 0x00, "fe");
    keyboard(k, 0xf0, "fa");
    keyboard(k, 0x03, "fe");            /* no scan code set 3 */
    set_command_byte(k, 0x44);
    keyboard(k, 0xf2, "fa ab 41");
}

static void scan_codes(Kbc *k, gconstpointer data)
{
    static const struct { unsigned key; const char *set2, *set1; } table[] = {
        { 0x01, "76 f0 76", "01 81" },                  /* Esc */
        { 0x1e, "1c f0 1c", "1e 9e" },                  /* A */
        { 0x1c, "5a f0 5a", "1c 9c" },                  /* Enter */
        { 0x2a, "12 f0 12", "2a aa" },                  /* left Shift */
        { 0x39, "29 f0 29", "39 b9" },                  /* space */
        { 0x3b, "05 f0 05", "3b bb" },                  /* F1 */
        { 0x41, "83 f0 83", "41 c1" },                  /* F7 */
        { 0x57, "78 f0 78", "57 d7" },                  /* F11 */
        { 0x58, "07 f0 07", "58 d8" },                  /* F12 */
        { 0x54, "84 f0 84", "54 d4" },                  /* SysRq */
        { 0x56, "61 f0 61", "56 d6" },                  /* left of Z */
        { 0x4e, "79 f0 79", "4e ce" },                  /* keypad + */
        { KEY_EXTENDED + 0x48, "e0 75 e0 f0 75", "e0 48 e0 c8" },       /* up */
        { KEY_EXTENDED + 0x1d, "e0 14 e0 f0 14", "e0 1d e0 9d" },       /* right Ctrl */
        { KEY_EXTENDED + 0x5b, "e0 1f e0 f0 1f", "e0 5b e0 db" },       /* left Win */
        { KEY_PAUSE, "e1 14 77 e1 f0 14 f0 77", "e1 1d 45 e1 9d c5" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        for (unsigned way = 0; way < 3; way++) {
            /* Set 2 as it is, set 2 translated, set 1 as it is. */
            set_command_byte(k, way == 1 ? 0x44 : 0x04);
            keyboard(k, 0xf0, "fa");
            keyboard(k, way == 2 ? 1 : 2, "fa");
            ps2_key(k->kbc, table[i].key, true);
            ps2_key(k->kbc, table[i].key, false);
            assert_bytes(k, false, way ? table[i].set1 : table[i].set2);
        }
    }
}

/* Keys wait while the clock line is off, and are lost while the keyboard is. */
static void inhibited(Kbc *k, gconstpointer data)
{
    command(k, 0xad);
    ps2_key(k->kbc, 0x1e, true);
    g_assert_cmphex(status(k) & FULL, ==, 0);
    command(k, 0xae);
    assert_bytes(k, false, "1e");
    keyboard(k, 0xf5, "fa");
    ps2_key(k->kbc, 0x1e, false);
    assert_bytes(k, false, "");
    keyboard(k, 0xf4, "fa");
    for (unsigned i = 0; i < 1000; i++) {
        ps2_key(k->kbc, 0x10, true);
    }
    /* What is not lost is whole; an acknowledgement goes before it. */
    g_assert_cmphex(in8(k->bed, DATA), ==, 0x10);
    write_data(k, 0xed);
    g_assert_cmphex(in8(k->bed, DATA), ==, 0x10);       /* was in the buffer already */
    g_assert_cmphex(in8(k->bed, DATA), ==, 0xfa);
    g_assert_cmphex(in8(k->bed, DATA), ==, 0x10);
}

/* As Linux's psmouse meets it. */
static void mouse_commands(Kbc *k, gconstpointer data)
{
    static const u8 knock[] = { 200, 100, 80 };

    set_command_byte(k, 0x47);
    mouse(k, 0xff, "fa aa 00");
    mouse(k, 0xf2, "fa 00");
    mouse(k, 0xf6, "fa");
    mouse(k, 0xe9, "fa 00 02 64");
    mouse(k, 0xe8, "fa");
    mouse(k, 0x03, "fa");
    mouse(k, 0xe7, "fa");
    mouse(k, 0xf4, "fa");
    mouse(k, 0xe9, "fa 30 03 64");
    mouse(k, 0xe6, "fa");
    for (unsigned i = 0; i < 3; i++) {
        mouse(k, 0xf3, "fa");
        mouse(k, knock[i], "fa");
    }
    mouse(k, 0xf2, "fa 03");
    mouse(k, 0xf0, "fa");
    mouse(k, 0xeb, "fa 08 00 00 00");
    mouse(k, 0xea, "fa");
    mouse(k, 0xee, "fa");
    mouse(k, 0x12, "12");
    mouse(k, 0xec, "fa");
    mouse(k, 0x12, "fe");
    mouse(k, 0xff, "fa aa 00");
    mouse(k, 0xf2, "fa 00");
}

/* Packets: overflow-free, sign bits, the rest in the next one. */
static void movement(Kbc *k, gconstpointer data)
{
    set_command_byte(k, 0x47);
    ps2_mouse(k->kbc, 10, 10, 0, 1);
    assert_bytes(k, true, "");                          /* not enabled yet */
    mouse(k, 0xff, "fa aa 00");
    mouse(k, 0xf4, "fa");
    ps2_mouse(k->kbc, 5, 3, 0, 1);
    g_assert_cmphex(k->bed->lines, ==, MOUSE_IRQ);
    assert_bytes(k, true, "29 05 fd");
    ps2_mouse(k->kbc, -300, 0, 0, 2);
    assert_bytes(k, true, "1a 01 00 1a d3 00");
    ps2_mouse(k->kbc, 0, 0, 1, 0);
    assert_bytes(k, true, "08 00 00");
    /* More than fits is told later, and in sum. */
    mouse(k, 0xf6, "fa");
    mouse(k, 0xf4, "fa");
    for (unsigned i = 0; i < 300; i++) {
        ps2_mouse(k->kbc, 1, 0, 0, 0);
    }
    for (unsigned sum = 0; sum < 300;) {
        g_assert_cmphex(in8(k->bed, DATA), ==, 0x08);
        sum += in8(k->bed, DATA);
        g_assert_cmphex(in8(k->bed, DATA), ==, 0x00);
        g_assert_cmpuint(sum, <=, 300);
    }
    assert_bytes(k, true, "");
}

static void wheel(Kbc *k, gconstpointer data)
{
    static const u8 knock[] = { 200, 100, 80 };

    for (unsigned i = 0; i < 3; i++) {
        mouse(k, 0xf3, "fa");
        mouse(k, knock[i], "fa");
    }
    mouse(k, 0xf4, "fa");
    ps2_mouse(k->kbc, 0, 0, 1, 4);
    assert_bytes(k, true, "0c 00 00 01");
    ps2_mouse(k->kbc, 0, 0, -2, 0);
    assert_bytes(k, true, "08 00 00 fe");
}

static void round_trip(Kbc *k, gconstpointer data)
{
    set_command_byte(k, 0x47);
    ps2_key(k->kbc, 0x1e, true);
    ps2_key(k->kbc, 0x1e, false);
    write_data(k, 0xed);
    bed_round_trip(k->kbc);
    g_assert_cmphex(k->bed->lines, ==, KEYBOARD_IRQ);
    assert_bytes(k, false, "1e fa 9e");
    keyboard(k, 0x02, "fa");
}

static void nudge(Bed *bed, Device *kbc, u32 random)
{
    if (random & 1) {
        ps2_key(kbc, random >> 1 & 0x1ff, random >> 16 & 1);
    } else {
        ps2_mouse(kbc, (s32)random >> 20, (s8)(random >> 8), (s8)random, random >> 16);
    }
}

static void fuzz(Kbc *k, gconstpointer data)
{
    static const BedRange range[] = { { DATA, 1, false }, { STATUS, 1, false } };

    bed_fuzz(k->bed, k->kbc, range, G_N_ELEMENTS(range), nudge);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(f) g_test_add("/hw/input/i8042/" #f, Kbc, NULL, set_up, f, tear_down)
    TEST(controller);
    TEST(output_port);
    TEST(loops);
    TEST(interrupts);
    TEST(keyboard_commands);
    TEST(scan_codes);
    TEST(inhibited);
    TEST(mouse_commands);
    TEST(movement);
    TEST(wheel);
    TEST(round_trip);
    TEST(fuzz);
    return g_test_run();
}
