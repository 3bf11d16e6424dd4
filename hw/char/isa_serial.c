/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isa-serial: a 16550A (hw/char/uart.c) at one of the four places where a PC has its
 * serial ports, or wherever the user wants it.
 *
 * Called with the machine lock held.
 */

#include "hw/char/uart.h"
#include "hw/devices.h"
#include "hw/isa/isa.h"

enum { FIRST_FREE = 4 };

/* COM1 to COM4. */
static const struct { u16 iobase; u8 irq; } com[] = {
    { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 },
};

PROPS(SerialConfig,
    (str, chardev, "character device behind the port"),
    (u32, index,   "0 to 3 for COM1 to COM4, 4 for the first that is free",
                   .def = FIRST_FREE, .max = FIRST_FREE),
    (u16, iobase,  "first I/O port, 0 for that of its index"),
    (u8,  irq,     "interrupt, 0 for that of its index", .max = ISA_IRQS - 1));

typedef struct {
    IsaDevice isa;
    SerialConfig config;
    Uart uart;
} Serial;

static Serial *serial_of(Device *dev)
{
    return container_of(dev, Serial, isa.device);
}

static u64 serial_read(void *opaque, u64 offset, unsigned size)
{
    Serial *serial = opaque;

    return uart_read(&serial->uart, offset);
}

static void serial_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Serial *serial = opaque;

    uart_write(&serial->uart, offset, value);
}

static const RegionOps serial_ops = { serial_read, serial_write, 1 };

static void serial_irq(void *opaque, unsigned n, bool level)
{
    machine_gsi(opaque, n, level);
}

/* The user's place, or the one of the index. */
static bool serial_place(Device *dev, u16 *iobase, u8 *irq, GError **err)
{
    const SerialConfig *config = &serial_of(dev)->config;
    unsigned i = config->index;

    if (i == FIRST_FREE) {
        i = 0;
        while (i < FIRST_FREE && space_find(dev->machine->io, com[i].iobase)) {
            i++;
        }
    }
    if (i == FIRST_FREE && !(config->iobase && config->irq)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "the places of COM1 to COM4 are taken: give iobase and irq");
        return false;
    }
    *iobase = config->iobase ? config->iobase : com[i].iobase;
    *irq = config->irq ? config->irq : com[i].irq;
    return true;
}

static bool serial_open(Device *dev, GError **err)
{
    Serial *serial = serial_of(dev);
    u16 iobase;
    u8 irq;

    if (!serial_place(dev, &iobase, &irq, err)) {
        return false;
    }
    serial->uart.irq = (Irq){ serial_irq, dev->machine, irq };
    return isa_ports(&serial->isa, iobase, UART_PORTS, &serial_ops, err) &&
           uart_open(&serial->uart, dev->machine->clock, serial->config.chardev, err);
}

static void serial_close(Device *dev)
{
    uart_close(&serial_of(dev)->uart);
}

static void serial_reset(Device *dev)
{
    uart_reset(&serial_of(dev)->uart);
}

static bool serial_loaded(Device *dev, GError **err)
{
    uart_loaded(&serial_of(dev)->uart);
    return true;
}

const DeviceType serial_type = {
    .name = "isa-serial",
    .help = "a serial port (16550A)",
    ISA_DEVICE,
    .size = sizeof(Serial),
    .part = {
        .name = "uart",
        DEVICE_CONFIG(Serial, SerialConfig),
        .state = UartState_fields,
        .state_at = offsetof(Serial, uart.state),
        .state_size = sizeof(UartState),
        .reset_state = &uart_reset_state,
        .reset = serial_reset,
        .loaded = serial_loaded,
    },
    .open = serial_open,
    .close = serial_close,
};
