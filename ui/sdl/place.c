/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a picture is in its window: see place.h. */

#include "ui/sdl/place.h"

#include "ui/input.h"

Place place_fit(int picture_w, int picture_h, int w, int h)
{
    double scale;
    Place at = { 0, 0, w, h };

    if (picture_w > 0 && picture_h > 0) {
        scale = MIN((double)w / picture_w, (double)h / picture_h);
        at.w = MAX((int)(picture_w * scale + 0.5), 1);
        at.h = MAX((int)(picture_h * scale + 0.5), 1);
        at.x = (w - at.w) / 2;
        at.y = (h - at.h) / 2;
    }
    return at;
}

static unsigned along(int at, int from, int size)
{
    return (u64)CLAMP(at - from, 0, size - 1) * INPUT_RANGE / MAX(size - 1, 1);
}

void place_pointer(const Place *at, int x, int y, unsigned *across, unsigned *down)
{
    *across = along(x, at->x, at->w);
    *down = along(y, at->y, at->h);
}

int place_points(int picture, double zoom, int points, int pixels)
{
    double density = points > 0 && pixels > 0 ? (double)pixels / points : 1;

    return MAX((int)(picture * zoom / density + 0.5), 1);
}
