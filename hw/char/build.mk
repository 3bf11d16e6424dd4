# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/char/debugcon.c
src += hw/char/isa_serial.c
src += hw/char/uart.c
