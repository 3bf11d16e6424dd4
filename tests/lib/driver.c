/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake driver's hold on the device: capabilities, registers, features, MSI-X
 * (virtio 1.2, section 4.1; PCI 3.0, section 6).  See driver.h; rings: driver_ring.c.
 */

#include "tests/lib/driver.h"

#include <string.h>

static Driver *the_driver;

u64 ram_get(Machine *machine, gpa at, unsigned n)
{
    u64 value = 0;

    g_assert_true(mem_read(machine->mem, at, &value, n));
    return value;
}

void ram_put(Machine *machine, gpa at, u64 value, unsigned n)
{
    g_assert_true(mem_write(machine->mem, at, &value, n));
}

gpa driver_alloc(Driver *d, u32 bytes, u32 align)
{
    g_autofree u8 *zero = g_malloc0(bytes);
    gpa at = (d->heap + align - 1) & -(gpa)align;

    g_assert_true(mem_write(d->machine->mem, at, zero, bytes));
    d->heap = at + bytes;
    return at;
}

/* ---- PCI ---- */

u32 driver_config(Driver *d, unsigned offset, unsigned n)
{
    return pci_config_read(d->machine->pci, 0, d->devfn, offset, n);
}

void driver_config_set(Driver *d, unsigned offset, u32 value, unsigned n)
{
    pci_config_write(d->machine->pci, 0, d->devfn, offset, value, n);
}

static void read_cap(Driver *d, u8 at)
{
    u8 type = driver_config(d, at + 3, 1);

    if (driver_config(d, at, 1) == 0x11) {
        d->msix = at;
    }
    if (driver_config(d, at, 1) == 0x09 && type < AREAS && !d->area[type].there) {
        d->area[type].there = true;
        d->area[type].cap = at;
        d->area[type].bar = driver_config(d, at + 4, 1);
        d->area[type].offset = driver_config(d, at + 8, 4);
        d->area[type].length = driver_config(d, at + 12, 4);
        if (type == AREA_NOTIFY) {
            d->notify_multiplier = driver_config(d, at + 16, 4);
        }
    }
}

/* 64-bit BARs go above 4 GiB, the others below. */
static void map_bars(Driver *d)
{
    u64 low = 0xe0000000 + (d->devfn << 16), high = ((u64)d->devfn << 32) + TiB;

    for (unsigned i = 0; i < 6; i++) {
        unsigned at = 0x10 + 4 * i;
        u32 flags = driver_config(d, at, 4);
        bool wide = (flags & 7) == 4;

        driver_config_set(d, at, 0xffffffff, 4);
        if (driver_config(d, at, 4) == 0 || flags & 1) {
            continue;
        }
        d->bar[i] = wide ? high : low + (i << 14);
        driver_config_set(d, at, d->bar[i], 4);
        if (wide) {
            driver_config_set(d, at + 4, d->bar[i] >> 32, 4);
            i++;
        }
    }
}

u8 driver_first(Machine *machine)
{
    unsigned devfn = 0;

    while (devfn < 255 && pci_config_read(machine->pci, 0, devfn, 0, 2) == 0xffff) {
        devfn++;
    }
    return devfn;
}

bool driver_open(Driver *d, Machine *machine, u8 devfn)
{
    unsigned most = 48;

    memset(d, 0, sizeof *d);
    d->machine = machine;
    d->devfn = devfn;
    d->heap = 0x1000;
    if (driver_config(d, 0, 2) != 0x1af4 || driver_config(d, 2, 2) < 0x1040) {
        return false;
    }
    driver_config_set(d, 4, 0, 2);
    for (u8 at = driver_config(d, 0x34, 1); at && most--;
         at = driver_config(d, at + 1, 1)) {
        read_cap(d, at);
    }
    map_bars(d);
    driver_config_set(d, 4, 6, 2);
    return d->area[AREA_COMMON].there && d->area[AREA_NOTIFY].there;
}

/* ---- areas and registers ---- */

static void aim_window(Driver *d, Area area, u32 offset, unsigned n)
{
    u8 cap = d->area[AREA_WINDOW].cap;

    driver_config_set(d, cap + 4, d->area[area].bar, 1);
    driver_config_set(d, cap + 8, d->area[area].offset + offset, 4);
    driver_config_set(d, cap + 12, n, 4);
}

