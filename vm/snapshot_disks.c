/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks in a snapshot: see snapshot_disks.h. */

#include "vm/snapshot_disks.h"

#include "base/log.h"
#include "block/drive.h"
#include "block/overlay.h"
#include "block/throttle.h"
#include "vm/snapshot_image.h"

#include <string.h>

enum { DISKS_MAX = 256, IMAGES_MAX = 64 };

/* What of a -drive stays; everything else says which image it is. */
static const char *const kept[] = {
    "if", "id", "index", "bus", "unit", "media", "cache", "aio", "discard",
    "detect-zeroes", "rerror", "werror", "serial", "readonly", "read-only",
    "cache.writeback", "cache.direct", "cache.no-flush", NULL
};

/* The same of a node. */
static const struct {
    BlockFlags flag;
    const char *key, *value;
} node_words[] = {
    { BLOCK_DIRECT, "cache.direct", "on" }, { BLOCK_NO_FLUSH, "cache.no-flush", "on" },
    { BLOCK_UNMAP, "discard", "unmap" },
};

static const char *const detects[] = { "off", "on", "unmap" };

/* The images of the disks that came from a snapshot, by -drive option: GPtrArray * */
static GPtrArray *loaded_images;

static void append_pair(GString *text, const char *key, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts);

    g_string_append_printf(text, "%s%s=%s", text->len ? "," : "", key, escaped);
}

/* The words of a -drive that do not name its image; NULL: it can't be parsed. */
static char *kept_words(const char *drive, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(drive, "file", err);
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; kv && i < kv->n; i++) {
        if (g_strv_contains(kept, kv->pair[i].key) ||
            throttle_has_word(kv->pair[i].key)) {
            append_pair(text, kv->pair[i].key, kv->pair[i].value);
        }
    }
    return g_string_free(text, !kv);
}

static bool is_readonly(const char *words)
{
    g_autoptr(KeyVals) kv = keyvals_parse(words, NULL, NULL);
    const char *media = kv ? keyvals_get(kv, "media") : NULL;
    const char *readonly = kv ? keyvals_get(kv, "readonly") : NULL;

    return g_strcmp0(media, "cdrom") == 0 || g_strcmp0(readonly, "on") == 0;
}

/* ---- saving ---- */

/* The images of this disk as they are now, the last one the user's. */
static GPtrArray *images_of(const BlockNode *root, unsigned i, GError **err)
{
    const BlockNode *node = node_is_overlay(root) ? root->backing : root;
    GPtrArray *images = loaded_images && i < loaded_images->len
                        ? loaded_images->pdata[i] : NULL;

    if (images && images->len &&
        strcmp(((Image *)images->pdata[0])->path, node->filename) == 0) {
        return g_ptr_array_copy(images, image_copy, NULL);
    }
    images = g_ptr_array_new_with_free_func(image_free);
    if (!images_of_user(node, images, err)) {
        g_clear_pointer(&images, g_ptr_array_unref);
    }
    return images;
}

/*
 * Writes what was written since `base`, the image that stays below: the user's, or with
 * `changes` the uppermost one.
 */
static bool save_layers(BlockNode *root, const char *dir, unsigned i, bool changes,
                        GPtrArray *images, GError **err)
{
    g_autofree char *name = g_strdup_printf("disk%u.qcow2", i);
    unsigned dropped = changes ? 0 : images_of_snapshots(images);
    unsigned above = dropped + node_is_overlay(root);
    const Image *base = images->pdata[dropped];

    if (above && !image_write(root, above, dir, name, base, err)) {
        return false;
    }
    if (dropped) {
        g_ptr_array_remove_range(images, 0, dropped);
    }
    for (unsigned n = 0; n < images->len; n++) {
        Image *image = images->pdata[n];

        image->layer += image->layer != IMAGE_USERS;
    }
    if (above) {
        g_ptr_array_insert(images, 0, image_new(0, name, "qcow2"));
    }
    return true;
}

void saved_disk_put(const SavedDisk *disk, GByteArray *out)
{
    put_text(out, disk->words);
    put_number(out, disk->images->len, 4);
    for (unsigned n = 0; n < disk->images->len; n++) {
        image_put(disk->images->pdata[n], out);
    }
}

