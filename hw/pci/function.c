/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One PCI function: its configuration space, capabilities and BARs (PCI 3.0, chapter
 * 6). Under the machine lock.
 */

#include "hw/pci/inside.h"
#include <string.h>

static const Field PciConfig_fields[] = STATE_ROWS(PciConfig, PCI_CONFIG_ROWS);
static const Field PciState_fields[] = STATE_ROWS(PciState, PCI_STATE_ROWS);

/* ---- bytes ---- */

static void put(u8 *at, u32 value, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        at[i] = value >> 8 * i;
    }
}

void pci_config_set(PciDevice *pci, unsigned offset, u32 value, unsigned n)
{
    g_assert(!pci->on && offset + n <= PCI_CONFIG_BYTES);
    put(pci->image + offset, value, n);
    put(pci->state.config + offset, value, n);
}

void pci_config_mask(PciDevice *pci, unsigned offset, u32 writable, unsigned n)
{
    g_assert(!pci->on && offset + n <= PCI_CONFIG_BYTES);
    put(pci->wmask + offset, writable, n);
}

u32 pci_config_get(const PciDevice *pci, unsigned offset, unsigned n)
{
    u32 value = 0;

    for (unsigned i = 0; i < n; i++) {
        value |= (u32)pci->state.config[offset + i] << 8 * i;
    }
    return value;
}

