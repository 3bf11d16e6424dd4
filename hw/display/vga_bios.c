/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VGA's BIOS does when a machine starts, for one whose kernel is started without
 * firmware: mode 3, 80 x 25 characters in colour, with an empty screen.  Registers are
 * as IBM's PS/2 Hardware Interface Technical Reference has them for this mode.  The font
 * is the one in the BIOS itself, the device's expansion ROM; without it the screen stays
 * off.  See vga.h.
 */

#include "hw/display/vga.h"

#include "base/bytes.h"

#include <string.h>

enum { CHARACTERS = 256, LINES = 16, FONT_BYTES = CHARACTERS * LINES, FONT_STEP = 32,
       FONT_PLANE = 2, EMPTY_CELL = 0x0720, DAC_USED = 64 };

static const VgaState mode_3 = {
    .vbe = { [VBE_ID] = 0xb0c5 },
    .sr = { 0x03, 0x00, 0x03, 0x00, 0x02 },
    .gr = { [5] = 0x10, 0x0e, 0x0f, 0xff },
    .cr = { 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e,
            [0x10] = 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
    .ar = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07,
            0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
            0x0c, 0x00, 0x0f, 0x08, 0x00 },
    .ar_index = 0x20, .msr = 0x67, .pel_mask = 0xff,
};

/* The lines of a character lie between these: its first four and its last four. */
static bool is_drawn(const u8 *font, u8 character, u8 first, u8 last)
{
    const u8 *line = font + character * LINES;

    for (unsigned i = 0; i < 4; i++) {
        if (line[i] != first || line[LINES - 1 - i] != last) {
            return false;
        }
    }
    return true;
}

/* Known by the blocks and blanks of code page 437; NULL: there is none. */
static const u8 *find_font(const u8 *rom, u64 bytes)
{
    for (u64 at = 0; bytes >= FONT_BYTES && at <= bytes - FONT_BYTES; at++) {
        const u8 *font = rom + at;

        if (is_drawn(font, 0xdb, 0xff, 0xff) && is_drawn(font, 0xdc, 0x00, 0xff) &&
            is_drawn(font, 0xdd, 0xf0, 0xf0) && is_drawn(font, 0xde, 0x0f, 0x0f) &&
            is_drawn(font, 0xdf, 0xff, 0x00) && is_drawn(font, ' ', 0, 0)) {
            return font;
        }
    }
    return NULL;
}

/* As an EGA has them: two bits each of red, green and blue, the low ones first. */
static void fill_palette(u8 *palette)
{
    for (unsigned i = 0; i < DAC_USED; i++) {
        for (unsigned k = 0; k < 3; k++) {
            palette[i * 3 + k] = (i >> (2 - k) & 1) * 0x2a + (i >> (5 - k) & 1) * 0x15;
        }
    }
}

static void fill_planes(u8 *vram, const u8 *font)
{
    for (unsigned i = 0; i < VGA_PLANES_BYTES; i += 4) {
        put32(vram + i, EMPTY_CELL);
    }
    for (unsigned i = 0; i < FONT_BYTES; i++) {
        unsigned word = i / LINES * FONT_STEP + i % LINES;

        vram[word * 4 + FONT_PLANE] = font[i];
    }
}

bool vga_start_text(void *opaque)
{
    Vga *vga = opaque;
    const Region *rom = vga->rom;
    const u8 *font = rom->host ? find_font(rom->host, rom->size) : NULL;

    if (font) {
        vga->state = mode_3;
        fill_palette(vga->state.palette);
        fill_planes(vga->vram, font);
        console_stir(vga->console);
    }
    return font;
}
