/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA bus: maps the ports that a device asked for.  Called with the machine lock
 * held, or before the machine starts.
 */

#include "hw/isa/isa.h"

bool isa_ports(IsaDevice *isa, unsigned base, unsigned count, const RegionOps *ops,
               GError **err)
{
    Region *range = &isa->range[isa->n_ranges];

    g_assert(isa->n_ranges < ISA_RANGES);
    if (base >= ISA_PORTS || count > ISA_PORTS - base) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%u ports from 0x%x on go beyond port 0xffff", count, base);
        return false;
    }
    region_init_io(range, isa->device.type->name, ops, isa, count);
    range->base = base;
    isa->n_ranges++;
    return true;
}

/*
 * True if nobody decodes one of the range's ports; a fallback of lower priority does
 * not count.
 */
static bool range_is_free(const Space *io, const Region *range, GError **err)
{
    for (u64 port = range->base; port < range->base + range->size; port++) {
        const FlatRange *there = space_find(io, port);

        if (there && there->region->priority >= 0) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "port 0x%x is taken by %s", (unsigned)port,
                        there->region->name);
            return false;
        }
    }
    return true;
}

static bool isa_attach(Device *dev, GError **err)
{
    IsaDevice *isa = container_of(dev, IsaDevice, device);

    for (unsigned i = 0; i < isa->n_ranges; i++) {
        if (!range_is_free(dev->machine->io, &isa->range[i], err)) {
            return false;
        }
        space_add(dev->machine->io, &isa->range[i], isa->range[i].base, 0);
    }
    return true;
}

static void isa_detach(Device *dev)
{
    IsaDevice *isa = container_of(dev, IsaDevice, device);

    for (unsigned i = 0; i < isa->n_ranges; i++) {
        region_fini(&isa->range[i]);
    }
    isa->n_ranges = 0;
}

const BusType isa_bus = {
    .name   = "ISA",
    .suffix = "",
    .attach = isa_attach,
    .detach = isa_detach,
};