bool pci_is_master(const PciDevice *pci)
{
    return pci->state.config[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

/* ---- BARs ---- */

static unsigned bar_offset(unsigned bar)
{
    return bar == PCI_ROM_BAR ? PCI_ROM : PCI_BAR0 + 4 * bar;
}

void pci_add_bar(PciDevice *pci, unsigned bar, u8 flags, Region *region)
{
    u64 size = region->size;
    unsigned at = bar_offset(bar);
    bool wide = flags & PCI_BAR_MEM64;

    g_assert(bar + wide < PCI_BARS || (bar == PCI_ROM_BAR && !wide));
    g_assert((size & (size - 1)) == 0 && size >= (flags & PCI_BAR_IO ? 4 : 16));
    pci->bar[bar] = (PciBar){ region, flags, size };
    if (bar == PCI_ROM_BAR) {
        pci_config_mask(pci, at, ~(size - 1) | 1, 4);       /* 6.2.5.2: bit 0 enables */
        return;
    }
    pci_config_set(pci, at, flags, 4);
    pci_config_mask(pci, at, ~(size - 1), 4);
    if (wide) {
        pci_config_mask(pci, at + 4, ~(size - 1) >> 32, 4);
    }
}

/*
 * Where a BAR decodes, or UINT64_MAX.  Address 0 and ranges that reach the end of the
 * BAR's address space are what sizing leaves behind: nobody means them.
 */
u64 pci_bar_address(const PciDevice *pci, unsigned bar)
{
    const PciBar *b = &pci->bar[bar];
    unsigned at = bar_offset(bar);
    u16 command = pci_config_get(pci, PCI_COMMAND, 2);
    bool io = b->flags & PCI_BAR_IO, wide = b->flags & PCI_BAR_MEM64;
    u64 address, limit = io ? 0xffff : wide ? UINT64_MAX : UINT32_MAX;

    if (!b->region || !(command & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEM)) ||
        (bar == PCI_ROM_BAR && !(pci->state.config[at] & 1))) {
        return UINT64_MAX;
    }
    address = pci_config_get(pci, at, 4);
    if (wide) {
        address |= (u64)pci_config_get(pci, at + 4, 4) << 32;
    }
    address &= ~(b->size - 1);
    return address == 0 || address > limit - b->size ? UINT64_MAX : address;
}

static void update_bars(PciDevice *pci)
{
    Machine *machine = pci->dev->machine;

    space_begin(machine->mmio);
    space_begin(machine->io);
    for (unsigned i = 0; i < G_N_ELEMENTS(pci->bar); i++) {
        Region *region = pci->bar[i].region;
        u64 address = pci_bar_address(pci, i);

        if (!region) {
            continue;
        }
        if (address == UINT64_MAX) {
            region_enable(region, false);
        } else {
            region_move(region, address);
            region_enable(region, true);
        }
    }
    space_commit(machine->io);
    space_commit(machine->mmio);
}

/* RAM and the board's own registers (priority 0) hide a BAR that is laid over them. */
enum { BAR_PRIORITY = -1 };

void pci_map(PciDevice *pci)
{
    Machine *machine = pci->dev->machine;

    space_begin(machine->mmio);
    space_begin(machine->io);
    for (unsigned i = 0; i < G_N_ELEMENTS(pci->bar); i++) {
        PciBar *bar = &pci->bar[i];

        if (bar->region) {
            space_add(bar->flags & PCI_BAR_IO ? machine->io : machine->mmio,
                      bar->region, 0, BAR_PRIORITY);
            region_enable(bar->region, false);
        }
    }
    space_commit(machine->io);
    space_commit(machine->mmio);
}

/* ---- the guest's writes ---- */

static bool touches(unsigned offset, unsigned n, unsigned from, unsigned size)
{
    return offset < from + size && from < offset + n;
}

void pci_update(PciDevice *pci)
{
    update_bars(pci);
    pci_update_intx(pci);
    pci_update_msix(pci);
}

void pci_config_put(PciDevice *pci, unsigned offset, u32 value, unsigned n)
{
    pthread_mutex_lock(&pci->lock);
    for (unsigned i = offset; i < offset + n; i++, value >>= 8) {
        u8 *byte = &pci->state.config[i];

        *byte = (*byte & ~pci->wmask[i]) | (value & pci->wmask[i]);
        *byte &= ~(value & pci->w1c[i]);
    }
    pthread_mutex_unlock(&pci->lock);

    if (touches(offset, n, PCI_COMMAND, 2) ||
        touches(offset, n, PCI_BAR0, 4 * PCI_BARS) || touches(offset, n, PCI_ROM, 4)) {
        update_bars(pci);
    }
    pci_update_intx(pci);
    pci_update_msix(pci);
    if (pci->config_written) {
        pci->config_written(pci, offset, n);
    }
}

/* ---- capabilities (6.7) ---- */

unsigned pci_add_cap(PciDevice *pci, u8 id, unsigned size)
{
    unsigned at = pci->next_cap;

    g_assert(at + size <= PCI_CONFIG_BYTES);
    pci_config_set(pci, at, id | pci->image[PCI_CAPS] << 8, 2);
    pci_config_set(pci, PCI_CAPS, at, 1);
    pci_config_set(pci, PCI_STATUS, pci->image[PCI_STATUS] | PCI_STATUS_CAPS, 1);
    pci->next_cap = at + ((size + 3) & ~3u);
    return at;
}

/*
 * PCI Express 4.0, 7.5.3: capability version 2, a root complex integrated endpoint,
 * which has no link.  Device control is writable as far as it needs to be: error
 * reporting, payload sizes and ordering have no effect here.
 */
void pci_add_express(PciDevice *pci)
{
    enum { SIZE = 0x3c, FLAGS = 2, DEVCAP = 4, DEVCTL = 8, DEVCTL2 = 0x28 };
    unsigned at = pci_add_cap(pci, PCI_CAP_EXPRESS, SIZE);

    pci_config_set(pci, at + FLAGS, 2 | 9 << 4, 2);
    pci_config_set(pci, at + DEVCAP, 1u << 15, 4);      /* role-based error reporting */
    pci_config_mask(pci, at + DEVCTL, 0x78ff, 2);
    pci_config_mask(pci, at + DEVCTL2, 0x1f, 2);
}

/* ---- life ---- */

void pci_set_ids(PciDevice *pci, const PciIds *ids)
{
    bool none = !ids->subvendor && !ids->subdevice;

    pci_config_set(pci, PCI_VENDOR, ids->vendor, 2);
    pci_config_set(pci, PCI_DEVICE, ids->device, 2);
    pci_config_set(pci, PCI_REVISION, ids->revision | ids->class << 8, 4);
    pci_config_set(pci, PCI_SUBVENDOR, none ? 0x1af4 : ids->subvendor, 2);
    pci_config_set(pci, PCI_SUBDEVICE, none ? 0x1100 : ids->subdevice, 2);
    pci_config_set(pci, PCI_IRQ_PIN, ids->pin, 1);
}

static void function_reset(Device *dev)
{
    PciDevice *pci = pci_device(dev);

    pthread_mutex_lock(&pci->lock);
    memcpy(pci->state.config, pci->image, PCI_CONFIG_BYTES);
    pci->state.intx = 0;
    pthread_mutex_unlock(&pci->lock);
    pci_reset_msix(pci);
    pci_update(pci);
    if (pci->config_written) {
        pci->config_written(pci, 0, PCI_CONFIG_BYTES);
    }
}

/*
 * What the guest cannot write must be what this function has; INTx status is derived.
 */
static bool function_loaded(Device *dev, GError **err)
{
    PciDevice *pci = pci_device(dev);

    for (unsigned i = 0; i < PCI_CONFIG_BYTES; i++) {
        u8 derived = i == PCI_STATUS ? PCI_STATUS_INTX : 0;
        u8 fixed = ~(pci->wmask[i] | pci->w1c[i] | derived);

        if ((pci->state.config[i] ^ pci->image[i]) & fixed) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "config: byte 0x%02x is 0x%02x, this function has 0x%02x there",
                        i, pci->state.config[i], pci->image[i]);
            return false;
        }
    }
    pci_intx(pci, pci->state.intx);
    pci_update(pci);
    if (pci->config_written) {
        pci->config_written(pci, 0, PCI_CONFIG_BYTES);
    }
    return true;
}

