/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads libslirp: see user_slirp.h.
 */

#include "net/user_slirp.h"

const SlirpLibrary *slirp_library(GError **err)
{
    static const char *const names[] = { SLIRP_FUNCTIONS(LIBRARY_NAME) NULL };
    static SlirpLibrary slirp;
    static Library library = { "libslirp.so.0", names, (void **)&slirp, false };

    if (!library_load(&library, err)) {
        g_prefix_error(err, "user networking needs libslirp (Debian package "
                       "libslirp0): ");
        return NULL;
    }
    return &slirp;
}
