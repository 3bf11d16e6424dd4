/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img create.
 */

#include "base/field_value.h"
#include "block/options.h"
#include "img/img.h"

#include <stdio.h>
#include <string.h>

enum { SECTOR = 512 };

/* ---- create ---- */

bool img_wants_options(const ImgArgs *args)
{
    return args->options && (strcmp(args->options, "help") == 0 ||
                             strcmp(args->options, "?") == 0);
}

static const Field *fields_of(const char *format)
{
    const BlockDriver *driver = block_driver_find(format);

    return driver && driver->create_fields ? driver->create_fields() : NULL;
}

int img_print_options(const char *format)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!block_driver_find(format)) {
        return img_fail("Unknown file format '%s'", format);
    }
    g_string_append_printf(text, "Supported %s options:\n", format);
    if (fields_of(format)) {
        fields_help(fields_of(format), text);
    }
    g_string_append_printf(text, "  %-17s %-26s virtual disk size\n", "size", "<size>");
    fputs(text->str, stdout);
    return 0;
}

bool img_options_right(const char *format, const KeyVals *options)
{
    const Field *fields = fields_of(format);

    for (unsigned i = 0; fields && i < options->n; i++) {
        const char *text, *key = options->pair[i].key;

        if (!field_of_pair(fields, &options->pair[i], &text)) {
            img_fail(g_str_has_prefix(key, "backing_")
                     ? "Backing file not supported for file format '%s'%.0s"
                     : "The format '%s' does not support the option '%s'", format, key);
            return false;
        }
    }
    return true;
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

/* As a word or as an option, or nowhere. */
static bool size_given(const ImgArgs *args, KeyVals *options, bool *has, u64 *size)
{
    g_autofree char *option = keyvals_take(options, "size");
    const char *word = args->n > 1 ? args->word[1] : option;

    *has = word != NULL;
    if (option && args->n > 1) {
        img_fail("%s: The image size must be specified only once", args->word[0]);
        return false;
    }
    return !word || img_size(word, size);
}

static bool create_look(const ImgArgs *args, const char *format, BlockCreate *create)
{
    const char *backing = keyvals_get(create->options, "backing_file");
    bool has_size;

    if (!block_driver_find(format)) {
        img_fail("%s: Unknown file format '%s'", create->filename, format);
        return false;
    }
    if (!size_given(args, create->options, &has_size, &create->size) ||
        !img_options_right(format, create->options)) {
        return false;
    }
    if (backing && strcmp(backing, create->filename) == 0) {
        img_fail("%s: Error: Trying to create an image with the same filename as the "
                 "backing file", create->filename);
        return false;
    }
    if (!backing_right(args, create->filename, create->options, &has_size,
                       &create->size)) {
        return false;
    }
    if (!has_size) {
        img_fail("%s: Image creation needs a size parameter", create->filename);
    }
    return has_size;
}

static int create_run(const ImgArgs *args)
{
    const char *format = img_has(args, 'f') ? args->value['f'] : "raw";
    g_autoptr(KeyVals) options = NULL;
    GError *err = NULL;
    BlockCreate create = { .filename = args->word[0] };

    if (img_wants_options(args)) {
        return img_print_options(format);
    }
    if (!args->n) {
        return img_fail("Expecting image file name");
    }
    create.options = options = all_options(args);
    if (!options || !create_look(args, format, &create)) {
        return 1;
    }
    if (!img_has(args, 'q')) {
        announce(create.filename, format, options, create.size);
    }
    create.size = (create.size + SECTOR - 1) & ~(u64)(SECTOR - 1);
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
    "create", "filename [size]", "makes an empty image", create_run, create_options,
    0, 2
};
