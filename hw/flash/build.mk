# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/flash/pflash.c