/* Its images, the changes in a file of the folder; NULL: failed. */
static GPtrArray *save_images(Block *block, unsigned i, const char *dir, bool changes,
                              GError **err)
{
    BlockNode *root = block_root(block);
    GPtrArray *images = root ? images_of(root, i, err) : g_ptr_array_new();

    if (images && root && !save_layers(root, dir, i, changes, images, err)) {
        g_clear_pointer(&images, g_ptr_array_unref);
    }
    return images;
}

static char *words_of_node(const Block *block)
{
    const BlockNode *root = block_root(block);
    GString *text = g_string_new("if=none");

    append_pair(text, "id", block_id(block));
    if (block_media(block) == BLOCK_CDROM) {
        append_pair(text, "media", "cdrom");
    }
    for (unsigned i = 0; root && i < G_N_ELEMENTS(node_words); i++) {
        if (root->flags & node_words[i].flag) {
            append_pair(text, node_words[i].key, node_words[i].value);
        }
    }
    if (root && root->detect_zeroes) {
        append_pair(text, "detect-zeroes", detects[root->detect_zeroes]);
    }
    return g_string_free(text, FALSE);
}

/* `drive`: its option; NULL: it is a node of -blockdev. */
static bool save_disk(Block *block, const char *drive, unsigned i, const char *dir,
                      bool changes, GByteArray *out, GError **err)
{
    g_autofree char *words = drive ? kept_words(drive, err) : words_of_node(block);
    g_autofree char *more = NULL;
    g_autoptr(GPtrArray) images = NULL;

    if (!words) {
        return false;
    }
    if (block_is_readonly(block) && !is_readonly(words)) {
        more = g_strconcat(words, *words ? "," : "", "readonly=on", NULL);
    }
    images = save_images(block, i, dir, changes, err);
    if (!images) {
        g_prefix_error(err, "disk '%s': ", block_id(block));
        return false;
    }
    saved_disk_put(&(SavedDisk){ more ? more : words, images }, out);
    if (block_root(block) && !block_is_readonly(block) &&
        !node_is_overlay(block_root(block))) {
        warn_user("snapshot: disk '%s' is written directly; when that happens again, "
                  "the snapshot can't be used%s", block_id(block),
                  drive ? " (-snapshot or snapshot=on avoids it)" : "");
    }
    return true;
}

/* The next one of -blockdev that a device has. */
static Block *next_node(Block *block)
{
    do {
        block = block_next(block);
    } while (block && !block_is_node(block));
    return block;
}

bool disks_can_be_saved(GError **err)
{
    for (Block *block = next_node(NULL); block; block = next_node(block)) {
        if (block_by_id(block_id(block)) != block) {
            return snapshot_refuse(err, "disk '%s': two devices have this node, which "
                                   "a snapshot can't tell", block_id(block));
        }
    }
    return true;
}

bool disks_save(const VmConfig *config, const char *dir, bool changes, GByteArray *out,
                GError **err)
{
    size_t begin = state_section_begin(out, "disks"), count = out->len;
    Block *node = NULL;
    u32 n = 0;

    put_number(out, 0, 4);
    for (; n < config->drive->len; n++) {
        if (!save_disk(block_by_id(drive_nth(n)->id), config->drive->pdata[n], n, dir,
                       changes, out, err)) {
            return false;
        }
    }
    while ((node = next_node(node))) {
        if (!save_disk(node, NULL, n++, dir, changes, out, err)) {
            return false;
        }
    }
    memcpy(out->data + count, &n, sizeof n);
    state_section_end(out, begin);
    return true;
}

/* ---- loading ---- */

static void append_options(GString *text, const char *prefix, const char *options)
{
    g_autoptr(KeyVals) kv = options ? keyvals_parse(options, NULL, NULL) : NULL;

    for (unsigned i = 0; kv && i < kv->n; i++) {
        g_autofree char *key = g_strconcat(prefix, kv->pair[i].key, NULL);

        append_pair(text, key, kv->pair[i].value);
    }
}

/* Words of its own: the images, each with its file. */
static void append_images(GString *text, const GPtrArray *images)
{
    g_autoptr(GString) prefix = g_string_new(NULL);

    for (unsigned i = 0; i < images->len; i++) {
        const Image *image = images->pdata[i];
        g_autofree char *driver = g_strconcat(prefix->str, "driver", NULL);
        g_autofree char *file = g_strconcat(prefix->str, "file.driver", NULL);
        g_autofree char *name = g_strconcat(prefix->str, "file.filename", NULL);

        append_pair(text, driver, image->format);
        append_pair(text, file, "file");
        append_pair(text, name, image->path);
        append_options(text, prefix->str, image->options);
        g_string_append(prefix, "backing.");
    }
}

