/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img create and resize.
 */

#include "block/options.h"
#include "block/qcow2.h"
#include "img/img.h"

#include <stdio.h>
#include <string.h>

enum { SECTOR = 512 };

/* ---- create ---- */

static int print_options(const char *format)
{
    g_autoptr(GString) text = g_string_new("Supported options:\n");

    if (strcmp(format, "qcow2") == 0) {
        fields_help(qcow2_create_fields, text);
    }
    g_string_append(text, "  size            <size>  virtual disk size\n");
    fputs(text->str, stdout);
    return 0;
}

static KeyVals *all_options(const ImgArgs *args)
{
    GError *err = NULL;
    KeyVals *options = keyvals_parse(args->options ? args->options : "", NULL, &err);

    if (!options) {
        img_fail_error(err);
        return NULL;
    }
    if (img_has(args, 'b')) {
        keyvals_set(options, "backing_file", args->value['b']);
    }
    if (img_has(args, 'F')) {
        keyvals_set(options, "backing_fmt", args->value['F']);
    }
    return options;
}

/* Looks at the backing file: it must be there, and gives the size if there is none. */
static bool backing_right(const ImgArgs *args, const char *filename, KeyVals *options,
                          bool *has_size, u64 *size)
{
    const char *name = keyvals_get(options, "backing_file");
    const char *format = keyvals_get(options, "backing_fmt");
    g_autofree char *path = NULL;
    g_autoptr(BlockNode) node = NULL;
    GError *err = NULL;

    if (!name || !*name || (img_has(args, 'u') && *has_size)) {
        return true;
    }
    if (!format) {
        img_fail("%s: Backing file specified without backing format", filename);
        return false;
    }
    if (!block_driver_find(format)) {
        img_fail("%s: Unknown backing file format '%s'", filename, format);
        return false;
    }
    path = node_relative(filename, name);
    node = node_open_file(path, format, 0, &err);
    if (!node) {
        img_fail("%s: %s", filename, err->message);
        g_error_free(err);
        return false;
    }
    if (!*has_size) {
        *size = node_length(node);
        *has_size = true;
    }
    return true;
}

static const char *const shown[] = { "cluster_size", "extended_l2", "preallocation",
                                     "compression_type", "size", "compat",
                                     "backing_file", "backing_fmt", "lazy_refcounts",
                                     "refcount_bits" };

static const char *default_of(const char *format, const char *option)
{
    static const char *const defaults[][2] = {
        { "cluster_size", "65536" }, { "extended_l2", "off" },
        { "compression_type", "zlib" }, { "lazy_refcounts", "off" },
        { "refcount_bits", "16" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(defaults); i++) {
        if (strcmp(format, "qcow2") == 0 && strcmp(defaults[i][0], option) == 0) {
            return defaults[i][1];
        }
    }
    return NULL;
}

static void announce(const char *filename, const char *format, const KeyVals *options,
                     u64 size)
{
    printf("Formatting '%s', fmt=%s", filename, format);
    for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++) {
        const char *value = keyvals_get(options, shown[i]);
        u64 bytes;

        value = value ? value : default_of(format, shown[i]);
        if (strcmp(shown[i], "size") == 0) {
            printf(" size=%" G_GUINT64_FORMAT, size);
        } else if (value && strcmp(shown[i], "cluster_size") == 0 &&
                   size_parse(value, 1, &bytes)) {
            printf(" cluster_size=%" G_GUINT64_FORMAT, bytes);
        } else if (value) {
            printf(" %s=%s", shown[i], value);
        }
    }
    putchar('\n');
}

static int create_run(const ImgArgs *args)
{
    const char *format = img_has(args, 'f') ? args->value['f'] : "raw";
    g_autoptr(KeyVals) options = NULL;
    g_autofree char *size_option = NULL;
    bool has_size = args->n > 1;
    GError *err = NULL;
    BlockCreate create = { .filename = args->word[0] };

    if (args->options && (strcmp(args->options, "help") == 0 ||
                          strcmp(args->options, "?") == 0)) {
        return print_options(format);
    }
    options = all_options(args);
    if (!options || (has_size && !img_size(args->word[1], &create.size))) {
        return 1;
    }
    size_option = keyvals_take(options, "size");
    if (size_option && !has_size) {
        has_size = true;
        if (!img_size(size_option, &create.size)) {
            return 1;
        }
    }
    if (!backing_right(args, create.filename, options, &has_size, &create.size)) {
        return 1;
    }
    if (!has_size) {
        return img_fail("Image creation needs a size parameter");
    }
    if (!img_has(args, 'q')) {
        announce(create.filename, format, options, create.size);
    }
    create.size = (create.size + SECTOR - 1) & ~(u64)(SECTOR - 1);
    create.options = options;
    if (!node_create(format, &create, &err)) {
        img_fail("%s: %s", create.filename, err->message);
        g_error_free(err);
        return 1;
    }
    return 0;
}

static const ImgOption create_options[] = {
    { 'f', NULL, "fmt", "format of the image [raw]" },
    { 'o', NULL, "options", "options of the format; -o help lists them" },
    { 'b', NULL, "file", "backing file" },
    { 'F', NULL, "fmt", "format of the backing file" },
    { 'u', NULL, NULL, "does not look at the backing file" },
    { 'q', NULL, NULL, "says nothing" },
    { 0 }
};

const ImgCommand img_create = {
    "create", "filename [size]", "makes an empty image", create_run, create_options, 1, 2
};

/* ---- resize ---- */

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
    *size = (*size + SECTOR - 1) & ~(u64)(SECTOR - 1);
    return true;
}

static int resize_run(const ImgArgs *args)
{
    BlockFlags flags = BLOCK_RDWR | BLOCK_RESIZE;
    g_autoptr(BlockNode) node = img_open(args, args->word[0], args->value['f'], flags,
                                         NULL);
    GError *err = NULL;
    u64 size;

    if (!node || !new_size(node, args->word[1], &size)) {
        return 1;
    }
    if (size < node_length(node) && !img_has(args, OPT_SHRINK)) {
        img_fail("Use the --shrink option to perform a shrink operation.");
        img_fail("warning: Shrinking an image will delete all data beyond the shrunken "
                 "image's end. Before performing such an operation, make sure there is "
                 "no important data there.");
        return 1;
    }
    if (!node_truncate(node, size, &err)) {
        return img_fail_error(err);
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
    { OPT_SHRINK, "shrink", NULL, "the image may become smaller" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_resize = {
    "resize", "filename [+ | -]size", "changes an image's size", resize_run,
    resize_options, 2, 2
};
