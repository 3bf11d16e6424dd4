/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images whose tables lie: L1, L2 and refcount entries, the snapshot table and
 * the bitmaps' directory point at each other, at themselves, at data, behind the end
 * and at what can't be.  All that can be done with an image is done with each of them.
 *
 *  - Nothing crashes, and under ASan no byte is out of bounds.
 *  - What is written as data is never found in the image's own tables afterwards
 *    (where they could be written too).
 *  - An image that was repaired needs no repair, and can be opened for writing (but a
 *    snapshot's table may be the image's counters, which a repair changes).
 *
 * MAYFLY_FUZZ=N in the environment: N times 200000 steps.  --seed repeats a run.
 */

#include "block/qcow2_format.h"
#include "tests/lib/chance.h"
#include "tests/lib/qcow2_trial.h"

#include <string.h>

enum { STEPS = 200000, PER_IMAGE = 100, PER_GOOD = 100, DISK = 64 * 1024, DATA = 0xdd };
/* A table that says that all of the file is in use makes it no longer than this. */
#define FILE_MAX (2 * MiB)

static Chance chance;
static bool applied;                    /* a snapshot, whose tables nobody guards */
static u8 data[16 * KiB];

static u64 below(u64 n)
{
    return chance_below(&chance, n);
}

/* ---- where tables are ---- */

typedef struct { u64 offset, bytes; } Area;

static void area_add(GArray *areas, const GByteArray *image, u64 offset, u64 bytes)
{
    Area area = { offset & ~7ull, bytes };

    if (area.offset < image->len) {
        area.bytes = MIN(bytes, image->len - area.offset) & ~7ull;
        if (area.bytes) {
            g_array_append_val(areas, area);
        }
    }
}

/* A table, and what its entries refer to, `cluster` bytes each. */
static void tree_add(GArray *areas, const GByteArray *image, u64 offset, u64 n,
                     u64 mask, u64 cluster)
{
    area_add(areas, image, offset, n * 8);
    for (u64 i = 0; i < n && offset + i * 8 + 8 <= image->len; i++) {
        u64 at = be64_at(image->data + offset + i * 8) & mask;

        if (at) {
            area_add(areas, image, at, cluster);
        }
    }
}

static void snapshots_add(GArray *areas, const GByteArray *image,
                          const Qcow2Header *h, u64 cluster, bool deep)
{
    u64 at = h->snapshots_offset;

    area_add(areas, image, at, h->n_snapshots * 64ull);
    for (u32 i = 0; i < h->n_snapshots && at + 40 <= image->len; i++) {
        const u8 *row = image->data + at;
        u64 bytes = 40 + (row[12] << 8) + row[13] + (row[14] << 8) + row[15] +
                    be32_at(row + 36);

        tree_add(areas, image, be64_at(row), be32_at(row + 8), QCOW2_OFFSET,
                 deep ? cluster : 0);
        at += (bytes + 7) & ~7ull;
    }
}

/* Not `deep`: without snapshots' L2 tables. */
static GArray *tables_of(const GByteArray *image, bool deep)
{
    GArray *areas = g_array_new(FALSE, FALSE, sizeof(Area));
    u64 cluster;
    Qcow2Header h;

    g_assert_true(header_parse(&h, image->data, image->len, NULL));
    cluster = 1ull << h.cluster_bits;
    area_add(areas, image, 24, 88);
    tree_add(areas, image, h.l1_offset, h.l1_size, QCOW2_OFFSET, cluster);
    tree_add(areas, image, h.reftable_offset, h.reftable_clusters * cluster / 8,
             QCOW2_REF_OFFSET, cluster);
    snapshots_add(areas, image, &h, cluster, deep);
    return areas;
}

/* ---- good images ---- */

/* A bitmap's directory, table and bits behind the end; the counters are put right. */
static GByteArray *with_bitmap(GByteArray *image)
{
    u64 cluster = 1ull << be32_at(image->data + 20);
    u64 end = image->len, at = (end + cluster - 1) & -cluster;
    u8 row[32] = { 0 }, extension[40] = { 0 };
    unsigned head = be32_at(image->data + 100);
    Qcow2Check result = { .say = NULL };
    BlockNode *node;

    while (be32_at(image->data + head) != QCOW2_EXT_END) {
        head += 8 + ((be32_at(image->data + head + 4) + 7) & ~7u);
    }
    g_assert_cmpuint(head + sizeof extension, <=, cluster);
    be32_put(extension, QCOW2_EXT_BITMAPS);
    be32_put(extension + 4, 24);
    be32_put(extension + 8, 1);
    be64_put(extension + 16, 25);
    be64_put(extension + 24, at);
    memcpy(image->data + head, extension, sizeof extension);
    be64_put(image->data + QCOW2_AT_AUTOCLEAR, QCOW2_BITMAPS);
    g_byte_array_set_size(image, at + 3 * cluster);
    memset(image->data + end, 0, at + 3 * cluster - end);
    be64_put(row, at + cluster);
    be32_put(row + 8, 1);
    be32_put(row + 12, 2);                      /* follows the disk */
    be32_put(row + 16, 1 << 24 | 9 << 16 | 1);  /* dirty tracking, 512 bytes, "b" */
    row[24] = 'b';
    memcpy(image->data + at, row, 25);
    be64_put(image->data + at + cluster, at + 2 * cluster);
    node = trial_open(image, BLOCK_RDWR | BLOCK_RESIZE | BLOCK_CHECK, "", NULL);
    g_assert_true(qcow2_check(node, QCOW2_FIX_LEAKS | QCOW2_FIX_ERRORS, &result, NULL));
    g_assert_cmpuint(result.corruptions + result.check_errors, ==, 0);
    g_byte_array_unref(image);
    image = g_byte_array_ref(mem_file(node->file)->bytes);
    node_unref(node);
    return image;
}

