/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules and the front ends in them: see frontend.h.  Main thread.
 */

#include "ui/frontend.h"

#include "config.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

/* What a front end or a part of one needs, for who has not got it. */
static const struct {
    const char *file, *package, *configure, *without;
} modules[] = {
    { "gpu-virgl.so", "libvirglrenderer1", "virgl", "a device without \"-gl\"" },
    { "mayfly-gpu", "libvirglrenderer1", "virgl", "isolated=off" },
    { "ui-sdl.so", "libsdl2-2.0-0", "sdl", "-display none" },
};

static GlHost the_gl_host;

const GlHost *gl_host(void)
{
    return &the_gl_host;
}

void gl_host_set(const GlHost *host)
{
    the_gl_host = *host;
}

/* Caller frees; NULL: nowhere. */
static char *find_file(const char *name)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self ? g_path_get_dirname(self) : NULL;
    g_autofree char *beside = folder ? g_build_filename(folder, "modules", NULL) : NULL;
    const char *const folders[] = {
        g_getenv("MAYFLY_MODULES"), beside, CONFIG_PREFIX "/lib/mayfly",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++) {
        char *path = folders[i] ? g_build_filename(folders[i], name, NULL) : NULL;

        if (path && access(path, R_OK) == 0) {
            return path;
        }
        g_free(path);
    }
    return NULL;
}

static void error_missing(GError **err, const char *file)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modules); i++) {
        if (strcmp(modules[i].file, file) == 0) {
            g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                        "module %s is not installed: it is built by ./configure "
                        "--enable-%s and needs %s; %s works without", file,
                        modules[i].configure, modules[i].package, modules[i].without);
            return;
        }
    }
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT, "module %s is not installed",
                file);
}

char *module_file(const char *name, GError **err)
{
    char *path = find_file(name);

    if (!path) {
        error_missing(err, name);
    }
    return path;
}

void *module_symbol(const char *file, const char *symbol, GError **err)
{
    g_autofree char *name = g_strconcat(file, ".so", NULL);
    g_autofree char *path = module_file(name, err);
    void *handle, *found;

    if (!path) {
        return NULL;
    }
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    found = handle ? dlsym(handle, symbol) : NULL;
    if (!found) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "module %s: %s", path,
                    dlerror());
    }
    return found;
}

const FrontEnd *front_end_load(const char *name, GError **err)
{
    g_autofree char *file = g_strconcat("ui-", name, NULL);

    return module_symbol(file, "front_end", err);
}

bool front_end_is_likely(const char *name)
{
    g_autofree char *file = g_strconcat("ui-", name, ".so", NULL);
    g_autofree char *path = find_file(file);

    return path && (g_getenv("DISPLAY") || g_getenv("WAYLAND_DISPLAY"));
}
