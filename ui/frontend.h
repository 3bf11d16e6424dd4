/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Front ends: what shows consoles and hears the user.  Each is a module, a shared
 * object that is loaded when it is asked for, so that a machine without a window has
 * no SDL or GL in its memory:
 *
 *     ui-sdl.so exports   const FrontEnd front_end = { .name = "sdl", .open = ... };
 *
 * Modules are looked for in the folder MAYFLY_MODULES names, beside the executable
 * (modules/, the build tree) and in PREFIX/lib/mayfly.  They use the executable's own
 * functions.  Main thread.
 */

#ifndef UI_FRONTEND_H
#define UI_FRONTEND_H

#include "base/types.h"

typedef struct {
    const char *title;              /* the guest's name, or NULL */
    bool full_screen, show_cursor, window_close;
    bool zoom_to_fit;               /* the guest is not told of the window's size */
    bool gl;                        /* GL draws where the guest does */
    void (*quit)(void);             /* the window was closed; any thread */
} FrontEndConfig;

typedef struct {
    const char *name;
    /* What takes time, behind the machine's back while it is built. */
    void (*begin)(const FrontEndConfig *config);
    bool (*open)(GError **err);     /* waits for that; the consoles are there */
    void (*close)(void);            /* after begin, also when open failed */
} FrontEnd;

/* Loads the module of this name; it stays. */
const FrontEnd *front_end_load(const char *name, GError **err) must_check;

/*
 * What the host's GL is used for, said before devices are made; all zero until then.
 * Strings are borrowed.
 */
typedef struct {
    bool window;                    /* in windows of the X server */
    const char *render_node;        /* GPU that is wanted, /dev/dri/renderD128 or so */
} GlHost;
const GlHost *gl_host(void);
void gl_host_set(const GlHost *host);

/* Is there its module, and a display server to show it on? */
bool front_end_is_likely(const char *name);

/* Loads module `file` ("ui-sdl") and finds `symbol` in it. */
void *module_symbol(const char *file, const char *symbol, GError **err) must_check;
/* Where a file among the modules is ("mayfly-gpu"); caller frees. */
char *module_file(const char *name, GError **err) must_check;

#endif
