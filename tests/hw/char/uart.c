/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A serial port as a driver sees it, with a socket behind it.  What is expected stands
 * in National Semiconductor's PC16550D data sheet of June 1995.
 */

#include "base/lock.h"
#include "hw/devices.h"
#include "tests/lib/bed.h"
#include "tests/lib/chardev.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COM1 = 0x3f8 };
enum { DATA = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6,
       SCR = 7 };
enum { DR = 0x01, OE = 0x02, BI = 0x10, THRE = 0x20, TEMT = 0x40 };
enum { IRQ = 1 << 4 };

typedef struct {
    Bed *bed;
    Device *uart;
    int host;                   /* the other end */
    GString *printed;
} Port;

static void set_up(Port *p, gconstpointer data)
{
    g_autofree char *options = NULL;
    int fd[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), ==, 0);
    p->host = fd[0];
    g_assert_cmpint(fcntl(p->host, F_SETFL, O_NONBLOCK), ==, 0);
    options = g_strdup_printf("socket,id=com,fd=%d%s", fd[1], (const char *)data);
    good_chardev(options);
    p->bed = bed_new();
    p->uart = bed_add(p->bed, &serial_type, "chardev=com");
    p->printed = g_string_new(NULL);
}

static void tear_down(Port *p, gconstpointer data)
{
    bed_free(p->bed);
    chardevs_close_all();
    close(p->host);
    g_string_free(p->printed, TRUE);
}

static u8 get(Port *p, unsigned reg)
{
    return in8(p->bed, COM1 + reg);
}

static void put(Port *p, unsigned reg, u8 value)
{
    out8(p->bed, COM1 + reg, value);
}

static bool irq(Port *p)
{
    return p->bed->lines & IRQ;
}

static void host_says(Port *p, const char *text)
{
    g_assert_cmpint(write(p->host, text, strlen(text)), ==, strlen(text));
}

static bool host_got(Port *p, const char *text)
{
    slurp(p->host, p->printed);
    return strcmp(p->printed->str, text) == 0;
}

/* Table III: after a reset. */
static void registers(Port *p, gconstpointer data)
{
    g_assert_cmphex(get(p, IER), ==, 0x00);
    g_assert_cmphex(get(p, IIR), ==, 0x01);
    g_assert_cmphex(get(p, LCR), ==, 0x00);
    g_assert_cmphex(get(p, MCR), ==, 0x00);
    g_assert_cmphex(get(p, LSR), ==, THRE | TEMT);
    g_assert_cmphex(get(p, MSR) & 0x0f, ==, 0x00);
    put(p, SCR, 0x5a);
    g_assert_cmphex(get(p, SCR), ==, 0x5a);
    put(p, IER, 0xff);
    g_assert_cmphex(get(p, IER), ==, 0x0f);
    put(p, IER, 0);
    put(p, MCR, 0xff);
    g_assert_cmphex(get(p, MCR), ==, 0x1f);
    put(p, MCR, 0);
    put(p, LCR, 0x9b);                  /* divisor latch */
    put(p, DATA, 0x34);
    put(p, IER, 0x12);
    g_assert_cmphex(get(p, DATA), ==, 0x34);
    g_assert_cmphex(get(p, IER), ==, 0x12);
    put(p, LCR, 0x1b);
    g_assert_cmphex(get(p, LCR), ==, 0x1b);
    g_assert_cmphex(get(p, IER), ==, 0x00);
}

/* How Linux's 8250 driver tells a 16550A: FIFO bits of IIR after FCR bit 0. */
static void fifo_is_found(Port *p, gconstpointer data)
{
    put(p, FCR, 0x00);
    g_assert_cmphex(get(p, IIR), ==, 0x01);
    put(p, FCR, 0x01);
    g_assert_cmphex(get(p, IIR), ==, 0xc1);
    put(p, FCR, 0xc0);                  /* bit 0 must be 1 for the others to be taken */
    g_assert_cmphex(get(p, IIR), ==, 0x01);
}

