/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From options to nodes: see node.h.  Main thread.
 */

#include "block/node.h"
#include "block/options.h"

#include <errno.h>
#include <string.h>

/* DEPTH_MAX: images on images; more is a loop. */
enum { DEPTH_MAX = 200 };

/* What every node takes; 2 stands for "as the parent". */
typedef struct {
    str driver, node_name;
    u8 read_only, auto_read_only, direct, no_flush, force_share, discard,
       detect_zeroes;
} NodeOptions;

static const char *const off_on[] = { "off", "on", NULL };
static const char *const discards[] = { "ignore", "unmap", "off", "on", NULL };
static const char *const detects[] = { "off", "on", "unmap", NULL };
enum { AS_PARENT = 0xff, DETECT_UNMAP = 2 };

#define NODE_ROW(label, member, text, ...)                                          \
    { .name = label, .kind = FIELD_UINT, .offset = offsetof(NodeOptions, member),   \
      .size = 1, .count = 1, .def = AS_PARENT, .help = text, __VA_ARGS__ }
#define NODE_NAME(label, member, text)                                              \
    { .name = label, .kind = FIELD_STR, .offset = offsetof(NodeOptions, member),    \
      .size = sizeof(str), .count = 1, .help = text }

static const Field node_fields[] = {
    NODE_NAME("driver", driver, "format or protocol"),
    NODE_NAME("node-name", node_name, "a name for the node"),
    NODE_ROW("read-only", read_only, "never written", .names = off_on),
    NODE_ROW("auto-read-only", auto_read_only, "read-only where it can't be written",
             .names = off_on),
    NODE_ROW("cache.direct", direct, "past the host's page cache", .names = off_on),
    NODE_ROW("cache.no-flush", no_flush, "flushes do nothing", .names = off_on),
    NODE_ROW("force-share", force_share, "whatever others do", .names = off_on),
    NODE_ROW("discard", discard, "whether discards reach the host", .names = discards),
    NODE_ROW("detect-zeroes", detect_zeroes, "zeroes are written in a cheaper way",
             .names = detects),
    { 0 }
};

static void apply(BlockFlags *flags, u8 value, BlockFlags flag)
{
    if (value != AS_PARENT) {
        *flags = value ? *flags | flag : *flags & ~flag;
    }
}

static BlockFlags flags_of(const NodeOptions *options, BlockFlags flags)
{
    u8 read_only = options->read_only;

    apply(&flags, options->direct, BLOCK_DIRECT);
    apply(&flags, options->no_flush, BLOCK_NO_FLUSH);
    apply(&flags, options->force_share, BLOCK_FORCE_SHARE);
    apply(&flags, options->auto_read_only, BLOCK_AUTO_RDONLY);
    apply(&flags, options->discard == AS_PARENT ? AS_PARENT : options->discard & 1,
          BLOCK_UNMAP);
    apply(&flags, read_only == AS_PARENT ? AS_PARENT : !read_only, BLOCK_RDWR);
    return flags;
}

static bool flags_right(const NodeOptions *options, BlockFlags flags, GError **err)
{
    if ((flags & BLOCK_FORCE_SHARE) && (flags & BLOCK_RDWR)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "force-share=on can only be used with read-only images");
        return false;
    }
    if (options->detect_zeroes == DETECT_UNMAP && !(flags & BLOCK_UNMAP)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "setting detect-zeroes to unmap is not allowed without setting "
                    "discard operation to unmap");
        return false;
    }
    return true;
}

/* A letter, then letters, digits, '-', '.', '_'; at most 31 of them. */
static bool name_is_right(const char *name)
{
    return g_ascii_isalpha(*name) && strlen(name) < 32 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-._") == strlen(name);
}

static bool name_is_free(const char *name, GError **err)
{
    if (!name) {
        return true;
    }
    if (!name_is_right(name)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Invalid node-name: '%s'", name);
        return false;
    }
    if (node_find(name)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Duplicate nodes with node-name='%s'", name);
        return false;
    }
    return true;
}

