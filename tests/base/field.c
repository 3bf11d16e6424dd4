/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows: help, parsing with its error messages, checking, printing, layouts.
 */

#include "base/field.h"

#include <string.h>

static const char *const caches[] = { "none", "writeback", "unsafe", NULL };

PROPS(BlkConfig,
    (str,  drive,    "block backend that holds the disk", .required = true),
    (u16,  queues,   "request virtqueues", .def = 1, .min = 1, .max = 64),
    (bool, readonly, "refuse guest writes"));

PROPS(AllConfig,
    (str,   name,       "a name", .def_str = "joe", .max = 4),
    (u8,    small,      "a byte"),
    (u64,   large,      "a word", .def = 7),
    (u64,   ram_size,   "bytes", .is_size = true, .def = 64 * KiB, .min = 4096,
                        .max = GiB),
    (u32,   cache,      "how writes go", .names = caches, .def = 1),
    (bool,  fast,       "hurry", .def = 1),
    (bool,  nodelay,    "wait for nothing"),
    (u8[6], mac,        "station address"));

STATE(OldState,
    (u32,    base, "a base", .min = 1),
    (u16[3], list, "three words", .max = 0x100),
    (u8,     mode, "a mode", .max = 2),
    (bool,   flag, "a flag"));

static void help_is_the_table(void)
{
    g_autoptr(GString) out = g_string_new(NULL);

    fields_help(BlkConfig_fields, out);
    g_assert_cmpstr(out->str, ==,
                    "  drive     <text>   block backend that holds the disk"
                    " (required)\n"
                    "  queues    1..64    request virtqueues [1]\n"
                    "  readonly  on|off   refuse guest writes\n");
    g_string_truncate(out, 0);
    fields_help(AllConfig_fields, out);
    g_assert_cmpstr(out->str, ==,
                    "  name      <text>                  a name [joe]\n"
                    "  small     <number>                a byte [0]\n"
                    "  large     <number>                a word [7]\n"
                    "  ram-size  4K..1G                  bytes [64K]\n"
                    "  cache     none|writeback|unsafe   how writes go [writeback]\n"
                    "  fast      on|off                  hurry [on]\n"
                    "  nodelay   on|off                  wait for nothing\n"
                    "  mac       <6 bytes>               station address\n");
}

/* The messages of a bad line, or NULL. */
static char *blk_error(const char *text, const char *what)
{
    g_autoptr(GError) err = NULL;
    BlkConfig config;
    bool parsed = fields_parse(BlkConfig_fields, &config, text, NULL, what, &err);

    g_assert_true(parsed == (err == NULL));
    fields_clear(BlkConfig_fields, &config);
    return err ? g_strdup(err->message) : NULL;
}

static void errors_say_what_is_right(void)
{
    static const struct {
        const char *text, *what, *message;
    } rows[] = {
        { "drive=d0", NULL, NULL },
        { "queues=4", NULL,
          "option 'drive' is required: block backend that holds the disk" },
        { "drive=d0,queues=65", NULL, "queues: '65' is not a number from 1 to 64" },
        { "drive=d0,queues=0", NULL, "queues: '0' is not a number from 1 to 64" },
        { "drive=d0,queues=four", NULL, "queues: 'four' is not a number from 1 to 64" },
        { "drive=d0,foo=1", NULL, "no option 'foo'" },
        { "drive=d0,queus=1", "-device blk",
          "-device blk: no option 'queus'; did you mean 'queues'?" },
        { "drive=d0,nofoo", NULL, "no option 'nofoo'" },
        { "drive=d0,readonly=maybe", NULL, "readonly: 'maybe' is not on or off" },
        { "=1", "-x", "-x: '=1': a name is missing before '=' or ','" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *message = blk_error(rows[i].text, rows[i].what);

        g_assert_cmpstr(message, ==, rows[i].message);
    }
}

static void defaults_then_text(void)
{
    static const u8 mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0xff };
    AllConfig config;

    g_assert_true(fields_parse(AllConfig_fields, &config, "", NULL, NULL, NULL));
    g_assert_cmpstr(config.name, ==, "joe");
    g_assert_cmpuint(config.large, ==, 7);
    g_assert_cmpuint(config.ram_size, ==, 65536);
    g_assert_cmpuint(config.cache, ==, 1);
    g_assert_true(config.fast && !config.nodelay);
    fields_clear(AllConfig_fields, &config);
    g_assert_null(config.name);

    g_assert_true(fields_parse(AllConfig_fields, &config,
                               "ann,small=0xff,ram-size=1.5M,cache=unsafe,nofast,"
                               "nodelay,mac=52:54:00:12:34:FF,"
                               "large=18446744073709551615",
                               "name", NULL, NULL));
    g_assert_cmpstr(config.name, ==, "ann");
    g_assert_cmpuint(config.small, ==, 255);
    g_assert_cmpuint(config.ram_size, ==, 1536 * KiB);
    g_assert_cmpuint(config.cache, ==, 2);
    g_assert_true(!config.fast && config.nodelay);
    g_assert_cmpmem(config.mac, 6, mac, 6);
    g_assert_cmpuint(config.large, ==, UINT64_MAX);
    fields_clear(AllConfig_fields, &config);
}

#define SIX "6 hex bytes with ':' between them"

