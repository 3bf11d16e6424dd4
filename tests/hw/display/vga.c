/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA as a program of the time would use it.  What is expected follows from IBM's
 * PS/2 Hardware Interface Technical Reference, "Video Subsystem", and for DISPI from
 * QEMU's docs/specs/standard-vga.
 */

#include "hw/display/devices.h"
#include "tests/lib/bed.h"
#include "ui/console.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static Bed *bed;
static Device *vga;
static Console *console;

static void set_up_with(const char *options)
{
    bed = bed_new();
    bed->machine->pci = pci_bus_new(bed->machine, "pcie.0", NULL);
    vga = bed_add(bed, &vga_pci.device, options);
    console = console_nth(0);
}

static void set_up(void)
{
    set_up_with("vgamem-mb=4");
}

static void tear_down(void)
{
    PciBus *bus = bed->machine->pci;

    device_free(vga);
    bed_free(bed);
    pci_bus_free(bus);
}

static void set(u16 port, u8 index, u8 value)
{
    out8(bed, port, index);
    out8(bed, port + 1, value);
}

static void attribute(u8 index, u8 value)
{
    in8(bed, 0x3da);
    out8(bed, 0x3c0, index);
    out8(bed, 0x3c0, value);
}

static void screen_on(void)
{
    in8(bed, 0x3da);
    out8(bed, 0x3c0, 0x20);
}

/* DAC entry i is i, i, i; attributes are the DAC's first sixteen. */
static void grey(void)
{
    out8(bed, 0x3c8, 0);
    for (unsigned i = 0; i < 64 * 3; i++) {
        out8(bed, 0x3c9, i / 3);
    }
    for (unsigned i = 0; i < 16; i++) {
        attribute(i, i);
    }
}

/* Six bits of the DAC as eight: the lowest is repeated. */
static u32 shade(u8 six)
{
    return (six << 2 | (six & 1 ? 3 : 0)) * 0x010101u;
}

static u32 pixel(u32 x, u32 y)
{
    u32 value;

    memcpy(&value, console->surface.pixels + y * console->surface.stride + 4 * x, 4);
    return value & 0xffffff;
}

/* 16 columns by 32 lines of display, words of memory in a row. */
static void small_screen(void)
{
    out8(bed, 0x3c2, 1);                /* colour addresses */
    set(0x3d4, 0x11, 0);
    set(0x3d4, 0x01, 1);                /* two characters across */
    set(0x3d4, 0x12, 31);
    set(0x3d4, 0x13, 1);                /* words per line: 2 */
    set(0x3d4, 0x17, 3);
    set(0x3d4, 0x18, 0xff);             /* no split screen */
    set(0x3d4, 0x07, 0x10);
    set(0x3d4, 0x09, 0x40);
    grey();
    attribute(0x12, 0x0f);
    attribute(0x10, 0x01);
    set(0x3c4, 2, 0x0f);
    set(0x3ce, 8, 0xff);
}

/* ---- registers ---- */

static void test_registers(void)
{
    set_up();
    out8(bed, 0x3c2, 1);
    g_assert_cmphex(in8(bed, 0x3cc), ==, 1);
    set(0x3c4, 2, 0xff);
    g_assert_cmphex(in8(bed, 0x3c5), ==, 0x0f);         /* bits that there are not */
    set(0x3d4, 0x11, 0x80);
    set(0x3d4, 0x01, 0x55);                             /* protected */
    g_assert_cmphex(in8(bed, 0x3d5), ==, 0);
    g_assert_cmphex(in8(bed, 0x3b5), ==, 0xff);         /* not at the other address */
    out8(bed, 0x3c8, 5);
    out8(bed, 0x3c9, 1);
    out8(bed, 0x3c9, 2);
    out8(bed, 0x3c9, 3);
    g_assert_cmphex(in8(bed, 0x3c8), ==, 6);
    out8(bed, 0x3c7, 5);
    g_assert_cmphex(in8(bed, 0x3c9), ==, 1);
    g_assert_cmphex(in8(bed, 0x3c9), ==, 2);
    g_assert_cmphex(in8(bed, 0x3c9), ==, 3);
    attribute(3, 0x7f);
    in8(bed, 0x3da);
    out8(bed, 0x3c0, 3);
    g_assert_cmphex(in8(bed, 0x3c1), ==, 0x3f);
    tear_down();
}