/* "nbd:host": letters and a colon before any slash. */
static bool has_protocol(const char *filename)
{
    size_t n = strspn(filename, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-+.");

    return n && filename[n] == ':' && !g_str_has_prefix(filename, "file:");
}

static bool unknown_protocol(const char *filename, GError **err)
{
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "Could not open '%s': Unknown protocol '%.*s'", filename,
                (int)strcspn(filename, ":"), filename);
    return false;
}

/* ---- the driver ---- */

const BlockDriver *block_driver_find(const char *name)
{
    for (unsigned i = 0; block_drivers[i]; i++) {
        if (strcmp(block_drivers[i]->name, name) == 0) {
            return block_drivers[i];
        }
    }
    return NULL;
}

static const BlockDriver *named_driver(const char *name, GError **err)
{
    const BlockDriver *driver = block_driver_find(name);

    if (!driver) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Unknown driver '%s'", name);
    }
    return driver;
}

/*
 * "filename" of a format is its file's.  Without a driver, a node over a file is
 * meant; that is opened, and its beginning tells the format.
 */
static bool push_filename_down(KeyVals *options, GError **err)
{
    g_autofree char *filename = keyvals_take(options, "filename");

    if (!filename) {
        return true;
    }
    if (has_protocol(filename)) {
        return unknown_protocol(filename, err);
    }
    keyvals_set(options, "file.filename", filename);
    if (!keyvals_get(options, "file.driver")) {
        keyvals_set(options, "file.driver", "file");
    }
    return true;
}

static const BlockDriver *guess_driver(BlockNode **file, KeyVals *options,
                                       BlockFlags *flags, GError **err)
{
    const BlockDriver *driver;
    BlockNode holder = { .flags = *flags };

    if (!push_filename_down(options, err)) {
        return NULL;
    }
    *file = node_open_child(&holder, "file", options, *flags, err);
    if (!*file) {
        if (err && !*err) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "Must specify either driver or file");
        }
        return NULL;
    }
    driver = node_probe(*file, err);
    if (driver && strcmp(driver->name, "raw") == 0) {
        *flags |= BLOCK_PROBED;
    }
    return driver;
}

/* ---- a node ---- */

static bool open_driver(BlockNode *node, KeyVals *options, GError **err)
{
    const BlockDriver *driver = node->driver;
    g_autofree void *config = g_malloc0(MAX(driver->config_size, 1));
    g_autofree char *what = g_strdup_printf(
        "%s '%s'", driver->is_protocol ? "protocol" : "format", driver->name);
    bool right;

    right = (!driver->fields || options_take(driver->fields, config, options, err)) &&
            driver->open(node, config, options, err) &&
            options_empty(options, what, err);
    if (driver->fields) {
        fields_clear(driver->fields, config);
    }
    if (right && !node->filename && node->file) {
        node->filename = g_strdup(node->file->filename);
    }
    return right;
}

static BlockNode *open_as(const NodeOptions *names, KeyVals *options, BlockFlags flags,
                          GError **err)
{
    g_autoptr(BlockNode) file = NULL;
    g_autoptr(BlockNode) node = NULL;
    const BlockDriver *driver = names->driver ? named_driver(names->driver, err)
                                : guess_driver(&file, options, &flags, err);

    if (!driver || !name_is_free(names->node_name, err)) {
        return NULL;
    }
    node = node_new(driver, flags, names->node_name);
    node->file = g_steal_pointer(&file);
    if (!driver->is_protocol && !push_filename_down(options, err)) {
        return NULL;
    }
    return open_driver(node, options, err) ? g_steal_pointer(&node) : NULL;
}

