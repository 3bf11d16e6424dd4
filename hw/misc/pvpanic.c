/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvpanic on ISA: the guest's kernel says that it has crashed (QEMU's
 * docs/specs/pvpanic).
 *
 * Reading the port tells which events the host takes; writing one of them signals it.
 * A guest whose crash kernel takes over goes on, so that event is only logged.
 *
 * Called with the machine lock held.
 */

#include "base/log.h"
#include "hw/devices.h"
#include "hw/isa/isa.h"

enum { PANICKED = 1, CRASH_LOADED = 2 };

PROPS(PanicConfig,
    (u16, ioport, "I/O port", .def = 0x505),
    (u8,  events, "events that the guest is offered: 1 panicked, 2 crash kernel loaded",
                  .def = PANICKED | CRASH_LOADED, .max = PANICKED | CRASH_LOADED));

typedef struct {
    IsaDevice isa;
    PanicConfig config;
} Panic;

static u64 panic_read(void *opaque, u64 offset, unsigned size)
{
    const Panic *panic = opaque;

    return panic->config.events;
}

static void panic_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Panic *panic = opaque;
    u8 event = value & panic->config.events;

    if (event & PANICKED) {
        machine_request(panic->isa.device.machine, REQUEST_PANIC, 0, "pvpanic");
    } else if (event & CRASH_LOADED) {
        log_at(LOG_GUEST_ERROR, "pvpanic: the guest's crash kernel takes over");
    }
}

static const RegionOps panic_ops = { panic_read, panic_write, 1 };

static bool panic_open(Device *dev, GError **err)
{
    Panic *panic = container_of(dev, Panic, isa.device);

    return isa_ports(&panic->isa, panic->config.ioport, 1, &panic_ops, err);
}

const DeviceType pvpanic_type = {
    .name = "pvpanic",
    .help = "a port on which the guest says that it has crashed",
    ISA_DEVICE,
    .size = sizeof(Panic),
    .part = { .name = "pvpanic", DEVICE_CONFIG(Panic, PanicConfig) },
    .open = panic_open,
};
