/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EDID: see edid.h.  Sections are those of the VESA E-EDID standard, release A.2.
 */

#include "ui/edid.h"

#include "base/bytes.h"

#include <string.h>

enum { REFRESH_HZ = 75, DPI = 100 };

/* 3.9: aspect ratio in bits 6-7 of the second byte. */
enum { RATIO_16_10 = 0, RATIO_4_3 = 1, RATIO_5_4 = 2, RATIO_16_9 = 3 };

static const struct {
    u16 width, height;
    u8 bit;                     /* 3.8: established timing, byte * 8 + bit; 255: none */
    u8 ratio;                   /* 3.9; 255: not possible there */
    u8 vic;                     /* CTA-861-F, table 3; 0: none */
} modes[] = {
    { 640,  480,  5,       RATIO_4_3,  1 },
    { 800,  600,  0,       RATIO_4_3,  0 },
    { 1024, 768,  8 + 3,   RATIO_4_3,  0 },
    { 1280, 720,  255,     RATIO_16_9, 4 },
    { 1280, 800,  255,     RATIO_16_10, 0 },
    { 1280, 1024, 255,     RATIO_5_4,  0 },
    { 1600, 900,  255,     RATIO_16_9, 0 },
    { 1680, 1050, 255,     RATIO_16_10, 0 },
    { 1920, 1080, 255,     RATIO_16_9, 16 },
    { 1920, 1200, 255,     RATIO_16_10, 0 },
    { 2048, 1152, 255,     RATIO_16_9, 0 },
};

static u32 millimetres(u32 pixels)
{
    return pixels * 254 / (DPI * 10);
}

/* 3.10.2: a detailed timing, 18 bytes; blanking is a made-up constant share. */
static void put_timing(u8 *d, u32 x, u32 y)
{
    u32 front = x * 25 / 100, sync = x * 3 / 100, blank = x * 35 / 100;
    u32 below = y * 5 / 1000, pulse = y * 5 / 1000, lines = y * 35 / 1000;
    u64 clock = (u64)REFRESH_HZ * (x + blank) * (y + lines) / 10000;
    u32 w = millimetres(x), h = millimetres(y);

    put16(d, MIN(clock, UINT16_MAX));           /* 10 kHz */
    d[2] = x;
    d[3] = blank;
    d[4] = (x >> 8 & 0xf) << 4 | (blank >> 8 & 0xf);
    d[5] = y;
    d[6] = lines;
    d[7] = (y >> 8 & 0xf) << 4 | (lines >> 8 & 0xf);
    d[8] = front;
    d[9] = sync;
    d[10] = (below & 0xf) << 4 | (pulse & 0xf);
    d[11] = (front >> 8 & 3) << 6 | (sync >> 8 & 3) << 4 | (below >> 4 & 3) << 2 |
            (pulse >> 4 & 3);
    d[12] = w;
    d[13] = h;
    d[14] = (w >> 8 & 0xf) << 4 | (h >> 8 & 0xf);
    d[17] = 0x18;                               /* digital separate sync */
}

/* 3.10.3: a descriptor that holds text. */
static void put_text(u8 *d, u8 kind, const char *text)
{
    size_t n = strlen(text);

    d[3] = kind;
    memset(d + 5, ' ', 13);
    memcpy(d + 5, text, n);
    d[5 + n] = '\n';
}

static void put_range(u8 *d)
{
    static const u8 range[] = {
        0, 0, 0, 0xfd, 0, 50, 125, 30, 160, 0xff, 0x01, '\n', ' ', ' ', ' ', ' ', ' ',
        ' ',
    };

    memcpy(d, range, sizeof range);
}

/* 3.7: the chromaticities of sRGB. */
static const u8 srgb[] = {
    0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54,
};

static void close_block(u8 *block)
{
    u8 sum = 0;

    for (unsigned i = 0; i < EDID_BLOCK - 1; i++) {
        sum += block[i];
    }
    block[EDID_BLOCK - 1] = -sum;
}

static void put_header(u8 *e, const EdidInfo *info)
{
    static const u8 magic[] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 };

    memcpy(e, magic, sizeof magic);
    e[8] = ('M' - 64) << 2 | ('F' - 64) >> 3;           /* "MFY" */
    e[9] = (('F' - 64) & 7) << 5 | ('Y' - 64);
    put16(e + 10, 1);
    e[16] = 1;                                          /* week and year: 2024 */
    e[17] = 34;
    e[18] = 1;                                          /* version 1.4 */
    e[19] = 4;
    e[20] = 0xa5;                           /* digital, 8 bits, DisplayPort */
    e[21] = MIN(millimetres(info->width) / 10, 255);
    e[22] = MIN(millimetres(info->height) / 10, 255);
    e[23] = 120;                                        /* gamma 2.2 */
    e[24] = 0x06;                           /* sRGB, preferred timing first */
    memcpy(e + 25, srgb, sizeof srgb);
}

static bool fits(const EdidInfo *info, unsigned i)
{
    return modes[i].width <= info->most_width && modes[i].height <= info->most_height;
}

static void put_modes(u8 *e, const EdidInfo *info)
{
    unsigned standard = 0;

    memset(e + 38, 1, 16);                              /* unused standard timings */
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (!fits(info, i)) {
            continue;
        }
        if (modes[i].bit != 255) {
            e[35 + modes[i].bit / 8] |= 1 << modes[i].bit % 8;
        } else if (standard < 8) {
            e[38 + 2 * standard] = modes[i].width / 8 - 31;
            e[39 + 2 * standard] = modes[i].ratio << 6;         /* at 60 Hz */
            standard++;
        }
    }
}

/* CTA-861-F, 7.5: a block of short video descriptors. */
static void put_extension(u8 *x, const EdidInfo *info)
{
    unsigned n = 0;

    x[0] = 0x02;
    x[1] = 3;
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (modes[i].vic && fits(info, i)) {
            x[5 + n++] = modes[i].vic;
        }
    }
    x[4] = 2 << 5 | n;
    x[2] = 5 + n;                                       /* where timings would begin */
    close_block(x);
}

void edid_make(const EdidInfo *given, u8 edid[EDID_BYTES])
{
    EdidInfo info = *given;

    info.most_width = MAX(info.most_width, info.width);
    info.most_height = MAX(info.most_height, info.height);
    memset(edid, 0, EDID_BYTES);
    put_header(edid, &info);
    put_modes(edid, &info);
    put_timing(edid + 54, info.width, info.height);
    put_range(edid + 72);
    put_text(edid + 90, 0xfc, "Mayfly");
    edid[108 + 3] = 0x10;                               /* an unused descriptor */
    edid[126] = 1;
    close_block(edid);
    put_extension(edid + EDID_BLOCK, &info);
}