static GByteArray *good_image(unsigned i)
{
    static const char *const kinds[] = {
        "cluster_size=512", "cluster_size=512,compat=v2",
        "cluster_size=1024,refcount_bits=1", "cluster_size=2048",
        "cluster_size=512,lazy_refcounts=on,refcount_bits=64",
        "cluster_size=512,compression_type=zstd",
    };
    const char *kind = kinds[i % G_N_ELEMENTS(kinds)];
    GByteArray *image = trial_image(kind, DISK, i);

    return strstr(kind, "v2") || i % 2 ? image : with_bitmap(image);
}

/* ---- lies ---- */

static u64 some_entry(const GByteArray *image, const GArray *areas)
{
    static const u64 flags[] = { 0, QCOW2_COPIED, QCOW2_COPIED, QCOW2_ZERO,
                                 QCOW2_COMPRESSED, QCOW2_COPIED | QCOW2_ZERO };
    u64 cluster = 1ull << be32_at(image->data + 20);
    u64 flag = flags[below(G_N_ELEMENTS(flags))];
    const Area *area = &g_array_index(areas, Area, below(areas->len));

    switch (below(8)) {
    case 0:
        return chance_next(&chance);
    case 1:                                     /* behind the end */
        return ((image->len + below(1 << 20)) & -cluster) | flag;
    case 2:
        return (QCOW2_MAX_HOST - below(1 << 20) * 512) | flag;
    case 3:                                     /* not at a cluster */
        return (below(image->len) & ~511ull) | flag;
    case 4:
    case 5:                                     /* a table */
        return (area->offset & -cluster) | flag;
    case 6:                                     /* what another entry has */
        return be64_at(image->data + area->offset + below(area->bytes / 8) * 8);
    default:
        return (below(image->len) & -cluster) | flag;
    }
}

static void lie(GByteArray *image, const GArray *areas)
{
    const Area *area = &g_array_index(areas, Area, below(areas->len));
    u64 at = 0;

    for (unsigned i = 0; i < 4; i++) {          /* rather where something is */
        at = area->offset + below(area->bytes / 8) * 8;
        if (be64_at(image->data + at)) {
            break;
        }
    }
    switch (below(8)) {
    case 0:
        image->data[at + below(8)] = chance_next(&chance);
        break;
    case 1:
        image->data[at + below(8)] ^= 1u << below(8);
        break;
    case 2:
        be64_put(image->data + at, 0);
        break;
    default:
        be64_put(image->data + at, some_entry(image, areas));
    }
}

/* ---- use ---- */

static void span(BlockNode *node, u64 *at, u64 *n)
{
    u64 length = node_length(node);

    *at = length ? below(MIN(length, 2 * DISK)) & ~511ull : 0;
    *at = below(32) || length < sizeof data ? *at : length - sizeof data;
    *n = MIN(512 * (1 + below(below(4) ? 4 : sizeof data / 512)), length - *at);
}

static void snapshot_step(BlockNode *node)
{
    unsigned n;
    const Qcow2Snapshot *sn = qcow2_snapshots(node, &n);
    g_autofree char *id = n ? g_strdup(sn[below(n)].id) : g_strdup("1");

    switch (below(3)) {
    case 0:
        if (n < 4) {
            (void)!qcow2_snapshot_create(node, "fuzz", NULL);
        }
        break;
    case 1:
        applied |= qcow2_snapshot_apply(node, id, NULL);
        break;
    default:
        (void)!qcow2_snapshot_delete(node, id, NULL);
    }
}

static void rare_step(BlockNode *node)
{
    Qcow2Check result = { .say = NULL };

    switch (below(6)) {
    case 0:
        (void)!qcow2_make_empty(node, NULL);
        break;
    case 1:
        (void)!node_truncate(node, below(4 * DISK) & ~511ull, NULL);
        break;
    case 2:
        (void)!qcow2_set_backing(node, below(2) ? "null" : NULL, NULL, NULL);
        break;
    case 3:
        (void)!qcow2_check(node, 0, &result, NULL);
        break;
    case 4:
        (void)!qcow2_preallocate(node, 0, QCOW2_ALLOCATE_METADATA, NULL);
        break;
    default:
        snapshot_step(node);
    }
}

