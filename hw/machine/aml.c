/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The AML writer: see aml.h.
 */

#include "hw/machine/aml.h"
#include "base/bytes.h"

enum {
    OP_NAME = 0x08, OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c, OP_STRING = 0x0d,
    OP_QWORD = 0x0e, OP_SCOPE = 0x10, OP_BUFFER = 0x11, OP_PACKAGE = 0x12,
    OP_METHOD = 0x14, OP_DUAL_NAME = 0x2e, OP_MULTI_NAME = 0x2f, OP_IF = 0xa0,
    OP_ELSE = 0xa1,
    OP_REGION = 0x5b80, OP_FIELD = 0x5b81, OP_DEVICE = 0x5b82,
};

static void byte(Aml *aml, u8 value)
{
    append_num(aml, value, 1);
}

void aml_op(Aml *aml, unsigned op)
{
    if (op > 0xff) {
        byte(aml, op >> 8);
    }
    byte(aml, op);
}

void aml_int(Aml *aml, u64 value)
{
    static const struct { u8 op, n; } kind[] = {
        { OP_BYTE, 1 }, { OP_WORD, 2 }, { OP_DWORD, 4 }, { OP_QWORD, 8 },
    };
    unsigned i = value > UINT32_MAX ? 3 : value > UINT16_MAX ? 2 : value > UINT8_MAX;

    if (value <= 1) {
        byte(aml, value ? AML_ONE : AML_ZERO);
        return;
    }
    byte(aml, kind[i].op);
    append_num(aml, value, kind[i].n);
}

void aml_string(Aml *aml, const char *text)
{
    byte(aml, OP_STRING);
    g_byte_array_append(aml, (const u8 *)text, strlen(text) + 1);
}

/* ---- names (20.2.2) ---- */

/* Four characters, padded with '_'. */
static void segment(Aml *aml, const char *name, size_t n)
{
    g_assert(n >= 1 && n <= 4);
    g_byte_array_append(aml, (const u8 *)name, n);
    g_byte_array_append(aml, (const u8 *)"___", 4 - n);
}

void aml_path(Aml *aml, const char *path)
{
    g_auto(GStrv) part = NULL;
    unsigned n;

    for (; *path == '\\' || *path == '^'; path++) {
        byte(aml, *path);
    }
    part = g_strsplit(path, ".", 0);
    n = g_strv_length(part);
    if (n == 0) {
        byte(aml, 0);                       /* the root itself */
    } else if (n == 2) {
        byte(aml, OP_DUAL_NAME);
    } else if (n > 2) {
        byte(aml, OP_MULTI_NAME);
        byte(aml, n);
    }
    for (unsigned i = 0; i < n; i++) {
        segment(aml, part[i], strlen(part[i]));
    }
}

/* ---- enclosing terms (20.2.4) ---- */

/* PkgLength counts its own bytes. */
static unsigned length_bytes(u64 n, u8 out[4])
{
    unsigned size = n + 1 < 1 << 6 ? 1 : n + 2 < 1 << 12 ? 2 : n + 3 < 1 << 20 ? 3 : 4;

    n += size;
    out[0] = size == 1 ? n : (size - 1) << 6 | (n & 0xf);
    for (unsigned i = 1; i < size; i++) {
        out[i] = n >> (4 + 8 * (i - 1));
    }
    return size;
}

static size_t begin(Aml *aml, unsigned op)
{
    aml_op(aml, op);
    return aml->len;
}

/* The length goes in front of what was written since the mark. */
void aml_end(Aml *aml, size_t mark)
{
    u8 length[4];
    size_t n = aml->len - mark;
    unsigned size = length_bytes(n, length);

    g_byte_array_set_size(aml, aml->len + size);
    memmove(aml->data + mark + size, aml->data + mark, n);
    memcpy(aml->data + mark, length, size);
}

size_t aml_scope(Aml *aml, const char *path)
{
    size_t mark = begin(aml, OP_SCOPE);

    aml_path(aml, path);
    return mark;
}

size_t aml_device(Aml *aml, const char *name)
{
    size_t mark = begin(aml, OP_DEVICE);

    aml_path(aml, name);
    return mark;
}

size_t aml_method(Aml *aml, const char *name, unsigned args, bool serialized)
{
    size_t mark = begin(aml, OP_METHOD);

    aml_path(aml, name);
    byte(aml, args | serialized << 3);
    return mark;
}

size_t aml_package(Aml *aml, unsigned elements)
{
    size_t mark = begin(aml, OP_PACKAGE);

    byte(aml, elements);
    return mark;
}

size_t aml_if(Aml *aml)
{
    return begin(aml, OP_IF);
}

size_t aml_else(Aml *aml)
{
    return begin(aml, OP_ELSE);
}

/* ---- named things ---- */

void aml_name(Aml *aml, const char *name)
{
    byte(aml, OP_NAME);
    aml_path(aml, name);
}

void aml_name_int(Aml *aml, const char *name, u64 value)
{
    aml_name(aml, name);
    aml_int(aml, value);
}

void aml_name_string(Aml *aml, const char *name, const char *text)
{
    aml_name(aml, name);
    aml_string(aml, text);
}

/* 19.6.37: three letters of five bits and four hexadecimal digits, big endian. */
void aml_name_eisa(Aml *aml, const char *name, const char *id)
{
    u32 value = (id[0] - '@') << 26 | (id[1] - '@') << 21 | (id[2] - '@') << 16;

    value |= strtoul(id + 3, NULL, 16);
    aml_name_int(aml, name, GUINT32_SWAP_LE_BE(value));
}

static void buffer(Aml *aml, const u8 *bytes, unsigned n)
{
    size_t mark = begin(aml, OP_BUFFER);

    aml_int(aml, n);
    g_byte_array_append(aml, bytes, n);
    aml_end(aml, mark);
}

/* 19.6.142: the first three groups are little endian, the rest is in text order. */
void aml_uuid(Aml *aml, const char *text)
{
    static const u8 at[16] = { 6,  4,  2,  0,  11, 9,  16, 14,
                               19, 21, 24, 26, 28, 30, 32, 34 };
    u8 bytes[16];

    for (unsigned i = 0; i < 16; i++) {
        bytes[i] = g_ascii_xdigit_value(text[at[i]]) << 4 |
                   g_ascii_xdigit_value(text[at[i] + 1]);
    }
    buffer(aml, bytes, sizeof bytes);
}

void aml_region(Aml *aml, const char *name, u8 space, u64 at, u64 n)
{
    aml_op(aml, OP_REGION);
    aml_path(aml, name);
    byte(aml, space);
    aml_int(aml, at);
    aml_int(aml, n);
}

size_t aml_field(Aml *aml, const char *region)
{
    size_t mark = begin(aml, OP_FIELD);

    aml_path(aml, region);
    byte(aml, 1);                           /* 20.2.5.2: ByteAcc, NoLock, Preserve */
    return mark;
}

/*
 * A unit's length is encoded as PkgLength is, but counts bits, and nothing of its own.
 */
void aml_unit(Aml *aml, const char *name, unsigned bits)
{
    g_assert(bits < 1 << 6);
    if (name) {
        segment(aml, name, strlen(name));
    } else {
        byte(aml, 0);
    }
    byte(aml, bits);
}
