# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/hw/input/i8042.c
