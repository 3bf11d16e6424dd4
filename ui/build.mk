# SPDX-License-Identifier: GPL-2.0-or-later
src += ui/console.c
src += ui/edid.c
src += ui/frontend.c
src += ui/input.c
src += ui/keys.c
src += ui/picture.c
src += ui/viewer.c
