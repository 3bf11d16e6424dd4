# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/hw/timer/hpet.c
test += tests/hw/timer/pit.c
test += tests/hw/timer/rtc.c
