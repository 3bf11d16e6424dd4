/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's text modes.  Of each word of video memory plane 0 is a character, plane 1
 * its attribute, and plane 2 holds the fonts.  See vga.h.
 */

#include "hw/display/vga.h"

#include "base/bytes.h"

enum {
    EIGHT_DOTS = 1, DOUBLE_DOTS = 8,            /* sequencer register 1 */
    LINE_GRAPHICS = 4, BLINKING = 8,            /* attribute register 0x10 */
    CURSOR_OFF = 0x20, FONT_LINES = 32,
};

/* What all cells of a screen share. */
typedef struct {
    u32 columns, rows, lines;       /* lines of a cell */
    u32 dots;                       /* of a cell, before doubling */
    bool twice;
    u32 start, pitch;               /* words */
    u32 cursor, cursor_first, cursor_last;      /* word, and lines of the cell */
    u32 font[2];                    /* words; by bit 3 of the attribute */
    u32 colour[16];
} Text;

static u32 font_at(unsigned select)
{
    /* Bits 0 and 1 are 16 KiB steps, bit 2 adds 8 KiB. */
    return (select & 3) * 16384 + (select >> 2) * 8192;
}

static Text text_of(const Vga *vga)
{
    const VgaState *s = &vga->state;
    u32 lines = s->cr[0x12] | (s->cr[7] & 0x02) << 7 | (s->cr[7] & 0x40) << 3;
    Text t = {
        .columns = s->cr[1] + 1,
        .lines = (s->cr[9] & 0x1f) + 1,
        .dots = s->sr[1] & EIGHT_DOTS ? 8 : 9,
        .twice = s->sr[1] & DOUBLE_DOTS,
        .start = s->cr[0x0c] << 8 | s->cr[0x0d],
        .pitch = s->cr[0x13] * 2,
        .cursor = s->cr[0x0e] << 8 | s->cr[0x0f],
        .cursor_first = s->cr[0x0a] & CURSOR_OFF ? FONT_LINES : s->cr[0x0a] & 0x1f,
        .cursor_last = s->cr[0x0b] & 0x1f,
        .font = { font_at((s->sr[3] & 3) | (s->sr[3] >> 2 & 4)),
                  font_at((s->sr[3] >> 2 & 3) | (s->sr[3] >> 3 & 4)) },
    };

    t.dots = t.twice ? 8 : t.dots;
    t.rows = MAX((lines + 1) / t.lines, 1);
    for (unsigned i = 0; i < 16; i++) {
        t.colour[i] = vga_attribute_colour(vga, i);
    }
    return t;
}

static u32 word(const Vga *vga, u32 at)
{
    return get32(vga->vram + (at * 4 & (VGA_PLANES_BYTES - 4)));
}

/* The ninth dot repeats the eighth in characters that draw lines, else it is empty. */
static u32 ninth(const VgaState *s, u8 character, u8 bits)
{
    bool draws = character >= 0xc0 && character <= 0xdf;

    return draws && (s->ar[0x10] & LINE_GRAPHICS) ? bits & 1 : 0;
}

/* One line of a cell. */
static u32 *cell_line(const Vga *vga, const Text *t, u32 at, u32 y, u32 *out)
{
    const VgaState *s = &vga->state;
    u32 cell = word(vga, at);
    u8 character = cell, attribute = cell >> 8;
    u8 bits = word(vga, t->font[attribute >> 3 & 1] + character * FONT_LINES + y) >> 16;
    u32 ink = t->colour[attribute & 15];
    u32 paper = t->colour[attribute >> 4 & (s->ar[0x10] & BLINKING ? 7 : 15)];
    u32 dots = (u32)bits << 1 | ninth(s, character, bits);

    if (at == t->cursor && y >= t->cursor_first && y <= t->cursor_last) {
        dots = 0x1ff;
    }
    for (u32 i = 0; i < t->dots; i++) {
        u32 dot = dots >> (8 - i) & 1 ? ink : paper;

        *out++ = dot;
        if (t->twice) {
            *out++ = dot;
        }
    }
    return out;
}

void vga_text_size(const Vga *vga, u32 *width, u32 *height)
{
    Text t = text_of(vga);

    *width = t.columns * t.dots * (t.twice ? 2 : 1);
    *height = t.rows * t.lines;
}

void vga_draw_text(Vga *vga, Rect *damage)
{
    Text t = text_of(vga);
    g_autofree u32 *line = g_new(u32, vga->surface.width);

    for (u32 y = 0; y < vga->surface.height; y++) {
        u32 at = t.start + y / t.lines * t.pitch, *out = line;

        for (u32 x = 0; x < t.columns; x++) {
            out = cell_line(vga, &t, at + x, y % t.lines, out);
        }
        vga_put_line(vga, y, line, damage);
    }
}
