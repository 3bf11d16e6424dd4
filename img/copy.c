/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying images: see copy.h.
 *
 * Workers take pieces of the source one after the other, skip what is known to be
 * zero, read, look for zeroes, compress if asked to, and write.  Pieces are written in
 * order (so a target grows from its beginning to its end) unless -W, or -c, where the
 * work is in the compression.
 */

#include "img/copy.h"

#include "base/log.h"
#include "block/options.h"
#include "block/qcow2.h"

#include <stdio.h>
#include <string.h>

enum { SECTOR = 512, DEFAULT_WORKERS = 4 };

typedef struct {
    u64 at, n, number;
    bool zero;                      /* known to be; otherwise it has to be read */
    bool skip;
    const CopySource *source;
} Piece;

/* ---- pieces ---- */

static CopySource *source_at(Copy *c, u64 at)
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
    CopySource *s = source_at(c, p->at);
    ImgExtent e;
    u64 cluster = c->compressed ? c->step : SECTOR;
    int error;

    p->source = s;
    p->n = MIN(s->end, c->length) - p->at;
    if (c->sparse == 0) {
        p->n = MIN(p->n, COPY_PIECE);
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
        p->n = MIN(p->n, c->compressed ? c->step : COPY_PIECE);
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
            img_rate_wait(&c->rate, p->zero || p->skip ? 0 : p->n);
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

/* --salvage: sector by sector, and zeroes for those that fail. */
static int piece_salvage(const Piece *p, u8 *data)
{
    u64 from = p->at - p->source->begin;

    for (u64 at = 0, n; at < p->n; at += n) {
        int error;

        n = MIN(SECTOR, p->n - at);
        error = node_read(p->source->node, from + at, data + at, n);
        if (error) {
            warn_user("error while reading offset %" G_GUINT64_FORMAT ": %s", from + at,
                      g_strerror(-error));
            memset(data + at, 0, n);
        }
    }
    return 0;
}

static int piece_read(const Copy *c, const Piece *p, u8 *data)
{
    int error = node_read(p->source->node, p->at - p->source->begin, data, p->n);

    return error && c->salvage ? piece_salvage(p, data) : error;
}

static gpointer worker(gpointer opaque)
{
    Copy *c = opaque;
    g_autofree u8 *data = g_malloc(COPY_PIECE);
    Piece p;

    while (piece_next(c, &p)) {
        const char *what = "reading";
        int error = 0;

        if (!p.zero && !p.skip) {
            error = piece_read(c, &p, data);
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

int copy_all(Copy *c)
{
    unsigned n = c->workers ? c->workers
                            : CLAMP(g_get_num_processors() + 2, DEFAULT_WORKERS, 8);
    GThread *thread[COPY_MAX_WORKERS];

    g_mutex_init(&c->lock);
    g_cond_init(&c->turn);
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

    if (options) {
        g_free(keyvals_take(options, "size"));      /* the source has one */
    }
    if (options && img_has(args, 'B')) {
        keyvals_set(options, "backing_file", args->value['B']);
        if (img_has(args, 'F')) {
            keyvals_set(options, "backing_fmt", args->value['F']);
        }
    }
    if (options && !img_options_right(format, options)) {
        return false;
    }
    if (!options || !node_create(format, &create, &err)) {
        img_fail("%s: error while converting %s: %s", name, format, err->message);
        g_error_free(err);
        return false;
    }
    return true;
}

bool copy_target_open(Copy *c, const char *name, const char *format)
{
    const ImgArgs *args = c->args;
    const char *cache = img_has(args, 't') ? args->value['t'] : "unsafe";
    bool is_new = !img_has(args, 'n');

    if (is_new && !target_create(args, name, format, c->length)) {
        return false;
    }
    c->target = img_open_words(name, format, img_has(args, OPT_TARGET_OPTS),
                               BLOCK_RDWR | BLOCK_RESIZE | BLOCK_UNMAP, cache);
    if (!c->target) {
        return false;
    }
    if (node_length(c->target) < c->length) {
        img_fail("output file is smaller than input file");
        return false;
    }
    c->zeroed = (is_new && !img_has(args, 'B')) || img_has(args, OPT_TARGET_ZERO);
    c->step = COPY_SPARSE;
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

void copy_close(Copy *c)
{
    node_unref(c->target);
    for (unsigned i = 0; i < c->n; i++) {
        node_unref(c->source[i].node);
    }
}
