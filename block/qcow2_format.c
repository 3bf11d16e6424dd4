/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes and arithmetic of the qcow2 format (qcow2_format.h).
 */

#include "block/qcow2_format.h"

#include <string.h>

/* ---- header ---- */

/* Every field of the header, where it stands and how wide it is. */
#define AT(at, member, since) \
    { at, offsetof(Qcow2Header, member), sizeof ((Qcow2Header *)0)->member, since }
static const struct {
    u8 at, member, size, since;
} header_fields[] = {
    AT(4,  version, 2),            AT(8,  backing_offset, 2),
    AT(16, backing_size, 2),       AT(20, cluster_bits, 2),
    AT(24, size, 2),               AT(32, crypt_method, 2),
    AT(36, l1_size, 2),            AT(40, l1_offset, 2),
    AT(48, reftable_offset, 2),    AT(56, reftable_clusters, 2),
    AT(60, n_snapshots, 2),        AT(64, snapshots_offset, 2),
    AT(72, incompatible, 3),       AT(80, compatible, 3),
    AT(88, autoclear, 3),          AT(96, refcount_order, 3),
    AT(100, header_length, 3),
};
enum { AT_COMPRESSION = 104 };

bool qcow2_is(const u8 *head, size_t n)
{
    return n >= 8 && be32_at(head) == QCOW2_MAGIC;
}

static void header_get(Qcow2Header *h, const u8 *from)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(header_fields); i++) {
        u8 *member = (u8 *)h + header_fields[i].member;

        if (header_fields[i].since > be32_at(from + 4)) {
            continue;
        }
        if (header_fields[i].size == 8) {
            *(u64 *)member = be64_at(from + header_fields[i].at);
        } else {
            *(u32 *)member = be32_at(from + header_fields[i].at);
        }
    }
}

void header_put(const Qcow2Header *h, u8 *to)
{
    memset(to, 0, h->header_length);
    be32_put(to, QCOW2_MAGIC);
    for (unsigned i = 0; i < G_N_ELEMENTS(header_fields); i++) {
        const u8 *member = (const u8 *)h + header_fields[i].member;

        if (header_fields[i].since > h->version) {
            continue;
        }
        if (header_fields[i].size == 8) {
            be64_put(to + header_fields[i].at, *(const u64 *)member);
        } else {
            be32_put(to + header_fields[i].at, *(const u32 *)member);
        }
    }
    if (h->header_length > AT_COMPRESSION) {
        to[AT_COMPRESSION] = h->compression;
    }
}

static bool bad(GError **err, const char *fmt, ...) printf_like(2, 3);
static bool bad(GError **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (err) {
        *err = g_error_new_valist(G_FILE_ERROR, G_FILE_ERROR_INVAL, fmt, args);
    }
    va_end(args);
    return false;
}

/* A table of `bytes` at `offset` begins at a cluster and lies below the end of all. */
static bool is_place(const Qcow2Header *h, u64 offset, u64 bytes)
{
    return (offset & ((1ull << h->cluster_bits) - 1)) == 0 && offset < QCOW2_MAX_HOST &&
           bytes <= QCOW2_MAX_HOST - offset;
}

u64 l1_entries_for(u64 size, unsigned cluster_bits)
{
    return units(units(size, 1ull << cluster_bits), 1ull << (cluster_bits - 3));
}

static bool features_fit(const Qcow2Header *h, GError **err)
{
    bool packs = h->incompatible & QCOW2_COMPRESSION;

    if (h->refcount_order > 6) {
        return bad(err, "refcounts have 1 to 64 bits, not 1 << %u", h->refcount_order);
    }
    if (packs != (h->compression != QCOW2_ZLIB)) {
        return bad(err, "the compression type and its feature bit don't agree");
    }
    if (h->compression > QCOW2_ZSTD) {
        return bad(err, "compression type %u is neither zlib (0) nor zstd (1)",
                   h->compression);
    }
    return true;
}

