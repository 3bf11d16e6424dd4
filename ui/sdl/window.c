/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SDL front end: the window's thread, and what passes from the main thread to it.
 * See window.h.
 */

#include "ui/sdl/window.h"

#include "base/lock.h"

#include <string.h>

static Window *the_window;

/* ---- the main thread ---- */

static void copy_rows(Picture *p, const Surface *from, const Rect *r)
{
    for (u32 y = r->y; y < r->y + r->h; y++) {
        memcpy(p->pixels + (size_t)y * p->width + r->x,
               from->pixels + (size_t)y * from->stride + r->x * 4ul, r->w * 4ul);
    }
}

static void copy_cursor(Picture *p, const CursorImage *image)
{
    g_free(p->cursor.pixels);
    p->cursor = *image;
    p->cursor.pixels = g_memdup2(
        image->pixels, image->pixels ? image->width * image->height * 4ul : 0);
    p->new_cursor = true;
}

/*
 * A new size is a new array: until the window's thread has taken the news, `resized`
 * tells it that what it wraps is gone.
 */
static void copy_size(Picture *p, const Surface *from, bool texture)
{
    if (p->width != from->width || p->height != from->height || !p->pixels ||
        p->texture != texture) {
        size_t n = texture ? 0 : (size_t)from->width * from->height * 4;

        p->pixels = g_realloc(p->pixels, MAX(n, 4));
        p->texture = texture;
        p->width = from->pixels ? from->width : 0;
        p->height = from->pixels ? from->height : 0;
        p->resized = true;
    }
}

static void copy(void *opaque, Console *console, const ConsoleNews *news)
{
    Window *w = opaque;
    Picture *p = &w->picture;
    Rect damage = { 0 };

    g_mutex_lock(&p->lock);
    if (console) {
        bool texture = w->gl && console->texture;

        copy_size(p, &console->surface, texture);
        damage = rect_clip(p->resized ? (Rect){ 0, 0, p->width, p->height }
                                      : news->damage, p->width, p->height);
        if (console->surface.pixels && !texture) {
            copy_rows(p, &console->surface, &damage);
        }
        if (news->cursor) {
            copy_cursor(p, &console->cursor);
        }
        p->moved |= news->cursor_moved;
        p->cursor_x = console->cursor_x;
        p->cursor_y = console->cursor_y;
    }
    p->damage = rect_union(p->damage, damage);
    g_mutex_unlock(&p->lock);
}

static void post(Uint32 type)
{
    SDL_Event event = { .type = type };

    SDL_PushEvent(&event);
}

static void present(void *opaque)
{
    Window *w = opaque;
    bool first;

    g_mutex_lock(&w->picture.lock);
    first = !w->picture.posted;
    w->picture.posted = true;
    g_mutex_unlock(&w->picture.lock);
    if (first) {
        post(w->news_event);
    }
}

/* By: does the device draw textures. */
static const ViewerOps viewer_ops[2] = {
    { .copy = copy, .present = present },
    { .copy = copy, .present = present, .textures = true },
};

/* ---- the window's thread ---- */

static const char *make_window(Window *w)
{
    const Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI |
                         SDL_WINDOW_HIDDEN;

    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_GRAB_KEYBOARD, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_WINDOWS_NO_CLOSE_ON_ALT_F4, "1");
    /* SDL has drivers that show nothing, for who asks for them by its variable. */
    if (!g_getenv("DISPLAY") && !g_getenv("WAYLAND_DISPLAY") &&
        !g_getenv("SDL_VIDEODRIVER")) {
        return "there is no display server";
    }
    if (w->config.gl) {
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11");
    }
    if (SDL_Init(SDL_INIT_VIDEO) < 0) {
        return SDL_GetError();
    }
    w->news_event = SDL_RegisterEvents(4);
    w->show_event = w->news_event + 1;
    w->hear_event = w->news_event + 2;
    w->end_event = w->news_event + 3;
    w->window = SDL_CreateWindow(w->title, SDL_WINDOWPOS_UNDEFINED,
                                 SDL_WINDOWPOS_UNDEFINED, 640, 480, flags);
    if (!w->window) {
        return SDL_GetError();
    }
    w->zoom = 1;
    window_show_state(w);
    if (w->config.gl && !(w->native = window_x11(w->window))) {
        return "gl=on needs an X server, and it works without gl=on";
    }
    return NULL;
}

static gpointer run(gpointer opaque)
{
    Window *w = opaque;
    const char *error = make_window(w);
    SDL_Event event = { 0 };

    g_mutex_lock(&w->lock);
    w->error = g_strdup(error);
    w->is_begun = true;
    g_cond_signal(&w->begun);
    g_mutex_unlock(&w->lock);
    while (!error && event.type != w->end_event && SDL_WaitEvent(&event)) {
        window_event(w, &event);
    }
    window_free_drawing(w);
    /*
     * The window itself goes with the process.  SDL_PushEvent wakes this thread by a
     * message to the window over a connection of its own; if that comes when the window
     * is gone, Xlib ends the process with status 1.
     */
    return NULL;
}

/* NULL, or why there is no window. */
static const char *wait_for_window(Window *w)
{
    g_mutex_lock(&w->lock);
    while (!w->is_begun) {
        g_cond_wait(&w->begun, &w->lock);
    }
    g_mutex_unlock(&w->lock);
    return w->error;
}

/* ---- life ---- */

static void begin_window(const FrontEndConfig *config)
{
    Window *w = the_window = g_new0(Window, 1);

    w->config = *config;
    w->title = config->title ? g_strdup_printf("QEMU (%s)", config->title)
                             : g_strdup("QEMU");
    g_mutex_init(&w->picture.lock);
    g_mutex_init(&w->lock);
    g_cond_init(&w->begun);
    w->thread = g_thread_new("SDL", run, w);
}

/* The main loop turns. */
static gboolean hear(gpointer opaque)
{
    Window *w = opaque;

    w->hearing = 0;
    post(w->hear_event);
    return G_SOURCE_REMOVE;
}

static bool open_window(GError **err)
{
    Window *w = the_window;
    const char *error = wait_for_window(w);
    Console *console;

    if (error) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "no window: %s (is DISPLAY or WAYLAND_DISPLAY set?); -display none "
                    "works without a display server", error);
        return false;
    }
    post(w->show_event);
    machine_lock();
    console = console_nth(0);
    w->gl = w->native && console &&
            console_window(console, &(ConsoleWindow){ .id = w->native });
    machine_unlock();
    if (console) {
        w->viewer = viewer_new(console, &viewer_ops[w->gl], w);
    }
    w->hearing = g_idle_add_full(G_PRIORITY_HIGH, hear, w, NULL);
    return true;
}

static void close_window(void)
{
    Window *w = the_window;

    if (!w) {
        return;
    }
    if (w->hearing) {
        g_source_remove(w->hearing);
    }
    viewer_free(w->viewer);
    machine_lock();
    if (w->gl && console_nth(0)) {
        console_window(console_nth(0), &(ConsoleWindow){ 0 });
    }
    w->gl = false;
    machine_unlock();
    if (!wait_for_window(w)) {
        post(w->end_event);
    }
    g_thread_join(w->thread);
    g_mutex_clear(&w->picture.lock);
    g_mutex_clear(&w->lock);
    g_cond_clear(&w->begun);
    g_free(w->error);
    g_free(w->picture.pixels);
    g_free(w->picture.cursor.pixels);
    g_free(w->title);
    g_clear_pointer(&the_window, g_free);
}

extern const FrontEnd front_end;
const FrontEnd front_end = {
    .name = "sdl", .begin = begin_window, .open = open_window, .close = close_window,
};