static void output(Port *p, gconstpointer data)
{
    for (const char *c = "hello"; *c; c++) {
        g_assert_cmphex(get(p, LSR) & (THRE | TEMT), ==, THRE | TEMT);
        put(p, DATA, *c);
    }
    until(host_got(p, "hello"));
}

/* 8.4 and 8.6.3: THRE interrupt: by enabling it, by reading IIR, by a byte. */
static void output_interrupt(Port *p, gconstpointer data)
{
    put(p, IER, 0x02);
    g_assert_true(irq(p));
    g_assert_cmphex(get(p, IIR), ==, 0x02);
    g_assert_false(irq(p));             /* reading IIR with this source resets it */
    g_assert_cmphex(get(p, IIR), ==, 0x01);
    put(p, IER, 0x00);
    put(p, IER, 0x02);
    g_assert_cmphex(get(p, IIR), ==, 0x02);
    p->bed->rises[4] = 0;
    put(p, DATA, 'a');
    g_assert_true(irq(p));
    put(p, DATA, 'b');                  /* empty again: a new edge for the controller */
    g_assert_cmpuint(p->bed->rises[4], ==, 2);
    g_assert_cmphex(get(p, IIR), ==, 0x02);
    g_assert_cmphex(get(p, IIR), ==, 0x01);
    until(host_got(p, "ab"));
}

/* Without FIFO: one byte at a time, the next when it was read. */
static void input(Port *p, gconstpointer data)
{
    put(p, IER, 0x01);
    host_says(p, "xyz");
    for (const char *c = "xyz"; *c; c++) {
        until(get(p, LSR) & DR);
        g_assert_true(irq(p));
        g_assert_cmphex(get(p, IIR), ==, 0x04);
        g_assert_cmphex(get(p, DATA), ==, *c);
    }
    turn_for_ms(5);
    g_assert_cmphex(get(p, LSR), ==, THRE | TEMT);
    g_assert_false(irq(p));
}

/* 8.4.1: trigger levels; below them four characters' time until the time-out. */
static void input_fifo(Port *p, gconstpointer data)
{
    const u64 char_ns = 10 * NS_PER_SEC / 115200;

    put(p, LCR, 0x83);
    put(p, DATA, 1);                    /* 115200 baud, 8 bits */
    put(p, IER, 0);
    put(p, LCR, 0x03);
    put(p, FCR, 0x81);                  /* 8 bytes */
    put(p, IER, 0x01);
    host_says(p, "1234567");
    until(get(p, LSR) & DR);
    turn_for_ms(5);
    g_assert_false(irq(p));
    bed_time(p->bed, 4 * char_ns - 1000);
    g_assert_false(irq(p));
    bed_time(p->bed, 4 * char_ns + 1000);
    g_assert_true(irq(p));
    g_assert_cmphex(get(p, IIR), ==, 0xcc);
    g_assert_cmphex(get(p, DATA), ==, '1');
    g_assert_false(irq(p));             /* reading resets the time-out, and its clock */
    bed_time(p->bed, 7 * char_ns);
    g_assert_false(irq(p));
    host_says(p, "89");
    until(irq(p));
    g_assert_cmphex(get(p, IIR), ==, 0xc4);
    for (const char *c = "23456789"; *c; c++) {
        g_assert_cmphex(get(p, DATA), ==, *c);
        g_assert_false(irq(p));
    }
    g_assert_cmphex(get(p, LSR), ==, THRE | TEMT);
}

/* More than the FIFO takes: nothing is lost. */
static void flow_control(Port *p, gconstpointer data)
{
    g_autoptr(GString) said = g_string_new(NULL), got = g_string_new(NULL);

    for (unsigned i = 0; i < 1000; i++) {
        g_string_append_printf(said, "%u,", i);
    }
    put(p, FCR, 0xc1);
    host_says(p, said->str);
    while (got->len < said->len) {
        u8 lsr;

        until((lsr = get(p, LSR)) & DR);
        g_assert_cmphex(lsr & OE, ==, 0);
        g_string_append_c(got, get(p, DATA));
    }
    g_assert_cmpstr(got->str, ==, said->str);
}

