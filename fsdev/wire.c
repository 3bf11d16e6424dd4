/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 9P's bytes: see wire.h.
 */

#include "fsdev/wire.h"

#include <string.h>

const u8 *wire_get_bytes(WireIn *in, size_t n)
{
    const u8 *at = in->at;

    if (in->bad || n > in->left) {
        in->bad = true;
        return NULL;
    }
    in->at += n;
    in->left -= n;
    return at;
}

u64 wire_get(WireIn *in, unsigned bytes)
{
    const u8 *at = wire_get_bytes(in, bytes);
    u64 value = 0;

    while (at && bytes--) {
        value = value << 8 | at[bytes];
    }
    return value;
}

char *wire_get_string(WireIn *in)
{
    size_t n = wire_get(in, 2);
    const u8 *at = wire_get_bytes(in, n);

    if (at && n && memchr(at, 0, n)) {
        in->bad = true;
    }
    return in->bad ? g_strdup("") : g_strndup((const char *)at, n);
}

void wire_put_bytes(WireOut *out, const void *from, size_t n)
{
    if (out->full || n > out->room - out->used) {
        out->full = true;
        return;
    }
    if (n) {
        memcpy(out->at + out->used, from, n);
    }
    out->used += n;
}

void wire_put(WireOut *out, u64 value, unsigned bytes)
{
    value = GUINT64_TO_LE(value);
    wire_put_bytes(out, &value, bytes);
}

void wire_put_string(WireOut *out, const char *text)
{
    size_t n = strlen(text);

    wire_put(out, n, 2);
    wire_put_bytes(out, text, MIN(n, UINT16_MAX));
}

void wire_patch(WireOut *out, size_t at, u64 value, unsigned bytes)
{
    value = GUINT64_TO_LE(value);
    if (at + bytes <= out->used) {
        memcpy(out->at + at, &value, bytes);
    }
}

u8 *wire_space(WireOut *out, size_t *n)
{
    *n = MIN(*n, out->full ? 0 : out->room - out->used);
    return out->at + out->used;
}
