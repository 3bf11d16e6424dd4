/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a picture is in its window, on screens of any density: what Xvfb can't show.
 * The arithmetic belongs to a module, so it is compiled into the test.
 */

#include "ui/sdl/place.c"

#include <math.h>

/* Points and pixels of a screen: 1, 1.25, 1.5 and 2 pixels to a point. */
static const double densities[] = { 1, 1.25, 1.5, 2 };

/* The window that is as large as the picture shows it pixel by pixel. */
static void test_exact(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(densities); i++) {
        int points = place_points(1280, 1, 640, 640 * densities[i]);
        int pixels = round(points * densities[i]);
        Place at = place_fit(1280, 800, pixels, 800);

        g_assert_cmpint(pixels, ==, 1280);
        g_assert_cmpint(at.x, ==, 0);
        g_assert_cmpint(at.w, ==, 1280);
        g_assert_cmpint(at.h, ==, 800);
        g_assert_cmpint(place_points(1280, 0.5, 640, 640 * densities[i]), ==,
                        round(640 / densities[i]));
    }
}

/*
 * The guest takes the window's pixels for its picture, and the window that fits that
 * picture is the same again: it does not grow.
 */
static void test_stands(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(densities); i++) {
        int points = 1000, pixels = round(points * densities[i]);

        g_assert_cmpint(place_points(pixels, 1, points, pixels), ==, points);
    }
    g_assert_cmpint(place_points(640, 1, 0, 0), ==, 640);   /* before it is mapped */
}

/* In points as in pixels: corners and the middle of the picture are where they are. */
static void test_pointer(void)
{
    static const struct { int x, y; double across, down; } want[] = {
        { 100, 0, 0, 0 }, { 899, 799, 1, 1 }, { 500, 400, 0.5, 0.5 },
        { 0, 0, 0, 0 },                 /* beside it, left */
        { 999, 799, 1, 1 },             /* and right */
        { 300, 200, 0.25, 0.25 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(densities); i++) {
        Place at = place_fit(400, 400, round(1000 * densities[i]),
                             round(800 * densities[i]));

        for (unsigned k = 0; k < G_N_ELEMENTS(want); k++) {
            unsigned across, down;

            place_pointer(&at, want[k].x * densities[i], want[k].y * densities[i],
                          &across, &down);
            g_assert_cmpfloat(fabs((double)across / INPUT_RANGE - want[k].across), <,
                              0.005);
            g_assert_cmpfloat(fabs((double)down / INPUT_RANGE - want[k].down), <, 0.005);
        }
    }
}

/* Shapes that can't be are no picture of nothing. */
static void test_thin(void)
{
    Place at = place_fit(8192, 16, 20, 4000);
    unsigned across, down;

    g_assert_cmpint(at.w, ==, 20);
    g_assert_cmpint(at.h, ==, 1);
    place_pointer(&at, 19, 3999, &across, &down);
    g_assert_cmpuint(across, ==, INPUT_RANGE);
    g_assert_cmpuint(down, ==, 0);
    at = place_fit(0, 0, 640, 480);
    g_assert_cmpint(at.w, ==, 640);
    g_assert_cmpint(at.h, ==, 480);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdl/place/exact", test_exact);
    g_test_add_func("/sdl/place/stands", test_stands);
    g_test_add_func("/sdl/place/pointer", test_pointer);
    g_test_add_func("/sdl/place/thin", test_thin);
    return g_test_run();
}
