/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making an empty qcow2 image: header, refcount table, one refcount block, L1 table.
 * Where more is needed (a long L1 table with small clusters, preallocation) the image
 * is opened and grows as any other does.
 */

#include "block/options.h"
#include "block/qcow2.h"
#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

static const char *const compats[] = { "0.10", "v2", "1.1", "v3", NULL };
static const char *const compressions[] = { "zlib", "zstd", NULL };
static const char *const preallocations[] = { "off", "metadata", "falloc", "full",
                                              NULL };
static const char *const only_off[] = { "off", NULL };

PROPS(CreateOptions,
    (str, backing_file, "file name of a base image", .max = QCOW2_MAX_NAME),
    (str, backing_fmt, "format of the base image"),
    (u64, cluster_size, "bytes of a cluster", .is_size = true, .def = 65536,
          .min = 512, .max = 2 * MiB),
    (u8,  compat, "version: v2 (0.10) or v3 (1.1)", .names = compats, .def = 3),
    (u8,  compression_type, "of compressed clusters", .names = compressions),
    (u8,  extended_l2, "subclusters; not supported", .names = only_off),
    (bool, lazy_refcounts, "postpone refcount updates"),
    (u8,  preallocation, "space that is taken at once", .names = preallocations),
    (u8,  refcount_bits, "width of a refcount", .def = 16, .min = 1, .max = 64));


const Field *qcow2_create_fields(void)
{
    return CreateOptions_fields;
}

static bool refuse(GError **err, const char *text)
{
    g_set_error_literal(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
    return false;
}

static bool options_agree(const CreateOptions *o, u64 size, GError **err)
{
    bool is_v2 = o->compat < 2;
    unsigned bits = __builtin_ctzll(o->cluster_size);

    if (o->cluster_size & (o->cluster_size - 1)) {
        return refuse(err, "Cluster size must be a power of two between 512 and 2048k");
    }
    if (o->refcount_bits & (o->refcount_bits - 1)) {
        return refuse(err,
                      "Refcount width must be a power of two and may not exceed 64 "
                      "bits");
    }
    if (is_v2 && o->refcount_bits != 16) {
        return refuse(err,
                      "Different refcount widths than 16 bits require compatibility "
                      "level 1.1 or above (use version=v3 or greater)");
    }
    if (is_v2 && o->lazy_refcounts) {
        return refuse(err, "Lazy refcounts only supported with compatibility level 1.1 "
                           "and above (use version=v3 or greater)");
    }
    if (is_v2 && o->compression_type) {
        return refuse(err, "Non-zlib compression type is only supported with "
                           "compatibility level 1.1 and above (use version=v3 or "
                           "greater)");
    }
    if (o->backing_fmt && !o->backing_file) {
        return refuse(err, "Backing format cannot be used without backing file");
    }
    if (o->preallocation && o->backing_file) {
        return refuse(err,
                      "Backing file and preallocation can only be used at the same "
                      "time if extended_l2 is enabled");
    }
    if (size > INT64_MAX || l1_entries_for(size, bits) * 8 > QCOW2_MAX_L1_BYTES) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "The image size is too large for clusters of %" G_GUINT64_FORMAT
                    " bytes", o->cluster_size);
        return false;
    }
    return true;
}

/* ---- the first clusters ---- */

/* Refcount table, its first block, and the L1 table follow the header. */
enum { AT_REFTABLE = 1, AT_REFBLOCK, AT_L1 };

