/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots as text: see snapshot_text.h. */

#include "tests/lib/snapshot_text.h"

#include "vm/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 24, FORMAT_AT = 8, LINE = 32 };

/* ---- to bytes ---- */

typedef struct {
    const char *dir;
    int fd;                     /* of the file that is being made */
    u32 format;
    GByteArray *state;
    size_t section;             /* 0: none is begun */
    /* The record that is begun: */
    char *record;
    u32 hash;
    unsigned n_rows;
    GByteArray *rows, *values;
} Maker;

static u64 number(const char *text, unsigned base)
{
    char *end;
    u64 value = g_ascii_strtoull(text, &end, base);

    if (!*text || *end) {
        g_error("'%s' is no number", text);
    }
    return value;
}

static void put_hex(GByteArray *out, const char *hex)
{
    for (; g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1]); hex += 2) {
        int high = g_ascii_xdigit_value(hex[0]), low = g_ascii_xdigit_value(hex[1]);

        put_number(out, high * 16 + low, 1);
    }
    g_assert_cmpstr(hex, ==, "");
}

static void end_record(Maker *m)
{
    if (m->record) {
        put_name(m->state, m->record);
        put_number(m->state, m->hash, 4);
        put_number(m->state, m->n_rows, 2);
        g_byte_array_append(m->state, m->rows->data, m->rows->len);
        put_number(m->state, m->values->len, 4);
        g_byte_array_append(m->state, m->values->data, m->values->len);
        g_clear_pointer(&m->record, g_free);
    }
}

static void end_section(Maker *m)
{
    end_record(m);
    if (m->section) {
        state_section_end(m->state, m->section);
    }
    m->section = 0;
}

static void begin_record(Maker *m, char **words)
{
    end_record(m);
    m->record = g_strdup(words[1]);
    m->hash = number(words[2], 16);
    m->n_rows = 0;
    g_byte_array_set_size(m->rows, 0);
    g_byte_array_set_size(m->values, 0);
}

static void add_row(Maker *m, char **words)
{
    unsigned size = number(words[2], 10), count = 0;

    for (char **word = words + 3; *word; word++) {
        const char *star = strchr(*word, '*');
        u64 times = star ? strtoull(*word, NULL, 10) : 1;
        u64 value = number(star ? star + 1 : *word, 16);

        for (; times; times--, count++) {
            put_number(m->values, value, size);
        }
    }
    put_name(m->rows, words[1]);
    put_number(m->rows, size, 1);
    put_number(m->rows, count, 4);
    m->n_rows++;
}

static void begin_file(Maker *m, char **words)
{
    g_autofree char *path = g_build_filename(m->dir, words[1], NULL);

    if (m->fd >= 0) {
        close(m->fd);
    }
    m->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    g_assert_cmpint(ftruncate(m->fd, number(words[2], 10)), ==, 0);
}

static void fill_file(Maker *m, char **words)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    put_hex(bytes, words[2]);
    g_assert_cmpint(pwrite(m->fd, bytes->data, bytes->len, number(words[1], 10)), ==,
                    bytes->len);
}

static void set_format(Maker *m, char **words)
{
    m->format = number(words[1], 10);
}

static void begin_section(Maker *m, char **words)
{
    end_section(m);
    m->section = state_section_begin(m->state, words[1]);
}

static void add_bytes(Maker *m, char **words)
{
    end_record(m);
    put_hex(m->state, words[1]);
}

static const struct {
    const char *word;
    unsigned words;             /* at least */
    void (*take)(Maker *m, char **words);
} lines[] = {
    { "file", 3, begin_file },
    { "at", 3, fill_file },
    { "format", 2, set_format },
    { "section", 2, begin_section },
    { "bytes", 2, add_bytes },
    { "record", 3, begin_record },
    { "row", 4, add_row },
};

static void take_line(Maker *m, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    unsigned i = 0;

    while (i < G_N_ELEMENTS(lines) && g_strcmp0(lines[i].word, words[0]) != 0) {
        i++;
    }
    if (i == G_N_ELEMENTS(lines) || g_strv_length(words) < lines[i].words) {
        g_error("'%s': not known", line);
    }
    lines[i].take(m, words);
}

static void write_state(const Maker *m)
{
    g_autofree char *path = g_build_filename(m->dir, "state", NULL);
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    g_assert_true(state_file_make(m->state, MIN(m->format, SNAPSHOT_FORMAT), file,
                                  NULL));
    memcpy(file->data + FORMAT_AT, &m->format, sizeof m->format);
    g_file_set_contents(path, (char *)file->data, file->len, &err);
    g_assert_no_error(err);
}

