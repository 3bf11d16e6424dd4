/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mayfly-img convert and dd: copying images.
 *
 * Workers take pieces of the source one after the other, skip what is known to be
 * zero, read, look for zeroes, compress if asked to, and write.  Pieces are written in
 * order (so a target grows from its beginning to its end) unless -W, or -c, where the
 * work is in the compression.
 */

#include "block/options.h"
#include "block/qcow2.h"
#include "img/img.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 2 << 20, MAX_SOURCES = 256, DEFAULT_WORKERS = 8, SPARSE = 4096,
       SECTOR = 512 };

typedef struct {
    BlockNode *node;
    u64 begin, end;                 /* in the target */
    ImgWalk walk;
} Source;

typedef struct {
    const ImgArgs *args;
    Source source[MAX_SOURCES];
    unsigned n;
    BlockNode *target;
    const BlockNode *base;          /* of the source's chain: not copied from here on */
    u64 length;
    size_t sparse; /* zeroes of so many bytes are not written; 0: all */
    size_t step;                    /* and looked for in such steps */
    bool zeroed;                    /* the target reads as zeroes */
    bool compressed, any_order;

    GMutex lock;
    GCond turn;
    u64 next, next_number, write_number;
    int error;
    const char *what;               /* went wrong */
    u64 where;
} Copy;

typedef struct {
    u64 at, n, number;
    bool zero;                      /* known to be; otherwise it has to be read */
    bool skip;
    const Source *source;
} Piece;

/* ---- pieces ---- */

static Source *source_at(Copy *c, u64 at)
{
    for (unsigned i = 0; i < c->n; i++) {
        if (at < c->source[i].end) {
            return &c->source[i];
        }
    }
    return NULL;
}

static int piece_look(Copy *c, Piece *p)
{
    Source *s = source_at(c, p->at);
    ImgExtent e;
    u64 cluster = c->compressed ? c->step : SECTOR;
    int error;

    p->source = s;
    p->n = MIN(s->end, c->length) - p->at;
    if (c->sparse == 0) {
        p->n = MIN(p->n, PIECE);
        return 0;
    }
    error = img_walk(&s->walk, p->at - s->begin, p->n, &e);
    if (error) {
        return error;
    }
    p->n = e.status.bytes;
    p->zero = e.status.zero || (!e.status.allocated && !e.status.data);
    p->skip = !e.status.allocated && c->base;
    if (!p->zero && !p->skip) {
        p->n = MIN(p->n, c->compressed ? c->step : PIECE);
    }
    /* Compressed clusters are whole, and so is what is left out between them. */
    if (p->at + p->n < s->end && (p->at + p->n) % cluster) {
        u64 end = (p->at + p->n) / cluster * cluster;

        if (end > p->at) {
            p->n = end - p->at;
        } else {
            p->n = MIN(cluster - p->at % cluster, s->end - p->at);
            p->zero = p->skip = false;
        }
    }
    return 0;
}

static bool piece_next(Copy *c, Piece *p)
{
    bool more;
    int error;

    g_mutex_lock(&c->lock);
    more = !c->error && c->next < c->length;
    if (more) {
        *p = (Piece){ .at = c->next, .number = c->next_number++ };
        error = piece_look(c, p);
        if (error) {
            c->error = error;
            c->what = "reading block status";
            c->where = p->at;
            more = false;
        } else {
            c->next += p->n;
        }
        img_progress(c->args, MIN(p->at, c->length - 1), c->length);
    }
    g_mutex_unlock(&c->lock);
    return more;
}

/* Waits until all pieces before are written. */
static void turn_wait(Copy *c, const Piece *p)
{
    if (c->any_order) {
        return;
    }
    g_mutex_lock(&c->lock);
    while (c->write_number != p->number) {
        g_cond_wait(&c->turn, &c->lock);
    }
    g_mutex_unlock(&c->lock);
}

static void turn_pass(Copy *c, const Piece *p, int error, const char *what)
{
    g_mutex_lock(&c->lock);
    if (error && !c->error) {
        c->error = error;
        c->what = what;
        c->where = p->at;
    }
    c->write_number = MAX(c->write_number, p->number + 1);
    g_cond_broadcast(&c->turn);
    g_mutex_unlock(&c->lock);
}

