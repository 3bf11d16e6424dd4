/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps that an image carries.  They are listed, kept whole and kept from being
 * overwritten; those that should follow the disk's changes ("auto") are marked as in
 * use before the first change, which tells whoever wants them that they are stale.
 */

#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

enum { ROW_BYTES = 24, AT_FLAGS = 12, IN_USE = 1, AUTO = 2, MAX_BITMAPS = 65535 };
#define MAX_DIRECTORY (4 * MiB)
/* Clusters of all bitmaps together: many tables at one place would fill the memory. */
#define MAX_TABLE     (8 * MiB / 8)

static void bitmap_clear(void *opaque)
{
    g_free(((Qcow2Bitmap *)opaque)->name);
}

static void place_add(Qcow2 *q, u64 offset, u64 bytes)
{
    Run run = { offset / q->cluster, units(bytes, q->cluster) };

    g_array_append_val(q->bitmap_places, run);
}

/* The bits' own clusters. */
static bool places_load(Qcow2 *q, const Qcow2Bitmap *bitmap, GError **err)
{
    g_autofree u64 *table = NULL;
    int error;

    if (q->bitmap_places->len + (u64)bitmap->table_entries > MAX_TABLE ||
        bitmap->table_offset & (q->cluster - 1) ||
        bitmap->table_offset >= QCOW2_MAX_HOST) {
        return qcow2_fail(q, err, "the table of bitmap '%s' can't be", bitmap->name);
    }
    table = g_new(u64, MAX(bitmap->table_entries, 1));
    error = words_read(q, bitmap->table_offset, table, bitmap->table_entries);
    if (error) {
        return node_error(q->node, error, "can't read a bitmap's table", err);
    }
    place_add(q, bitmap->table_offset, bitmap->table_entries * 8ull);
    for (u32 i = 0; i < bitmap->table_entries; i++) {
        if (table[i] & QCOW2_OFFSET) {
            place_add(q, table[i] & QCOW2_OFFSET, q->cluster);
        }
    }
    return true;
}

static bool row_load(Qcow2 *q, u64 *at, u64 end, GError **err)
{
    const u8 *row = q->bitmap_directory + *at;
    u32 name, extra;
    Qcow2Bitmap bitmap;

    if (end - *at < ROW_BYTES) {
        return qcow2_fail(q, err, "the bitmap directory is cut off");
    }
    name = row[18] << 8 | row[19];
    extra = be32_at(row + 20);
    if ((u64)name + extra > end - *at - ROW_BYTES || row[17] > 63 || !name) {
        return qcow2_fail(q, err, "a row of the bitmap directory can't be");
    }
    bitmap = (Qcow2Bitmap){
        .table_offset = be64_at(row), .table_entries = be32_at(row + 8),
        .flags = be32_at(row + AT_FLAGS), .granularity = 1ull << row[17],
        .name = g_strndup((const char *)row + ROW_BYTES + extra, name),
    };
    g_array_append_val(q->bitmaps, bitmap);
    *at += MIN((ROW_BYTES + (u64)name + extra + 7) & ~7ull, end - *at);
    return places_load(q, &g_array_index(q->bitmaps, Qcow2Bitmap, q->bitmaps->len - 1),
                       err);
}

bool bitmaps_load(Qcow2 *q, GError **err)
{
    const Extension *e = qcow2_extension(q, QCOW2_EXT_BITMAPS);
    u64 offset, bytes;
    u32 n;
    int error;

    q->bitmap_places = g_array_new(FALSE, FALSE, sizeof(Run));
    q->bitmaps = g_array_new(FALSE, FALSE, sizeof(Qcow2Bitmap));
    g_array_set_clear_func(q->bitmaps, bitmap_clear);
    if (!(q->h.autoclear & QCOW2_BITMAPS)) {
        return true;
    }
    if (!e || e->bytes < 24) {
        return qcow2_fail(q, err, "the image has bitmaps but does not say where");
    }
    n = be32_at(e->data);
    bytes = be64_at(e->data + 8);
    offset = be64_at(e->data + 16);
    if (!n || n > MAX_BITMAPS || bytes > MAX_DIRECTORY || offset & (q->cluster - 1) ||
        offset >= QCOW2_MAX_HOST) {
        return qcow2_fail(q, err, "the bitmap directory can't be");
    }
    q->bitmap_directory = g_malloc(bytes + 1);
    error = node_read(q->file, offset, q->bitmap_directory, bytes);
    if (error) {
        return node_error(q->node, error, "can't read the bitmap directory", err);
    }
    place_add(q, offset, bytes);
    for (u64 at = 0; n > 0; n--) {
        if (!row_load(q, &at, bytes, err)) {
            return false;
        }
    }
    return true;
}

void bitmaps_free(Qcow2 *q)
{
    g_clear_pointer(&q->bitmap_places, g_array_unref);
    g_clear_pointer(&q->bitmaps, g_array_unref);
    g_clear_pointer(&q->bitmap_directory, g_free);
}

int bitmaps_invalidate(Qcow2 *q)
{
    const Extension *e = qcow2_extension(q, QCOW2_EXT_BITMAPS);
    u64 at = 0;

    for (guint i = 0; i < q->bitmaps->len; i++) {
        Qcow2Bitmap *bitmap = &g_array_index(q->bitmaps, Qcow2Bitmap, i);
        const u8 *row = q->bitmap_directory + at;
        u8 flags[4];

        if ((bitmap->flags & (IN_USE | AUTO)) == AUTO) {
            int error;

            be32_put(flags, bitmap->flags | IN_USE);
            error = node_write(q->file, be64_at(e->data + 16) + at + AT_FLAGS, flags,
                               sizeof flags);
            if (error) {
                return error;
            }
            bitmap->flags |= IN_USE;
        }
        at += (ROW_BYTES + (row[18] << 8 | row[19]) + be32_at(row + 20) + 7) & ~7ull;
    }
    return 0;
}

const Qcow2Bitmap *qcow2_bitmaps(BlockNode *node, unsigned *n)
{
    *n = qcow2_of(node)->bitmaps->len;
    return (const Qcow2Bitmap *)qcow2_of(node)->bitmaps->data;
}
