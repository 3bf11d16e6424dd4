/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of network back ends there are, by name.
 */

#include "net/kinds.h"

const NetKind *const net_kinds[] = {
    &net_bridge,
    &net_dgram,
    &net_socket,
    &net_stream,
    &net_tap,
    &net_user,
    NULL
};
