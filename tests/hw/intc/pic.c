/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of 8259As as a driver sees them.  What is expected stands in Intel's 8259A
 * data sheet (its section names are given) and, for the edge/level registers, in the
 * ICH9's.
 */

#include "hw/intc/pic.h"

#include "tests/lib/bed.h"

enum { MASTER = 0x20, SLAVE = 0xa0, ELCR = 0x4d0 };

typedef struct {
    Bed *bed;
    Device *pic;
    Irq in[16];
    bool intr;
} Pics;

static void intr_set(void *opaque, unsigned n, bool level)
{
    ((Pics *)opaque)->intr = level;
}

/* "Initialization Command Words": ICW1 to ICW4, then OCW1. */
static void init(Pics *p, u8 icw4)
{
    out8(p->bed, MASTER, 0x11);
    out8(p->bed, MASTER + 1, 0x20);
    out8(p->bed, MASTER + 1, 0x04);
    out8(p->bed, MASTER + 1, icw4);
    out8(p->bed, SLAVE, 0x11);
    out8(p->bed, SLAVE + 1, 0x28);
    out8(p->bed, SLAVE + 1, 0x02);
    out8(p->bed, SLAVE + 1, icw4);
}

static void set_up(Pics *p, gconstpointer data)
{
    p->bed = bed_new();
    p->pic = bed_add(p->bed, &pic_type, NULL);
    pic_connect(p->pic, (Irq){ intr_set, p, 0 });
    for (unsigned i = 0; i < 16; i++) {
        p->in[i] = pic_input(p->pic, i);
    }
    init(p, 0x01);
}

static void tear_down(Pics *p, gconstpointer data)
{
    bed_free(p->bed);
}

static void up(Pics *p, unsigned n)
{
    irq_set(&p->in[n], true);
}

static void down(Pics *p, unsigned n)
{
    irq_set(&p->in[n], false);
}

static u8 irr(Pics *p, u16 chip)
{
    out8(p->bed, chip, 0x0a);
    return in8(p->bed, chip);
}

static u8 isr(Pics *p, u16 chip)
{
    out8(p->bed, chip, 0x0b);
    return in8(p->bed, chip);
}

static void assert_vector(Pics *p, u8 vector)
{
    g_assert_true(p->intr);
    g_assert_true(pic_pending(p->pic));
    g_assert_cmphex(pic_ack(p->pic), ==, vector);
}

/* "Interrupt Sequence": IRR, INT, acknowledge, ISR, EOI. */
static void sequence(Pics *p, gconstpointer data)
{
    g_assert_false(p->intr);
    up(p, 3);
    g_assert_cmphex(irr(p, MASTER), ==, 0x08);
    g_assert_cmphex(isr(p, MASTER), ==, 0x00);
    assert_vector(p, 0x23);
    g_assert_false(p->intr);
    g_assert_cmphex(irr(p, MASTER), ==, 0x00);
    g_assert_cmphex(isr(p, MASTER), ==, 0x08);
    /* Still up: an edge makes one interrupt only. */
    out8(p->bed, MASTER, 0x20);
    g_assert_cmphex(isr(p, MASTER), ==, 0x00);
    g_assert_false(p->intr);
    down(p, 3);
    up(p, 3);
    assert_vector(p, 0x23);
}

/* "Fully Nested Mode": IR0 is highest; equal and lower wait for the EOI. */
static void nesting(Pics *p, gconstpointer data)
{
    up(p, 5);
    assert_vector(p, 0x25);
    up(p, 6);
    g_assert_false(p->intr);
    up(p, 1);
    assert_vector(p, 0x21);
    g_assert_cmphex(isr(p, MASTER), ==, 0x22);
    out8(p->bed, MASTER, 0x20);         /* non-specific: the highest, IR1 */
    g_assert_cmphex(isr(p, MASTER), ==, 0x20);
    g_assert_false(p->intr);
    out8(p->bed, MASTER, 0x65);         /* specific, IR5 */
    assert_vector(p, 0x26);
}

/* "Interrupt Mask Register": masking does not lose the request. */
static void masking(Pics *p, gconstpointer data)
{
    out8(p->bed, MASTER + 1, 0x10);
    g_assert_cmphex(in8(p->bed, MASTER + 1), ==, 0x10);
    up(p, 4);
    g_assert_false(p->intr);
    g_assert_cmphex(irr(p, MASTER), ==, 0x10);
    out8(p->bed, MASTER + 1, 0x00);
    assert_vector(p, 0x24);
}

