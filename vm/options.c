/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the rows of the option table are parsed, checked and shown: see options.h.
 * Main thread.
 */

#include "vm/options.h"

#include "base/keyval.h"
#include "config.h"
#include "vm/snapshot.h"

#include <stdio.h>
#include <string.h>

bool refuse(GError **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_propagate_error(
        err, g_error_new_valist(G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, fmt, args));
    va_end(args);
    return false;
}

static bool is_option(const Option *o)
{
    return o->kind != TAKE_HEADING;
}

/* ---- the record ---- */

VmConfig *config_new(void)
{
    VmConfig *config = g_new0(VmConfig, 1);

    for (const Option *o = option_rows; o->help; o++) {
        void *member = (u8 *)config + o->at;

        if (o->kind == TAKE_ROWS) {
            fields_default(o->rows, member);
        } else if (o->kind == TAKE_LIST) {
            *(GPtrArray **)member = g_ptr_array_new_with_free_func(g_free);
        }
    }
    config->escape_key = 1;
    config->device = g_ptr_array_new_with_free_func(g_free);
    config->words = g_ptr_array_new_with_free_func(g_free);
    return config;
}

void config_free(VmConfig *config)
{
    if (!config) {
        return;
    }
    for (const Option *o = option_rows; o->help; o++) {
        void *member = (u8 *)config + o->at;

        if (o->kind == TAKE_ROWS) {
            fields_clear(o->rows, member);
        } else if (o->kind == TAKE_LIST) {
            g_ptr_array_unref(*(GPtrArray **)member);
        } else if (o->kind == TAKE_STR) {
            g_free(*(str *)member);
        }
    }
    g_strfreev(config->accels);
    g_free(config->rtc_text);
    g_clear_pointer(&config->cards, g_ptr_array_unref);
    g_ptr_array_unref(config->device);
    g_ptr_array_unref(config->words);
    snapshot_free(config->loaded);
    g_free(config);
}

/* ---- help ---- */

void version_print(GString *out)
{
    g_string_append_printf(out, "QEMU emulator version %s (Mayfly %s)\n",
                           QEMU_RELEASE, CONFIG_VERSION);
}

void options_help(GString *out)
{
    enum { COLUMN = 30 };

    version_print(out);
    g_string_append(out, "usage: mayfly [options]\n");
    for (const Option *o = option_rows; o->help; o++) {
        g_autofree char *form = NULL;

        if (!is_option(o)) {
            g_string_append_printf(out, "\n%s:\n", o->help);
            continue;
        }
        form = g_strdup_printf("-%s%s%s", o->name, o->arg ? " " : "",
                               o->arg ? o->arg : "");
        if (strlen(form) > COLUMN) {
            g_string_append_printf(out, "  %s\n  %*s %s\n", form, COLUMN, "", o->help);
        } else {
            g_string_append_printf(out, "  %-*s %s\n", COLUMN, form, o->help);
        }
    }
    g_string_append(out, "\n\"--x\" is the same as \"-x\"; \",,\" is a comma inside "
                         "a value; most values can be \"help\".\n");
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "?") == 0;
}

/* Does "NAME,help" stand here?  Then *name is NAME. */
static bool asks_for_one(const char *value, char **name)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);

    for (unsigned i = 1; words[0] && words[i]; i++) {
        if (is_help(words[i])) {
            *name = g_strdup(words[0]);
            return true;
        }
    }
    return false;
}

/* Prints the help that `value` asks for; false if it does not. */
static bool print_help(const Option *o, const char *value, GError **err)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *name = NULL;
    bool all = is_help(value);
    GError *error = NULL;

    if (!all && !asks_for_one(value, &name)) {
        return false;
    }
    if (o->kind == TAKE_NONE && all) {
        g_string_append(out, "none\n");
    } else if (o->print && all) {
        o->print(out);
    } else if (o->print_one && !all) {
        if (!o->print_one(name, out, &error)) {
            g_propagate_error(err, error);
            return true;
        }
    } else if (o->rows) {
        fields_help(o->rows, out);
    } else {
        return false;
    }
    fputs(out->str, stdout);
    return true;
}

/* ---- parsing ---- */

