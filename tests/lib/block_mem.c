/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See block_mem.h.  Any thread.
 */

#include "tests/lib/block_mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

MemFile *mem_file(BlockNode *node)
{
    g_assert(node->driver == &block_mem);
    return node->own;
}

/* Counts the call; the error it shall have. */
static int called(MemFile *file, MemOp op)
{
    unsigned n = ++file->calls[op];

    return file->fail[op].from && n >= file->fail[op].from &&
           n - file->fail[op].from < file->fail[op].times ? file->fail[op].error : 0;
}

static MemFile *enter(BlockNode *node)
{
    MemFile *file = node->own;

    if (file->delay_us) {
        usleep(file->delay_us);
    }
    pthread_mutex_lock(&file->lock);
    return file;
}

static int leave(MemFile *file, int error)
{
    pthread_mutex_unlock(&file->lock);
    return error;
}

static void note(MemFile *file, MemLog entry, const void *data)
{
    if (file->log) {
        entry.data = data ? g_memdup2(data, entry.bytes) : NULL;
        g_array_append_val(file->entries, entry);
    }
}

static void grow(GByteArray *bytes, u64 length)
{
    unsigned old = bytes->len;

    if (length > old) {
        g_byte_array_set_size(bytes, length);
        memset(bytes->data + old, 0, length - old);
    }
}

/* What lies in memory can't be sparse. */
static bool fits(const MemFile *file, u64 offset, u64 bytes)
{
    return offset <= file->max && bytes <= file->max - offset;
}

static int mem_read_at(BlockNode *node, u64 offset, BlockVec to)
{
    MemFile *file = enter(node);
    int error = called(file, MEM_READ);
    u64 there = offset < file->bytes->len ? file->bytes->len - offset : 0;

    vec_fill(to, 0);
    if (!error && there) {
        vec_from(vec_slice(to, 0, MIN(there, to.bytes)), file->bytes->data + offset);
    }
    return leave(file, error);
}

static int mem_write_at(BlockNode *node, u64 offset, BlockVec from)
{
    MemFile *file = enter(node);
    int error = called(file, MEM_WRITE);

    error = fits(file, offset, from.bytes) ? error : -EFBIG;

    if (!error) {
        grow(file->bytes, offset + from.bytes);
        vec_to(from, file->bytes->data + offset);
        note(file, (MemLog){ LOG_WRITE, offset, from.bytes, NULL },
             file->bytes->data + offset);
        node_extend(node, offset + from.bytes);
    }
    return leave(file, error);
}

static int mem_flush_all(BlockNode *node)
{
    MemFile *file = enter(node);
    int error = called(file, MEM_FLUSH);

    if (!error) {
        note(file, (MemLog){ .kind = LOG_FLUSH }, NULL);
    }
    return leave(file, error);
}

static int mem_zero(BlockNode *node, u64 offset, u64 bytes)
{
    MemFile *file = enter(node);
    int error = called(file, MEM_DISCARD);

    error = fits(file, offset, bytes) ? error : -EFBIG;

    if (!error) {
        grow(file->bytes, offset + bytes);
        memset(file->bytes->data + offset, 0, bytes);
        note(file, (MemLog){ LOG_ZERO, offset, bytes, NULL }, NULL);
        node_extend(node, offset + bytes);
    }
    return leave(file, error);
}

static int mem_discard_at(BlockNode *node, u64 offset, u64 bytes)
{
    return mem_zero(node, offset, bytes);
}

static int mem_write_zeroes_at(BlockNode *node, u64 offset, u64 bytes, bool may_unmap)
{
    (void)may_unmap;
    return mem_zero(node, offset, bytes);
}

static bool mem_truncate_to(BlockNode *node, u64 length, GError **err)
{
    MemFile *file;

    if (!fits(node->own, 0, length)) {
        return node_error(node, -EFBIG, "it can't be that large", err);
    }
    file = enter(node);
    grow(file->bytes, length);
    g_byte_array_set_size(file->bytes, length);
    note(file, (MemLog){ LOG_LENGTH, 0, length, NULL }, NULL);
    node_set_length(node, length);
    return leave(file, 0) == 0;
}

static bool mem_reopen(BlockNode *node, BlockFlags flags, GError **err)
{
    (void)node, (void)flags, (void)err;
    return true;
}

static void mem_close(BlockNode *node)
{
    MemFile *file = node->own;

    for (unsigned i = 0; i < file->entries->len; i++) {
        g_free(g_array_index(file->entries, MemLog, i).data);
    }
    g_array_unref(file->entries);
    g_byte_array_unref(file->bytes);
    pthread_mutex_destroy(&file->lock);
    g_free(file);
}

const BlockDriver block_mem = {
    .name = "mem", .help = "bytes in memory", .is_protocol = true,
    .close = mem_close, .reopen = mem_reopen, .read = mem_read_at,
    .write = mem_write_at, .flush = mem_flush_all, .discard = mem_discard_at,
    .write_zeroes = mem_write_zeroes_at, .truncate = mem_truncate_to,
};

BlockNode *mem_node(const char *name, u64 length)
{
    BlockNode *node = node_new(&block_mem, BLOCK_RDWR | BLOCK_RESIZE | BLOCK_UNMAP,
                               name);
    MemFile *file = g_new0(MemFile, 1);

    pthread_mutex_init(&file->lock, NULL);
    file->max = MEM_MAX;
    file->bytes = g_byte_array_new();
    file->entries = g_array_new(FALSE, FALSE, sizeof(MemLog));
    node->own = file;
    node->filename = g_strdup(name ? name : "mem");
    grow(file->bytes, length);
    node_set_length(node, length);
    return node;
}

GByteArray *mem_replay(const MemFile *file, const GByteArray *begin, unsigned n)
{
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, begin->data, begin->len);
    for (unsigned i = 0; i < n; i++) {
        const MemLog *entry = &g_array_index(file->entries, MemLog, i);

        if (entry->kind == LOG_LENGTH) {
            grow(bytes, entry->bytes);
            g_byte_array_set_size(bytes, entry->bytes);
        } else if (entry->kind != LOG_FLUSH) {
            grow(bytes, entry->offset + entry->bytes);
            if (entry->data) {
                memcpy(bytes->data + entry->offset, entry->data, entry->bytes);
            } else {
                memset(bytes->data + entry->offset, 0, entry->bytes);
            }
        }
    }
    return bytes;
}