static void values_are_judged(void)
{
    static const struct {
        const char *row, *text, *message;
    } rows[] = {
        { "name", "long", NULL },
        { "name", "longer", "name: 'longer' is not a text of up to 4 bytes" },
        { "small", "256", "small: '256' is not a number from 0 to 255" },
        { "small", "-1", "small: '-1' is not a number from 0 to 255" },
        { "small", "", "small: '' is not a number from 0 to 255" },
        { "ram_size", "4095", "ram-size: '4095' is not a size from 4K to 1G" },
        { "ram_size", "2G", "ram-size: '2G' is not a size from 4K to 1G" },
        { "ram-size", "1G", NULL },
        { "cache", "2", "cache: '2' is not one of none, writeback, unsafe" },
        { "mac", "52:54:00:12:34", "mac: '52:54:00:12:34' is not " SIX },
        { "mac", "52-54-00-12-34-56", NULL },
        { "mac", "52:54:00:12:34:5", "mac: '52:54:00:12:34:5' is not " SIX },
        { "mac", "52:54:00:12:34:567", "mac: '52:54:00:12:34:567' is not " SIX },
        { "fast", "yes", NULL }, { "fast", "true", NULL }, { "fast", "off", NULL },
        { "fast", "1", "fast: '1' is not on or off" },
    };
    AllConfig config = { 0 };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) err = NULL;
        const Field *field = field_find(AllConfig_fields, rows[i].row);
        bool set = field_set(field, &config, rows[i].text, &err);

        g_assert_true(set == (err == NULL));
        g_assert_cmpstr(err ? err->message : NULL, ==, rows[i].message);
    }
    /* a refused value changes nothing */
    g_assert_cmpstr(config.name, ==, "long");
    fields_clear(AllConfig_fields, &config);
}

static void find_by_either_dash(void)
{
    g_assert_nonnull(field_find(AllConfig_fields, "ram_size"));
    g_assert_nonnull(field_find(AllConfig_fields, "ram-size"));
    g_assert_null(field_find(AllConfig_fields, "ram"));
    g_assert_null(field_find(AllConfig_fields, "ram-sizes"));
    g_assert_null(field_find(AllConfig_fields, ""));
    g_assert_null(field_find(NULL, "ram"));
}

static void states_are_checked(void)
{
    g_autoptr(GError) err = NULL;
    OldState state = { .base = 1, .list = { 0, 0x100, 1 }, .mode = 2 };
    u8 bad = 2;

    g_assert_true(fields_check(OldState_fields, &state, &err));
    state.list[2] = 0x101;
    g_assert_false(fields_check(OldState_fields, &state, &err));
    g_assert_cmpstr(err->message, ==, "list[2]: 257 is not from 0 to 256");
    g_clear_error(&err);
    state.list[2] = 0;
    state.base = 0;
    g_assert_false(fields_check(OldState_fields, &state, &err));
    g_assert_cmpstr(err->message, ==, "base: 0 is not from 1 to 4294967295");
    g_clear_error(&err);
    state.base = 1;
    memcpy(&state.flag, &bad, 1);                   /* not a bool: as from a file */
    g_assert_false(fields_check(OldState_fields, &state, &err));
    g_assert_cmpstr(err->message, ==, "flag: 2 is not from 0 to 1");
}

static void printed(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    OldState state = { .base = 0x1f0, .list = { 1, 2, 3 }, .mode = 2, .flag = true };
    AllConfig config;

    fields_print(OldState_fields, &state, out);
    g_assert_cmpstr(out->str, ==,
                    "  base             0x1f0        a base\n"
                    "  list             0001 0002 0003 three words\n"
                    "  mode             2            a mode\n"
                    "  flag             on           a flag\n");
    g_string_truncate(out, 0);
    fields_default(AllConfig_fields, &config);
    fields_print(AllConfig_fields, &config, out);
    g_assert_nonnull(strstr(out->str, "  name             'joe' "));
    g_assert_nonnull(strstr(out->str, "  cache            writeback "));
    g_assert_nonnull(strstr(out->str, "  mac              000000000000 "));
    fields_clear(AllConfig_fields, &config);
}

static void layouts(void)
{
    static const Field a[] = { { .name = "x", .size = 1, .count = 2 }, { 0 } };
    static const Field b[] = { { .name = "x", .size = 2, .count = 1 }, { 0 } };
    static const Field c[] = { { .name = "y", .size = 1, .count = 2 }, { 0 } };
    static const Field d[] = { { .name = "x", .size = 1, .count = 2, .max = 9 },
                               { 0 } };

    g_assert_cmpuint(fields_hash(a), !=, fields_hash(b));
    g_assert_cmpuint(fields_hash(a), !=, fields_hash(c));
    g_assert_cmpuint(fields_hash(a), ==, fields_hash(d));   /* a range is no layout */
    g_assert_cmpuint(fields_size(OldState_fields), ==, sizeof(OldState));
    g_assert_cmpuint(fields_size(OldState_fields), ==, 4 + 6 + 1 + 1);
    g_assert_cmpuint(fields_size(NULL), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/field/help", help_is_the_table);
    g_test_add_func("/base/field/errors", errors_say_what_is_right);
    g_test_add_func("/base/field/defaults", defaults_then_text);
    g_test_add_func("/base/field/values", values_are_judged);
    g_test_add_func("/base/field/find", find_by_either_dash);
    g_test_add_func("/base/field/check", states_are_checked);
    g_test_add_func("/base/field/print", printed);
    g_test_add_func("/base/field/layout", layouts);
    return g_test_run();
}
