/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call on the main loop that any thread can ask for; asking twice before it came is
 * asking once.
 */

#ifndef NET_WAKE_H
#define NET_WAKE_H

#include <glib.h>

typedef void NetWakeFn(void *opaque);

/* The main thread. */
GSource *net_wake_new(NetWakeFn *fn, void *opaque);
void net_wake_free(GSource *wake);              /* NULL is allowed */
/* Any thread. */
void net_wake(GSource *wake);

#endif
