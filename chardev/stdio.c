/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stdio: standard input and output.
 *
 * Both may be shared with other programs (the shell that started us), so their flags
 * stay as they are.  To write without blocking all the same, a terminal or pipe is
 * opened a second time, through /proc; where that is refused, poll is asked before
 * every write.  The end of the input does not end anything.
 */

#include "chardev/kinds.h"
#include "chardev/terminal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

PROPS(StdioConfig, CHARDEV_ROWS,
    (bool, signal, "C-c, C-z and C-\\ act on this program", .def = true));

typedef struct {
    Chardev chr;
    StdioConfig config;
    int out;                    /* 0: not open */
} Stdio;

static bool taken;

static int open_again(int fd, bool *ask)
{
    struct stat st;
    int again;

    *ask = false;
    if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        again = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (again >= 0) {
            return again;
        }
        *ask = true;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool stdio_open(Chardev *chr, GError **err)
{
    Stdio *stdio = container_of(chr, Stdio, chr);
    bool ask;

    if (taken) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "cannot use stdio by multiple character devices (mux=on does)");
        return false;
    }
    stdio->out = open_again(STDOUT_FILENO, &ask);
    if (stdio->out < 0) {
        return fail_errno(err, "standard output");
    }
    taken = true;
    terminal_raw(STDIN_FILENO, stdio->config.signal);
    backend_connect(chr, STDIN_FILENO, stdio->out, ask);
    return true;
}

static void stdio_close(Chardev *chr)
{
    Stdio *stdio = container_of(chr, Stdio, chr);

    if (stdio->out > 0) {
        close(stdio->out);
        terminal_restore();
        taken = false;
    }
}

const ChardevKind chardev_stdio = {
    .name = "stdio",
    .help = "standard input and output",
    .open = stdio_open,
    .close = stdio_close,
    CHARDEV_CONFIG(Stdio, StdioConfig),
};
