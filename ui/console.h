/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Consoles: what a guest shows, and who looks at it.
 *
 * A display device makes a Console and gives it a picture (a Surface, in its own
 * memory) and a pointer image.  A front end looks at it through a Viewer:
 *
 *     device  -- console_set_surface, console_damage -->  Console
 *                                                           |  one wake-up, however
 *                                                           v  much has changed
 *     front end  <-- copy (locked), present (not locked) -- Viewer
 *
 * The damage is gathered until the viewer comes for it, and it comes at most once per
 * VIEWER_PERIOD_US: a guest that draws faster than that costs no more, and a picture
 * that does not change costs nothing.  A guest that draws without telling anybody (a
 * frame buffer in video memory) is looked at by the console's `update`; a viewer calls
 * it every few milliseconds while that finds changes and ever more rarely (down to
 * twice a second) while it does not.
 *
 * Everything here is called under the machine lock, on any thread, except what says
 * otherwise; `copy` and `present` run on the main thread.
 */

#ifndef UI_CONSOLE_H
#define UI_CONSOLE_H

#include "base/types.h"

typedef struct Console Console;
typedef struct Viewer Viewer;

enum {
    SURFACE_MAX = 8192,             /* pixels, either way */
    CURSOR_MAX = 512,
    VIEWER_PERIOD_US = 8000,
};

typedef struct {
    u32 x, y, w, h;                 /* w or h 0: nothing */
} Rect;

/*
 * A picture in memory: 32 bits per pixel, of which the low 24 are red, green, blue from
 * the top.  The pixels belong to the device and live until it sets another surface.
 */
typedef struct {
    u32 width, height;
    u32 stride;                     /* bytes from a line to the next */
    const u8 *pixels;               /* NULL: there is no picture */
} Surface;

/* The pointer's image: alpha, red, green, blue from the top, not premultiplied. */
typedef struct {
    u32 width, height, hot_x, hot_y;
    u32 *pixels;                    /* NULL: the guest shows none */
} CursorImage;

/* A window of the X server. */
typedef struct {
    unsigned long id;               /* 0: none any more */
    u32 width, height;              /* pixels */
    bool draw_pointer;              /* the guest's, into the picture */
} ConsoleWindow;

/* What a device does for its console. */
typedef struct {
    /*
     * Looks at what the guest has drawn, and tells with console_damage; NULL where the
     * guest says so itself.
     */
    void (*update)(void *opaque);
    /* The window has this size now: the guest may follow.  NULL: it can't. */
    void (*resize)(void *opaque, u32 width, u32 height);
    /* Reads what a texture shows into the surface.  NULL: there are no textures. */
    void (*fetch)(void *opaque);
    /*
     * Textures are drawn into this window, and now: it is new, or must be drawn again.
     * A window that is no more is not touched once this has returned.  False: it can't
     * be drawn into; then its pictures must be had as pixels.
     */
    bool (*window)(void *opaque, const ConsoleWindow *window);
} ConsoleOps;

struct Console {
    char *name;                     /* as in "-device ...,id=", or the type's name */
    const ConsoleOps *ops;
    void *opaque;
    Surface surface;
    bool texture; /* the picture is the GPU's: see console_set_texture */
    CursorImage cursor;
    s32 cursor_x, cursor_y;         /* of the image's corner */
    GPtrArray *viewers;             /* Viewer * */
};

/* What is new since the viewer looked last. */
typedef struct {
    Rect damage;
    bool surface;                   /* another size or place: take it all */
    bool cursor, cursor_moved;
    bool gone;                      /* the console is no more */
} ConsoleNews;

/* ---- a device's side ---- */

Console *console_new(const char *name, const ConsoleOps *ops, void *opaque);
void console_free(Console *console);            /* NULL is allowed */
/* Damages all of it.  NULL: no picture. */
void console_set_surface(Console *console, const Surface *surface);
/*
 * The same for a picture that is a texture of the device's: it is drawn by `window`, or
 * its pixels are read into the surface, where console_wants_pixels or `fetch` asks.
 */
void console_set_texture(Console *console, const Surface *surface);
bool console_wants_pixels(const Console *console);
/* Clipped to the surface. */
void console_damage(Console *console, u32 x, u32 y, u32 w, u32 h);
/* Copies the pixels; NULL: no image. */
void console_set_cursor(Console *console, const CursorImage *image);
void console_move_cursor(Console *console, s32 x, s32 y);
/*
 * What is new goes to the viewers before this returns, not with the main loop, which is
 * not there yet or will not turn for long.  Main thread.
 */
void console_show_now(Console *console);
/* The guest has done something that may show: look again soon. */
void console_stir(Console *console);

/* ---- whoever looks ---- */

/* Consoles in order of creation; NULL beyond the last. */
Console *console_nth(unsigned n);
Console *console_find(const char *name);
/* Brings the surface up to date, for who can't wait: screendump. */
void console_update(Console *console);
void console_resize(Console *console, u32 width, u32 height);
/* False: the device has no textures, or can't draw into this window. */
bool console_window(Console *console, const ConsoleWindow *window);

typedef struct {
    /* Takes what it needs out of console->surface; under the machine lock. */
    void (*copy)(void *opaque, Console *console, const ConsoleNews *news);
    /* Shows what it took; takes no machine lock.  May be NULL. */
    void (*present)(void *opaque);
    /* The textures of its console are drawn into its window. */
    bool textures;
} ViewerOps;

/* Main thread. */
Viewer *viewer_new(Console *console, const ViewerOps *ops, void *opaque);
void viewer_free(Viewer *viewer);
/* Somebody did something that the guest may answer: look again soon. */
void viewer_stir(Viewer *viewer);

/* For console.c. */
bool viewer_takes_textures(const Viewer *viewer);
void viewer_show_now(Viewer *viewer);
/* There are news. */
void viewer_note(Viewer *viewer, const ConsoleNews *news);

/* ---- rectangles ---- */

static inline bool rect_empty(const Rect *r)
{
    return !r->w || !r->h;
}

/* The smallest that holds both. */
static inline Rect rect_union(Rect a, Rect b)
{
    u32 x = MIN(a.x, b.x), y = MIN(a.y, b.y);

    if (rect_empty(&a) || rect_empty(&b)) {
        return rect_empty(&a) ? b : a;
    }
    return (Rect){ x, y, MAX(a.x + a.w, b.x + b.w) - x, MAX(a.y + a.h, b.y + b.h) - y };
}

/* What of `r` lies in a picture of this size. */
static inline Rect rect_clip(Rect r, u32 width, u32 height)
{
    if (r.x >= width || r.y >= height) {
        return (Rect){ 0 };
    }
    return (Rect){ r.x, r.y, MIN(r.w, width - r.x), MIN(r.h, height - r.y) };
}

#endif
