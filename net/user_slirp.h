/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp, loaded when the first packet needs it: a machine that never uses its
 * network never maps it.
 */

#ifndef NET_USER_SLIRP_H
#define NET_USER_SLIRP_H

#include "base/library.h"

#include <libslirp.h>

#define SLIRP_FUNCTIONS(row)                                                        \
    row(slirp_new) row(slirp_cleanup) row(slirp_pollfds_fill)                       \
    row(slirp_pollfds_poll) row(slirp_input) row(slirp_handle_timer)                \
    row(slirp_add_hostxfwd) row(slirp_remove_hostxfwd) row(slirp_add_exec)          \
    row(slirp_add_guestfwd) row(slirp_remove_guestfwd)                              \
    row(slirp_socket_can_recv) row(slirp_socket_recv)                               \
    row(slirp_connection_info) row(slirp_neighbor_info)

typedef struct {
    SLIRP_FUNCTIONS(LIBRARY_MEMBER)
} SlirpLibrary;

/* NULL and an error if it is not there or too old.  Any thread. */
const SlirpLibrary *slirp_library(GError **err);

#endif
