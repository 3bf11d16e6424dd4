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

#endif
