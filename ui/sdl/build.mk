# SPDX-License-Identifier: GPL-2.0-or-later
module-$(CONFIG_SDL) += ui-sdl
src/ui-sdl += ui/sdl/draw.c
src/ui-sdl += ui/sdl/events.c
src/ui-sdl += ui/sdl/window.c
src/ui-sdl += ui/sdl/x11.c
cflags/ui-sdl := $(sdl_cflags)
libs/ui-sdl := $(sdl_libs)
