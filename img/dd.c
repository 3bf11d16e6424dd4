/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img dd: a part of an image.
 */

#include "img/copy.h"

#include <stdio.h>
#include <string.h>

static const char *const dd_keys[] = { "bs", "count", "if", "of", "skip", NULL };

static bool dd_words(const ImgArgs *args, const char *value[5])
{
    for (int i = 0; i < args->n; i++) {
        const char *equals = strchr(args->word[i], '=');
        unsigned k = 0;

        while (dd_keys[k] &&
               !(equals &&
                 strncmp(dd_keys[k], args->word[i], equals - args->word[i]) == 0 &&
                 strlen(dd_keys[k]) == (size_t)(equals - args->word[i]))) {
            k++;
        }
        if (!dd_keys[k]) {
            img_fail("unrecognized operand %.*s",
                     (int)strcspn(args->word[i], "="), args->word[i]);
            return false;
        }
        value[k] = equals + 1;
    }
    if (!value[2] || !value[3]) {
        img_fail("Must specify both input and output files");
        return false;
    }
    return true;
}

static int dd_steps(Copy *c, const char *const value[5])
{
    const ImgArgs *args = c->args;
    u64 block = 512, count = UINT64_MAX, skip = 0, length;
    BlockNode *in;

    if ((value[0] && !img_size(value[0], &block)) ||
        (value[1] && !img_size(value[1], &count)) ||
        (value[4] && !img_size(value[4], &skip))) {
        return 1;
    }
    if (!block || block > INT32_MAX) {
        return img_fail("invalid number: '%s'", value[0]);
    }
    in = img_open(args, value[2], args->value['f'], 0, NULL);
    if (!in) {
        return 1;
    }
    length = node_length(in);
    if (count < length / block) {
        length = MIN(length, count * block);
    }
    skip = MIN(skip, INT64_MAX / block) * block;
    if (skip > node_length(in)) {
        img_fail("%s: cannot skip to specified offset", value[2]);
    }
    skip = MIN(skip, length);
    c->source[c->n++] = (CopySource){ .node = in, .end = length };
    c->length = length - skip;
    c->sparse = COPY_SPARSE;
    if (!copy_target_open(c, value[3], img_has(args, 'O') ? args->value['O'] : "raw")) {
        return 1;
    }
    for (u64 at = skip, n; at < length; at += n) {
        g_autofree u8 *data = g_malloc(MIN(length - at, COPY_PIECE));
        int error;

        n = MIN(length - at, COPY_PIECE);
        error = node_read(in, at, data, n);
        error = error ? error : node_write(c->target, at - skip, data, n);
        if (error) {
            return img_fail("error while copying at byte %" G_GUINT64_FORMAT ": %s", at,
                            g_strerror(-error));
        }
    }
    return 0;
}

static int dd_run(const ImgArgs *args)
{
    g_autofree Copy *c = g_new0(Copy, 1);
    const char *value[5] = { NULL };
    int status;

    if (!dd_words(args, value)) {
        return 1;
    }
    c->args = args;
    status = dd_steps(c, value);
    copy_close(c);
    return status;
}

static const ImgOption dd_options[] = {
    { 'f', NULL, "fmt", "format of the input" },
    { 'O', NULL, "fmt", "format of the output [raw]" },
    { 'U', "force-share", NULL, "though others may write to the input" },
    { OPT_IMAGE_OPTS, "image-opts", NULL, "if= has options of a node" },
    { 0 }
};

const ImgCommand img_dd = {
    "dd", "[bs=bytes] [count=blocks] [skip=blocks] if=input of=output",
    "copies a part of an image", dd_run, dd_options, 0, 5
};
