/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The overlay of snapshot=on.  Main thread.
 */

#ifndef BLOCK_OVERLAY_H
#define BLOCK_OVERLAY_H

#include "block/node.h"

/* Takes over the reference to `below`, also where it fails. */
BlockNode *overlay_new(BlockNode *below, GError **err) must_check;
bool node_is_overlay(const BlockNode *node);
/* Writes everything into the image below; the overlay is empty then. */
bool overlay_commit(BlockNode *node, GError **err) must_check;

#endif