/* What is written is lost. */
static char *drive_option(const char *words, const GPtrArray *images)
{
    GString *text = g_string_new(words);

    append_images(text, images);
    if (images->len && !is_readonly(words)) {
        append_pair(text, "snapshot", "on");
    }
    return g_string_free(text, FALSE);
}

void saved_disk_free(void *opaque)
{
    SavedDisk *disk = opaque;

    g_free(disk->words);
    g_ptr_array_unref(disk->images);
    g_free(disk);
}

/* A snapshot's own over those of the user, of which there is one. */
static bool are_in_order(const GPtrArray *images)
{
    unsigned n = images_of_snapshots(images);

    for (unsigned i = n; i < images->len; i++) {
        if (((Image *)images->pdata[i])->layer != IMAGE_USERS) {
            return false;
        }
    }
    return n < images->len || n == 0;
}

static bool get_disk(Reader *in, SavedDisk *disk, GError **err)
{
    u32 n;

    disk->words = reader_text(in);
    n = reader_get(in, 4);
    if (!disk->words) {
        return snapshot_refuse(err, "damaged");
    }
    if (n > IMAGES_MAX) {
        return snapshot_refuse(err, "%u images over each other", n);
    }
    for (u32 i = 0; i < n; i++) {
        Image *image = image_get(in, err);

        if (!image) {
            return false;
        }
        g_ptr_array_add(disk->images, image);
    }
    return are_in_order(disk->images) || snapshot_refuse(err, "damaged");
}

static bool get_disks(Reader *in, GPtrArray *disks, GError **err)
{
    u32 n = reader_get(in, 4);

    if (n > DISKS_MAX) {
        return snapshot_refuse(err, "disks: %u; %d are possible", n, DISKS_MAX);
    }
    for (u32 i = 0; i < n; i++) {
        SavedDisk *disk = g_new0(SavedDisk, 1);

        disk->images = g_ptr_array_new_with_free_func(image_free);
        g_ptr_array_add(disks, disk);
        if (!get_disk(in, disk, err)) {
            g_prefix_error(err, "disks: number %u: ", i);
            return false;
        }
    }
    return (!in->failed && in->left == 0) || snapshot_refuse(err, "disks: damaged");
}

GPtrArray *disks_parse(StateFile *file, GError **err)
{
    GPtrArray *disks = g_ptr_array_new_with_free_func(saved_disk_free);
    Reader in;

    if (!state_file_section(file, "disks", &in, err) || !get_disks(&in, disks, err)) {
        g_clear_pointer(&disks, g_ptr_array_unref);
    }
    return disks;
}

static bool find_images(SavedDisk *disk, const Layers *layers, GError **err)
{
    for (unsigned i = 0; i < disk->images->len; i++) {
        if (!image_find(disk->images->pdata[i], layers, err)) {
            return false;
        }
    }
    return true;
}

char *saved_disk_images(SavedDisk *disk, const Layers *layers, GError **err)
{
    GString *text;

    if (!find_images(disk, layers, err)) {
        return NULL;
    }
    text = g_string_new(NULL);
    append_images(text, disk->images);
    return g_string_free(text, FALSE);
}

static char *saved_disk_option(SavedDisk *disk, const Layers *layers, GError **err)
{
    g_autofree char *ours = kept_words(disk->words, err);

    return ours && find_images(disk, layers, err) ? drive_option(ours, disk->images)
                                                  : NULL;
}

static void images_free(void *images)
{
    g_ptr_array_unref(images);
}

bool disks_load(StateFile *file, const Layers *layers, VmConfig *config, GError **err)
{
    g_autoptr(GPtrArray) disks = disks_parse(file, err);

    g_clear_pointer(&loaded_images, g_ptr_array_unref);
    loaded_images = g_ptr_array_new_with_free_func(images_free);
    for (unsigned i = 0; disks && i < disks->len; i++) {
        SavedDisk *disk = disks->pdata[i];
        char *option = saved_disk_option(disk, layers, err);

        if (!option) {
            g_prefix_error(err, "disks: number %u: ", i);
            return false;
        }
        g_ptr_array_add(loaded_images, g_ptr_array_ref(disk->images));
        g_ptr_array_add(config->drive, option);
    }
    return disks != NULL;
}
