/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile qcow2 images: good ones whose header, tables and counters are changed at
 * random, and by hand in the ways that matter.  Whatever is in them, opening, checking,
 * repairing, reading and writing end, with an error or without, and the header on disk
 * stays a header.
 *
 * MAYFLY_FUZZ=N does N times as many; under ASan no byte is out of bounds.
 */

#include "block/qcow2_format.h"
#include "tests/lib/qcow2_trial.h"

#include <string.h>

enum { IMAGES = 400, DISK = 128 * 1024 };

static const char *const kinds[] = {
    "cluster_size=512", "cluster_size=1024,refcount_bits=1", "cluster_size=4096",
    "cluster_size=512,compat=v2", "cluster_size=512,compression_type=zstd",
    "cluster_size=512,lazy_refcounts=on,refcount_bits=64",
};

/* Values that tables and sizes are likely to be wrong at. */
static u64 nasty(GRand *rand)
{
    static const u64 value[] = { 0, 1, 512, 4096, 0xffff, 0x7fffffff, 0xffffffff,
                                 1ull << 32, 1ull << 55, 1ull << 56, INT64_MAX,
                                 1ull << 63, UINT64_MAX, UINT64_MAX - 511 };
    u64 base = value[g_rand_int_range(rand, 0, G_N_ELEMENTS(value))];

    return g_rand_boolean(rand) ? base : (u64)g_rand_int(rand) * 512;
}

static void damage(GByteArray *bytes, GRand *rand)
{
    unsigned n = 1 + g_rand_int_range(rand, 0, 8);

    while (n--) {
        guint at = g_rand_boolean(rand) ? g_rand_int_range(rand, 4, 128)
                                        : g_rand_int_range(rand, 4, bytes->len - 8);

        switch (g_rand_int_range(rand, 0, 4)) {
        case 0:
            bytes->data[at] = g_rand_int(rand);
            break;
        case 1:
            bytes->data[at] ^= 1u << g_rand_int_range(rand, 0, 8);
            break;
        case 2:
            be64_put(bytes->data + at / 8 * 8, nasty(rand));
            break;
        default:
            be32_put(bytes->data + at / 4 * 4, nasty(rand));
        }
    }
    if (g_rand_int_range(rand, 0, 20) == 0) {
        g_byte_array_set_size(bytes, g_rand_int_range(rand, 1, bytes->len));
    }
}

static void use(BlockNode *node, GRand *rand)
{
    static u8 data[8192];
    u64 length = node_length(node);

    for (unsigned i = 0; i < 12; i++) {
        u64 at = length > sizeof data ?
                     ((u64)g_rand_int(rand) << 9) % (length - sizeof data) :
                     0;
        u64 n = 1 + g_rand_int_range(rand, 0, sizeof data);

        n = MIN(n, length - at);
        (void)!(g_rand_boolean(rand) ? node_read(node, at, data, n)
                                     : node_write(node, at, data, n));
        if (i == 5) {
            (void)!node_write_zeroes(node, at, n, true);
            (void)!node_discard(node, at, n);
        }
    }
    (void)!node_flush(node);
    (void)!qcow2_snapshot_create(node, "fuzz", NULL);
    (void)!qcow2_snapshot_delete(node, "fuzz", NULL);
}

static void one(const GByteArray *bytes, GRand *rand)
{
    static const BlockFlags flags[] = { 0, BLOCK_RDWR | BLOCK_RESIZE | BLOCK_UNMAP,
                                        BLOCK_RDWR | BLOCK_RESIZE | BLOCK_CHECK };

    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_autoptr(GError) err = NULL;
        BlockNode *node = bytes->len > 4096 ? trial_open(bytes, flags[i], "", &err) :
                                              NULL;
        Qcow2Check result = { .say = NULL };
        BlockNode *file;

        if (!node) {
            continue;
        }
        file = node_ref(node->file);
        if (flags[i] & BLOCK_CHECK) {
            (void)!qcow2_check(node, QCOW2_FIX_LEAKS | QCOW2_FIX_ERRORS, &result, NULL);
        } else {
            use(node, rand);
        }
        node_unref(node);
        g_assert_true(qcow2_is(mem_file(file)->bytes->data, 8));
        node_unref(file);
    }
}

