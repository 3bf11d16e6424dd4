/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O APIC: 24 pins, each with an entry that says which message it sends (Intel
 * 82093AA data sheet; version 0x20 with the EOI register of the ICH9 data sheet, 13.5).
 *
 *     edge:   pin goes up -> message
 *     level:  pin is up   -> message, Remote IRR set -> EOI by LAPIC -> still up: again
 *
 * Destination bits 49-55 of an entry, reserved in the data sheet, are carried into
 * address bits 5-11 as hypervisors define it, so that a guest without interrupt
 * remapping reaches APIC IDs past 255.
 *
 * Left out: the APIC bus and its arbitration (the ID is only kept), and pin polarity:
 * lines are logical.
 *
 * Called with the machine lock held.
 */

#include "hw/intc/ioapic.h"
#include "hw/core/machine.h"

/* 82093AA, 3.1: the memory-mapped window; ICH9, 13.5.1: the EOI register. */
enum { IOREGSEL = 0x00, IOWIN = 0x10, EOI = 0x40, WINDOW_BYTES = 0x1000 };

/* 3.2: the registers behind it. */
enum { REG_ID = 0x00, REG_VERSION = 0x01, REG_ARBITRATION = 0x02, REG_ENTRY = 0x10 };
enum { VERSION = 0x20 | (IOAPIC_PINS - 1) << 16, ID_MASK = 0x0f000000 };

/* 3.2.4: a redirection entry. */
enum {
    ENTRY_VECTOR     = 0xff,
    ENTRY_MODE       = 7 << 8,
    ENTRY_LOGICAL    = 1 << 11,
    ENTRY_REMOTE_IRR = 1 << 14,
    ENTRY_LEVEL      = 1 << 15,
    ENTRY_MASKED     = 1 << 16,
};
enum { MODE_FIXED = 0 << 8, MODE_LOWEST = 1 << 8 };
#define ENTRY_WRITABLE 0xfffe00000001afffull

/* SDM vol. 3, 11.11: a message. */
enum { MSI_BASE = 0xfee, MSI_LOGICAL = 1 << 2 };
enum { MSI_ASSERT = 1 << 14, MSI_LEVEL = 1 << 15 };

enum { LISTENERS = 4 };

STATE(IoapicState,
    (u64[24], entry,    "redirection entries"),
    (u32,     id,       "identification register", .max = ID_MASK),
    (u32,     select,   "index register", .max = 0xff),
    (u8[24],  sources,  "who asserts the pin, one bit each"));

#define EIGHT(x) x, x, x, x, x, x, x, x
static const IoapicState ioapic_reset_state = {
    .entry = { EIGHT(ENTRY_MASKED), EIGHT(ENTRY_MASKED), EIGHT(ENTRY_MASKED) },
};

typedef struct {
    Device device;
    IoapicState state;
    Region window;
    struct { IoapicFn *changed; void *opaque; } listener[LISTENERS];
} Ioapic;

static Ioapic *ioapic_of(Device *dev)
{
    return container_of(dev, Ioapic, device);
}

/* 3.2.4, bits 10-8: the other modes are edge-triggered, whatever bit 15 says. */
static bool entry_is_level(u64 entry)
{
    u64 mode = entry & ENTRY_MODE;

    return (entry & ENTRY_LEVEL) && (mode == MODE_FIXED || mode == MODE_LOWEST);
}

static IoapicRoute entry_route(u64 entry)
{
    bool level = entry_is_level(entry);

    return (IoapicRoute){
        .address = (gpa)MSI_BASE << 20 | (entry >> 49) << 5 |
                   (entry & ENTRY_LOGICAL ? MSI_LOGICAL : 0),
        .data = (entry & (ENTRY_VECTOR | ENTRY_MODE)) |
                (level ? MSI_LEVEL | MSI_ASSERT : 0),
        .masked = entry & ENTRY_MASKED,
        .level = level,
    };
}

IoapicRoute ioapic_route(Device *dev, unsigned pin)
{
    return entry_route(ioapic_of(dev)->state.entry[pin]);
}

/* Sends the pin's message, unless it is masked or the last one is not ended yet. */
static void ioapic_fire(Ioapic *io, unsigned pin)
{
    u64 *entry = &io->state.entry[pin];
    IoapicRoute route = entry_route(*entry);

    if (route.masked || (route.level && (*entry & ENTRY_REMOTE_IRR))) {
        return;
    }
    if (route.level) {
        *entry |= ENTRY_REMOTE_IRR;
    }
    machine_msi(io->device.machine, route.address, route.data);
}

static void ioapic_fire_level(Ioapic *io, unsigned pin)
{
    if (io->state.sources[pin] && entry_is_level(io->state.entry[pin])) {
        ioapic_fire(io, pin);
    }
}

/* `n` is the pin, and the source above it. */
static void ioapic_input_set(void *opaque, unsigned n, bool level)
{
    Ioapic *io = opaque;
    unsigned pin = n % IOAPIC_PINS;
    u8 source = 1 << (n / IOAPIC_PINS);
    u8 *sources = &io->state.sources[pin];
    bool was_up = *sources;

    if (!level) {
        *sources &= ~source;
        return;
    }
    *sources |= source;
    if (!was_up || entry_is_level(io->state.entry[pin])) {
        ioapic_fire(io, pin);
    }
}

