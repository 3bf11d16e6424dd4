/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of an image that is open: extensions, parts that are rewritten alone, and
 * writing all of it again.
 */

#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>

/* ---- words ---- */

int words_read(Qcow2 *q, u64 offset, u64 *to, u64 n)
{
    int error = n ? node_read(q->file, offset, to, n * 8) : 0;

    for (u64 i = 0; i < n && !error; i++) {
        to[i] = GUINT64_FROM_BE(to[i]);
    }
    return error;
}

int words_write(Qcow2 *q, u64 offset, const u64 *from, u64 n)
{
    g_autofree u64 *words = g_new(u64, MAX(n, 1));

    for (u64 i = 0; i < n; i++) {
        words[i] = GUINT64_TO_BE(from[i]);
    }
    return n ? node_write(q->file, offset, words, n * 8) : 0;
}

/* ---- loading ---- */

static char *extension_text(const Extension *e)
{
    return e ? g_strndup((const char *)e->data, e->bytes) : NULL;
}

static void extension_clear(void *opaque)
{
    g_free(((Extension *)opaque)->data);
}

Extension *qcow2_extension(Qcow2 *q, u32 type)
{
    for (guint i = 0; q->extensions && i < q->extensions->len; i++) {
        Extension *e = &g_array_index(q->extensions, Extension, i);

        if (e->type == type) {
            return e;
        }
    }
    return NULL;
}

/* They stand between the header and the backing file's name, in the first cluster. */
static bool extensions_load(Qcow2 *q, const u8 *head, u64 n, GError **err)
{
    u64 end = q->h.backing_offset ? q->h.backing_offset : n;
    u64 at = q->h.header_length;

    q->extensions = g_array_new(FALSE, FALSE, sizeof(Extension));
    g_array_set_clear_func(q->extensions, extension_clear);
    while (at + 8 <= end && be32_at(head + at) != QCOW2_EXT_END) {
        Extension e = { be32_at(head + at), be32_at(head + at + 4), NULL };

        at += 8;
        if (e.bytes > end - at) {
            return qcow2_fail(q, err, "header extension 0x%08x is too long", e.type);
        }
        e.data = g_memdup2(head + at, e.bytes);
        g_array_append_val(q->extensions, e);
        at = (at + e.bytes + 7) & ~7ull;
    }
    return true;
}

static bool features_known(Qcow2 *q, GError **err)
{
    const Extension *names = qcow2_extension(q, QCOW2_EXT_FEATURES);
    g_autofree char *unknown = qcow2_unknown_features(
        q->h.incompatible, names ? names->data : NULL, names ? names->bytes : 0);

    if (unknown) {
        return qcow2_fail(q, err, "the image needs features that are not supported: %s",
                          unknown);
    }
    if (q->h.crypt_method) {
        return qcow2_fail(q, err, "the image is encrypted (%s), which is not supported",
                          q->h.crypt_method == 1 ? "AES" : "LUKS");
    }
    return true;
}

/* The first cluster, as far as the file goes; judged, and the rest of it read. */
static bool head_read(Qcow2 *q, u8 **head, u64 *n, GError **err)
{
    u8 first[512];
    GError *why = NULL;
    int error = node_read(q->file, 0, first, sizeof first);
    unsigned bits = be32_at(first + 20);
    u64 least = be32_at(first + 4) == 2 ? QCOW2_V2_LENGTH : QCOW2_V3_LENGTH;

    if (!error && qcow2_is(first, sizeof first) && bits <= QCOW2_MAX_BITS) {
        *n = MAX(1ull << bits, sizeof first);
        *head = g_malloc(*n);
        error = node_read(q->file, 0, *head, *n);
    } else {
        *n = sizeof first;
        *head = g_memdup2(first, sizeof first);
    }
    if (error) {
        return node_error(q->node, error, "can't read the header", err);
    }
    if (qcow2_is(first, sizeof first) && node_length(q->file) < least) {
        return qcow2_fail(q, err, "the file ends in the qcow2 header, after %"
                          G_GUINT64_FORMAT " bytes", node_length(q->file));
    }
    if (!header_parse(&q->h, *head, *n, &why)) {
        qcow2_fail(q, err, "%s", why->message);
        g_error_free(why);
        return false;
    }
    return true;
}

bool header_load(Qcow2 *q, GError **err)
{
    g_autofree u8 *head = NULL;
    u64 n;

    if (!head_read(q, &head, &n, err)) {
        return false;
    }
    q->cluster = 1ull << q->h.cluster_bits;
    q->l2_bits = q->h.cluster_bits - 3;
    q->ref_bits = refblock_bits(q->h.cluster_bits, q->h.refcount_order);
    if (!extensions_load(q, head, MIN(n, q->cluster), err) || !features_known(q, err)) {
        return false;
    }
    if (q->h.backing_offset && q->h.backing_size) {
        q->backing_name = g_strndup((const char *)head + q->h.backing_offset,
                                    q->h.backing_size);
        q->backing_format = extension_text(qcow2_extension(q, QCOW2_EXT_FORMAT));
    }
    return true;
}

