/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Consoles, a device's side: see console.h.  Under the machine lock.
 */

#include "ui/console.h"

#include <string.h>

static GPtrArray *consoles;         /* Console *, in order of creation */

Console *console_new(const char *name, const ConsoleOps *ops, void *opaque)
{
    Console *console = g_new0(Console, 1);

    console->name = g_strdup(name);
    console->ops = ops;
    console->opaque = opaque;
    console->viewers = g_ptr_array_new();
    if (!consoles) {
        consoles = g_ptr_array_new();
    }
    g_ptr_array_add(consoles, console);
    return console;
}

static void tell(Console *console, const ConsoleNews *news)
{
    for (unsigned i = 0; i < console->viewers->len; i++) {
        viewer_note(g_ptr_array_index(console->viewers, i), news);
    }
}

void console_free(Console *console)
{
    if (!console) {
        return;
    }
    tell(console, &(ConsoleNews){ .gone = true });
    g_ptr_array_remove(consoles, console);
    if (consoles->len == 0) {
        g_clear_pointer(&consoles, g_ptr_array_unref);
    }
    g_ptr_array_unref(console->viewers);
    g_free(console->cursor.pixels);
    g_free(console->name);
    g_free(console);
}

static void set_picture(Console *console, const Surface *surface, bool texture)
{
    console->surface = surface ? *surface : (Surface){ 0 };
    console->texture = texture;
    tell(console, &(ConsoleNews){
        .surface = true,
        .damage = { 0, 0, console->surface.width, console->surface.height },
    });
}

void console_set_surface(Console *console, const Surface *surface)
{
    set_picture(console, surface, false);
}

void console_set_texture(Console *console, const Surface *surface)
{
    set_picture(console, surface, true);
}

bool console_wants_pixels(const Console *console)
{
    for (unsigned i = 0; i < console->viewers->len; i++) {
        if (!viewer_takes_textures(g_ptr_array_index(console->viewers, i))) {
            return true;
        }
    }
    return false;
}

void console_damage(Console *console, u32 x, u32 y, u32 w, u32 h)
{
    ConsoleNews news = {
        .damage = rect_clip((Rect){ x, y, w, h }, console->surface.width,
                            console->surface.height),
    };

    if (!rect_empty(&news.damage)) {
        tell(console, &news);
    }
}

void console_set_cursor(Console *console, const CursorImage *image)
{
    size_t n = image && image->pixels ? (size_t)image->width * image->height * 4 : 0;

    g_free(console->cursor.pixels);
    console->cursor = n ? *image : (CursorImage){ 0 };
    console->cursor.pixels = n ? g_memdup2(image->pixels, n) : NULL;
    tell(console, &(ConsoleNews){ .cursor = true });
}

void console_move_cursor(Console *console, s32 x, s32 y)
{
    console->cursor_x = x;
    console->cursor_y = y;
    tell(console, &(ConsoleNews){ .cursor_moved = true });
}

void console_show_now(Console *console)
{
    for (unsigned i = 0; i < console->viewers->len; i++) {
        viewer_show_now(g_ptr_array_index(console->viewers, i));
    }
}

void console_stir(Console *console)
{
    for (unsigned i = 0; i < console->viewers->len; i++) {
        viewer_stir(g_ptr_array_index(console->viewers, i));
    }
}

Console *console_nth(unsigned n)
{
    return consoles && n < consoles->len ? g_ptr_array_index(consoles, n) : NULL;
}

Console *console_find(const char *name)
{
    for (unsigned i = 0; consoles && i < consoles->len; i++) {
        Console *console = g_ptr_array_index(consoles, i);

        if (strcmp(console->name, name) == 0) {
            return console;
        }
    }
    return NULL;
}

void console_update(Console *console)
{
    if (console->ops->update) {
        console->ops->update(console->opaque);
    }
    if (console->texture && console->ops->fetch) {
        console->ops->fetch(console->opaque);
    }
}

void console_resize(Console *console, u32 width, u32 height)
{
    if (console->ops->resize) {
        console->ops->resize(console->opaque, width, height);
    }
}

bool console_window(Console *console, const ConsoleWindow *window)
{
    return console->ops->window && console->ops->window(console->opaque, window);
}
