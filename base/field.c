/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows at work on records: defaults, parsing, checking.  How rows are shown is in
 * field_show.c.  Any thread, on records it owns.
 */

#include "base/field.h"

#include "base/field_value.h"
#include "base/keyval.h"

#include <string.h>

u64 field_get(const Field *field, const void *record, unsigned i)
{
    const u8 *at = (const u8 *)record + field->offset + (size_t)i * field->size;
    u64 value = 0;

    memcpy(&value, at, field->size);        /* little-endian host */
    return value;
}

void field_put(const Field *field, void *record, unsigned i, u64 value)
{
    memcpy((u8 *)record + field->offset + (size_t)i * field->size, &value, field->size);
}

str *field_str(const Field *field, const void *record)
{
    return (str *)((u8 *)record + field->offset);
}

u64 field_max(const Field *field)
{
    u64 n = 0;

    if (field->max) {
        return field->max;
    }
    if (field->names) {
        while (field->names[n]) {
            n++;
        }
        return n - 1;
    }
    return field->kind == FIELD_BOOL ? 1 : UINT64_MAX >> (64 - 8 * field->size);
}

static char dash(char c)
{
    return c == '_' || c == '.' ? '-' : c;
}

const Field *field_find(const Field *fields, const char *name)
{
    for (const Field *f = fields; f && f->name; f++) {
        const char *a = f->name, *b = name;

        while (*a && dash(*a) == dash(*b)) {
            a++;
            b++;
        }
        if (*a == *b || (!*b && strcmp(a, "_") == 0)) {
            return f;
        }
    }
    return NULL;
}

void fields_default(const Field *fields, void *record)
{
    for (const Field *f = fields; f && f->name; f++) {
        if (f->kind == FIELD_STR) {
            *field_str(f, record) = g_strdup(f->def_str);
            continue;
        }
        for (unsigned i = 0; i < f->count; i++) {
            field_put(f, record, i, f->def);
        }
    }
}

void fields_clear(const Field *fields, void *record)
{
    for (const Field *f = fields; f && f->name; f++) {
        if (f->kind == FIELD_STR) {
            g_clear_pointer(field_str(f, record), g_free);
        }
    }
}

/* ---- one value from text ---- */

static bool bool_parse(const char *text, u64 *value)
{
    static const char *const words[2][4] = {
        { "off", "no", "false", "n" }, { "on", "yes", "true", "y" },
    };

    for (unsigned i = 0; i < 8; i++) {
        if (strcmp(text, words[i / 4][i % 4]) == 0) {
            *value = i / 4;
            return true;
        }
    }
    return false;
}

