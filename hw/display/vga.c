/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a VGA: see vga.h.
 */

#include "hw/display/vga.h"

#include <string.h>

const Field vga_state_rows[] = STATE_ROWS(VgaState, VGA_STATE_ROWS);
const VgaState vga_reset_state = { .vbe = { [VBE_ID] = 0xb0c5 }, .pel_mask = 0xff };

/* Above all that a CPU can address (52 bits); one slot per device. */
#define VIDEO_RAM_AT(slot) ((1ull << 56) + (slot) * TiB)
enum { VIDEO_RAM_SLOTS = 4, WINDOW_AT = 0xa0000, WINDOW_BYTES = 0x20000,
       WINDOW_PRIORITY = 2 };

static const struct { const char *name; u16 base, count; } port_rows[] = {
    { "vga", 0x3b4, 2 }, { "vga", 0x3ba, 1 }, { "vga", 0x3c0, 16 },
    { "vga", 0x3d4, 2 }, { "vga", 0x3da, 1 },
};
enum { VBE_PORT = 0x1ce, VBE_PORTS = 4, DISPI_RANGE = G_N_ELEMENTS(port_rows) };

_Static_assert(G_N_ELEMENTS(((Vga *)0)->ports) == G_N_ELEMENTS(port_rows) + 1,
               "a region per range of ports");

u8 *video_ram_new(Machine *machine, const char *name, u64 bytes, Region *alias,
                  GError **err)
{
    unsigned slot = 0;
    struct iovec host;

    while (slot < VIDEO_RAM_SLOTS &&
           mem_iov(machine->mem, VIDEO_RAM_AT(slot), 1, &host)) {
        slot++;
    }
    if (slot == VIDEO_RAM_SLOTS) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "there is room for %d displays with video memory", VIDEO_RAM_SLOTS);
        return NULL;
    }
    if (!mem_add_ram(machine->mem, NULL, name, VIDEO_RAM_AT(slot), bytes, err) ||
        !mem_iov(machine->mem, VIDEO_RAM_AT(slot), bytes, &host) ||
        !region_init_alias(alias, name, machine->mem, VIDEO_RAM_AT(slot), bytes,
                           false)) {
        return NULL;
    }
    return host.iov_base;
}

static void console_looks(void *opaque)
{
    Vga *vga = opaque;

    if (!vga->given) {
        vga_update(vga);
    }
}

static const ConsoleOps console_ops = { .update = console_looks };

static void add_legacy(Vga *vga)
{
    Machine *machine = vga->machine;

    region_init_io(&vga->window, "vga-window", &vga_window_ops, vga, WINDOW_BYTES);
    space_add(machine->mmio, &vga->window, WINDOW_AT, WINDOW_PRIORITY);
    for (unsigned i = 0; i < G_N_ELEMENTS(port_rows); i++) {
        region_init_io(&vga->ports[i], port_rows[i].name, &vga_port_ops[i], vga,
                       port_rows[i].count);
        space_add(machine->io, &vga->ports[i], port_rows[i].base, 0);
    }
    region_init_io(&vga->ports[DISPI_RANGE], "vbe", &vbe_port_ops, vga, VBE_PORTS);
    space_add(machine->io, &vga->ports[DISPI_RANGE], VBE_PORT, 0);
}

bool vga_open(Vga *vga, Machine *machine, const char *name, u32 vram_mib, bool legacy,
              GError **err)
{
    vga->machine = machine;
    vga->name = name;
    vga->legacy = legacy;
    vga->vram_bytes = vram_mib * MiB;
    vga->vram = video_ram_new(machine, "vga.vram", vga->vram_bytes, &vga->lfb, err);
    if (!vga->vram) {
        return false;
    }
    region_init_io(&vga->mmio, "vga-mmio", &vga_mmio_ops, vga, VGA_MMIO_BYTES);
    if (legacy) {
        add_legacy(vga);
    }
    vga->console = console_new(name, &console_ops, vga);
    vga_set_size(vga, legacy ? 720 : 640, legacy ? 400 : 480);
    return true;
}

void vga_offer_text(Vga *vga, const Region *rom)
{
    vga->rom = rom;
    if (!vga->machine->start_text) {
        vga->machine->start_text = vga_start_text;
        vga->machine->text_screen = vga;
    }
}

void vga_close(Vga *vga)
{
    if (vga->machine && vga->machine->text_screen == vga) {
        vga->machine->start_text = NULL;
        vga->machine->text_screen = NULL;
    }
    g_clear_pointer(&vga->console, console_free);
    for (unsigned i = 0; i < G_N_ELEMENTS(vga->ports); i++) {
        region_fini(&vga->ports[i]);
    }
    region_fini(&vga->window);
    region_fini(&vga->mmio);
    region_fini(&vga->lfb);
    g_clear_pointer(&vga->pixels, g_free);
    g_clear_pointer(&vga->seen_planes, g_free);
}

void vga_reset(Vga *vga)
{
    console_stir(vga->console);
}

bool vga_loaded(Vga *vga, GError **err)
{
    if (!vbe_check(vga)) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "vga: a mode that does not fit into its memory");
        return false;
    }
    g_clear_pointer(&vga->seen_planes, g_free);
    console_stir(vga->console);
    return true;
}

void vga_set_edid(Vga *vga, const EdidInfo *info)
{
    edid_make(info, vga->edid);
    vga->has_edid = true;
}
