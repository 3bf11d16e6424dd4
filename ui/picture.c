/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures as files: see picture.h.  A file that can't be written whole is removed.
 */

#include "ui/picture.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Surface picture_copy(const Surface *from)
{
    Surface to = { from->width, from->height, from->width * 4, NULL };
    u8 *pixels = g_malloc((size_t)to.stride * to.height);

    for (u32 y = 0; y < to.height; y++) {
        memcpy(pixels + (size_t)y * to.stride, from->pixels + (size_t)y * from->stride,
               to.stride);
    }
    to.pixels = pixels;
    return to;
}

/* One line as red, green, blue. */
static void line_rgb(const Surface *p, u32 y, u8 *rgb)
{
    const u8 *at = p->pixels + (size_t)y * p->stride;

    for (u32 x = 0; x < p->width; x++, at += 4, rgb += 3) {
        rgb[0] = at[2];
        rgb[1] = at[1];
        rgb[2] = at[0];
    }
}

typedef bool WriteFn(const Surface *picture, FILE *file);

static bool write_ppm(const Surface *p, FILE *file)
{
    g_autofree u8 *line = g_malloc((size_t)p->width * 3);

    fprintf(file, "P6\n%u %u\n255\n", p->width, p->height);
    for (u32 y = 0; y < p->height; y++) {
        line_rgb(p, y, line);
        if (fwrite(line, 3, p->width, file) != p->width) {
            return false;
        }
    }
    return true;
}

static bool write_png(const Surface *p, FILE *file)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    u8 *line = g_malloc((size_t)p->width * 3);
    volatile bool good = false;

    /* libpng reports what it can't write by jumping back to here. */
    if (info && setjmp(png_jmpbuf(png)) == 0) {
        png_init_io(png, file);
        png_set_IHDR(png, info, p->width, p->height, 8, PNG_COLOR_TYPE_RGB,
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                     PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png, info);
        for (u32 y = 0; y < p->height; y++) {
            line_rgb(p, y, line);
            png_write_row(png, line);
        }
        png_write_end(png, NULL);
        good = true;
    }
    g_free(line);
    png_destroy_write_struct(&png, &info);
    return good;
}

static bool write_file(const Surface *p, const char *path, WriteFn *fn, GError **err)
{
    FILE *file = fopen(path, "wbe");
    bool good = file && fn(p, file);

    if (file && fclose(file) != 0) {
        good = false;
    }
    if (!good) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "%s: cannot be written: %s", path, g_strerror(errno));
        if (file) {
            unlink(path);
        }
    }
    return good;
}

bool picture_write_png(const Surface *p, const char *path, GError **err)
{
    return write_file(p, path, write_png, err);
}

bool picture_write_ppm(const Surface *p, const char *path, GError **err)
{
    return write_file(p, path, write_ppm, err);
}
