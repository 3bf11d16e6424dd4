/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json-glib: see json.h. */

#include "base/json.h"

const JsonLibrary *json_library(GError **err)
{
    static const char *const names[] = { JSON_FUNCTIONS(LIBRARY_NAME) NULL };
    static JsonLibrary json;
    static Library library = { "libjson-glib-1.0.so.0", names, (void **)&json, false };

    if (!library_load(&library, err)) {
        g_prefix_error(err, "JSON needs json-glib (Debian package "
                       "libjson-glib-1.0-0): ");
        return NULL;
    }
    return &json;
}
