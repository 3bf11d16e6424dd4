/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that an L1 table refers to: for snapshots, which count it once more or less.
 * Under the lock of the image (qcow2_int.h).
 */

#ifndef BLOCK_QCOW2_TREE_H
#define BLOCK_QCOW2_TREE_H

#include "block/qcow2_int.h"

/* Every cluster is counted up; or, after an error, none is. */
int tree_up(Qcow2 *q, const u64 *l1, u32 n) must_check;
/* Down: nothing on disk refers to this table any more. */
int tree_down(Qcow2 *q, const u64 *l1, u32 n) must_check;
/* Sets and clears the COPIED flags, in `l1` too, as the counters say. */
int tree_flags(Qcow2 *q, u64 *l1, u32 n, Dirty *changed) must_check;

#endif
