# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/block/request.c
testlib += tests/lib/block_mem.c
