/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The short form of a back end, as the value of -serial, -parallel or -monitor: it is
 * rewritten as what -chardev takes.  The main thread.
 */

#include "chardev/backend.h"

#include <string.h>

/* What follows the prefix, as options; NULL: it is not written so. */
typedef char *Rest(const char *text);

/* A path up to the end, commas and all. */
static char *path_rest(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    g_autofree char *path = g_strjoinv(",,", parts);

    return g_strdup_printf(",path=%s", path);
}

static char *device_rest(const char *text)
{
    g_autofree char *path = g_strconcat("/dev/", text, NULL);

    return path_rest(path);
}

/* "PATH,server=on,..." */
static char *unix_rest(const char *text)
{
    return g_strdup_printf(",path=%s", text);
}

/* "HOST:PORT,server=on,..." or "[::1]:PORT,..." */
static char *tcp_rest(const char *text)
{
    size_t n = strcspn(text, *text == '[' ? "]" : ":,");
    bool brackets = text[0] == '[' && text[n] == ']';
    const char *port = text + n + brackets;

    if (*port != ':') {
        return NULL;
    }
    return g_strdup_printf(",host=%.*s,port=%s", (int)(n - brackets), text + brackets,
                           port + 1);
}

static const struct {
    const char *prefix, *kind;
    Rest *rest;                 /* NULL: nothing may follow */
} forms[] = {
    { "stdio", "stdio",  NULL },
    { "null",  "null",   NULL },
    { "pty",   "pty",    NULL },
    { "file:", "file",   path_rest },
    { "pipe:", "pipe",   path_rest },
    { "unix:", "socket", unix_rest },
    { "tcp:",  "socket", tcp_rest },
    { "/dev/", "serial", device_rest },
};

/* The options for chardev_new; NULL: not a short form. */
static char *rewrite(const char *value, const char *id, bool mux)
{
    bool to_guest = mux && strcmp(value, "stdio") == 0;     /* C-c is for the guest */
    const char *flags = to_guest ? ",mux=on,signal=off" : mux ? ",mux=on" : "";

    for (unsigned i = 0; i < G_N_ELEMENTS(forms); i++) {
        size_t n = strlen(forms[i].prefix);
        g_autofree char *rest = NULL;

        if (strncmp(value, forms[i].prefix, n) != 0) {
            continue;
        }
        rest = forms[i].rest ? forms[i].rest(value + n)
               : value[n] ? NULL : g_strdup("");
        return rest ? g_strdup_printf("%s,id=%s%s%s", forms[i].kind, id, flags, rest)
                    : NULL;
    }
    return NULL;
}

bool chardev_new_short(const char *value, const char *id, Chardev **out, bool *monitor,
                       GError **err)
{
    g_autofree char *options = NULL;

    *out = NULL;
    *monitor = g_str_has_prefix(value, "mon:");
    if (*monitor) {
        value += 4;
    }
    if (strcmp(value, "none") == 0) {
        return true;
    }
    if (g_str_has_prefix(value, "chardev:")) {
        *out = chardev_find(value + 8, err);
        return *out;
    }
    options = rewrite(value, id, *monitor);
    if (!options) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "'%s' is none of stdio, null, none, pty, file:PATH, pipe:PATH, "
                    "unix:PATH, tcp:HOST:PORT, chardev:ID, /dev/..., each perhaps "
                    "after mon:", value);
        return false;
    }
    *out = chardev_new(options, err);
    return *out;
}
