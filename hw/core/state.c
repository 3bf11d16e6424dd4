/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's state as bytes, and back.  Little-endian:
 *
 *     u8 number of records; each is
 *         name        u8 length, bytes
 *         u32 hash    of the layout (fields_hash)
 *         u16 rows    each: name (u8 length, bytes), u8 size, u32 count
 *         u32 n       bytes of the record, then the bytes: the rows' values, dense
 *     for each part that saves more: its name, u64 n, and n bytes that it judges itself
 *
 * A record whose hash is ours is copied whole; another is matched row by row, by name:
 * a row that is not there keeps its reset value, one that we do not know is refused.
 * The bytes may come from anybody: nothing of the device is touched before every record
 * is read and every value lies in its row's range.
 *
 * Under the machine lock, the machine paused.
 */

#include "hw/core/device.h"

#include "base/field_value.h"

#include <string.h>

/* ---- saving ---- */

static void put(GByteArray *out, u64 value, unsigned size)
{
    g_byte_array_append(out, (const u8 *)&value, size);
}

static void put_name(GByteArray *out, const char *name)
{
    size_t n = strlen(name);

    g_assert(n <= UINT8_MAX);
    put(out, n, 1);
    g_byte_array_append(out, (const u8 *)name, n);
}

static bool part_has_state(const Part *part)
{
    return part->state && part->state->name;
}

static u8 *part_state(const Device *dev, unsigned i)
{
    return (u8 *)dev->parts[i].base + dev->parts[i].part->state_at;
}

static void save_part(const Part *part, const u8 *state, GByteArray *out)
{
    unsigned rows = 0;

    for (const Field *f = part->state; f->name; f++) {
        rows++;
    }
    put_name(out, part->name);
    put(out, fields_hash(part->state), 4);
    put(out, rows, 2);
    for (const Field *f = part->state; f->name; f++) {
        put_name(out, f->name);
        put(out, f->size, 1);
        put(out, f->count, 4);
    }
    put(out, part->state_size, 4);
    g_byte_array_append(out, state, part->state_size);
}

static void save_more(Device *dev, const Part *part, GByteArray *out)
{
    g_autoptr(GByteArray) more = g_byte_array_new();

    part->save_more(dev, more);
    put_name(out, part->name);
    put(out, more->len, 8);
    g_byte_array_append(out, more->data, more->len);
}

void device_save(Device *dev, GByteArray *out)
{
    unsigned records = 0;

    for (unsigned i = 0; i < dev->n_parts; i++) {
        records += part_has_state(dev->parts[i].part);
    }
    put(out, records, 1);
    for (unsigned i = 0; i < dev->n_parts; i++) {
        if (part_has_state(dev->parts[i].part)) {
            save_part(dev->parts[i].part, part_state(dev, i), out);
        }
    }
    for (unsigned i = 0; i < dev->n_parts; i++) {
        if (dev->parts[i].part->save_more) {
            save_more(dev, dev->parts[i].part, out);
        }
    }
}

/* ---- reading, with a sticky failure: what follows it reads as zero ---- */

typedef struct {
    const u8 *at;
    size_t left;
    bool failed;
} Reader;

static const u8 *take(Reader *in, size_t n)
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

static u64 get(Reader *in, unsigned size)
{
    const u8 *at = take(in, size);
    u64 value = 0;

    if (at) {
        memcpy(&value, at, size);
    }
    return value;
}

/* A name of printable characters: it is shown in errors. */
static bool get_name(Reader *in, char name[UINT8_MAX + 1])
{
    size_t n = get(in, 1);
    const u8 *at = take(in, n);

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
    u32 hash;
    Reader rows;                /* stands at the first row's name */
    unsigned n_rows;
    const u8 *bytes;
    size_t n;
} Record;

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
    if (!get_name(rows, row->name)) {
        return false;
    }
    row->size = get(rows, 1);
    row->count = get(rows, 4);
    if (row->size > 8 || (row->size & (row->size - 1)) || !row->size || !row->count) {
        rows->failed = true;
    }
    row->bytes = take(values, (size_t)row->size * row->count);
    return !rows->failed && row->bytes;
}

