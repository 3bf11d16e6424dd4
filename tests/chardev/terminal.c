/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stdio on a terminal: raw while it is used, as it was afterwards, however the program
 * ends; and stdio that is no terminal.
 *
 * The program is a child on a pty; what the terminal is like is seen from the master.
 */

#include "chardev/terminal.h"
#include "tests/lib/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master;

static bool is_raw(int fd)
{
    struct termios t;

    g_assert_cmpint(tcgetattr(fd, &t), ==, 0);
    return !(t.c_lflag & ICANON);
}

static bool has_signals(int fd)
{
    struct termios t;

    g_assert_cmpint(tcgetattr(fd, &t), ==, 0);
    return t.c_lflag & ISIG;
}

/* The program: says "ready", without a newline, and ends in the way of its last key. */
static void program(const char *options)
{
    Recorder *r = recorder_new(good_chardev(options), false);
    struct rlimit no_core = { 0, 0 };
    volatile u8 *nowhere = mmap(NULL, PAGE_BYTES, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    setrlimit(RLIMIT_CORE, &no_core);
    recorder_say(r, "ready");
    until(r->input->len && strchr("qaskQ", r->input->str[r->input->len - 1]));
    recorder_say(r, "last words");
    g_assert_false(fcntl(0, F_GETFL) & O_NONBLOCK);
    g_assert_false(fcntl(1, F_GETFL) & O_NONBLOCK);
    switch (r->input->str[r->input->len - 1]) {
    case 'a':
        abort();
    case 's':
        *nowhere = 1;
        break;
    case 'k':
        raise(SIGQUIT);
        break;
    case 'Q':
        exit(3);                /* without closing anything */
    }
    recorder_free(r);
    chardevs_close_all();
    _exit(0);
}

/* Reads from the terminal until `text` has come. */
static void wait_for(const char *text)
{
    g_autoptr(GString) got = g_string_new(NULL);

    until((slurp(master, got), strstr(got->str, text)));
}

static pid_t run(const char *options)
{
    pid_t pid = forkpty(&master, NULL, NULL, NULL);

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        program(options);
        _exit(9);
    }
    wait_for("ready");
    return pid;
}

/* Ends the program by `key`; returns its status.  The slave keeps the pty readable. */
static int end_by(pid_t pid, char key)
{
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY), status;

    g_assert_true(is_raw(master));
    g_assert_cmpint(write(master, &key, 1), ==, 1);
    wait_for("last words");
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_false(is_raw(master));
    g_assert_true(has_signals(master));
    close(slave);
    close(master);
    return status;
}

static void test_orderly(void)
{
    int status = end_by(run("stdio,id=s,signal=off"), 'q');

    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_exit(void)
{
    int status = end_by(run("stdio,id=s"), 'Q');

    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

/* Sanitizers take these signals too and turn them into an exit. */
static void assert_died_of(int status, int signum)
{
    g_assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == signum
                                      : WEXITSTATUS(status) != 0);
}

static void test_crash(void)
{
    assert_died_of(end_by(run("stdio,id=s"), 's'), SIGSEGV);
    assert_died_of(end_by(run("stdio,id=s"), 'a'), SIGABRT);
    assert_died_of(end_by(run("stdio,id=s"), 'k'), SIGQUIT);
}

/* C-c is a byte for the guest, or a signal for us. */
static void test_signal(void)
{
    pid_t pid = run("stdio,id=s,signal=off");
    int status;

    g_assert_false(has_signals(master));
    g_assert_cmpint(write(master, "\003", 1), ==, 1);
    status = end_by(pid, 'q');
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    pid = run("stdio,id=s,signal=on");
    g_assert_true(has_signals(master));
    g_assert_cmpint(write(master, "\003", 1), ==, 1);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    close(master);
}

/* A shell: runs the program as a job, stops and continues it, looks at the terminal. */
static int shell(void)
{
    pid_t job = fork();
    int status;

    signal(SIGTTOU, SIG_IGN);
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
        program("stdio,id=s,signal=on");
    }
    setpgid(job, job);
    tcsetpgrp(0, job);
    waitpid(job, &status, WUNTRACED);
    if (!WIFSTOPPED(status) || is_raw(0)) {
        return 1;
    }
    tcsetpgrp(0, getpgrp());
    kill(job, SIGCONT);                 /* in the background: hands off the terminal */
    g_usleep(100000);
    if (is_raw(0)) {
        return 2;
    }
    tcsetpgrp(0, job);
    kill(job, SIGCONT);
    for (int i = 0; i < 500 && !is_raw(0); i++) {
        g_usleep(10000);
    }
    if (!is_raw(0)) {
        return 3;
    }
    g_assert_cmpint(write(1, "raw again", 9), ==, 9);
    waitpid(job, &status, 0);
    return is_raw(0) ? 4 : WEXITSTATUS(status);
}

static void test_suspend(void)
{
    pid_t pid = forkpty(&master, NULL, NULL, NULL);
    int status;

    if (pid == 0) {
        _exit(shell());
    }
    wait_for("ready");
    g_assert_cmpint(write(master, "\032", 1), ==, 1);       /* C-z */
    wait_for("raw again");
    g_assert_cmpint(write(master, "q", 1), ==, 1);
    wait_for("last words");
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    close(master);
}

/* The input ends at once; the program goes on, and all its output arrives. */
static void test_no_terminal(void)
{
    if (g_test_subprocess()) {
        Recorder *r = recorder_new(good_chardev("stdio,id=s"), false);

        turn_for_ms(50);
        recorder_say(r, "still here\n");
        bad_chardev("stdio,id=t", "chardev 't': cannot use stdio by multiple character "
                    "devices (mux=on does)");
        recorder_free(r);
        chardevs_close_all();
        return;
    }
    g_test_trap_subprocess(NULL, 5000000, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stdout("*still here\n*");
}

/* Closed standard descriptors are taken, so that no file gets their number. */
static void test_reserve(void)
{
    if (g_test_subprocess()) {
        int before = open("/dev/null", O_RDONLY), after;

        close(0);
        terminal_reserve_std();
        after = open("/dev/null", O_RDONLY);
        g_assert_cmpint(after, ==, before + 1);
        return;
    }
    g_test_trap_subprocess(NULL, 5000000, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
}

int main(int argc, char **argv)
{
    const char *reason;

    g_test_init(&argc, &argv, NULL);
    if (!has_pty(&reason)) {
        printf("1..0 # SKIP %s\n", reason);
        return 0;
    }
    g_test_add_func("/chardev/terminal/orderly", test_orderly);
    g_test_add_func("/chardev/terminal/exit", test_exit);
    g_test_add_func("/chardev/terminal/crash", test_crash);
    g_test_add_func("/chardev/terminal/signal", test_signal);
    g_test_add_func("/chardev/terminal/suspend", test_suspend);
    g_test_add_func("/chardev/terminal/no-terminal", test_no_terminal);
    g_test_add_func("/chardev/terminal/reserve", test_reserve);
    return g_test_run();
}
