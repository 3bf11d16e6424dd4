/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What firmware does to PCI, for boots without one: addresses for BARs, interrupt
 * lines, decoding on.  And info pci.  Under the machine lock.
 */

#include "hw/pci/inside.h"
#include <inttypes.h>

typedef struct {
    PciDevice *pci;
    unsigned bar;
} Want;

/* Larger first: then every BAR is aligned without gaps. */
static gint by_size(gconstpointer a, gconstpointer b)
{
    const Want *x = a, *y = b;
    u64 m = x->pci->bar[x->bar].size, n = y->pci->bar[y->bar].size;

    return m > n ? -1 : m < n;
}

static GArray *collect(PciBus *bus)
{
    GArray *wants = g_array_new(FALSE, FALSE, sizeof(Want));

    for (unsigned i = 0; i < G_N_ELEMENTS(bus->function); i++) {
        PciDevice *pci = bus->function[i];

        for (unsigned bar = 0; pci && bar < PCI_BARS; bar++) {
            if (pci->bar[bar].region) {
                g_array_append_val(wants, ((Want){ pci, bar }));
            }
        }
    }
    g_array_sort(wants, by_size);
    return wants;
}

static u64 take(PciWindow *window, u64 size)
{
    u64 at = (window->base + size - 1) & ~(size - 1);

    if (at < window->base || at > window->end || size > window->end - at) {
        return 0;
    }
    window->base = at + size;
    return at;
}

static void place(const Want *want, PciWindows *windows)
{
    PciBar *bar = &want->pci->bar[want->bar];
    unsigned at = PCI_BAR0 + 4 * want->bar;
    bool io = bar->flags & PCI_BAR_IO, wide = bar->flags & PCI_BAR_MEM64;
    u64 address = take(io ? &windows->io : &windows->mem, bar->size);

    if (!address && wide) {
        address = take(&windows->mem64, bar->size);
    }
    if (address) {
        u8 command = want->pci->state.config[PCI_COMMAND];

        command |= io ? PCI_COMMAND_IO : PCI_COMMAND_MEM;
        pci_config_put(want->pci, at, address, 4);
        if (wide) {
            pci_config_put(want->pci, at + 4, address >> 32, 4);
        }
        pci_config_put(want->pci, PCI_COMMAND, command, 1);
    }
}

void pci_assign(PciBus *bus, const PciWindows *windows)
{
    g_autoptr(GArray) wants = collect(bus);
    PciWindows left = *windows;

    for (guint i = 0; i < wants->len; i++) {
        place(&g_array_index(wants, Want, i), &left);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bus->function); i++) {
        PciDevice *pci = bus->function[i];

        if (pci && pci->image[PCI_IRQ_PIN]) {
            unsigned line = bus->route(PCI_SLOT(i), pci->image[PCI_IRQ_PIN] - 1);

            pci_config_put(pci, PCI_IRQ_LINE, windows->irq[line], 1);
        }
    }
}

/* ---- info pci ---- */

static void print_bar(const PciDevice *pci, unsigned bar, GString *out)
{
    const PciBar *b = &pci->bar[bar];
    u64 at = pci_bar_address(pci, bar);

    if (bar == PCI_ROM_BAR) {
        g_string_append_printf(out, "      ROM: ");
    } else {
        g_string_append_printf(out, "      BAR%u: ", bar);
    }
    g_string_append(out, b->flags & PCI_BAR_IO ? "I/O"
                         : b->flags & PCI_BAR_MEM64 ? "64 bit" : "32 bit");
    g_string_append(out, b->flags & PCI_BAR_PREFETCH ? " prefetchable memory"
                         : b->flags & PCI_BAR_IO ? "" : " memory");
    if (at == UINT64_MAX) {
        g_string_append_printf(out, " nowhere, %" PRIu64 " bytes\n", b->size);
    } else {
        g_string_append_printf(out, " at 0x%" PRIx64 " [0x%" PRIx64 "]\n", at,
                               at + b->size - 1);
    }
}

static void print_function(const PciDevice *pci, GString *out)
{
    unsigned pin = pci->state.config[PCI_IRQ_PIN];

    g_string_append_printf(out, "  Bus  0, device %3u, function %u:\n",
                           PCI_SLOT(pci->devfn), PCI_FUNC(pci->devfn));
    g_string_append_printf(out, "    %s: PCI device %04x:%04x, class %06x\n",
                           pci->dev->type->name, pci_config_get(pci, PCI_VENDOR, 2),
                           pci_config_get(pci, PCI_DEVICE, 2),
                           pci_config_get(pci, PCI_REVISION, 4) >> 8);
    g_string_append_printf(out, "      PCI subsystem %04x:%04x\n",
                           pci_config_get(pci, PCI_SUBVENDOR, 2),
                           pci_config_get(pci, PCI_SUBDEVICE, 2));
    if (pin) {
        g_string_append_printf(out, "      IRQ %u, pin %c\n",
                               pci->state.config[PCI_IRQ_LINE], 'A' + pin - 1);
    }
    for (unsigned bar = 0; bar <= PCI_ROM_BAR; bar++) {
        if (pci->bar[bar].region) {
            print_bar(pci, bar, out);
        }
    }
    g_string_append_printf(out, "      id \"%s\"\n", pci->dev->id ? pci->dev->id : "");
}

void pci_print(PciBus *bus, GString *out)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bus->function); i++) {
        if (bus->function[i]) {
            print_function(bus->function[i], out);
        }
    }
}
