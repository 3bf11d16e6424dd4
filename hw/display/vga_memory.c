/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's window at 0xa0000: planes, latches and write modes.  See vga.h.
 */

#include "hw/display/vga.h"

#include "base/bytes.h"

#include <string.h>

enum { CHAIN_4 = 0x08, ODD_EVEN = 0x10, BANK_BYTES = 64 << 10 };

/* A byte per plane from a bit per plane. */
static u32 spread(unsigned planes)
{
    return (planes & 1 ? 0xff : 0) | (planes & 2 ? 0xff00 : 0) |
           (planes & 4 ? 0xff0000 : 0) | (planes & 8 ? 0xff000000 : 0);
}

static bool is_linear(const Vga *vga)
{
    return vbe_on(vga) && vga->state.vbe[VBE_BPP] > 4;
}

/* The window lies where graphics register 6 says; false: not there. */
static bool in_window(const Vga *vga, u32 *at)
{
    static const struct { u32 first, bytes; } map[4] = {
        { 0, 0x20000 }, { 0, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 },
    };
    unsigned m = vga->state.gr[6] >> 2 & 3;

    if (is_linear(vga)) {
        m = 1;
    }
    if (*at - map[m].first >= map[m].bytes) {
        return false;
    }
    *at -= map[m].first;
    if (m == 1 && vbe_on(vga)) {
        *at += vga->state.vbe[VBE_BANK] * (u32)BANK_BYTES;
    }
    return true;
}

static u8 read_byte(Vga *vga, u32 at)
{
    VgaState *s = &vga->state;
    u32 same;

    if (!in_window(vga, &at)) {
        return 0xff;
    }
    if ((s->sr[4] & CHAIN_4) || is_linear(vga)) {
        return at < vga->vram_bytes ? vga->vram[at] : 0xff;
    }
    if (s->gr[5] & ODD_EVEN) {
        at = (at & ~1u) << 1 | (s->gr[4] & 2) | (at & 1);
        return at < vga->vram_bytes ? vga->vram[at] : 0xff;
    }
    if (at >= vga->vram_bytes / 4) {
        return 0xff;
    }
    s->latch = get32(vga->vram + 4 * at);
    if (!(s->gr[5] & 8)) {
        return s->latch >> 8 * (s->gr[4] & 3);
    }
    /* Read mode 1: bits whose pixels have the colour asked for. */
    same = (s->latch ^ spread(s->gr[2])) & spread(s->gr[7]);
    same |= same >> 16;
    return ~(same | same >> 8);
}

/* What the planes get in write modes 0, 2 and 3, before the latches come in. */
static u32 mode_value(const VgaState *s, u8 value, u8 *bits)
{
    unsigned mode = s->gr[5] & 3, turn = s->gr[3] & 7;
    u8 turned = value >> turn | value << (8 - turn);
    u32 set = spread(s->gr[0]), enable = spread(s->gr[1]);

    *bits = s->gr[8];
    switch (mode) {
    case 0:
        return (turned * 0x01010101u & ~enable) | (set & enable);
    case 2:
        return spread(value & 0xf);
    default:
        *bits &= turned;
        return set;
    }
}

static u32 combine(const VgaState *s, u8 byte)
{
    u8 bits;
    u32 value, mask;

    if ((s->gr[5] & 3) == 1) {
        return s->latch;
    }
    value = mode_value(s, byte, &bits);
    mask = bits * 0x01010101u;
    switch (s->gr[3] >> 3 & 3) {
    case 1: value &= s->latch; break;
    case 2: value |= s->latch; break;
    case 3: value ^= s->latch; break;
    }
    return (value & mask) | (s->latch & ~mask);
}

static void write_byte(Vga *vga, u32 at, u8 value)
{
    VgaState *s = &vga->state;
    u32 planes = spread(s->sr[2]), old;

    if (!in_window(vga, &at)) {
        return;
    }
    if (is_linear(vga)) {
        if (at < vga->vram_bytes) {
            vga->vram[at] = value;
        }
    } else if ((s->sr[4] & CHAIN_4) || (s->gr[5] & ODD_EVEN)) {
        unsigned plane = s->sr[4] & CHAIN_4 ? at & 3 : (s->gr[4] & 2) | (at & 1);

        at = s->sr[4] & CHAIN_4 ? at : (at & ~1u) << 1 | plane;
        if ((s->sr[2] >> plane & 1) && at < vga->vram_bytes) {
            vga->vram[at] = value;
        }
    } else if (at < vga->vram_bytes / 4) {
        old = get32(vga->vram + 4 * at);
        put32(vga->vram + 4 * at, (combine(s, value) & planes) | (old & ~planes));
    }
}

static u64 window_read(void *opaque, u64 offset, unsigned size)
{
    return read_byte(opaque, offset);
}

static void window_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Vga *vga = opaque;

    write_byte(vga, offset, value);
    console_stir(vga->console);
}

const RegionOps vga_window_ops = { window_read, window_write, 1 };