static bool name_parse(const Field *field, const char *text, u64 *value)
{
    for (u64 i = 0; field->names[i]; i++) {
        if (strcmp(field->names[i], text) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool value_parse(const Field *field, const char *text, u64 *value)
{
    if (field->kind == FIELD_BOOL) {
        return bool_parse(text, value);
    }
    if (field->names) {
        return name_parse(field, text, value) && *value <= field_max(field);
    }
    if (field->is_size) {
        return size_parse(text, 1, value) && *value >= field->min &&
               *value <= field_max(field);
    }
    return number_parse(text, field->min, field_max(field), value);
}

/* An array is two-digit hex bytes with ':' or '-' between them: a MAC address. */
static bool array_set(const Field *field, void *record, const char *text)
{
    g_autofree u8 *bytes = g_new(u8, field->count);

    for (unsigned i = 0; i < field->count; i++, text += 3) {
        int high = g_ascii_xdigit_value(text[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
        bool last = i + 1 == field->count;

        if (low < 0 || (last ? text[2] != 0 : text[2] != ':' && text[2] != '-')) {
            return false;
        }
        bytes[i] = high * 16 + low;
    }
    for (unsigned i = 0; i < field->count; i++) {
        field_put(field, record, i, bytes[i]);
    }
    return true;
}

static bool str_set(const Field *field, void *record, const char *text)
{
    str *member = field_str(field, record);

    if (field->max && strlen(text) > field->max) {
        return false;
    }
    text = field->many && *member ? g_strconcat(*member, "\n", text, NULL)
                                  : g_strdup(text);
    g_free(*member);
    *member = (char *)text;
    return true;
}

bool field_set(const Field *field, void *record, const char *text, GError **err)
{
    g_autoptr(GString) right = NULL;
    g_autofree char *label = NULL;
    u64 value;

    if (field->kind == FIELD_STR ? str_set(field, record, text)
        : field->count > 1 ? array_set(field, record, text)
        : value_parse(field, text, &value)) {
        if (field->kind != FIELD_STR && field->count == 1) {
            field_put(field, record, 0, value);
        }
        return true;
    }
    right = g_string_new(NULL);
    field_describe(field, right);
    label = field_label(field);
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: '%s' is not %s",
                label, text, right->str);
    return false;
}

/* ---- a whole record from text ---- */

const Field *field_of_pair(const Field *fields, const KeyVal *pair, const char **text)
{
    /* A bare "nodelay" was split as delay=off; it may as well be a row of that name. */
    if (pair->bare && strcmp(pair->value, "off") == 0) {
        g_autofree char *whole = g_strconcat("no", pair->key, NULL);
        const Field *field = field_find(fields, whole);

        if (field) {
            *text = "on";
            return field;
        }
    }
    *text = pair->value;
    return field_find(fields, pair->key);
}

void error_no_option(GError **err, const KeyVal *pair, const char *const *names)
{
    bool no = pair->bare && strcmp(pair->value, "off") == 0;
    g_autofree char *key = g_strconcat(no ? "no" : "", pair->key, NULL);
    const char *near = nearest_name(key, names);

    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                "no option '%s'%s%s%s", key, near ? "; did you mean '" : "",
                near ? near : "", near ? "'?" : "");
}

char *field_label(const Field *field)
{
    size_t n = strlen(field->name);

    return g_strdelimit(g_strndup(field->name, n - g_str_has_suffix(field->name, "_")),
                        "_", '-');
}

void fields_labels(const Field *fields, GPtrArray *labels)
{
    for (const Field *f = fields; f && f->name; f++) {
        g_ptr_array_add(labels, field_label(f));
    }
}

bool fields_complete(const Field *fields, GHashTable *given, GError **err)
{
    for (const Field *f = fields; f && f->name; f++) {
        if (f->required && !g_hash_table_contains(given, f)) {
            g_autofree char *label = field_label(f);

            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "option '%s' is required: %s", label, f->help);
            return false;
        }
    }
    return true;
}

static bool pairs_apply(const Field *fields, void *record, const KeyVals *kv,
                        GError **err)
{
    g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < kv->n; i++) {
        const char *text;
        const Field *field = field_of_pair(fields, &kv->pair[i], &text);

        if (!field) {
            g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);

            fields_labels(fields, labels);
            g_ptr_array_add(labels, NULL);
            error_no_option(err, &kv->pair[i], (const char *const *)labels->pdata);
            return false;
        }
        if (!field_set(field, record, text, err)) {
            return false;
        }
        g_hash_table_add(given, (gpointer)field);
    }
    return fields_complete(fields, given, err);
}

bool fields_merge(const Field *fields, void *record, const char *text,
                  const char *implied, const char *what, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(text, implied, err);

    if (kv && pairs_apply(fields, record, kv, err)) {
        return true;
    }
    if (what) {
        g_prefix_error(err, "%s: ", what);
    }
    return false;
}

bool fields_parse(const Field *fields, void *record, const char *text,
                  const char *implied, const char *what, GError **err)
{
    fields_default(fields, record);
    return fields_merge(fields, record, text, implied, what, err);
}

/* ---- judging a record from outside ---- */

static bool field_check(const Field *field, const void *record, GError **err)
{
    u64 max = field_max(field);
    bool any = field->min == 0 && max == UINT64_MAX >> (64 - 8 * field->size);

    for (unsigned i = 0; !any && i < field->count; i++) {
        u64 value = field_get(field, record, i);

        if (value < field->min || value > max) {
            g_autofree char *index = g_strdup_printf("[%u]", i);

            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "%s%s: %" G_GUINT64_FORMAT " is not from %" G_GUINT64_FORMAT
                        " to %" G_GUINT64_FORMAT, field->name,
                        field->count > 1 ? index : "", value, field->min, max);
            return false;
        }
    }
    return true;
}

bool fields_check(const Field *fields, const void *record, GError **err)
{
    for (const Field *f = fields; f && f->name; f++) {
        if (f->kind == FIELD_STR) {
            const char *s = *field_str(f, record);

            if (f->max && s && strlen(s) > f->max) {
                g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                            "%s: longer than %u bytes", f->name, (unsigned)f->max);
                return false;
            }
        } else if (!field_check(f, record, err)) {
            return false;
        }
    }
    return true;
}
