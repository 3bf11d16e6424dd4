/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address map: which region is seen where, when changes show, and who is told.
 */

#include "hw/core/memory.h"

#include <string.h>

static const RegionOps no_ops;

/* "base-last:name+offset ..."; a range with a host address has a '*'. */
static char *shown(const FlatView *view)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->range[i];

        g_string_append_printf(out, "%s%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER
                               "x:%s+%" G_GINT64_MODIFIER "x%s", i ? " " : "", r->base,
                               r->base + (r->size - 1), r->region->name, r->offset,
                               r->host ? "*" : "");
    }
    return g_string_free(out, FALSE);
}

static void assert_view(const Space *space, const char *expected)
{
    g_autofree char *view = shown(space_view(space));

    g_assert_cmpstr(view, ==, expected);
}

static void priorities(void)
{
    Space *space = space_new("test", 0);
    Region a, b, c, d;

    region_init_io(&a, "a", &no_ops, NULL, 0x100);
    region_init_io(&b, "b", &no_ops, NULL, 0x10);
    region_init_io(&c, "c", &no_ops, NULL, 0x20);
    region_init_io(&d, "d", &no_ops, NULL, 0);
    assert_view(space, "");
    space_add(space, &a, 0x1000, 0);
    space_add(space, &b, 0x1040, 1);
    assert_view(space, "1000-103f:a+0 1040-104f:b+0 1050-10ff:a+50");
    space_add(space, &c, 0x1038, 1);                    /* as high as b, and newer */
    assert_view(space, "1000-1037:a+0 1038-1057:c+0 1058-10ff:a+58");
    space_remove(&c);
    space_add(space, &c, 0x1048, 0);                    /* below b, above a */
    assert_view(space, "1000-103f:a+0 1040-104f:b+0 1050-1067:c+8 1068-10ff:a+68");
    region_enable(&b, false);
    assert_view(space, "1000-1047:a+0 1048-1067:c+0 1068-10ff:a+68");
    region_move(&c, 0x10f0);
    assert_view(space, "1000-10ef:a+0 10f0-110f:c+0");
    region_enable(&b, true);
    space_add(space, &d, 0x1000, 9);                    /* size 0: nowhere */
    region_move(&b, 0x0ff8);
    assert_view(space, "ff8-1007:b+0 1008-10ef:a+8 10f0-110f:c+0");
    region_fini(&a);
    assert_view(space, "ff8-1007:b+0 10f0-110f:c+0");
    region_fini(&b);
    region_fini(&c);
    region_fini(&d);
    region_fini(&d);                                    /* again */
    assert_view(space, "");
    space_free(space);
}

static void ends(void)
{
    Space *all = space_new("memory", 0), *ports = space_new("ports", 0x10000);
    Region a, b, c;

    region_init_io(&a, "a", &no_ops, NULL, 0x2000);
    space_add(all, &a, 0xfffffffffffff000, 0);          /* cut off, not wrapped */
    assert_view(all, "fffffffffffff000-ffffffffffffffff:a+0");
    g_assert_null(space_find(all, 0));
    g_assert_nonnull(space_find(all, UINT64_MAX));
    region_move(&a, 0xffffffffffffe000);                /* up to the last byte */
    assert_view(all, "ffffffffffffe000-ffffffffffffffff:a+0");
    region_init_io(&b, "b", &no_ops, NULL, 0x100);
    space_add(ports, &b, 0xff80, 0);
    assert_view(ports, "ff80-ffff:b+0");
    region_move(&b, 0x10000);                           /* outside altogether */
    assert_view(ports, "");
    region_init_io(&c, "c", &no_ops, NULL, UINT64_MAX);
    space_add(all, &c, 1, -1);
    assert_view(all, "1-ffffffffffffdfff:c+0 ffffffffffffe000-ffffffffffffffff:a+0");
    region_fini(&a);
    region_fini(&b);
    region_fini(&c);
    space_free(all);
    space_free(ports);
}

