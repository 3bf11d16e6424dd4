/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SDL window: what the files of this module share.
 *
 * SDL has a thread of its own, which sleeps in SDL_WaitEvent.  News come from the main
 * thread (the viewer's copy): pixels into a picture between the two, which has its own
 * lock, and one event that says so.  What the user does goes to ui/input.h under the
 * machine lock.  The SDL thread takes the machine lock and never holds the picture's
 * lock meanwhile; the main thread takes the picture's lock inside the machine lock.
 *
 * The thread begins while the machine is built.  Until the main loop turns, it shows
 * pictures (a restored one before the restore has ended) and takes no machine lock.
 */

#ifndef UI_SDL_WINDOW_H
#define UI_SDL_WINDOW_H

#include "ui/console.h"
#include "ui/frontend.h"

#include <SDL.h>

/* Between the threads; under `lock`. */
typedef struct {
    GMutex lock;
    u32 *pixels;
    u32 width, height;              /* 0: there is no picture */
    Rect damage;
    bool resized, new_cursor, moved, posted;
    bool texture;                   /* the device draws it; there are no pixels */
    CursorImage cursor;
    s32 cursor_x, cursor_y;
} Picture;

typedef struct {
    FrontEndConfig config;
    char *title;
    Console *console;               /* NULL: none; the main thread's */
    Viewer *viewer;
    Picture picture;
    GThread *thread;
    GMutex lock;                    /* guards the next three */
    GCond begun;
    bool is_begun;
    char *error;                    /* why there is no window */
    unsigned hearing;               /* the main loop's source that posts hear_event */
    bool gl;                        /* the device draws its textures into the window */
    unsigned long native;           /* X's number of it */
    Uint32 news_event, show_event, hear_event, end_event;

    /* The SDL thread's. */
    SDL_Window *window;
    SDL_Surface *shown;             /* wraps picture.pixels */
    SDL_Cursor *cursor;             /* the guest's, as the host's */
    SDL_Surface *cursor_image;      /* the same, to draw into the picture */
    SDL_Rect cursor_at;             /* where that is drawn now; w 0: nowhere */
    s32 cursor_x, cursor_y;
    bool grabbed, full_screen, focused;
    bool hears;                     /* the machine is there, and its lock to be had */
    bool texture;                   /* `shown` has a size, and no pixels */
    bool sized_by_user;             /* the window is not as large as the picture */
    double zoom;
} Window;

/* draw.c */
void window_take_news(Window *w);
void window_redraw(Window *w);      /* all of it */
void window_place(const Window *w, int x, int y, unsigned *across, unsigned *down);
void window_free_drawing(Window *w);
void window_fit(Window *w);         /* the window as large as the picture, zoomed */

/* x11.c: the X server's number of a window; 0: it is another server's */
unsigned long window_x11(struct SDL_Window *window);

/* events.c */
void window_event(Window *w, const SDL_Event *event);
void window_show_state(Window *w);  /* title, pointer */
void window_set_full_screen(Window *w, bool on);        /* with the grab */

#endif
