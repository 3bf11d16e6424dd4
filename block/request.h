/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests on their way down the graph: see request.c.  Under the lock of `io`.
 */

#ifndef BLOCK_REQUEST_H
#define BLOCK_REQUEST_H

#include "base/io.h"
#include "block/node.h"

/* Called under the lock of `io`, never from within the call that starts it. */
typedef void RequestDone(void *opaque, int error);

void request_move(IoContext *io, BlockNode *node, BlockAccess access, u64 offset,
                  BlockVec data, RequestDone *done, void *opaque);
void request_flush(IoContext *io, BlockNode *node, RequestDone *done, void *opaque);
void request_discard(IoContext *io, BlockNode *node, u64 offset, u64 bytes,
                     RequestDone *done, void *opaque);
void request_zeroes(IoContext *io, BlockNode *node, u64 offset, u64 bytes,
                    bool may_unmap, RequestDone *done, void *opaque);
/* One that has failed before it began. */
void request_fail(IoContext *io, int error, RequestDone *done, void *opaque);

#endif