/* ---- text ---- */

static void test_text(void)
{
    set_up();
    small_screen();
    set(0x3d4, 0x09, 0x4f);             /* 16 lines per character */
    set(0x3d4, 0x0a, 0x20);             /* no cursor */
    set(0x3c4, 1, 0x00);                /* nine dots */
    set(0x3ce, 6, 0x0e);                /* text, window at 0xb8000 */
    set(0x3ce, 5, 0x10);
    set(0x3c4, 4, 0x02);
    mmio_write(bed, 0xb8000, 0x2a41, 2);        /* 'A', ink 10, paper 2 */
    mmio_write(bed, 0xb8002, 0x0fc4, 2);        /* a line, ink 15 */
    set(0x3ce, 6, 0x04);                /* the font, plane 2, at 0xa0000 */
    set(0x3ce, 5, 0x00);
    set(0x3c4, 2, 0x04);
    mmio_write(bed, 0xa0000 + 0x41 * 32 + 3, 0x81, 1);
    mmio_write(bed, 0xa0000 + 0xc4 * 32 + 7, 0xff, 1);
    attribute(0x10, 0x04);              /* line graphics */
    screen_on();
    console_update(console);
    g_assert_cmpuint(console->surface.width, ==, 18);
    g_assert_cmpuint(console->surface.height, ==, 32);
    g_assert_cmphex(pixel(0, 3), ==, shade(10));
    g_assert_cmphex(pixel(1, 3), ==, shade(2));
    g_assert_cmphex(pixel(7, 3), ==, shade(10));
    g_assert_cmphex(pixel(8, 3), ==, shade(2));         /* the ninth dot of a letter */
    g_assert_cmphex(pixel(16, 7), ==, shade(15));
    g_assert_cmphex(pixel(17, 7), ==, shade(15));       /* and of a line */
    set(0x3d4, 0x0a, 14);
    set(0x3d4, 0x0b, 15);
    console_update(console);
    g_assert_cmphex(pixel(4, 13), ==, shade(2));
    g_assert_cmphex(pixel(4, 14), ==, shade(10));       /* the cursor at the first */
    tear_down();
}

