/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checksums of a snapshot's files: see snapshot_sums.h. */

#include "vm/snapshot_sums.h"

#include "vm/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE     (256 * KiB)
#define SUMS_MAX  (1 * MiB)         /* of the file */
enum { HEX = 64 };                  /* digits of a SHA-256 */

/* The file's SHA-256 as text; NULL: it can't be read. */
static char *sum_of(const char *path, GError **err)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree u8 *bytes = g_malloc(PIECE);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    ssize_t n = -1;

    if (fd >= 0 && fstat(fd, &info) == 0 && !S_ISREG(info.st_mode)) {
        errno = EINVAL;
    } else if (fd >= 0) {
        while ((n = read(fd, bytes, PIECE)) > 0) {
            g_checksum_update(sum, bytes, n);
        }
    }
    if (n < 0) {
        snapshot_refuse(err, "%s: %s", path, g_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return n < 0 ? NULL : g_strdup(g_checksum_get_string(sum));
}

static bool add_sum(GString *text, const char *name, const char *path, GError **err)
{
    g_autofree char *sum = NULL;

    if (strpbrk(name, "\n\\")) {
        return snapshot_refuse(err, "%s: such a name has no place in a line", path);
    }
    sum = sum_of(path, err);
    if (!sum) {
        return false;
    }
    g_string_append_printf(text, "%s  %s\n", sum, name);
    return true;
}

bool sums_write(const char *dir, const GPtrArray *images, GError **err)
{
    g_autofree char *path = g_build_filename(dir, SNAPSHOT_SUMS, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GDir) folder = g_dir_open(dir, 0, err);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *file = g_build_filename(dir, name, NULL);

        if (strcmp(name, SNAPSHOT_SUMS) != 0 && !add_sum(text, name, file, err)) {
            return false;
        }
    }
    for (unsigned i = 0; folder && i < images->len; i++) {
        if (!add_sum(text, images->pdata[i], images->pdata[i], err)) {
            return false;
        }
    }
    return folder && g_file_set_contents(path, text->str, text->len, err);
}

static bool check_line(const char *dir, const char *line, GError **err)
{
    const char *name = line + HEX + 2;
    g_autofree char *path = NULL, *sum = NULL;

    if (strspn(line, "0123456789abcdef") != HEX || memcmp(line + HEX, "  ", 2) != 0 ||
        !*name || (*name != '/' && strchr(name, '/'))) {
        return snapshot_refuse(err, "%s/" SNAPSHOT_SUMS ": damaged", dir);
    }
    path = *name == '/' ? g_strdup(name) : g_build_filename(dir, name, NULL);
    sum = sum_of(path, err);
    return sum && (memcmp(sum, line, HEX) == 0 ||
                   snapshot_refuse(err, "%s is not what was sealed: its checksum is "
                                   "another", path));
}

bool sums_check(const char *dir, GError **err)
{
    g_autofree char *path = g_build_filename(dir, SNAPSHOT_SUMS, NULL), *text = NULL;
    g_auto(GStrv) lines = NULL;
    struct stat info;

    if (stat(path, &info)) {
        return snapshot_refuse(err, "%s: %s; 'mayfly-img snapshot-seal' makes it", path,
                               g_strerror(errno));
    }
    if ((u64)info.st_size > SUMS_MAX || !S_ISREG(info.st_mode)) {
        return snapshot_refuse(err, "%s: damaged", path);
    }
    if (!g_file_get_contents(path, &text, NULL, err)) {
        return false;
    }
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i] && (*lines[i] || lines[i + 1]); i++) {
        if (!check_line(dir, lines[i], err)) {
            return false;
        }
    }
    return true;
}
