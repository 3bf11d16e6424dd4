/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rig with one virtio device and a driver: see virtio_bed.h.
 */

#include "tests/lib/virtio_bed.h"

#include "base/lock.h"

Rig *rig;
Driver d;
DriverRing the_ring;
Echo *echo;

void bed_open(const VirtioType *type, const char *options)
{
    g_autoptr(GError) err = NULL;

    rig = rig_new(&type->device, &virtio_pci_bus, options, NS_PER_SEC, &err);
    g_assert_no_error(err);
    echo = echo_of(container_of(rig->dev, VirtioDevice, device));
    machine_lock();
    g_assert_true(driver_open(&d, rig->machine, driver_first(rig->machine)));
}

void bed_close(void)
{
    machine_unlock();
    rig_free(rig);
}

void bed_bring_up(u64 features, unsigned queue, u16 size)
{
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | features));
    g_assert_cmphex(d.features, ==, F_VERSION_1 | features);
    g_assert_true(driver_ring(&d, &the_ring, queue, size));
    driver_ok(&d);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
}

void bed_pass(u64 ns)
{
    clock_set(rig->machine->clock, clock_now(rig->machine->clock) + ns);
    clock_run_due(rig->machine->clock);
}

bool bed_request(void)
{
    gpa at = driver_alloc(&d, 16, 16);
    DriverBuf buf[] = { { at, 4, false }, { at + 8, 4, true } };
    DriverUsed used;

    ram_put(d.machine, at, 0x12345678, 4);
    g_assert_cmpint(ring_add(&the_ring, buf, 2, false), >=, 0);
    ring_publish(&the_ring);
    ring_notify(&the_ring);
    return ring_poll(&the_ring, &used) && ram_get(d.machine, at + 8, 4) == 0x12345678;
}
