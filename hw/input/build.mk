# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/input/i8042.c
src += hw/input/ps2_keyboard.c
src += hw/input/ps2_mouse.c
