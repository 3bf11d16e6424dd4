/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images in a snapshot: see snapshot_image.h. */

#include "vm/snapshot_image.h"

#include "base/keyval.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLUSTER    (64 * KiB)
#define HEAD_BYTES (64 * KiB)

/* ---- life ---- */

Image *image_new(u32 layer, const char *name, const char *format)
{
    Image *image = g_new0(Image, 1);

    image->layer = layer;
    image->name = g_strdup(name);
    image->format = g_strdup(format);
    return image;
}

void *image_copy(const void *from, void *unused)
{
    Image *image = g_memdup2(from, sizeof *image);

    (void)unused;
    image->name = g_strdup(image->name);
    image->path = g_strdup(image->path);
    image->format = g_strdup(image->format);
    image->options = g_strdup(image->options);
    return image;
}

void image_free(void *opaque)
{
    Image *image = opaque;

    g_free(image->name);
    g_free(image->path);
    g_free(image->format);
    g_free(image->options);
    g_free(image);
}

/* ---- the user's ---- */

unsigned images_of_snapshots(const GPtrArray *images)
{
    unsigned n = 0;

    while (n < images->len && ((Image *)images->pdata[n])->layer != IMAGE_USERS) {
        n++;
    }
    return n;
}

/* FNV-1a of the first bytes: enough to see that it is another image. */
static bool hash_head(int fd, u64 *hash)
{
    g_autofree u8 *head = g_malloc(HEAD_BYTES);
    ssize_t n = pread(fd, head, HEAD_BYTES, 0);

    *hash = 0xcbf29ce484222325;
    for (ssize_t i = 0; i < n; i++) {
        *hash = (*hash ^ head[i]) * 0x100000001b3;
    }
    return n >= 0;
}

