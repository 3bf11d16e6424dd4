/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img map and compare: what is where in a chain of images.
 */

#include "img/img.h"

#include <stdio.h>
#include <string.h>

/* ---- map ---- */

typedef struct {
    ImgExtent e;
    u64 start;
} Row;

static bool goes_on(const Row *row, u64 at, const ImgExtent *e)
{
    const BlockStatus *a = &row->e.status, *b = &e->status;

    return a->data == b->data && a->zero == b->zero && a->allocated == b->allocated &&
           a->compressed == b->compressed && a->node == b->node &&
           row->e.depth == e->depth && row->e.node == e->node &&
           (!a->node || a->offset + (at - row->start) == b->offset);
}

static void print_json(const Row *row, bool first)
{
    const BlockStatus *s = &row->e.status;

    printf("%s{ \"start\": %" G_GUINT64_FORMAT ", \"length\": %" G_GUINT64_FORMAT
           ", \"depth\": %u, \"present\": %s, \"zero\": %s, \"data\": %s",
           first ? "[" : ",\n", row->start, s->bytes, row->e.depth,
           s->allocated ? "true" : "false", s->zero ? "true" : "false",
           s->data ? "true" : "false");
    if (s->node && !s->compressed) {
        printf(", \"offset\": %" G_GUINT64_FORMAT, s->offset);
    }
    printf("}");
}

static bool print_human(const Row *row)
{
    const BlockStatus *s = &row->e.status;

    if (!s->data || s->zero) {
        return true;
    }
    if (!s->node) {
        img_fail("File contains external, encrypted or compressed clusters.");
        return false;
    }
    printf("%#-16" G_GINT64_MODIFIER "x%#-16" G_GINT64_MODIFIER "x%#-16"
           G_GINT64_MODIFIER "x%s\n", row->start, s->bytes, s->offset,
           s->node->filename);
    return true;
}

static bool print_row(const Row *row, bool json, bool *first)
{
    bool right = true;

    if (json) {
        print_json(row, *first);
    } else {
        right = print_human(row);
    }
    *first = false;
    return right;
}

static int map_range(BlockNode *node, u64 at, u64 end, bool json)
{
    bool first = true, open = false;
    Row row;

    while (at < end) {
        ImgExtent e;

        if (img_extent(node, NULL, true, at, end - at, &e)) {
            return img_fail("Failed to read image metadata");
        }
        if (open && goes_on(&row, at, &e)) {
            row.e.status.bytes += e.status.bytes;
        } else {
            if (open && !print_row(&row, json, &first)) {
                return 1;
            }
            row = (Row){ e, at };
            open = true;
        }
        at += e.status.bytes;
    }
    if (open && !print_row(&row, json, &first)) {
        return 1;
    }
    if (json) {
        puts(first ? "[]" : "]");
    }
    return 0;
}

