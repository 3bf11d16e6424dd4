/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work on nodes by threads that may wait: workers, tools, drivers on their children.
 * Each access follows the node's map as far as that knows, and asks the driver for the
 * rest.  Any thread.
 */

#include "block/gate.h"
#include "block/node_private.h"

#include <errno.h>
#include <string.h>

/* Zeroes that are written because the driver can't do it otherwise: at once. */
enum { ZERO_BYTES = 64 << 10 };

BlockMap node_map(BlockNode *node, BlockAccess access, u64 offset, u64 bytes)
{
    BlockMap map = { MAP_SLOW, NULL, 0, bytes };

    if (node->driver->map) {
        node->driver->map(node, access, offset, bytes, &map);
        g_assert(map.bytes && map.bytes <= bytes);
        g_assert(map.kind != MAP_ZERO || access == BLOCK_READ);
    }
    return map;
}

bool node_has(const BlockNode *node, BlockAccess access, u64 offset, u64 bytes)
{
    u64 length = node_length(node);

    if (offset > INT64_MAX || bytes > INT64_MAX - offset) {
        return false;
    }
    if (access == BLOCK_WRITE && !node_is_writable(node)) {
        return false;
    }
    return node->driver->is_protocol || (offset <= length && bytes <= length - offset);
}

static int access_error(const BlockNode *node, BlockAccess access)
{
    return access == BLOCK_WRITE && !node_is_writable(node) ? -EPERM : -EIO;
}

/* ---- reading and writing ---- */

int node_slow(BlockNode *node, BlockAccess access, u64 offset, BlockVec data)
{
    const BlockDriver *driver = node->driver;

    if (access == BLOCK_READ) {
        return driver->read ? driver->read(node, offset, data) : -EIO;
    }
    return driver->write ? driver->write(node, offset, data) : -EIO;
}

static int transfer(BlockNode *node, BlockAccess access, u64 offset, BlockVec data)
{
    int error = 0;

    if (!node_has(node, access, offset, data.bytes)) {
        return access_error(node, access);
    }
    gate_enter(node->gate, false);
    while (data.bytes && !error) {
        BlockMap map = node_map(node, access, offset, data.bytes);
        BlockVec piece = vec_slice(data, 0, map.bytes);

        if (map.kind == MAP_NODE) {
            error = transfer(map.node, access, map.offset, piece);
        } else if (map.kind == MAP_ZERO) {
            vec_fill(piece, 0);
        } else {
            error = node_slow(node, access, offset, piece);
        }
        offset += map.bytes;
        data = vec_slice(data, map.bytes, data.bytes - map.bytes);
    }
    gate_leave(node->gate);
    return error;
}

int node_readv(BlockNode *node, u64 offset, BlockVec to)
{
    return transfer(node, BLOCK_READ, offset, to);
}

int node_writev(BlockNode *node, u64 offset, BlockVec from)
{
    return transfer(node, BLOCK_WRITE, offset, from);
}

int node_read(BlockNode *node, u64 offset, void *to, size_t n)
{
    struct iovec iov;

    return node_readv(node, offset, vec_of(&iov, to, n));
}

int node_write(BlockNode *node, u64 offset, const void *from, size_t n)
{
    struct iovec iov;

    return node_writev(node, offset, vec_of(&iov, (void *)from, n));
}

