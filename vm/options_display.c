/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -display, -vga: what the guest draws with and who shows it.  Main thread.
 */

#include "vm/options.h"

#include "ui/frontend.h"

#include <string.h>

static const char *const display_gls[] = { "off", "on", "core", NULL };
static const char *const display_types[] = {
    "default", "none", "sdl", "egl-headless", NULL
};

const Field display_rows[] = DISPLAY_OPTION(STATE_ROWS);

/* ---- -vga ---- */

static const struct {
    const char *name, *device, *help;
} adapters[] = {
    { "none",   NULL,         "no display adapter" },
    { "std",    "VGA",        "a VGA with modes up to 32 bits per pixel (default)" },
    { "ramfb",  "ramfb",      "a frame buffer in RAM, for firmware" },
    { "virtio", "virtio-vga", "a VGA that is a virtio-gpu, too" },
};

/* With one of these among -device there is none by default. */
static const char *const replacements[] = {
    "VGA", "virtio-vga", "virtio-vga-gl", NULL
};

void vgas_help(GString *out)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(adapters); i++) {
        g_string_append_printf(out, "%-20s %s\n", adapters[i].name, adapters[i].help);
    }
}

static unsigned adapter(const char *name)
{
    unsigned i = 0;

    while (i < G_N_ELEMENTS(adapters) && strcmp(adapters[i].name, name) != 0) {
        i++;
    }
    return i;
}

bool vga_judge(VmConfig *config, const char *value, GError **err)
{
    (void)config;
    return adapter(value) < G_N_ELEMENTS(adapters) ||
           refuse(err, "there is no such display adapter; '-vga help' lists them");
}

const char *vga_device(const VmConfig *config)
{
    bool replaced = false;

    if (config->vga) {
        return adapters[adapter(config->vga)].device;
    }
    for (unsigned i = 0; i < config->device->len; i++) {
        const char *text = config->device->pdata[i];
        g_autofree char *name = g_strndup(text, strcspn(text, ","));

        replaced |= g_strv_contains(replacements, name);
    }
    return config->nodefaults || replaced ? NULL : "VGA";
}

/* ---- -display ---- */

/*
 * Where nothing was said: a window, if there can be one; else what would be in it goes
 * to the terminal (serial_check), and the type stays DISPLAY_DEFAULT.
 */
bool display_check(VmConfig *config, const char *value, GError **err)
{
    DisplayOption *display = &config->display;

    (void)value;
    display->full_screen |= config->full_screen;
    if (config->nographic && display->type == DISPLAY_DEFAULT) {
        display->type = DISPLAY_NONE;
    }
    if (display->rendernode && display->type != DISPLAY_EGL) {
        return refuse(err, "rendernode is for egl-headless; a window is drawn by the X "
                      "server's GPU");
    }
    if (display->gl && (display->type == DISPLAY_NONE)) {
        return refuse(err, "gl=on is for a window; egl-headless draws without one");
    }
    if (config->nographic && display->type == DISPLAY_SDL) {
        return refuse(err, "-nographic and a window exclude each other");
    }
    if (display->type == DISPLAY_DEFAULT && !config->daemonize &&
        front_end_is_likely("sdl")) {
        display->type = DISPLAY_SDL;
    }
    return true;
}