static int map_run(const ImgArgs *args)
{
    g_autoptr(BlockNode) node = NULL;
    u64 at = 0, length = UINT64_MAX, end;
    bool json;

    if (!img_wants_json(args, &json) ||
        (img_has(args, 's') && !img_size(args->value['s'], &at)) ||
        (img_has(args, 'l') && !img_size(args->value['l'], &length))) {
        return 1;
    }
    node = img_open(args, args->word[0], args->value['f'], 0, NULL);
    if (!node) {
        return 1;
    }
    end = node_length(node);
    end = at < end && length < end - at ? at + length : end;
    if (!json) {
        printf("%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
    }
    return map_range(node, at, end, json);
}

static const ImgOption map_options[] = {
    { 'f', NULL, "fmt", "format of the image" },
    { 'U', "force-share", NULL, "though others may write to the image" },
    { OPT_OUTPUT, "output", "human|json", "form of the output" },
    { 's', "start-offset", "offset", "where to begin" },
    { 'l', "max-length", "length", "how far to go" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_map = {
    "map", "filename", "shows where an image's data lies", map_run, map_options, 1, 1
};

/* ---- compare ---- */

enum { SAME = 0, DIFFERENT = 1, CANT_OPEN = 2, CANT_LOOK = 3, CANT_READ = 4,
       PIECE = 2 << 20 };

typedef struct {
    const ImgArgs *args;
    BlockNode *node[2];
    ImgWalk walk[2];
    u8 *bytes[2];
    int status;
} Compare;

static void say(const Compare *c, const char *fmt, u64 at)
{
    if (!img_has(c->args, 'q')) {
        printf(fmt, at);
    }
}

/* The first bytes of both, as far as they are of one kind; beyond an end, zeroes. */
static bool look(Compare *c, unsigned which, u64 at, u64 *bytes, bool *zero,
                 bool *there)
{
    u64 length = node_length(c->node[which]);
    ImgExtent e;

    *zero = true;
    *there = false;
    if (at >= length) {
        return true;
    }
    if (img_walk(&c->walk[which], at, MIN(*bytes, length - at), &e)) {
        img_fail("Sector allocation test failed for '%s'", c->args->word[which]);
        c->status = CANT_LOOK;
        return false;
    }
    *bytes = e.status.bytes;
    *zero = e.status.zero || (!e.status.allocated && !e.status.data);
    *there = e.status.allocated;
    return true;
}

static bool fetch(Compare *c, unsigned which, u64 at, u64 n, bool zero)
{
    if (zero) {
        memset(c->bytes[which], 0, n);
    } else if (node_read(c->node[which], at, c->bytes[which], n)) {
        img_fail("Error while reading offset %" G_GUINT64_FORMAT " of %s", at,
                 c->args->word[which]);
        c->status = CANT_READ;
        return false;
    }
    return true;
}

static bool compare_piece(Compare *c, u64 at, u64 *n)
{
    bool zero[2], there[2];

    if (!look(c, 0, at, n, &zero[0], &there[0]) ||
        !look(c, 1, at, n, &zero[1], &there[1])) {
        return false;
    }
    c->status = DIFFERENT;
    if (img_has(c->args, 's') && there[0] != there[1]) {
        say(c, "Strict mode: Offset %" G_GUINT64_FORMAT " block status mismatch!\n",
            at);
        return false;
    }
    if (zero[0] && zero[1]) {
        return true;
    }
    *n = MIN(*n, PIECE);
    if (!fetch(c, 0, at, *n, zero[0]) || !fetch(c, 1, at, *n, zero[1])) {
        return false;
    }
    if (memcmp(c->bytes[0], c->bytes[1], *n) != 0) {
        u64 i = 0;

        while (c->bytes[0][i] == c->bytes[1][i]) {
            i++;
        }
        say(c, "Content mismatch at offset %" G_GUINT64_FORMAT "!\n",
            at + i / 512 * 512);
        return false;
    }
    return true;
}

static int compare_all(Compare *c)
{
    u64 length[2] = { node_length(c->node[0]), node_length(c->node[1]) };
    u64 end = MAX(length[0], length[1]), n;

    if (length[0] != length[1] && img_has(c->args, 's')) {
        say(c, "Strict mode: Image size mismatch!\n", 0);
        return DIFFERENT;
    }
    for (u64 at = 0; at < end; at += n) {
        n = end - at;
        if (!compare_piece(c, at, &n)) {
            return c->status;
        }
        img_progress(c->args, at + n, end);
    }
    if (length[0] != length[1]) {
        say(c, "Warning: Image size mismatch!\n", 0);
    }
    say(c, "Images are identical.\n", 0);
    return SAME;
}

static int compare_run(const ImgArgs *args)
{
    Compare c = { .args = args };
    int status = CANT_OPEN;

    c.node[0] = img_open(args, args->word[0], args->value['f'], 0, args->value['T']);
    c.node[1] = c.node[0] ? img_open(args, args->word[1], args->value['F'], 0,
                                     args->value['T']) : NULL;
    if (c.node[1]) {
        c.walk[0].node = c.node[0];
        c.walk[1].node = c.node[1];
        c.walk[0].as_written = c.walk[1].as_written = img_has(args, 's');
        c.bytes[0] = g_malloc(PIECE);
        c.bytes[1] = g_malloc(PIECE);
        status = compare_all(&c);
        g_free(c.bytes[0]);
        g_free(c.bytes[1]);
    }
    node_unref(c.node[0]);
    node_unref(c.node[1]);
    return status;
}

static const ImgOption compare_options[] = {
    { 'f', NULL, "fmt", "format of the first image" },
    { 'F', NULL, "fmt", "format of the second image" },
    { 'T', NULL, "cache", "cache mode" },
    { 'p', NULL, NULL, "shows progress" },
    { 'q', NULL, NULL, "says nothing" },
    { 's', NULL, NULL, "sizes and allocation must be the same, too" },
    { 'U', "force-share", NULL, "though others may write to the images" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "file names have options of nodes" },
    { 0 }
};

const ImgCommand img_compare = {
    "compare", "filename1 filename2", "tells if two images have the same contents",
    compare_run, compare_options, 2, 2
};