/* A reader that has stopped: THR stays full, the rest goes out when it reads again. */
static void slow_reader(Port *p, gconstpointer data)
{
    size_t sent = 0;

    put(p, FCR, 0x01);
    while (get(p, LSR) & THRE) {
        put(p, DATA, 'a' + sent++ % 26);
        g_assert_cmpuint(sent, <, 64 * MiB);
    }
    put(p, IER, 0x02);
    g_assert_false(irq(p));
    until((slurp(p->host, p->printed), p->printed->len == sent));
    g_assert_true(get(p, LSR) & THRE);
    g_assert_true(irq(p));
    g_assert_cmphex(get(p, IIR), ==, 0xc2);
    for (size_t i = 0; i < sent; i++) {
        g_assert_cmphex(p->printed->str[i], ==, 'a' + i % 26);
    }
}

/* MCR bit 4: what is written is received, modem lines are MCR's, the host is off. */
static void loopback(Port *p, gconstpointer data)
{
    put(p, MCR, 0x10);
    g_assert_cmphex(get(p, MSR) & 0xf0, ==, 0x00);
    put(p, MCR, 0x1a);                  /* as Linux looks for a UART */
    g_assert_cmphex(get(p, MSR) & 0xf0, ==, 0x90);
    put(p, MCR, 0x15);
    g_assert_cmphex(get(p, MSR), ==, 0x60 | 0x0b);      /* all but RI changed */
    put(p, IER, 0x08);
    g_assert_false(irq(p));
    put(p, MCR, 0x11);
    g_assert_cmphex(get(p, IIR), ==, 0x00);
    g_assert_cmphex(get(p, MSR), ==, 0x24);             /* trailing edge of RI */
    g_assert_false(irq(p));
    put(p, IER, 0x05);
    put(p, DATA, 0x55);
    g_assert_cmphex(get(p, IIR), ==, 0x04);
    put(p, DATA, 0xaa);                 /* 8.6.2: overrun, the old one is destroyed */
    g_assert_cmphex(get(p, IIR), ==, 0x06);
    g_assert_cmphex(get(p, LSR), ==, DR | OE | THRE | TEMT);
    g_assert_cmphex(get(p, LSR), ==, DR | THRE | TEMT);
    g_assert_cmphex(get(p, DATA), ==, 0xaa);
    put(p, FCR, 0x01);
    for (unsigned i = 0; i < 17; i++) {
        put(p, DATA, i);
    }
    g_assert_cmphex(get(p, LSR) & (DR | OE), ==, DR | OE);
    for (unsigned i = 0; i < 16; i++) {
        g_assert_cmphex(get(p, DATA), ==, i);
    }
    g_assert_cmphex(get(p, LSR) & DR, ==, 0);
    host_says(p, "k");
    turn_for_ms(5);
    g_assert_cmphex(get(p, LSR) & DR, ==, 0);
    put(p, MCR, 0x00);
    until(get(p, LSR) & DR);
    g_assert_cmphex(get(p, DATA), ==, 'k');
    g_assert_true(host_got(p, ""));
}

/* 8.6.2: a break is a null character whose bit shows when it is at the top. */
static void break_condition(Port *p, gconstpointer data)
{
    put(p, FCR, 0xc1);
    put(p, IER, 0x04);
    host_says(p, "q");
    until(get(p, LSR) & DR);
    host_says(p, "\001b");              /* C-a b of a mux */
    until(get(p, LSR) & 0x80);          /* an error in the FIFO, not at the top */
    g_assert_false(irq(p));
    g_assert_cmphex(get(p, DATA), ==, 'q');
    g_assert_true(irq(p));
    g_assert_cmphex(get(p, IIR), ==, 0xc6);
    g_assert_cmphex(get(p, LSR) & (DR | BI), ==, DR | BI);
    g_assert_cmphex(get(p, LSR), ==, DR | THRE | TEMT);
    g_assert_false(irq(p));
    g_assert_cmphex(get(p, DATA), ==, 0);
}

