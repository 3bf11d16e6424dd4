/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VGA and bochs-display: the core of vga.h behind PCI (QEMU's docs/specs/standard-vga).
 * BAR 0 is video memory, BAR 2 the registers.  bochs-display has nothing of a VGA but
 * the DISPI registers.  Under the machine lock.
 */

#include "hw/display/devices.h"
#include "hw/display/vga.h"

#define DISPLAY_ROWS                                                                \
    (u32,  xres,      "pixels across that the monitor likes best", .def = 1280,     \
           .min = 64, .max = VBE_MAX_WIDTH),                                        \
    (u32,  yres,      "lines that the monitor likes best", .def = 800, .min = 64,   \
           .max = VBE_MAX_HEIGHT),                                                  \
    (u32,  xmax,      "pixels across at most; 0 for those liked best",              \
           .max = VBE_MAX_WIDTH),                                                   \
    (u32,  ymax,      "lines at most; 0 for those liked best",                      \
           .max = VBE_MAX_HEIGHT),                                                  \
    (bool, edid,      "tell what the monitor can do", .def = 1)

PROPS(VgaConfig,
    (u32, vgamem_mb, "video memory, MiB, a power of two", .def = 16, .min = 1,
          .max = 256),
    DISPLAY_ROWS);

PROPS(BochsConfig,
    (u64, vgamem, "video memory, a power of two", .def = 16 << 20, .min = 4 << 20,
          .max = 256 << 20, .is_size = true),
    DISPLAY_ROWS);

typedef struct {
    Device dev;
    VgaConfig config;
    Vga vga;
} VgaPci;

typedef struct {
    Device dev;
    BochsConfig config;
    Vga vga;
} BochsDisplay;

static VgaPci *vga_of(Device *dev)
{
    return container_of(dev, VgaPci, dev);
}

static BochsDisplay *bochs_of(Device *dev)
{
    return container_of(dev, BochsDisplay, dev);
}

static bool is_power(u64 n, const char *option, GError **err)
{
    if (n & (n - 1)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s: not a power of two", option);
        return false;
    }
    return true;
}

static void add_bars(Device *dev, Vga *vga)
{
    PciDevice *pci = pci_device(dev);

    pci_add_bar(pci, 0, PCI_BAR_MEM | PCI_BAR_PREFETCH, &vga->lfb);
    pci_add_bar(pci, 2, PCI_BAR_MEM, &vga->mmio);
}

static const char *console_name(const Device *dev)
{
    return dev->id ? dev->id : dev->type->name;
}

/* ---- VGA ---- */

static bool vga_check(const void *config, GError **err)
{
    return is_power(((const VgaConfig *)config)->vgamem_mb, "vgamem-mb", err);
}

static bool open_vga(Device *dev, GError **err)
{
    VgaPci *v = vga_of(dev);
    const VgaConfig *c = &v->config;

    if (!vga_open(&v->vga, dev->machine, console_name(dev), c->vgamem_mb, true, err)) {
        return false;
    }
    if (c->edid) {
        vga_set_edid(&v->vga, &(EdidInfo){ c->xres, c->yres, c->xmax, c->ymax });
    }
    add_bars(dev, &v->vga);
    pci_device(dev)->default_rom = "vgabios-stdvga.bin";
    vga_offer_text(&v->vga, &pci_device(dev)->rom);
    return true;
}

static void close_vga(Device *dev)
{
    vga_close(&vga_of(dev)->vga);
}

static void reset_vga(Device *dev)
{
    vga_reset(&vga_of(dev)->vga);
}

static bool loaded_vga(Device *dev, GError **err)
{
    return vga_loaded(&vga_of(dev)->vga, err);
}

const PciType vga_pci = {
    .device = {
        .name  = "VGA",
        .help  = "a VGA with modes up to 32 bits per pixel",
        .bus   = { &pci_bus },
        .size  = sizeof(VgaPci),
        .part  = {
            .name = "vga",
            DEVICE_CONFIG(VgaPci, VgaConfig),
            .state = vga_state_rows, .state_at = offsetof(VgaPci, vga.state),
            .state_size = sizeof(VgaState),
            .reset_state = &vga_reset_state,
            .reset = reset_vga,
            .loaded = loaded_vga,
        },
        .check = vga_check,
        .open  = open_vga,
        .close = close_vga,
    },
    .ids = { 0x1234, 0x1111, .class = 0x030000, .revision = 2 },
};

/* ---- bochs-display ---- */

static bool bochs_check(const void *config, GError **err)
{
    return is_power(((const BochsConfig *)config)->vgamem, "vgamem", err);
}

static bool open_bochs(Device *dev, GError **err)
{
    BochsDisplay *b = bochs_of(dev);
    const BochsConfig *c = &b->config;

    if (!vga_open(&b->vga, dev->machine, console_name(dev), c->vgamem / MiB, false,
                  err)) {
        return false;
    }
    if (c->edid) {
        vga_set_edid(&b->vga, &(EdidInfo){ c->xres, c->yres, c->xmax, c->ymax });
    }
    add_bars(dev, &b->vga);
    return true;
}

static void close_bochs(Device *dev)
{
    vga_close(&bochs_of(dev)->vga);
}

static void reset_bochs(Device *dev)
{
    vga_reset(&bochs_of(dev)->vga);
}

static bool loaded_bochs(Device *dev, GError **err)
{
    return vga_loaded(&bochs_of(dev)->vga, err);
}

const PciType bochs_display = {
    .device = {
        .name  = "bochs-display",
        .help  = "a frame buffer without a VGA",
        .bus   = { &pci_bus },
        .size  = sizeof(BochsDisplay),
        .part  = {
            .name = "bochs-display",
            DEVICE_CONFIG(BochsDisplay, BochsConfig),
            .state = vga_state_rows, .state_at = offsetof(BochsDisplay, vga.state),
            .state_size = sizeof(VgaState),
            .reset_state = &vga_reset_state,
            .reset = reset_bochs,
            .loaded = loaded_bochs,
        },
        .check = bochs_check,
        .open  = open_bochs,
        .close = close_bochs,
    },
    .ids = { 0x1234, 0x1111, .class = 0x038000, .revision = 2 },
};
