/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a board of 105 keys, each by its place: what a window calls it (HID Usage
 * Tables 1.12, page 7) becomes the code that Linux gives a USB keyboard's usage, and
 * what a PS/2 keyboard sends for it (scan code set 1).
 */

#include "ui/keys.h"

enum { E0 = 0x80, MODIFIERS = 0xe0, KEYS = 105, ALSO_BACKSLASH = 0x32 };

/* Linux's codes of usages 0x04 to 0x65, and of 0xe0 to 0xe7. */
static const u8 usages[] = {
    30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22,
    47, 17, 45, 21, 44, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13, 26,
    27, 43, 43, 39, 40, 41, 51, 52, 53, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87,
    88, 99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103, 69, 98, 55, 74,
    78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86, 127,
};
static const u8 modifiers[] = { 29, 42, 56, 125, 97, 54, 100, 126 };

/* Where set 1 is not Linux's own code: the keys that came after the first 83. */
static const struct { u8 code; u16 set1; } later[] = {
    { 96, E0 | 0x1c }, { 97, E0 | 0x1d }, { 98, E0 | 0x35 }, { 99, E0 | 0x37 },
    { 100, E0 | 0x38 }, { 102, E0 | 0x47 }, { 103, E0 | 0x48 }, { 104, E0 | 0x49 },
    { 105, E0 | 0x4b }, { 106, E0 | 0x4d }, { 107, E0 | 0x4f }, { 108, E0 | 0x50 },
    { 109, E0 | 0x51 }, { 110, E0 | 0x52 }, { 111, E0 | 0x53 }, { 125, E0 | 0x5b },
    { 126, E0 | 0x5c }, { 127, E0 | 0x5d },
};

static void assert_key(unsigned usage, unsigned code)
{
    const KeyRow *key = key_by_usage(usage);
    u16 set1 = code;

    if (!key || key->linux_code != code) {
        g_error("usage %#x is %u, not %u", usage, key ? key->linux_code : 0, code);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(later); i++) {
        set1 = later[i].code == code ? later[i].set1 : set1;
    }
    if (code != 119) {                  /* pause sends E1 1D 45, as no other */
        g_assert_cmphex(key->set1, ==, set1);
        g_assert_true(key_by_set1(set1) == key);
    }
    g_assert_true(key_by_code(code) == key);
    g_assert_true(key_by_name(key->name) == key);
}

static void test_board(void)
{
    unsigned keys = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(usages); i++) {
        if (4 + i != ALSO_BACKSLASH) {
            assert_key(4 + i, usages[i]);
            keys++;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(modifiers); i++) {
        assert_key(MODIFIERS + i, modifiers[i]);
        keys++;
    }
    g_assert_cmpuint(keys, ==, KEYS);
}

/* A board of Europe's says 0x32 where America's says 0x31. */
static void test_european(void)
{
    const KeyRow *key = key_by_usage(ALSO_BACKSLASH);

    g_assert_nonnull(key);
    g_assert_cmpuint(key->linux_code, ==, 43);
}

static void test_unknown(void)
{
    g_assert_null(key_by_usage(0));
    g_assert_null(key_by_usage(3));     /* ErrorUndefined: no key */
    g_assert_null(key_by_usage(0xff));
    g_assert_null(key_by_usage(4000));
    g_assert_null(key_by_code(0));
    g_assert_null(key_by_name(""));
    g_assert_null(key_by_name("anykey"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keys/board", test_board);
    g_test_add_func("/keys/european", test_european);
    g_test_add_func("/keys/unknown", test_unknown);
    return g_test_run();
}
