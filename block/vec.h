/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data that is read or written: a window on a list of host memory ranges, which may be
 * guest memory.  Taking a piece of one copies nothing.  Guest memory can change at any
 * time: whoever judges bytes copies them first.
 *
 * Any thread.
 */

#ifndef BLOCK_VEC_H
#define BLOCK_VEC_H

#include "base/types.h"
#include <sys/uio.h>

typedef struct {
    const struct iovec *iov;        /* borrowed */
    unsigned n;
    size_t skip;                    /* bytes of the list before the window */
    size_t bytes;                   /* in the window */
} BlockVec;

/* One range, as a window on `iov`, which the caller keeps. */
static inline BlockVec vec_of(struct iovec *iov, void *at, size_t n)
{
    *iov = (struct iovec){ at, n };
    return (BlockVec){ iov, 1, 0, n };
}

/* All of a list. */
BlockVec vec_all(const struct iovec *iov, unsigned n);
/* [from, from + n) of a window; that must lie inside. */
BlockVec vec_slice(BlockVec vec, size_t from, size_t n);

void vec_to(BlockVec from, void *to);           /* copies vec.bytes out */
void vec_from(BlockVec to, const void *from);   /* copies vec.bytes in */
void vec_fill(BlockVec to, u8 value);
bool vec_is_zero(BlockVec vec);

/* The window as ranges in out[0..max): as many as fit; *bytes (or NULL): in them. */
unsigned vec_flatten(BlockVec vec, struct iovec *out, unsigned max, size_t *bytes);

/* Every range begins at, and is, a multiple of `align`. */
bool vec_is_aligned(BlockVec vec, size_t align);

#endif
