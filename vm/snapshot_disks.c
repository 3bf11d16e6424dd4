/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks in a snapshot: see snapshot_disks.h. */

#include "vm/snapshot_disks.h"

#include "base/log.h"
#include "block/drive.h"
#include "block/overlay.h"
#include "vm/snapshot_image.h"

#include <string.h>

enum { DISKS_MAX = 256, IMAGES_MAX = 64 };

/* What of a -drive stays; everything else says which image it is. */
static const char *const kept[] = {
    "if", "id", "index", "bus", "unit", "media", "cache", "aio", "discard",
    "detect-zeroes", "rerror", "werror", "serial", "readonly", "read-only", NULL
};

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
        if (g_strv_contains(kept, kv->pair[i].key)) {
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
    Image *image;

    if (images && images->len &&
        strcmp(((Image *)images->pdata[0])->path, node->filename) == 0) {
        return g_ptr_array_copy(images, image_copy, NULL);
    }
    image = image_of_user(node, err);
    if (!image) {
        return NULL;
    }
    images = g_ptr_array_new_with_free_func(image_free);
    g_ptr_array_add(images, image);
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
    unsigned dropped = changes ? 0 : images->len - 1;
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

static bool save_images(Block *block, unsigned i, const char *dir, bool changes,
                        GByteArray *out, GError **err)
{
    BlockNode *root = block_root(block);
    GPtrArray *images = root ? images_of(root, i, err) : g_ptr_array_new();
    bool done = images && (!root || save_layers(root, dir, i, changes, images, err));

    if (done) {
        put_number(out, images->len, 4);
        for (unsigned n = 0; n < images->len; n++) {
            image_put(images->pdata[n], out);
        }
    }
    if (images) {
        g_ptr_array_unref(images);
    }
    return done;
}

static bool save_disk(const VmConfig *config, unsigned i, const char *dir, bool changes,
                      GByteArray *out, GError **err)
{
    const Drive *drive = drive_nth(i);
    Block *block = block_by_id(drive->id);
    g_autofree char *words = kept_words(config->drive->pdata[i], err);

    if (!words) {
        return false;
    }
    if (block_is_readonly(block) && !is_readonly(words)) {
        g_autofree char *more = g_strconcat(words, *words ? "," : "", "readonly=on",
                                            NULL);

        put_text(out, more);
    } else {
        put_text(out, words);
    }
    if (!save_images(block, i, dir, changes, out, err)) {
        g_prefix_error(err, "disk '%s': ", drive->id);
        return false;
    }
    if (block_root(block) && !block_is_readonly(block) &&
        !node_is_overlay(block_root(block))) {
        warn_user("snapshot: disk '%s' is written directly; when that happens again, "
                  "the snapshot can't be used (-snapshot or snapshot=on avoids it)",
                  drive->id);
    }
    return true;
}

bool disks_can_be_saved(const VmConfig *config, GError **err)
{
    if (config->blockdev->len) {
        return snapshot_refuse(err, "a machine with -blockdev can't be saved; -drive "
                               "does the same");
    }
    return true;
}

bool disks_save(const VmConfig *config, const char *dir, bool changes, GByteArray *out,
                GError **err)
{
    size_t begin = state_section_begin(out, "disks");

    put_number(out, config->drive->len, 4);
    for (unsigned i = 0; i < config->drive->len; i++) {
        if (!save_disk(config, i, dir, changes, out, err)) {
            return false;
        }
    }
    state_section_end(out, begin);
    return true;
}

/* ---- loading ---- */

/* Words of its own: the images, each with its file, and what is written is lost. */
static char *drive_option(const char *words, const GPtrArray *images)
{
    g_autoptr(GString) prefix = g_string_new(NULL);
    GString *text = g_string_new(words);

    for (unsigned i = 0; i < images->len; i++) {
        const Image *image = images->pdata[i];
        g_autofree char *driver = g_strconcat(prefix->str, "driver", NULL);
        g_autofree char *file = g_strconcat(prefix->str, "file.driver", NULL);
        g_autofree char *name = g_strconcat(prefix->str, "file.filename", NULL);

        append_pair(text, driver, image->format);
        append_pair(text, file, "file");
        append_pair(text, name, image->path);
        g_string_append(prefix, "backing.");
    }
    if (images->len && !is_readonly(words)) {
        append_pair(text, "snapshot", "on");
    }
    return g_string_free(text, FALSE);
}

static bool load_images(Reader *in, const Layers *layers, GPtrArray *images,
                        GError **err)
{
    u32 n = reader_get(in, 4);

    if (n > IMAGES_MAX) {
        return snapshot_refuse(err, "%u images over each other", n);
    }
    for (u32 i = 0; i < n; i++) {
        Image *image = image_get(in, layers, i + 1 == n, err);

        if (!image) {
            return false;
        }
        g_ptr_array_add(images, image);
    }
    return true;
}

static bool load_disk(Reader *in, const Layers *layers, VmConfig *config, GError **err)
{
    g_autofree char *words = reader_text(in);
    g_autofree char *ours = words ? kept_words(words, err) : NULL;
    GPtrArray *images = g_ptr_array_new_with_free_func(image_free);

    g_ptr_array_add(loaded_images, images);
    if (!words) {
        return snapshot_refuse(err, "damaged");
    }
    if (!ours || !load_images(in, layers, images, err)) {
        return false;
    }
    g_ptr_array_add(config->drive, drive_option(ours, images));
    return true;
}

static void images_free(void *images)
{
    g_ptr_array_unref(images);
}

bool disks_load(StateFile *file, const Layers *layers, VmConfig *config, GError **err)
{
    Reader in;
    u32 n;

    if (!state_file_section(file, "disks", &in, err)) {
        return false;
    }
    n = reader_get(&in, 4);
    if (n > DISKS_MAX) {
        return snapshot_refuse(err, "disks: %u; %d are possible", n, DISKS_MAX);
    }
    g_clear_pointer(&loaded_images, g_ptr_array_unref);
    loaded_images = g_ptr_array_new_with_free_func(images_free);
    for (u32 i = 0; i < n; i++) {
        if (!load_disk(&in, layers, config, err)) {
            g_prefix_error(err, "disks: number %u: ", i);
            return false;
        }
    }
    return (!in.failed && in.left == 0) || snapshot_refuse(err, "disks: damaged");
}
