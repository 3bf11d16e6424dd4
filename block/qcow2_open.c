/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening and closing a qcow2 image.
 */

#include "base/log.h"
#include "block/drivers.h"
#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

enum { SLICE_BYTES = 64 * 1024 };

static const char *const off_on_auto[] = { "off", "on", "auto", NULL };

PROPS(Qcow2Config,
    (u8,  lazy_refcounts, "postpone refcount updates; auto: as the image says",
          .names = off_on_auto, .def = 2),
    (u64, l2_cache_size, "memory for L2 tables", .is_size = true, .def = 32 * MiB,
          .max = GiB),
    (u64, refcount_cache_size, "memory for refcounts", .is_size = true,
          .def = 4 * MiB, .max = GiB));

static int qcow2_probe(const u8 *head, size_t n, const char *filename)
{
    return qcow2_is(head, n) ? 100 : 0;
}

/* ---- messages ---- */

static const char *image_name(const Qcow2 *q)
{
    return q->node->filename ? q->node->filename : q->node->name;
}

bool qcow2_fail(const Qcow2 *q, GError **err, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "'%s': %s", image_name(q), text);
    return false;
}

int qcow2_corrupt(Qcow2 *q, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (q->corrupt || q->warned) {
        return -EIO;
    }
    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    warn_user("'%s': the image is damaged: %s%s", image_name(q), text,
              node_is_writable(q->node) ? "; no more is written to it" : "");
    q->warned = true;
    if (node_is_writable(q->node) && !(q->node->flags & BLOCK_CHECK)) {
        q->corrupt = true;
        if (q->h.version >= 3) {
            (void)!header_set_incompatible(q, QCOW2_CORRUPT, 0);
        }
    }
    return -EIO;
}

/* ---- closing ---- */

static int settle(Qcow2 *q)
{
    int error = qcow2_commit(q);

    if (!error && q->marked_dirty) {
        error = tables_write(q, &q->ref);
        error = error ? error : node_flush(q->file);
        error = error ? error : header_set_incompatible(q, 0, QCOW2_DIRTY);
        q->marked_dirty = error != 0;
    }
    q->changing = q->changing && error;
    return error;
}

static void tables_free(Qcow2 *q)
{
    tables_close(&q->l2);
    tables_close(&q->ref);
    g_clear_pointer(&q->l1, g_free);
    g_clear_pointer(&q->reftable, g_free);
    g_hash_table_remove_all(q->meta);
}

static void qcow2_close(BlockNode *node)
{
    Qcow2 *q = node->own;
    int error = 0;

    if (!q) {
        return;
    }
    if (q->open && node_is_writable(node) && !q->corrupt) {
        g_mutex_lock(&q->lock);
        error = settle(q);
        g_mutex_unlock(&q->lock);
    }
    if (error) {
        warn_user("'%s': closing it failed: %s", image_name(q), g_strerror(-error));
    }
    tables_free(q);
    snapshots_free(q->snapshot, q->h.n_snapshots);
    bitmaps_free(q);
    header_free(q);
    g_array_unref(q->freed);
    g_array_unref(q->places);
    g_hash_table_unref(q->meta);
    g_mutex_clear(&q->lock);
    g_cond_clear(&q->settled);
    g_clear_pointer(&node->own, g_free);
}

/* ---- tables ---- */

/* Metadata that lies where other metadata is must never be written. */
static bool meta_add(Qcow2 *q, u64 offset, Meta meta, bool may_share, GError **err)
{
    const char *what = meta == META_L2 ? "an L2 table" : "a refcount block";
    const char *where = offset & (q->cluster - 1) ? "nowhere" : NULL;
    u64 cluster = offset / q->cluster;

    if (!where && !(may_share && meta_at(q, cluster) == meta)) {
        where = overlap_find(q, cluster, 1);
    }
    if (where) {
        return qcow2_fail(q, err, "%s at 0x%" G_GINT64_MODIFIER "x overlaps %s", what,
                          offset, where);
    }
    meta_note(q, cluster, meta);
    return true;
}

