/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two 8259A interrupt controllers, cascaded as in every PC (Intel 8259A data sheet),
 * with the edge/level control registers of the ICH (ICH9 data sheet, 13.4.11).
 *
 * All of the data sheet's modes are here: fully nested, special fully nested, automatic
 * rotation, specific rotation, special mask, polled, automatic end of interrupt.  Left
 * out: the 8080 vector mode (ICW4 bit 0 is taken as 1), buffered mode (pins that a
 * program can't see) and LTIM, which the ICH ignores in favour of its ELCR.
 *
 * A request in edge mode is withdrawn when its line falls before the acknowledge cycle,
 * as in the data sheet's priority cell; the acknowledge then finds nothing and returns
 * IR7 without setting its in-service bit.
 *
 * Called with the machine lock held, by vCPU threads and timers.
 */

#include "hw/intc/pic.h"
#include "hw/isa/isa.h"

enum { MASTER, SLAVE, CHIPS };
enum { CASCADE = 2, SPURIOUS = 7, NONE = 8 };

/* What the odd port takes next (data sheet, figure 6: the initialization sequence). */
enum { EXPECT_OCW1, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };

enum { ICW1_IC4 = 0x01, ICW1_SINGLE = 0x02, ICW1_INIT = 0x10 };
enum { ICW4_AEOI = 0x02, ICW4_SFNM = 0x10 };
enum { OCW3 = 0x08, OCW3_RIS = 0x01, OCW3_RR = 0x02, OCW3_POLL = 0x04,
       OCW3_SMM = 0x20, OCW3_ESMM = 0x40 };

/* OCW2, bits 7-5: rotate, specific, end of interrupt. */
enum { OCW2_EOI = 1, OCW2_SPECIFIC = 2, OCW2_ROTATE = 4 };

/* Each row holds the master's value, then the slave's. */
STATE(PicState,
    (u8[2], level,      "input lines that are up"),
    (u8[2], irr,        "interrupt request register"),
    (u8[2], isr,        "in-service register"),
    (u8[2], imr,        "interrupt mask register (OCW1)"),
    (u8[2], elcr,       "inputs that are level-triggered"),
    (u8[2], vector,     "vector of IR0 (ICW2)", .max = 0xf8),
    (u8[2], icw3,       "what the chip was told of the cascade (ICW3)"),
    (u8[2], expect,     "what the odd port takes next: 0 OCW1, 1 to 3 ICW2 to ICW4",
                        .max = EXPECT_ICW4),
    (u8[2], single,     "1 if ICW1 said that there is no cascade", .max = 1),
    (u8[2], want_icw4,  "1 if ICW1 announced ICW4", .max = 1),
    (u8[2], auto_eoi,   "automatic end of interrupt (ICW4)", .max = 1),
    (u8[2], nested,     "special fully nested mode (ICW4)", .max = 1),
    (u8[2], rotate,     "rotate in automatic end of interrupt (OCW2)", .max = 1),
    (u8[2], first,      "input with the highest priority", .max = 7),
    (u8[2], mask_mode,  "special mask mode (OCW3)", .max = 1),
    (u8[2], read_isr,   "1 if the even port reads ISR, 0 for IRR (OCW3)", .max = 1),
    (u8[2], poll,       "1 if the next read is a poll (OCW3)", .max = 1));

/* Not defined by the data sheet: all is masked until a program has spoken. */
static const PicState pic_reset_state = { .imr = { 0xff, 0xff } };

/* ICH9, 13.4.11: inputs 0, 1, 2, 8 and 13 can't be level-triggered. */
static const u8 elcr_writable[CHIPS] = { 0xf8, 0xde };

typedef struct {
    IsaDevice isa;
    PicState state;
    Irq intr;
    bool asserted;              /* what `intr` was last told; follows from state */
} Pic;

static Pic *pic_of(Device *dev)
{
    return container_of(dev, Pic, isa.device);
}

/* How far down the priority order the highest of `inputs` stands, or NONE. */
static unsigned pic_rank(const PicState *s, unsigned chip, u8 inputs)
{
    for (unsigned rank = 0; rank < 8; rank++) {
        if (inputs & (1 << ((s->first[chip] + rank) & 7))) {
            return rank;
        }
    }
    return NONE;
}

/* The input that the chip asks the CPU to serve now, or NONE. */
static unsigned pic_request(const PicState *s, unsigned chip)
{
    unsigned rank = pic_rank(s, chip, s->irr[chip] & ~s->imr[chip]);
    u8 serving = s->isr[chip];

    if (s->mask_mode[chip]) {
        serving &= ~s->imr[chip];
    }
    /* Special fully nested mode: the slave's higher requests are let through. */
    if (s->nested[chip] && chip == MASTER) {
        serving &= ~(1 << CASCADE);
    }
    if (rank >= pic_rank(s, chip, serving)) {
        return NONE;
    }
    return (s->first[chip] + rank) & 7;
}

/* One input of one chip changes. */
static void pic_line(PicState *s, unsigned chip, unsigned n, bool level)
{
    u8 bit = 1 << n;

    if (!level) {
        s->level[chip] &= ~bit;
        s->irr[chip] &= ~bit;
    } else if (!(s->level[chip] & bit)) {
        s->level[chip] |= bit;
        s->irr[chip] |= bit;
    }
}

/* Carries the slave's output to the master and the master's to the CPU. */
static void pic_update(Pic *pic)
{
    PicState *s = &pic->state;
    bool up;

    /*
     * The cascade input follows the slave's output by level: its INT falls between two
     * requests, which here happens at one moment, so an edge would be lost.
     */
    if (pic_request(s, SLAVE) != NONE) {
        s->level[MASTER] |= 1 << CASCADE;
        s->irr[MASTER] |= 1 << CASCADE;
    } else {
        pic_line(s, MASTER, CASCADE, false);
    }
    up = pic_request(s, MASTER) != NONE;
    if (up != pic->asserted) {
        pic->asserted = up;
        irq_set(&pic->intr, up);
    }
}

static void pic_input_set(void *opaque, unsigned n, bool level)
{
    Pic *pic = opaque;

    if (n == CASCADE) {
        return;
    }
    pic_line(&pic->state, n / 8, n % 8, level);
    pic_update(pic);
}

static void pic_end(PicState *s, unsigned chip, unsigned n, bool rotate)
{
    s->isr[chip] &= ~(1 << n);
    if (rotate) {
        s->first[chip] = (n + 1) & 7;
    }
}

/* The chip's part of an acknowledge cycle: the input now in service, or NONE. */
static unsigned pic_take(PicState *s, unsigned chip)
{
    unsigned n = pic_request(s, chip);

    if (n == NONE) {
        return NONE;
    }
    s->isr[chip] |= 1 << n;
    if (!(s->elcr[chip] & (1 << n))) {
        s->irr[chip] &= ~(1 << n);
    }
    if (s->auto_eoi[chip]) {
        pic_end(s, chip, n, s->rotate[chip]);
    }
    return n;
}

u8 pic_ack(Device *dev)
{
    Pic *pic = pic_of(dev);
    PicState *s = &pic->state;
    unsigned chip = MASTER;
    unsigned n = pic_take(s, MASTER);

    if (n == CASCADE && !s->single[MASTER]) {
        chip = SLAVE;
        n = pic_take(s, SLAVE);
    }
    pic_update(pic);
    return s->vector[chip] + (n == NONE ? SPURIOUS : n);
}

bool pic_pending(Device *dev)
{
    return pic_of(dev)->asserted;
}

static void pic_icw1(PicState *s, unsigned chip, u8 value)
{
    s->irr[chip] = s->level[chip] & s->elcr[chip];
    s->isr[chip] = 0;
    s->imr[chip] = 0;
    s->first[chip] = 0;
    s->mask_mode[chip] = 0;
    s->read_isr[chip] = 0;
    s->poll[chip] = 0;
    s->auto_eoi[chip] = 0;
    s->nested[chip] = 0;
    s->rotate[chip] = 0;
    s->single[chip] = !!(value & ICW1_SINGLE);
    s->want_icw4[chip] = value & ICW1_IC4;
    s->expect[chip] = EXPECT_ICW2;
}

static void pic_ocw2(PicState *s, unsigned chip, u8 value)
{
    unsigned command = value >> 5;
    unsigned n = value & 7;

    if (!(command & OCW2_SPECIFIC)) {
        if (!(command & OCW2_EOI)) {
            s->rotate[chip] = !!(command & OCW2_ROTATE);
            return;
        }
        n = pic_rank(s, chip, s->mask_mode[chip] ? s->isr[chip] & ~s->imr[chip]
                                                 : s->isr[chip]);
        if (n == NONE) {
            return;
        }
        n = (s->first[chip] + n) & 7;
    }
    if (command & OCW2_EOI) {
        pic_end(s, chip, n, command & OCW2_ROTATE);
    } else if (command & OCW2_ROTATE) {
        s->first[chip] = (n + 1) & 7;
    }
}

static void pic_ocw3(PicState *s, unsigned chip, u8 value)
{
    s->poll[chip] = !!(value & OCW3_POLL);
    if (value & OCW3_RR) {
        s->read_isr[chip] = value & OCW3_RIS;
    }
    if (value & OCW3_ESMM) {
        s->mask_mode[chip] = !!(value & OCW3_SMM);
    }
}

static void pic_odd_write(PicState *s, unsigned chip, u8 value)
{
    switch (s->expect[chip]) {
    case EXPECT_OCW1:
        s->imr[chip] = value;
        return;
    case EXPECT_ICW2:
        s->vector[chip] = value & 0xf8;
        s->expect[chip] = !s->single[chip] ? EXPECT_ICW3
                          : s->want_icw4[chip] ? EXPECT_ICW4 : EXPECT_OCW1;
        return;
    case EXPECT_ICW3:
        s->icw3[chip] = value;
        s->expect[chip] = s->want_icw4[chip] ? EXPECT_ICW4 : EXPECT_OCW1;
        return;
    case EXPECT_ICW4:
        s->auto_eoi[chip] = !!(value & ICW4_AEOI);
        s->nested[chip] = !!(value & ICW4_SFNM);
        s->expect[chip] = EXPECT_OCW1;
    }
}

static void pic_write(Pic *pic, unsigned chip, u64 offset, u8 value)
{
    PicState *s = &pic->state;

    if (offset & 1) {
        pic_odd_write(s, chip, value);
    } else if (value & ICW1_INIT) {
        pic_icw1(s, chip, value);
    } else if (value & OCW3) {
        pic_ocw3(s, chip, value);
    } else {
        pic_ocw2(s, chip, value);
    }
    pic_update(pic);
}

static u8 pic_read(Pic *pic, unsigned chip, u64 offset)
{
    PicState *s = &pic->state;
    unsigned n;

    if (s->poll[chip]) {
        s->poll[chip] = 0;
        n = pic_take(s, chip);
        pic_update(pic);
        return n == NONE ? 0 : 0x80 | n;
    }
    if (offset & 1) {
        return s->imr[chip];
    }
    return s->read_isr[chip] ? s->isr[chip] : s->irr[chip];
}

static u64 master_read(void *opaque, u64 offset, unsigned size)
{
    return pic_read(opaque, MASTER, offset);
}

static void master_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    pic_write(opaque, MASTER, offset, value);
}