/* ---- writing ---- */

static int write_zero(Copy *c, u64 at, u64 n)
{
    return c->zeroed ? 0 : node_write_zeroes(c->target, at, n, true);
}

static int write_packed(Copy *c, const Piece *p, const u8 *data)
{
    bool zero;

    if (c->sparse && img_zero_run(data, p->n, p->n, &zero) == p->n && zero) {
        return write_zero(c, p->at, p->n);
    }
    return qcow2_write_compressed(c->target, p->at, data, p->n);
}

static int write_data(Copy *c, const Piece *p, const u8 *data)
{
    int error = 0;
    size_t n;

    if (c->compressed) {
        return write_packed(c, p, data);
    }
    for (size_t done = 0; done < p->n && !error; done += n) {
        /* Steps are counted from the disk's beginning: whole clusters. */
        size_t first = c->step - (p->at + done) % c->step;
        bool zero = false;

        n = p->n - done;
        if (c->sparse) {
            size_t head = first < c->step ? MIN(first, n) : n;

            n = img_zero_run(data + done, head, c->step, &zero);
        }
        error = zero ? write_zero(c, p->at + done, n)
                     : node_write(c->target, p->at + done, data + done, n);
    }
    return error;
}

static gpointer worker(gpointer opaque)
{
    Copy *c = opaque;
    g_autofree u8 *data = g_malloc(PIECE);
    Piece p;

    while (piece_next(c, &p)) {
        const char *what = "reading";
        int error = 0;

        if (!p.zero && !p.skip) {
            error = node_read(p.source->node, p.at - p.source->begin, data, p.n);
        }
        turn_wait(c, &p);
        if (!error && !p.skip) {
            what = "writing";
            error = p.zero ? write_zero(c, p.at, p.n) : write_data(c, &p, data);
        }
        turn_pass(c, &p, error, what);
    }
    return NULL;
}

static int copy_all(Copy *c)
{
    const char *text = c->args->value['m'];
    unsigned n = text ? CLAMP(atoi(text), 1, 16) : DEFAULT_WORKERS;
    GThread *thread[16];

    g_mutex_init(&c->lock);
    g_cond_init(&c->turn);
    n = MIN(n, MAX(2, g_get_num_processors() + 1));
    for (unsigned i = 0; i < n; i++) {
        thread[i] = g_thread_new("convert", worker, c);
    }
    for (unsigned i = 0; i < n; i++) {
        g_thread_join(thread[i]);
    }
    g_mutex_clear(&c->lock);
    g_cond_clear(&c->turn);
    if (c->error) {
        return img_fail("error while %s at byte %" G_GUINT64_FORMAT ": %s", c->what,
                        c->where, g_strerror(-c->error));
    }
    img_progress(c->args, 1, 1);
    return 0;
}

/* ---- the target ---- */

static bool target_create(const ImgArgs *args, const char *name, const char *format,
                          u64 size)
{
    GError *err = NULL;
    g_autoptr(KeyVals) options = keyvals_parse(args->options ? args->options : "", NULL,
                                               &err);
    BlockCreate create = { name, size, options };

    if (options && img_has(args, 'B')) {
        keyvals_set(options, "backing_file", args->value['B']);
        if (img_has(args, 'F')) {
            keyvals_set(options, "backing_fmt", args->value['F']);
        }
    }
    if (!options || !node_create(format, &create, &err)) {
        img_fail("%s: error while converting %s: %s", name, format, err->message);
        g_error_free(err);
        return false;
    }
    return true;
}

static bool target_open(Copy *c, const char *name, const char *format)
{
    const ImgArgs *args = c->args;
    const char *cache = img_has(args, 't') ? args->value['t'] : "unsafe";
    bool is_new = !img_has(args, 'n');

    if (is_new && !target_create(args, name, format, c->length)) {
        return false;
    }
    c->target = img_open(args, name, format, BLOCK_RDWR | BLOCK_RESIZE | BLOCK_UNMAP,
                         cache);
    if (!c->target) {
        return false;
    }
    if (node_length(c->target) < c->length) {
        img_fail("output file is smaller than input file");
        return false;
    }
    c->zeroed = (is_new && !img_has(args, 'B')) || img_has(args, OPT_TARGET_ZERO);
    c->step = SPARSE;
    if (img_is_qcow2(c->target)) {
        c->step = MAX(c->step, qcow2_cluster_size(c->target));
    }
    if (c->compressed && !img_is_qcow2(c->target)) {
        img_fail("Compression not supported for this file format");
        return false;
    }
    if (c->compressed) {
        c->step = qcow2_cluster_size(c->target);
    } else {
        c->step = MAX(c->step, c->sparse);
    }
    return true;
}