/* Where refcount blocks and the active L2 tables are; false: some overlap. */
bool meta_build(Qcow2 *q, GError **err)
{
    bool right = fixed_apart(q, err);

    g_hash_table_remove_all(q->meta);
    for (u64 i = 0; i < q->reftable_n; i++) {
        u64 offset = q->reftable[i] & QCOW2_REF_OFFSET;

        if (offset) {
            right = meta_add(q, offset, META_REFBLOCK, false, right ? err : NULL) &&
                    right;
        }
    }
    for (u64 i = 0; i < q->h.l1_size; i++) {
        u64 offset = q->l1[i] & QCOW2_OFFSET;
        bool shared = !(q->l1[i] & QCOW2_COPIED);       /* copied before it changes */

        if (offset) {
            right = meta_add(q, offset, META_L2, shared, right ? err : NULL) && right;
        }
    }
    return right;
}

static bool l1_load(Qcow2 *q, GError **err)
{
    int error;

    q->l1 = g_try_new0(u64, MAX(q->h.l1_size, 1));
    error = q->l1 ? words_read(q, q->h.l1_offset, q->l1, q->h.l1_size) : -ENOMEM;
    return error ? node_error(q->node, error, "can't read the L1 table", err) : true;
}

/* All that is in memory of the image's tables, from the disk. */
static bool tables_load(Qcow2 *q, const Qcow2Config *config, GError **err)
{
    unsigned slice = MIN(q->cluster, SLICE_BYTES);
    bool careful = node_is_writable(q->node) && !(q->node->flags & BLOCK_CHECK);
    GError *damage = NULL;

    tables_open(&q->l2, slice, config->l2_cache_size);
    tables_open(&q->ref, slice, config->refcount_cache_size);
    if (!l1_load(q, err) || !snapshots_load(q, err) || !bitmaps_load(q, err)) {
        return false;
    }
    places_build(q);
    if (!refcount_open(q, err)) {
        return false;
    }
    if (!meta_build(q, &damage) && careful) {
        g_propagate_prefixed_error(err, damage, "the image is damaged and can't be "
                                   "written ('mayfly-img check' tells more): ");
        return false;
    }
    g_clear_error(&damage);
    return true;
}

/* ---- opening ---- */

/* False: a copy that was cut short.  What is beyond the end would read as empty. */
static bool has_tables(Qcow2 *q, GError **err)
{
    u64 length = node_length(q->file);

    if (!node_is_writable(q->node) || q->node->flags & BLOCK_CHECK) {
        return true;
    }
    if (q->h.reftable_offset >= length ||
        (q->h.l1_size && q->h.l1_offset + q->h.l1_size * 8ull > length)) {
        return qcow2_fail(q, err, "the file ends after %" G_GUINT64_FORMAT " bytes, "
                          "before the image's tables do: it was cut off", length);
    }
    return true;
}

static bool may_be_written(Qcow2 *q, GError **err)
{
    if (!node_is_writable(q->node) || q->node->flags & BLOCK_CHECK) {
        return true;
    }
    if (q->h.incompatible & QCOW2_CORRUPT) {
        return qcow2_fail(q, err, "the image is corrupt; it can be read, and "
                          "'mayfly-img check -r all' may repair it");
    }
    return true;
}

/* An image that was not closed: its counters are made right first. */
static bool repair(Qcow2 *q, GError **err)
{
    Qcow2Check result = { 0 };

    if (!node_is_writable(q->node) || q->node->flags & BLOCK_CHECK ||
        !(q->h.incompatible & QCOW2_DIRTY)) {
        return true;
    }
    if (!qcow2_check(q->node, QCOW2_FIX_LEAKS | QCOW2_FIX_ERRORS, &result, err)) {
        return false;
    }
    if (result.check_errors || result.corruptions) {
        return qcow2_fail(q, err, "the image was not closed and can't be repaired");
    }
    return true;
}

static bool backing_open(Qcow2 *q, KeyVals *rest, GError **err)
{
    BlockNode *node = q->node;
    BlockFlags flags = BLOCK_FIXED_SIZE | (node->flags & (BLOCK_DIRECT |
                                           BLOCK_NO_FLUSH | BLOCK_FORCE_SHARE));
    const char *reference = keyvals_get(rest, "backing");
    bool none = reference && !*reference;
    g_autofree char *path = NULL;
    GError *error = NULL;

    if (node_open_child(node, "backing", rest, flags, &error) || error) {
        if (error) {
            g_propagate_error(err, error);
        }
        return node->backing != NULL;
    }
    if (none || !q->backing_name || node->flags & (BLOCK_NO_BACKING | BLOCK_CHECK)) {
        return true;
    }
    path = node_relative(node->filename, q->backing_name);
    node->backing = node_open_file(path, q->backing_format, flags, &error);
    if (!node->backing) {
        bool loop = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_LOOP);

        g_propagate_prefixed_error(err, error, loop ? "" :
                                   "Could not open backing file: ");
    }
    return node->backing != NULL;
}