static Qcow2Header header_for(const CreateOptions *o, u64 size)
{
    Qcow2Header h = {
        .version = o->compat < 2 ? 2 : 3,
        .cluster_bits = __builtin_ctzll(o->cluster_size),
        .reftable_offset = AT_REFTABLE * o->cluster_size, .reftable_clusters = 1,
        .l1_offset = AT_L1 * o->cluster_size, .l1_size = 1,
        .refcount_order = __builtin_ctz(o->refcount_bits),
        .compression = o->compression_type,
        .incompatible = o->compression_type ? QCOW2_COMPRESSION : 0,
        .compatible = o->lazy_refcounts ? QCOW2_LAZY_REFCOUNTS : 0,
    };
    u64 entries = l1_entries_for(size, h.cluster_bits);

    h.header_length = h.version == 2 ? QCOW2_V2_LENGTH : QCOW2_LENGTH;
    /* What fits under one refcount block is made at once. */
    if (AT_L1 + units(entries * 8, o->cluster_size) <=
        1ull << refblock_bits(h.cluster_bits, h.refcount_order)) {
        h.l1_size = MAX(entries, 1);
        h.size = size;
    }
    return h;
}

static int first_clusters_write(Qcow2 *q)
{
    u64 n = AT_L1 + units(q->h.l1_size * 8ull, q->cluster);
    g_autofree u8 *clusters = g_malloc0(AT_L1 * q->cluster);
    g_autofree u64 *l1 = g_new0(u64, (n - AT_L1) * q->cluster / 8);
    g_autoptr(GByteArray) head = header_build(q);
    int error;

    if (head->len > q->cluster) {
        return -ENOSPC;
    }
    memcpy(clusters, head->data, head->len);
    be64_put(clusters + AT_REFTABLE * q->cluster, AT_REFBLOCK * q->cluster);
    for (u64 i = 0; i < n; i++) {
        refcount_put(clusters + AT_REFBLOCK * q->cluster, i, q->h.refcount_order, 1);
    }
    error = words_write(q, q->h.l1_offset, l1, (n - AT_L1) * q->cluster / 8);
    error = error ? error : node_write(q->file, 0, clusters, AT_L1 * q->cluster);
    return error ? error : node_flush(q->file);
}

static bool image_begin(const CreateOptions *o, const BlockCreate *create, GError **err)
{
    g_autoptr(KeyVals) options = keyvals_parse("", NULL, NULL);
    g_autoptr(BlockNode) file = NULL;
    g_autoptr(GByteArray) names = NULL;
    BlockNode node = { .name = (char *)create->filename };
    Qcow2 q = { .node = &node, .h = header_for(o, create->size),
                .cluster = o->cluster_size, .backing_name = o->backing_file,
                .backing_format = o->backing_fmt };
    int error;

    keyvals_set(options, "driver", "file");
    keyvals_set(options, "filename", create->filename);
    file = node_open(options, BLOCK_RDWR | BLOCK_RESIZE, err);
    if (!file) {
        return false;
    }
    q.file = file;
    if (q.h.version >= 3) {
        names = qcow2_feature_table();
    }
    /* Small clusters may have no room for it. */
    if (names &&
        q.h.header_length + names->len + 64 + 2 * QCOW2_MAX_NAME <= q.cluster) {
        Extension e = { QCOW2_EXT_FEATURES, names->len, names->data };

        q.extensions = g_array_new(FALSE, FALSE, sizeof(Extension));
        g_array_append_val(q.extensions, e);
    }
    error = first_clusters_write(&q);
    if (q.extensions) {
        g_array_unref(q.extensions);
    }
    return error ? node_error(&node, error, "can't write the image", err) : true;
}

/* ---- preallocation ---- */

/* Takes clusters for the disk from a cluster on and links them. */
static int allocate_from(Qcow2 *q, u64 first)
{
    u64 end = units(q->h.size, q->cluster);
    int error = qcow2_begin_change(q);

    for (u64 guest = first; guest < end && !error;) {
        Entries e;
        Run run = { 0 };

        error = entries_get_writable(q, guest, &e);
        error = error ? error : clusters_take(q, MIN(e.n, end - guest), &run);
        for (u64 i = 0; i < run.n && !error; i++) {
            entry_set(q, &e, i, (run.first + i) * q->cluster | QCOW2_COPIED);
        }
        guest += run.n;
    }
    return error;
}