static bool tables_fit(const Qcow2Header *h, GError **err)
{
    u64 cluster = 1ull << h->cluster_bits;
    u64 table = (u64)h->reftable_clusters << h->cluster_bits;

    if (table > MAX(QCOW2_MAX_REFTABLE_BYTES, cluster)) {
        return bad(err, "the refcount table is too large (%u clusters)",
                   h->reftable_clusters);
    }
    if (!h->reftable_clusters) {
        return bad(err, "the image has no refcount table");
    }
    if (!is_place(h, h->reftable_offset, table) || !h->reftable_offset) {
        return bad(err, "the refcount table can't be at offset 0x%" G_GINT64_MODIFIER
                   "x", h->reftable_offset);
    }
    if (h->l1_size > QCOW2_MAX_L1_BYTES / 8) {
        return bad(err, "the active L1 table is too large (%u entries)", h->l1_size);
    }
    if (h->l1_size < l1_entries_for(h->size, h->cluster_bits)) {
        return bad(err, "the L1 table is too small for a disk of %" G_GUINT64_FORMAT
                   " bytes", h->size);
    }
    if (!is_place(h, h->l1_offset, h->l1_size * 8ull) ||
        (h->l1_size && !h->l1_offset)) {
        return bad(err, "the L1 table can't be at offset 0x%" G_GINT64_MODIFIER "x",
                   h->l1_offset);
    }
    if (h->n_snapshots > QCOW2_MAX_SNAPSHOTS) {
        return bad(err, "%u snapshots are too many: at most %u", h->n_snapshots,
                   QCOW2_MAX_SNAPSHOTS);
    }
    if (h->n_snapshots &&
        (!is_place(h, h->snapshots_offset, cluster) || !h->snapshots_offset)) {
        return bad(err, "the snapshot table can't be at offset 0x%" G_GINT64_MODIFIER
                   "x", h->snapshots_offset);
    }
    return true;
}

static bool name_fits(const Qcow2Header *h, GError **err)
{
    if (!h->backing_offset) {
        return true;
    }
    if (h->backing_size > QCOW2_MAX_NAME ||
        h->backing_offset > (1ull << h->cluster_bits) - h->backing_size) {
        return bad(err, "the backing file's name is too long or out of place");
    }
    return true;
}

bool header_parse(Qcow2Header *h, const u8 *from, size_t n, GError **err)
{
    *h = (Qcow2Header){ .refcount_order = 4, .header_length = QCOW2_V2_LENGTH };
    if (n < QCOW2_V2_LENGTH || !qcow2_is(from, n)) {
        return bad(err, "not a qcow2 image");
    }
    h->version = be32_at(from + 4);
    if (h->version != 2 && h->version != 3) {
        return bad(err, "qcow2 version %u is not supported: only 2 and 3", h->version);
    }
    if (h->version == 3 && n < QCOW2_V3_LENGTH) {
        return bad(err, "the header is cut off");
    }
    header_get(h, from);
    if (h->cluster_bits < QCOW2_MIN_BITS || h->cluster_bits > QCOW2_MAX_BITS) {
        return bad(err, "clusters have 512 bytes to 2 MiB, not 1 << %u",
                   h->cluster_bits);
    }
    if (h->header_length < (h->version == 2 ? QCOW2_V2_LENGTH : QCOW2_V3_LENGTH) ||
        h->header_length % 8 || h->header_length > 1ull << h->cluster_bits ||
        h->header_length > n) {
        return bad(err, "a header of %u bytes can't be", h->header_length);
    }
    if (h->header_length > AT_COMPRESSION) {
        h->compression = from[AT_COMPRESSION];
    }
    if (h->crypt_method > 2) {
        return bad(err, "encryption method %u is unknown", h->crypt_method);
    }
    if (h->size > INT64_MAX) {
        return bad(err, "a disk of %" G_GUINT64_FORMAT " bytes is too large", h->size);
    }
    return features_fit(h, err) && tables_fit(h, err) && name_fits(h, err);
}

/* ---- features ---- */

static const struct {
    u8 type, bit;
    const char *name;
} features[] = {
    { 0, 0, "dirty bit" },
    { 0, 1, "corrupt bit" },
    { 0, 2, "external data file" },
    { 0, 3, "compression type" },
    { 0, 4, "extended L2 entries" },
    { 1, 0, "lazy refcounts" },
    { 2, 0, "bitmaps" },
    { 2, 1, "raw external data" },
};
enum { FEATURE_ROW = 48 };
#define KNOWN_FEATURES (QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_COMPRESSION)

