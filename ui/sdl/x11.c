/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the X server calls a window: a file of its own, since X's header has a type of
 * the name of ours.  The SDL thread.
 */

#include <SDL_syswm.h>

extern unsigned long window_x11(SDL_Window *window);

unsigned long window_x11(SDL_Window *window)
{
    SDL_SysWMinfo info;

    SDL_VERSION(&info.version);
    return SDL_GetWindowWMInfo(window, &info) && info.subsystem == SDL_SYSWM_X11
           ? info.info.x11.window : 0;
}
