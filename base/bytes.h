/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Little-endian numbers at any address in bytes that came from, or go to, somewhere
 * else. The caller has checked that the bytes are there.
 */

#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/types.h"
#include <string.h>

#define BYTES_GET_PUT_(bits)                                                        \
    static inline u##bits get##bits(const u8 *at)                                   \
    {                                                                               \
        u##bits value;                                                              \
                                                                                    \
        memcpy(&value, at, sizeof value);                                           \
        return GUINT##bits##_FROM_LE(value);                                        \
    }                                                                               \
                                                                                    \
    static inline void put##bits(u8 *at, u##bits value)                             \
    {                                                                               \
        value = GUINT##bits##_TO_LE(value);                                         \
        memcpy(at, &value, sizeof value);                                           \
    }

BYTES_GET_PUT_(16)
BYTES_GET_PUT_(32)
BYTES_GET_PUT_(64)

#undef BYTES_GET_PUT_

/* Numbers, `n` bytes wide, and zeroes at the end of an array. */
static inline void append_num(GByteArray *to, u64 value, unsigned n)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(to, (const u8 *)&value, n);
}

static inline void append_bytes(GByteArray *to, const void *from, unsigned n)
{
    g_byte_array_append(to, (const u8 *)from, n);
}

static inline void append_zeroes(GByteArray *to, unsigned n)
{
    g_byte_array_set_size(to, to->len + n);
    memset(to->data + to->len - n, 0, n);
}

#endif
