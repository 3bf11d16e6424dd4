/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw images: the file's bytes, or a part of them (offset, size).
 *
 * If the format was guessed, a guest that writes the header of another format into
 * sector 0 would have its image read as that the next time, with a backing file of its
 * choice: such a write is refused.
 */

#include "block/drivers.h"
#include "block/probe.h"

#include <errno.h>
#include <string.h>

enum { SECTOR = 512 };

PROPS(RawConfig,
    (u64, offset, "where the image begins in the file", .is_size = true,
          .max = INT64_MAX),
    (u64, size,   "its length; the rest of the file unless given", .is_size = true,
          .def = UINT64_MAX));

typedef struct {
    u64 offset;
    bool sized;                     /* by the user: it does not grow */
} Raw;

static int raw_probe(const u8 *head, size_t n, const char *filename)
{
    (void)head, (void)n, (void)filename;
    return 1;
}

static void raw_map(BlockNode *node, BlockAccess access, u64 offset, u64 bytes,
                    BlockMap *to)
{
    const Raw *raw = node->own;

    if (access == BLOCK_WRITE && (node->flags & BLOCK_PROBED) && offset < SECTOR) {
        return;
    }
    *to = (BlockMap){ MAP_NODE, node->file, raw->offset + offset, bytes };
}

static bool is_of_another_format(const u8 head[SECTOR])
{
    for (unsigned i = 0; block_drivers[i]; i++) {
        const BlockDriver *driver = block_drivers[i];

        if (driver->probe && driver->probe(head, SECTOR, "") > 1) {
            return true;
        }
    }
    return foreign_format(head, SECTOR);
}

/*
 * From sector 0 on, of an image whose format was guessed.  Of a request that is refused
 * nothing is written.
 */
static int raw_write(BlockNode *node, u64 offset, BlockVec from)
{
    const Raw *raw = node->own;
    size_t n = MIN(from.bytes, SECTOR - offset);
    u8 head[SECTOR] = { 0 };
    int error = node_read(node->file, raw->offset, head, sizeof head);

    if (error) {
        return error;
    }
    vec_to(vec_slice(from, 0, n), head + offset);
    if (is_of_another_format(head)) {
        return -EPERM;
    }
    /* The bytes that were judged, not the guest's memory once more. */
    error = node_write(node->file, raw->offset + offset, head + offset, n);
    return error ? error : node_writev(node->file, raw->offset + offset + n,
                                       vec_slice(from, n, from.bytes - n));
}

/* A last sector in part counts whole: beyond the file's end it reads as zeroes. */
static u64 raw_length(const BlockNode *node)
{
    const Raw *raw = node->own;
    u64 length = node_length(node->file);

    return length < raw->offset ? 0
           : (length - raw->offset + SECTOR - 1) & ~(u64)(SECTOR - 1);
}

static bool place_fits(const BlockNode *node, const RawConfig *config, GError **err)
{
    u64 length = node_length(node->file);

    if (config->size != UINT64_MAX && config->size % SECTOR) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "Specified size is not multiple of %u", SECTOR);
        return false;
    }
    if (config->offset > length) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "Offset (%" G_GUINT64_FORMAT ") cannot be greater than size of the "
                    "containing file (%" G_GUINT64_FORMAT ")", config->offset, length);
        return false;
    }
    if (config->size != UINT64_MAX && config->size > raw_length(node)) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "The sum of offset (%" G_GUINT64_FORMAT ") and size (%"
                    G_GUINT64_FORMAT ") has to be smaller or equal to the  actual size "
                    "of the containing file (%" G_GUINT64_FORMAT ")", config->offset,
                    config->size, length);
        return false;
    }
    return true;
}

static bool raw_open(BlockNode *node, const void *opaque, KeyVals *rest, GError **err)
{
    const RawConfig *config = opaque;
    Raw *raw = g_new0(Raw, 1);

    node->own = raw;
    raw->offset = config->offset;
    raw->sized = config->size != UINT64_MAX;
    if (!node_open_child(node, "file", rest, node->flags |
                         (raw->offset || raw->sized ? BLOCK_FIXED_SIZE : 0), err)) {
        if (err && !*err) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "A block device must be specified for \"file\"");
        }
        return false;
    }
    if ((node->flags & BLOCK_RDWR) && !node_is_writable(node->file)) {
        node->flags &= ~BLOCK_RDWR;
    }
    if (!place_fits(node, config, err)) {
        return false;
    }
    node_set_length(node, raw->sized ? config->size : raw_length(node));
    return true;
}

static void raw_close(BlockNode *node)
{
    g_clear_pointer(&node->own, g_free);
}

static bool raw_truncate(BlockNode *node, u64 length, GError **err)
{
    const Raw *raw = node->own;

    if (raw->sized) {
        return node_error(node, -ENOTSUP, "Cannot resize fixed-size raw disks", err);
    }
    if (!node_truncate(node->file, raw->offset + length, err)) {
        return false;
    }
    node_set_length(node, length);
    return true;
}

static int raw_status(BlockNode *node, u64 offset, u64 bytes, BlockStatus *out)
{
    const Raw *raw = node->own;
    int error = node_status(node->file, raw->offset + offset, bytes, out);

    out->allocated = true;
    return error;
}

/* ---- creating ---- */

static const char *const preallocations[] = { "off", "falloc", "full", NULL };

PROPS(RawCreate,
    (u8, preallocation, "space that is taken at once", .names = preallocations));

static const Field *raw_create_fields(void)
{
    return RawCreate_fields;
}

static bool preallocate(const BlockCreate *create, bool full, GError **err)
{
    g_autoptr(BlockNode) node = node_open_file(create->filename, "raw",
                                               BLOCK_RDWR | BLOCK_RESIZE, err);

    return node && node_preallocate(node, 0, create->size, full, err);
}

static bool raw_create(const BlockCreate *create, GError **err)
{
    RawCreate o;

    return options_take(RawCreate_fields, &o, create->options, err) &&
           options_empty(create->options, "format 'raw'", err) &&
           node_create("file", create, err) &&
           (!o.preallocation || preallocate(create, o.preallocation == 2, err));
}

const BlockDriver block_raw = {
    .name = "raw", .help = "the bytes as they are", .is_plain = true,
    .fields = RawConfig_fields, .config_size = sizeof(RawConfig),
    .probe = raw_probe, .open = raw_open, .close = raw_close, .create = raw_create,
    .create_fields = raw_create_fields,
    .map = raw_map, .write = raw_write, .truncate = raw_truncate, .status = raw_status,
};
