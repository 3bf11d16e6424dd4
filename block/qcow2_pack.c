/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed clusters: raw deflate with a 4 KiB window, or one zstd frame.  They lie
 * one behind the other and share clusters of the file, whose counts say how many.
 */

#include "block/qcow2_int.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { DEFLATE_WINDOW = -12, DEFLATE_MEMORY = 9 };      /* negative: no zlib header */

/* ---- the two methods ---- */

static bool inflate_cluster(const u8 *from, size_t n, u8 *to, size_t room)
{
    z_stream z = { .next_in = (u8 *)from, .avail_in = n, .next_out = to,
                   .avail_out = room };
    int result;

    if (inflateInit2(&z, DEFLATE_WINDOW) != Z_OK) {
        return false;
    }
    result = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    /* Bytes behind the end are the rest of a sector. */
    return (result == Z_STREAM_END || result == Z_BUF_ERROR) && z.avail_out == 0;
}

static bool unzstd_cluster(const u8 *from, size_t n, u8 *to, size_t room)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer in = { from, n, 0 };
    ZSTD_outBuffer out = { to, room, 0 };
    bool good = z != NULL;

    while (good && out.pos < out.size) {
        size_t before = in.pos + out.pos;

        good = !ZSTD_isError(ZSTD_decompressStream(z, &out, &in)) &&
               in.pos + out.pos != before;
    }
    ZSTD_freeDStream(z);
    return good;
}

/* What compressing needs is large: each thread keeps it. */
typedef struct {
    z_stream deflate;
    bool has_deflate;
    ZSTD_CCtx *zstd;
} Packer;

static void packer_free(void *opaque)
{
    Packer *packer = opaque;

    if (packer->has_deflate) {
        deflateEnd(&packer->deflate);
    }
    ZSTD_freeCCtx(packer->zstd);
    g_free(packer);
}

static Packer *packer(void)
{
    static GPrivate key = G_PRIVATE_INIT(packer_free);
    Packer *own = g_private_get(&key);

    if (!own) {
        own = g_new0(Packer, 1);
        g_private_set(&key, own);
    }
    return own;
}

static size_t deflate_cluster(const u8 *from, size_t n, u8 *to, size_t room)
{
    Packer *own = packer();
    z_stream *z = &own->deflate;

    if (!own->has_deflate &&
        deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, DEFLATE_WINDOW,
                     DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        return 0;
    }
    own->has_deflate = true;
    if (deflateReset(z) != Z_OK) {
        return 0;
    }
    z->next_in = (u8 *)from;
    z->avail_in = n;
    z->next_out = to;
    z->avail_out = room;
    return deflate(z, Z_FINISH) == Z_STREAM_END ? room - z->avail_out : 0;
}

static size_t zstd_cluster(const u8 *from, size_t n, u8 *to, size_t room)
{
    Packer *own = packer();
    size_t bytes;

    own->zstd = own->zstd ? own->zstd : ZSTD_createCCtx();
    bytes = ZSTD_compressCCtx(own->zstd, to, room, from, n, ZSTD_CLEVEL_DEFAULT);
    return ZSTD_isError(bytes) ? 0 : bytes;
}

static const struct {
    bool (*unpack)(const u8 *from, size_t n, u8 *to, size_t room);
    size_t (*pack)(const u8 *from, size_t n, u8 *to, size_t room);  /* 0: no gain */
} methods[] = {
    [QCOW2_ZLIB] = { inflate_cluster, deflate_cluster },
    [QCOW2_ZSTD] = { unzstd_cluster, zstd_cluster },
};

/* ---- reading ---- */

int packed_read(Qcow2 *q, u64 entry, u8 *to)
{
    Packed p = packed_of(entry, q->h.cluster_bits);
    g_autofree u8 *bytes = g_malloc(p.bytes);
    bool good;
    /* Under the lock: the cluster might be freed and taken again meanwhile. */
    int error = node_read(q->file, p.offset, bytes, p.bytes);

    if (error) {
        return error;
    }
    g_mutex_unlock(&q->lock);
    good = methods[q->h.compression].unpack(bytes, p.bytes, to, q->cluster);
    g_mutex_lock(&q->lock);
    return good ? 0 : -EIO;
}

/* ---- writing ---- */

/*
 * Room for `bytes` compressed bytes: behind those written last, if they end within a
 * cluster whose counter can be raised, otherwise in a cluster of its own.  It may go on
 * into the next cluster if that follows.
 */
static int room_take(Qcow2 *q, u64 bytes, u64 *at)
{
    u64 in_last = q->packed_at & (q->cluster - 1);
    u64 left = in_last ? q->cluster - in_last : 0;
    Run run;
    int error;

    if (left >= bytes && refcount_up(q, q->packed_at / q->cluster, 1) == 0) {
        *at = q->packed_at;
        q->packed_at += bytes;
        return 0;
    }
    error = clusters_take(q, 1, &run);
    if (error) {
        return error;
    }
    *at = run.first * q->cluster;
    if (left && left < bytes && run.first == q->packed_at / q->cluster + 1 &&
        refcount_up(q, q->packed_at / q->cluster, 1) == 0) {
        *at = q->packed_at;
    }
    q->packed_at = *at + bytes;
    return 0;
}

static int packed_store(Qcow2 *q, u64 guest, const u8 *from, u64 bytes)
{
    u64 at, entry;
    Entries e;
    Run run;
    int error = qcow2_begin_change(q);

    error = error ? error : room_take(q, bytes, &at);
    if (error) {
        return error;
    }
    entry = packed_entry(at, bytes, q->h.cluster_bits);
    run = (Run){ at / q->cluster, (at + bytes - 1) / q->cluster - at / q->cluster + 1 };
    error = entry ? node_write(q->file, at, from, bytes) : -EFBIG;
    error = error ? error : entries_get_writable(q, guest, &e);
    if (!error && entry_at(&e, 0)) {
        error = -EEXIST;
    }
    if (error) {
        q->packed_at = 0;
        clusters_untake(q, run);
        return error;
    }
    entry_set(q, &e, 0, entry);
    return 0;
}

/*
 * The last cluster of the disk may be short: it is filled up with zeroes.  What does
 * not become smaller is written as it is.
 */
int qcow2_write_compressed(BlockNode *node, u64 offset, const void *data, size_t n)
{
    Qcow2 *q = qcow2_of(node);
    g_autofree u8 *filled = n < q->cluster ? g_malloc0(q->cluster) : NULL;
    const u8 *whole = filled ? filled : data;
    g_autofree u8 *packed = g_malloc(q->cluster);
    struct iovec iov;
    size_t bytes;
    int error;

    if (offset & (q->cluster - 1) || n > q->cluster ||
        (n < q->cluster && offset + n != node_length(node))) {
        return -EINVAL;
    }
    if (filled) {
        memcpy(filled, data, n);
    }
    bytes = methods[q->h.compression].pack(whole, q->cluster, packed, q->cluster - 1);
    if (!bytes) {
        return node_writev(node, offset, vec_of(&iov, (void *)data, n));
    }
    g_mutex_lock(&q->lock);
    error = packed_store(q, offset / q->cluster, packed, bytes);
    g_mutex_unlock(&q->lock);
    return error;
}
