/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pty: a pseudo-terminal, for whoever opens it.
 *
 * While nobody has the other side open, the master reports a hang-up and output is
 * dropped. Nothing in poll says that it was opened again; inotify on its node does.
 */

#include "chardev/kinds.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

PROPS(PtyConfig, CHARDEV_ROWS);

typedef struct {
    Chardev chr;
    PtyConfig config;
    int master, inotify;        /* 0: not open */
    guint watch;
} Pty;

static bool is_open(const Pty *pty)
{
    struct pollfd p = { .fd = pty->master };

    return poll(&p, 1, 0) == 0 || !(p.revents & POLLHUP);
}

static void look(Pty *pty)
{
    if (!pty->chr.connected && is_open(pty)) {
        backend_connect(&pty->chr, pty->master, pty->master, false);
    }
}

static gboolean opened(gint fd, GIOCondition condition, gpointer opaque)
{
    char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    ssize_t ignored = read(fd, events, sizeof events);

    (void)ignored, (void)condition;
    look(opaque);
    return G_SOURCE_CONTINUE;
}

static void pty_hung_up(Chardev *chr)
{
    backend_disconnect(chr);
    look(container_of(chr, Pty, chr));      /* closed and opened again */
}

/* Makes the pair; the slave is closed again and watched by name. */
static bool make_pair(Pty *pty, char *name, size_t size, GError **err)
{
    struct termios raw;
    int slave, error, fd;

    if (openpty(&pty->master, &slave, NULL, NULL, NULL) < 0) {
        pty->master = 0;
        return fail_errno(err, "cannot make a pty");
    }
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    fcntl(pty->master, F_SETFL, O_NONBLOCK);
    fcntl(pty->master, F_SETFD, FD_CLOEXEC);
    error = ttyname_r(slave, name, size);
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    close(slave);
    pty->inotify = fd < 0 ? 0 : fd;
    if (error || fd < 0 || inotify_add_watch(fd, name, IN_OPEN) < 0) {
        return fail_errno(err, "cannot watch a pty");
    }
    return true;
}

static bool pty_open(Chardev *chr, GError **err)
{
    Pty *pty = container_of(chr, Pty, chr);
    char name[64];

    if (!make_pair(pty, name, sizeof name, err)) {
        return false;
    }
    pty->watch = g_unix_fd_add(pty->inotify, G_IO_IN, opened, pty);
    backend_set_where(chr, "pty:%s", name);
    printf("char device redirected to %s (label %s)\n", name, chardev_id(chr));
    fflush(stdout);
    look(pty);
    return true;
}

static void pty_close(Chardev *chr)
{
    Pty *pty = container_of(chr, Pty, chr);

    if (pty->watch) {
        g_source_remove(pty->watch);
    }
    if (pty->inotify) {
        close(pty->inotify);
    }
    if (pty->master) {
        close(pty->master);
    }
}

const ChardevKind chardev_pty = {
    .name = "pty",
    .help = "a new pseudo-terminal; its name is printed",
    .open = pty_open,
    .close = pty_close,
    .hung_up = pty_hung_up,
    .peer = true,
    CHARDEV_CONFIG(Pty, PtyConfig),
};
