/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option grammar, numbers and near names.  Expected values are QEMU's documented
 * grammar (qemu-options: "a=b,flag", ",," for a comma) and its units.
 */

#include "base/keyval.h"

/* Shows pairs as "key:value|key:value", a bare one with '!'. */
static char *parsed(const char *text, const char *implied)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVals) kv = keyvals_parse(text, implied, &err);
    GString *out = g_string_new(NULL);

    g_assert_true((kv == NULL) == (err != NULL));
    for (unsigned i = 0; kv && i < kv->n; i++) {
        g_string_append_printf(out, "%s%s%s:%s", i ? "|" : "",
                               kv->pair[i].bare ? "!" : "", kv->pair[i].key,
                               kv->pair[i].value);
    }
    if (err) {
        g_string_append_printf(out, "error: %s", err->message);
    }
    return g_string_free(out, FALSE);
}

static void grammar(void)
{
    static const struct {
        const char *text, *implied, *pairs;
    } rows[] = {
        { "",                       NULL,     "" },
        { "a=b",                    NULL,     "a:b" },
        { "a=b,c=d",                NULL,     "a:b|c:d" },
        { "q35",                    "type",   "type:q35" },
        { "q35,accel=kvm:tcg",      "type",   "type:q35|accel:kvm:tcg" },
        { "type=q35",               "type",   "type:q35" },
        { "server,nowait",          NULL,     "!server:on|!wait:off" },
        { "socket,server,nowait",   "kind",   "kind:socket|!server:on|!wait:off" },
        { "no",                     NULL,     "!no:on" },
        { "path=a,,b,c=d",          NULL,     "path:a,b|c:d" },
        { "path=,,",                NULL,     "path:," },
        { "a,,b,c=d",               "path",   "path:a,b|c:d" },
        { "a=",                     NULL,     "a:" },
        { "a=b=c",                  NULL,     "a:b=c" },
        { "a=1,a=2",                NULL,     "a:1|a:2" },
        { "file.driver=raw",        NULL,     "file.driver:raw" },
        { "a=b,",                   NULL,     "a:b" },
        { ",a=b",                   "type",   "type:|a:b" },
        { "=x",                     NULL,
          "error: '=x': a name is missing before '=' or ','" },
        { "a=b,=c",                 NULL,
          "error: 'a=b,=c': a name is missing before '=' or ','" },
        { "a=b,,,c",                NULL,     "a:b,|!c:on" },
        { "flag,,x",                NULL,
          "error: 'flag,,x': a name is missing before '=' or ','" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *pairs = parsed(rows[i].text, rows[i].implied);

        g_assert_cmpstr(pairs, ==, rows[i].pairs);
    }
}

static void take_and_set(void)
{
    g_autoptr(KeyVals) kv = keyvals_parse("a=1,b=2,a=3", NULL, NULL);
    g_autofree char *taken = NULL, *none = NULL;

    g_assert_cmpstr(keyvals_get(kv, "a"), ==, "3");
    g_assert_null(keyvals_get(kv, "c"));
    taken = keyvals_take(kv, "a");
    g_assert_cmpstr(taken, ==, "3");
    g_assert_cmpuint(kv->n, ==, 1);
    none = keyvals_take(kv, "a");
    g_assert_null(none);
    keyvals_set(kv, "b", keyvals_get(kv, "b"));     /* its own value */
    g_assert_cmpstr(keyvals_get(kv, "b"), ==, "2");
    keyvals_set(kv, "c", "x");
    g_assert_cmpuint(kv->n, ==, 2);
    keyvals_free(NULL);
}

static void numbers(void)
{
    static const struct {
        const char *text;
        u64 value;
    } right[] = {
        { "0", 0 }, { "65535", 65535 }, { "0x3F8", 0x3f8 }, { "010", 8 },
        { "18446744073709551615", UINT64_MAX }, { "0xffffffffffffffff", UINT64_MAX },
    };
    static const char *const wrong[] = {
        "", " 1", "1 ", "-1", "+1", "1k", "abc", "0x", "1.5", "09",
        "18446744073709551616",
    };
    u64 value;

    for (unsigned i = 0; i < G_N_ELEMENTS(right); i++) {
        g_assert_true(number_parse(right[i].text, 0, UINT64_MAX, &value));
        g_assert_cmpuint(value, ==, right[i].value);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_false(number_parse(wrong[i], 0, UINT64_MAX, &value));
    }
    g_assert_true(number_parse("3", 3, 3, &value));
    g_assert_false(number_parse("2", 3, 3, &value));
    g_assert_false(number_parse("4", 3, 3, &value));
}

static void sizes(void)
{
    static const struct {
        const char *text;
        u64 unit, bytes;
    } right[] = {
        { "0", MiB, 0 }, { "128", MiB, 128 * MiB }, { "2G", MiB, 2 * GiB },
        { "2g", 1, 2 * GiB }, { "512B", MiB, 512 }, { "1.5G", 1, 1536 * MiB },
        { "0.5", MiB, 512 * KiB }, { "1T", MiB, TiB }, { "0x100", MiB, 256 * MiB },
        { "15E", 1, 15ull << 60 }, { "16383P", 1, 16383ull << 50 },
        { "1.5E", 1, 3ull << 59 },
        { "18446744073709551615", 1, UINT64_MAX },
    };
    static const char *const wrong[] = {
        "", "abc", "-1", "1X", "1GB", "1GiB", "16E", "1.G", ".5G", "1 G", "0x", "G",
        "18446744073709551616", "100000000000000000T", "1e3", "0x1.8",
    };
    u64 bytes;

    for (unsigned i = 0; i < G_N_ELEMENTS(right); i++) {
        g_assert_true(size_parse(right[i].text, right[i].unit, &bytes));
        g_assert_cmpuint(bytes, ==, right[i].bytes);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_false(size_parse(wrong[i], 1, &bytes));
    }
    g_assert_false(size_parse("18446744073709551615", 2, &bytes));
}

static void near_names(void)
{
    static const char *const names[] = {
        "virtio-rng-pci", "isa-debug-exit", "pvpanic", "e1000", "queues", "max-bytes",
        NULL,
    };
    static const struct {
        const char *name, *near;
    } rows[] = {
        { "virtio-rgn-pci", "virtio-rng-pci" },     /* swapped */
        { "virtio-rng",     "virtio-rng-pci" },     /* cut short */
        { "pvpanik",        "pvpanic" },
        { "Queues",         "queues" },
        { "max_bytes",      "max-bytes" },
        { "queue",          "queues" },
        { "x",              NULL },
        { "",               NULL },
        { "floppy",         NULL },
        { "e1001",          "e1000" },
    };
    g_autofree char *longer = g_strnfill(100000, 'a');

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpstr(nearest_name(rows[i].name, names), ==, rows[i].near);
    }
    g_assert_null(nearest_name(longer, names));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/keyval/grammar", grammar);
    g_test_add_func("/base/keyval/take-and-set", take_and_set);
    g_test_add_func("/base/keyval/numbers", numbers);
    g_test_add_func("/base/keyval/sizes", sizes);
    g_test_add_func("/base/keyval/near-names", near_names);
    return g_test_run();
}