void header_free(Qcow2 *q)
{
    g_clear_pointer(&q->extensions, g_array_unref);
    g_clear_pointer(&q->backing_name, g_free);
    g_clear_pointer(&q->backing_format, g_free);
}

/* ---- changing ---- */

int header_write64(Qcow2 *q, unsigned at, u64 value)
{
    u8 bytes[8];

    be64_put(bytes, value);
    return node_write(q->file, at, bytes, sizeof bytes);
}

/* Safe on disk when it returns. */
int header_set_incompatible(Qcow2 *q, u64 set, u64 clear)
{
    u64 value = (q->h.incompatible & ~clear) | set;
    int error = header_write64(q, QCOW2_AT_INCOMPATIBLE, value);

    error = error ? error : node_flush(q->file);
    if (!error) {
        q->h.incompatible = value;
    }
    return error;
}

static void extension_put(GByteArray *to, u32 type, const void *data, u32 bytes)
{
    u8 head[8];

    be32_put(head, type);
    be32_put(head + 4, bytes);
    g_byte_array_append(to, head, sizeof head);
    g_byte_array_append(to, data, bytes);
    g_byte_array_append(to, (const u8[8]){ 0 }, -bytes & 7);
}

GByteArray *header_build(Qcow2 *q)
{
    GByteArray *head = g_byte_array_new();
    size_t name = q->backing_name ? strlen(q->backing_name) : 0;

    g_byte_array_set_size(head, q->h.header_length);
    if (q->backing_format && q->backing_name) {
        extension_put(head, QCOW2_EXT_FORMAT, q->backing_format,
                      strlen(q->backing_format));
    }
    for (guint i = 0; q->extensions && i < q->extensions->len; i++) {
        const Extension *e = &g_array_index(q->extensions, Extension, i);

        if (e->type != QCOW2_EXT_FORMAT) {
            extension_put(head, e->type, e->data, e->bytes);
        }
    }
    extension_put(head, QCOW2_EXT_END, NULL, 0);
    q->h.backing_offset = name ? head->len : 0;
    q->h.backing_size = name;
    g_byte_array_append(head, (const u8 *)q->backing_name, name);
    header_put(&q->h, head->data);
    return head;
}

int header_rewrite(Qcow2 *q)
{
    g_autoptr(GByteArray) head = header_build(q);
    u64 used = head->len;
    int error;

    if (used > q->cluster) {
        return -ENOSPC;
    }
    /* Nothing of a longer one before stays behind it. */
    g_byte_array_set_size(head, q->cluster);
    memset(head->data + used, 0, q->cluster - used);
    error = node_write(q->file, 0, head->data, head->len);
    return error ? error : node_flush(q->file);
}

bool qcow2_set_backing(BlockNode *node, const char *name, const char *format,
                       GError **err)
{
    Qcow2 *q = qcow2_of(node);
    char *old_name = q->backing_name, *old_format = q->backing_format;
    int error;

    if (name && strlen(name) > QCOW2_MAX_NAME) {
        return qcow2_fail(q, err, "the backing file's name is longer than %u bytes",
                          QCOW2_MAX_NAME);
    }
    node_stop(node);
    g_mutex_lock(&q->lock);
    q->backing_name = g_strdup(name);
    q->backing_format = g_strdup(format);
    error = qcow2_begin_change(q);
    error = error ? error : qcow2_commit(q);
    error = error ? error : header_rewrite(q);
    if (error) {
        g_free(q->backing_name);
        g_free(q->backing_format);
        q->backing_name = old_name;
        q->backing_format = old_format;
    } else {
        g_free(old_name);
        g_free(old_format);
    }
    g_mutex_unlock(&q->lock);
    node_go(node);
    return error ? node_error(node, error, "can't change the backing file", err) : true;
}

/* ---- what it is ---- */

Qcow2Info qcow2_info(BlockNode *node)
{
    const Qcow2 *q = qcow2_of(node);

    return (Qcow2Info){
        .version = q->h.version, .cluster_bits = q->h.cluster_bits,
        .refcount_bits = 1u << q->h.refcount_order,
        .compression = q->h.compression == QCOW2_ZSTD ? "zstd" : "zlib",
        .backing_name = q->backing_name, .backing_format = q->backing_format,
        .lazy_refcounts = q->h.compatible & QCOW2_LAZY_REFCOUNTS,
        .dirty = q->h.incompatible & QCOW2_DIRTY,
        .corrupt = q->h.incompatible & QCOW2_CORRUPT,
    };
}

u64 qcow2_cluster_size(BlockNode *node)
{
    return qcow2_of(node)->cluster;
}
