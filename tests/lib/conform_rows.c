/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rule over a type's tables: every row has its sentence, defaults and reset values
 * lie in range, names are unique.
 */

#include "tests/lib/conform.h"

#include "base/field_value.h"

#include <string.h>

/*
 * A fragment begins in lower case, or with an acronym or a digit, and has no full stop.
 */
static bool is_fragment(const char *text)
{
    size_t n = text ? strlen(text) : 0;

    return n > 0 && text[n - 1] != '.' && !g_ascii_isspace(text[0]) &&
           !(g_ascii_isupper(text[0]) && g_ascii_islower(text[1]));
}

static char *row_broken(const Field *f, bool option)
{
    u64 most = f->kind == FIELD_STR ? 0 : UINT64_MAX >> (64 - 8 * f->size);
    u64 names = 0;

    if (!is_fragment(f->help)) {
        return complaint("'%s' is no fragment without capital and full stop", f->help);
    }
    if (f->kind == FIELD_STR) {
        bool fits = !f->def_str || !f->max || strlen(f->def_str) <= f->max;

        return fits ? NULL : complaint("its default is too long");
    }
    if (f->max > most || f->min > field_max(f)) {
        return complaint("no value lies in its range");
    }
    if (option && !f->required && (f->def < f->min || f->def > field_max(f))) {
        return complaint("its default is out of range");
    }
    while (f->names && f->names[names]) {
        names++;
    }
    if (f->names && field_max(f) >= names) {
        return complaint("a value in its range has no name");
    }
    return NULL;
}

static char *table_broken(const Field *fields, const Part *part, bool options)
{
    for (const Field *f = fields; f && f->name; f++) {
        g_autofree char *why = row_broken(f, options);

        if (field_find(fields, f->name) != f) {
            return complaint("%s: two rows '%s'", part->name, f->name);
        }
        if (why) {
            return complaint("%s: row '%s': %s", part->name, f->name, why);
        }
    }
    return NULL;
}

/* An option that two parts have can't be reached in the second. */
static char *options_hidden(const Device *dev)
{
    for (unsigned i = 1; i < dev->n_parts; i++) {
        const Field *f = dev->parts[i].part->config;

        for (; f && f->name; f++) {
            for (unsigned k = 0; k < i; k++) {
                if (field_find(dev->parts[k].part->config, f->name)) {
                    return complaint("%s and %s both have an option '%s'",
                                     dev->parts[i].part->name, dev->parts[k].part->name,
                                     f->name);
                }
            }
        }
    }
    return NULL;
}

static char *part_broken(const Part *part)
{
    static const Field no_rows[1];
    const Field *rows = part->state ? part->state : no_rows;
    g_autoptr(GError) err = NULL;
    char *why = table_broken(part->config, part, true);

    why = why ? why : table_broken(part->state, part, false);
    if (why) {
        return why;
    }
    if (!part->name || !*part->name) {
        return complaint("a part has no name");
    }
    if (part->state_size != fields_size(rows)) {
        return complaint("%s: its state has %u bytes, its rows %u", part->name,
                         part->state_size, (unsigned)fields_size(rows));
    }
    /* A battery's state begins as open leaves it. */
    if (part->reset_state && !part->keeps &&
        !fields_check(rows, part->reset_state, &err)) {
        return complaint("%s: reset value: %s", part->name, err->message);
    }
    return NULL;
}

char *rows_are_complete(const DeviceType *type, const BusType *bus,
                        const char *options)
{
    g_autoptr(GError) err = NULL;
    Rig *rig = rig_new(type, bus, options, 0, &err);
    char *why = NULL;

    if (!rig) {
        return complaint("cannot be made: %s", err->message);
    }
    if (!is_fragment(type->help)) {
        why = complaint("'%s' is no fragment without capital and full stop",
                        type->help);
    }
    for (unsigned i = 0; !why && i < rig->dev->n_parts; i++) {
        why = part_broken(rig->dev->parts[i].part);
    }
    why = why ? why : options_hidden(rig->dev);
    rig_free(rig);
    return why;
}