/* -B: what the source's chain has from that file on is there already. */
static bool base_find(Copy *c)
{
    const char *name = c->args->value['B'];

    if (!name || c->n != 1) {
        return !name || img_fail("Cannot use -B with several source files") == 0;
    }
    for (BlockNode *at = c->source[0].node->backing; at; at = at->backing) {
        if (at->filename && strcmp(at->filename, name) == 0) {
            c->base = c->source[0].walk.base = at;
        }
    }
    return true;
}

/* ---- convert ---- */

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
        c->source[c->n++] = (Source){ .node = node, .begin = c->length };
        if (img_has(args, 'l') &&
            (!img_is_qcow2(node) ||
             !qcow2_snapshot_view(node, args->value['l'], &err))) {
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

static int convert_steps(Copy *c)
{
    const ImgArgs *args = c->args;
    u64 sparse = SPARSE;
    const char *format = img_has(args, 'O') ? args->value['O'] : "raw";

    if (img_has(args, 'S') && !img_size(args->value['S'], &sparse)) {
        return 1;
    }
    if (sparse % SECTOR || sparse > 32 * MiB) {
        return img_fail("Invalid buffer size for sparse output specified. Valid sizes "
                        "are multiples of 512 up to 33554432. Select 0 to disable sparse "
                        "detection (fully allocates output).");
    }
    c->sparse = sparse;
    c->compressed = img_has(args, 'c');
    c->any_order = img_has(args, 'W') || c->compressed;
    if (!sources_open(c) || !base_find(c) ||
        !target_open(c, args->word[args->n - 1], format)) {
        return 1;
    }
    return copy_all(c);
}

static void copy_close(Copy *c)
{
    node_unref(c->target);
    for (unsigned i = 0; i < c->n; i++) {
        node_unref(c->source[i].node);
    }
}

static int convert_run(const ImgArgs *args)
{
    g_autofree Copy *c = g_new0(Copy, 1);
    int status;

    if (args->n - 1 > MAX_SOURCES) {
        return img_fail("too many source files: at most %d", MAX_SOURCES);
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
    { 'm', NULL, "n", "so many pieces at once [8]" },
    { 'W', NULL, NULL, "writes in any order" },
    { 'C', NULL, NULL, "copy offloading (the kernel decides)" },
    { 't', NULL, "cache", "cache mode of the target [unsafe]" },
    { 'T', NULL, "cache", "cache mode of the sources" },
    { 'p', NULL, NULL, "shows progress" },
    { 'q', NULL, NULL, "says nothing" },
    { 'U', "force-share", NULL, "though others may write to the sources" },
    { OPT_TARGET_ZERO, "target-is-zero", NULL, "with -n: the target reads as zeroes" },
    { 0 }
};

const ImgCommand img_convert = {
    "convert", "filename [filename2 ...] output", "copies images into another format",
    convert_run, convert_options, 2, 0
};

/* ---- dd ---- */

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
            img_fail("unrecognized operand %s", args->word[i]);
            return false;
        }
        value[k] = equals + 1;
    }
    if (!value[2] || !value[3]) {
        img_fail("Must specify both input and output file names");
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
    skip = MIN(skip, length);
    c->source[c->n++] = (Source){ .node = in, .end = length };
    c->length = length - skip;
    c->sparse = SPARSE;
    if (!target_open(c, value[3], img_has(args, 'O') ? args->value['O'] : "raw")) {
        return 1;
    }
    for (u64 at = skip, n; at < length; at += n) {
        g_autofree u8 *data = g_malloc(MIN(length - at, PIECE));
        int error;

        n = MIN(length - at, PIECE);
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
    "copies a part of an image", dd_run, dd_options, 2, 5
};
