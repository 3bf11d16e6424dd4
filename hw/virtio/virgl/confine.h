/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the renderer's process may do: see confine.c. */

#ifndef HW_VIRTIO_VIRGL_CONFINE_H
#define HW_VIRTIO_VIRGL_CONFINE_H

#include <stdbool.h>

void confine_early(void);       /* before GL begins; the machine's end is its own */
bool confine(void);             /* afterwards, all threads; false: it can't be */

#endif
