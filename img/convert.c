/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img convert.
 */

#include "block/qcow2.h"
#include "img/copy.h"

#include <stdio.h>
#include <string.h>

enum { SECTOR = 512 };

/* -B: what the source's chain has from that file on is there already. */
static bool base_find(Copy *c)
{
    const char *name = c->args->value['B'];

    if (!name || c->n != 1) {
        return !name ||
               img_fail("Having a backing file for the target makes no sense when "
                        "concatenating multiple input images") == 0;
    }
    for (BlockNode *at = c->source[0].node->backing; at; at = at->backing) {
        if (at->filename && strcmp(at->filename, name) == 0) {
            c->base = c->source[0].walk.base = at;
        }
    }
    return true;
}

/* ---- convert ---- */

/* "snapshot.id=ID" and "snapshot.name=NAME", or one of both. */
static const char *snapshot_named(const char *text)
{
    static const char *const keys[] = { "snapshot.id=", "snapshot.name=" };

    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (g_str_has_prefix(text, keys[i])) {
            return text + strlen(keys[i]);
        }
    }
    return text;
}

static bool sources_open(Copy *c)
{
    const ImgArgs *args = c->args;
    GError *err = NULL;

    for (int i = 0; i < args->n - 1; i++) {
        BlockNode *node = img_open(args, args->word[i], args->value['f'], 0,
                                   args->value['T']);

        if (!node) {
            return false;
        }
        c->source[c->n++] = (CopySource){ .node = node, .begin = c->length };
        if (img_has(args, 'l') &&
            (!img_is_qcow2(node) ||
             !qcow2_snapshot_view(node, snapshot_named(args->value['l']), &err))) {
            img_fail("Failed to load snapshot: %s", err ? err->message
                                                        : "the format has none");
            g_clear_error(&err);
            return false;
        }
        c->source[i].end = c->length += node_length(node);
        c->source[i].walk.node = node;
    }
    return true;
}

/* Options that don't go together: the first that does is what is said. */
static bool options_agree(const ImgArgs *args)
{
    bool is_new = !img_has(args, 'n');
    const struct {
        bool wrong;
        const char *text;
    } rules[] = {
        { is_new && img_has(args, OPT_TARGET_ZERO),
          "--target-is-zero requires use of -n flag" },
        { is_new && img_has(args, OPT_TARGET_OPTS),
          "--target-image-opts requires use of -n flag" },
        { img_has(args, 'B') && !img_has(args, 'F'),
          "Use of backing file requires explicit backing format" },
        { img_has(args, 'C') && img_has(args, 'c'),
          "Cannot enable copy offloading when -c is used" },
        { img_has(args, 'C') && img_has(args, 'S'),
          "Cannot enable copy offloading when -S is used" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (rules[i].wrong) {
            img_fail("%s", rules[i].text);
            return false;
        }
    }
    return true;
}

static bool workers_of(const ImgArgs *args, unsigned *workers)
{
    const char *text = args->value['m'];
    u64 n = 0;

    if (text && (!number_parse(text, 1, COPY_MAX_WORKERS, &n))) {
        img_fail("Invalid number of coroutines. Allowed number of coroutines is "
                 "between 1 and %d", COPY_MAX_WORKERS);
        return false;
    }
    *workers = n;
    return true;
}

static int convert_steps(Copy *c)
{
    const ImgArgs *args = c->args;
    u64 sparse = COPY_SPARSE;
    const char *format = img_has(args, 'O') ? args->value['O'] : "raw";

    if (img_wants_options(args)) {
        return img_print_options(format);
    }
    if (args->n < 2) {
        return img_fail("Must specify image file name");
    }
    if (!options_agree(args) || !workers_of(args, &c->workers) ||
        !img_rate_open(args, &c->rate)) {
        return 1;
    }
    if (img_has(args, 'S') && !img_size(args->value['S'], &sparse)) {
        return 1;
    }
    if (sparse % SECTOR || sparse > 32 * MiB) {
        return img_fail("Invalid buffer size for sparse output specified. Valid sizes "
                        "are multiples of 512 up to 33554432. Select 0 to disable "
                        "sparse detection (fully allocates output).");
    }
    c->sparse = sparse;
    c->compressed = img_has(args, 'c');
    c->salvage = img_has(args, OPT_SALVAGE);
    c->any_order = img_has(args, 'W') || c->compressed;
    if (!sources_open(c) || !base_find(c) ||
        !copy_target_open(c, args->word[args->n - 1], format)) {
        return 1;
    }
    return copy_all(c);
}

static int convert_run(const ImgArgs *args)
{
    g_autofree Copy *c = g_new0(Copy, 1);
    int status;

    if (args->n - 1 > COPY_MAX_SOURCES) {
        return img_fail("too many source files: at most %d", COPY_MAX_SOURCES);
    }
    c->args = args;
    status = convert_steps(c);
    copy_close(c);
    return status;
}

static const ImgOption convert_options[] = {
    { 'f', NULL, "fmt", "format of the sources" },
    { 'O', NULL, "fmt", "format of the target [raw]" },
    { 'o', NULL, "options", "options of the target's format" },
    { 'c', NULL, NULL, "compresses (qcow2)" },
    { 'B', NULL, "file", "backing file of the target; what it has is not copied" },
    { 'F', NULL, "fmt", "format of the backing file" },
    { 'l', NULL, "snapshot", "copies a snapshot inside the source" },
    { 'S', NULL, "size", "leaves out zeroes of so many bytes [4k]; 0: none" },
    { 'n', NULL, NULL, "the target is there already" },
    { 'r', NULL, "rate", "so many bytes per second at most" },
    { 'm', NULL, "n", "so many pieces at once, 1 to 16" },
    { 'W', NULL, NULL, "writes in any order" },
    { 'C', NULL, NULL, "copy offloading (the kernel decides)" },
    { 't', NULL, "cache", "cache mode of the target [unsafe]" },
    { 'T', NULL, "cache", "cache mode of the sources" },
    { 'p', NULL, NULL, "shows progress" },
    { 'q', NULL, NULL, "says nothing" },
    { 'U', "force-share", NULL, "though others may write to the sources" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "sources have options of a node" },
    { OPT_SALVAGE, "salvage", NULL, "what can't be read becomes zeroes" },
    { OPT_TARGET_OPTS, "target-image-opts", NULL,
      "with -n: the target has options of a node" },
    { OPT_TARGET_ZERO, "target-is-zero", NULL, "with -n: the target reads as zeroes" },
    { 0 }
};

const ImgCommand img_convert = {
    "convert", "filename [filename2 ...] output", "copies images into another format",
    convert_run, convert_options, 0, 0
};