static void step(BlockNode *node)
{
    u64 cluster = qcow2_cluster_size(node), at, n;
    BlockStatus status;

    span(node, &at, &n);
    switch (n ? below(64) : 63) {
    case 0 ... 19:
        (void)!node_write(node, at, data, n);
        break;
    case 20 ... 44: {
        static u8 to[sizeof data];

        (void)!node_read(node, at, to, n);
        break;
    }
    case 45 ... 48:
        (void)!node_status(node, at, n, &status);
        break;
    case 49 ... 52:
        (void)!node_write_zeroes(node, at, n, below(2));
        break;
    case 53 ... 55:
        (void)!node_discard(node, at, n);
        break;
    case 56 ... 59:
        at &= -cluster;
        (void)!qcow2_write_compressed(node, at, data,
                                      MIN(cluster, node_length(node) - at));
        break;
    case 60 ... 62:
        (void)!node_flush(node);
        break;
    default:
        rare_step(node);
    }
}

/* ---- what must hold ---- */

static bool is_data(const u8 *at)
{
    return be64_at(at) == DATA * 0x0101010101010101ull;
}

/* The tables that the header on disk names hold no guest data. */
static void no_data_in_tables(const GByteArray *image)
{
    g_autoptr(GArray) areas = tables_of(image, false);

    for (guint i = 0; i < areas->len; i++) {
        const Area *area = &g_array_index(areas, Area, i);

        for (u64 at = 0; at < area->bytes; at += 8) {
            if (is_data(image->data + area->offset + at)) {
                g_error("guest data in the table at 0x%" G_GINT64_MODIFIER "x",
                        area->offset);
            }
        }
    }
}

static BlockNode *open_limited(const GByteArray *image, BlockFlags flags)
{
    BlockNode *node = trial_open(image, flags, "", NULL);

    if (node) {
        mem_file(node->file)->max = FILE_MAX;
    }
    return node;
}

static unsigned use(const GByteArray *image, BlockFlags flags)
{
    BlockNode *node = open_limited(image, flags);
    BlockNode *file;
    bool settled;

    if (!node) {
        return 1;
    }
    file = node_ref(node->file);
    applied = false;
    for (unsigned i = 0; i < PER_IMAGE; i++) {
        step(node);
    }
    settled = node_flush(node) == 0;
    node_unref(node);
    if (settled && !applied) {
        no_data_in_tables(mem_file(file)->bytes);
    }
    node_unref(file);
    return PER_IMAGE;
}

static void tell(void *opaque, const char *line)
{
    g_test_message("%s: %s", (const char *)opaque, line);
}

static void repair(const GByteArray *image)
{
    const BlockFlags flags = BLOCK_RDWR | BLOCK_RESIZE;
    Qcow2Check first = { .say = NULL };
    Qcow2Check second = { .say = tell, .opaque = "after the repair" };
    BlockNode *node = open_limited(image, flags | BLOCK_CHECK);
    g_autoptr(GByteArray) repaired = NULL;
    g_autoptr(GError) err = NULL;

    if (!node) {
        return;
    }
    if (qcow2_check(node, QCOW2_FIX_LEAKS | QCOW2_FIX_ERRORS, &first, NULL) &&
        !first.corruptions && !first.check_errors &&
        !be32_at(image->data + QCOW2_AT_SNAPSHOTS)) {
        repaired = g_byte_array_ref(mem_file(node->file)->bytes);
    }
    node_unref(node);
    if (repaired) {
        node = trial_open(repaired, flags, "", &err);
        g_assert_no_error(err);
        g_assert_true(qcow2_check(node, 0, &second, NULL));
        g_assert_cmpuint(second.corruptions + second.check_errors, ==, 0);
        g_assert_cmpuint(second.leaks, ==, 0);
        node_unref(node);
    }
}

static void tables_lie(void)
{
    const char *text = g_getenv("MAYFLY_FUZZ");
    u64 steps = (u64)STEPS * (text ? MAX(atoi(text), 1) : 1), done = 0;
    g_autoptr(GByteArray) good = NULL;
    g_autoptr(GArray) areas = NULL;

    chance = chance_new((u32)g_test_rand_int());
    memset(data, DATA, sizeof data);
    for (unsigned i = 0; done < steps; i++) {
        g_autoptr(GByteArray) image = g_byte_array_new();

        if (i % PER_GOOD == 0) {
            g_clear_pointer(&good, g_byte_array_unref);
            g_clear_pointer(&areas, g_array_unref);
            good = good_image(i / PER_GOOD);
            areas = tables_of(good, true);
        }
        g_byte_array_append(image, good->data, good->len);
        for (u64 n = 1 + below(6); n > 0; n--) {
            lie(image, areas);
        }
        done += use(image, below(8) ? BLOCK_RDWR | BLOCK_RESIZE | BLOCK_UNMAP : 0);
        repair(image);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2/hostile/tables", tables_lie);
    return g_test_run();
}
