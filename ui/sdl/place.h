/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a picture is in its window.  A window has two sizes: in points, in which the
 * system places it and tells where the pointer is, and in pixels, in which it is drawn.
 * They are equal but on screens of high density.  Pure arithmetic, any thread.
 */

#ifndef UI_SDL_PLACE_H
#define UI_SDL_PLACE_H

#include "base/types.h"

typedef struct { int x, y, w, h; } Place;

/* In a window of this size, points or pixels: as large as can be, its shape kept. */
Place place_fit(int picture_w, int picture_h, int w, int h);
/* Where in the picture, of 0 to INPUT_RANGE, a point of the window is. */
void place_pointer(const Place *at, int x, int y, unsigned *across, unsigned *down);
/* Points that have as many pixels as the picture, zoomed, has: one side of a window. */
int place_points(int picture, double zoom, int points, int pixels);

#endif
