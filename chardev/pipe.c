/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pipe: a pair of FIFOs made by the user, PATH.in (read by us) and PATH.out (written by
 * us), or one FIFO or device PATH for both ways.
 *
 * They are opened for reading and writing, so that opening does not wait for the other
 * side and its going is not an end.
 */

#include "chardev/kinds.h"

#include <fcntl.h>
#include <unistd.h>

PROPS(PipeConfig, CHARDEV_ROWS,
    (str, path, "FIFOs are PATH.in and PATH.out, or PATH", .required = true));

typedef struct {
    Chardev chr;
    PipeConfig config;
    int in, out;                /* 0: not open */
} Pipe;

static int open_one(const char *path, const char *suffix)
{
    g_autofree char *name = g_strconcat(path, suffix, NULL);
    int fd = open(name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? 0 : fd;
}

static bool pipe_open(Chardev *chr, GError **err)
{
    Pipe *p = container_of(chr, Pipe, chr);
    const char *path = p->config.path;

    p->in = open_one(path, ".in");
    p->out = open_one(path, ".out");
    if (!p->in && !p->out) {
        p->in = open_one(path, "");
        p->out = p->in;
    }
    if (!p->in || !p->out) {
        return fail_errno(err, "cannot open pipe '%s%s'", path,
                          p->in ? ".out" : p->out ? ".in" : "");
    }
    backend_set_where(chr, "pipe:%s", path);
    backend_connect(chr, p->in, p->out, false);
    return true;
}

static void pipe_close(Chardev *chr)
{
    Pipe *p = container_of(chr, Pipe, chr);

    if (p->out && p->out != p->in) {
        close(p->out);
    }
    if (p->in) {
        close(p->in);
    }
}

const ChardevKind chardev_pipe = {
    .name = "pipe",
    .help = "a pair of FIFOs",
    .open = pipe_open,
    .close = pipe_close,
    CHARDEV_CONFIG(Pipe, PipeConfig),
};
