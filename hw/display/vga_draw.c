/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's picture: what the modes make of video memory, line by line.  A line is
 * compared with the one shown before, so that what does not change is not told.  See
 * vga.h.
 */

#include "hw/display/vga.h"

#include "base/bytes.h"

#include <string.h>

enum { SCREEN_ON = 0x20, GRAPHICS = 1, DOUBLE_DOTS = 8 };

/* ---- colours ---- */

static u8 dac_level(const Vga *vga, u8 value)
{
    bool wide = vbe_on(vga) && (vga->state.vbe[VBE_ENABLE] & VBE_8BIT_DAC);

    value &= wide ? 0xff : 0x3f;
    return wide ? value : value << 2 | (value & 1 ? 3 : 0);
}

static void fill_colours(Vga *vga)
{
    const u8 *p = vga->state.palette;

    for (unsigned i = 0; i < 256; i++, p += 3) {
        vga->colour[i] = dac_level(vga, p[0]) << 16 | dac_level(vga, p[1]) << 8 |
                         dac_level(vga, p[2]);
    }
}

u32 vga_attribute_colour(const Vga *vga, unsigned i)
{
    const u8 *ar = vga->state.ar;
    u8 value = ar[i] & 0x3f;

    value = ar[0x10] & 0x80 ? (ar[0x14] & 0x0f) << 4 | (value & 0x0f)
                            : (ar[0x14] & 0x0c) << 4 | value;
    return vga->colour[value & vga->state.pel_mask];
}

/* ---- the surface ---- */

void vga_set_size(Vga *vga, u32 width, u32 height)
{
    if (vga->pixels && vga->surface.width == width && vga->surface.height == height) {
        return;
    }
    g_free(vga->pixels);
    vga->pixels = g_new0(u32, (size_t)width * height);
    vga->surface = (Surface){ width, height, width * 4, (u8 *)vga->pixels };
    console_set_surface(vga->console, &vga->surface);
}

void vga_put_line(Vga *vga, u32 y, const u32 *line, Rect *damage)
{
    u32 width = vga->surface.width;
    u32 *at = vga->pixels + (size_t)y * width;

    if (memcmp(at, line, (size_t)width * 4) != 0) {
        memcpy(at, line, (size_t)width * 4);
        *damage = rect_union(*damage, (Rect){ 0, y, width, 1 });
    }
}

static void draw_blank(Vga *vga, Rect *damage)
{
    g_autofree u32 *black = g_new0(u32, vga->surface.width);

    for (u32 y = 0; y < vga->surface.height; y++) {
        vga_put_line(vga, y, black, damage);
    }
}

/* ---- the extension's modes ---- */

