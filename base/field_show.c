/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows shown: help, errors, values; and what identifies a layout.  Any thread, on
 * records it owns.
 */

#include "base/field.h"

#include "base/field_value.h"

#include <string.h>

/*
 * A number as a user would write it: sizes with the largest suffix that divides them.
 */
static void append_number(const Field *field, u64 value, GString *out)
{
    static const char letters[] = "KMGTPE";
    unsigned unit = 0;

    while (field->is_size && value && value % 1024 == 0 && unit < 6) {
        value /= 1024;
        unit++;
    }
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, value);
    if (unit) {
        g_string_append_c(out, letters[unit - 1]);
    }
}

static void append_names(const Field *field, const char *between, GString *out)
{
    for (unsigned i = 0; field->names[i]; i++) {
        g_string_append_printf(out, "%s%s", i ? between : "", field->names[i]);
    }
}

void field_describe(const Field *field, GString *out)
{
    if (field->kind == FIELD_STR) {
        g_string_append_printf(out, "a text of up to %u bytes", (unsigned)field->max);
    } else if (field->count > 1) {
        g_string_append_printf(out, "%u hex bytes with ':' between them", field->count);
    } else if (field->kind == FIELD_BOOL) {
        g_string_append(out, "on or off");
    } else if (field->names) {
        g_string_append(out, field->names[1] ? "one of " : "");
        append_names(field, ", ", out);
    } else {
        g_string_append(out, field->is_size ? "a size from " : "a number from ");
        append_number(field, field->min, out);
        g_string_append(out, " to ");
        append_number(field, field_max(field), out);
    }
}

/* The column after the name: what can be written there. */
static void append_range(const Field *field, GString *out)
{
    if (field->kind == FIELD_STR) {
        g_string_append(out, "<text>");
    } else if (field->count > 1) {
        g_string_append_printf(out, "<%u bytes>", field->count);
    } else if (field->kind == FIELD_BOOL) {
        g_string_append(out, "on|off");
    } else if (field->names) {
        append_names(field, "|", out);
    } else if (field->max || field->min) {
        append_number(field, field->min, out);
        g_string_append(out, "..");
        append_number(field, field_max(field), out);
    } else {
        g_string_append(out, field->is_size ? "<size>" : "<number>");
    }
}

/* A default out of range says "not given": there is nothing to show. */
static void append_default(const Field *field, GString *out)
{
    if (field->required) {
        g_string_append(out, " (required)");
    } else if (field->kind == FIELD_STR) {
        if (field->def_str) {
            g_string_append_printf(out, " [%s]", field->def_str);
        }
    } else if (field->kind == FIELD_BOOL) {
        g_string_append(out, field->def ? " [on]" : "");
    } else if (field->names) {
        g_string_append_printf(out, " [%s]", field->names[field->def]);
    } else if (field->count == 1 && field->def >= field->min &&
               field->def <= field_max(field)) {
        g_string_append(out, " [");
        append_number(field, field->def, out);
        g_string_append_c(out, ']');
    }
}

enum { WIDEST_RANGE = 24 };     /* longer ones stand out rather than push all others */

void fields_help(const Field *fields, GString *out)
{
    size_t wide = 0, range_wide = 0;

    for (const Field *f = fields; f && f->name; f++) {
        g_autoptr(GString) range = g_string_new(NULL);

        append_range(f, range);
        wide = MAX(wide, strlen(f->name));
        range_wide = MAX(range_wide, MIN(range->len, WIDEST_RANGE));
    }
    for (const Field *f = fields; f && f->name; f++) {
        g_autoptr(GString) range = g_string_new(NULL);
        g_autofree char *label = field_label(f);

        append_range(f, range);
        g_string_append_printf(out, "  %-*s  %-*s   %s", (int)wide, label,
                               (int)range_wide, range->str, f->help);
        append_default(f, out);
        g_string_append_c(out, '\n');
    }
}

static void append_value(const Field *field, const void *record, GString *out)
{
    u64 value;

    if (field->kind == FIELD_STR) {
        const char *text = *field_str(field, record);

        g_string_append_printf(out, text ? "'%s'" : "none", text);
        return;
    }
    if (field->count > 1) {
        for (unsigned i = 0; i < field->count; i++) {
            const char *between = i && field->size > 1 ? " " : "";

            g_string_append_printf(out, "%s%0*" G_GINT64_MODIFIER "x", between,
                                   2 * (int)field->size, field_get(field, record, i));
        }
        return;
    }
    value = field_get(field, record, 0);
    if (field->kind == FIELD_BOOL) {
        g_string_append(out, value ? "on" : "off");
    } else if (field->names && value <= field_max(field)) {
        g_string_append(out, field->names[value]);
    } else if (value < 10) {
        g_string_append_printf(out, "%u", (unsigned)value);
    } else {
        g_string_append_printf(out, "0x%" G_GINT64_MODIFIER "x", value);
    }
}

void fields_print(const Field *fields, const void *record, GString *out)
{
    for (const Field *f = fields; f && f->name; f++) {
        g_autoptr(GString) value = g_string_new(NULL);

        append_value(f, record, value);
        g_string_append_printf(out, "  %-16s %-12s %s\n", f->name, value->str, f->help);
    }
}

/* FNV-1a. */
static u32 hash_bytes(u32 hash, const void *bytes, size_t n)
{
    for (const u8 *p = bytes; n-- > 0; p++) {
        hash = (hash ^ *p) * 16777619u;
    }
    return hash;
}

u32 fields_hash(const Field *fields)
{
    u32 hash = 2166136261u;

    for (const Field *f = fields; f && f->name; f++) {
        hash = hash_bytes(hash, f->name, strlen(f->name) + 1);
        hash = hash_bytes(hash, &f->size, sizeof f->size);
        hash = hash_bytes(hash, &f->count, sizeof f->count);
    }
    return hash;
}

size_t fields_size(const Field *fields)
{
    size_t end = 0;

    for (const Field *f = fields; f && f->name; f++) {
        end = MAX(end, f->offset + (size_t)f->size * f->count);
    }
    return end;
}
