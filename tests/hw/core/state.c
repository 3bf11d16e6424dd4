/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving and loading: the same layout, an older and a newer one, and damaged bytes.
 */

#include "hw/core/device.h"
#include "hw/core/machine.h"

#include <string.h>

STATE(NowState,
    (u32,    base, "a base", .min = 1, .max = 0x1000),
    (u16[3], list, "three words"),
    (u8,     mode, "a mode", .max = 2),
    (bool,   flag, "a flag"));

/* The same device in another version: other order, one row gone, one new, one wider. */
STATE(OtherState,
    (u8,     mode,  "a mode", .max = 2),
    (u8,     extra, "a new row", .max = 9),
    (u16[3], list,  "three words"),
    (u64,    base,  "a base", .min = 1));

STATE(CountState, (u16[4], list, "four words"));
STATE(EmptyState, (u8, other, "another register"));

static const NowState sample = { 0x123, { 1, 0xffff, 3 }, 2, false };
static const NowState now_reset = { .base = 1, .list = { 7, 8, 9 }, .flag = true };
static const OtherState other_reset = { .base = 1, .extra = 5 };

typedef struct {
    Device dev;
    NowState state;
    bool refuses, was_loaded;
} Now;

static bool now_loaded(Device *dev, GError **err)
{
    Now *now = container_of(dev, Now, dev);

    now->was_loaded = true;
    if (now->refuses) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "mode and base disagree");
    }
    return !now->refuses;
}

static const DeviceType now_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Now),
    .part = { .name = "toy", DEVICE_STATE(Now, NowState), .reset_state = &now_reset,
              .loaded = now_loaded },
};

typedef struct {
    Device dev;
    OtherState state;
} Other;

static const DeviceType other_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Other),
    .part = { .name = "toy", DEVICE_STATE(Other, OtherState),
              .reset_state = &other_reset },
};

typedef struct {
    Device dev;
    CountState state;
} Count;

static const DeviceType count_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Count),
    .part = { .name = "toy", DEVICE_STATE(Count, CountState) },
};

typedef struct {
    Device dev;
    EmptyState state;
} Alien;

static const DeviceType alien_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Alien),
    .part = { .name = "alien", DEVICE_STATE(Alien, EmptyState) },
};

/* Battery-backed: `open` sets its state. */
static bool battery_open(Device *dev, GError **err)
{
    (void)err;
    container_of(dev, Now, dev)->state = sample;
    return true;
}

static const DeviceType battery_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Now), .open = battery_open,
    .part = { .name = "toy", DEVICE_STATE(Now, NowState), .keeps = true,
              .loaded = now_loaded },
};

static const DeviceType stateless_type = {
    .name = "toy", .help = "a toy", .size = sizeof(Device), .part = { .name = "none" },
};

typedef struct {
    Machine *machine;
    Now *now;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->machine = machine_new();
    f->now = container_of(device_add(f->machine, &now_type, NULL, NULL), Now, dev);
    f->now->state = sample;
}

static void tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    machine_free(f->machine);
}

static GByteArray *save(Device *dev)
{
    GByteArray *bytes = g_byte_array_new();

    device_save(dev, bytes);
    return bytes;
}

/* Loads and gives the error, or NULL. */
static char *load(Device *dev, const u8 *data, size_t n)
{
    g_autoptr(GError) err = NULL;
    bool loaded = device_load(dev, data, n, &err);

    g_assert_true(loaded == (err == NULL));
    return err ? g_strdup(err->message) : NULL;
}

static Device *add(Fixture *f, const DeviceType *type)
{
    return device_add(f->machine, type, NULL, NULL);
}

static void same_layout(Fixture *f, gconstpointer data)
{
    g_autoptr(GByteArray) saved = save(&f->now->dev), again = NULL;
    Device *dev = add(f, &now_type);

    (void)data;
    g_assert_null(load(dev, saved->data, saved->len));
    g_assert_true(container_of(dev, Now, dev)->was_loaded);
    g_assert_cmpmem(&container_of(dev, Now, dev)->state, sizeof sample, &sample,
                    sizeof sample);
    again = save(dev);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
}

