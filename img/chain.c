/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img commit and rebase: an image and what is behind it.
 */

#include "block/qcow2.h"
#include "img/img.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 2 << 20 };

/* ---- commit ---- */

static BlockNode *find_base(BlockNode *top, const char *name)
{
    if (!name) {
        return top->backing;
    }
    for (BlockNode *at = top->backing; at; at = at->backing) {
        if (at->filename && strcmp(at->filename, name) == 0) {
            return at;
        }
    }
    return NULL;
}

/* One piece of what lies above `base` goes down into it. */
static int move_down(BlockNode *top, BlockNode *base, u64 at, u8 *buffer, u64 *n,
                     ImgRate *rate)
{
    ImgExtent e;
    int error = img_extent(top, base, true, at, *n, &e);

    if (error) {
        return error;
    }
    *n = e.status.bytes;
    if (!e.status.allocated) {
        return 0;
    }
    if (e.status.zero) {
        return node_write_zeroes(base, at, *n, true);
    }
    *n = MIN(*n, PIECE);
    img_rate_wait(rate, *n);
    error = node_read(top, at, buffer, *n);
    return error ? error : node_write(base, at, buffer, *n);
}

static int move_all(const ImgArgs *args, BlockNode *top, BlockNode *base, ImgRate *rate)
{
    g_autofree u8 *buffer = g_malloc(PIECE);
    u64 end = node_length(top), n;
    int error = 0;

    for (u64 at = 0; at < end && !error; at += n) {
        n = end - at;
        error = move_down(top, base, at, buffer, &n, rate);
        img_progress(args, at + n, end);
    }
    return error ? error : node_flush(base);
}

static int commit_into(const ImgArgs *args, BlockNode *top, BlockNode *base,
                       ImgRate *rate)
{
    bool direct = base == top->backing;
    GError *err = NULL;
    int error;

    if (!node_reopen(base, true, &err)) {
        return img_fail_error(err);
    }
    if (node_length(base) < node_length(top) &&
        !node_truncate(base, node_length(top), &err)) {
        return img_fail_error(err);
    }
    error = move_all(args, top, base, rate);
    if (error) {
        return img_fail("Block job failed: %s", g_strerror(-error));
    }
    if (direct && !img_has(args, 'd') && img_is_qcow2(top) &&
        !qcow2_make_empty(top, &err)) {
        return img_fail_error(err);
    }
    if (!node_reopen(base, false, &err)) {
        return img_fail_error(err);
    }
    if (!img_has(args, 'q')) {
        puts("Image committed.");
    }
    return 0;
}

static int commit_run(const ImgArgs *args)
{
    g_autoptr(BlockNode) top = NULL;
    BlockNode *base;
    ImgRate rate;

    if (!img_rate_open(args, &rate)) {
        return 1;
    }
    top = img_open(args, args->word[0], args->value['f'],
                   BLOCK_RDWR | BLOCK_RESIZE | BLOCK_UNMAP, args->value['t']);
    if (!top) {
        return 1;
    }
    if (!top->backing) {
        return img_fail("Image does not have a backing file");
    }
    base = find_base(top, args->value['b']);
    if (!base) {
        return img_fail("Did not find '%s' in the backing chain of '%s'",
                        args->value['b'], args->word[0]);
    }
    return commit_into(args, top, base, &rate);
}

