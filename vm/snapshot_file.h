/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file `state` of a snapshot: sections with names, behind a header.  Little-endian:
 *
 *     "MAYFLYVM"  u32 format  u32 CRC-32 of what follows  u64 bytes that follow
 *     sections: each name (u8 length, bytes), u64 length, bytes
 *
 * In format 2 the sections are packed, as one zstd frame that says how long they are:
 * what displays hold is large, and most of it the same.  Small files are of format 1.
 *
 * Whoever wrote the file, a StateFile has only whole sections with different names;
 * what is in them is judged by those who know.  Main thread.
 */

#ifndef VM_SNAPSHOT_FILE_H
#define VM_SNAPSHOT_FILE_H

#include "hw/core/record.h"

enum { SNAPSHOT_PLAIN = 1, SNAPSHOT_PACKED = 2, SNAPSHOT_FORMAT = SNAPSHOT_PACKED };

typedef struct {
    char name[UINT8_MAX + 1];
    const u8 *bytes;
    size_t n;
    bool used;                  /* taken by state_file_section */
} StateSection;

typedef struct {
    u8 *bytes;
    u32 crc;                    /* of the header: this snapshot and no other */
    GArray *sections;           /* StateSection */
} StateFile;

/* Reads and checks all of the file behind `fd`. */
StateFile *state_file_read(int fd, GError **err) must_check;
/* The same, of bytes in memory, which are copied. */
StateFile *state_file_parse(const u8 *bytes, size_t n, GError **err) must_check;
void state_file_free(StateFile *file);              /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StateFile, state_file_free)

/* A reader on a section; an error names the one that is not there. */
bool state_file_section(StateFile *file, const char *name, Reader *in,
                        GError **err) must_check;
/* The next section whose name begins with `prefix` that nobody has taken; or NULL. */
const StateSection *state_file_left(const StateFile *file, const char *prefix);

/* Appends a section's head; its bytes follow, then state_section_end. */
size_t state_section_begin(GByteArray *out, const char *name);
void state_section_end(GByteArray *out, size_t begin);
/* The format for a file with these sections. */
u32 state_file_format(const GByteArray *sections);
/* Appends the whole file.  False: it is longer than what a reader takes. */
bool state_file_make(const GByteArray *sections, u32 format, GByteArray *out,
                     GError **err) must_check;

/* Bytes with a length of their own, at most 1 MiB: text of users and file names. */
void put_text(GByteArray *out, const char *text);
char *reader_text(Reader *in);                      /* g_malloc'd; NULL: failed */

/* Sets an error and returns false. */
bool snapshot_refuse(GError **err, const char *fmt, ...) printf_like(2, 3);

#endif