/* The bytes are a format: these were laid out by hand from the comment in state.c. */
static void format(Fixture *f, gconstpointer data)
{
    static const u8 expected[] = {
        1, 5, 'a', 'l', 'i', 'e', 'n',
        0, 0, 0, 0,                         /* the hash, filled in */
        1, 0, 5, 'o', 't', 'h', 'e', 'r', 1, 1, 0, 0, 0,
        1, 0, 0, 0, 0x5a,
    };
    Device *dev = add(f, &alien_type);
    g_autoptr(GByteArray) saved = NULL;
    u32 hash = fields_hash(EmptyState_fields);

    (void)data;
    container_of(dev, Alien, dev)->state.other = 0x5a;
    saved = save(dev);
    g_assert_cmpmem(saved->data + 7, 4, &hash, 4);
    memset(saved->data + 7, 0, 4);
    g_assert_cmpmem(saved->data, saved->len, expected, sizeof expected);
}

static void other_layout(Fixture *f, gconstpointer data)
{
    g_autoptr(GByteArray) old = NULL, new = NULL;
    Device *dev = add(f, &other_type);
    Other *other = container_of(dev, Other, dev);
    g_autofree char *message = NULL;

    (void)data;
    other->state = (OtherState){ .mode = 2, .extra = 3, .base = 9 };
    new = save(dev);
    /* a row we don't know */
    message = load(&f->now->dev, new->data, new->len);
    g_assert_cmpstr(message, ==, "state of toy0: toy: there is no 'extra' here");
    g_assert_cmpmem(&f->now->state, sizeof now_reset, &now_reset, sizeof now_reset);

    /* Without that row (as if an older version had saved it) it fits. */
    f->now->state = sample;
    old = save(&f->now->dev);
    g_clear_pointer(&message, g_free);
    message = load(dev, old->data, old->len);
    g_assert_cmpstr(message, ==, "state of toy1: toy: there is no 'flag' here");
}

/* Cuts the last row ("flag", u8) out of a saved NowState. */
static void cut_last_row(GByteArray *saved)
{
    unsigned row = 1 + 4 + 1 + 4, tail = 4 + sizeof(NowState);
    u32 n = sizeof(NowState) - 1;

    g_byte_array_remove_range(saved, saved->len - tail - row, row);
    g_byte_array_set_size(saved, saved->len - 1);
    memcpy(saved->data + saved->len - n - 4, &n, 4);
    saved->data[1 + 1 + 3 + 4] = 3;                             /* rows */
    saved->data[1 + 1 + 3] ^= 1;                                /* the hash */
}

static void absent_row_is_reset(Fixture *f, gconstpointer data)
{
    g_autoptr(GByteArray) saved = save(&f->now->dev);
    Device *dev = add(f, &now_type);
    NowState expected = sample;

    (void)data;
    cut_last_row(saved);
    expected.flag = now_reset.flag;
    g_assert_cmpstr(load(dev, saved->data, saved->len), ==, NULL);
    g_assert_cmpmem(&container_of(dev, Now, dev)->state, sizeof expected, &expected,
                    sizeof expected);

    /* Into a version with wider and more rows. */
    dev = add(f, &other_type);
    g_assert_cmpstr(load(dev, saved->data, saved->len), ==, NULL);
    g_assert_cmpuint(container_of(dev, Other, dev)->state.base, ==, 0x123);
    g_assert_cmpuint(container_of(dev, Other, dev)->state.list[1], ==, 0xffff);
    g_assert_cmpuint(container_of(dev, Other, dev)->state.extra, ==, 5);
}


static void put(GByteArray *out, u64 value, unsigned size)
{
    const u64 words[2] = { value };

    g_assert_cmpuint(size, <=, sizeof words);
    g_byte_array_append(out, (const u8 *)words, size);
}

static void put_name(GByteArray *out, const char *name)
{
    put(out, strlen(name), 1);
    g_byte_array_append(out, (const u8 *)name, strlen(name));
}

typedef struct {
    const char *name;
    u8 size;
    u32 count;
    u64 value;              /* of every element */
} ForgedRow;