static bool stamp(Image *image, const char *path, GError **err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    bool done = fd >= 0 && fstat(fd, &info) == 0 && hash_head(fd, &image->hash);

    if (!done) {
        snapshot_refuse(err, "%s: %s", path, g_strerror(errno));
    } else {
        image->bytes = info.st_size;
        image->changed_ns = info.st_mtim.tv_sec * NS_PER_SEC + info.st_mtim.tv_nsec;
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* The part of its file that a raw image is; NULL: all of it. */
static char *part_of(const BlockNode *node)
{
    BlockMap at = { .offset = 0 };
    u64 length = node_length(node), left;

    if (length) {
        node->driver->map((BlockNode *)node, BLOCK_READ, 0, 1, &at);
    }
    left = (node_length(node->file) + 511) / 512 * 512;
    return at.offset == 0 && length == left ? NULL
           : g_strdup_printf("offset=%" G_GUINT64_FORMAT ",size=%" G_GUINT64_FORMAT,
                             at.offset, length);
}

/* What the user may have said of the node that another run would not find by itself. */
static char *options_of(const BlockNode *node)
{
    return !node->file ? NULL : node->driver->is_plain ? part_of(node)
           : node->backing ? NULL : g_strdup("backing=");
}

/* The node whose bytes a raw one shows as they are. */
static const BlockNode *below_plain(const BlockNode *node)
{
    g_autofree char *part = NULL;

    while (node->driver->is_plain && node->file->file && !(part = part_of(node))) {
        node = node->file;
    }
    return node;
}

static Image *image_of_user(const BlockNode *node, GError **err)
{
    const BlockNode *file = node->file ? node->file : node;
    g_autofree char *path = NULL;
    Image *image;

    if (strcmp(file->driver->name, "file") != 0) {
        snapshot_refuse(err, "it is no file but '%s': it can't be in a snapshot",
                        file->driver->name);
        return NULL;
    }
    path = g_canonicalize_filename(file->filename, NULL);
    image = image_new(IMAGE_USERS, path, file == node ? "raw" : node->driver->name);
    image->path = g_strdup(path);
    image->options = options_of(node);
    if (!stamp(image, path, err)) {
        g_clear_pointer(&image, image_free);
    }
    return image;
}

bool images_of_user(const BlockNode *node, GPtrArray *images, GError **err)
{
    for (; node; node = node->backing) {
        Image *image;

        node = below_plain(node);
        image = image_of_user(node, err);
        if (!image) {
            return false;
        }
        g_ptr_array_add(images, image);
    }
    return true;
}

/* ---- writing one ---- */

/* Do the uppermost nodes decide what is at `offset`?  *bytes: for how long. */
static int is_above(BlockNode *root, unsigned above, u64 offset, u64 *bytes, bool *held)
{
    BlockNode *node = root;

    *held = false;
    for (unsigned i = 0; i < above && !*held; i++, node = node->backing) {
        BlockStatus status;
        int error = node_status(node, offset, *bytes, &status);

        if (error) {
            return error;
        }
        *bytes = MIN(*bytes, status.bytes);
        *held = status.allocated;
    }
    return 0;
}

/* Copies one cluster if anything of it was written; *next: where to look next. */
static int copy_cluster(BlockNode *root, unsigned above, BlockNode *to, u64 at,
                        u8 *buffer, u64 *next)
{
    u64 length = node_length(root), end = MIN(at + CLUSTER, length);
    u64 bytes = length - at;
    bool held;
    int error = is_above(root, above, at, &bytes, &held);

    *next = end;
    if (!error && !held && bytes >= CLUSTER) {
        *next = (at + bytes) & -(u64)CLUSTER;
    }
    for (u64 part = at + bytes; !error && !held && part < end; part += bytes) {
        bytes = end - part;
        error = is_above(root, above, part, &bytes, &held);
    }
    if (!error && held) {
        error = node_read(root, at, buffer, end - at);
        error = error ? error : node_write(to, at, buffer, end - at);
    }
    return error;
}

static bool copy_all(BlockNode *root, unsigned above, BlockNode *to, GError **err)
{
    g_autofree u8 *buffer = g_malloc(CLUSTER);
    u64 length = node_length(root), next;
    int error = 0;

    for (u64 at = 0; at < length && !error; at = next) {
        error = copy_cluster(root, above, to, at, buffer, &next);
    }
    error = error ? error : node_flush(to);
    return !error || node_error(to, error, "could not save the disk", err);
}

bool image_write(BlockNode *root, unsigned above, const char *dir, const char *name,
                 const Image *base, GError **err)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(KeyVals) options = keyvals_parse("", NULL, NULL);
    BlockCreate create = { path, node_length(root), options };
    BlockNode *node;
    bool done;

    keyvals_set(options, "backing_file", base->path);
    keyvals_set(options, "backing_fmt", base->format);
    if (!node_create("qcow2", &create, err)) {
        return false;
    }
    node = node_open_file(path, "qcow2", BLOCK_RDWR | BLOCK_NO_BACKING, err);
    done = node && copy_all(root, above, node, err);
    node_unref(node);
    return done;
}

/* ---- in the section ---- */

void image_put(const Image *image, GByteArray *out)
{
    g_autofree char *format = g_strconcat(image->format, image->options ? "," : NULL,
                                          image->options, NULL);

    put_text(out, image->name);
    put_text(out, format);
    put_number(out, image->layer, 4);
    put_number(out, image->bytes, 8);
    put_number(out, image->changed_ns, 8);
    put_number(out, image->hash, 8);
}

static bool is_unchanged(const Image *image, GError **err)
{
    Image now = { 0 };

    if (!stamp(&now, image->path, err)) {
        return false;
    }
    if (now.bytes != image->bytes || now.hash != image->hash ||
        now.changed_ns != image->changed_ns) {
        return snapshot_refuse(err, "%s has changed since the snapshot was made: its "
                               "%s; a snapshot needs its disks' images as they were",
                               image->path, now.bytes != image->bytes ? "size"
                               : now.hash != image->hash ? "beginning"
                               : "time of change");
    }
    return true;
}

/* Finds the file; a name of a snapshot's own does not lead out of its folder. */
bool image_find(Image *image, const Layers *layers, GError **err)
{
    g_clear_pointer(&image->path, g_free);
    if (image->layer == IMAGE_USERS) {
        image->path = g_strdup(image->name);
        return g_path_is_absolute(image->path) ? is_unchanged(image, err)
               : snapshot_refuse(err, "'%s' is no absolute path", image->name);
    }
    image->path = layers_file(layers, image->layer, image->name);
    return image->path ||
           snapshot_refuse(err, "'%s' is no name of an image here", image->name);
}

/* "raw,offset=512": a format, and of its options those that say what is in it. */
static bool split_format(Image *image)
{
    static const char *const known[] = { "offset", "size", "backing", NULL };
    char *comma = image->format ? strchr(image->format, ',') : NULL;
    g_autoptr(KeyVals) kv = NULL;

    if (!comma) {
        return image->format != NULL;
    }
    *comma = 0;
    image->options = g_strdup(comma + 1);
    kv = keyvals_parse(image->options, NULL, NULL);
    for (unsigned i = 0; kv && i < kv->n; i++) {
        const KeyVal *pair = &kv->pair[i];

        if (!g_strv_contains(known, pair->key) ||
            (strcmp(pair->key, "backing") == 0 && *pair->value)) {
            return false;
        }
    }
    return kv && image->layer == IMAGE_USERS;
}

Image *image_get(Reader *in, GError **err)
{
    Image *image = g_new0(Image, 1);

    image->name = reader_text(in);
    image->format = reader_text(in);
    image->layer = reader_get(in, 4);
    image->bytes = reader_get(in, 8);
    image->changed_ns = reader_get(in, 8);
    image->hash = reader_get(in, 8);
    if (in->failed || !split_format(image)) {
        snapshot_refuse(err, "damaged");
        g_clear_pointer(&image, image_free);
    }
    return image;
}