/* Random regions against a model that looks at each address by itself. */
static void any_regions(void)
{
    enum { N = 12, SIZE = 64 };
    Space *space = space_new("test", SIZE);
    Region region[N];

    for (unsigned round = 0; round < 300; round++) {
        space_begin(space);
        for (unsigned i = 0; i < N; i++) {
            region_init_io(&region[i], "r", &no_ops, NULL,
                           g_test_rand_int_range(0, 30));
            space_add(space, &region[i], g_test_rand_int_range(0, SIZE + 4),
                      g_test_rand_int_range(-2, 3));
            region_enable(&region[i], g_test_rand_int_range(0, 5) > 0);
        }
        space_commit(space);
        for (u64 at = 0; at < SIZE; at++) {
            const Region *best = NULL;
            const FlatRange *range = space_find(space, at);

            for (unsigned i = 0; i < N; i++) {
                const Region *r = &region[i];

                if (r->enabled && at >= r->base && at < r->base + r->size &&
                    (!best || r->priority >= best->priority)) {
                    best = r;
                }
            }
            g_assert_true((range ? range->region : NULL) == best);
            g_assert_true(!range ||
                          range->offset + (at - range->base) == at - best->base);
        }
        for (unsigned i = 0; i < N; i++) {
            region_fini(&region[i]);
        }
    }
    space_free(space);
}

typedef struct {
    GString *log;
    Space *space;
} Watcher;

static void watch(void *opaque, const FlatView *old, const FlatView *now)
{
    Watcher *watcher = opaque;
    g_autofree char *a = shown(old), *b = shown(now);

    g_assert_true(!watcher->space || space_view(watcher->space) == now);
    g_string_append_printf(watcher->log, "[%s -> %s]", a, b);
}

static void assert_log(Watcher *watcher, const char *expected)
{
    g_assert_cmpstr(watcher->log->str, ==, expected);
    g_string_truncate(watcher->log, 0);
}

static void transactions_and_listeners(void)
{
    Space *space = space_new("test", 0);
    Watcher one = { g_string_new(NULL), space }, two = { g_string_new(NULL), space };
    Region a, b;

    region_init_io(&a, "a", &no_ops, NULL, 0x10);
    region_init_io(&b, "b", &no_ops, NULL, 0x10);
    space_add(space, &a, 0, 0);
    space_listen(space, watch, &one);
    assert_log(&one, "[ -> 0-f:a+0]");
    space_begin(space);
    space_add(space, &b, 0x20, 0);
    space_begin(space);                                 /* nested */
    region_move(&a, 0x40);
    space_commit(space);
    assert_view(space, "0-f:a+0");                      /* not visible yet */
    space_commit(space);
    assert_log(&one, "[0-f:a+0 -> 20-2f:b+0 40-4f:a+0]");
    space_listen(space, watch, &two);
    assert_log(&two, "[ -> 20-2f:b+0 40-4f:a+0]");

    space_begin(space);                                 /* there and back */
    region_move(&a, 0x60);
    region_move(&a, 0x40);
    region_enable(&b, false);
    region_enable(&b, true);
    space_commit(space);
    region_move(&a, 0x40);                              /* where it is */
    region_enable(&a, true);
    space_begin(space);
    space_commit(space);
    assert_log(&one, "");

    space_unlisten(space, watch, &one);
    region_fini(&b);
    assert_log(&one, "");
    assert_log(&two, "[20-2f:b+0 40-4f:a+0 -> 40-4f:a+0]");
    region_fini(&a);
    space_unlisten(space, watch, &two);
    space_unlisten(space, watch, &two);                 /* not there: nothing happens */
    g_string_free(one.log, TRUE);
    g_string_free(two.log, TRUE);
    space_free(space);
}

/*
 * RAM and ROM are shown in whole pages; the rest of a page is there, without a host
 * address.
 */
