# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/hw/ide/ahci.c
test += tests/hw/ide/atapi.c
