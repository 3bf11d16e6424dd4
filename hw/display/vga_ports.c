/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's registers: ports 0x3b0 to 0x3df.  See vga.h.
 */

#include "hw/display/vga.h"

enum { CRTC_PROTECT = 0x11, CRTC_OVERFLOW = 7, COLOUR_PORTS = 1 };

/* Bits of each register that exist. */
static const u8 sr_mask[8] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff };
static const u8 gr_mask[16] = {
    0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff,
};

static u8 ar_mask(unsigned i)
{
    return i < 0x10 ? 0x3f : i == 0x10 ? 0xef : i == 0x11 ? 0xff
         : i == 0x12 ? 0x3f : i <= 0x14 ? 0x0f : 0;
}

/* ---- the DAC ---- */

static u8 dac_data_read(VgaState *s)
{
    u8 value = s->palette[s->dac_read * 3 + s->dac_sub];

    if (++s->dac_sub == 3) {
        s->dac_sub = 0;
        s->dac_read++;
    }
    return value;
}

static void dac_data_write(VgaState *s, u8 value)
{
    s->dac_cache[s->dac_sub] = value;
    if (++s->dac_sub == 3) {
        for (unsigned i = 0; i < 3; i++) {
            s->palette[s->dac_write * 3 + i] = s->dac_cache[i];
        }
        s->dac_sub = 0;
        s->dac_write++;
    }
}

/* ---- the others ---- */

static void attribute_write(VgaState *s, u8 value)
{
    unsigned i = s->ar_index & 0x1f;

    if (!s->ar_flip) {
        s->ar_index = value & 0x3f;
    } else if (i < sizeof s->ar) {
        s->ar[i] = value & ar_mask(i);
    }
    s->ar_flip ^= 1;
}

/* Registers 0 to 7 can be protected, but for bit 8 of the line compare. */
static void crtc_write(VgaState *s, u8 value)
{
    unsigned i = s->cr_index;

    if (i >= sizeof s->cr) {
        return;
    }
    if (i <= CRTC_OVERFLOW && (s->cr[CRTC_PROTECT] & 0x80)) {
        if (i == CRTC_OVERFLOW) {
            s->cr[i] = (s->cr[i] & ~0x10) | (value & 0x10);
        }
        return;
    }
    s->cr[i] = value;
}

/* Retrace and display-enable are never looked at for long: they toggle. */
static u8 status1_read(VgaState *s)
{
    s->ar_flip = 0;
    s->st01 ^= 0x09;
    return s->st01;
}

/* The CRT controller and status 1 answer at 0x3dX or 0x3bX, as the MSR says. */
static bool is_elsewhere(const VgaState *s, u16 port)
{
    return (port & 0xfff0) == (s->msr & COLOUR_PORTS ? 0x3b0 : 0x3d0);
}

u8 vga_port_read(Vga *vga, u16 port)
{
    VgaState *s = &vga->state;

    if (is_elsewhere(s, port)) {
        return 0xff;
    }
    switch (port) {
    case 0x3c0: return s->ar_flip ? 0 : s->ar_index;
    case 0x3c1: return (s->ar_index & 0x1f) < sizeof s->ar ? s->ar[s->ar_index & 0x1f]
                                                           : 0;
    case 0x3c2: return 0;
    case 0x3c4: return s->sr_index;
    case 0x3c5: return s->sr[s->sr_index];
    case 0x3c6: return s->pel_mask;
    case 0x3c7: return s->dac_state;
    case 0x3c8: return s->dac_write;
    case 0x3c9: return dac_data_read(s);
    case 0x3ca: return s->fcr;
    case 0x3cc: return s->msr;
    case 0x3ce: return s->gr_index;
    case 0x3cf: return s->gr[s->gr_index];
    case 0x3b4:
    case 0x3d4: return s->cr_index;
    case 0x3b5:
    case 0x3d5: return s->cr_index < sizeof s->cr ? s->cr[s->cr_index] : 0;
    case 0x3ba:
    case 0x3da: return status1_read(s);
    default:    return 0xff;
    }
}

void vga_port_write(Vga *vga, u16 port, u8 value)
{
    VgaState *s = &vga->state;

    if (is_elsewhere(s, port)) {
        return;
    }
    switch (port) {
    case 0x3c0: attribute_write(s, value); break;
    case 0x3c2: s->msr = value & ~0x10; break;
    case 0x3c4: s->sr_index = value & 7; break;
    case 0x3c5: s->sr[s->sr_index] = value & sr_mask[s->sr_index]; break;
    case 0x3c6: s->pel_mask = value; break;
    case 0x3c7:
        s->dac_read = value;
        s->dac_sub = 0;
        s->dac_state = 3;
        break;
    case 0x3c8:
        s->dac_write = value;
        s->dac_sub = 0;
        s->dac_state = 0;
        break;
    case 0x3c9: dac_data_write(s, value); break;
    case 0x3ce: s->gr_index = value & 15; break;
    case 0x3cf: s->gr[s->gr_index] = value & gr_mask[s->gr_index]; break;
    case 0x3b4:
    case 0x3d4: s->cr_index = value; break;
    case 0x3b5:
    case 0x3d5: crtc_write(s, value); break;
    case 0x3ba:
    case 0x3da: s->fcr = value & 0x10; break;
    }
    console_stir(vga->console);
}

/* ---- the ranges, each with its first port ---- */

#define PORTS(base)                                                                 \
    static u64 read_##base(void *opaque, u64 offset, unsigned size)                 \
    {                                                                               \
        return vga_port_read(opaque, base + offset);                                \
    }                                                                               \
                                                                                    \
    static void write_##base(void *opaque, u64 offset, u64 value, unsigned size)    \
    {                                                                               \
        vga_port_write(opaque, base + offset, value);                               \
    }

PORTS(0x3b4)
PORTS(0x3ba)
PORTS(0x3c0)
PORTS(0x3d4)
PORTS(0x3da)

const RegionOps vga_port_ops[] = {
    { read_0x3b4, write_0x3b4, 1 },
    { read_0x3ba, write_0x3ba, 1 },
    { read_0x3c0, write_0x3c0, 1 },
    { read_0x3d4, write_0x3d4, 1 },
    { read_0x3da, write_0x3da, 1 },
};
