/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All back ends: made from options, found by id, closed at the end.  The main thread.
 */

#include "base/keyval.h"
#include "chardev/backend.h"
#include "chardev/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* In order of creation.  A plain array: the handler of a crash looks at it. */
enum { MAX_CHARDEVS = 256 };
static Chardev *all[MAX_CHARDEVS];
static unsigned n_all;

bool fail_errno(GError **err, const char *fmt, ...)
{
    int why = errno;
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, fmt);
    what = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(why), "%s: %s", what,
                g_strerror(why));
    return false;
}

static bool refuse(GError **err, const char *fmt, ...) printf_like(2, 3);
static bool refuse(GError **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_propagate_error(err, g_error_new_valist(G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                                              fmt, args));
    va_end(args);
    return false;
}

/* ---- kinds ---- */

static const ChardevKind *find_kind(const char *name, GError **err)
{
    const char *names[32] = { NULL };
    const char *near;
    unsigned n = 0;

    for (const ChardevKind *const *kind = chardev_kinds; *kind; kind++) {
        if (strcmp((*kind)->name, name) == 0 || g_strcmp0((*kind)->alias, name) == 0) {
            return *kind;
        }
        names[n++] = (*kind)->name;
    }
    near = nearest_name(name, names);
    refuse(err, "'%s' is not a chardev kind%s%s%s", name,
           near ? "; did you mean '" : " (-chardev help lists them)", near ? near : "",
           near ? "'?" : "");
    return NULL;
}

void chardevs_help(GString *out)
{
    g_string_append(out, "Available chardev backend types:\n");
    for (const ChardevKind *const *kind = chardev_kinds; *kind; kind++) {
        g_string_append_printf(out, "  %-10s %s\n", (*kind)->name, (*kind)->help);
    }
}

bool chardev_help(const char *name, GString *out, GError **err)
{
    const ChardevKind *kind = find_kind(name, err);

    if (!kind) {
        return false;
    }
    g_string_append_printf(out, "%s: %s\n", kind->name, kind->help);
    fields_help(kind->config, out);
    return true;
}

/* ---- making and freeing ---- */

/* A letter, then letters, digits, '-', '.', '_': as QEMU's ids. */
static bool id_good(const char *id)
{
    return g_ascii_isalpha(*id) &&
           strspn(id, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-._") == strlen(id);
}

static Chardev *look_up(const char *id)
{
    for (unsigned i = 0; i < n_all; i++) {
        if (strcmp(all[i]->config->id, id) == 0) {
            return all[i];
        }
    }
    return NULL;
}

static bool id_free(const char *id, GError **err)
{
    if (!id_good(id)) {
        return refuse(err, "id '%s': an id is a letter, then letters, digits, "
                      "'-', '.' and '_'", id);
    }
    if (look_up(id)) {
        return refuse(err, "Duplicate ID '%s' for chardev", id);
    }
    if (n_all == MAX_CHARDEVS) {
        return refuse(err, "there are %d chardevs already, the most there can be",
                      MAX_CHARDEVS);
    }
    return true;
}

static void free_closed(Chardev *chr)
{
    fields_clear(chr->kind->config, (void *)chr->config);
    mux_free(chr->mux);
    g_free(chr->where);
    g_free(chr);
}

static void close_and_free(Chardev *chr)
{
    chardev_stop(chr);
    if (chr->kind->close) {
        chr->kind->close(chr);
    }
    output_fini(&chr->out);
    free_closed(chr);
}

static Chardev *make(const ChardevKind *kind, const char *options, GError **err)
{
    Chardev *chr = g_malloc0(kind->size);
    void *config = (char *)chr + kind->config_at;

    chr->kind = kind;
    chr->config = config;
    if (!fields_parse(kind->config, config, options, NULL, NULL, err) ||
        !id_free(chr->config->id, err)) {
        free_closed(chr);
        return NULL;
    }
    if (!chardev_start(chr, err) || !kind->open(chr, err)) {
        g_prefix_error(err, "chardev '%s': ", chr->config->id);
        close_and_free(chr);
        return NULL;
    }
    return chr;
}

/* With the first back end: what the process as a whole must do. */
static void prepare_process(void)
{
    static bool done;

    if (!done) {
        signal(SIGPIPE, SIG_IGN);       /* a reader that has gone: write says so, */
        signal(SIGXFSZ, SIG_IGN);       /* and of a file that must not grow */
        atexit(chardevs_flush);         /* whoever calls exit: nothing is lost */
        done = true;
    }
}

Chardev *chardev_new(const char *options, GError **err)
{
    size_t n = strcspn(options, ",");
    g_autofree char *name = g_strndup(options, n);
    const ChardevKind *kind;
    Chardev *chr;

    if (g_str_has_prefix(name, "backend=")) {
        memmove(name, name + 8, strlen(name) - 7);
    }
    kind = find_kind(name, err);
    chr = kind ? make(kind, options + n + (options[n] == ','), err) : NULL;
    if (chr) {
        prepare_process();
        all[n_all++] = chr;
    }
    return chr;
}

void chardev_free(Chardev *chr)
{
    for (unsigned i = 0; i < n_all; i++) {
        if (all[i] == chr) {
            n_all--;
            memmove(all + i, all + i + 1, (n_all - i) * sizeof *all);
        }
    }
    close_and_free(chr);
}

/* ---- looking ---- */

Chardev *chardev_find(const char *id, GError **err)
{
    Chardev *chr = look_up(id);

    if (!chr) {
        refuse(err, "there is no chardev '%s'", id);
    }
    return chr;
}

const char *chardev_id(const Chardev *chr)
{
    return chr->config->id;
}

const char *chardev_where(const Chardev *chr)
{
    return chr->where;
}

Chardev *chardev_nth(unsigned n)
{
    return n < n_all ? all[n] : NULL;
}

/* ---- the end ---- */

void chardevs_flush(void)
{
    for (unsigned i = 0; i < n_all; i++) {
        output_flush(&all[i]->out);
    }
}

void chardevs_close_all(void)
{
    while (n_all) {
        chardev_free(all[0]);
    }
    terminal_restore();
}

void chardevs_crash(void)
{
    for (unsigned i = 0; i < n_all; i++) {
        output_crash(&all[i]->out);
    }
}