BlockNode *node_open(KeyVals *options, BlockFlags flags, GError **err)
{
    static unsigned depth;
    NodeOptions own = { 0 };
    BlockNode *node = NULL;

    if (depth == DEPTH_MAX) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_LOOP,
                    "more than %d images on top of each other: the backing files "
                    "form a loop", DEPTH_MAX);
        return NULL;
    }
    depth++;
    if (options_take(node_fields, &own, options, err)) {
        flags = flags_of(&own, flags);
        node = flags_right(&own, flags, err) ? open_as(&own, options, flags, err)
                                             : NULL;
    }
    if (node && own.detect_zeroes != AS_PARENT) {
        node->detect_zeroes = own.detect_zeroes;
    }
    fields_clear(node_fields, &own);
    depth--;
    return node;
}

/* ---- children and file names ---- */

static BlockNode **child_slot(BlockNode *parent, const char *name)
{
    return strcmp(name, "backing") == 0 ? &parent->backing
           : strcmp(name, "data-file") == 0 ? &parent->data : &parent->file;
}

static BlockNode *referred_node(const char *name, GError **err)
{
    BlockNode *node = node_find(name);

    if (!node) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Cannot find device='' nor node-name='%s'", name);
        return NULL;
    }
    return node_ref(node);
}

BlockNode *node_open_child(BlockNode *parent, const char *name, KeyVals *options,
                           BlockFlags flags, GError **err)
{
    BlockNode **slot = child_slot(parent, name);
    g_autofree char *reference = NULL;
    g_autoptr(KeyVals) own = NULL;

    if (*slot) {
        return *slot;                       /* opened already, to be probed */
    }
    reference = keyvals_take(options, name);
    own = options_sub(options, name);
    flags &= ~BLOCK_PROBED;
    if (reference && *reference) {
        *slot = referred_node(reference, err);
    } else if (own->n) {
        if (strcmp(name, "file") == 0 && keyvals_get(own, "filename") &&
            !keyvals_get(own, "driver")) {
            keyvals_set(own, "driver", "file");     /* below a format is no other */
        }
        *slot = node_open(own, flags, err);
        if (*slot && !options_empty(own, "node", err)) {
            g_clear_pointer(slot, node_unref);
        }
    }
    return *slot;
}

static KeyVals *filename_options(const char *filename, GError **err)
{
    KeyVals *options;

    if (g_str_has_prefix(filename, "json:")) {
        return options_from_json(filename + 5, err);
    }
    if (g_str_has_prefix(filename, "file:")) {
        filename += 5;
    } else if (has_protocol(filename)) {
        unknown_protocol(filename, err);
        return NULL;
    }
    options = keyvals_parse("", NULL, NULL);
    keyvals_set(options, "file.driver", "file");
    keyvals_set(options, "file.filename", filename);
    return options;
}

BlockNode *node_open_file(const char *filename, const char *format, BlockFlags flags,
                          GError **err)
{
    g_autoptr(KeyVals) options = filename_options(filename, err);
    g_autoptr(BlockNode) node = NULL;

    if (!options) {
        return NULL;
    }
    if (format) {
        keyvals_set(options, "driver", format);
    }
    node = node_open(options, flags, err);
    return node && options_empty(options, "node", err) ? g_steal_pointer(&node) : NULL;
}

bool node_create(const char *format, const BlockCreate *create, GError **err)
{
    const BlockDriver *driver = block_driver_find(format);

    if (!driver || !driver->create) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    driver ? "Format driver '%s' does not support image creation"
                           : "Unknown file format '%s'", format);
        return false;
    }
    return driver->create(create, err);
}

char *node_relative(const char *filename, const char *backing)
{
    g_autofree char *folder = NULL;

    if (g_path_is_absolute(backing) || has_protocol(backing) || !filename ||
        g_str_has_prefix(backing, "file:") ||
        !strchr(filename, '/')) {
        return g_strdup(backing);
    }
    folder = g_path_get_dirname(filename);
    return g_build_filename(folder, backing, NULL);
}
