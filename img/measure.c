/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img measure: how large an image would become.
 */

#include "block/qcow2.h"
#include "img/img.h"

#include <stdio.h>
#include <string.h>

enum { SECTOR = 512 };

typedef struct {
    u64 required, full, bitmaps;
    bool has_bitmaps;
} Measure;

static u64 round_up(u64 n, u64 unit)
{
    return n / unit * unit + (n % unit ? unit : 0);
}

/* Clusters of the new image that get data from the old one. */
static bool used_bytes(BlockNode *node, u64 cluster, u64 *used)
{
    ImgWalk walk = { .node = node, .as_written = true };
    u64 end = node_length(node), next;

    *used = 0;
    for (u64 at = 0; at < end; at = next) {
        ImgExtent e;

        if (img_walk(&walk, at, end - at, &e)) {
            img_fail("Unable to get block status");
            return false;
        }
        next = at + e.status.bytes;
        if (!e.status.zero && e.status.data) {
            next = round_up(next, cluster);
            *used += next - at / cluster * cluster;
        }
    }
    return true;
}

/* Each with its bits, the table of these, and a row of the directory. */
static u64 bitmap_bytes(BlockNode *node, u64 cluster)
{
    unsigned n;
    const Qcow2Bitmap *bitmap = qcow2_bitmaps(node, &n);
    u64 bytes = 0, directory = 0;

    for (unsigned i = 0; i < n; i++) {
        u64 bits = round_up(node_length(node), bitmap[i].granularity) /
                   bitmap[i].granularity;
        u64 clusters = round_up(round_up(bits, 8) / 8, cluster) / cluster;

        bytes += clusters * cluster + round_up(clusters * 8, cluster);
        directory += round_up(24 + strlen(bitmap[i].name), 8);
    }
    return bytes + round_up(directory, cluster);
}

static bool measure_qcow2(KeyVals *options, BlockNode *node, u64 size, Measure *m)
{
    const char *compat = keyvals_get(options, "compat");
    bool is_v2 = compat && (strcmp(compat, "v2") == 0 || strcmp(compat, "0.10") == 0);
    Qcow2Measure q;
    GError *err = NULL;
    u64 used = 0;

    if (!qcow2_measure(options, size, &q, &err)) {
        img_fail_error(err);
        return false;
    }
    if (node && !q.takes_all && !used_bytes(node, q.cluster, &used)) {
        return false;
    }
    m->full = q.metadata + q.disk;
    m->required = q.metadata + (q.takes_all ? q.disk : used);
    m->has_bitmaps = node && img_is_qcow2(node) && !is_v2;
    m->bitmaps = m->has_bitmaps ? bitmap_bytes(node, q.cluster) : 0;
    return true;
}

static void print(const Measure *m, bool json)
{
    if (json) {
        puts("{");
        if (m->has_bitmaps) {
            printf("    \"bitmaps\": %" G_GUINT64_FORMAT ",\n", m->bitmaps);
        }
        printf("    \"required\": %" G_GUINT64_FORMAT ",\n"
               "    \"fully-allocated\": %" G_GUINT64_FORMAT "\n}\n",
               m->required, m->full);
        return;
    }
    printf("required size: %" G_GUINT64_FORMAT "\n"
           "fully allocated size: %" G_GUINT64_FORMAT "\n", m->required, m->full);
    if (m->has_bitmaps) {
        printf("bitmaps size: %" G_GUINT64_FORMAT "\n", m->bitmaps);
    }
}

/* ---- the command ---- */

static bool words_right(const ImgArgs *args)
{
    bool has_size = img_has(args, OPT_SIZE);

    if (args->n && has_size) {
        img_fail("--size N cannot be used together with a filename.");
        return false;
    }
    if (!args->n && (img_has(args, OPT_IMAGE_OPTS) || img_has(args, 'f'))) {
        img_fail("--image-opts, -f, and -l require a filename argument.");
        return false;
    }
    if (!args->n && !has_size) {
        img_fail("Either --size N or one filename must be specified.");
        return false;
    }
    return true;
}

static bool format_right(const char *format)
{
    if (!block_driver_find(format)) {
        img_fail("Unknown file format '%s'", format);
        return false;
    }
    if (strcmp(format, "qcow2") != 0 && strcmp(format, "raw") != 0) {
        img_fail("Block driver '%s' does not support size measurement", format);
        return false;
    }
    return true;
}

static int measure_run(const ImgArgs *args)
{
    const char *format = args->value['O'] ? args->value['O'] : "raw";
    g_autoptr(BlockNode) node = NULL;
    g_autoptr(KeyVals) options = NULL;
    GError *err = NULL;
    Measure m = { 0 };
    u64 size = 0;
    bool json;

    if (!img_wants_json(args, &json) || !words_right(args) || !format_right(format) ||
        (img_has(args, OPT_SIZE) && !img_size(args->value[OPT_SIZE], &size))) {
        return 1;
    }
    options = keyvals_parse(args->options ? args->options : "", NULL, &err);
    if (!options) {
        return img_fail_error(err);
    }
    if (!img_options_right(format, options)) {
        return 1;
    }
    if (args->n) {
        node = img_open(args, args->word[0], args->value['f'], 0, NULL);
        if (!node) {
            return 1;
        }
        size = node_length(node);
    }
    m.required = m.full = round_up(size, SECTOR);
    if (strcmp(format, "qcow2") == 0 && !measure_qcow2(options, node, size, &m)) {
        return 1;
    }
    print(&m, json);
    return 0;
}

static const ImgOption measure_options[] = {
    { 'f', NULL, "fmt", "format of the image" },
    { 'O', NULL, "output_fmt", "format that it would get [raw]" },
    { 'o', NULL, "options", "options of that format" },
    { 'U', "force-share", NULL, "though others may write to the image" },
    { OPT_SIZE, "size", "bytes", "of a new image without contents" },
    { OPT_OUTPUT, "output", "human|json", "form of the output" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "filename has options of a node" },
    { 0 }
};

const ImgCommand img_measure = {
    "measure", "[filename]", "tells how large a new image would be", measure_run,
    measure_options, 0, 1
};
