/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machine generation ID (Microsoft, "Virtual Machine Generation ID"): 16
 * random bytes that change whenever the machine goes on from a snapshot, so that a
 * guest knows that what it believes to be unique is not, and seeds its random numbers
 * anew.
 *
 * The bytes lie in a page of ROM; the DSDT says where, and a general purpose event
 * tells the guest of a change.  Called with the machine lock held.
 */

#include "hw/misc/vmgenid.h"
#include "hw/core/machine.h"

#include <string.h>
#include <sys/random.h>

STATE(GenidState, (u8[VMGENID_BYTES], id, "the generation's 16 bytes"));

typedef struct {
    Device device;
    GenidState state;
    Region page;
} Genid;

static Genid *genid_of(Device *dev)
{
    return container_of(dev, Genid, device);
}

static void show(Genid *genid)
{
    memcpy(region_rom_bytes(&genid->page), genid->state.id, VMGENID_BYTES);
}

void vmgenid_change(Device *dev)
{
    Genid *genid = genid_of(dev);

    if (getrandom(genid->state.id, VMGENID_BYTES, GRND_NONBLOCK) != VMGENID_BYTES) {
        u64 *words = (u64 *)genid->state.id;    /* early in the host's own boot */

        words[0] += g_get_real_time();
        words[1] += g_random_int();
    }
    show(genid);
}

static bool genid_loaded(Device *dev, GError **err)
{
    (void)err;
    show(genid_of(dev));
    return true;
}

static bool genid_open(Device *dev, GError **err)
{
    Genid *genid = genid_of(dev);

    if (!region_init_rom(&genid->page, "vmgenid", PAGE_BYTES, err)) {
        return false;
    }
    space_add(dev->machine->mmio, &genid->page, VMGENID_BASE, 0);
    vmgenid_change(dev);
    return true;
}

static void genid_close(Device *dev)
{
    region_fini(&genid_of(dev)->page);
}

const DeviceType vmgenid_type = {
    .name = "vmgenid",
    .help = "tells the guest that it goes on from a snapshot",
    .board_only = true,
    .size = sizeof(Genid),
    .part = {
        .name = "vmgenid",
        DEVICE_STATE(Genid, GenidState),
        .keeps = true,
        .loaded = genid_loaded,
    },
    .open = genid_open,
    .close = genid_close,
};
