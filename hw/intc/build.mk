# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/intc/ioapic.c
src += hw/intc/pic.c
