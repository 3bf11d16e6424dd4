/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying images, for convert and dd: the source's pieces go to a target that is made
 * or opened here.
 *
 * Main thread; copy_all's workers are gone when it returns.
 */

#ifndef IMG_COPY_H
#define IMG_COPY_H

#include "img/img.h"

enum { COPY_PIECE = 2 << 20, COPY_MAX_SOURCES = 256, COPY_SPARSE = 4096,
       COPY_MAX_WORKERS = 16 };

typedef struct {
    BlockNode *node;
    u64 begin, end;                 /* in the target */
    ImgWalk walk;
} CopySource;

typedef struct {
    const ImgArgs *args;
    CopySource source[COPY_MAX_SOURCES];
    unsigned n;
    BlockNode *target;
    const BlockNode *base;          /* of the source's chain: not copied from here on */
    u64 length;
    size_t sparse;                  /* zeroes of so many bytes aren't written; 0: all */
    size_t step;                    /* and looked for in such steps */
    unsigned workers;
    bool zeroed;                    /* the target reads as zeroes */
    bool compressed, any_order;
    bool salvage;                   /* what can't be read becomes zeroes */

    GMutex lock;
    ImgRate rate;
    GCond turn;
    u64 next, next_number, write_number;
    int error;
    const char *what;               /* went wrong */
    u64 where;
} Copy;

/* Makes the target unless -n, and opens it; sources, length and flags are set. */
bool copy_target_open(Copy *c, const char *name, const char *format);
int copy_all(Copy *c);              /* an exit status */
void copy_close(Copy *c);

#endif
