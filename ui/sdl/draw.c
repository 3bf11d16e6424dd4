/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture in the window, and the guest's pointer.  The SDL thread.
 *
 * Only what has changed is drawn, straight into the window's memory where the sizes
 * are equal.  A pointer that the guest moves by itself (a relative mouse) is drawn into
 * the picture; one that follows the host's is the host's.
 */

#include "ui/sdl/window.h"

#include "base/lock.h"
#include "ui/input.h"
#include "ui/sdl/place.h"

/* ---- rectangles of the picture on the window ---- */

static SDL_Rect shown_at(const Window *w, int width, int height)
{
    Place at = place_fit(w->shown ? w->shown->w : 0, w->shown ? w->shown->h : 0, width,
                         height);

    return (SDL_Rect){ at.x, at.y, at.w, at.h };
}

/* Events have points. */
void window_place(const Window *w, int x, int y, unsigned *across, unsigned *down)
{
    int width, height;
    SDL_Rect at;

    SDL_GetWindowSize(w->window, &width, &height);
    at = shown_at(w, MAX(width, 1), MAX(height, 1));
    place_pointer(&(Place){ at.x, at.y, at.w, at.h }, x, y, across, down);
}

/* ---- drawing ---- */

static void draw_pointer(Window *w, SDL_Surface *target, const SDL_Rect *at)
{
    SDL_Rect place = w->cursor_at;

    if (w->cursor_image && place.w) {
        place.x = at->x + place.x * at->w / w->shown->w;
        place.y = at->y + place.y * at->h / w->shown->h;
        place.w = MAX(place.w * at->w / w->shown->w, 1);
        place.h = MAX(place.h * at->h / w->shown->h, 1);
        SDL_BlitScaled(w->cursor_image, NULL, target, &place);
    }
}

/* One rectangle of the picture, and what of the pointer lies in it. */
static void draw(Window *w, const Rect *damage)
{
    SDL_Surface *target = SDL_GetWindowSurface(w->window);
    SDL_Rect at, from = { damage->x, damage->y, damage->w, damage->h };

    if (!target || !w->shown || w->picture.resized || rect_empty(damage)) {
        return;
    }
    at = shown_at(w, target->w, target->h);
    if (at.w == w->shown->w && at.h == w->shown->h) {
        SDL_Rect to = { at.x + from.x, at.y + from.y, from.w, from.h };

        SDL_SetClipRect(target, &to);
        SDL_BlitSurface(w->shown, &from, target, &to);
        draw_pointer(w, target, &at);
        SDL_SetClipRect(target, NULL);
        SDL_UpdateWindowSurfaceRects(w->window, &to, 1);
    } else {
        SDL_SoftStretchLinear(w->shown, NULL, target, &at);
        draw_pointer(w, target, &at);
        SDL_UpdateWindowSurface(w->window);
    }
}

/* The device draws: it is told where. */
static void draw_texture(Window *w)
{
    ConsoleWindow window = { .id = w->native, .draw_pointer = !input_is_absolute() };
    int width, height;

    SDL_GetWindowSizeInPixels(w->window, &width, &height);
    window.width = MAX(width, 1);
    window.height = MAX(height, 1);
    machine_lock();
    if (w->gl && console_nth(0)) {
        console_window(console_nth(0), &window);
    }
    machine_unlock();
}

void window_redraw(Window *w)
{
    SDL_Surface *target = w->texture ? NULL : SDL_GetWindowSurface(w->window);

    if (w->texture) {
        draw_texture(w);
        return;
    }

    if (target) {
        SDL_FillRect(target, NULL, 0);
    }
    g_mutex_lock(&w->picture.lock);
    if (w->shown) {
        draw(w, &(Rect){ 0, 0, w->shown->w, w->shown->h });
    }
    g_mutex_unlock(&w->picture.lock);
    SDL_UpdateWindowSurface(w->window);
}

/* ---- the pointer ---- */

static void free_pointer(Window *w)
{
    if (w->cursor) {
        SDL_FreeCursor(w->cursor);
    }
    if (w->cursor_image) {
        SDL_FreeSurface(w->cursor_image);
    }
    w->cursor = NULL;
    w->cursor_image = NULL;
}

