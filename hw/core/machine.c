/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as a bare frame.  Main thread; machine_request and machine_msi from any.
 */

#include "hw/core/machine.h"

#include "accel/accel.h"
#include "base/lock.h"

void (*machine_msi_hook)(Machine *machine, gpa address, u32 data);

Machine *machine_new(void)
{
    Machine *machine = g_new0(Machine, 1);

    machine->mem = mem_new();
    machine->mmio = space_new("memory", 0);
    machine->io = space_new("I/O", 0x10000);
    machine->clock = clock_new(NULL);
    machine->devices = g_ptr_array_new();
    machine->cpus = 1;
    return machine;
}

void machine_free(Machine *machine)
{
    if (!machine) {
        return;
    }
    while (machine->devices->len) {
        device_free(g_ptr_array_index(machine->devices, machine->devices->len - 1));
    }
    g_ptr_array_free(machine->devices, TRUE);
    mem_free(machine->mem);
    space_free(machine->mmio);
    space_free(machine->io);
    clock_free(machine->clock);
    g_free(machine);
}

void machine_request(Machine *machine, RequestKind kind, int value, const char *cause)
{
    if (machine->request) {
        machine->request(machine, kind, value, cause);
    }
}

void machine_msi(Machine *machine, gpa address, u32 data)
{
    if (machine_msi_hook) {
        machine_msi_hook(machine, address, data);
    } else if (machine->accel) {
        machine->accel->type->msi(machine->accel, address, data);
    }
}

void machine_reset_devices(Machine *machine)
{
    for (unsigned i = 0; i < machine->devices->len; i++) {
        device_reset(g_ptr_array_index(machine->devices, i));
    }
}

void machine_pause_devices(Machine *machine, bool on)
{
    machine_lock();
    for (unsigned i = 0; i < machine->devices->len; i++) {
        Device *dev = g_ptr_array_index(machine->devices, i);

        if (dev->bus && dev->bus->pause) {
            dev->bus->pause(dev, on);
        }
    }
    machine_unlock();
}
