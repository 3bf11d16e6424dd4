/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 9P's bytes: numbers in little endian, strings with 16 bits of length before them.
 * What is too short or does not fit is noted, and told at the end: readers and writers
 * go straight down.
 */

#ifndef FSDEV_WIRE_H
#define FSDEV_WIRE_H

#include "base/types.h"

typedef struct {
    const u8 *at;
    size_t left;
    bool bad;                   /* something was missing; numbers are then 0 */
} WireIn;

u64 wire_get(WireIn *in, unsigned bytes);
const u8 *wire_get_bytes(WireIn *in, size_t n);         /* NULL: bad */
/* A copy; never NULL.  A 0 inside is bad. */
char *wire_get_string(WireIn *in);

typedef struct {
    u8 *at;
    size_t room, used;
    bool full;                  /* something did not fit */
} WireOut;

void wire_put(WireOut *out, u64 value, unsigned bytes);
void wire_put_bytes(WireOut *out, const void *from, size_t n);
void wire_put_string(WireOut *out, const char *text);
/* Over what is there already, at `at`. */
void wire_patch(WireOut *out, size_t at, u64 value, unsigned bytes);
/* Bytes that there is still room for, at most n; they count as written once used. */
u8 *wire_space(WireOut *out, size_t *n);

#endif
