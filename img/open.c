/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of mayfly-img share (img.h).
 */

#include "block/options.h"
#include "block/qcow2.h"
#include "img/img.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int img_fail(const char *fmt, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s: ", g_get_prgname());
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

int img_fail_error(GError *err)
{
    img_fail("%s", err->message);
    g_error_free(err);
    return 1;
}

/* ---- opening ---- */

static const struct {
    const char *name;
    BlockFlags flags;
} caches[] = {
    { "writeback", 0 }, { "none", BLOCK_DIRECT }, { "unsafe", BLOCK_NO_FLUSH },
    { "writethrough", 0 }, { "directsync", BLOCK_DIRECT },
};

static bool cache_flags(const char *cache, BlockFlags *flags)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(caches); i++) {
        if (strcmp(caches[i].name, cache) == 0) {
            *flags |= caches[i].flags;
            return true;
        }
    }
    img_fail("Invalid cache option: %s", cache);
    return false;
}

static void warn_guessed(const BlockNode *node)
{
    if ((node->flags & BLOCK_PROBED) && node_is_writable(node)) {
        fprintf(stderr,
                "WARNING: Image format was not specified for '%s' and probing guessed "
                "raw.\n"
                "         Automatically detecting the format is dangerous for raw "
                "images, write operations on block 0 will be restricted.\n"
                "         Specify the 'raw' format explicitly to remove the "
                "restrictions.\n",
                node->filename);
    }
}

BlockNode *img_open_words(const char *name, const char *format, bool is_options,
                          BlockFlags flags, const char *cache)
{
    GError *err = NULL;
    BlockNode *node = NULL;

    if (cache && !cache_flags(cache, &flags)) {
        return NULL;
    }
    if (format && !block_driver_find(format)) {
        img_fail("Could not open '%s': Unknown driver '%s'", name, format);
        return NULL;
    }
    if (is_options) {
        g_autoptr(KeyVals) options = options_from_text(name, NULL, &err);

        node = options ? node_open(options, flags, &err) : NULL;
        if (node && !options_empty(options, "node", &err)) {
            g_clear_pointer(&node, node_unref);
        }
    } else {
        node = node_open_file(name, format, flags, &err);
    }
    if (!node) {
        img_fail("Could not open '%s': %s", name, err->message);
        g_error_free(err);
        return NULL;
    }
    warn_guessed(node);
    return node;
}

BlockNode *img_open(const ImgArgs *args, const char *name, const char *format,
                    BlockFlags flags, const char *cache)
{
    bool is_options = img_has(args, OPT_IMAGE_OPTS);

    if (is_options && format) {
        img_fail("--image-opts and --format are mutually exclusive");
        return NULL;
    }
    return img_open_words(name, format, is_options,
                          flags | (img_has(args, 'U') ? BLOCK_FORCE_SHARE : 0), cache);
}

bool img_is_qcow2(const BlockNode *node)
{
    return node->driver == &qcow2_driver;
}

/* ---- numbers and text ---- */

bool img_size(const char *text, u64 *bytes)
{
    if (size_parse(text, 1, bytes)) {
        if (*bytes <= INT64_MAX) {
            return true;
        }
        img_fail("Invalid image size specified. Must be between 0 and "
                 "9223372036854775807.");
        return false;
    }
    img_fail(
        "Invalid image size specified. You may use k, M, G, T, P or E suffixes for");
    img_fail("kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
    return false;
}

/* Three digits, as qemu-img: the unit that leaves less than 1000 of it. */
char *img_human(u64 bytes)
{
    static const char *const unit[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
    double value = bytes;
    int power, i;

    frexp(value / (1000.0 / 1024.0), &power);
    i = MAX((power - 1) / 10, 0);
    return g_strdup_printf("%0.3g %sB", value / (double)(1ull << (i * 10)), unit[i]);
}

bool img_wants_json(const ImgArgs *args, bool *json)
{
    const char *output = args->value[OPT_OUTPUT];

    *json = output && strcmp(output, "json") == 0;
    if (output && !*json && strcmp(output, "human") != 0) {
        img_fail("--output must be used with human or json as argument.");
        return false;
    }
    return true;
}

void img_json_text(GString *to, const char *text)
{
    g_string_append_c(to, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            g_string_append_printf(to, "\\%c", *c);
        } else if ((u8)*c < 0x20) {
            g_string_append_printf(to, "\\u%04x", *c);
        } else {
            g_string_append_c(to, *c);
        }
    }
    g_string_append_c(to, '"');
}

/* ---- contents ---- */

static int status_of(BlockNode *node, bool as_written, u64 offset, u64 bytes,
                     BlockStatus *out)
{
    return as_written && img_is_qcow2(node) && !qcow2_is_sparse(node)
               ? node->driver->status(node, offset, bytes, out)
               : node_status(node, offset, bytes, out);
}

int img_extent(BlockNode *node, const BlockNode *base, bool as_written, u64 offset,
               u64 bytes, ImgExtent *out)
{
    *out = (ImgExtent){ .node = node };
    for (;;) {
        int error = status_of(out->node, as_written, offset, bytes, &out->status);

        if (error || out->status.allocated) {
            return error;
        }
        bytes = out->status.bytes;
        if (!out->node->backing || out->node->backing == base) {
            return 0;
        }
        if (offset >= node_length(out->node->backing)) {
            out->status = (BlockStatus){ .zero = true, .bytes = bytes };
            return 0;
        }
        out->node = out->node->backing;
        out->depth++;
        bytes = MIN(bytes, node_length(out->node) - offset);
    }
}

int img_walk(ImgWalk *walk, u64 offset, u64 bytes, ImgExtent *out)
{
    u64 skip = offset - walk->at;

    if (offset < walk->at || skip >= walk->found.status.bytes) {
        int error = img_extent(walk->node, walk->base, walk->as_written, offset,
                               node_length(walk->node) - offset, &walk->found);

        if (error) {
            walk->found.status.bytes = 0;
            return error;
        }
        walk->at = offset;
        skip = 0;
    }
    *out = walk->found;
    out->status.offset += skip;
    out->status.bytes = MIN(bytes, out->status.bytes - skip);
    return 0;
}

static bool is_zero(const u8 *bytes, size_t n)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

size_t img_zero_run(const u8 *bytes, size_t n, size_t step, bool *zero)
{
    size_t run = MIN(n, step);

    *zero = is_zero(bytes, run);
    while (run < n && is_zero(bytes + run, MIN(step, n - run)) == *zero) {
        run += MIN(step, n - run);
    }
    return run;
}

void img_progress(const ImgArgs *args, u64 done, u64 all)
{
    static double last = -1;
    double percent = all ? 100.0 * done / all : 100;

    if (!img_has(args, 'p') || img_has(args, 'q') ||
        (percent < 100 && percent - last < 0.1 && percent >= last)) {
        return;
    }
    last = percent;
    printf("    (%3.2f/100%%)\r", percent);
    if (done == all) {
        putchar('\n');
        last = -1;
    }
    fflush(stdout);
}
