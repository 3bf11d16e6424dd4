/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isa-debug-exit: a write of V ends the program with exit status 2 * V + 1, as QEMU's
 * device of that name.
 *
 * Called with the machine lock held.
 */

#include "hw/devices.h"
#include "hw/isa/isa.h"

PROPS(DebugExitConfig,
    (u16, iobase, "first I/O port", .def = 0x501),
    (u8,  iosize, "number of I/O ports", .def = 2, .min = 1, .max = 8));

typedef struct {
    IsaDevice isa;
    DebugExitConfig config;
} DebugExit;

static u64 debug_exit_read(void *opaque, u64 offset, unsigned size)
{
    return 0;
}

static void debug_exit_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    DebugExit *exit = opaque;

    machine_request(exit->isa.device.machine, REQUEST_EXIT, (value << 1 | 1) & 0xff,
                    "isa-debug-exit");
}

static const RegionOps debug_exit_ops = {
    debug_exit_read, debug_exit_write, 1 | 2 | 4
};

static bool debug_exit_open(Device *dev, GError **err)
{
    DebugExit *exit = container_of(dev, DebugExit, isa.device);

    return isa_ports(&exit->isa, exit->config.iobase, exit->config.iosize,
                     &debug_exit_ops, err);
}

const DeviceType debug_exit_type = {
    .name = "isa-debug-exit",
    .help = "a port that ends the program",
    ISA_DEVICE,
    .size = sizeof(DebugExit),
    .part = { .name = "isa-debug-exit", DEVICE_CONFIG(DebugExit, DebugExitConfig) },
    .open = debug_exit_open,
};
