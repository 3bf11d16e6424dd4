/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user does in the window: keys, pointer, the window itself.  The SDL thread.
 *
 * Keys are told by their place on the board (SDL's scan codes are HID usages).  With
 * Ctrl and Alt held, some keys are the window's: F full screen, G grab, + - 0 zoom.
 */

#include "ui/sdl/window.h"

#include "base/lock.h"
#include "ui/input.h"
#include "ui/keys.h"

#include <stdlib.h>

/* ---- the window's own state ---- */

void window_show_state(Window *w)
{
    g_autofree char *title = g_strdup_printf(
        "%s%s", w->title, w->grabbed ? " - Press Ctrl-Alt-G to release grab" : "");
    bool absolute = input_is_absolute();

    SDL_SetWindowTitle(w->window, title);
    SDL_SetRelativeMouseMode(w->grabbed && !absolute);
    if (absolute && w->cursor) {
        SDL_SetCursor(w->cursor);
    } else if (!absolute) {
        SDL_SetCursor(SDL_GetDefaultCursor());
    }
    /* An absolute pointer without an image is one that the guest draws itself. */
    SDL_ShowCursor(w->config.show_cursor || (absolute ? w->cursor != NULL
                                                      : !w->grabbed));
}

static void set_grab(Window *w, bool on)
{
    w->grabbed = on;
    SDL_SetWindowGrab(w->window, on);
    SDL_SetWindowKeyboardGrab(w->window, on);
    window_show_state(w);
}

void window_set_full_screen(Window *w, bool on)
{
    w->full_screen = on;
    SDL_SetWindowFullscreen(w->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    set_grab(w, on);
    if (!on && !w->sized_by_user) {
        window_fit(w);
    }
    window_redraw(w);
}

static void set_zoom(Window *w, double zoom)
{
    w->zoom = CLAMP(zoom, 0.25, 8);
    w->sized_by_user = zoom != 1;
    window_fit(w);
}

static void release_all(void)
{
    machine_lock();
    input_release_all();
    machine_unlock();
}

/* ---- keys ---- */

static bool hot_key(Window *w, SDL_Scancode code)
{
    switch (code) {
    case SDL_SCANCODE_F:     window_set_full_screen(w, !w->full_screen); break;
    case SDL_SCANCODE_G:     set_grab(w, !w->grabbed); break;
    case SDL_SCANCODE_EQUALS:
    case SDL_SCANCODE_KP_PLUS:  set_zoom(w, w->zoom * 1.25); break;
    case SDL_SCANCODE_MINUS:
    case SDL_SCANCODE_KP_MINUS: set_zoom(w, w->zoom / 1.25); break;
    case SDL_SCANCODE_U:
    case SDL_SCANCODE_0:     set_zoom(w, 1); break;
    default:                 return false;
    }
    return true;
}

static void key_event(Window *w, const SDL_KeyboardEvent *event)
{
    bool down = event->state == SDL_PRESSED;
    SDL_Keymod mod = event->keysym.mod;
    const KeyRow *key = key_by_usage(event->keysym.scancode);

    if (down && !event->repeat && (mod & KMOD_CTRL) && (mod & KMOD_LALT) &&
        hot_key(w, event->keysym.scancode)) {
        release_all();      /* the guest has seen Ctrl and Alt go down */
        return;
    }
    if (key) {
        machine_lock();
        input_key(key->linux_code, down);
        input_sync();
        machine_unlock();
    }
}

/* ---- the pointer ---- */

static void motion_event(Window *w, const SDL_MouseMotionEvent *event)
{
    unsigned x, y;

    window_place(w, event->x, event->y, &x, &y);
    machine_lock();
    if (input_is_absolute()) {
        input_place(x, y);
        input_sync();
    } else if (w->grabbed) {
        input_move(event->xrel, event->yrel);
        input_sync();
    }
    machine_unlock();
}

static void button_event(Window *w, const SDL_MouseButtonEvent *event)
{
    static const u8 buttons[] = {
        [SDL_BUTTON_LEFT] = BUTTON_LEFT, [SDL_BUTTON_MIDDLE] = BUTTON_MIDDLE,
        [SDL_BUTTON_RIGHT] = BUTTON_RIGHT, [SDL_BUTTON_X1] = BUTTON_SIDE,
        [SDL_BUTTON_X2] = BUTTON_EXTRA,
    };
    bool down = event->state == SDL_PRESSED;

    if (event->button < SDL_BUTTON_LEFT || event->button > SDL_BUTTON_X2) {
        return;
    }
    if (!w->grabbed && !input_is_absolute()) {
        if (down && event->button == SDL_BUTTON_LEFT) {
            set_grab(w, true);          /* the click that enters is not the guest's */
        }
        return;
    }
    machine_lock();
    input_button(buttons[event->button], down);
    input_sync();
    machine_unlock();
}

static void wheel_event(Window *w, const SDL_MouseWheelEvent *event)
{
    machine_lock();
    if (w->grabbed || input_is_absolute()) {
        input_wheel(event->x, event->y);
        input_sync();
    }
    machine_unlock();
}

static void touch_event(Window *w, const SDL_TouchFingerEvent *event)
{
    bool down = event->type != SDL_FINGERUP;

    machine_lock();
    input_touch(event->fingerId % INPUT_SLOTS, down, event->x * INPUT_RANGE,
                event->y * INPUT_RANGE);
    input_sync();
    machine_unlock();
}

/* ---- the window ---- */

/* Is it as large as the picture, zoomed, but for what rounding does? */
static bool is_fitted(const Window *w, int width, int height)
{
    return abs(width - (int)(w->shown->w * w->zoom + 0.5)) <= 1 &&
           abs(height - (int)(w->shown->h * w->zoom + 0.5)) <= 1;
}

/* The user has made it this large: the guest may follow, otherwise it is scaled. */
static void resized(Window *w)
{
    int width, height;

    SDL_GetWindowSizeInPixels(w->window, &width, &height);
    if (w->hears && w->shown && !w->config.zoom_to_fit &&
        !is_fitted(w, width, height)) {
        machine_lock();
        if (console_nth(0)) {
            console_resize(console_nth(0), width / w->zoom + 0.5,
                           height / w->zoom + 0.5);
        }
        machine_unlock();
    }
    if (!w->full_screen) {
        w->sized_by_user = w->shown && (width != w->shown->w || height != w->shown->h);
    }
    window_redraw(w);
}

static void show(Window *w)
{
    SDL_ShowWindow(w->window);
    if (w->config.full_screen) {
        window_set_full_screen(w, true);
    }
    window_redraw(w);
}

static void hear(Window *w)
{
    w->hears = true;
    resized(w);                         /* before, nobody was told */
}

static void window_changed(Window *w, const SDL_WindowEvent *event)
{
    switch (event->event) {
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        resized(w);
        break;
    case SDL_WINDOWEVENT_EXPOSED:
        window_redraw(w);
        break;
    case SDL_WINDOWEVENT_FOCUS_GAINED:
        w->focused = true;
        window_show_state(w);
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        w->focused = false;
        if (w->hears) {
            release_all();
        }
        if (w->grabbed && !w->full_screen) {
            set_grab(w, false);
        }
        break;
    case SDL_WINDOWEVENT_CLOSE:
        if (w->config.window_close) {
            w->config.quit();
        }
        break;
    }
}

static void user_event(Window *w, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        key_event(w, &event->key);
        break;
    case SDL_MOUSEMOTION:
        if (event->motion.which != SDL_TOUCH_MOUSEID) {
            motion_event(w, &event->motion);
        }
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        if (event->button.which != SDL_TOUCH_MOUSEID) {
            button_event(w, &event->button);
        }
        break;
    case SDL_MOUSEWHEEL:
        wheel_event(w, &event->wheel);
        break;
    case SDL_FINGERDOWN:
    case SDL_FINGERMOTION:
    case SDL_FINGERUP:
        touch_event(w, &event->tfinger);
        break;
    }
}

void window_event(Window *w, const SDL_Event *event)
{
    if (event->type == SDL_WINDOWEVENT) {
        window_changed(w, &event->window);
    } else if (event->type == w->news_event) {
        window_take_news(w);
    } else if (event->type == w->show_event) {
        show(w);
    } else if (event->type == w->hear_event) {
        hear(w);
    } else if (w->hears) {
        user_event(w, event);
    }
}
