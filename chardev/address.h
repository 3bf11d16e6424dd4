/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket addresses: unix:PATH or tcp:HOST:PORT.  All functions return a descriptor, or
 * -1 and an error that names the address.  The main thread.
 */

#ifndef CHARDEV_ADDRESS_H
#define CHARDEV_ADDRESS_H

#include "base/types.h"

typedef struct {
    const char *path;           /* unix; then the others are NULL */
    const char *host, *port;    /* host NULL: any to listen, this machine to connect */
} Address;

char *address_name(const Address *at);      /* "unix:/tmp/a", "tcp:localhost:4444" */

/* Not a number above 65535, which getaddrinfo would cut: a name, or one that fits. */
bool address_port_good(const char *port);

/* Non-blocking.  A unix socket left behind by a process that is gone is replaced. */
int address_listen(const Address *at, GError **err);

/*
 * Waits for the connection; with `background` it may still be under way then: when the
 * descriptor is writable, SO_ERROR tells how it went.
 */
int address_connect(const Address *at, bool background, GError **err);

#endif