/* A file with the blocks of code page 437, and a letter. */
static char *make_rom(void)
{
    enum { FONT = 0x123, LINES = 16 };
    g_autofree u8 *rom = g_malloc0(8192);
    char *path;
    int fd = g_file_open_tmp("mayfly-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    memset(rom + FONT + 0xdb * LINES, 0xff, 16);
    memset(rom + FONT + 0xdc * LINES + 8, 0xff, 8);
    memset(rom + FONT + 0xdd * LINES, 0xf0, 16);
    memset(rom + FONT + 0xde * LINES, 0x0f, 16);
    memset(rom + FONT + 0xdf * LINES, 0xff, 8);
    rom[FONT + 'A' * LINES + 5] = 0x81;
    close(fd);
    g_assert_true(g_file_set_contents(path, (char *)rom, 8192, NULL));
    return path;
}

/* Without firmware: mode 3, as a BIOS sets it. */
static void test_start(void)
{
    g_autofree char *rom = make_rom(), *options = g_strdup_printf("romfile=%s", rom);

    set_up_with(options);
    g_assert_true(bed->machine->start_text(bed->machine->text_screen));
    mmio_write(bed, 0xb8000 + 2 * 80 * 2 + 2, 0x1e41, 2);       /* third row, second */
    console_update(console);
    g_assert_cmpuint(console->surface.width, ==, 720);
    g_assert_cmpuint(console->surface.height, ==, 400);
    g_assert_cmphex(pixel(9, 2 * 16 + 5), ==, 0xffff57);        /* yellow */
    g_assert_cmphex(pixel(10, 2 * 16 + 5), ==, 0x0000a8);       /* on blue */
    g_assert_cmphex(pixel(16, 2 * 16 + 5), ==, 0xffff57);
    g_assert_cmphex(pixel(0, 14), ==, 0xa8a8a8);                /* the cursor */
    g_assert_cmphex(pixel(0, 399), ==, 0);
    mmio_write(bed, 0xb8000 + 2 * 80 * 24, 0x6fdb, 2);
    console_update(console);
    g_assert_cmphex(pixel(8, 399), ==, 0xffffff);       /* lines' ninth dot */
    bed_round_trip(vga);
    tear_down();
    g_remove(rom);
    set_up_with("romfile=");
    g_assert_false(bed->machine->start_text(bed->machine->text_screen));
    tear_down();
}

/* ---- planes ---- */

static void planar(void)
{
    small_screen();
    set(0x3ce, 6, 0x05);                /* graphics, 0xa0000 */
    set(0x3ce, 5, 0x00);
    set(0x3c4, 4, 0x06);
    screen_on();
}

static void test_planes(void)
{
    set_up();
    planar();
    set(0x3c4, 2, 0x05);                /* planes 0 and 2 */
    mmio_write(bed, 0xa0000, 0x80, 1);
    set(0x3c4, 2, 0x08);
    mmio_write(bed, 0xa0001, 0x01, 1);
    console_update(console);
    g_assert_cmpuint(console->surface.width, ==, 16);
    g_assert_cmphex(pixel(0, 0), ==, shade(5));
    g_assert_cmphex(pixel(1, 0), ==, 0);
    g_assert_cmphex(pixel(15, 0), ==, shade(8));
    set(0x3ce, 4, 2);                   /* read plane 2 */
    g_assert_cmphex(mmio_read(bed, 0xa0000, 1), ==, 0x80);
    set(0x3ce, 4, 1);
    g_assert_cmphex(mmio_read(bed, 0xa0000, 1), ==, 0);
    tear_down();
}

/* Modes 1 to 3, the functions, set/reset, and reading by colour. */
static void test_write_modes(void)
{
    set_up();
    planar();
    set(0x3ce, 5, 2);                   /* mode 2: a colour, by the bit mask */
    set(0x3ce, 8, 0xf0);
    (void)mmio_read(bed, 0xa0000, 1);
    mmio_write(bed, 0xa0000, 6, 1);
    console_update(console);
    g_assert_cmphex(pixel(3, 0), ==, shade(6));
    g_assert_cmphex(pixel(4, 0), ==, 0);
    set(0x3ce, 5, 1);                   /* mode 1: the latches */
    (void)mmio_read(bed, 0xa0000, 1);
    mmio_write(bed, 0xa0001, 0, 1);
    console_update(console);
    g_assert_cmphex(pixel(8, 0), ==, shade(6));
    set(0x3ce, 8, 0xff);
    set(0x3ce, 5, 0);                   /* mode 0 with set/reset and XOR */
    set(0x3ce, 0, 0x0f);
    set(0x3ce, 1, 0x0f);
    set(0x3ce, 3, 0x18);
    (void)mmio_read(bed, 0xa0000, 1);
    mmio_write(bed, 0xa0000, 0, 1);
    console_update(console);
    g_assert_cmphex(pixel(0, 0), ==, shade(9));         /* 6 ^ 15 */
    g_assert_cmphex(pixel(4, 0), ==, shade(15));
    set(0x3ce, 3, 0);
    set(0x3ce, 1, 0);
    set(0x3ce, 0, 3);
    set(0x3ce, 5, 3);                   /* mode 3: set/reset where data has ones */
    (void)mmio_read(bed, 0xa0000, 1);
    mmio_write(bed, 0xa0000, 0x81, 1);
    console_update(console);
    g_assert_cmphex(pixel(0, 0), ==, shade(3));
    g_assert_cmphex(pixel(1, 0), ==, shade(9));
    g_assert_cmphex(pixel(7, 0), ==, shade(3));
    set(0x3ce, 5, 8);                   /* where is colour 9? */
    set(0x3ce, 2, 9);
    set(0x3ce, 7, 15);
    g_assert_cmphex(mmio_read(bed, 0xa0000, 1), ==, 0x70);
    tear_down();
}

/* ---- DISPI ---- */

static void dispi(u16 index, u16 value)
{
    space_write(bed->machine->io, 0x1ce, index, 2);
    space_write(bed->machine->io, 0x1cf, value, 2);
}

static u16 dispi_get(u16 index)
{
    space_write(bed->machine->io, 0x1ce, index, 2);
    return space_read(bed->machine->io, 0x1d0, 2);
}

static void test_dispi(void)
{
    set_up();
    g_assert_cmphex(dispi_get(0), ==, 0xb0c5);
    g_assert_cmpuint(dispi_get(0xa), ==, 64);           /* 4 MiB in 64 KiB */
    dispi(1, 64);
    dispi(2, 32);
    dispi(3, 32);
    dispi(4, 0x41);
    mmio_write(bed, 0xa0000 + 64 * 4 + 8, 0x00123456, 4);
    console_update(console);
    g_assert_cmpuint(console->surface.width, ==, 64);
    g_assert_cmpuint(console->surface.height, ==, 32);
    g_assert_cmphex(pixel(2, 1), ==, 0x123456);
    dispi(9, 1);                                        /* one line down */
    console_update(console);
    g_assert_cmphex(pixel(2, 0), ==, 0x123456);
    dispi(4, 0);
    dispi(1, 5000);
    dispi(2, 5000);
    dispi(4, 0x41);                                     /* more than there is memory */
    console_update(console);
    g_assert_cmpuint(console->surface.height, ==, 4 * MiB / (5000 * 4));
    dispi(4, 0);
    dispi(3, 16);
    dispi(1, 64);
    dispi(2, 32);
    dispi(4, 0x41);
    mmio_write(bed, 0xa0000, 0xf81f, 2);
    console_update(console);
    g_assert_cmphex(pixel(0, 0), ==, 0xff00ff);
    bed_round_trip(vga);
    tear_down();
}

/* Any registers, in any order, looked at: MAYFLY_FUZZ=N, N times as many. */
static void test_hostile(void)
{
    static const u16 ports[] = { 0x3c0, 0x3c2, 0x3c4, 0x3c5, 0x3ce, 0x3cf, 0x3d4, 0x3d5,
                                 0x3b4, 0x3b5, 0x3c8, 0x3c9 };
    const char *more = g_getenv("MAYFLY_FUZZ");
    u64 rounds = 20000ull * (more ? g_ascii_strtoull(more, NULL, 10) : 1);
    u64 random = 88172645463325252ull;

    set_up();
    for (u64 i = 0; i < rounds; i++) {
        u32 v;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        v = random >> 24;
        switch (random % 8) {
        case 0:
            dispi(v % 12, v >> 8 & (v & 0x40 ? 0xffff : 0x3f));
            break;
        case 1:
            mmio_write(bed, 0xa0000 + (v >> 8) % 0x20000, v, 1);
            break;
        case 2:
            (void)mmio_read(bed, 0xa0000 + (v >> 8) % 0x20000, 1);
            break;
        default:
            out8(bed, ports[v % G_N_ELEMENTS(ports)], v >> 8);
        }
        if (i % 64 == 0) {
            console_update(console);
        }
    }
    bed_round_trip(vga);
    tear_down();
}

/* What does not change is not told. */
static unsigned told;

static void copy(void *opaque, Console *shown, const ConsoleNews *news)
{
    told++;
}

static const ViewerOps viewer_ops = { .copy = copy };

static void settle(void)
{
    gint64 until = g_get_monotonic_time() + 400000;

    while (g_get_monotonic_time() < until) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(2000);
    }
}

static void test_viewer(void)
{
    Viewer *viewer;
    unsigned before;

    set_up();
    planar();
    viewer = viewer_new(console, &viewer_ops, NULL);
    settle();
    before = told;
    g_assert_cmpuint(before, >=, 1);
    settle();
    g_assert_cmpuint(told, ==, before);
    mmio_write(bed, 0xa0000, 0xff, 1);
    settle();
    g_assert_cmpuint(told, ==, before + 1);
    viewer_free(viewer);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vga/registers", test_registers);
    g_test_add_func("/vga/text", test_text);
    g_test_add_func("/vga/start", test_start);
    g_test_add_func("/vga/planes", test_planes);
    g_test_add_func("/vga/write-modes", test_write_modes);
    g_test_add_func("/vga/dispi", test_dispi);
    g_test_add_func("/vga/hostile", test_hostile);
    g_test_add_func("/vga/viewer", test_viewer);
    return g_test_run();
}
