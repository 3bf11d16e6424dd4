# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/block/guessed.c
test += tests/block/node.c
test += tests/block/qcow2_crash.c
test += tests/block/qcow2_faults.c
test += tests/block/request.c
testlib += tests/lib/block_mem.c
testlib += tests/lib/qcow2_trial.c