/* L2 tables and refcount blocks lie between: only data is all zero here. */
static int zero_from(BlockNode *node, u64 offset)
{
    Qcow2 *q = qcow2_of(node);
    int error = 0;

    for (u64 at = offset; at < q->h.size && !error; at += q->cluster) {
        BlockStatus status;

        error = qcow2_status(node, at, q->cluster, &status);
        error = error ? error
                      : node_write_zeroes(q->file, status.offset, q->cluster, false);
    }
    return error;
}

/*
 * The file becomes as long as what it holds; falloc and full take the space, too.
 * Clusters of an old image may have been used before.
 */
bool qcow2_preallocate(BlockNode *node, u64 from, Qcow2Preallocation mode, GError **err)
{
    Qcow2 *q = qcow2_of(node);
    u64 first = units(from, q->cluster), end;
    int error;

    if (mode == QCOW2_ALLOCATE_NOTHING) {
        return true;
    }
    g_mutex_lock(&q->lock);
    error = allocate_from(q, first);
    end = q->top * q->cluster;
    g_mutex_unlock(&q->lock);
    if (error) {
        return node_error(node, error, "can't preallocate", err);
    }
    if (end > node_length(q->file) && !node_truncate(q->file, end, err)) {
        return false;
    }
    if (mode != QCOW2_ALLOCATE_METADATA || from) {
        error = zero_from(node, first * q->cluster);
    }
    return error ? node_error(node, error, "can't preallocate", err) : true;
}

/* ---- create ---- */

static bool image_finish(const CreateOptions *o, const BlockCreate *create,
                         GError **err)
{
    BlockFlags flags = BLOCK_RDWR | BLOCK_RESIZE | BLOCK_NO_BACKING;
    g_autoptr(BlockNode) node = NULL;

    if (header_for(o, create->size).size == create->size && !o->preallocation) {
        return true;
    }
    node = node_open_file(create->filename, "qcow2", flags, err);
    if (!node) {
        return false;
    }
    if (node_length(node) != create->size && !node_truncate(node, create->size, err)) {
        return false;
    }
    return qcow2_preallocate(node, 0, o->preallocation, err);
}

bool qcow2_create(const BlockCreate *create, GError **err)
{
    BlockCreate file = { create->filename, 0, create->options };
    CreateOptions o = { 0 };
    bool right = options_take(CreateOptions_fields, &o, create->options, err) &&
                 options_empty(create->options, "format 'qcow2'", err) &&
                 options_agree(&o, create->size, err) &&
                 node_create("file", &file, err) &&
                 image_begin(&o, create, err) && image_finish(&o, create, err);

    fields_clear(CreateOptions_fields, &o);
    return right;
}

/* ---- how large it would be ---- */

/* Bytes of refcount table and blocks for so many clusters, and for themselves. */
static u64 counters_for(u64 clusters, const CreateOptions *o)
{
    u64 per_block = o->cluster_size * 8 / o->refcount_bits, n = 0, last;

    do {
        u64 blocks = units(clusters + n, per_block);

        last = n;
        n = blocks + units(blocks, o->cluster_size / 8);
    } while (n != last);
    return n * o->cluster_size;
}

static u64 metadata_for(u64 disk, const CreateOptions *o)
{
    u64 per_table = o->cluster_size / 8;
    u64 l2 = units(disk / o->cluster_size, per_table);
    u64 l1 = units(l2, per_table);
    u64 bytes = (1 + l1 + l2) * o->cluster_size;

    return bytes + counters_for((bytes + disk) / o->cluster_size, o);
}

bool qcow2_measure(KeyVals *options, u64 size, Qcow2Measure *to, GError **err)
{
    CreateOptions o = { 0 };
    bool right = options_take(CreateOptions_fields, &o, options, err) &&
                 options_agree(&o, size, err);

    if (right) {
        to->cluster = o.cluster_size;
        to->disk = units(size, o.cluster_size) * o.cluster_size;
        to->metadata = metadata_for(to->disk, &o);
        to->takes_all = o.backing_file || o.preallocation >= QCOW2_ALLOCATE_SPACE;
    }
    fields_clear(CreateOptions_fields, &o);
    return right;
}
