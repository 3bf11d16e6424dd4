/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 9P2000.L client for tests: see p9_client.h.
 */

#include "tests/lib/p9_client.h"

#include <stdarg.h>
#include <string.h>

enum { HEADER = 7, TAG = 0x1234, MESSAGE = 64 << 10, RLERROR = 7 };

static void add_number(GByteArray *to, u64 value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        u8 byte = value >> 8 * i;

        g_byte_array_append(to, &byte, 1);
    }
}

static void add_all(GByteArray *to, const char *kinds, va_list args)
{
    for (; *kinds; kinds++) {
        if (*kinds == 's') {
            const char *text = va_arg(args, const char *);

            add_number(to, strlen(text), 2);
            g_byte_array_append(to, (const u8 *)text, strlen(text));
        } else if (*kinds == 'b') {
            const u8 *bytes = va_arg(args, const u8 *);

            g_byte_array_append(to, bytes, va_arg(args, size_t));
        } else {
            add_number(to, va_arg(args, u64), *kinds - '0');
        }
    }
}

void client_add(GByteArray *to, const char *kinds, ...)
{
    va_list args;

    va_start(args, kinds);
    add_all(to, kinds, args);
    va_end(args);
}

u64 client_get(P9Client *c, unsigned bytes)
{
    u64 value = 0;

    g_assert_cmpuint(c->at + bytes, <=, c->n);
    for (unsigned i = 0; i < bytes; i++) {
        value |= (u64)c->reply[c->at++] << 8 * i;
    }
    return value;
}

char *client_get_string(P9Client *c)
{
    size_t n = client_get(c, 2);

    g_assert_cmpuint(c->at + n, <=, c->n);
    c->at += n;
    return g_strndup((char *)c->reply + c->at - n, n);
}

int client_send(P9Client *c, const u8 *message, size_t n)
{
    u8 type;

    c->at = 0;
    c->n = p9_serve(c->server, message, n, c->reply, sizeof c->reply);
    if (!c->n) {
        return -1;
    }
    g_assert_cmpuint(client_get(c, 4), ==, c->n);
    type = client_get(c, 1);
    client_get(c, 2);
    if (type == RLERROR) {
        int why = client_get(c, 4);

        g_assert_cmpuint(c->at, ==, c->n);
        g_assert_cmpint(why, >, 0);
        return why;
    }
    g_assert_cmpuint(type, ==, message[4] + 1);
    return 0;
}

int client_call(P9Client *c, u8 type, const char *kinds, ...)
{
    g_autoptr(GByteArray) m = g_byte_array_new();
    va_list args;
    int why;

    client_add(m, "412", (u64)0, (u64)type, (u64)TAG);
    va_start(args, kinds);
    add_all(m, kinds, args);
    va_end(args);
    for (unsigned i = 0; i < 4; i++) {
        m->data[i] = m->len >> 8 * i;
    }
    why = client_send(c, m->data, m->len);
    if (why >= 0) {
        g_assert_cmpuint(c->reply[5] | c->reply[6] << 8, ==, TAG);
    }
    return why;
}

int client_walk(P9Client *c, u32 from, u32 to, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    g_autoptr(GByteArray) m = g_byte_array_new();
    unsigned n = *path ? g_strv_length(names) : 0;
    int why;

    for (unsigned i = 0; i < n; i++) {
        client_add(m, "s", names[i]);
    }
    why = client_call(c, T_WALK, "442b", (u64)from, (u64)to, (u64)n, m->data,
                      (size_t)m->len);
    /* Not all of the way: there is no fid. */
    return why ? why : client_get(c, 2) == n ? 0 : 2;
}

P9Attributes client_attributes(P9Client *c, u32 fid)
{
    P9Attributes a;

    g_assert_cmpint(client_call(c, T_GETATTR, "48", (u64)fid, (u64)0x7ff), ==, 0);
    g_assert_cmpuint(client_get(c, 8), ==, 0x7ff);
    client_get(c, 1), client_get(c, 4), client_get(c, 8);
    a.mode = client_get(c, 4);
    a.uid = client_get(c, 4);
    a.gid = client_get(c, 4);
    a.links = client_get(c, 8);
    a.rdev = client_get(c, 8);
    a.size = client_get(c, 8);
    client_get(c, 8), client_get(c, 8), client_get(c, 8), client_get(c, 8);
    a.mtime = client_get(c, 8);
    a.mtime_ns = client_get(c, 8);
    return a;
}

P9Client *client_new(Share *share)
{
    P9Client *c = g_new0(P9Client, 1);

    c->server = p9_new(share);
    g_assert_cmpint(client_call(c, T_VERSION, "4s", (u64)MESSAGE, "9P2000.L"), ==, 0);
    g_assert_cmpuint(client_get(c, 4), ==, MESSAGE);
    g_assert_cmpint(client_call(c, T_ATTACH, "44ss4", (u64)0, (u64)UINT32_MAX, "root",
                                "", (u64)0), ==, 0);
    return c;
}

void client_free(P9Client *c)
{
    p9_free(c->server);
    g_free(c);
}
