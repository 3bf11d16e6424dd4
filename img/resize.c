/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img resize.
 */

#include "block/qcow2.h"
#include "img/img.h"

#include <stdio.h>
#include <string.h>

enum { SECTOR = 512 };

/* "+1G", "-1G" or "1G". */
static bool new_size(BlockNode *node, const char *text, u64 *size)
{
    u64 old = node_length(node), by;

    if (!img_size(text + (*text == '+' || *text == '-'), &by)) {
        return false;
    }
    *size = *text == '+' ? old + by : *text == '-' ? old - by : by;
    if (*text == '-' && by > old) {
        img_fail("New image size must be positive");
        return false;
    }
    return true;
}

/* --preallocation: of what is new. */
static bool mode_of(const ImgArgs *args, unsigned *mode)
{
    static const char *const modes[] = { "off", "metadata", "falloc", "full", NULL };
    const char *text = args->value[OPT_PREALLOCATION];

    for (*mode = 0; text && modes[*mode]; ++*mode) {
        if (strcmp(modes[*mode], text) == 0) {
            return true;
        }
    }
    if (text) {
        img_fail("Invalid preallocation mode '%s'", text);
    }
    return !text;
}

static bool preallocate(BlockNode *node, u64 from, unsigned mode)
{
    GError *err = NULL;

    if (!mode) {
        return true;
    }
    if (img_is_qcow2(node) ? qcow2_preallocate(node, from, mode, &err)
        : node_preallocate(node, from, node_length(node),
                           mode == QCOW2_ALLOCATE_FULL, &err)) {
        return true;
    }
    img_fail_error(err);
    return false;
}

/* What the image will not do, before it is changed. */
static bool resize_right(const ImgArgs *args, BlockNode *node, u64 size, unsigned mode)
{
    bool shrinks = size < node_length(node);

    if (shrinks && !img_has(args, OPT_SHRINK)) {
        img_fail("Use the --shrink option to perform a shrink operation.");
        img_fail("warning: Shrinking an image will delete all data beyond the shrunken "
                 "image's end. Before performing such an operation, make sure there is "
                 "no important data there.");
    } else if (img_is_qcow2(node) && size % SECTOR) {
        img_fail("The new size must be a multiple of 512");
    } else if (shrinks && mode) {
        img_fail("Preallocation can only be used for growing images");
    } else if (mode == QCOW2_ALLOCATE_METADATA && !img_is_qcow2(node)) {
        img_fail("Unsupported preallocation mode: metadata");
    } else {
        return true;
    }
    return false;
}

static int resize_run(const ImgArgs *args)
{
    BlockFlags flags = BLOCK_RDWR | BLOCK_RESIZE;
    g_autoptr(BlockNode) node = img_open(args, args->word[0], args->value['f'], flags,
                                         NULL);
    GError *err = NULL;
    unsigned mode;
    u64 size, old;

    if (!node || !mode_of(args, &mode) || !new_size(node, args->word[1], &size) ||
        !resize_right(args, node, size, mode)) {
        return 1;
    }
    old = node_length(node);
    size = (size + SECTOR - 1) & ~(u64)(SECTOR - 1);
    if (!node_truncate(node, size, &err)) {
        return img_fail_error(err);
    }
    if (!preallocate(node, old, mode)) {
        return 1;
    }
    if (node_flush(node)) {
        return img_fail("'%s': can't be flushed", args->word[0]);
    }
    if (!img_has(args, 'q')) {
        puts("Image resized.");
    }
    return 0;
}

static const ImgOption resize_options[] = {
    { 'f', NULL, "fmt", "format of the image" },
    { 'q', NULL, NULL, "says nothing" },
    { OPT_PREALLOCATION, "preallocation", "mode",
      "off, metadata, falloc or full: of what is new" },
    { OPT_SHRINK, "shrink", NULL, "the image may become smaller" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_resize = {
    "resize", "filename [+ | -]size", "changes an image's size", resize_run,
    resize_options, 2, 2
};
