/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device types by name: finding one, help, and -global defaults.  Main thread.
 */

#include "hw/core/device_type.h"

#include "base/field_value.h"
#include "base/log.h"

#include <string.h>

enum { BUSES = G_N_ELEMENTS(((DeviceType *)0)->bus),
       ALIASES = G_N_ELEMENTS(((DeviceType *)0)->aliases) };

/* Calls `fn` for each name of each type until it returns true. */
typedef bool NameFn(const DeviceType *type, const BusType *bus, const char *name,
                    const char *alias_of, void *opaque);

static bool type_names(const DeviceType *type, NameFn *fn, void *opaque)
{
    const char *suffix = type->bus[0] ? type->bus[0]->suffix : "";
    g_autofree char *main_name = g_strconcat(type->name, suffix, NULL);

    if (fn(type, type->bus[0], main_name, NULL, opaque)) {
        return true;
    }
    for (unsigned i = 1; i < BUSES && type->bus[i]; i++) {
        g_autofree char *name = g_strconcat(type->name, type->bus[i]->suffix, NULL);

        if (fn(type, type->bus[i], name, NULL, opaque)) {
            return true;
        }
    }
    for (unsigned i = 0; i < ALIASES && type->aliases[i]; i++) {
        if (fn(type, type->bus[0], type->aliases[i], main_name, opaque)) {
            return true;
        }
    }
    return false;
}

static bool all_names(NameFn *fn, void *opaque)
{
    for (const DeviceType *const *t = device_types; *t; t++) {
        if (type_names(*t, fn, opaque)) {
            return true;
        }
    }
    return false;
}

/* ---- finding ---- */

typedef struct {
    const char *name;
    const DeviceType *type;
    const BusType *bus;
} Search;

static bool name_is(const DeviceType *type, const BusType *bus, const char *name,
                    const char *alias_of, void *opaque)
{
    Search *search = opaque;

    (void)alias_of;
    if (strcmp(name, search->name) != 0) {
        return false;
    }
    search->type = type;
    search->bus = bus;
    return true;
}

static bool name_collect(const DeviceType *type, const BusType *bus, const char *name,
                         const char *alias_of, void *opaque)
{
    (void)type;
    (void)bus;
    (void)alias_of;
    g_ptr_array_add(opaque, g_strdup(name));
    return false;
}

/* Any type: help and -global are for the board's own devices too. */
static const DeviceType *find_any(const char *name, const BusType **bus, GError **err)
{
    g_autoptr(GPtrArray) names = NULL;
    Search search = { .name = name };
    const char *near;

    if (all_names(name_is, &search)) {
        *bus = search.bus;
        return search.type;
    }
    names = g_ptr_array_new_with_free_func(g_free);
    all_names(name_collect, names);
    g_ptr_array_add(names, NULL);
    near = nearest_name(name, (const char *const *)names->pdata);
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "'%s' is not a valid device model name%s%s%s", name,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

const DeviceType *device_type_find(const char *name, const BusType **bus, GError **err)
{
    const DeviceType *type = find_any(name, bus, err);

    if (type && type->board_only) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "'%s' is a part of the board and can't be added", name);
        return NULL;
    }
    return type;
}

/* ---- help ---- */

typedef struct {
    const char *bus;            /* the section being printed */
    GPtrArray *seen;            /* names of sections */
    GString *out;
} Help;

static const char *section_of(const BusType *bus)
{
    return bus ? bus->name : "System";
}

static bool bus_collect(const DeviceType *type, const BusType *bus, const char *name,
                        const char *alias_of, void *opaque)
{
    const char *bus_name = section_of(bus);
    GPtrArray *seen = opaque;

    (void)name;
    (void)alias_of;
    if (!type->board_only &&
        !g_ptr_array_find_with_equal_func(seen, bus_name, g_str_equal, NULL)) {
        g_ptr_array_add(seen, (char *)bus_name);
    }
    return false;
}

static bool help_line(const DeviceType *type, const BusType *bus, const char *name,
                      const char *alias_of, void *opaque)
{
    Help *help = opaque;

    if (type->board_only || strcmp(section_of(bus), help->bus) != 0) {
        return false;
    }
    g_string_append_printf(help->out, "name \"%s\"", name);
    if (bus) {
        g_string_append_printf(help->out, ", bus %s", bus->name);
    }
    if (alias_of) {
        g_string_append_printf(help->out, ", alias of \"%s\"", alias_of);
    }
    g_string_append_printf(help->out, ", desc \"%s\"\n", type->help);
    return false;
}

