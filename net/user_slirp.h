/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp, loaded when the first packet needs it: a machine that never uses its
 * network never maps it.  The functions are called through a table that is made from
 * one list; their types are the header's.
 */

#ifndef NET_USER_SLIRP_H
#define NET_USER_SLIRP_H

#include <glib.h>
#include <libslirp.h>

#define SLIRP_FUNCTIONS(row)                                                        \
    row(slirp_new) row(slirp_cleanup) row(slirp_pollfds_fill)                       \
    row(slirp_pollfds_poll) row(slirp_input) row(slirp_handle_timer)                \
    row(slirp_add_hostxfwd) row(slirp_remove_hostxfwd) row(slirp_add_exec)          \
    row(slirp_add_guestfwd) row(slirp_remove_guestfwd)                              \
    row(slirp_socket_can_recv) row(slirp_socket_recv)                               \
    row(slirp_connection_info) row(slirp_neighbor_info)

typedef struct {
#define SLIRP_MEMBER(name) __typeof__(&name) name;
    SLIRP_FUNCTIONS(SLIRP_MEMBER)
#undef SLIRP_MEMBER
} SlirpLibrary;

/* NULL and an error if it is not there or too old.  Any thread. */
const SlirpLibrary *slirp_library(GError **err);

#endif
