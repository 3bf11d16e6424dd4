/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What waits for the kernel: reads, writes and flushes of file descriptors, in the
 * io_uring of an IoContext, and work for threads.
 */

#ifndef BLOCK_QUEUE_H
#define BLOCK_QUEUE_H

#include "base/io.h"
#include "block/node.h"

/* The kernel has io_uring and lets us use it.  Any thread. */
bool queue_works(void);

#endif