void device_types_help(GString *out)
{
    g_autoptr(GPtrArray) seen = g_ptr_array_new();

    all_names(bus_collect, seen);
    for (unsigned i = 0; i < seen->len; i++) {
        Help help = { g_ptr_array_index(seen, i), seen, out };

        g_string_append_printf(out, "%s%s devices:\n", i ? "\n" : "", help.bus);
        all_names(help_line, &help);
    }
}

bool device_type_help(const char *name, GString *out, GError **err)
{
    const BusType *bus;
    const DeviceType *type = find_any(name, &bus, err);
    Device *dev = type ? device_blank(NULL, type, bus, err) : NULL;

    if (!dev) {
        return false;
    }
    g_string_append_printf(out, "%s options:\n", name);
    for (unsigned i = 0; i < dev->n_parts; i++) {
        fields_help(dev->parts[i].part->config, out);
    }
    device_free(dev);
    return true;
}

/* ---- -global ---- */

typedef struct {
    char *driver, *key, *value;
} Global;

/* Global, in the order given; for the life of the process. */
static GArray *globals;

static bool driver_is(const DeviceType *type, const BusType *bus, const char *name,
                      const char *alias_of, void *opaque)
{
    const Search *search = opaque;

    (void)type;
    (void)alias_of;
    return bus == search->bus && strcmp(name, search->name) == 0;
}

bool globals_apply(Device *dev, GHashTable *given, GError **err)
{
    for (unsigned i = 0; globals && i < globals->len; i++) {
        const Global *g = &g_array_index(globals, Global, i);
        Search search = { .name = g->driver, .bus = dev->bus };
        KeyVal pair = { g->key, g->value, false };

        if (strcmp(g->driver, dev->type->name) != 0 &&
            !type_names(dev->type, driver_is, &search)) {
            continue;
        }
        if (!device_option(dev, &pair, given, err)) {
            g_prefix_error(err, "-global %s.%s=%s: ", g->driver, g->key, g->value);
            return false;
        }
    }
    return true;
}

/* "driver=D,property=P,value=V" */
static bool global_long(const char *text, Global *g, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(text, NULL, err);

    if (!kv) {
        return false;
    }
    g->driver = keyvals_take(kv, "driver");
    g->key = keyvals_take(kv, "property");
    g->value = keyvals_take(kv, "value");
    return g->driver && g->key && g->value && kv->n == 0;
}

static bool global_parse(const char *text, Global *g, GError **err)
{
    const char *equals = strchr(text, '='), *dot = NULL;

    if (g_str_has_prefix(text, "driver=")) {
        return global_long(text, g, err);
    }
    for (const char *p = text; equals && p < equals; p++) {
        dot = *p == '.' ? p : dot;          /* the last: "isa-fdc.0.x" has two */
    }
    if (!dot || dot == text || dot + 1 == equals) {
        return false;
    }
    g->driver = g_strndup(text, dot - text);
    g->key = g_strndup(dot + 1, equals - dot - 1);
    g->value = g_strdup(equals + 1);
    return true;
}

/* Tries the value on a device that is never opened. */
static bool global_check(const Global *g, GError **err)
{
    g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);
    g_autoptr(GError) unknown = NULL;
    KeyVal pair = { g->key, g->value, false };
    const BusType *bus;
    const DeviceType *type = find_any(g->driver, &bus, &unknown);
    Device *dev = type ? device_blank(NULL, type, bus, err) : NULL;
    bool right = dev && device_option(dev, &pair, given, err);

    if (!type) {
        /* Clients tune devices that another machine would have: no reason to stop. */
        warn_user("-global %s.%s: %s", g->driver, g->key, unknown->message);
    }
    device_free(dev);
    return !type || right;
}

static void global_clear(Global *g)
{
    g_free(g->driver);
    g_free(g->key);
    g_free(g->value);
}

bool device_global(const char *text, GError **err)
{
    Global g = { 0 };
    GError *why = NULL;

    if (global_parse(text, &g, &why) && global_check(&g, &why)) {
        if (!globals) {
            globals = g_array_new(FALSE, FALSE, sizeof(Global));
        }
        g_array_append_val(globals, g);
        return true;
    }
    if (!why) {
        g_set_error(&why, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "'%s' is not driver.property=value", text);
    }
    g_propagate_error(err, why);
    global_clear(&g);
    return false;
}
