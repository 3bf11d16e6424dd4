/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state record as bytes, and back: see record.h. */

#include "hw/core/record.h"

#include "base/field_value.h"

#include <string.h>

/* ---- saving ---- */

void put_number(GByteArray *out, u64 value, unsigned size)
{
    g_byte_array_append(out, (const u8 *)&value, size);
}

void put_name(GByteArray *out, const char *name)
{
    size_t n = strlen(name);

    g_assert(n <= UINT8_MAX);
    put_number(out, n, 1);
    g_byte_array_append(out, (const u8 *)name, n);
}

void record_save(const char *name, const Field *rows, const void *state, size_t size,
                 GByteArray *out)
{
    unsigned n = 0;

    for (const Field *f = rows; f->name; f++) {
        n++;
    }
    put_name(out, name);
    put_number(out, fields_hash(rows), 4);
    put_number(out, n, 2);
    for (const Field *f = rows; f->name; f++) {
        put_name(out, f->name);
        put_number(out, f->size, 1);
        put_number(out, f->count, 4);
    }
    put_number(out, size, 4);
    g_byte_array_append(out, state, size);
}

/* ---- reading, with a sticky failure: what follows it reads as zero ---- */

const u8 *reader_take(Reader *in, size_t n)
{
    const u8 *at = in->at;

    if (in->failed || n > in->left) {
        in->failed = true;
        return NULL;
    }
    in->at += n;
    in->left -= n;
    return at;
}

u64 reader_get(Reader *in, unsigned size)
{
    const u8 *at = reader_take(in, size);
    u64 value = 0;

    if (at) {
        memcpy(&value, at, size);
    }
    return value;
}

bool reader_name(Reader *in, char name[UINT8_MAX + 1])
{
    size_t n = reader_get(in, 1);
    const u8 *at = reader_take(in, n);

    for (size_t i = 0; at && i < n; i++) {
        in->failed |= !g_ascii_isgraph(at[i]);
    }
    if (in->failed || n == 0) {
        in->failed = true;
        return false;
    }
    memcpy(name, at, n);
    name[n] = 0;
    return true;
}

/* ---- loading ---- */

typedef struct {
    char name[UINT8_MAX + 1];
    u32 size, count;
    const u8 *bytes;
} Row;

#define refuse(err, ...) \
    (g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, __VA_ARGS__), false)

/* Reads a row's description; its values are the next in `values`. */
static bool get_row(Reader *rows, Reader *values, Row *row)
{
    if (!reader_name(rows, row->name)) {
        return false;
    }
    row->size = reader_get(rows, 1);
    row->count = reader_get(rows, 4);
    if (row->size > 8 || (row->size & (row->size - 1)) || !row->size || !row->count) {
        rows->failed = true;
    }
    row->bytes = reader_take(values, (size_t)row->size * row->count);
    return !rows->failed && row->bytes;
}

bool record_get(Reader *in, Record *record)
{
    Reader values, rows;
    Row row;

    if (!reader_name(in, record->name)) {
        return false;
    }
    record->hash = reader_get(in, 4);
    record->n_rows = reader_get(in, 2);
    record->rows = *in;
    for (unsigned i = 0; i < record->n_rows && !in->failed; i++) {
        reader_take(in, reader_get(in, 1));
        reader_take(in, 5);
    }
    record->n = reader_get(in, 4);
    record->bytes = reader_take(in, record->n);
    if (!record->bytes) {
        return false;
    }
    rows = record->rows;
    values = (Reader){ record->bytes, record->n, false };
    for (unsigned i = 0; i < record->n_rows; i++) {
        if (!get_row(&rows, &values, &row)) {
            return false;
        }
    }
    return values.left == 0;
}

static const Field *find_row(const Field *fields, const char *name)
{
    for (const Field *f = fields; f->name; f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

static bool row_load(const Field *field, u8 *state, const Row *row, GError **err)
{
    if (field->count != row->count) {
        return refuse(err, "%s: %u values, not %u", row->name, row->count,
                      field->count);
    }
    for (unsigned i = 0; i < row->count; i++) {
        u64 value = 0;

        memcpy(&value, row->bytes + (size_t)i * row->size, row->size);
        if (value > UINT64_MAX >> (64 - 8 * field->size)) {
            return refuse(err, "%s: 0x%" G_GINT64_MODIFIER "x is too large", row->name,
                          value);
        }
        field_put(field, state, i, value);
    }
    return true;
}

/* Fills `state` from a record of another layout. */
static bool record_match(const Record *record, const Field *fields, u8 *state,
                         GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Reader rows = record->rows, values = { record->bytes, record->n, false };
    Row row;

    for (unsigned i = 0; i < record->n_rows && get_row(&rows, &values, &row); i++) {
        const Field *field = find_row(fields, row.name);

        if (!field) {
            return refuse(err, "there is no '%s' here", row.name);
        }
        if (!g_hash_table_add(seen, (gpointer)field)) {
            return refuse(err, "'%s' is there twice", row.name);
        }
        if (!row_load(field, state, &row, err)) {
            return false;
        }
    }
    return true;
}

bool record_load(const Record *record, const char *name, const Field *rows, void *state,
                 size_t size, GError **err)
{
    bool same = record->hash == fields_hash(rows) && record->n == size;
    bool done = same || record_match(record, rows, state, err);

    if (same) {
        memcpy(state, record->bytes, size);
    }
    if (!done || !fields_check(rows, state, err)) {
        g_prefix_error(err, "%s: ", name);
        return false;
    }
    return true;
}
