# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/timer/hpet.c
src += hw/timer/hpet_timer.c
src += hw/timer/pit.c
src += hw/timer/pit_channel.c
src += hw/timer/rtc.c
src += hw/timer/rtc_date.c
src += hw/timer/rtc_events.c
