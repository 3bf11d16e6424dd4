/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of random bytes: see rng.h.  A source is a file descriptor or, without one,
 * getrandom(2).
 */

#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct Rng {
    char *id;
    int fd;             /* -1: getrandom */
};

static GPtrArray *sources;

static Rng *add_source(const char *id, int fd)
{
    Rng *rng = g_new(Rng, 1);

    *rng = (Rng){ g_strdup(id), fd };
    if (!sources) {
        sources = g_ptr_array_new();
    }
    g_ptr_array_add(sources, rng);
    return rng;
}

Rng *rng_open_file(const char *id, const char *path, GError **err)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        fd = -1;
        errno = EISDIR;
    }
    if (fd < 0) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot open '%s': %s", path, g_strerror(errno));
        return NULL;
    }
    return add_source(id, fd);
}

Rng *rng_open_builtin(const char *id)
{
    return add_source(id, -1);
}

void rng_close(Rng *rng)
{
    if (!rng) {
        return;
    }
    g_ptr_array_remove(sources, rng);
    if (sources->len == 0) {
        g_clear_pointer(&sources, g_ptr_array_unref);
    }
    if (rng->fd >= 0) {
        close(rng->fd);
    }
    g_free(rng->id);
    g_free(rng);
}

Rng *rng_find(const char *id)
{
    for (unsigned i = 0; sources && i < sources->len; i++) {
        Rng *rng = sources->pdata[i];

        if (strcmp(rng->id, id) == 0) {
            return rng;
        }
    }
    return NULL;
}

bool rng_read(Rng *rng, void *to, size_t n)
{
    u8 *at = to;

    while (n) {
        ssize_t got = rng && rng->fd >= 0 ? read(rng->fd, at, n) : getrandom(at, n, 0);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        n -= got;
    }
    return true;
}