u64 driver_read(Driver *d, Area area, u32 offset, unsigned n)
{
    if (d->by_window && n <= 4) {
        aim_window(d, area, offset, n);
        return driver_config(d, d->area[AREA_WINDOW].cap + 16, n);
    }
    return space_read(d->machine->mmio,
                      d->bar[d->area[area].bar] + d->area[area].offset + offset, n);
}

void driver_write(Driver *d, Area area, u32 offset, u64 value, unsigned n)
{
    if (d->by_window && n <= 4) {
        aim_window(d, area, offset, n);
        driver_config_set(d, d->area[AREA_WINDOW].cap + 16, value, n);
    } else {
        space_write(d->machine->mmio,
                    d->bar[d->area[area].bar] + d->area[area].offset + offset, value,
                    n);
    }
}

/* 4.1.3.1: "the driver MUST access 64-bit fields as two 32-bit" or whole; so halves. */
u64 driver_get(Driver *d, unsigned reg)
{
    unsigned n = reg & 0xff, at = reg >> 8;

    if (n == 8) {
        return driver_read(d, AREA_COMMON, at, 4) |
               driver_read(d, AREA_COMMON, at + 4, 4) << 32;
    }
    return driver_read(d, AREA_COMMON, at, n);
}

void driver_set(Driver *d, unsigned reg, u64 value)
{
    unsigned n = reg & 0xff, at = reg >> 8;

    if (n == 8) {
        driver_write(d, AREA_COMMON, at, (u32)value, 4);
        driver_write(d, AREA_COMMON, at + 4, value >> 32, 4);
    } else {
        driver_write(d, AREA_COMMON, at, value, n);
    }
}

/* ---- initialisation (3.1.1) ---- */

u64 driver_offered(Driver *d)
{
    u64 low;

    driver_set(d, DEVICE_FEATURE_SELECT, 0);
    low = driver_get(d, DEVICE_FEATURE);
    driver_set(d, DEVICE_FEATURE_SELECT, 1);
    return low | driver_get(d, DEVICE_FEATURE) << 32;
}

bool driver_negotiate(Driver *d, u64 wanted)
{
    driver_set(d, STATUS, 0);
    driver_set(d, STATUS, S_ACKNOWLEDGE);
    driver_set(d, STATUS, S_ACKNOWLEDGE | S_DRIVER);
    d->features = driver_offered(d) & wanted;
    driver_set(d, DRIVER_FEATURE_SELECT, 0);
    driver_set(d, DRIVER_FEATURE, (u32)d->features);
    driver_set(d, DRIVER_FEATURE_SELECT, 1);
    driver_set(d, DRIVER_FEATURE, d->features >> 32);
    driver_set(d, STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
    return driver_get(d, STATUS) & S_FEATURES_OK;
}

void driver_ok(Driver *d)
{
    driver_set(d, STATUS, driver_get(d, STATUS) | S_DRIVER_OK);
}

/* ---- MSI-X (PCI 3.0, 6.8.2) ---- */

static void take_message(Machine *machine, gpa address, u32 data)
{
    (void)machine;
    if (address == 0xfee00000 && data - 0x40 < DRIVER_VECTORS) {
        the_driver->messages[data - 0x40]++;
    } else {
        the_driver->strays++;
    }
}

void driver_msix(Driver *d, bool on)
{
    u16 control = driver_config(d, d->msix + 2, 2);
    u32 table = driver_config(d, d->msix + 4, 4);
    u64 at = d->bar[table & 7] + (table & ~7u);

    the_driver = d;
    machine_msi_hook = take_message;
    driver_config_set(d, d->msix + 2, on ? control | 0x8000 : control & ~0x8000, 2);
    for (unsigned v = 0; v <= (control & 0x7ff) && v < DRIVER_VECTORS; v++, at += 16) {
        space_write(d->machine->mmio, at, 0xfee00000, 4);
        space_write(d->machine->mmio, at + 4, 0, 4);
        space_write(d->machine->mmio, at + 8, 0x40 + v, 4);
        space_write(d->machine->mmio, at + 12, 0, 4);
    }
}
