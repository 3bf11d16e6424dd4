/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed snapshots from somebody else: whatever is in them, nothing lies elsewhere. */

#include "img/img.h"
#include "img/pack_stream.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *dir, *file, *target;
} Bed;

static void bed_open(Bed *bed, const void *unused)
{
    (void)unused;
    bed->dir = g_dir_make_tmp("mayfly-pack-XXXXXX", NULL);
    bed->file = g_build_filename(bed->dir, "file", NULL);
    bed->target = g_build_filename(bed->dir, "target", NULL);
    g_assert_nonnull(bed->dir);
}

static void bed_close(Bed *bed, const void *unused)
{
    (void)unused;
    g_unlink(bed->file);
    g_assert_cmpint(g_rmdir(bed->dir), ==, 0);      /* nothing else was left there */
    g_free(bed->dir);
    g_free(bed->file);
    g_free(bed->target);
}

static void put_u64(GByteArray *to, u64 value)
{
    g_byte_array_append(to, (const u8 *)&value, sizeof value);
}

static void put_name(GByteArray *to, const char *name, u8 n)
{
    g_byte_array_append(to, &n, 1);
    g_byte_array_append(to, (const u8 *)name, n);
}

static void put_file(GByteArray *to, const char *name, const char *text)
{
    put_name(to, name, strlen(name));
    put_u64(to, strlen(text));
    put_u64(to, 0);
    put_u64(to, strlen(text));
    g_byte_array_append(to, (const u8 *)text, strlen(text));
    put_u64(to, strlen(text));
    put_u64(to, 0);
}

static void pack_bytes(const Bed *bed, const GByteArray *bytes)
{
    int fd = open(bed->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    GError *err = NULL;
    PackStream *pack = pack_write_begin(fd, bed->file, &err);

    g_assert_no_error(err);
    g_assert_true(pack_write(pack, bytes->data, bytes->len, &err));
    g_assert_true(pack_write_end(pack, &err));
    pack_free(pack);
    close(fd);
}

/* Unpacks; what was said, which must be why it was refused. */
static void assert_refused(const Bed *bed, const char *why)
{
    char *words[] = { bed->file, bed->target, NULL };
    ImgArgs args = { .command = "snapshot-unpack", .word = words, .n = 2 };
    g_autofree char *path = g_build_filename(bed->dir, "said", NULL), *said = NULL;
    int old = dup(STDERR_FILENO);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int status;

    dup2(fd, STDERR_FILENO);
    status = img_snapshot_unpack.run(&args);
    dup2(old, STDERR_FILENO);
    close(old);
    close(fd);
    g_assert_true(g_file_get_contents(path, &said, NULL, NULL));
    g_unlink(path);
    g_assert_cmpint(status, ==, 1);
    if (!strstr(said, why)) {
        g_test_message("'%s' is not in: %s", why, said);
        g_test_fail();
    }
    g_assert_false(g_file_test(bed->target, G_FILE_TEST_EXISTS));
}

static void refuse(const Bed *bed, GByteArray *bytes, const char *why)
{
    pack_bytes(bed, bytes);
    assert_refused(bed, why);
    g_byte_array_set_size(bytes, 0);
}

static void names_lead_nowhere(Bed *bed, const void *unused)
{
    static const char *const names[] = {
        "../x", "..", ".", ".x", "/x", "a/b", "a\\b", "-x", "a b", "a\nb", "\xff",
    };
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    (void)unused;
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        put_file(bytes, names[i], "x");
        refuse(bed, bytes, "is no name of a snapshot's file");
    }
    put_name(bytes, "ram\0/../x", 9);
    refuse(bed, bytes, "is no name of a snapshot's file");
    put_file(bytes, "ram", "x");
    put_file(bytes, "ram", "y");
    refuse(bed, bytes, "file 'ram' in it: cannot be made: File exists");
}

