/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state record as bytes, and back: what a snapshot is made of.  Little-endian:
 *
 *     name        u8 length, bytes
 *     u32 hash    of the layout (fields_hash)
 *     u16 rows    each: name (u8 length, bytes), u8 size, u32 count
 *     u32 n       bytes of the record, then the bytes: the rows' values, dense
 *
 * A record whose hash is ours is copied whole; another is matched row by row, by name:
 * a row that is not there keeps the value it has, one that we do not know is refused.
 * The bytes may come from anybody.  Any thread, on records it owns.
 */

#ifndef HW_CORE_RECORD_H
#define HW_CORE_RECORD_H

#include "base/field.h"

/* Appends a record: `size` bytes at `state`, which `rows` describe. */
void record_save(const char *name, const Field *rows, const void *state, size_t size,
                 GByteArray *out);

/* Reading has a sticky failure: what follows it reads as zero. */
typedef struct {
    const u8 *at;
    size_t left;
    bool failed;
} Reader;

/* The next `n` bytes, which stay where they are; NULL after a failure. */
const u8 *reader_take(Reader *in, size_t n);
u64 reader_get(Reader *in, unsigned size);          /* 1 to 8 bytes */
/* A name of printable characters (it is shown in errors); false: there is none. */
bool reader_name(Reader *in, char name[UINT8_MAX + 1]) must_check;
void put_name(GByteArray *out, const char *name);   /* at most 255 bytes */
void put_number(GByteArray *out, u64 value, unsigned size);

typedef struct {
    char name[UINT8_MAX + 1];
    u32 hash;
    Reader rows;                /* stands at the first row's name */
    unsigned n_rows;
    const u8 *bytes;            /* inside what the reader reads */
    size_t n;
} Record;

/* Reads one record and checks that its rows and bytes agree; false: it is damaged. */
bool record_get(Reader *in, Record *record) must_check;

/*
 * Puts a record's values into `state`, which holds what rows that are not there shall
 * have, and checks that every value lies in its row's range.  On failure `state` is
 * undefined, and the error begins with `name`.
 */
bool record_load(const Record *record, const char *name, const Field *rows, void *state,
                 size_t size, GError **err) must_check;

#endif