/* Reads one record up to the start of the next and checks that rows and bytes agree. */
static bool get_record(Reader *in, Record *record)
{
    Reader values, rows;
    Row row;

    if (!get_name(in, record->name)) {
        return false;
    }
    record->hash = get(in, 4);
    record->n_rows = get(in, 2);
    record->rows = *in;
    for (unsigned i = 0; i < record->n_rows && !in->failed; i++) {
        take(in, get(in, 1));
        take(in, 5);
    }
    record->n = get(in, 4);
    record->bytes = take(in, record->n);
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

/* Fills `state`, which holds the reset value, from a record of another layout. */
static bool record_match(const Part *part, u8 *state, const Record *record,
                         GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    Reader rows = record->rows, values = { record->bytes, record->n, false };
    Row row;

    for (unsigned i = 0; i < record->n_rows && get_row(&rows, &values, &row); i++) {
        const Field *field = find_row(part->state, row.name);

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

static bool record_load(const Part *part, u8 *state, const Record *record, GError **err)
{
    bool same = record->hash == fields_hash(part->state) &&
                record->n == part->state_size;
    bool done = same || record_match(part, state, record, err);

    if (same) {
        memcpy(state, record->bytes, record->n);
    }
    if (!done || !fields_check(part->state, state, err)) {
        g_prefix_error(err, "%s: ", part->name);
        return false;
    }
    return true;
}

static int find_part(const Device *dev, const char *name)
{
    for (unsigned i = 0; i < dev->n_parts; i++) {
        const Part *part = dev->parts[i].part;

        if (part_has_state(part) && strcmp(part->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/*
 * New states of all parts: what the data says, and for the rest the reset value or what
 * a battery holds.
 */
typedef struct {
    u8 *state[G_N_ELEMENTS(((Device *)0)->parts)];
    bool given[G_N_ELEMENTS(((Device *)0)->parts)];
    const u8 *more[G_N_ELEMENTS(((Device *)0)->parts)];
    size_t more_bytes[G_N_ELEMENTS(((Device *)0)->parts)];
} Fresh;

/* What parts have saved beside their records. */
static bool more_load(Device *dev, Fresh *fresh, Reader *in, GError **err)
{
    char name[UINT8_MAX + 1];

    while (!in->failed && in->left > 0) {
        int i = get_name(in, name) ? find_part(dev, name) : -1;
        size_t n = get(in, 8);
        const u8 *bytes = take(in, n);

        if (i < 0 || !bytes || fresh->more[i] || !dev->parts[i].part->load_more) {
            return refuse(err, "the data is damaged");
        }
        fresh->more[i] = bytes;
        fresh->more_bytes[i] = n;
    }
    return !in->failed ? true : refuse(err, "the data is damaged");
}

static bool fresh_load(Device *dev, Fresh *fresh, Reader *in, GError **err)
{
    g_autofree Record *record = g_new0(Record, 1);

    for (unsigned left = get(in, 1); left > 0; left--) {
        int i;

        if (!get_record(in, record)) {
            return refuse(err, "the data is damaged");
        }
        i = find_part(dev, record->name);
        if (i < 0) {
            return refuse(err, "there is no '%s' here", record->name);
        }
        if (fresh->given[i]) {
            return refuse(err, "'%s' is there twice", record->name);
        }
        fresh->given[i] = true;
        if (!record_load(dev->parts[i].part, fresh->state[i], record, err)) {
            return false;
        }
    }
    return more_load(dev, fresh, in, err);
}

static void fresh_make(Device *dev, Fresh *fresh)
{
    for (unsigned i = 0; i < dev->n_parts; i++) {
        const Part *part = dev->parts[i].part;

        if (part_has_state(part)) {
            const void *start = part->keeps ? part_state(dev, i) : part->reset_state;

            fresh->state[i] = g_malloc0(part->state_size);
            if (start) {
                memcpy(fresh->state[i], start, part->state_size);
            }
        }
    }
}

/* Exchanges the device's states and these. */
static void fresh_swap(Device *dev, Fresh *fresh)
{
    for (unsigned i = 0; i < dev->n_parts; i++) {
        size_t n = fresh->state[i] ? dev->parts[i].part->state_size : 0;
        g_autofree u8 *old = g_memdup2(part_state(dev, i), n);

        if (n) {
            memcpy(part_state(dev, i), fresh->state[i], n);
            memcpy(fresh->state[i], old, n);
        }
    }
}

/* Puts the new states in place and lets each part judge and derive. */
static bool fresh_use(Device *dev, Fresh *fresh, GError **err)
{
    fresh_swap(dev, fresh);
    for (unsigned i = 0; i < dev->n_parts; i++) {
        const Part *part = dev->parts[i].part;

        if (part->loaded && !part->loaded(dev, err)) {
            fresh_swap(dev, fresh);
            return false;
        }
    }
    for (unsigned i = 0; i < dev->n_parts; i++) {
        const Part *part = dev->parts[i].part;

        if (part->load_more &&
            !part->load_more(dev, fresh->more[i], fresh->more_bytes[i], err)) {
            fresh_swap(dev, fresh);
            return false;
        }
    }
    return true;
}

bool device_load(Device *dev, const u8 *data, size_t n, GError **err)
{
    Reader in = { data, n, false };
    Fresh fresh = { 0 };
    bool loaded;

    fresh_make(dev, &fresh);
    loaded = fresh_load(dev, &fresh, &in, err) && fresh_use(dev, &fresh, err);
    for (unsigned i = 0; i < dev->n_parts; i++) {
        g_free(fresh.state[i]);
    }
    if (!loaded) {
        g_prefix_error(err, "state of %s: ", dev->path);
        device_reset(dev);
    }
    return loaded;
}