static const Part pci_part = {
    .name       = "pci",
    .config     = PciConfig_fields,
    .config_at  = offsetof(PciDevice, config),
    .state      = PciState_fields,
    .state_at   = offsetof(PciDevice, state),
    .state_size = sizeof(PciState),
    .keeps      = true,         /* .reset does it all, under pci->lock */
    .reset      = function_reset,
    .loaded     = function_loaded,
};

void pci_prepare(PciDevice *pci, Device *dev, const PciIds *ids)
{
    pci->dev = dev;
    pci->next_cap = 0x40;
    pthread_mutex_init(&pci->lock, NULL);
    dev->bus_data = pci;
    device_add_part(dev, &pci_part, pci);
    pci_set_ids(pci, ids);
    pci_config_mask(pci, PCI_COMMAND,
                    PCI_COMMAND_IO | PCI_COMMAND_MEM | PCI_COMMAND_MASTER |
                    PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_NO_INTX, 2);
    pci_config_mask(pci, PCI_CACHE_LINE, 0xffff, 2);
    pci_config_mask(pci, PCI_IRQ_LINE, 0xff, 1);
    put(pci->w1c + PCI_STATUS, 0xf900, 2);                  /* 6.2.3: error bits */
}

void pci_detach(PciDevice *pci)
{
    if (pci->on) {
        pci->state.intx = 0;
        pci_update_intx(pci);
        pci->on->function[pci->devfn] = NULL;
        for (unsigned i = 0; i < G_N_ELEMENTS(pci->bar); i++) {
            if (pci->bar[i].region) {
                space_remove(pci->bar[i].region);
            }
        }
        pci->on = NULL;
    }
    if (pci->msix_vectors) {
        region_fini(&pci->msix_region);
    }
    if (pci->bar[PCI_ROM_BAR].region == &pci->rom) {
        region_fini(&pci->rom);
    }
    pthread_mutex_destroy(&pci->lock);
}
