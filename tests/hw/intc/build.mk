# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/hw/intc/ioapic.c
test += tests/hw/intc/pic.c
testlib += tests/lib/bed.c