/* Under the picture's lock. */
static void take_pointer(Window *w)
{
    const CursorImage *image = &w->picture.cursor;

    free_pointer(w);
    if (!image->pixels) {
        return;
    }
    w->cursor_image = SDL_CreateRGBSurfaceWithFormat(
        0, image->width, image->height, 32, SDL_PIXELFORMAT_ARGB8888);
    if (w->cursor_image) {
        SDL_ConvertPixels(image->width, image->height, SDL_PIXELFORMAT_ARGB8888,
                          image->pixels, image->width * 4, SDL_PIXELFORMAT_ARGB8888,
                          w->cursor_image->pixels, w->cursor_image->pitch);
        SDL_SetSurfaceBlendMode(w->cursor_image, SDL_BLENDMODE_BLEND);
        w->cursor = SDL_CreateColorCursor(w->cursor_image, image->hot_x, image->hot_y);
    }
}

/* Where the pointer is drawn now; returns what must be drawn anew. */
static Rect move_pointer(Window *w, bool absolute)
{
    SDL_Rect old = w->cursor_at, new = { 0 };
    Rect damage = { MAX(old.x, 0), MAX(old.y, 0), old.w, old.h };

    if (!absolute && w->cursor_image) {
        new = (SDL_Rect){ w->cursor_x, w->cursor_y, w->cursor_image->w,
                          w->cursor_image->h };
    }
    w->cursor_at = new;
    return rect_union(damage, (Rect){ MAX(new.x, 0), MAX(new.y, 0), new.w, new.h });
}

/* ---- news ---- */

void window_fit(Window *w)
{
    int points_w, points_h, pixels_w, pixels_h;

    if (w->shown && !w->full_screen) {
        SDL_GetWindowSize(w->window, &points_w, &points_h);
        SDL_GetWindowSizeInPixels(w->window, &pixels_w, &pixels_h);
        SDL_SetWindowSize(w->window,
                          place_points(w->shown->w, w->zoom, points_w, pixels_w),
                          place_points(w->shown->h, w->zoom, points_h, pixels_h));
    }
}

/* Under the picture's lock. */
static void take_surface(Window *w)
{
    Picture *p = &w->picture;
    int width = 0, height = 0;

    if (w->shown) {
        SDL_FreeSurface(w->shown);
    }
    w->texture = p->texture;
    w->shown = p->width ? SDL_CreateRGBSurfaceWithFormatFrom(
                              p->texture ? NULL : p->pixels, p->width, p->height, 32,
                              p->width * 4, SDL_PIXELFORMAT_RGB888) : NULL;
    SDL_GetWindowSizeInPixels(w->window, &width, &height);
    if (!w->sized_by_user && (width != (int)p->width || height != (int)p->height)) {
        window_fit(w);
    }
}

void window_take_news(Window *w)
{
    Picture *p = &w->picture;
    bool absolute = input_is_absolute(), resized, cursor;
    Rect damage;

    g_mutex_lock(&p->lock);
    p->posted = false;
    resized = p->resized;
    cursor = p->new_cursor;
    if (resized) {
        take_surface(w);
    }
    if (cursor) {
        take_pointer(w);
    }
    w->cursor_x = p->cursor_x;
    w->cursor_y = p->cursor_y;
    damage = p->damage;
    if (cursor || p->moved) {
        damage = rect_union(damage, move_pointer(w, absolute));
    }
    p->damage = (Rect){ 0 };
    p->resized = p->new_cursor = p->moved = false;
    if (w->shown && !resized && !w->texture) {
        damage = rect_clip(damage, w->shown->w, w->shown->h);
        draw(w, &damage);
    }
    g_mutex_unlock(&p->lock);
    if (resized || (cursor && w->texture)) {
        window_redraw(w);
    }
    if (cursor) {
        window_show_state(w);
    }
}

void window_free_drawing(Window *w)
{
    free_pointer(w);
    if (w->shown) {
        SDL_FreeSurface(w->shown);
    }
    w->shown = NULL;
}
