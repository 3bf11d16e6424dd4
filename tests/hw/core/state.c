/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving and loading: the format, the same layout, an older and a newer one.
 */

#include "tests/hw/core/state_toy.h"

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("state/same-layout", same_layout);
    ADD("state/format", format);
    ADD("state/other-layout", other_layout);
    ADD("state/absent-row", absent_row_is_reset);
    ADD("state/other-parts", other_parts);
    ADD("state/hook-refuses", hook_refuses);
    return g_test_run();
}