void snapshot_from_text(const char *text, const char *dir)
{
    Maker m = { .dir = dir, .fd = -1, .state = g_byte_array_new(),
                .rows = g_byte_array_new(), .values = g_byte_array_new() };
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);

    g_assert_true(mkdir(dir, 0700) == 0 || errno == EEXIST);
    for (char **line = all; *line; line++) {
        if (**line && **line != '#') {
            take_line(&m, *line);
        }
    }
    end_section(&m);
    write_state(&m);
    if (m.fd >= 0) {
        close(m.fd);
    }
    g_byte_array_unref(m.state);
    g_byte_array_unref(m.rows);
    g_byte_array_unref(m.values);
}

/* ---- to text ---- */

static void say_hex(GString *out, const u8 *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out, "%02x", bytes[i]);
    }
    g_string_append_c(out, '\n');
}

static void say_bytes(GString *out, const u8 *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += LINE) {
        g_string_append(out, "bytes ");
        say_hex(out, bytes + i, MIN(LINE, n - i));
    }
}

static u64 value_at(const u8 *bytes, unsigned size, u32 i)
{
    u64 value = 0;

    memcpy(&value, bytes + (size_t)i * size, size);
    return value;
}

static void say_values(GString *out, const u8 *bytes, unsigned size, u32 count)
{
    for (u32 i = 0, same; i < count; i += same) {
        u64 value = value_at(bytes, size, i);

        same = 1;
        while (i + same < count && value_at(bytes, size, i + same) == value) {
            same++;
        }
        g_string_append_c(out, ' ');
        if (same > 1) {
            g_string_append_printf(out, "%u*", same);
        }
        g_string_append_printf(out, "%" PRIx64, value);
    }
    g_string_append_c(out, '\n');
}

static bool say_record(GString *out, Reader *in)
{
    g_autofree Record *record = g_new0(Record, 1);
    Reader before = *in, values;
    char name[UINT8_MAX + 1];

    if (!record_get(in, record)) {
        *in = before;
        return false;
    }
    g_string_append_printf(out, "record %s %x\n", record->name, record->hash);
    values = (Reader){ record->bytes, record->n, false };
    for (unsigned i = 0; i < record->n_rows; i++) {
        unsigned size;
        u32 count;

        g_assert_true(reader_name(&record->rows, name));
        size = reader_get(&record->rows, 1);
        count = reader_get(&record->rows, 4);
        g_string_append_printf(out, "row %s %u", name, size);
        say_values(out, reader_take(&values, (size_t)size * count), size, count);
    }
    return true;
}

static void say_section(GString *out, const StateSection *section)
{
    Reader in = { section->bytes, section->n, false };
    bool is_device = g_str_has_prefix(section->name, "device/");

    g_string_append_printf(out, "section %s\n", section->name);
    if (is_device) {            /* their number is before the records */
        say_bytes(out, reader_take(&in, 1), 1);
    }
    if (is_device || g_str_has_prefix(section->name, "cpu0") ||
        strcmp(section->name, "clock") == 0) {
        while (in.left && say_record(out, &in)) {
        }
    }
    say_bytes(out, in.at, in.left);
}

static void say_file(GString *out, const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL), *bytes = NULL;
    static const u8 none[LINE];
    gsize n;

    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    g_string_append_printf(out, "file %s %zu\n", name, n);
    for (gsize i = 0; i < n; i += LINE) {
        if (memcmp(bytes + i, none, MIN(LINE, n - i)) != 0) {
            g_string_append_printf(out, "at %zu ", i);
            say_hex(out, (u8 *)bytes + i, MIN(LINE, n - i));
        }
    }
}

static void say_state(GString *out, const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "state", NULL), *bytes = NULL;
    g_autoptr(StateFile) file = NULL;
    g_autoptr(GError) err = NULL;
    gsize n;

    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    file = state_file_parse((u8 *)bytes, n, &err);
    g_assert_no_error(err);
    g_string_append_printf(out, "format %u\n", (unsigned)value_at((u8 *)bytes, 4, 2));
    for (unsigned i = 0; i < file->sections->len; i++) {
        say_section(out, &g_array_index(file->sections, StateSection, i));
    }
}

char *snapshot_to_text(const char *dir)
{
    static const char *const others[] = { "state", "snapshot.json", NULL };
    GString *out = g_string_new(NULL);
    g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(folder))) {
        if (!g_strv_contains(others, name)) {
            say_file(out, dir, name);
        }
    }
    say_state(out, dir);
    return g_string_free(out, FALSE);
}
