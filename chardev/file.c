/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file: the output goes to a file, a device node or a FIFO; there is no input.
 *
 * /proc/self/fd/N and /dev/fd/N work for whatever the descriptor is, also a socket,
 * which cannot be opened by that name.
 */

#include "chardev/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

PROPS(FileConfig, CHARDEV_ROWS,
    (str,  path,   "file to write", .required = true),
    (bool, append, "keep what the file holds already"));

typedef struct {
    Chardev chr;
    FileConfig config;
    int fd;                     /* 0 or -1: not open */
} File;

static int open_path(const FileConfig *config)
{
    int how = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = open(config->path, how | (config->append ? O_APPEND : O_TRUNC), 0666);
    int given;

    if (fd < 0 && errno == ENXIO &&
        (sscanf(config->path, "/proc/self/fd/%d", &given) == 1 ||
         sscanf(config->path, "/dev/fd/%d", &given) == 1)) {
        fd = fcntl(given, F_DUPFD_CLOEXEC, 3);
    }
    return fd;
}

static bool file_open(Chardev *chr, GError **err)
{
    File *file = container_of(chr, File, chr);
    struct stat st;

    file->fd = open_path(&file->config);
    if (file->fd < 0 || fstat(file->fd, &st) < 0) {
        return fail_errno(err, "cannot write file '%s'", file->config.path);
    }
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        fcntl(file->fd, F_SETFL, fcntl(file->fd, F_GETFL) | O_NONBLOCK);
    }
    backend_connect(chr, -1, file->fd, false);
    return true;
}

static void file_close(Chardev *chr)
{
    File *file = container_of(chr, File, chr);

    if (file->fd > 0) {
        close(file->fd);
    }
}

const ChardevKind chardev_file = {
    .name = "file",
    .help = "a file",
    .open = file_open,
    .close = file_close,
    CHARDEV_CONFIG(File, FileConfig),
};
