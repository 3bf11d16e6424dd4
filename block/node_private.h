/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of work on a node that the waiting functions (node_io.c) and requests
 * (request.c) share.  Any thread.
 */

#ifndef BLOCK_NODE_PRIVATE_H
#define BLOCK_NODE_PRIVATE_H

#include "block/node.h"

/* The driver's map, or all of it slow. */
BlockMap node_map(BlockNode *node, BlockAccess access, u64 offset, u64 bytes);

/* May this be asked?  A protocol may grow. */
bool node_has(const BlockNode *node, BlockAccess access, u64 offset, u64 bytes);

/* For a piece that map called slow; by a thread that is inside the gate. */
int node_slow(BlockNode *node, BlockAccess access, u64 offset, BlockVec data);

/* The node that a discard or zeroes are for, below filters; *offset becomes its. */
BlockNode *node_pass(BlockNode *node, u64 *offset, u64 bytes);

/* Alone inside the gate. */
int node_discard_inside(BlockNode *node, u64 offset, u64 bytes);
int node_zero_inside(BlockNode *node, u64 offset, u64 bytes, bool may_unmap);

#endif
