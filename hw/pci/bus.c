/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root PCI bus: who sits where, configuration cycles, INTx lines, and the bus type
 * through which -device plugs functions in.  Bridges, and so other bus numbers, are
 * left out.  Under the machine lock.
 */

#include "hw/pci/pci.h"
#include "hw/pci/inside.h"

static const char *const bus_names[] = { "pcie.0", "pci.0", NULL };

PciBus *pci_bus_new(Machine *machine, const char *name, PciRouteFn *route)
{
    PciBus *bus = g_new0(PciBus, 1);

    bus->name = name;
    bus->machine = machine;
    bus->route = route;
    return bus;
}

void pci_bus_free(PciBus *bus)
{
    g_free(bus);
}

/* ---- configuration cycles ---- */

u32 pci_config_read(PciBus *bus, u8 number, u8 devfn, unsigned offset, unsigned n)
{
    PciDevice *pci = number == 0 ? bus->function[devfn] : NULL;

    if (!pci) {
        return ~0u >> (32 - 8 * n);
    }
    if (pci->config_read) {
        return pci->config_read(pci, offset, n);
    }
    return offset < PCI_CONFIG_BYTES ? pci_config_get(pci, offset, n) : 0;
}

void pci_config_write(PciBus *bus, u8 number, u8 devfn, unsigned offset, u32 value,
                      unsigned n)
{
    PciDevice *pci = number == 0 ? bus->function[devfn] : NULL;

    if (!pci) {
        return;
    }
    if (pci->config_write) {
        pci->config_write(pci, offset, value, n);
    } else if (offset < PCI_CONFIG_BYTES) {
        pci_config_put(pci, offset, value, n);
    }
}

static u64 ecam_read(void *opaque, u64 offset, unsigned size)
{
    return pci_config_read(opaque, offset >> 20, offset >> 12, offset & 0xfff, size);
}

static void ecam_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    pci_config_write(opaque, offset >> 20, offset >> 12, offset & 0xfff, value, size);
}

const RegionOps pci_ecam_ops = { ecam_read, ecam_write, .sizes = 1 | 2 | 4 };

/*
 * PCI 3.0, 3.2.2.3.2: bit 31 enables, 16-23 bus, 8-15 device and function, 2-7 dword.
 */
u32 pci_port_read(PciBus *bus, u32 address, unsigned at, unsigned n)
{
    if (!(address >> 31)) {
        return ~0u >> (32 - 8 * n);
    }
    return pci_config_read(bus, address >> 16, address >> 8, (address & 0xfc) + at, n);
}

void pci_port_write(PciBus *bus, u32 address, unsigned at, u32 value, unsigned n)
{
    if (address >> 31) {
        pci_config_write(bus, address >> 16, address >> 8, (address & 0xfc) + at, value,
                         n);
    }
}

/* ---- interrupt lines ---- */

/*
 * Counts the function in or out of its line; called whenever what decides may have
 * changed.
 */
void pci_update_intx(PciDevice *pci)
{
    PciBus *bus = pci->on;
    u8 pin = pci->state.config[PCI_IRQ_PIN];
    u16 command = pci_config_get(pci, PCI_COMMAND, 2);
    bool held = pci->state.intx && bus && pin && !(command & PCI_COMMAND_NO_INTX) &&
                !pci_msi_on(pci) && !pci_msix_on(pci);

    if (held != pci->intx_held) {
        unsigned line = bus->route(PCI_SLOT(pci->devfn), pci->image[PCI_IRQ_PIN] - 1);

        pci->intx_held = held;
        bus->asserted[line] += held ? 1 : -1;
        irq_set(&bus->line[line], bus->asserted[line] > 0);
    }
}

void pci_intx(PciDevice *pci, bool level)
{
    pci->state.intx = level;
    if (level) {
        pci->state.config[PCI_STATUS] |= PCI_STATUS_INTX;
    } else {
        pci->state.config[PCI_STATUS] &= ~PCI_STATUS_INTX;
    }
    pci_update_intx(pci);
}

/* ---- names ---- */

/* IEEE 1275's PCI binding, 2.2.1.3; the host bridge is the one at port 0xcf8. */
char *pci_boot_path(const PciDevice *pci, const char *node)
{
    unsigned fn = PCI_FUNC(pci->devfn);
    g_autofree char *function = fn ? g_strdup_printf(",%x", fn) : NULL;

    return g_strdup_printf("/pci@i0cf8/%s@%x%s", node, PCI_SLOT(pci->devfn),
                           function ? function : "");
}

