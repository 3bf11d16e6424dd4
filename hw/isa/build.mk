# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/isa/isa.c
src += hw/isa/lpc.c
