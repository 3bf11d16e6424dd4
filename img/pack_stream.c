/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compressed, checked stream: see pack_stream.h. */

#include "img/pack_stream.h"

#include "vm/snapshot_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { LEVEL = 3, ZSTD_ROOM = ZSTD_COMPRESSBOUND(PACK_CHUNK) };
static const char magic[8] = "MAYFLYPK";

typedef struct {
    u32 packed, bytes, crc;
} ChunkHead;

struct PackStream {
    int fd;
    char *name;
    u64 at, chunk;              /* in the file; number of the next chunk */
    u8 *plain, *packed;
    size_t used, filled;        /* of `plain` */
    bool ended;
};

static PackStream *pack_new(int fd, const char *name)
{
    PackStream *pack = g_new0(PackStream, 1);

    pack->fd = fd;
    pack->name = g_strdup(name);
    pack->plain = g_malloc(PACK_CHUNK);
    pack->packed = g_malloc(ZSTD_ROOM);
    return pack;
}

void pack_free(PackStream *pack)
{
    if (pack) {
        g_free(pack->name);
        g_free(pack->plain);
        g_free(pack->packed);
        g_free(pack);
    }
}

/* The head is in the file as it is here: the host is little-endian (base/types.h). */
static u32 chunk_crc(const PackStream *pack, const ChunkHead *head)
{
    u32 crc = crc32_z(0, (const u8 *)&pack->chunk, sizeof pack->chunk);

    crc = crc32_z(crc, (const u8 *)head, offsetof(ChunkHead, crc));
    return crc32_z(crc, pack->packed, head->packed);
}

/* ---- writing ---- */

static bool write_all(PackStream *pack, const void *bytes, size_t n, GError **err)
{
    while (n) {
        ssize_t done = write(pack->fd, bytes, n);

        if (done <= 0) {
            return snapshot_refuse(err, "%s: cannot be written: %s", pack->name,
                                   g_strerror(errno));
        }
        bytes = (const u8 *)bytes + done;
        n -= done;
    }
    return true;
}

static bool write_chunk(PackStream *pack, GError **err)
{
    ChunkHead head = { .bytes = pack->filled };
    size_t n = head.bytes ? ZSTD_compress(pack->packed, ZSTD_ROOM, pack->plain,
                                          head.bytes, LEVEL) : 0;

    g_assert(!ZSTD_isError(n));
    head.packed = n;
    head.crc = chunk_crc(pack, &head);
    pack->chunk++;
    pack->filled = 0;
    return write_all(pack, &head, sizeof head, err) &&
           write_all(pack, pack->packed, n, err);
}

PackStream *pack_write_begin(int fd, const char *name, GError **err)
{
    g_autoptr(PackStream) pack = pack_new(fd, name);
    u32 format = PACK_FORMAT;

    if (!write_all(pack, magic, sizeof magic, err) ||
        !write_all(pack, &format, sizeof format, err)) {
        return NULL;
    }
    return g_steal_pointer(&pack);
}

bool pack_write(PackStream *pack, const void *bytes, size_t n, GError **err)
{
    while (n) {
        size_t part = MIN(n, PACK_CHUNK - pack->filled);

        memcpy(pack->plain + pack->filled, bytes, part);
        pack->filled += part;
        bytes = (const u8 *)bytes + part;
        n -= part;
        if (pack->filled == PACK_CHUNK && !write_chunk(pack, err)) {
            return false;
        }
    }
    return true;
}

bool pack_write_end(PackStream *pack, GError **err)
{
    if ((pack->filled && !write_chunk(pack, err)) || !write_chunk(pack, err)) {
        return false;
    }
    return fsync(pack->fd) == 0 ||
           snapshot_refuse(err, "%s: %s", pack->name, g_strerror(errno));
}

/* ---- reading ---- */

static bool read_all(PackStream *pack, void *bytes, size_t n, GError **err)
{
    while (n) {
        ssize_t done = read(pack->fd, bytes, n);

        if (done < 0) {
            return snapshot_refuse(err, "%s: %s", pack->name, g_strerror(errno));
        }
        if (done == 0) {
            return snapshot_refuse(err,
                                   "%s: it ends at byte %" PRIu64 ", in the middle",
                                   pack->name, pack->at);
        }
        bytes = (u8 *)bytes + done;
        pack->at += done;
        n -= done;
    }
    return true;
}

static bool read_chunk(PackStream *pack, GError **err)
{
    u64 start = pack->at;
    ChunkHead head;

    if (!read_all(pack, &head, sizeof head, err)) {
        return false;
    }
    if (head.bytes > PACK_CHUNK || head.packed > ZSTD_ROOM ||
        (head.bytes == 0) != (head.packed == 0)) {
        return snapshot_refuse(err, "%s: damaged at byte %" PRIu64 ": no chunk has %u "
                               "bytes of %u", pack->name, start, head.packed,
                               head.bytes);
    }
    if (!read_all(pack, pack->packed, head.packed, err)) {
        return false;
    }
    if (chunk_crc(pack, &head) != head.crc ||
        (head.bytes && ZSTD_decompress(pack->plain, PACK_CHUNK, pack->packed,
                                       head.packed) != head.bytes)) {
        return snapshot_refuse(err, "%s: damaged at byte %" PRIu64 ": the checksum of "
                               "chunk %" PRIu64 " is wrong", pack->name, start,
                               pack->chunk);
    }
    pack->chunk++;
    pack->used = 0;
    pack->filled = head.bytes;
    pack->ended = head.bytes == 0;
    return true;
}

PackStream *pack_read_begin(int fd, const char *name, GError **err)
{
    g_autoptr(PackStream) pack = pack_new(fd, name);
    char start[sizeof magic];
    u32 format;

    if (!read_all(pack, start, sizeof start, err)) {
        return NULL;
    }
    if (memcmp(start, magic, sizeof magic) != 0) {
        snapshot_refuse(err, "%s: this is no packed snapshot of Mayfly", name);
        return NULL;
    }
    if (!read_all(pack, &format, sizeof format, err)) {
        return NULL;
    }
    if (format != PACK_FORMAT) {
        snapshot_refuse(err, "%s: format %u; this version of Mayfly knows %d", name,
                        format, PACK_FORMAT);
        return NULL;
    }
    return g_steal_pointer(&pack);
}

bool pack_read(PackStream *pack, void *bytes, size_t n, GError **err)
{
    while (n) {
        size_t part;

        if (pack->used == pack->filled && !pack->ended && !read_chunk(pack, err)) {
            return false;
        }
        part = MIN(n, pack->filled - pack->used);
        if (part == 0) {
            return snapshot_refuse(err, "%s: damaged at byte %" PRIu64 ": there is no "
                                   "more", pack->name, pack->at);
        }
        memcpy(bytes, pack->plain + pack->used, part);
        pack->used += part;
        bytes = (u8 *)bytes + part;
        n -= part;
    }
    return true;
}

bool pack_read_end(PackStream *pack, GError **err)
{
    char more;

    if (pack->used == pack->filled && !pack->ended && !read_chunk(pack, err)) {
        return false;
    }
    return (pack->ended && read(pack->fd, &more, 1) == 0) ||
           snapshot_refuse(err,
                           "%s: damaged at byte %" PRIu64 ": something follows the "
                           "end",
                           pack->name, pack->at);
}