static bool file_open(BlockNode *node, KeyVals *rest, GError **err)
{
    GError *error = NULL;

    node->flags &= ~BLOCK_SHARE_WRITE;      /* nobody else may change the tables */
    if (!node_open_child(node, "file", rest,
                         node->flags | BLOCK_RESIZE | BLOCK_FIXED_SIZE, &error)) {
        if (!error) {
            g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "A block device must be specified for \"file\"");
        }
        g_propagate_error(err, error);
        return false;
    }
    if (!node->filename) {
        node->filename = g_strdup(node->file->filename);
    }
    if ((node->flags & BLOCK_RDWR) && !node_is_writable(node->file)) {
        node->flags &= ~BLOCK_RDWR;
    }
    return node_own_file(node->file, err);
}

static bool qcow2_open(BlockNode *node, const void *opaque, KeyVals *rest, GError **err)
{
    const Qcow2Config *config = opaque;
    Qcow2 *q = g_new0(Qcow2, 1);

    node->own = q;
    q->node = node;
    q->freed = g_array_new(FALSE, FALSE, sizeof(Run));
    q->places = g_array_new(FALSE, FALSE, sizeof(Run));
    q->meta = g_hash_table_new(NULL, NULL);
    q->clean = true;
    g_mutex_init(&q->lock);
    g_cond_init(&q->settled);
    if (!file_open(node, rest, err)) {
        return false;
    }
    q->file = node->file;
    if (!header_load(q, err) || !may_be_written(q, err) ||
        !has_tables(q, err) || !tables_load(q, config, err)) {
        return false;
    }
    q->lazy = q->h.version >= 3 &&
              (config->lazy_refcounts == 2 ? q->h.compatible & QCOW2_LAZY_REFCOUNTS
                                           : config->lazy_refcounts);
    node_set_length(node, q->h.size);
    if (!repair(q, err) || !backing_open(q, rest, err)) {
        return false;
    }
    q->open = true;
    return true;
}

static bool qcow2_reopen(BlockNode *node, BlockFlags flags, GError **err)
{
    Qcow2 *q = qcow2_of(node);
    bool writable = flags & BLOCK_RDWR;
    BlockFlags before = node->flags;
    GError *damage = NULL;
    int error = 0;

    if (!writable) {
        g_mutex_lock(&q->lock);
        error = settle(q);
        g_mutex_unlock(&q->lock);
        return error ? node_error(node, error, "it can't be settled", err) : true;
    }
    node->flags = flags;
    if (!may_be_written(q, err) || !repair(q, err) || !meta_build(q, &damage)) {
        if (damage) {
            g_propagate_error(err, damage);
        }
        node->flags = before;
        return false;
    }
    return true;
}

static int qcow2_flush(BlockNode *node)
{
    Qcow2 *q = qcow2_of(node);
    int error;

    g_mutex_lock(&q->lock);
    error = commit_unflushed(q);
    g_mutex_unlock(&q->lock);
    return error;
}

static bool qcow2_is_clean(BlockNode *node)
{
    return __atomic_load_n(&qcow2_of(node)->clean, __ATOMIC_ACQUIRE);
}

const BlockDriver qcow2_driver = {
    .name = "qcow2", .help = "qcow2 versions 2 and 3",
    .remaps = true,
    .fields = Qcow2Config_fields, .config_size = sizeof(Qcow2Config),
    .probe = qcow2_probe, .open = qcow2_open, .close = qcow2_close,
    .create = qcow2_create, .create_fields = qcow2_create_fields,
    .reopen = qcow2_reopen,
    .map = qcow2_map, .read = qcow2_read, .write = qcow2_write,
    .flush = qcow2_flush, .is_clean = qcow2_is_clean,
    .discard = qcow2_discard, .write_zeroes = qcow2_write_zeroes,
    .truncate = qcow2_truncate, .status = qcow2_status,
};
