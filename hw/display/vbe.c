/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Bochs extension of the VGA: modes with up to 32 bits per pixel, set through index
 * and data ports 0x1ce and 0x1cf (or 0x1d0), or through a BAR that has the VGA's own
 * registers and the EDID, too (QEMU's docs/specs/standard-vga).  See vga.h.
 */

#include "hw/display/vga.h"

#include <string.h>

enum {
    ID_FIRST = 0xb0c0, ID_LAST = 0xb0c5,
    /* the BAR */
    AT_EDID = 0, AT_PORTS = 0x400, PORTS_END = 0x420, AT_DISPI = 0x500,
    DISPI_END = 0x516, AT_EXTENSION = 0x600, AT_BYTE_ORDER = 0x604, EXTENSION_BYTES = 8,
};

#define LITTLE_ENDIAN_PIXELS 0x1e1e1e1eu

static bool bpp_is_known(const Vga *vga, u16 bpp)
{
    return bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32 ||
           (bpp == 4 && vga->legacy);
}

/* Makes the virtual size and the offsets fit the mode and the memory. */
static void fit(Vga *vga)
{
    u16 *r = vga->state.vbe;
    u32 lines;

    r[VBE_XRES] &= ~7;
    r[VBE_XRES] = CLAMP(r[VBE_XRES], 8, VBE_MAX_WIDTH);
    r[VBE_VIRT_WIDTH] = MAX(r[VBE_VIRT_WIDTH] & ~7, r[VBE_XRES]);
    lines = vga->vram_bytes / MAX(vbe_pitch(vga), 1);
    r[VBE_YRES] = CLAMP(r[VBE_YRES], 1, MIN(VBE_MAX_HEIGHT, lines));
    r[VBE_VIRT_HEIGHT] = MIN(lines, UINT16_MAX);
    r[VBE_X_OFFSET] = MIN(r[VBE_X_OFFSET], r[VBE_VIRT_WIDTH] - r[VBE_XRES]);
    r[VBE_Y_OFFSET] = MIN(r[VBE_Y_OFFSET], r[VBE_VIRT_HEIGHT] - r[VBE_YRES]);
}

bool vbe_check(const Vga *vga)
{
    const u16 *r = vga->state.vbe;
    Vga fitted = { .state = vga->state, .vram_bytes = vga->vram_bytes };

    if (!vbe_on(vga)) {
        return true;
    }
    if (!bpp_is_known(vga, r[VBE_BPP])) {
        return false;
    }
    fit(&fitted);
    return memcmp(fitted.state.vbe, r, sizeof vga->state.vbe) == 0;
}

static void enable(Vga *vga, u16 value)
{
    u16 *r = vga->state.vbe;

    if ((value & VBE_ON) && !(r[VBE_ENABLE] & VBE_ON)) {
        r[VBE_VIRT_WIDTH] = r[VBE_XRES];
        r[VBE_X_OFFSET] = r[VBE_Y_OFFSET] = 0;
        if (!bpp_is_known(vga, r[VBE_BPP])) {
            r[VBE_BPP] = 8;
        }
        fit(vga);
        if (!(value & VBE_NO_CLEAR)) {
            memset(vga->vram, 0, (size_t)vbe_pitch(vga) * r[VBE_YRES]);
        }
    }
    if (!(value & VBE_ON)) {
        r[VBE_BANK] = 0;
    }
    r[VBE_ENABLE] = value;
}

u16 vbe_read(const Vga *vga)
{
    const u16 *r = vga->state.vbe;
    u16 i = vga->state.vbe_index;

    if (i == VBE_MEMORY) {
        return vga->vram_bytes / (64 * KiB);
    }
    if (i >= VBE_REGS) {
        return 0;
    }
    if (r[VBE_ENABLE] & VBE_GET_CAPS) {
        switch (i) {
        case VBE_XRES: return VBE_MAX_WIDTH;
        case VBE_YRES: return VBE_MAX_HEIGHT;
        case VBE_BPP:  return 32;
        }
    }
    return r[i];
}

void vbe_write(Vga *vga, u16 value)
{
    u16 *r = vga->state.vbe, i = vga->state.vbe_index;

    console_stir(vga->console);
    switch (i) {
    case VBE_ID:
        if (value >= ID_FIRST && value <= ID_LAST) {
            r[i] = value;
        }
        break;
    case VBE_ENABLE:
        enable(vga, value);
        break;
    case VBE_BPP:
        if (!vbe_on(vga) && bpp_is_known(vga, value)) {
            r[i] = value;
        }
        break;
    case VBE_BANK:
        r[i] = MIN(value, vga->vram_bytes / (64 * KiB) - 1);
        break;
    case VBE_XRES:
    case VBE_YRES:
        if (!vbe_on(vga)) {
            r[i] = value;
        }
        break;
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        r[i] = value;
        if (vbe_on(vga)) {
            fit(vga);
        }
        break;
    }
}

/* ---- ports: the index at 0, data at 1 (unaligned) and at 2 ---- */

static u64 port_read(void *opaque, u64 offset, unsigned size)
{
    const Vga *vga = opaque;

    if (offset == 0) {
        return vga->state.vbe_index;
    }
    return offset == 2 && size == 1 ? vbe_read(vga) >> 8 : vbe_read(vga);
}

/* A word at 0x1cf comes as two bytes. */
static void port_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Vga *vga = opaque;

    if (offset == 0) {
        vga->state.vbe_index = value;
    } else if (size == 2) {
        vbe_write(vga, value);
    } else if (offset == 1) {
        vga->state.vbe_low = value & 0xff;
    } else if (offset == 2) {
        vbe_write(vga, vga->state.vbe_low | value << 8);
    }
}

