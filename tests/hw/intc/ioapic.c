/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O APIC as a driver sees it.  What is expected stands in Intel's 82093AA data
 * sheet, in the ICH9 data sheet (13.5, EOI register), and for messages in SDM vol. 3,
 * 11.11.
 */

#include "hw/intc/ioapic.h"

#include "tests/lib/bed.h"

enum { SELECT = IOAPIC_BASE, WINDOW = IOAPIC_BASE + 0x10, EOI = IOAPIC_BASE + 0x40 };
enum { LEVEL = 1 << 15, REMOTE_IRR = 1 << 14, LOGICAL = 1 << 11, MASKED = 1 << 16 };

typedef struct {
    Bed *bed;
    Device *ioapic;
} Chip;

static void set_up(Chip *c, gconstpointer data)
{
    c->bed = bed_new();
    c->ioapic = bed_add(c->bed, &ioapic_type, NULL);
}

static void tear_down(Chip *c, gconstpointer data)
{
    bed_free(c->bed);
}

static u32 get(Chip *c, u8 index)
{
    mmio_write(c->bed, SELECT, index, 4);
    return mmio_read(c->bed, WINDOW, 4);
}

static void put(Chip *c, u8 index, u32 value)
{
    mmio_write(c->bed, SELECT, index, 4);
    mmio_write(c->bed, WINDOW, value, 4);
}

static void entry(Chip *c, unsigned pin, u32 high, u32 low)
{
    put(c, 0x11 + 2 * pin, high);
    put(c, 0x10 + 2 * pin, low);
}

static void pin_from(Chip *c, unsigned pin, unsigned source, bool level)
{
    Irq in = ioapic_input(c->ioapic, pin, source);

    irq_set(&in, level);
}

static void pin(Chip *c, unsigned n, bool level)
{
    pin_from(c, n, 0, level);
}

/* The `count`-th message was the last, and this one. */
static void assert_message(Chip *c, unsigned count, gpa address, u32 data)
{
    unsigned last = (count - 1) % G_N_ELEMENTS(c->bed->msi);

    g_assert_cmpuint(c->bed->messages, ==, count);
    g_assert_cmphex(c->bed->msi[last].address, ==, address);
    g_assert_cmphex(c->bed->msi[last].data, ==, data);
}

/* 3.2: ID, version, arbitration, entries after a reset. */
static void registers(Chip *c, gconstpointer data)
{
    g_assert_cmphex(get(c, 0x01), ==, 0x00170020);
    put(c, 0x01, 0);
    g_assert_cmphex(get(c, 0x01), ==, 0x00170020);
    put(c, 0x00, 0xffffffff);
    g_assert_cmphex(get(c, 0x00), ==, 0x0f000000);
    for (unsigned n = 0; n < 24; n++) {
        g_assert_cmphex(get(c, 0x10 + 2 * n), ==, MASKED);
        g_assert_cmphex(get(c, 0x11 + 2 * n), ==, 0);
    }
    g_assert_cmphex(get(c, 0x40), ==, 0);
    g_assert_cmphex(mmio_read(c->bed, SELECT, 4), ==, 0x40);
    /* 3.2.4: delivery status and Remote IRR can't be written. */
    entry(c, 5, 0xffffffff, 0xffffffff);
    g_assert_cmphex(get(c, 0x1a), ==, 0x0001afff);
    g_assert_cmphex(get(c, 0x1b) >> 24, ==, 0xff);
}

static void edge(Chip *c, gconstpointer data)
{
    entry(c, 4, 0x03000000, 0x31);
    pin(c, 4, true);
    assert_message(c, 1, 0xfee03000, 0x31);
    pin(c, 4, true);
    g_assert_cmpuint(c->bed->messages, ==, 1);
    pin(c, 4, false);
    pin(c, 4, true);
    assert_message(c, 2, 0xfee03000, 0x31);
    g_assert_cmphex(get(c, 0x18) & REMOTE_IRR, ==, 0);
    /* 3.2.4, bit 16: edges on a masked pin are not held pending. */
    pin(c, 4, false);
    entry(c, 4, 0x03000000, MASKED | 0x31);
    pin(c, 4, true);
    entry(c, 4, 0x03000000, 0x31);
    g_assert_cmpuint(c->bed->messages, ==, 2);
}

/* Lowest priority, logical destination: what the message says of them. */
static void message(Chip *c, gconstpointer data)
{
    entry(c, 0, 0xff000000, LOGICAL | 1 << 8 | 0xd1);
    pin(c, 0, true);
    assert_message(c, 1, 0xfeeff004, 0x1d1);
    entry(c, 1, 0x00000000, 4 << 8 | LEVEL);        /* NMI, always an edge */
    pin(c, 1, true);
    assert_message(c, 2, 0xfee00000, 0x400);
    /* APIC ID 0x0123: bits 8-14 of it in entry bits 49-55, address bits 5-11. */
    entry(c, 2, 0x23020000, 0x55);
    pin(c, 2, true);
    assert_message(c, 3, 0xfee23020, 0x55);
}

