/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file `state` of a snapshot: see snapshot_file.h. */

#include "vm/snapshot_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static const char magic[8] = "MAYFLYVM";
enum { HEADER_BYTES = 8 + 4 + 4 + 8, TEXT_MAX = MiB };
/* No machine has as much state beside its RAM; a file that says so lies. */
#define STATE_MAX (1 * GiB)
/* What is longer is packed: quicker to read back, then, than the bytes themselves. */
enum { PLAIN_MAX = 256 * KiB, PACK_LEVEL = 1 };

bool snapshot_refuse(GError **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_propagate_error(
        err, g_error_new_valist(G_FILE_ERROR, G_FILE_ERROR_INVAL, fmt, args));
    va_end(args);
    return false;
}

/* ---- writing ---- */

size_t state_section_begin(GByteArray *out, const char *name)
{
    put_name(out, name);
    put_number(out, 0, 8);
    return out->len;
}

void state_section_end(GByteArray *out, size_t begin)
{
    u64 n = out->len - begin;

    memcpy(out->data + begin - sizeof n, &n, sizeof n);
}

static void put_file(const u8 *body, size_t n, u32 format, GByteArray *out)
{
    g_byte_array_append(out, (const u8 *)magic, sizeof magic);
    put_number(out, format, 4);
    put_number(out, crc32_z(0, body, n), 4);
    put_number(out, n, 8);
    g_byte_array_append(out, body, n);
}

u32 state_file_format(const GByteArray *sections)
{
    return sections->len > PLAIN_MAX ? SNAPSHOT_PACKED : SNAPSHOT_PLAIN;
}

bool state_file_make(const GByteArray *sections, u32 format, GByteArray *out,
                     GError **err)
{
    size_t room = ZSTD_compressBound(sections->len), n = 0;
    g_autofree u8 *packed = NULL;

    if (sections->len > STATE_MAX - HEADER_BYTES) {
        return snapshot_refuse(err, "state: it would have %u bytes, which is more than "
                               "1 GiB", sections->len);
    }
    if (format == SNAPSHOT_PACKED) {
        packed = g_malloc(room);
        n = ZSTD_compress(packed, room, sections->data, sections->len, PACK_LEVEL);
        g_assert(!ZSTD_isError(n));         /* there is room */
        put_file(packed, n, format, out);
    } else {
        put_file(sections->data, sections->len, format, out);
    }
    return true;
}

void put_text(GByteArray *out, const char *text)
{
    size_t n = MIN(strlen(text), TEXT_MAX);

    put_number(out, n, 4);
    g_byte_array_append(out, (const u8 *)text, n);
}

char *reader_text(Reader *in)
{
    size_t n = reader_get(in, 4);
    const u8 *at = n <= TEXT_MAX ? reader_take(in, n) : NULL;

    if (!at || memchr(at, 0, n)) {
        in->failed = true;
        return NULL;
    }
    return g_strndup((const char *)at, n);
}

/* ---- reading ---- */

static bool check_header(Reader *in, u32 *format, u32 *crc, GError **err)
{
    const u8 *start = reader_take(in, sizeof magic);
    u64 n;

    *format = reader_get(in, 4);

    *crc = reader_get(in, 4);
    n = reader_get(in, 8);
    if (!start || memcmp(start, magic, sizeof magic) != 0) {
        return snapshot_refuse(err, "state: this is no snapshot of Mayfly");
    }
    if (*format == 0 || *format > SNAPSHOT_FORMAT) {
        return snapshot_refuse(err, "state: format %u; this version of Mayfly knows up "
                               "to %d", *format, SNAPSHOT_FORMAT);
    }
    if (in->failed || n != in->left) {
        return snapshot_refuse(err, "state: %zu bytes follow the header, which says "
                               "%" PRIu64, in->left, n);
    }
    if (crc32_z(0, in->at, in->left) != *crc) {
        return snapshot_refuse(err, "state: the checksum is wrong: it is damaged");
    }
    return true;
}

