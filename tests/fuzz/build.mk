# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/fuzz/ahci.c
test += tests/fuzz/blk.c
test += tests/fuzz/board.c
test += tests/fuzz/net.c
test += tests/fuzz/p9.c
test += tests/fuzz/qcow2.c
test += tests/fuzz/ring.c
