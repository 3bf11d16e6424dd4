/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EGL: which display is drawn with, and contexts on it.  See inside.h.
 *
 * For windows it is the X server's.  Without one it is the first GPU that has a render
 * node (or the one the user names), and where there is none Mesa without a surface,
 * which needs no device at all.
 */

#include "hw/virtio/virgl/inside.h"

#include <epoxy/gl.h>

#include <string.h>

#ifndef EGL_DRM_RENDER_NODE_FILE_EXT    /* EGL_EXT_device_drm_render_node */
#define EGL_DRM_RENDER_NODE_FILE_EXT 0x3377
#endif

static bool try_display(Egl *egl, EGLDisplay display, const char *where)
{
    static const EGLint wanted[] = {
        EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_RED_SIZE, 8, EGL_GREEN_SIZE, 8,
        EGL_BLUE_SIZE, 8, EGL_NONE,
    };
    EGLint n = 0;

    if (display == EGL_NO_DISPLAY || !eglInitialize(display, NULL, NULL)) {
        return false;
    }
    if (!eglBindAPI(EGL_OPENGL_API) ||
        !eglChooseConfig(display, wanted, &egl->config, 1, &n)) {
        eglTerminate(display);
        return false;
    }
    egl->display = display;
    if (epoxy_has_egl_extension(display, "EGL_KHR_no_config_context") || !n) {
        egl->config = NULL;
    }
    egl->where = g_strdup(where);
    return true;
}

/* A config for ordinary windows, of 24 bits and without alpha. */
static bool choose_for_windows(Egl *egl)
{
    static const EGLint wanted[] = {
        EGL_SURFACE_TYPE, EGL_WINDOW_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT,
        EGL_RED_SIZE, 8, EGL_GREEN_SIZE, 8, EGL_BLUE_SIZE, 8, EGL_NONE,
    };
    EGLConfig configs[64];
    EGLint n = 0;

    eglChooseConfig(egl->display, wanted, configs, G_N_ELEMENTS(configs), &n);
    for (EGLint i = 0; i < n; i++) {
        EGLint alpha = 0, samples = 0;

        eglGetConfigAttrib(egl->display, configs[i], EGL_ALPHA_SIZE, &alpha);
        eglGetConfigAttrib(egl->display, configs[i], EGL_SAMPLES, &samples);
        if (!samples && !alpha) {
            egl->window_config = configs[i];
            return true;
        }
    }
    return false;
}

static bool open_gpu(Egl *egl, const char *node)
{
    EGLDeviceEXT devices[16];
    EGLint n = 0;

    if (!epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_device_enumeration") ||
        !eglQueryDevicesEXT(G_N_ELEMENTS(devices), devices, &n)) {
        return false;
    }
    for (EGLint i = 0; i < n; i++) {
        const char *all = eglQueryDeviceStringEXT(devices[i], EGL_EXTENSIONS);
        const char *file = NULL;

        if (all && strstr(all, "EGL_EXT_device_drm_render_node")) {
            file = eglQueryDeviceStringEXT(devices[i], EGL_DRM_RENDER_NODE_FILE_EXT);
        }
        if (file && (!node || strcmp(file, node) == 0) &&
            try_display(egl, eglGetPlatformDisplayEXT(EGL_PLATFORM_DEVICE_EXT,
                                                      devices[i], NULL), file)) {
            return true;
        }
    }
    return false;
}

static bool open_display(Egl *egl, const RenderHost *host, const char **why)
{
    *why = "EGL knows no driver (package libegl-mesa0)";
    if (!epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_platform_base")) {
        return false;       /* libepoxy ends the process where a function is missing */
    }
    if (host->window) {
        *why = "the X server has no EGL (is DISPLAY set?)";
        return try_display(egl, eglGetPlatformDisplayEXT(EGL_PLATFORM_X11_EXT, NULL,
                                                         NULL), "the X server's");
    }
    if (host->render_node) {
        *why = "that render node is none, or has no EGL";
        return open_gpu(egl, host->render_node);
    }
    *why = "there is no GPU's render node, and no Mesa to do without";
    return open_gpu(egl, NULL) ||
           try_display(egl, eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA,
                                                     EGL_DEFAULT_DISPLAY, NULL),
                       "no render node");
}

EGLContext egl_new_context(const Egl *egl, int major, int minor)
{
    const EGLint wanted[] = {
        EGL_CONTEXT_MAJOR_VERSION_KHR, major, EGL_CONTEXT_MINOR_VERSION_KHR, minor,
        EGL_CONTEXT_OPENGL_PROFILE_MASK_KHR, EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT_KHR,
        EGL_NONE,
    };

    eglBindAPI(EGL_OPENGL_API);
    return eglCreateContext(egl->display, egl->config, egl->root, wanted);
}

bool egl_use(const Egl *egl, EGLSurface surface)
{
    return eglMakeCurrent(egl->display, surface, surface, egl->root);
}

static bool is_software(const char *name)
{
    return strstr(name, "llvmpipe") || strstr(name, "softpipe") ||
           strstr(name, "swrast") || strstr(name, "SWR");
}

bool egl_open(Egl *egl, const RenderHost *host, const char **why)
{
    const char *name;

    if (!epoxy_has_egl() || !open_display(egl, host, why)) {
        return false;
    }
    *why = "its GL is older than 3.3";
    egl->root = EGL_NO_CONTEXT;
    egl->root = egl_new_context(egl, 3, 3);
    if (egl->root == EGL_NO_CONTEXT || !egl_use(egl, EGL_NO_SURFACE)) {
        return false;
    }
    name = (const char *)glGetString(GL_RENDERER);
    egl->name = g_strdup(name ? name : "GL");
    egl->software = is_software(egl->name);
    *why = "the X server has no EGL for windows of 24 bits";
    return !host->window || choose_for_windows(egl);
}

void egl_close(Egl *egl)
{
    if (egl->display != EGL_NO_DISPLAY) {
        eglMakeCurrent(egl->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        if (egl->root != EGL_NO_CONTEXT) {
            eglDestroyContext(egl->display, egl->root);
        }
        eglTerminate(egl->display);
        eglReleaseThread();
    }
    g_clear_pointer(&egl->name, g_free);
    g_clear_pointer(&egl->where, g_free);
    egl->display = EGL_NO_DISPLAY;
}