/* "Cascade Mode": the slave's vector, an EOI for both. */
static void cascade(Pics *p, gconstpointer data)
{
    up(p, 12);
    g_assert_cmphex(irr(p, SLAVE), ==, 0x10);
    assert_vector(p, 0x2c);
    g_assert_cmphex(isr(p, MASTER), ==, 0x04);
    g_assert_cmphex(isr(p, SLAVE), ==, 0x10);
    up(p, 13);                       /* lower than the one in service */
    up(p, 9);                        /* higher, but the master's IR2 is in service */
    g_assert_false(p->intr);
    out8(p->bed, SLAVE, 0x20);
    g_assert_false(p->intr);
    out8(p->bed, MASTER, 0x20);
    assert_vector(p, 0x29);
    out8(p->bed, SLAVE, 0x20);
    out8(p->bed, MASTER, 0x20);
    assert_vector(p, 0x2d);
}

/* "The Special Fully Nested Mode": a slave's higher request is let through. */
static void special_nesting(Pics *p, gconstpointer data)
{
    init(p, 0x11);
    up(p, 12);
    assert_vector(p, 0x2c);
    up(p, 9);
    assert_vector(p, 0x29);
    g_assert_cmphex(isr(p, SLAVE), ==, 0x12);
}

/* "Automatic End of Interrupt (AEOI) Mode" */
static void automatic_end(Pics *p, gconstpointer data)
{
    init(p, 0x03);
    up(p, 4);
    up(p, 14);
    assert_vector(p, 0x2e);
    assert_vector(p, 0x24);
    g_assert_cmphex(isr(p, MASTER), ==, 0x00);
    g_assert_cmphex(isr(p, SLAVE), ==, 0x00);
    g_assert_false(p->intr);
}

/* "Automatic Rotation": the served device becomes the lowest. */
static void rotation(Pics *p, gconstpointer data)
{
    up(p, 4);
    up(p, 6);
    assert_vector(p, 0x24);
    out8(p->bed, MASTER, 0xa0);         /* rotate on non-specific EOI: IR5 highest */
    down(p, 4);
    up(p, 4);
    assert_vector(p, 0x26);             /* the data sheet's example */
    out8(p->bed, MASTER, 0x66);
    assert_vector(p, 0x24);
    out8(p->bed, MASTER, 0x64);
    /* "Specific Rotation": IR5 lowest, so IR6 is highest. */
    out8(p->bed, MASTER, 0xc5);
    down(p, 6);
    up(p, 6);
    up(p, 0);
    up(p, 5);
    assert_vector(p, 0x26);
    out8(p->bed, MASTER, 0xe6);         /* rotate on specific EOI: IR7 highest */
    assert_vector(p, 0x20);
    out8(p->bed, MASTER, 0x20);
    assert_vector(p, 0x25);
}

/* Rotate in automatic EOI mode. */
static void automatic_rotation(Pics *p, gconstpointer data)
{
    init(p, 0x03);
    out8(p->bed, MASTER, 0x80);
    up(p, 0);
    assert_vector(p, 0x20);
    down(p, 0);
    up(p, 0);
    up(p, 7);
    assert_vector(p, 0x27);
    out8(p->bed, MASTER, 0x00);
    assert_vector(p, 0x20);
}

/* "Special Mask Mode": lower levels too, unless masked. */
static void special_mask(Pics *p, gconstpointer data)
{
    up(p, 3);
    assert_vector(p, 0x23);
    up(p, 6);
    g_assert_false(p->intr);
    out8(p->bed, MASTER + 1, 0x08);
    out8(p->bed, MASTER, 0x68);
    assert_vector(p, 0x26);
    /* A non-specific EOI does not clear an in-service bit that is masked. */
    out8(p->bed, MASTER, 0x20);
    g_assert_cmphex(isr(p, MASTER), ==, 0x08);
    out8(p->bed, MASTER, 0x20);
    g_assert_cmphex(isr(p, MASTER), ==, 0x08);
    out8(p->bed, MASTER, 0x48);
    out8(p->bed, MASTER, 0x63);
    g_assert_cmphex(isr(p, MASTER), ==, 0x00);
}

