/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads libslirp: see user_slirp.h.
 */

#include "net/user_slirp.h"

#include <dlfcn.h>
#include <pthread.h>

static const char file[] = "libslirp.so.0";

static const char *const names[] = {
#define SLIRP_NAME(name) #name,
    SLIRP_FUNCTIONS(SLIRP_NAME)
};

const SlirpLibrary *slirp_library(GError **err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static SlirpLibrary library;
    static bool loaded;
    void **at = (void **)&library, *handle;
    const char *why = NULL;

    pthread_mutex_lock(&lock);
    handle = loaded ? NULL : dlopen(file, RTLD_NOW | RTLD_LOCAL);
    why = loaded || handle ? NULL : dlerror();
    for (unsigned i = 0; handle && !why && i < G_N_ELEMENTS(names); i++) {
        at[i] = dlsym(handle, names[i]);
        why = at[i] ? NULL : dlerror();
    }
    loaded = !why;
    pthread_mutex_unlock(&lock);
    if (why) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "user networking needs libslirp (Debian package libslirp0): %s",
                    why);
    }
    return why ? NULL : &library;
}
