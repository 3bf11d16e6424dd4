/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of every format that there has been go on: tests/vm/formats/N.txt is one
 * that a Mayfly of format N saved (rom.S there says what its guest does, and how it is
 * made); format 2 is format 1, packed.  A row that was added since is missing in them;
 * one that only a newer Mayfly knows, a newer format and a foreign file are refused
 * with the reason.
 */

#include "tests/lib/snapshot_text.h"
#include "vm/snapshot_file.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <zlib.h>

enum { RIGHT = 67, LINES_MIN = 100 };

static char *place;             /* where the folders are made */

static void set_format(char *text, unsigned format)
{
    strstr(text, "\nformat ")[strlen("\nformat ")] = '0' + format;
}

static char *text_of(unsigned format)
{
    g_autofree char *path = g_strdup_printf("tests/vm/formats/%u.txt",
                                            format == SNAPSHOT_PACKED ? SNAPSHOT_PLAIN
                                                                      : format);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        g_error("%s: there is none; tests/vm/formats/rom.S says how it is made", path);
    }
    set_format(text, format);
    return text;
}

/* ---- Mayfly itself ---- */

static void remove_folder(const char *dir)
{
    g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        g_unlink(path);
    }
    g_rmdir(dir);
}

/* Its exit status, and what it printed. */
static int go_on(const char *text, char **said, char **errors)
{
    const char *program = g_getenv("MAYFLY");
    g_autofree char *dir = g_build_filename(place, "one", NULL);
    char *argv[] = { (char *)(program ? program : "build/mayfly"), "-loadvm", dir,
                     "-accel", "soft", "-serial", "stdio", NULL };
    g_autoptr(GError) err = NULL;
    int status;

    snapshot_from_text(text, dir);
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, NULL, NULL, said,
                 errors, &status, &err);
    g_assert_no_error(err);
    remove_folder(dir);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void goes_on(const char *text)
{
    g_autofree char *said = NULL, *errors = NULL;
    int status = go_on(text, &said, &errors);

    if (status != RIGHT) {
        g_test_message("status %d: %s%s", status, said, errors);
    }
    g_assert_cmpint(status, ==, RIGHT);
    g_assert_cmpstr(said, ==, "counted on\n");
}

static void refused(const char *text, const char *why)
{
    g_autofree char *said = NULL, *errors = NULL;

    g_assert_cmpint(go_on(text, &said, &errors), ==, 1);
    if (!strstr(errors, why)) {
        g_error("'%s' is not in: %s", why, errors);
    }
    g_assert_cmpstr(said, ==, "");
}

/* ---- changes of the text ---- */

/* With one more row, the first of this record. */
static char *with(const char *text, const char *record, const char *row)
{
    const char *at = strstr(text, record), *rows = at ? strchr(at + 1, '\n') + 1 : NULL;

    if (!rows) {
        g_error("'%s' is not in it", record);
    }
    return g_strdup_printf("%.*s%s%s", (int)(rows - text), text, row, rows);
}

/* Without the row that begins so, in this record. */
static char *without(const char *text, const char *record, const char *row)
{
    const char *at = strstr(text, record);
    const char *line = at ? strstr(at, row) : NULL;

    if (!line || strstr(at + 1, "\nrecord") < line) {
        g_error("'%s' has no '%s'", record, row);
    }
    return g_strdup_printf("%.*s%s", (int)(line - text), text, strchr(line, '\n') + 1);
}

/* ---- tests ---- */

static void test_all(void)
{
    for (unsigned i = 1; i <= SNAPSHOT_FORMAT; i++) {
        g_autofree char *text = text_of(i);

        g_test_message("format %u", i);
        goes_on(text);
    }
}

/* To text and back it is the same, byte for byte. */
static void test_text(void)
{
    g_autofree char *text = text_of(SNAPSHOT_FORMAT), *again = NULL;
    g_autofree char *dir = g_build_filename(place, "same", NULL);
    g_auto(GStrv) before = NULL, after = NULL;

    snapshot_from_text(text, dir);
    again = snapshot_to_text(dir);
    remove_folder(dir);
    before = g_strsplit(strstr(text, "\nformat "), "\n", -1);
    after = g_strsplit(strstr(again, "\nformat "), "\n", -1);
    g_assert_cmpuint(g_strv_length(before), >, LINES_MIN);
    for (unsigned i = 0; before[i] || after[i]; i++) {
        g_assert_cmpstr(before[i], ==, after[i]);
    }
}

/* As if it had been added after the snapshot was made: the value at reset. */
static void test_older(void)
{
    static const struct { const char *record, *row; } missing[] = {
        { "\nrecord lapic ", "row tsc_deadline " },
        { "\nrecord uart ", "row scr " },
        { "\nrecord virtio-net ", "row announce " },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(missing); i++) {
        g_autofree char *text = text_of(SNAPSHOT_FORMAT);
        g_autofree char *older = without(text, missing[i].record, missing[i].row);

        goes_on(older);
    }
}