static StateSection *find(const StateFile *file, const char *name)
{
    for (unsigned i = 0; i < file->sections->len; i++) {
        StateSection *section = &g_array_index(file->sections, StateSection, i);

        if (strcmp(section->name, name) == 0) {
            return section;
        }
    }
    return NULL;
}

static bool split(StateFile *file, Reader *in, GError **err)
{
    while (in->left) {
        StateSection section = { .used = false };
        bool named = reader_name(in, section.name);

        section.n = reader_get(in, 8);
        section.bytes = reader_take(in, section.n);
        if (!named || !section.bytes || find(file, section.name)) {
            return snapshot_refuse(err, "state: section %u is damaged",
                                   file->sections->len);
        }
        g_array_append_val(file->sections, section);
    }
    return true;
}

/* The frame in `in`; then `in` reads the sections, which are in *bytes. */
static bool unpack(Reader *in, u8 **bytes, GError **err)
{
    unsigned long long n = ZSTD_getFrameContentSize(in->at, in->left);
    u8 *room;

    if (n > STATE_MAX) {                    /* errors are */
        return snapshot_refuse(err, "state: what is packed in it is no zstd frame of "
                               "at most 1 GiB");
    }
    room = g_try_malloc(MAX(n, 1));
    if (!room || ZSTD_decompress(room, n, in->at, in->left) != n) {
        g_free(room);
        return snapshot_refuse(err, "state: what is packed in it can't be unpacked");
    }
    g_free(*bytes);
    *bytes = room;
    *in = (Reader){ room, n, false };
    return true;
}

/* Takes over `bytes`. */
static StateFile *parse(u8 *bytes, size_t n, GError **err)
{
    g_autoptr(StateFile) file = g_new0(StateFile, 1);
    Reader in = { bytes, n, false };
    u32 format;

    file->bytes = bytes;
    file->sections = g_array_new(FALSE, FALSE, sizeof(StateSection));
    if (!check_header(&in, &format, &file->crc, err) ||
        (format == SNAPSHOT_PACKED && !unpack(&in, &file->bytes, err)) ||
        !split(file, &in, err)) {
        return NULL;
    }
    return g_steal_pointer(&file);
}

StateFile *state_file_parse(const u8 *bytes, size_t n, GError **err)
{
    return parse(g_memdup2(bytes, n), n, err);
}

StateFile *state_file_read(int fd, GError **err)
{
    struct stat file;
    u8 *bytes;

    if (fstat(fd, &file) || !S_ISREG(file.st_mode) || file.st_size < HEADER_BYTES ||
        (u64)file.st_size > STATE_MAX) {
        snapshot_refuse(err, "state: not a file of %d bytes to 1 GiB", HEADER_BYTES);
        return NULL;
    }
    bytes = g_try_malloc(file.st_size);
    if (!bytes || pread(fd, bytes, file.st_size, 0) != file.st_size) {
        snapshot_refuse(err, "state: cannot be read: %s", g_strerror(errno));
        g_free(bytes);
        return NULL;
    }
    return parse(bytes, file.st_size, err);
}

void state_file_free(StateFile *file)
{
    if (file) {
        g_free(file->bytes);
        g_array_unref(file->sections);
        g_free(file);
    }
}

bool state_file_section(StateFile *file, const char *name, Reader *in, GError **err)
{
    StateSection *section = find(file, name);

    if (!section) {
        return snapshot_refuse(err, "state: there is no '%s' in it", name);
    }
    section->used = true;
    *in = (Reader){ section->bytes, section->n, false };
    return true;
}

const StateSection *state_file_left(const StateFile *file, const char *prefix)
{
    for (unsigned i = 0; i < file->sections->len; i++) {
        const StateSection *section = &g_array_index(file->sections, StateSection, i);

        if (!section->used && g_str_has_prefix(section->name, prefix)) {
            return section;
        }
    }
    return NULL;
}
