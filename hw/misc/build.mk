# SPDX-License-Identifier: GPL-2.0-or-later
src += hw/misc/isa_debug_exit.c
src += hw/misc/port92.c
src += hw/misc/post.c
src += hw/misc/pvpanic.c
src += hw/misc/vmgenid.c