static void test_newer(void)
{
    g_autofree char *text = text_of(SNAPSHOT_FORMAT), *newer = g_strdup(text);
    g_autofree char *row = with(text, "\nrecord uart ", "row shiny 4 7\n");
    g_autofree char *device = g_strconcat(text, "section device/shiny0\nbytes 00\n",
                                          NULL);
    g_autofree char *why = g_strdup_printf(
        "format %u; this version of Mayfly knows up to", SNAPSHOT_FORMAT + 1);

    refused(row, "uart: there is no 'shiny' here");
    refused(device, "it has 'device/shiny0', which this machine has not");
    set_format(newer, SNAPSHOT_FORMAT + 1);
    refused(newer, why);
}

/* What is packed lies: each time with the right checksum. */
static void test_packed(void)
{
    enum { CRC_AT = 12, LENGTH_AT = 16, BODY_AT = 24, FRAME_SIZE_AT = BODY_AT + 5 };
    static const char why[] = "state: what is packed in it";
    g_autoptr(GByteArray) sections = g_byte_array_new(), good = g_byte_array_new();

    for (unsigned i = 0; i < 40; i++) {
        g_autofree char *name = g_strdup_printf("section%u", i);
        size_t begin = state_section_begin(sections, name);

        g_byte_array_set_size(sections, sections->len + 10000);
        memset(sections->data + begin, i, 10000);
        state_section_end(sections, begin);
    }
    g_assert_cmpuint(state_file_format(sections), ==, SNAPSHOT_PACKED);
    g_assert_true(state_file_make(sections, SNAPSHOT_PACKED, good, NULL));
    g_assert_cmpuint(good->len, <, sections->len / 10);
    for (unsigned bad = 0; bad < 6; bad++) {
        g_autoptr(GByteArray) file = g_byte_array_new();
        g_autoptr(StateFile) parsed = NULL;
        g_autoptr(GError) err = NULL;
        u64 n;

        g_byte_array_append(file, good->data, good->len);
        switch (bad) {
        case 1:                         /* cut off */
            g_byte_array_set_size(file, file->len - 9);
            break;
        case 2:                         /* something behind it */
            g_byte_array_append(file, (const u8 *)"more", 4);
            break;
        case 3:                         /* longer, and shorter, than it is */
            file->data[FRAME_SIZE_AT]++;
            break;
        case 4:
            file->data[FRAME_SIZE_AT]--;
            break;
        case 5:                         /* 2 GiB more */
            file->data[FRAME_SIZE_AT + 3] |= 0x80;
            break;
        }
        n = file->len - BODY_AT;
        memcpy(file->data + LENGTH_AT, &n, sizeof n);
        *(u32 *)(file->data + CRC_AT) = crc32_z(0, file->data + BODY_AT, n);
        parsed = state_file_parse(file->data, file->len, &err);
        g_test_message("%u: %s", bad, err ? err->message : "taken");
        g_assert_true(bad ? err && g_str_has_prefix(err->message, why)
                          : parsed && parsed->sections->len == 40);
    }
}

static void test_foreign(void)
{
    g_autofree char *dir = g_build_filename(place, "foreign", NULL);
    g_autofree char *state = g_build_filename(dir, "state", NULL), *errors = NULL;
    const char *program = g_getenv("MAYFLY");
    char *argv[] = { (char *)(program ? program : "build/mayfly"), "-loadvm", dir,
                     NULL };
    int status;

    g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
    g_assert_true(g_file_set_contents(state, "QEVM\0\0\0\3 and what follows there", 30,
                                      NULL));
    g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDIN_FROM_DEV_NULL, NULL,
                               NULL, NULL, &errors, &status, NULL));
    g_assert_cmpint(WEXITSTATUS(status), ==, 1);
    g_assert_nonnull(strstr(errors, "this is no snapshot of Mayfly"));
    remove_folder(dir);
}

int main(int argc, char **argv)
{
    const char *from = g_getenv("MAYFLY_FORMAT");
    int status;

    if (from) {
        g_autofree char *text = snapshot_to_text(from);

        fputs(text, stdout);
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    place = g_dir_make_tmp("mayfly-XXXXXX", NULL);
    g_test_add_func("/format/text", test_text);
    g_test_add_func("/format/all", test_all);
    g_test_add_func("/format/older", test_older);
    g_test_add_func("/format/newer", test_newer);
    g_test_add_func("/format/packed", test_packed);
    g_test_add_func("/format/foreign", test_foreign);
    status = g_test_run();
    g_rmdir(place);
    g_free(place);
    return status;
}
