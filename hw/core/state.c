/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's state as bytes, and back: u8 number of records, the records
 * (hw/core/record.h), and for each part that saves more: its name, u64 n, and n bytes
 * that it judges itself.
 *
 * The bytes may come from anybody: nothing of the device is touched before every record
 * is read and every value lies in its row's range.
 *
 * Under the machine lock, the machine paused.
 */

#include "hw/core/device.h"
#include "hw/core/record.h"

#include <string.h>

/* ---- saving ---- */

static bool part_has_state(const Part *part)
{
    return part->state && part->state->name;
}

static u8 *part_state(const Device *dev, unsigned i)
{
    return (u8 *)dev->parts[i].base + dev->parts[i].part->state_at;
}

static void save_more(Device *dev, const Part *part, GByteArray *out)
{
    g_autoptr(GByteArray) more = g_byte_array_new();

    part->save_more(dev, more);
    put_name(out, part->name);
    put_number(out, more->len, 8);
    g_byte_array_append(out, more->data, more->len);
}

bool device_savable(Device *dev, GError **err)
{
    for (unsigned i = 0; i < dev->n_parts; i++) {
        const Part *part = dev->parts[i].part;

        if (part->savable && !part->savable(dev, err)) {
            g_prefix_error(err, "%s: ", dev->path);
            return false;
        }
    }
    return true;
}

void device_save(Device *dev, GByteArray *out)
{
    unsigned records = 0;

    for (unsigned i = 0; i < dev->n_parts; i++) {
        records += part_has_state(dev->parts[i].part);
    }
    put_number(out, records, 1);
    for (unsigned i = 0; i < dev->n_parts; i++) {
        if (part_has_state(dev->parts[i].part)) {
            const Part *part = dev->parts[i].part;

            record_save(part->name, part->state, part_state(dev, i), part->state_size,
                        out);
        }
    }
    for (unsigned i = 0; i < dev->n_parts; i++) {
        if (dev->parts[i].part->save_more) {
            save_more(dev, dev->parts[i].part, out);
        }
    }
}

/* ---- loading ---- */

#define refuse(err, ...) \
    (g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, __VA_ARGS__), false)

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
        int i = reader_name(in, name) ? find_part(dev, name) : -1;
        size_t n = reader_get(in, 8);
        const u8 *bytes = reader_take(in, n);

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

    for (unsigned left = reader_get(in, 1); left > 0; left--) {
        const Part *part;
        int i;

        if (!record_get(in, record)) {
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
        part = dev->parts[i].part;
        if (!record_load(record, part->name, part->state, fresh->state[i],
                         part->state_size, err)) {
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
