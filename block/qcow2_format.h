/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qcow2 format, versions 2 and 3: what stands where in the file, and which values
 * are legal.  Only bytes and arithmetic; no I/O.
 *
 *     cluster 0      header, extensions, name of the backing file
 *     L1 table       guest offset / (cluster * entries of an L2) -> L2 table
 *     L2 table       one cluster: guest cluster -> host cluster, or compressed bytes
 *     refcount table host cluster / entries of a block -> refcount block
 *     refcount block one cluster of counters, 1 to 64 bits each
 *     snapshot table names, times, and an L1 table of its own for each
 *
 * All of these lie anywhere in the file, at cluster boundaries; all numbers are big
 * endian.  Whatever comes from a file is hostile: header_parse judges every field, and
 * the entry functions mask what is reserved and tell what can't be.
 *
 * Any thread.
 */

#ifndef BLOCK_QCOW2_FORMAT_H
#define BLOCK_QCOW2_FORMAT_H

#include "base/types.h"

enum {
    QCOW2_MAGIC = 0x514649fb,
    QCOW2_V2_LENGTH = 72,
    QCOW2_V3_LENGTH = 104,
    QCOW2_LENGTH = 112,                     /* with the compression type */
    QCOW2_MAX_NAME = 1023,                  /* of the backing file */
    QCOW2_MAX_SNAPSHOTS = 65536,
    QCOW2_MIN_BITS = 9, QCOW2_MAX_BITS = 21,
};

#define QCOW2_MAX_L1_BYTES        (32 * MiB)
#define QCOW2_MAX_REFTABLE_BYTES  (8 * MiB)
#define QCOW2_MAX_SNAPSHOT_TABLE  (64 * MiB)
/* Host offsets have 56 bits. */
#define QCOW2_MAX_HOST            (1ull << 56)

/* Feature bits. */
enum { QCOW2_DIRTY = 1 << 0, QCOW2_CORRUPT = 1 << 1, QCOW2_DATA_FILE = 1 << 2,
       QCOW2_COMPRESSION = 1 << 3, QCOW2_EXTENDED_L2 = 1 << 4 };
enum { QCOW2_LAZY_REFCOUNTS = 1 << 0 };                     /* compatible */
enum { QCOW2_BITMAPS = 1 << 0, QCOW2_RAW_DATA = 1 << 1 };   /* autoclear */
enum { QCOW2_ZLIB = 0, QCOW2_ZSTD = 1 };

/* Types of header extensions. */
enum {
    QCOW2_EXT_END      = 0,
    QCOW2_EXT_FORMAT   = 0xe2792aca,
    QCOW2_EXT_FEATURES = 0x6803f857,
    QCOW2_EXT_BITMAPS  = 0x23852875,
    QCOW2_EXT_CRYPT    = 0x0537be77,
    QCOW2_EXT_DATA     = 0x44415441,
};

/* Where fields stand that are rewritten alone. */
enum {
    QCOW2_AT_SIZE = 24, QCOW2_AT_L1 = 36, QCOW2_AT_REFTABLE = 48,
    QCOW2_AT_SNAPSHOTS = 60, QCOW2_AT_INCOMPATIBLE = 72, QCOW2_AT_AUTOCLEAR = 88,
};

typedef struct {
    u32 version;
    u64 backing_offset;
    u32 backing_size, cluster_bits;
    u64 size;
    u32 crypt_method, l1_size;
    u64 l1_offset, reftable_offset;
    u32 reftable_clusters, n_snapshots;
    u64 snapshots_offset, incompatible, compatible, autoclear;
    u32 refcount_order, header_length, compression;
} Qcow2Header;

static inline u64 be64_at(const u8 *at)
{
    u64 value;

    __builtin_memcpy(&value, at, sizeof value);
    return GUINT64_FROM_BE(value);
}

static inline u32 be32_at(const u8 *at)
{
    u32 value;

    __builtin_memcpy(&value, at, sizeof value);
    return GUINT32_FROM_BE(value);
}

static inline void be64_put(u8 *at, u64 value)
{
    value = GUINT64_TO_BE(value);
    __builtin_memcpy(at, &value, sizeof value);
}

static inline void be32_put(u8 *at, u32 value)
{
    value = GUINT32_TO_BE(value);
    __builtin_memcpy(at, &value, sizeof value);
}

static inline u64 units(u64 n, u64 unit)            /* rounded up, without overflow */
{
    return n / unit + (n % unit != 0);
}

/* ---- header ---- */

bool qcow2_is(const u8 *head, size_t n);

/*
 * Reads a header and judges every field of it that can be judged alone; `n` bytes are
 * there.  Unknown incompatible features are not judged (qcow2_unknown_features).
 */
bool header_parse(Qcow2Header *h, const u8 *from, size_t n, GError **err) must_check;
/* Writes h->header_length bytes. */
void header_put(const Qcow2Header *h, u8 *to);

/*
 * The names of incompatible features we don't have, for a message; NULL: none.
 * `table` is the image's feature name table (n bytes; may be NULL).
 */
char *qcow2_unknown_features(u64 incompatible, const u8 *table, size_t n);
/* The table of names that we write. */
GByteArray *qcow2_feature_table(void);

/* L1 entries that a disk of this size needs; UINT64_MAX bytes are no problem. */
u64 l1_entries_for(u64 size, unsigned cluster_bits);

/* ---- refcounts ---- */

/* Counter `i` of a block; `order`: log2 of a counter's bits. */
u64 refcount_at(const u8 *block, u64 i, unsigned order);
void refcount_put(u8 *block, u64 i, unsigned order, u64 value);

static inline u64 refcount_max(unsigned order)
{
    return order == 6 ? UINT64_MAX : (1ull << (1u << order)) - 1;
}

/* Counters in a block: cluster bytes * 8 / bits. */
static inline unsigned refblock_bits(unsigned cluster_bits, unsigned order)
{
    return cluster_bits + 3 - order;
}

/* ---- L1 and L2 entries ---- */

#define QCOW2_COPIED      (1ull << 63)      /* refcount is exactly 1 */
#define QCOW2_COMPRESSED  (1ull << 62)
#define QCOW2_ZERO        (1ull << 0)
#define QCOW2_OFFSET      0x00fffffffffffe00ull
#define QCOW2_L1_RESERVED 0x7f000000000001ffull
#define QCOW2_L2_RESERVED 0x3f000000000001feull
#define QCOW2_REF_OFFSET  (~0x1ffull)       /* a refcount table's entry */

typedef enum { ENTRY_NONE, ENTRY_DATA, ENTRY_ZERO, ENTRY_COMPRESSED } EntryKind;

static inline EntryKind entry_kind(u64 entry)
{
    if (entry & QCOW2_COMPRESSED) {
        return ENTRY_COMPRESSED;
    }
    if (entry & QCOW2_ZERO) {
        return ENTRY_ZERO;
    }
    return entry & QCOW2_OFFSET ? ENTRY_DATA : ENTRY_NONE;
}

/* Where compressed bytes lie: `bytes` to the end of their last sector. */
typedef struct {
    u64 offset, bytes;
} Packed;

Packed packed_of(u64 entry, unsigned cluster_bits);
/* The entry for `bytes` compressed bytes at `offset`; 0 if that can't be said. */
u64 packed_entry(u64 offset, u64 bytes, unsigned cluster_bits);

#endif