/* FCR bits 1 and 2 empty the FIFOs; so does a change of bit 0. */
static void fifo_reset(Port *p, gconstpointer data)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        put(p, FCR, 0x01);
        put(p, MCR, 0x10);
        put(p, DATA, 'x');
        put(p, DATA, 'y');
        put(p, FCR, pass ? 0x00 : 0x03);
        g_assert_cmphex(get(p, LSR), ==, THRE | TEMT);
    }
}

static void round_trip(Port *p, gconstpointer data)
{
    put(p, FCR, 0x41);
    put(p, IER, 0x01);
    host_says(p, "123");
    until(get(p, LSR) & DR);
    turn_for_ms(5);
    bed_round_trip(p->uart);
    bed_time(p->bed, NS_PER_SEC);
    g_assert_cmphex(get(p, IIR), ==, 0xcc);
    g_assert_cmphex(get(p, DATA), ==, '1');
    host_says(p, "45");
    until(irq(p));
    g_assert_cmphex(get(p, IIR), ==, 0xc4);
}

/* Ports and interrupts of the four; a fifth needs both; none may lie on another. */
static void places(void)
{
    static const u16 base[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8, 0x5000 };
    static const u8 line[] = { 4, 3, 4, 3, 10 };
    g_autoptr(Bed) bed = bed_new();

    for (unsigned i = 0; i < 5; i++) {
        bed_add(bed, &serial_type, i == 4 ? "iobase=0x5000,irq=10" : NULL);
        out8(bed, base[i] + IER, 0x02);
        g_assert_cmphex(bed->lines, ==, 1 << line[i]);
        in8(bed, base[i] + IIR);
        g_assert_cmphex(bed->lines, ==, 0);
    }
    bed_refuses(bed, &serial_type, NULL,
                "isa-serial: the places of COM1 to COM4 are taken: "
                "give iobase and irq");
    bed_refuses(bed, &serial_type, "index=1",
                "isa-serial: port 0x2f8 is taken by isa-serial");
    bed_refuses(bed, &serial_type, "iobase=0xfffc,irq=5",
                "isa-serial: 8 ports from 0xfffc on go beyond port 0xffff");
    bed_refuses(bed, &serial_type, "index=5",
                "isa-serial: index: '5' is not a number from 0 to 4");
    bed_refuses(bed, &serial_type, "chardev=nobody,iobase=0x6000,irq=5",
                "isa-serial: there is no chardev 'nobody'");
}

static void nudge(Bed *bed, Device *uart, u32 random)
{
    if (random % 64 == 0) {
        machine_unlock();
        g_main_context_iteration(NULL, FALSE);
        machine_lock();
    }
}

static void fuzz(Port *p, gconstpointer data)
{
    static const BedRange range[] = { { COM1, 8, false } };
    static u8 flood[100000];

    memset(flood, 'f', sizeof flood);
    g_assert_cmpint(write(p->host, flood, sizeof flood), >, 1000);
    bed_fuzz(p->bed, p->uart, range, 1, nudge);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST_WITH(f, o) g_test_add("/hw/char/uart/" #f, Port, o, set_up, f, tear_down)
#define TEST(f) TEST_WITH(f, "")
    TEST(registers);
    TEST(fifo_is_found);
    TEST(output);
    TEST(output_interrupt);
    TEST(input);
    TEST(input_fifo);
    TEST(flow_control);
    TEST(slow_reader);
    TEST(loopback);
    TEST_WITH(break_condition, ",mux=on");
    TEST(fifo_reset);
    TEST(round_trip);
    TEST(fuzz);
    g_test_add_func("/hw/char/uart/places", places);
    return g_test_run();
}
