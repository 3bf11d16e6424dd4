/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of bytes in a file, compressed in chunks, each of which is checked before
 * anything in it is used.  Little-endian:
 *
 *     "MAYFLYPK"  u32 format (1)
 *     chunks: u32 compressed bytes, u32 bytes, u32 CRC-32 of its number (u64), these
 *     two
 *             and what follows; one zstd frame
 *     the last chunk has no bytes; nothing follows
 *
 * The number in the checksum makes a chunk that is missing, moved or there twice known.
 */

#ifndef IMG_PACK_STREAM_H
#define IMG_PACK_STREAM_H

#include "base/types.h"

#include <stdio.h>

enum { PACK_FORMAT = 1, PACK_CHUNK = 1 << 20 };

typedef struct PackStream PackStream;

/* `name` is for messages. */
PackStream *pack_write_begin(int fd, const char *name, GError **err) must_check;
bool pack_write(PackStream *pack, const void *bytes, size_t n, GError **err) must_check;
/* The last chunk, synced. */
bool pack_write_end(PackStream *pack, GError **err) must_check;

PackStream *pack_read_begin(int fd, const char *name, GError **err) must_check;
/* All of them, or an error. */
bool pack_read(PackStream *pack, void *bytes, size_t n, GError **err) must_check;
/* An error if something follows. */
bool pack_read_end(PackStream *pack, GError **err) must_check;

void pack_free(PackStream *pack);                   /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PackStream, pack_free)

#endif