GByteArray *qcow2_feature_table(void)
{
    GByteArray *table = g_byte_array_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        u8 row[FEATURE_ROW] = { features[i].type, features[i].bit };

        memcpy(row + 2, features[i].name, strlen(features[i].name));
        g_byte_array_append(table, row, sizeof row);
    }
    return table;
}

/* What the image itself calls the feature; it may be any text. */
static char *name_in_table(unsigned bit, const u8 *table, size_t n)
{
    for (; n >= FEATURE_ROW; table += FEATURE_ROW, n -= FEATURE_ROW) {
        if (table[0] == 0 && table[1] == bit) {
            g_autofree char *text = g_strndup((const char *)table + 2, FEATURE_ROW - 2);

            return g_strescape(text, NULL);
        }
    }
    return NULL;
}

static char *feature_name(unsigned bit, const u8 *table, size_t n)
{
    char *name = name_in_table(bit, table, n);

    for (unsigned i = 0; i < G_N_ELEMENTS(features) && !name; i++) {
        if (features[i].type == 0 && features[i].bit == bit) {
            name = g_strdup(features[i].name);
        }
    }
    return name ? name : g_strdup_printf("unknown incompatible feature %u", bit);
}

char *qcow2_unknown_features(u64 incompatible, const u8 *table, size_t n)
{
    g_autoptr(GString) names = g_string_new(NULL);
    u64 unknown = incompatible & ~(u64)KNOWN_FEATURES;

    if (!unknown) {
        return NULL;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        if (unknown >> bit & 1) {
            g_autofree char *name = feature_name(bit, table, n);

            g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
        }
    }
    return g_string_free(g_steal_pointer(&names), FALSE);
}

/* ---- refcounts ---- */

u64 refcount_at(const u8 *block, u64 i, unsigned order)
{
    switch (order) {
    case 6:
        return be64_at(block + i * 8);
    case 5:
        return be32_at(block + i * 4);
    case 4:
        return block[i * 2] << 8 | block[i * 2 + 1];
    case 3:
        return block[i];
    default:        /* less than a byte: the first counter has the lowest bits */
        return block[i << order >> 3] >> ((i << order) & 7) & refcount_max(order);
    }
}

void refcount_put(u8 *block, u64 i, unsigned order, u64 value)
{
    unsigned shift;
    u8 *at;

    switch (order) {
    case 6:
        be64_put(block + i * 8, value);
        break;
    case 5:
        be32_put(block + i * 4, value);
        break;
    case 4:
        block[i * 2] = value >> 8;
        block[i * 2 + 1] = value;
        break;
    case 3:
        block[i] = value;
        break;
    default:
        at = block + (i << order >> 3);
        shift = (i << order) & 7;
        *at = (*at & ~(refcount_max(order) << shift)) | value << shift;
    }
}

/* ---- compressed clusters ---- */

/*
 * The entry holds the offset in its low bits and, above them, how many sectors follow
 * the one in which the bytes begin.  The larger a cluster, the more bits that needs.
 */
static unsigned packed_shift(unsigned cluster_bits)
{
    return 62 - (cluster_bits - 8);
}

Packed packed_of(u64 entry, unsigned cluster_bits)
{
    unsigned shift = packed_shift(cluster_bits);
    u64 sectors = ((entry & ~(QCOW2_COPIED | QCOW2_COMPRESSED)) >> shift) + 1;
    u64 offset = entry & ((1ull << shift) - 1) & (QCOW2_MAX_HOST - 1);

    return (Packed){ offset, sectors * 512 - (offset & 511) };
}

u64 packed_entry(u64 offset, u64 bytes, unsigned cluster_bits)
{
    unsigned shift = packed_shift(cluster_bits);
    u64 more = ((offset & 511) + bytes - 1) / 512;

    if (offset >> MIN(shift, 56) || more >= 1ull << (62 - shift) || !bytes) {
        return 0;
    }
    return QCOW2_COMPRESSED | more << shift | offset;
}