static u32 from_15(u16 v)
{
    u32 r = v >> 10 & 31, g = v >> 5 & 31, b = v & 31;

    return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

static u32 from_16(u16 v)
{
    u32 r = v >> 11, g = v >> 5 & 63, b = v & 31;

    return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
}

static void vbe_line(const Vga *vga, const u8 *from, u32 *line, u32 n)
{
    switch (vga->state.vbe[VBE_BPP]) {
    case 8:
        for (u32 i = 0; i < n; i++) {
            line[i] = vga->colour[from[i]];
        }
        break;
    case 15:
        for (u32 i = 0; i < n; i++) {
            line[i] = from_15(get16(from + 2 * i));
        }
        break;
    case 16:
        for (u32 i = 0; i < n; i++) {
            line[i] = from_16(get16(from + 2 * i));
        }
        break;
    case 24:
        for (u32 i = 0; i < n; i++, from += 3) {
            line[i] = from[0] | from[1] << 8 | from[2] << 16;
        }
        break;
    }
}

static void draw_vbe(Vga *vga, Rect *damage)
{
    const u16 *r = vga->state.vbe;
    u32 pitch = vbe_pitch(vga), pixel = (r[VBE_BPP] + 1) / 8;
    const u8 *from = vga->vram + (size_t)r[VBE_Y_OFFSET] * pitch +
                     r[VBE_X_OFFSET] * pixel;
    g_autofree u32 *line = g_new(u32, r[VBE_XRES]);

    vga_set_size(vga, r[VBE_XRES], r[VBE_YRES]);
    for (u32 y = 0; y < vga->surface.height; y++, from += pitch) {
        if (pixel == 4) {
            vga_put_line(vga, y, (const u32 *)from, damage);
        } else {
            vbe_line(vga, from, line, vga->surface.width);
            vga_put_line(vga, y, line, damage);
        }
    }
}

/* ---- the VGA's graphics modes ---- */

static u32 plane_word(const Vga *vga, u32 at)
{
    return get32(vga->vram + (at & (VGA_PLANES_BYTES - 4)));
}

static u32 *put_dot(u32 *line, u32 colour, bool twice)
{
    *line++ = colour;
    if (twice) {
        *line++ = colour;
    }
    return line;
}

/* Four planes of one bit. */
static void planar_line(const Vga *vga, u32 at, u32 *line, u32 words)
{
    bool twice = vga->state.sr[1] & DOUBLE_DOTS;
    u32 colour[16];

    for (unsigned i = 0; i < 16; i++) {
        colour[i] = vga_attribute_colour(vga, i & vga->state.ar[0x12]);
    }
    for (; words > 0; words--, at += 4) {
        u32 word = plane_word(vga, at);

        for (int bit = 7; bit >= 0; bit--) {
            u32 w = word >> bit;

            line = put_dot(line, colour[(w & 1) | (w >> 7 & 2) | (w >> 14 & 4) |
                                        (w >> 21 & 8)], twice);
        }
    }
}

/* As the CGA: two bits from planes 0 and 1 in turn, two more from 2 and 3. */
static void cga_line(const Vga *vga, u32 at, u32 *line, u32 words)
{
    bool twice = vga->state.sr[1] & DOUBLE_DOTS;

    for (; words > 0; words--, at += 4) {
        u32 word = plane_word(vga, at);

        for (unsigned half = 0; half < 16; half += 8) {
            for (int bit = 6; bit >= 0; bit -= 2) {
                u32 w = word >> (half + bit);
                u32 i = ((w & 3) | (w >> 14 & 12)) & vga->state.ar[0x12];

                line = put_dot(line, vga_attribute_colour(vga, i), twice);
            }
        }
    }
}

/* A byte per pixel, each two dots wide. */
static void wide_line(const Vga *vga, u32 at, u32 *line, u32 words)
{
    for (; words > 0; words--, at += 4) {
        u32 word = plane_word(vga, at);

        for (unsigned i = 0; i < 4; i++, word >>= 8) {
            line = put_dot(line, vga->colour[word & 0xff & vga->state.pel_mask], true);
        }
    }
}

typedef void LineFn(const Vga *vga, u32 at, u32 *line, u32 words);

/* Where the lines lie. */
typedef struct {
    LineFn *line;
    u32 width, height, words;
    u32 start, pitch;               /* bytes */
    u32 repeat;                     /* a line is shown so many times more */
    u32 compare;                    /* after this line comes address 0 */
} Layout;

static u32 display_lines(const VgaState *s)
{
    return (s->cr[0x12] | (s->cr[7] & 0x02) << 7 | (s->cr[7] & 0x40) << 3) + 1;
}

static Layout layout_of(const Vga *vga)
{
    const VgaState *s = &vga->state;
    unsigned shift = s->gr[5] >> 5 & 3;
    bool twice = s->sr[1] & DOUBLE_DOTS, doubled = s->cr[9] & 0x80;
    Layout l = {
        .line = shift == 0 ? planar_line : shift == 1 ? cga_line : wide_line,
        .words = s->cr[1] + 1,
        .height = display_lines(s),
        .start = (s->cr[0x0c] << 8 | s->cr[0x0d]) * 4,
        .pitch = s->cr[0x13] * 8,
        .compare = s->cr[0x18] | (s->cr[7] & 0x10) << 4 | (s->cr[9] & 0x40) << 3,
        .repeat = shift == 1 ? doubled : (((s->cr[9] & 0x1f) + 1) << doubled) - 1,
    };

    l.width = l.words * (shift < 2 && twice ? 16 : 8);
    if (vbe_on(vga)) {              /* 4 bits per pixel */
        const u16 *r = s->vbe;

        l = (Layout){ planar_line, r[VBE_XRES], r[VBE_YRES], r[VBE_XRES] / 8,
                      .pitch = r[VBE_VIRT_WIDTH] / 2, .compare = UINT32_MAX };
        l.start = r[VBE_Y_OFFSET] * l.pitch + r[VBE_X_OFFSET] / 2;
        if (s->sr[1] & DOUBLE_DOTS) {
            l.words /= 2;
        }
    }
    return l;
}

/* Lines of the CGA's modes lie in two or four banks. */
static u32 bank_of(const VgaState *s, u32 at, u32 row)
{
    if (!(s->cr[0x17] & 1)) {
        u32 bit = 1u << (14 + (s->cr[0x17] >> 6 & 1));

        at = (at & ~bit) | (row & 1 ? bit : 0);
    }
    if (!(s->cr[0x17] & 2)) {
        at = (at & ~0x8000u) | (row & 2) << 14;
    }
    return at;
}

static void draw_graphics(Vga *vga, Rect *damage)
{
    const VgaState *s = &vga->state;
    Layout l = layout_of(vga);
    g_autofree u32 *line = g_new0(u32, l.width);
    u32 banks = vbe_on(vga) ? 0 : (s->cr[0x17] & 3) ^ 3;
    u32 at = l.start, row = 0, left = l.repeat;

    vga_set_size(vga, l.width, l.height);
    for (u32 y = 0; y < l.height; y++) {
        l.line(vga, banks ? bank_of(s, at, row) : at, line, l.words);
        vga_put_line(vga, y, line, damage);
        if (left > 0) {
            left--;
        } else {
            at += (row & banks) == banks ? l.pitch : 0;
            row++;
            left = l.repeat;
        }
        if (y == l.compare) {
            at = 0;
        }
    }
}

/* ---- all of it ---- */

/* Is everything that a legacy mode's picture is made of as it was? */
static bool legacy_is_seen(Vga *vga)
{
    if (vga->seen_planes && memcmp(&vga->seen, &vga->state, sizeof vga->seen) == 0 &&
        memcmp(vga->seen_planes, vga->vram, VGA_PLANES_BYTES) == 0) {
        return true;
    }
    if (!vga->seen_planes) {
        vga->seen_planes = g_malloc(VGA_PLANES_BYTES);
    }
    memcpy(vga->seen_planes, vga->vram, VGA_PLANES_BYTES);
    vga->seen = vga->state;
    return false;
}

void vga_update(Vga *vga)
{
    const VgaState *s = &vga->state;
    Rect damage = { 0 };
    u32 width, height;

    fill_colours(vga);
    if (vbe_on(vga) && s->vbe[VBE_BPP] > 4) {
        g_clear_pointer(&vga->seen_planes, g_free);
        draw_vbe(vga, &damage);
    } else if (!vga->legacy || legacy_is_seen(vga)) {
        return;
    } else if (!(s->ar_index & SCREEN_ON) && !vbe_on(vga)) {
        draw_blank(vga, &damage);
    } else if ((s->gr[6] & GRAPHICS) || vbe_on(vga)) {
        draw_graphics(vga, &damage);
    } else {
        vga_text_size(vga, &width, &height);
        vga_set_size(vga, width, height);
        vga_draw_text(vga, &damage);
    }
    console_damage(vga->console, damage.x, damage.y, damage.w, damage.h);
}