Irq ioapic_input(Device *dev, unsigned pin, unsigned source)
{
    g_assert(pin < IOAPIC_PINS && source < IOAPIC_SOURCES);
    return (Irq){ ioapic_input_set, ioapic_of(dev), source * IOAPIC_PINS + pin };
}

void ioapic_eoi(Device *dev, u8 vector)
{
    Ioapic *io = ioapic_of(dev);

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        u64 *entry = &io->state.entry[pin];

        if ((*entry & ENTRY_REMOTE_IRR) && (*entry & ENTRY_VECTOR) == vector) {
            *entry &= ~(u64)ENTRY_REMOTE_IRR;
            ioapic_fire_level(io, pin);
        }
    }
}

static void ioapic_tell(Ioapic *io, u32 pins)
{
    for (unsigned i = 0; i < LISTENERS; i++) {
        if (io->listener[i].changed) {
            io->listener[i].changed(io->listener[i].opaque, pins);
        }
    }
}

void ioapic_listen(Device *dev, IoapicFn *changed, void *opaque)
{
    Ioapic *io = ioapic_of(dev);
    unsigned i = 0;

    while (i < LISTENERS && io->listener[i].changed) {
        i++;
    }
    g_assert(i < LISTENERS);
    io->listener[i].changed = changed;
    io->listener[i].opaque = opaque;
}

void ioapic_unlisten(Device *dev, IoapicFn *changed, void *opaque)
{
    Ioapic *io = ioapic_of(dev);

    for (unsigned i = 0; i < LISTENERS; i++) {
        if (io->listener[i].changed == changed && io->listener[i].opaque == opaque) {
            io->listener[i].changed = NULL;
        }
    }
}

/* Half an entry is written: its low (0) or high (1) double word. */
static void entry_write(Ioapic *io, unsigned pin, unsigned half, u32 value)
{
    u64 *entry = &io->state.entry[pin];
    u64 old = *entry;
    u64 mask = (half ? 0xffffffffull << 32 : 0xffffffffull) & ENTRY_WRITABLE;

    *entry = (old & ~mask) | ((u64)value << (32 * half) & mask);
    /*
     * 3.2.4, bit 14: meaningless for edges.  Drivers of chips without an EOI register
     * clear it by switching the entry to edge and back.
     */
    if (!entry_is_level(*entry)) {
        *entry &= ~(u64)ENTRY_REMOTE_IRR;
    }
    if ((*entry ^ old) & ENTRY_WRITABLE) {
        ioapic_tell(io, 1u << pin);
    }
    ioapic_fire_level(io, pin);
}

static u32 register_read(const IoapicState *s)
{
    unsigned at = s->select - REG_ENTRY;

    switch (s->select) {
    case REG_ID:
    case REG_ARBITRATION:
        return s->id;
    case REG_VERSION:
        return VERSION;
    default:
        return at < 2 * IOAPIC_PINS ? (u32)(s->entry[at / 2] >> (32 * (at % 2))) : 0;
    }
}

static void register_write(Ioapic *io, u32 value)
{
    unsigned at = io->state.select - REG_ENTRY;

    if (io->state.select == REG_ID) {
        io->state.id = value & ID_MASK;
    } else if (at < 2 * IOAPIC_PINS) {
        entry_write(io, at / 2, at % 2, value);
    }
}

static u64 ioapic_read(void *opaque, u64 offset, unsigned size)
{
    const Ioapic *io = opaque;

    switch (offset) {
    case IOREGSEL:
        return io->state.select;
    case IOWIN:
        return register_read(&io->state);
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Ioapic *io = opaque;

    switch (offset) {
    case IOREGSEL:
        io->state.select = value & 0xff;
        break;
    case IOWIN:
        register_write(io, value);
        break;
    case EOI:
        ioapic_eoi(&io->device, value);
        break;
    }
}

static const RegionOps window_ops = { ioapic_read, ioapic_write, 4 };

static void ioapic_reset(Device *dev)
{
    ioapic_tell(ioapic_of(dev), (1u << IOAPIC_PINS) - 1);
}

static bool ioapic_loaded(Device *dev, GError **err)
{
    Ioapic *io = ioapic_of(dev);

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        io->state.entry[pin] &= ENTRY_WRITABLE | ENTRY_REMOTE_IRR;
    }
    io->state.id &= ID_MASK;
    ioapic_tell(io, (1u << IOAPIC_PINS) - 1);
    return true;
}

static bool ioapic_open(Device *dev, GError **err)
{
    Ioapic *io = ioapic_of(dev);

    region_init_io(&io->window, "ioapic", &window_ops, io, WINDOW_BYTES);
    space_add(dev->machine->mmio, &io->window, IOAPIC_BASE, 0);
    return true;
}

static void ioapic_close(Device *dev)
{
    region_fini(&ioapic_of(dev)->window);
}

const DeviceType ioapic_type = {
    .name = "ioapic",
    .help = "the I/O APIC",
    .board_only = true,
    .size = sizeof(Ioapic),
    .part = {
        .name = "ioapic",
        DEVICE_STATE(Ioapic, IoapicState),
        .reset_state = &ioapic_reset_state,
        .reset = ioapic_reset,
        .loaded = ioapic_loaded,
    },
    .open = ioapic_open,
    .close = ioapic_close,
};