static bool store(const Option *o, VmConfig *config, const char *value, GError **err)
{
    void *member = (u8 *)config + o->at;

    switch (o->kind) {
    case TAKE_FLAG:
        *(bool *)member = true;
        return true;
    case TAKE_NONE:
        if (strcmp(value, "none") != 0) {
            return refuse(err, "%s; only 'none' works", o->help);
        }
        *(bool *)member = true;
        return true;
    case TAKE_STR:
        g_free(*(str *)member);
        *(str *)member = g_strdup(value);
        return true;
    case TAKE_LIST:
        g_ptr_array_add(*(GPtrArray **)member, g_strdup(value));
        return true;
    case TAKE_ROWS:
        return fields_merge(o->rows, member, value, o->implied, NULL, err);
    default:
        return true;
    }
}

/* What a snapshot of this machine will say of its options. */
static void note(const Option *o, VmConfig *config, const char *value)
{
    if (o->restore != RESTORE_HOST && o->restore != RESTORE_DISK) {
        g_ptr_array_add(config->words, g_strdup(o->name));
        g_ptr_array_add(config->words, o->is_file && strchr(value, '/')
                                           ? g_canonicalize_filename(value, NULL)
                                           : g_strdup(value));
    }
}

bool option_take(const Option *o, VmConfig *config, const char *value, GError **err)
{
    if (o->kind == TAKE_HELP) {
        g_autoptr(GString) out = g_string_new(NULL);

        o->print(out);
        fputs(out->str, stdout);
        return false;
    }
    if (o->arg && print_help(o, value, err)) {
        return false;
    }
    if ((o->judge && !o->judge(config, value, err)) || !store(o, config, value, err)) {
        return false;
    }
    note(o, config, value);
    return true;
}

const Option *option_find(const char *name)
{
    for (const Option *o = option_rows; o->help; o++) {
        if (is_option(o) && (strcmp(o->name, name) == 0 ||
                             (o->alias && strcmp(o->alias, name) == 0))) {
            return o;
        }
    }
    return NULL;
}

static bool unknown_option(const char *word, const char *name, GError **err)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *near;

    for (const Option *o = option_rows; o->help; o++) {
        if (is_option(o)) {
            g_ptr_array_add(names, (char *)o->name);
        }
    }
    g_ptr_array_add(names, NULL);
    near = nearest_name(name, (const char *const *)names->pdata);
    return refuse(err, "%s: invalid option%s%s%s", word,
                  near ? "; did you mean '-" : "", near ? near : "",
                  near ? "'?" : " ('-help' lists them)");
}

/* What was given last for each row of the table; NULL: not given. */
static bool gather(VmConfig *config, int argc, char *const *argv, const char **last,
                   GError **err)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-"), *value = "";
        const Option *o = option_find(name);

        if (name == argv[i]) {              /* a bare name is the first disk's */
            if (!hda_judge(config, name, err)) {
                return false;
            }
            continue;
        }
        if (!o || name - argv[i] > 2) {
            return unknown_option(argv[i], name, err);
        }
        if (o->arg) {
            if (++i == argc) {
                return refuse(err, "-%s: requires an argument: -%s %s", name, name,
                              o->arg);
            }
            value = argv[i];
        }
        if (!option_take(o, config, value, err)) {
            g_prefix_error(err, "-%s%s%s: ", name, *value ? " " : "", value);
            return false;
        }
        last[o - option_rows] = value;
    }
    return true;
}

static bool check_all(VmConfig *config, const char **last, GError **err)
{
    for (const Option *o = option_rows; o->help; o++) {
        const char *value = last[o - option_rows];

        if (!o->check || !(value || o->always)) {
            continue;
        }
        if (!o->check(config, value ? value : "", err)) {
            if (value) {
                g_prefix_error(err, "-%s%s%s: ", o->name, *value ? " " : "", value);
            }
            return false;
        }
    }
    return true;
}

static const char *const *board_list(GPtrArray *list)
{
    g_ptr_array_add(list, NULL);
    return (const char *const *)list->pdata;
}

bool options_parse(VmConfig *config, int argc, char *const *argv, GError **err)
{
    g_autofree const char **last = NULL;
    unsigned rows = 0;

    while (option_rows[rows].help) {
        rows++;
    }
    last = g_new0(const char *, rows);
    if (!gather(config, argc, argv, last, err) ||
        !snapshot_options(config, last, err) || !check_all(config, last, err)) {
        return false;
    }
    config->board.kernel = config->kernel;
    config->board.initrd = config->initrd;
    config->board.append = config->append;
    config->board.bios = config->bios;
    config->board.nographic = config->nographic || config->no_window;
    config->board.smbios = board_list(config->smbios);
    config->board.fw_cfg = board_list(config->fw_cfg);
    return true;
}