static void forge(GByteArray *out, const char *part, u32 hash, const ForgedRow *rows)
{
    unsigned n = 0, bytes = 0;

    for (const ForgedRow *r = rows; r->name; r++) {
        n++;
        bytes += r->size * r->count;
    }
    put_name(out, part);
    put(out, hash, 4);
    put(out, n, 2);
    for (const ForgedRow *r = rows; r->name; r++) {
        put_name(out, r->name);
        put(out, r->size, 1);
        put(out, r->count, 4);
    }
    put(out, bytes, 4);
    for (const ForgedRow *r = rows; r->name; r++) {
        for (unsigned i = 0; i < r->count; i++) {
            put(out, r->value, r->size);
        }
    }
}

static void forged_records(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *part;
        ForgedRow row[3];
        const char *message;
    } rows[] = {
        { "toy", { { "mode", 1, 1, 2 } }, NULL },
        { "toy", { { "mode", 8, 1, 2 }, { "base", 2, 1, 0x1000 } }, NULL },
        { "toy", { { NULL } }, NULL },
        { "toy", { { "mode", 1, 1, 3 } }, "toy: mode: 3 is not from 0 to 2" },
        { "toy", { { "base", 4, 1, 0 } }, "toy: base: 0 is not from 1 to 4096" },
        { "toy", { { "base", 8, 1, 1ull << 32 } },
          "toy: base: 0x100000000 is too large" },
        { "toy", { { "flag", 1, 1, 2 } }, "toy: flag: 2 is not from 0 to 1" },
        { "toy", { { "list", 2, 4, 0 } }, "toy: list: 4 values, not 3" },
        { "toy", { { "mode", 1, 1, 0 }, { "mode", 1, 1, 0 } },
          "toy: 'mode' is there twice" },
        { "toy", { { "moda", 1, 1, 0 } }, "toy: there is no 'moda' here" },
        { "toy", { { "mode", 3, 1, 0 } }, "the data is damaged" },
        { "toy", { { "mode", 16, 1, 0 } }, "the data is damaged" },
        { "toy", { { "mode", 0, 1, 0 } }, "the data is damaged" },
        { "toy", { { "mode", 1, 0, 0 } }, "the data is damaged" },
        { "toy", { { "", 1, 1, 0 } }, "the data is damaged" },
        { "toy", { { "mo\nde", 1, 1, 0 } }, "the data is damaged" },
        { "tox", { { "mode", 1, 1, 0 } }, "there is no 'tox' here" },
        { "", { { "mode", 1, 1, 0 } }, "the data is damaged" },
    };

    (void)data;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autofree char *message = NULL, *expected = NULL;

        put(bytes, 1, 1);
        forge(bytes, rows[i].part, 0, rows[i].row);
        message = load(&f->now->dev, bytes->data, bytes->len);
        if (rows[i].message) {
            expected = g_strconcat("state of toy0: ", rows[i].message, NULL);
        }
        g_assert_cmpstr(message, ==, expected);
        if (message) {
            g_assert_cmpmem(&f->now->state, sizeof now_reset, &now_reset,
                            sizeof now_reset);
        }
    }
}

static void records_and_sizes(Fixture *f, gconstpointer data)
{
    static const ForgedRow mode[] = { { "mode", 1, 1, 2 }, { NULL } };
    g_autoptr(GByteArray) twice = g_byte_array_new(), hashed = g_byte_array_new();
    g_autofree char *a = NULL, *b = NULL, *c = NULL, *d = NULL;

    (void)data;
    put(twice, 2, 1);
    forge(twice, "toy", 0, mode);
    forge(twice, "toy", 0, mode);
    a = load(&f->now->dev, twice->data, twice->len);
    g_assert_cmpstr(a, ==, "state of toy0: 'toy' is there twice");

    /* Our hash and another size: matched by name, not copied. */
    put(hashed, 1, 1);
    forge(hashed, "toy", fields_hash(NowState_fields), mode);
    g_assert_null(load(&f->now->dev, hashed->data, hashed->len));
    g_assert_cmpuint(f->now->state.mode, ==, 2);
    g_assert_cmpuint(f->now->state.base, ==, now_reset.base);

    put(hashed, 0, 1);                                          /* a byte too many */
    b = load(&f->now->dev, hashed->data, hashed->len);
    g_assert_cmpstr(b, ==, "state of toy0: the data is damaged");
    c = load(&f->now->dev, NULL, 0);
    g_assert_cmpstr(c, ==, "state of toy0: the data is damaged");
    /* no records: all reset */
    d = load(&f->now->dev, (const u8 *)"", 1);
    g_assert_null(d);
    g_assert_cmpmem(&f->now->state, sizeof now_reset, &now_reset, sizeof now_reset);
}

