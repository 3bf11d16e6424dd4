/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of network back ends, for kinds.c and whoever must know one from another.
 */

#ifndef NET_KINDS_H
#define NET_KINDS_H

#include "net/kind.h"

extern const NetKind net_bridge, net_dgram, net_socket, net_stream, net_tap, net_user;

#endif