/* "Poll Command": the read is the acknowledge. */
static void poll(Pics *p, gconstpointer data)
{
    out8(p->bed, MASTER, 0x0c);
    g_assert_cmphex(in8(p->bed, MASTER) & 0x80, ==, 0);
    up(p, 6);
    out8(p->bed, MASTER, 0x0c);
    g_assert_cmphex(in8(p->bed, MASTER), ==, 0x86);
    g_assert_false(p->intr);
    g_assert_cmphex(isr(p, MASTER), ==, 0x40);
    up(p, 10);
    out8(p->bed, MASTER, 0x0c);
    g_assert_cmphex(in8(p->bed, MASTER), ==, 0x82);
    out8(p->bed, SLAVE, 0x0c);
    g_assert_cmphex(in8(p->bed, SLAVE), ==, 0x82);
}

/* "Edge and Level Triggered Modes": no request at the acknowledge: IR7, no ISR bit. */
static void spurious(Pics *p, gconstpointer data)
{
    up(p, 4);
    g_assert_true(p->intr);
    down(p, 4);
    g_assert_false(p->intr);
    g_assert_cmphex(pic_ack(p->pic), ==, 0x27);
    g_assert_cmphex(isr(p, MASTER), ==, 0x00);
    /* A real IR7 sets the bit: that is how a handler tells. */
    up(p, 7);
    assert_vector(p, 0x27);
    g_assert_cmphex(isr(p, MASTER), ==, 0x80);
}

/* ICH9, 13.4.11: ELCR. */
static void level_triggered(Pics *p, gconstpointer data)
{
    out8(p->bed, ELCR, 0xff);
    out8(p->bed, ELCR + 1, 0xff);
    g_assert_cmphex(in8(p->bed, ELCR), ==, 0xf8);
    g_assert_cmphex(in8(p->bed, ELCR + 1), ==, 0xde);
    up(p, 10);
    assert_vector(p, 0x2a);
    g_assert_cmphex(irr(p, SLAVE), ==, 0x04);
    out8(p->bed, SLAVE, 0x20);
    out8(p->bed, MASTER, 0x20);
    assert_vector(p, 0x2a);             /* still up */
    down(p, 10);
    out8(p->bed, SLAVE, 0x20);
    out8(p->bed, MASTER, 0x20);
    g_assert_false(p->intr);
}

/* ICW1: "the edge sense circuit is reset", IMR cleared, IR7 lowest, IRR is read. */
static void initialization(Pics *p, gconstpointer data)
{
    up(p, 3);
    out8(p->bed, MASTER + 1, 0xff);
    out8(p->bed, MASTER, 0x0b);
    out8(p->bed, MASTER, 0xc3);
    init(p, 0x01);
    g_assert_cmphex(in8(p->bed, MASTER + 1), ==, 0x00);
    g_assert_cmphex(in8(p->bed, MASTER), ==, 0x00);
    g_assert_false(p->intr);
    down(p, 3);
    up(p, 3);
    up(p, 4);
    assert_vector(p, 0x23);
}

static void round_trip(Pics *p, gconstpointer data)
{
    up(p, 12);
    assert_vector(p, 0x2c);
    up(p, 3);
    up(p, 1);
    bed_round_trip(p->pic);
    assert_vector(p, 0x21);
    g_assert_cmphex(isr(p, MASTER), ==, 0x06);
    g_assert_cmphex(irr(p, MASTER), ==, 0x08);
}

static void nudge(Bed *bed, Device *pic, u32 random)
{
    Irq in = pic_input(pic, random % 16);

    irq_set(&in, random >> 8 & 1);
    if (random & 0x200) {
        (void)pic_ack(pic);
    }
}

static void fuzz(Pics *p, gconstpointer data)
{
    static const BedRange range[] = {
        { MASTER, 2, false }, { SLAVE, 2, false }, { ELCR, 2, false },
    };

    bed_fuzz(p->bed, p->pic, range, G_N_ELEMENTS(range), nudge);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(f) g_test_add("/hw/intc/pic/" #f, Pics, NULL, set_up, f, tear_down)
    TEST(sequence);
    TEST(nesting);
    TEST(masking);
    TEST(cascade);
    TEST(special_nesting);
    TEST(automatic_end);
    TEST(rotation);
    TEST(automatic_rotation);
    TEST(special_mask);
    TEST(poll);
    TEST(spurious);
    TEST(level_triggered);
    TEST(initialization);
    TEST(round_trip);
    TEST(fuzz);
    return g_test_run();
}
