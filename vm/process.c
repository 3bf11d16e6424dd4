/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals, pid file, the background: see process.h.
 *
 * The signal handler runs on any thread; it writes a byte to an eventfd that the main
 * loop watches.
 */

#include "vm/process.h"

#include "base/log.h"
#include "chardev/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

static const int ending[] = { SIGTERM, SIGINT, SIGHUP };

static int signal_fd = -1;              /* -1: the main loop does not run yet */
static volatile sig_atomic_t signal_number, signal_pid;
static guint signal_source;

static int parent_fd = -1;              /* whom process_detached tells */
static char *pidfile;
static int pidfile_fd = -1;

static bool fail(GError **err, const char *what, const char *path)
{
    int why = errno;

    g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(why), "%s%s%s%s: %s", what,
                path ? " '" : "", path ? path : "", path ? "'" : "", g_strerror(why));
    return false;
}

/* ---- signals ---- */

static void on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    u64 one = 1;

    (void)context;
    if (signal_fd < 0) {
        terminal_restore();
        signal(number, SIG_DFL);
        raise(number);
    } else {
        signal_pid = info->si_pid;
        signal_number = number;
        if (write(signal_fd, &one, sizeof one) < 0) {
            /* It is full, so the main loop will wake anyway. */
        }
    }
    errno = saved;
}

void process_begin(const char *argv0)
{
    struct sigaction act = {
        .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART
    };

    g_set_prgname(argv0 ? basename(argv0) : "mayfly");
    terminal_reserve_std();
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < G_N_ELEMENTS(ending); i++) {
        struct sigaction before;

        /* nohup stays nohup. */
        if (sigaction(ending[i], NULL, &before) == 0 &&
            !(ending[i] == SIGHUP && before.sa_handler == SIG_IGN)) {
            sigaction(ending[i], &act, NULL);
        }
    }
}

static gboolean signal_came(gint fd, GIOCondition condition, gpointer opaque)
{
    u64 count;
    int pid = signal_pid;

    (void)condition;
    if (read(fd, &count, sizeof count) != sizeof count) {
        return G_SOURCE_CONTINUE;
    }
    if (pid > 0) {
        g_autofree char *path = g_strdup_printf("/proc/%d/comm", pid);
        g_autofree char *name = NULL;

        if (g_file_get_contents(path, &name, NULL, NULL)) {
            g_strchomp(name);
        }
        info_user("terminating on signal %d from pid %d (%s)", signal_number, pid,
                  name ? name : "<unknown process>");
    } else {
        info_user("terminating on signal %d", signal_number);
    }
    vm_quit(opaque, CAUSE_HOST_SIGNAL, 0);
    return G_SOURCE_CONTINUE;
}

bool process_catch_signals(Vm *vm, GError **err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0) {
        return fail(err, "cannot make an eventfd", NULL);
    }
    signal_source = g_unix_fd_add(fd, G_IO_IN, signal_came, vm);
    signal_fd = fd;
    return true;
}

void process_set_name(const char *name)
{
    prctl(PR_SET_NAME, name);
}

/* ---- the background ---- */

/* The parent's end: a byte from the child means that all went well. */
static void wait_for_child(int fd)
{
    ssize_t got;
    char byte;

    do {
        got = read(fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    _exit(got == 1 ? 0 : 1);
}

bool process_detach(GError **err)
{
    int fds[2];
    pid_t child;

    if (pipe2(fds, O_CLOEXEC) < 0) {
        return fail(err, "cannot make a pipe", NULL);
    }
    child = fork();
    if (child < 0) {
        return fail(err, "cannot fork", NULL);
    }
    if (child) {
        close(fds[1]);
        wait_for_child(fds[0]);
    }
    close(fds[0]);
    parent_fd = fds[1];
    setsid();
    /* A second fork: who is not first in its session never gets a terminal. */
    child = fork();
    if (child < 0) {
        return fail(err, "cannot fork", NULL);
    }
    if (child) {
        _exit(0);
    }
    return true;
}

void process_detached(void)
{
    int null;

    if (parent_fd < 0) {
        return;
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++) {
        dup2(null, fd);
    }
    close(null);
    if (chdir("/") < 0 || write(parent_fd, "", 1) < 0) {
        /* The parent has gone: nobody waits. */
    }
    close(parent_fd);
    parent_fd = -1;
}

/* ---- the pid file ---- */

bool process_pidfile(const char *path, GError **err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    g_autofree char *text = g_strdup_printf("%d\n", getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 || ftruncate(fd, 0) < 0 ||
        write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        fail(err, "cannot create PID file", path);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    pidfile_fd = fd;
    /* process_detached changes the folder */
    pidfile = g_canonicalize_filename(path, NULL);
    return true;
}

void process_end(void)
{
    if (pidfile) {
        unlink(pidfile);
        close(pidfile_fd);
        g_clear_pointer(&pidfile, g_free);
    }
    if (signal_source) {
        g_source_remove(signal_source);
        signal_source = 0;
    }
}