void node_extend(BlockNode *node, u64 end)
{
    u64 length = node_length(node);

    while (length < end &&
           !__atomic_compare_exchange_n(&node->length, &length, end, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
}

/* ---- flush ---- */

int node_flush(BlockNode *node)
{
    const BlockDriver *driver = node->driver;
    int error = 0;

    if (!node_is_writable(node)) {
        return 0;
    }
    if (driver->flush && !(driver->is_clean && driver->is_clean(node))) {
        error = driver->flush(node);
    }
    if (!error && node->data) {
        error = node_flush(node->data);
    }
    if (!error && node->file) {
        error = node_flush(node->file);
    }
    return error;
}

/* ---- discard and zeroes: alone in nodes that remap ---- */

/* Filters and plain maps pass it on, if all of it lies in one place below. */
static bool passes_on(BlockNode *node, u64 offset, u64 bytes, BlockMap *map)
{
    if (node->driver->remaps || !node->driver->map) {
        return false;
    }
    *map = node_map(node, BLOCK_WRITE, offset, bytes);
    return map->kind == MAP_NODE && map->bytes == bytes;
}

BlockNode *node_pass(BlockNode *node, u64 *offset, u64 bytes)
{
    BlockMap map;

    while (passes_on(node, *offset, bytes, &map)) {
        node = map.node;
        *offset = map.offset;
    }
    return node;
}

int node_discard_inside(BlockNode *node, u64 offset, u64 bytes)
{
    return node->driver->discard ? node->driver->discard(node, offset, bytes) : 0;
}

int node_discard(BlockNode *node, u64 offset, u64 bytes)
{
    int error;

    if (!node_has(node, BLOCK_WRITE, offset, bytes)) {
        return access_error(node, BLOCK_WRITE);
    }
    if (!bytes || !(node->flags & BLOCK_UNMAP)) {
        return 0;
    }
    node = node_pass(node, &offset, bytes);
    gate_enter(node->gate, true);
    error = node_discard_inside(node, offset, bytes);
    gate_leave(node->gate);
    return error;
}

/* Plain zeroes, by a thread that is inside already. */
static int write_plain_zeroes(BlockNode *node, u64 offset, u64 bytes)
{
    static const u8 zeroes[ZERO_BYTES] __attribute__((aligned(4096)));
    int error = 0;

    while (bytes && !error) {
        struct iovec iov;
        BlockMap map = node_map(node, BLOCK_WRITE, offset, MIN(bytes, ZERO_BYTES));
        BlockVec piece = vec_of(&iov, (void *)zeroes, map.bytes);

        error = map.kind == MAP_NODE ? node_writev(map.node, map.offset, piece)
                                     : node_slow(node, BLOCK_WRITE, offset, piece);
        offset += map.bytes;
        bytes -= map.bytes;
    }
    return error;
}

int node_zero_inside(BlockNode *node, u64 offset, u64 bytes, bool may_unmap)
{
    int error = -ENOTSUP;

    may_unmap = may_unmap && (node->flags & BLOCK_UNMAP);
    if (node->driver->write_zeroes) {
        error = node->driver->write_zeroes(node, offset, bytes, may_unmap);
    }
    return error == -ENOTSUP ? write_plain_zeroes(node, offset, bytes) : error;
}

int node_write_zeroes(BlockNode *node, u64 offset, u64 bytes, bool may_unmap)
{
    int error;

    if (!node_has(node, BLOCK_WRITE, offset, bytes)) {
        return access_error(node, BLOCK_WRITE);
    }
    if (!bytes) {
        return 0;
    }
    node = node_pass(node, &offset, bytes);
    gate_enter(node->gate, true);
    error = node_zero_inside(node, offset, bytes, may_unmap);
    gate_leave(node->gate);
    return error;
}

bool node_preallocate(BlockNode *node, u64 from, u64 to, bool full, GError **err)
{
    int error = to <= from ? 0
                : full ? write_plain_zeroes(node, from, to - from)
                       : node_write_zeroes(node, from, to - from, false);

    return error ? node_error(node, error, "can't preallocate", err) : true;
}

bool node_truncate(BlockNode *node, u64 length, GError **err)
{
    bool right;

    if (!node_is_writable(node)) {
        return node_error(node, -EPERM, "it is read-only", err);
    }
    if (length > INT64_MAX || !node->driver->truncate) {
        return node_error(node, length > INT64_MAX ? -EFBIG : -ENOTSUP,
                          "it can't have that size", err);
    }
    gate_enter(node->gate, true);
    right = node->driver->truncate(node, length, err);
    gate_leave(node->gate);
    return right;
}

/* ---- what is known of the contents ---- */

/* Where the data lies below may be known to be a hole there. */
static int refine(BlockStatus *out)
{
    BlockStatus below;
    int error;

    if (!out->data || out->zero || !out->node) {
        return 0;
    }
    error = node_status(out->node, out->offset, out->bytes, &below);
    if (!error) {
        out->zero = below.zero;
        out->bytes = MIN(out->bytes, below.bytes);
    }
    return error;
}

int node_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out)
{
    int error = 0;

    if (!bytes || !node_has(node, BLOCK_READ, offset, bytes)) {
        return -EINVAL;
    }
    *out = (BlockStatus){ .data = true, .allocated = true, .bytes = bytes };
    if (node->driver->status) {
        gate_enter(node->gate, false);
        error = node->driver->status(node, offset, bytes, out);
        gate_leave(node->gate);
    }
    if (!error && !node->driver->is_protocol) {
        error = refine(out);
    }
    return error;
}

void node_stop(BlockNode *node)
{
    gate_enter(node->gate, true);
}

void node_go(BlockNode *node)
{
    gate_leave(node->gate);
}

bool node_error(const BlockNode *node, int error, const char *what, GError **err)
{
    g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(-error), "'%s': %s: %s",
                node->filename ? node->filename : node->name, what,
                g_strerror(-error));
    return false;
}