static const ImgOption commit_options[] = {
    { 'f', NULL, "fmt", "format of the image" },
    { 't', NULL, "cache", "cache mode" },
    { 'b', NULL, "base", "an image further down" },
    { 'r', NULL, "rate", "so many bytes per second at most" },
    { 'd', NULL, NULL, "the image keeps what it has" },
    { 'p', NULL, NULL, "shows progress" },
    { 'q', NULL, NULL, "says nothing" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_commit = {
    "commit", "filename", "moves an image's data into its backing file", commit_run,
    commit_options, 1, 1
};

/* ---- rebase ---- */

/* Reads what a backing file shows; beyond its end, and without one, zeroes. */
static int read_shown(BlockNode *node, u64 at, u8 *to, u64 n)
{
    u64 length = node ? node_length(node) : 0;
    u64 inside = at < length ? MIN(n, length - at) : 0;

    memset(to + inside, 0, n - inside);
    return inside ? node_read(node, at, to, inside) : 0;
}

/* Where the two differ, the image keeps what it showed. */
static int keep_piece(BlockNode *top, BlockNode *new, u64 at, u64 n, u8 *was, u8 *will)
{
    u64 step = qcow2_cluster_size(top);
    int error = read_shown(top->backing, at, was, n);

    error = error ? error : read_shown(new, at, will, n);
    for (u64 i = 0; i < n && !error; i += step) {
        u64 bytes = MIN(step, n - i);

        if (memcmp(was + i, will + i, bytes) != 0) {
            error = node_write(top, at + i, was + i, bytes);
        }
    }
    return error;
}

static int keep_all(const ImgArgs *args, BlockNode *top, BlockNode *new)
{
    g_autofree u8 *was = g_malloc(PIECE), *will = g_malloc(PIECE);
    u64 end = node_length(top), n;
    int error = 0;

    for (u64 at = 0; at < end && !error; at += n) {
        BlockStatus status;

        error = node_status(top, at, MIN(end - at, PIECE), &status);
        n = error ? 0 : status.bytes;
        if (!error && !status.allocated) {
            error = keep_piece(top, new, at, n, was, will);
        }
        img_progress(args, at + n, end);
    }
    return error ? error : node_flush(top);
}

static bool open_new(const ImgArgs *args, BlockNode *top, const char *name,
                     BlockNode **new)
{
    g_autofree char *path = node_relative(top->filename, name);
    GError *err = NULL;

    *new = node_open_file(path, args->value['F'], 0, &err);
    if (!*new) {
        img_fail("Could not open new backing file '%s': %s", name, err->message);
        g_error_free(err);
    }
    return *new != NULL;
}

static int rebase_run(const ImgArgs *args)
{
    bool unsafe = img_has(args, 'u');
    const char *name = args->value['b'];
    g_autoptr(BlockNode) top = NULL;
    g_autoptr(BlockNode) new = NULL;
    GError *err = NULL;
    int error = 0;

    if (!name) {
        return img_fail("Use backing file with the '-b' option ('' for none)");
    }
    top = img_open(args, args->word[0], args->value['f'],
                   BLOCK_RDWR | BLOCK_RESIZE | (unsafe ? BLOCK_NO_BACKING : 0),
                   args->value['t']);
    if (!top) {
        return 1;
    }
    if (!img_is_qcow2(top)) {
        return img_fail(
            "Could not change the backing file to '%s': the format has none", name);
    }
    if (*name && !img_has(args, 'F')) {
        return img_fail("Could not change the backing file to '%s': backing format "
                        "must be specified", name);
    }
    if (!unsafe && *name && !open_new(args, top, name, &new)) {
        return 1;
    }
    if (!unsafe) {
        error = keep_all(args, top, new);
    }
    if (error) {
        return img_fail("Could not rebase '%s': %s", args->word[0], g_strerror(-error));
    }
    if (!qcow2_set_backing(top, *name ? name : NULL, args->value['F'], &err)) {
        return img_fail_error(err);
    }
    return 0;
}

static const ImgOption rebase_options[] = {
    { 'f', NULL, "fmt", "format of the image" },
    { 'b', NULL, "file", "the new backing file; '' for none" },
    { 'F', NULL, "fmt", "format of the new backing file" },
    { 'u', NULL, NULL, "changes the name only: both have the same contents" },
    { 't', NULL, "cache", "cache mode" },
    { 'T', NULL, "cache", "cache mode of backing files" },
    { 'p', NULL, NULL, "shows progress" },
    { 'q', NULL, NULL, "says nothing" },
    { 'U', "force-share", NULL, "though others may write to the image" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_rebase = {
    "rebase", "filename", "gives an image another backing file", rebase_run,
    rebase_options, 1, 1
};