static u64 slave_read(void *opaque, u64 offset, unsigned size)
{
    return pic_read(opaque, SLAVE, offset);
}

static void slave_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    pic_write(opaque, SLAVE, offset, value);
}

static u64 elcr_read(void *opaque, u64 offset, unsigned size)
{
    const Pic *pic = opaque;

    return pic->state.elcr[offset];
}

static void elcr_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Pic *pic = opaque;
    PicState *s = &pic->state;

    s->elcr[offset] = value & elcr_writable[offset];
    s->irr[offset] |= s->level[offset] & s->elcr[offset];
    pic_update(pic);
}

static const RegionOps master_ops = { master_read, master_write, 1 };
static const RegionOps slave_ops = { slave_read, slave_write, 1 };
static const RegionOps elcr_ops = { elcr_read, elcr_write, 1 };

Irq pic_input(Device *dev, unsigned n)
{
    g_assert(n < 8 * CHIPS);
    return (Irq){ pic_input_set, pic_of(dev), n };
}

void pic_connect(Device *dev, Irq intr)
{
    pic_of(dev)->intr = intr;
}

static void pic_reset(Device *dev)
{
    pic_update(pic_of(dev));
}

static bool pic_loaded(Device *dev, GError **err)
{
    Pic *pic = pic_of(dev);

    pic_update(pic);
    return true;
}

static bool pic_open(Device *dev, GError **err)
{
    IsaDevice *isa = &pic_of(dev)->isa;

    return isa_ports(isa, 0x20, 2, &master_ops, err) &&
           isa_ports(isa, 0xa0, 2, &slave_ops, err) &&
           isa_ports(isa, 0x4d0, 2, &elcr_ops, err);
}

const DeviceType pic_type = {
    .name = "isa-i8259",
    .help = "the pair of 8259A interrupt controllers",
    .board_only = true,
    ISA_DEVICE,
    .size = sizeof(Pic),
    .part = {
        .name = "pic",
        DEVICE_STATE(Pic, PicState),
        .reset_state = &pic_reset_state,
        .reset = pic_reset,
        .loaded = pic_loaded,
    },
    .open = pic_open,
};
