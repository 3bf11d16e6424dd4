/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port 0x92, system control port A (ICH9 data sheet, 13.7.3): fast reset and fast A20
 * gate.
 *
 * The A20 line is never held down here, whoever asks for it (no program since DOS 5
 * needs the wrap); the bit is only kept, and starts as set.
 *
 * Called with the machine lock held.
 */

#include "hw/devices.h"
#include "hw/isa/isa.h"

enum { INIT_NOW = 1, ALT_A20 = 2 };

STATE(Port92State, (u8, value, "what was written last", .max = INIT_NOW | ALT_A20));

static const Port92State port92_reset_state = { .value = ALT_A20 };

typedef struct {
    IsaDevice isa;
    Port92State state;
} Port92;

static u64 port92_read(void *opaque, u64 offset, unsigned size)
{
    const Port92 *port = opaque;

    return port->state.value;
}

static void port92_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Port92 *port = opaque;
    bool rises = value & ~port->state.value & INIT_NOW;

    port->state.value = value & (INIT_NOW | ALT_A20);
    if (rises) {
        machine_request(port->isa.device.machine, REQUEST_RESET, 0, "port 0x92");
    }
}

static const RegionOps port92_ops = { port92_read, port92_write, 1 };

static bool port92_open(Device *dev, GError **err)
{
    IsaDevice *isa = container_of(dev, IsaDevice, device);

    return isa_ports(isa, 0x92, 1, &port92_ops, err);
}

const DeviceType port92_type = {
    .name = "port92",
    .help = "system control port A: reset and A20",
    .board_only = true,
    ISA_DEVICE,
    .size = sizeof(Port92),
    .part = {
        .name = "port92",
        DEVICE_STATE(Port92, Port92State),
        .reset_state = &port92_reset_state,
    },
    .open = port92_open,
};