static void damaged_images(void)
{
    const char *text = g_getenv("MAYFLY_FUZZ");
    unsigned n = IMAGES * (text ? MAX(atoi(text), 1) : 1);
    GRand *rand = g_rand_new_with_seed(1);

    for (unsigned i = 0; i < n; i++) {
        static GByteArray *good;

        if (i % 50 == 0) {
            g_clear_pointer(&good, g_byte_array_unref);
            good = trial_image(kinds[i / 50 % G_N_ELEMENTS(kinds)], DISK, i);
        }
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        g_byte_array_append(bytes, good->data, good->len);
        damage(bytes, rand);
        one(bytes, rand);
    }
    g_rand_free(rand);
}

/* ---- by hand: each refused, and why ---- */

static void refused(unsigned at, unsigned size, u64 value, const char *why)
{
    g_autoptr(GByteArray) bytes = trial_create("cluster_size=4096", DISK);
    g_autoptr(GError) err = NULL;
    BlockNode *node;

    if (size == 8) {
        be64_put(bytes->data + at, value);
    } else {
        be32_put(bytes->data + at, value);
    }
    node = trial_open(bytes, BLOCK_RDWR | BLOCK_RESIZE, "", &err);
    g_assert_null(node);
    if (!strstr(err->message, why)) {
        g_test_message("'%s' does not say '%s'", err->message, why);
        g_test_fail();
    }
}

static void headers_are_judged(void)
{
    static const struct {
        unsigned at, size;
        u64 value;
        const char *why;
    } rows[] = {
        { 4, 4, 1, "version 1" },            { 4, 4, 4, "version 4" },
        { 20, 4, 8, "clusters have" },       { 20, 4, 22, "clusters have" },
        { 20, 4, UINT32_MAX, "clusters" },   { 24, 8, UINT64_MAX, "too large" },
        { 24, 8, INT64_MAX, "L1 table is too small" },
        { 32, 4, 1, "AES" },                 { 32, 4, 2, "LUKS" },
        { 32, 4, 3, "encryption method 3" },
        { 36, 4, UINT32_MAX, "L1 table is too large" },
        { 40, 8, 513, "L1 table can't be" }, { 40, 8, 1ull << 60, "L1 table can't be" },
        { 48, 8, 0, "refcount table can't" }, { 48, 8, 511, "refcount table can't" },
        { 56, 4, 0, "no refcount table" },   { 56, 4, UINT32_MAX, "too large" },
        { 60, 4, UINT32_MAX, "snapshots are too many" },
        { 72, 8, 2, "corrupt" },             { 72, 8, 4, "external data file" },
        { 72, 8, 16, "extended L2 entries" }, { 72, 8, 1ull << 63, "feature 63" },
        { 72, 8, 8, "compression type" },    { 96, 4, 7, "refcounts have" },
        { 100, 4, 100, "header of 100" },    { 100, 4, 1u << 31, "header of" },
        { 8, 8, 1ull << 40, "out of place" }, { 88, 8, 1, "bitmaps" },
        /* metadata on metadata */
        { 4096, 8, 0x3000, "overlaps the L1 table" },
        { 0x3000, 8, 0x2000, "overlaps an L2 table or refcount block" },
        { 40, 8, 0x1000, "the refcount table overlaps the L1 table" },
        { 48, 8, 0x3000, "the refcount table overlaps the L1 table" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        refused(rows[i].at, rows[i].size, rows[i].value, rows[i].why);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2/hostile/headers", headers_are_judged);
    g_test_add_func("/qcow2/hostile/random", damaged_images);
    return g_test_run();
}