static void pages(void)
{
    Space *space = space_new("test", 0);
    Mem *mem = mem_new();
    Region rom, bar, shadow;
    const FlatRange *range;

    g_assert_true(mem_add_ram(mem, space, "ram", 0, 0x10000, NULL));
    g_assert_true(region_init_rom(&rom, "rom", 0x2000, NULL));
    space_add(space, &rom, 0x8000, 1);
    assert_view(space, "0-7fff:ram+0* 8000-9fff:rom+0* a000-ffff:ram+a000*");
    range = space_find(space, 0xa123);
    g_assert_cmpuint(range->ram_page, ==, 10);
    range = space_find(space, 0x8000);
    g_assert_cmpuint(range->ram_page, ==, UINT64_MAX);
    g_assert_true(range->readonly && range->host == region_rom_bytes(&rom));

    region_init_io(&bar, "bar", &no_ops, NULL, 0x10);
    space_add(space, &bar, 0x3008, 1);                  /* inside a page */
    assert_view(space, "0-2fff:ram+0* 3000-3007:ram+3000 3008-3017:bar+0 "
                "3018-3fff:ram+3018 4000-7fff:ram+4000* 8000-9fff:rom+0* "
                "a000-ffff:ram+a000*");
    g_assert_cmpuint(space_find(space, 0x4000)->ram_page, ==, 4);
    region_move(&bar, 0x8ff8);                          /* across two pages of ROM */
    assert_view(space, "0-7fff:ram+0* 8000-8ff7:rom+0 8ff8-9007:bar+0 "
                "9008-9fff:rom+1008 a000-ffff:ram+a000*");
    region_move(&bar, 0x9ff0);                          /* the end of a page */
    assert_view(space, "0-7fff:ram+0* 8000-8fff:rom+0* 9000-9fef:rom+1000 "
                "9ff0-9fff:bar+0 a000-ffff:ram+a000*");

    g_assert_false(region_init_alias(&shadow, "shadow", mem, 0x10000, 0x1000, true));
    g_assert_false(region_init_alias(&shadow, "shadow", mem, 0xf000, 0x2000, true));
    g_assert_false(region_init_alias(&shadow, "shadow", mem, 0x800, 0x1000, true));
    g_assert_false(region_init_alias(&shadow, "shadow", mem, 0, 0, true));
    g_assert_true(region_init_alias(&shadow, "shadow", mem, 0xe000, 0x2000, true));
    space_add(space, &shadow, 0x2e000, 5);
    range = space_find(space, 0x2f000);
    g_assert_cmpuint(range->ram_page, ==, 14);
    g_assert_true(range->readonly);
    g_assert_true(range->host == space_find(space, 0xe000)->host + 0x4000);
    region_fini(&shadow);
    region_fini(&bar);
    region_fini(&rom);
    mem_free(mem);                                      /* takes its RAM out */
    assert_view(space, "");
    space_free(space);
}

static void listed(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    Space *space = space_new("memory", 0);
    Mem *mem = mem_new();
    Region rom, bar;

    g_assert_true(mem_add_ram(mem, space, "ram", 0, 0x10000, NULL));
    g_assert_true(region_init_rom(&rom, "bios", 0x1000, NULL));
    region_init_io(&bar, "bar", &no_ops, NULL, 0x10);
    space_add(space, &bar, 0xfe000000, 1);
    space_add(space, &rom, 0xf000, 1);
    region_enable(&bar, false);
    space_print(space, out);
    g_assert_cmpstr(out->str, ==,
                    "address-space: memory\n"
                    "  0000000000000000-000000000000ffff (prio 0, ram): ram\n"
                    "  000000000000f000-000000000000ffff (prio 1, rom): bios\n"
                    "  00000000fe000000-00000000fe00000f (prio 1, i/o): bar "
                    "[disabled]\n");
    region_fini(&bar);
    region_fini(&rom);
    mem_free(mem);
    space_free(space);
}

/* A space may go before the regions that stood in it. */
static void freed_first(void)
{
    Space *space = space_new("test", 0);
    Region a;

    region_init_io(&a, "a", &no_ops, NULL, 0x10);
    space_add(space, &a, 0, 0);
    space_free(space);
    region_fini(&a);
    space_free(NULL);
    mem_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/space/priorities", priorities);
    g_test_add_func("/hw/space/ends", ends);
    g_test_add_func("/hw/space/any-regions", any_regions);
    g_test_add_func("/hw/space/listeners", transactions_and_listeners);
    g_test_add_func("/hw/space/pages", pages);
    g_test_add_func("/hw/space/print", listed);
    g_test_add_func("/hw/space/freed-first", freed_first);
    return g_test_run();
}
