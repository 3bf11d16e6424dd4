/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries that are loaded when they are needed: see library.h. */

#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>

bool library_load(Library *library, GError **err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const char *why = NULL;
    void *handle;

    pthread_mutex_lock(&lock);
    handle = library->loaded ? NULL : dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    why = library->loaded || handle ? NULL : dlerror();
    for (unsigned i = 0; handle && !why && library->names[i]; i++) {
        library->functions[i] = dlsym(handle, library->names[i]);
        why = library->functions[i] ? NULL : dlerror();
    }
    library->loaded = !why;
    if (why) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT, "%s", why);
    }
    pthread_mutex_unlock(&lock);
    return !why;
}
