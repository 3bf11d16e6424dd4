/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that wait for the kernel: see queue.h.
 */

#include "block/queue.h"

#include <liburing.h>

/* Containers often forbid it (EPERM), old kernels do not have it (ENOSYS). */
bool queue_works(void)
{
    static gsize state;             /* 1: it does not, 2: it does */
    struct io_uring ring;

    if (g_once_init_enter(&state)) {
        bool works = io_uring_queue_init(2, &ring, 0) == 0;

        if (works) {
            io_uring_queue_exit(&ring);
        }
        g_once_init_leave(&state, works ? 2 : 1);
    }
    return state == 2;
}
