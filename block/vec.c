/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows on lists of memory ranges: see vec.h.  Any thread.
 */

#include "block/vec.h"

#include <string.h>

BlockVec vec_all(const struct iovec *iov, unsigned n)
{
    BlockVec vec = { iov, n, 0, 0 };

    for (unsigned i = 0; i < n; i++) {
        vec.bytes += iov[i].iov_len;
    }
    return vec;
}

BlockVec vec_slice(BlockVec vec, size_t from, size_t n)
{
    g_assert(from <= vec.bytes && n <= vec.bytes - from);
    vec.skip += from;
    vec.bytes = n;
    while (vec.n && vec.skip >= vec.iov->iov_len) {
        vec.skip -= vec.iov->iov_len;
        vec.iov++;
        vec.n--;
    }
    return vec;
}

/* Takes the first range off a window that is not empty. */
static struct iovec next_range(BlockVec *vec)
{
    struct iovec range;

    *vec = vec_slice(*vec, 0, vec->bytes);
    range.iov_base = (u8 *)vec->iov->iov_base + vec->skip;
    range.iov_len = MIN(vec->iov->iov_len - vec->skip, vec->bytes);
    *vec = vec_slice(*vec, range.iov_len, vec->bytes - range.iov_len);
    return range;
}

void vec_to(BlockVec from, void *to)
{
    u8 *at = to;

    while (from.bytes) {
        struct iovec range = next_range(&from);

        memcpy(at, range.iov_base, range.iov_len);
        at += range.iov_len;
    }
}

void vec_from(BlockVec to, const void *from)
{
    const u8 *at = from;

    while (to.bytes) {
        struct iovec range = next_range(&to);

        memcpy(range.iov_base, at, range.iov_len);
        at += range.iov_len;
    }
}

void vec_fill(BlockVec to, u8 value)
{
    while (to.bytes) {
        struct iovec range = next_range(&to);

        memset(range.iov_base, value, range.iov_len);
    }
}

static bool range_is_zero(const u8 *at, size_t n)
{
    return !n || (!*at && memcmp(at, at + 1, n - 1) == 0);
}

bool vec_is_zero(BlockVec vec)
{
    while (vec.bytes) {
        struct iovec range = next_range(&vec);

        if (!range_is_zero(range.iov_base, range.iov_len)) {
            return false;
        }
    }
    return true;
}

unsigned vec_flatten(BlockVec vec, struct iovec *out, unsigned max, size_t *bytes)
{
    size_t all = vec.bytes;
    unsigned n = 0;

    while (vec.bytes && n < max) {
        out[n++] = next_range(&vec);
    }
    if (bytes) {
        *bytes = all - vec.bytes;
    }
    return n;
}

bool vec_is_aligned(BlockVec vec, size_t align)
{
    while (vec.bytes) {
        struct iovec range = next_range(&vec);

        if (((uintptr_t)range.iov_base | range.iov_len) & (align - 1)) {
            return false;
        }
    }
    return true;
}
