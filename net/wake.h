/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call on a loop that any thread can ask for; asking twice before it came is asking
 * once.
 */

#ifndef NET_WAKE_H
#define NET_WAKE_H

#include <glib.h>

typedef void NetWakeFn(void *opaque);

/* `loop` NULL: the main one. */
GSource *net_wake_new(GMainContext *loop, NetWakeFn *fn, void *opaque);
/* The loop's thread.  NULL is allowed. */
void net_wake_free(GSource *wake);
/* Any thread. */
void net_wake(GSource *wake);

#endif