static void other_parts(Fixture *f, gconstpointer data)
{
    g_autoptr(GByteArray) saved = save(&f->now->dev), none = NULL;
    Device *count = add(f, &count_type), *stateless = add(f, &stateless_type);
    g_autofree char *a = NULL, *b = NULL;

    (void)data;
    a = load(count, saved->data, saved->len);
    g_assert_cmpstr(a, ==, "state of toy1: toy: there is no 'base' here");
    b = load(stateless, saved->data, saved->len);
    g_assert_cmpstr(b, ==, "state of toy2: there is no 'toy' here");
    none = save(stateless);
    g_assert_cmpuint(none->len, ==, 1);
    g_assert_null(load(stateless, none->data, none->len));
}

static void hook_refuses(Fixture *f, gconstpointer data)
{
    g_autoptr(GByteArray) saved = save(&f->now->dev);
    g_autofree char *message = NULL;

    (void)data;
    f->now->refuses = true;
    message = load(&f->now->dev, saved->data, saved->len);
    g_assert_cmpstr(message, ==, "state of toy0: mode and base disagree");
    g_assert_cmpmem(&f->now->state, sizeof now_reset, &now_reset, sizeof now_reset);
}

/* Neither a reset nor a refused load changes what a battery keeps. */
static void battery(Fixture *f, gconstpointer data)
{
    static const ForgedRow mode[] = { { "mode", 1, 1, 1 }, { NULL } };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Now *now = container_of(add(f, &battery_type), Now, dev);
    g_autofree char *message = NULL;
    NowState expected = sample;

    (void)data;
    device_reset(&now->dev);
    g_assert_cmpmem(&now->state, sizeof sample, &sample, sizeof sample);
    put(bytes, 1, 1);
    forge(bytes, "toy", 0, mode);
    now->refuses = true;
    message = load(&now->dev, bytes->data, bytes->len);
    g_assert_cmpstr(message, ==, "state of toy1: mode and base disagree");
    g_assert_cmpmem(&now->state, sizeof sample, &sample, sizeof sample);
    now->refuses = false;
    expected.mode = 1;                                  /* absent rows stay */
    g_assert_null(load(&now->dev, bytes->data, bytes->len));
    g_assert_cmpmem(&now->state, sizeof expected, &expected, sizeof expected);
}

/* Cut anywhere, or with any bytes changed: refused or in range, never a crash. */
static void damage(Fixture *f, gconstpointer data)
{
    g_autoptr(GByteArray) saved = save(&f->now->dev);
    Device *dev = add(f, &now_type);
    const NowState *state = &container_of(dev, Now, dev)->state;

    (void)data;
    for (unsigned n = 0; n < saved->len; n++) {
        /* ends where ASan sees */
        g_autofree u8 *cut = g_memdup2(saved->data, n);
        g_autofree char *message = load(dev, cut, n);

        g_assert_cmpstr(message, ==, "state of toy1: the data is damaged");
    }
    for (unsigned i = 0; i < 20000; i++) {
        g_autofree u8 *copy = g_memdup2(saved->data, saved->len);
        g_autofree char *message = NULL;

        for (int k = g_test_rand_int_range(0, 4); k >= 0; k--) {
            copy[g_test_rand_int_range(0, saved->len)] = g_test_rand_int_range(0, 256);
        }
        message = load(dev, copy, saved->len);
        g_assert_true(fields_check(NowState_fields, state, NULL));
        if (message) {
            g_assert_cmpmem(state, sizeof *state, &now_reset, sizeof now_reset);
        }
    }
}

#define ADD(name, fn) \
    g_test_add("/hw/state/" name, Fixture, NULL, set_up, fn, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("same-layout", same_layout);
    ADD("format", format);
    ADD("other-layout", other_layout);
    ADD("absent-row", absent_row_is_reset);
    ADD("forged", forged_records);
    ADD("records", records_and_sizes);
    ADD("other-parts", other_parts);
    ADD("hook-refuses", hook_refuses);
    ADD("battery", battery);
    ADD("damage", damage);
    return g_test_run();
}
