/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's terminal (terminal.h).
 *
 * `found` is how it was, `ours` how we want it; both are written before `fd` says so,
 * and then only by the handlers.  A process in the background leaves the terminal
 * alone: it belongs to another program then, and tcsetattr would stop us.
 */

#include "chardev/terminal.h"
#include "chardev/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t terminal = -1;     /* its descriptor while it is raw */
static struct termios found, ours;

static const int fatal[] = {
    SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP,
    SIGABRT, SIGSYS, SIGQUIT, SIGXCPU,
};
static struct sigaction before[G_N_ELEMENTS(fatal)];

void terminal_reserve_std(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2) {
        close(fd);
    }
}

static bool in_foreground(int fd)
{
    return tcgetpgrp(fd) == getpgrp();
}

static void set(const struct termios *how)
{
    int fd = terminal;

    if (fd >= 0 && in_foreground(fd)) {
        tcsetattr(fd, TCSANOW, how);
    }
}

void terminal_restore(void)
{
    set(&found);
    terminal = -1;
}

/* ---- fatal signals ---- */

/*
 * A fault of our own code comes again when the handler returns, and then takes its old
 * course with all its circumstances; a signal that was sent has to be sent again.
 */
static void on_fatal(int signum, siginfo_t *info, void *context)
{
    (void)context;
    for (unsigned i = 0; i < G_N_ELEMENTS(fatal); i++) {
        if (fatal[i] == signum) {
            sigaction(signum, &before[i], NULL);
        }
    }
    chardevs_crash();
    terminal_restore();
    if (info->si_code <= 0 || signum == SIGTRAP || signum == SIGSYS) {
        raise(signum);
    }
}

void terminal_guard(void)
{
    struct sigaction act = {
        .sa_sigaction = on_fatal,
        .sa_flags = SA_SIGINFO | SA_ONSTACK,
    };
    static bool done;

    if (done) {
        return;
    }
    done = true;
    sigemptyset(&act.sa_mask);
    for (unsigned i = 0; i < G_N_ELEMENTS(fatal); i++) {
        sigaction(fatal[i], &act, &before[i]);
    }
    atexit(terminal_restore);
}

/* ---- suspend and continue ---- */

static void on_continue(int signum)
{
    int saved = errno;

    (void)signum;
    set(&ours);
    errno = saved;
}

static void on_stop(int signum)
{
    struct sigaction act = { .sa_handler = SIG_DFL }, handler;
    int saved = errno;
    sigset_t mask;

    if (terminal >= 0 && in_foreground(terminal)) {
        tcgetattr(terminal, &ours);     /* a line editor may have changed it */
        set(&found);
    }
    sigaction(signum, &act, &handler);
    raise(signum);
    sigemptyset(&mask);
    sigaddset(&mask, signum);
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);      /* stops here */
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    sigaction(signum, &handler, NULL);
    errno = saved;
}

static void handle(int signum, void (*handler)(int))
{
    struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };

    sigemptyset(&act.sa_mask);
    sigaction(signum, &act, NULL);
}

void terminal_raw(int fd, bool signals)
{
    if (tcgetattr(fd, &found) < 0) {
        return;
    }
    ours = found;
    ours.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    ours.c_oflag |= OPOST;
    ours.c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN | (signals ? 0 : ISIG));
    ours.c_cflag = (ours.c_cflag & ~(CSIZE | PARENB)) | CS8;
    ours.c_cc[VMIN] = 1;
    ours.c_cc[VTIME] = 0;
    terminal_guard();
    handle(SIGTSTP, on_stop);
    handle(SIGCONT, on_continue);
    terminal = fd;
    tcsetattr(fd, TCSANOW, &ours);
}
