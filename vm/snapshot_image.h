/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image that a snapshot's disk is made of: one of its own, or the user's, which is
 * known again by its size, its time of change and its first bytes.  Main thread.
 */

#ifndef VM_SNAPSHOT_IMAGE_H
#define VM_SNAPSHOT_IMAGE_H

#include "block/node.h"
#include "vm/snapshot_layers.h"

#define IMAGE_USERS UINT32_MAX

typedef struct {
    char *name;                 /* a file of the layer, or a path of the user's */
    char *path;                 /* where it is */
    char *format;
    char *options;              /* of a user's, besides: "offset=512"; or NULL */
    u32 layer;                  /* or IMAGE_USERS */
    u64 bytes, changed_ns, hash;
} Image;

Image *image_new(u32 layer, const char *name, const char *format);
void *image_copy(const void *image, void *unused);
void image_free(void *image);

/* How many of these are not the user's, which come last. */
unsigned images_of_snapshots(const GPtrArray *images);

/* Appends the images that this node shows, each over the next, which are files. */
bool images_of_user(const BlockNode *node, GPtrArray *images, GError **err) must_check;

/*
 * Writes what the `above` uppermost nodes of a disk hold into a new qcow2 file DIR/NAME
 * over `base`.
 */
bool image_write(BlockNode *root, unsigned above, const char *dir, const char *name,
                 const Image *base, GError **err) must_check;

void image_put(const Image *image, GByteArray *out);
Image *image_get(Reader *in, GError **err) must_check;
/* Where it is; a user's must be unchanged. */
bool image_find(Image *image, const Layers *layers, GError **err) must_check;

#endif