static void level(Chip *c, gconstpointer data)
{
    entry(c, 17, 0, LEVEL | 0x61);
    pin(c, 17, true);
    assert_message(c, 1, 0xfee00000, 0xc061);
    g_assert_cmphex(get(c, 0x10 + 34) & REMOTE_IRR, ==, REMOTE_IRR);
    ioapic_eoi(c->ioapic, 0x60);                    /* another vector's */
    g_assert_cmpuint(c->bed->messages, ==, 1);
    ioapic_eoi(c->ioapic, 0x61);                    /* still up: again */
    assert_message(c, 2, 0xfee00000, 0xc061);
    pin(c, 17, false);
    g_assert_cmphex(get(c, 0x10 + 34) & REMOTE_IRR, ==, REMOTE_IRR);
    mmio_write(c->bed, EOI, 0x61, 4);               /* version 0x20's register */
    g_assert_cmphex(get(c, 0x10 + 34) & REMOTE_IRR, ==, 0);
    g_assert_cmpuint(c->bed->messages, ==, 2);
    /* Masked while up: it comes when it is unmasked. */
    entry(c, 17, 0, MASKED | LEVEL | 0x61);
    pin(c, 17, true);
    g_assert_cmpuint(c->bed->messages, ==, 2);
    entry(c, 17, 0, LEVEL | 0x61);
    assert_message(c, 3, 0xfee00000, 0xc061);
}

/* Linux on chips without an EOI register: edge and masked, then level again. */
static void remote_irr_by_hand(Chip *c, gconstpointer data)
{
    entry(c, 9, 0, LEVEL | 0x39);
    pin(c, 9, true);
    entry(c, 9, 0, MASKED | 0x39);
    g_assert_cmphex(get(c, 0x22) & REMOTE_IRR, ==, 0);
    entry(c, 9, 0, LEVEL | 0x39);
    assert_message(c, 2, 0xfee00000, 0xc039);
}

/* A pin is up while any source holds it. */
static void sources(Chip *c, gconstpointer data)
{
    entry(c, 20, 0, LEVEL | 0x70);
    pin_from(c, 20, 0, true);
    pin_from(c, 20, 7, true);
    pin_from(c, 20, 0, false);
    ioapic_eoi(c->ioapic, 0x70);
    g_assert_cmpuint(c->bed->messages, ==, 2);
    pin_from(c, 20, 7, false);
    ioapic_eoi(c->ioapic, 0x70);
    g_assert_cmpuint(c->bed->messages, ==, 2);
}

static void changed(void *opaque, u32 pins)
{
    *(u32 *)opaque |= pins;
}

static void routes(Chip *c, gconstpointer data)
{
    u32 pins = 0;
    IoapicRoute r;

    g_assert_true(ioapic_route(c->ioapic, 23).masked);
    ioapic_listen(c->ioapic, changed, &pins);
    entry(c, 23, 0x05000000, LEVEL | 0x81);
    g_assert_cmphex(pins, ==, 1 << 23);
    r = ioapic_route(c->ioapic, 23);
    g_assert_cmphex(r.address, ==, 0xfee05000);
    g_assert_cmphex(r.data, ==, 0xc081);
    g_assert_false(r.masked);
    g_assert_true(r.level);
    /* Remote IRR coming and going leads nowhere else. */
    pins = 0;
    pin(c, 23, true);
    ioapic_eoi(c->ioapic, 0x81);
    entry(c, 23, 0x05000000, LEVEL | 0x81);
    g_assert_cmphex(pins, ==, 0);
    device_reset(c->ioapic);
    g_assert_cmphex(pins, ==, 0xffffff);
    pins = 0;
    bed_round_trip(c->ioapic);
    g_assert_cmphex(pins, ==, 0xffffff);
    ioapic_unlisten(c->ioapic, changed, &pins);
    pins = 0;
    entry(c, 23, 0, 0x81);
    g_assert_cmphex(pins, ==, 0);
}

/* Restoring sends nothing, and what was waiting for its EOI still does. */
static void round_trip(Chip *c, gconstpointer data)
{
    entry(c, 16, 0, LEVEL | 0x51);
    pin(c, 16, true);
    bed_round_trip(c->ioapic);
    g_assert_cmpuint(c->bed->messages, ==, 1);
    ioapic_eoi(c->ioapic, 0x51);
    assert_message(c, 2, 0xfee00000, 0xc051);
}

/* 3.1: the window is 32 bits wide. */
static void widths(Chip *c, gconstpointer data)
{
    mmio_write(c->bed, SELECT, 0x01, 4);
    g_assert_cmphex(mmio_read(c->bed, WINDOW, 1), ==, 0x20);
    g_assert_cmphex(mmio_read(c->bed, WINDOW + 2, 2), ==, 0x17);
    mmio_write(c->bed, SELECT, 0x00, 1);
    g_assert_cmphex(mmio_read(c->bed, SELECT, 4), ==, 0x01);
}

static void nudge(Bed *bed, Device *ioapic, u32 random)
{
    Irq in = ioapic_input(ioapic, random % IOAPIC_PINS, random >> 8 & 7);

    irq_set(&in, random >> 16 & 1);
    if (random >> 17 & 1) {
        ioapic_eoi(ioapic, random >> 24);
    }
}

static void fuzz(Chip *c, gconstpointer data)
{
    static const BedRange range[] = {
        { IOAPIC_BASE, 0x20, true }, { IOAPIC_BASE, 0x1000, true },
    };

    bed_fuzz(c->bed, c->ioapic, range, G_N_ELEMENTS(range), nudge);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(f) g_test_add("/hw/intc/ioapic/" #f, Chip, NULL, set_up, f, tear_down)
    TEST(registers);
    TEST(edge);
    TEST(message);
    TEST(level);
    TEST(remote_irr_by_hand);
    TEST(sources);
    TEST(routes);
    TEST(round_trip);
    TEST(widths);
    TEST(fuzz);
    return g_test_run();
}