static void sizes_are_judged(Bed *bed, const void *unused)
{
    static const struct {
        u64 size, at, n;
        const char *why;
    } rows[] = {
        { (1ull << 44) + 1, 0, 0, "16 TiB are possible" },
        { UINT64_MAX, 0, 0, "16 TiB are possible" },
        { 10, 0, 11, "is not in a file" },
        { 10, 11, 1, "is not in a file" },
        { 10, UINT64_MAX, 1, "is not in a file" },
        { 10, 1, UINT64_MAX, "is not in a file" },
        { 10, 5, 0, "is not in a file" },           /* the last one lies at the end */
        { 10, 0, 10, "there is no more" },
    };
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    (void)unused;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        put_name(bytes, "ram", 3);
        put_u64(bytes, rows[i].size);
        put_u64(bytes, rows[i].at);
        put_u64(bytes, rows[i].n);
        refuse(bed, bytes, rows[i].why);
    }
}

static void more_files_than_any(Bed *bed, const void *unused)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    (void)unused;
    for (unsigned i = 0; i <= 1024; i++) {
        g_autofree char *name = g_strdup_printf("f%u", i);

        put_file(bytes, name, "x");
    }
    refuse(bed, bytes, "more than 1024 files");
}

static void must_be_a_snapshot(Bed *bed, const void *unused)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    u8 end = 0;

    (void)unused;
    g_byte_array_append(bytes, &end, 1);
    refuse(bed, bytes, "state: No such file");
    put_file(bytes, "state", "this is no state but some text");
    g_byte_array_append(bytes, &end, 1);
    refuse(bed, bytes, "state: this is no snapshot");
    g_byte_array_append(bytes, &end, 1);
    g_byte_array_append(bytes, &end, 1);
    refuse(bed, bytes, "something follows");
}

/* Every byte counts: changed, or cut off before it, the file is refused. */
static void damage_is_found(Bed *bed, const void *unused)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree char *good = NULL;
    size_t n;

    (void)unused;
    put_file(bytes, "state", "some text");
    pack_bytes(bed, bytes);
    g_assert_true(g_file_get_contents(bed->file, &good, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        g_autofree char *bad = g_memdup2(good, n);

        g_assert_true(g_file_set_contents(bed->file, bad, i, NULL));
        assert_refused(bed, "it ends at byte ");
        for (unsigned bit = 0; bit < 8; bit++) {
            bad[i] = good[i] ^ (1 << bit);
            g_assert_true(g_file_set_contents(bed->file, bad, n, NULL));
            assert_refused(bed, i < 8 ? "no packed snapshot"
                                : i < 12 ? "; this version of Mayfly knows"
                                : bed->file);
        }
    }
}

static void bytes_come_back(Bed *bed, const void *unused)
{
    size_t n = 3 * PACK_CHUNK + 17;
    g_autofree u8 *bytes = g_malloc(n), *back = g_malloc0(n);
    g_autoptr(GByteArray) all = g_byte_array_new();
    GError *err = NULL;
    PackStream *pack;
    int fd;

    (void)unused;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = i < PACK_CHUNK ? 0 : (u32)i * 2654435761u >> 24;
    }
    g_byte_array_append(all, bytes, n);
    pack_bytes(bed, all);
    fd = open(bed->file, O_RDONLY | O_CLOEXEC);
    pack = pack_read_begin(fd, bed->file, &err);
    g_assert_no_error(err);
    g_assert_true(pack_read(pack, back, 5, &err));
    g_assert_true(pack_read(pack, back + 5, n - 5, &err));
    g_assert_true(pack_read_end(pack, &err));
    g_assert_true(memcmp(bytes, back, n) == 0);
    pack_free(pack);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_set_prgname("mayfly-img");
#define ADD(name, f) g_test_add("/img/pack/" name, Bed, NULL, bed_open, f, bed_close)
    ADD("bytes come back", bytes_come_back);
    ADD("names lead nowhere", names_lead_nowhere);
    ADD("sizes are judged", sizes_are_judged);
    ADD("number of files", more_files_than_any);
    ADD("must be a snapshot", must_be_a_snapshot);
    ADD("damage is found", damage_is_found);
    return g_test_run();
}