/* ---- plugging in ---- */

static bool slot_is_free(const PciBus *bus, unsigned slot)
{
    for (unsigned fn = 0; fn < 8; fn++) {
        if (bus->function[PCI_DEVFN(slot, fn)]) {
            return false;
        }
    }
    return true;
}

/* "1f.2", "1f": both parts hexadecimal, as in QEMU. */
static bool parse_addr(const char *text, unsigned *slot, unsigned *fn, GError **err)
{
    char *end;

    *slot = g_ascii_isxdigit(*text) ? strtoul(text, &end, 16) : 32;
    *fn = 0;
    if (*slot < 32 && *end == '.') {
        *fn = g_ascii_isxdigit(end[1]) ? strtoul(end + 1, &end, 16) : 8;
    }
    if (*slot < 32 && *fn < 8 && *end == '\0') {
        return true;
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "addr: '%s' is not SLOT.FUNCTION, hexadecimal, 0.0 to 1f.7", text);
    return false;
}

static bool next_addr(const PciBus *bus, unsigned *slot, GError **err)
{
    for (*slot = 1; *slot < 0x1f; ++*slot) {
        if (slot_is_free(bus, *slot)) {
            return true;
        }
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                "no free slot on bus %s; share one: addr=SLOT.FUNCTION,"
                "multifunction=on", bus->name);
    return false;
}

/* PCI 3.0, 6.1: functions 1-7 are looked for only where function 0 says so. */
static bool may_sit(const PciBus *bus, const PciDevice *pci, unsigned slot, unsigned fn,
                    GError **err)
{
    const PciDevice *there = bus->function[PCI_DEVFN(slot, fn)];
    const PciDevice *first = bus->function[PCI_DEVFN(slot, 0)];

    if (there) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "addr: %02x.%x is taken by %s", slot, fn, there->dev->type->name);
    } else if (fn > 0 && first && !first->config.multifunction) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "addr: %02x.0 (%s) has no other functions; give it "
                    "multifunction=on", slot, first->dev->type->name);
    } else if (fn == 0 && !pci->config.multifunction && !slot_is_free(bus, slot)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "addr: %02x has other functions; this one needs "
                    "multifunction=on", slot);
    } else {
        return true;
    }
    return false;
}

static bool find_bus(PciDevice *pci, GError **err)
{
    const char *name = pci->config.bus;

    if (!pci->dev->machine->pci) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "this machine has no PCI bus");
    } else if (name && *name && !g_strv_contains(bus_names, name)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "bus: there is no bus '%s'; the PCI bus is 'pcie.0'", name);
    } else {
        return true;
    }
    return false;
}

static bool sit_down(PciDevice *pci, GError **err)
{
    PciBus *bus = pci->dev->machine->pci;
    const char *addr = pci->config.addr;
    unsigned slot, fn = 0;

    if (addr && *addr ? !parse_addr(addr, &slot, &fn, err)
                      : !next_addr(bus, &slot, err)) {
        return false;
    }
    if (!may_sit(bus, pci, slot, fn, err)) {
        return false;
    }
    if (pci->config.multifunction) {
        pci_config_set(pci, PCI_HEADER, PCI_HEADER_MULTI, 1);
    }
    pci->on = bus;
    pci->devfn = PCI_DEVFN(slot, fn);
    bus->function[pci->devfn] = pci;
    return true;
}

bool pci_attach(PciDevice *pci, GError **err)
{
    if (!find_bus(pci, err) || !pci_load_rom(pci, err) || !sit_down(pci, err)) {
        return false;
    }
    pci_map(pci);
    return true;
}

static bool bus_prepare(Device *dev, GError **err)
{
    (void)err;
    pci_prepare(g_new0(PciDevice, 1), dev,
                &container_of(dev->type, const PciType, device)->ids);
    return true;
}

static bool bus_attach(Device *dev, GError **err)
{
    return pci_attach(pci_device(dev), err);
}

static void bus_detach(Device *dev)
{
    pci_detach(pci_device(dev));
    g_clear_pointer(&dev->bus_data, g_free);
}

const BusType pci_bus = {
    .name    = "PCI",
    .suffix  = "",
    .prepare = bus_prepare,
    .attach  = bus_attach,
    .detach  = bus_detach,
};
