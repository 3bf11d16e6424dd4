# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/display/vbe.c
src += hw/display/vga.c
src += hw/display/vga_draw.c
src += hw/display/vga_memory.c
src += hw/display/vga_pci.c
src += hw/display/vga_ports.c
src += hw/display/vga_text.c
