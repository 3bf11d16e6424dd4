/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading what nobody saved: forged and damaged bytes.
 */

#include "tests/hw/core/state_toy.h"

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
        { "toy", { { NULL, 0, 0, 0 } }, NULL },
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
    static const ForgedRow mode[] = { { "mode", 1, 1, 2 }, { NULL, 0, 0, 0 } };
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

/* Neither a reset nor a refused load changes what a battery keeps. */
static void battery(Fixture *f, gconstpointer data)
{
    static const ForgedRow mode[] = { { "mode", 1, 1, 1 }, { NULL, 0, 0, 0 } };
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("state-hostile/forged", forged_records);
    ADD("state-hostile/records", records_and_sizes);
    ADD("state-hostile/battery", battery);
    ADD("state-hostile/damage", damage);
    return g_test_run();
}
