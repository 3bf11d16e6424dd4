/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's pages of a resource, and the isolated renderer's copy of them: see
 * gpu_isolated.h.
 *
 * The copy is a sealed memory file, which the process can neither cut nor lengthen.
 * Where a transfer's lines lie is known from the length of the resource's first line,
 * which the process tells; until it has, or where its lines make no sense, all the rest
 * of the pages is taken.  A wrong length harms only that resource's pages.
 */

#include "hw/virtio/gpu_isolated.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- life ---- */

static u8 *share(u64 bytes, int *fd)
{
    int file = memfd_create("mayfly-gpu", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    u8 *copy = MAP_FAILED;

    if (file >= 0 && ftruncate(file, bytes) == 0 &&
        fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
        copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    if (copy != MAP_FAILED) {
        *fd = file;
        return copy;
    }
    if (file >= 0) {
        close(file);
    }
    return NULL;
}

Pages *pages_new(struct iovec *iov, u32 n, u64 *charged, u64 limit, int *fd)
{
    Pages *p = g_new0(Pages, 1);

    p->refs = 1;
    p->iov = iov;
    p->n_iov = n;
    p->start = g_new(u64, n + 1);
    for (u32 i = 0; i < n; i++) {
        p->start[i] = p->bytes;
        p->bytes += iov[i].iov_len;
    }
    p->copy = p->bytes && p->bytes <= limit - *charged ? share(p->bytes, fd) : NULL;
    if (!p->copy) {
        pages_unref(p);
        return NULL;
    }
    p->charged = charged;
    *charged += p->bytes;
    return p;
}

void pages_unref(Pages *p)
{
    if (!p || --p->refs) {
        return;
    }
    if (p->copy) {
        munmap(p->copy, p->bytes);
        *p->charged -= p->bytes;
    }
    g_free(p->iov);
    g_free(p->start);
    g_free(p);
}

/* ---- copying ---- */

/* The range that byte `at` is in. */
static u32 find(const Pages *p, u64 at)
{
    u32 low = 0, high = p->n_iov;

    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;

        if (p->start[middle] <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* [at, at + n) of the pages and of `copy`, which begins at `at`. */
static void move(const Pages *p, u64 at, u64 n, u8 *copy, bool to_guest)
{
    n = at < p->bytes ? MIN(n, p->bytes - at) : 0;
    for (u32 i = find(p, at); n; i++) {
        u64 skip = at - p->start[i], part = MIN(n, p->iov[i].iov_len - skip);
        u8 *guest = (u8 *)p->iov[i].iov_base + skip;

        if (part) {
            memcpy(to_guest ? guest : copy, to_guest ? copy : guest, part);
        }
        copy += part;
        at += part;
        n -= part;
    }
}

void pages_watch(Pages *p)
{
    if (!p->watched && p->bytes >= QUERY_RESULT) {
        p->watched = true;
        move(p, 0, QUERY_RESULT, p->seen, false);
        memcpy(p->copy, p->seen, QUERY_RESULT);
    }
}

void pages_watch_in(Pages *p)
{
    u8 now[QUERY_RESULT];

    move(p, 0, sizeof now, now, false);
    if (memcmp(now, p->seen, sizeof now) != 0) {
        memcpy(p->seen, now, sizeof now);
        memcpy(p->copy, now, sizeof now);
    }
}

void pages_watch_out(Pages *p)
{
    u8 now[QUERY_RESULT];

    memcpy(now, p->copy, sizeof now);
    if (memcmp(now, p->seen, sizeof now) != 0) {
        memcpy(p->seen, now, sizeof now);
        move(p, 0, sizeof now, now, true);
    }
}

/* ---- parts ---- */

/* Of a level. */
static u32 smaller(u32 size, u32 level)
{
    return MAX(level < 32 ? size >> level : 0, 1);
}

/* All that is behind `first`. */
static Lines rest(Pages *pages, u64 first)
{
    u64 left = first < pages->bytes ? pages->bytes - first : 0;

    return (Lines){ pages, first, left, left, left, 1, 1 };
}

/* Lines that are known, don't overlap and, from 0 on, don't leave the pages. */
static bool makes_sense(const Lines *p)
{
    u64 bytes = p->pages->bytes;

    return p->each && p->each <= p->step && p->step <= bytes &&
           p->lines <= bytes / p->step &&
           (p->layers == 1 || (p->layer_step >= p->step * p->lines &&
                               p->layers <= bytes / p->layer_step));
}

Lines lines_of(Pages *pages, const Known *of, const GpuTransfer3d *t)
{
    const GpuCreate3d *c = &of->create;
    u64 width = smaller(c->width, t->level);
    u64 line = ((u64)of->line * width + c->width - 1) / MAX(c->width, 1);
    Lines p = { pages, t->offset, 0, t->stride ? t->stride : line, t->layer_stride,
                MAX(t->box.h, 1), MAX(t->box.d, 1) };

    if (c->target == GPU_TEXTURE_BUFFER) {
        return (Lines){ pages, t->offset, t->box.w, t->box.w, t->box.w, 1, 1 };
    }
    /* Four pixels are a block of compressed formats. */
    p.each = ((u64)of->line * ((t->box.w + 3ull) & ~3ull) + c->width - 1) /
             MAX(c->width, 1);
    p.each = t->box.w == c->width ? MIN(p.each, of->line) : MIN(p.each, p.step);
    if (!p.layer_step) {
        p.layer_step = p.step * smaller(c->height, t->level);
    }
    return makes_sense(&p) ? p : rest(pages, t->offset);
}

/* One piece: the gaps between lines harm nobody in the copy. */
void lines_in(const Lines *p)
{
    u64 n = p->layer_step * (p->layers - 1) + p->step * (p->lines - 1) + p->each;

    if (p->first < p->pages->bytes) {
        move(p->pages, p->first, n, p->pages->copy + p->first, false);
    }
}

void lines_out(const Lines *p)
{
    for (u32 z = 0; z < p->layers; z++) {
        for (u32 y = 0; y < p->lines; y++) {
            u64 at = p->first + z * p->layer_step + y * p->step;

            if (at < p->first || at >= p->pages->bytes) {
                break;
            }
            move(p->pages, at, p->each, p->pages->copy + at, true);
        }
    }
}