const RegionOps vbe_port_ops = { port_read, port_write, .sizes = 1 | 2 };

/* ---- the BAR ---- */

static u64 extension_read(const Vga *vga, u64 offset, unsigned size)
{
    u32 word = offset < AT_BYTE_ORDER ? EXTENSION_BYTES : LITTLE_ENDIAN_PIXELS;

    return word >> 8 * (offset & 3);
}

static u64 mmio_read(void *opaque, u64 offset, unsigned size)
{
    Vga *vga = opaque;
    u64 value = 0;

    if (offset + size <= EDID_BYTES && vga->has_edid) {
        memcpy(&value, vga->edid + offset, size);
        return GUINT64_FROM_LE(value);
    }
    if (vga->legacy && offset >= AT_PORTS && offset < PORTS_END) {
        for (unsigned i = 0; i < size; i++) {
            value |= (u64)vga_port_read(vga, 0x3c0 + offset - AT_PORTS + i) << 8 * i;
        }
    } else if (offset >= AT_DISPI && offset < DISPI_END && size == 2) {
        u16 index = vga->state.vbe_index;

        vga->state.vbe_index = (offset - AT_DISPI) / 2;
        value = vbe_read(vga);
        vga->state.vbe_index = index;
    } else if (offset >= AT_EXTENSION && offset < AT_EXTENSION + EXTENSION_BYTES) {
        value = extension_read(vga, offset, size);
    }
    return value;
}

static void mmio_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Vga *vga = opaque;

    if (vga->legacy && offset >= AT_PORTS && offset < PORTS_END) {
        for (unsigned i = 0; i < size; i++, value >>= 8) {
            vga_port_write(vga, 0x3c0 + offset - AT_PORTS + i, value);
        }
    } else if (offset >= AT_DISPI && offset < DISPI_END && size == 2) {
        u16 index = vga->state.vbe_index;

        vga->state.vbe_index = (offset - AT_DISPI) / 2;
        vbe_write(vga, value);
        vga->state.vbe_index = index;
    }
}

const RegionOps vga_mmio_ops = { mmio_read, mmio_write, .sizes = 1 | 2 | 4 };
