/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isa-debugcon: a port whose bytes go to a character device as they are written;
 * firmware prints there. It reads as a constant, by which a guest knows that it is
 * there.  Bytes that the back end does not take are lost.
 *
 * Called with the machine lock held.
 */

#include "chardev/chardev.h"
#include "hw/devices.h"
#include "hw/isa/isa.h"

PROPS(DebugconConfig,
    (str, chardev,  "character device that gets the output"),
    (u16, iobase,   "I/O port", .def = 0xe9),
    (u8,  readback, "what the port reads as", .def = 0xe9));

typedef struct {
    IsaDevice isa;
    DebugconConfig config;
    CharFront *front;
} Debugcon;

static const CharFrontOps debugcon_front = { .locked = true };

static u64 debugcon_read(void *opaque, u64 offset, unsigned size)
{
    const Debugcon *con = opaque;

    return con->config.readback;
}

static void debugcon_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Debugcon *con = opaque;
    u8 byte = value;

    (void)chardev_write(con->front, &byte, 1);
}

static const RegionOps debugcon_ops = { debugcon_read, debugcon_write, 1 };

static bool debugcon_open(Device *dev, GError **err)
{
    Debugcon *con = container_of(dev, Debugcon, isa.device);

    if (con->config.chardev) {
        Chardev *chr = chardev_find(con->config.chardev, err);

        con->front = chr ? chardev_attach(chr, &debugcon_front, con, err) : NULL;
        if (!con->front) {
            return false;
        }
    }
    return isa_ports(&con->isa, con->config.iobase, 1, &debugcon_ops, err);
}

static void debugcon_close(Device *dev)
{
    chardev_detach(container_of(dev, Debugcon, isa.device)->front);
}

const DeviceType debugcon_type = {
    .name = "isa-debugcon",
    .help = "a port that prints, for firmware",
    ISA_DEVICE,
    .size = sizeof(Debugcon),
    .part = { .name = "isa-debugcon", DEVICE_CONFIG(Debugcon, DebugconConfig) },
    .open = debugcon_open,
    .close = debugcon_close,
};
