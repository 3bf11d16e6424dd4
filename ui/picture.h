/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures as files: PNG and PPM.  Any thread that may read the surface.
 */

#ifndef UI_PICTURE_H
#define UI_PICTURE_H

#include "ui/console.h"

/* A copy that no device changes; free with g_free on its pixels. */
Surface picture_copy(const Surface *surface);

bool picture_write_png(const Surface *picture, const char *path,
                       GError **err) must_check;
bool picture_write_ppm(const Surface *picture, const char *path,
                       GError **err) must_check;

#endif
