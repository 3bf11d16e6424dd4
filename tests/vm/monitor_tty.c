/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor with the program's terminal to itself: libedit where it was built
 * in, our own editor where not.  The program is a child on a pty.
 */

#include "tests/lib/chardev.h"
#include "vm/monitor.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master;
static GString *seen;

static void heard(void *over, Vm *vm, const VmEvent *event)
{
    (void)vm;
    *(bool *)over = event->kind == VM_EVENT_SHUTDOWN;
}

static void program(void)
{
    struct rlimit no_core = { 0, 0 };
    Machine *machine = machine_new();
    Vm *vm = vm_new(machine);
    bool over = false;

    setrlimit(RLIMIT_CORE, &no_core);
    setenv("TERM", "dumb", 1);
    vm_listen(vm, heard, &over);
    g_assert_true(monitor_new(vm, good_chardev("stdio,id=m"), NULL));
    while (!over) {
        g_main_context_iteration(NULL, TRUE);
    }
    monitors_free();
    vm_free(vm);
    machine_free(machine);
    chardevs_close_all();
    _exit(0);
}

static bool is_raw(void)
{
    struct termios t;

    g_assert_cmpint(tcgetattr(master, &t), ==, 0);
    return !(t.c_lflag & ICANON);
}

static pid_t run(void)
{
    pid_t pid = forkpty(&master, NULL, NULL, NULL);

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        program();
    }
    return pid;
}

static void type(const char *keys)
{
    g_assert_cmpint(write(master, keys, strlen(keys)), ==, strlen(keys));
}

/* Reads on; where is `text` in what came, CRs apart? */
static char *find(const char *text)
{
    slurp(master, seen);
    for (char *cr; (cr = strchr(seen->str, '\r'));) {
        g_string_erase(seen, cr - seen->str, 1);
    }
    return strstr(seen->str, text);
}

/* Waits until `text` has come, and forgets what came up to there. */
static void wait_for(const char *text)
{
    char *at = NULL;

    until((at = find(text)));
    g_string_erase(seen, 0, at - seen->str + strlen(text));
}

static void test_lines(void)
{
    pid_t pid = run();
    int status;

    g_string_truncate(seen, 0);
    wait_for("monitor - type 'help' for more information\n");
    wait_for("(qemu) ");
    g_assert_true(is_raw());
    type("info status\r");
    wait_for("VM status: paused (prelaunch)\n");
    wait_for("(qemu) ");
    type("info vers\t\r");                      /* completed */
    wait_for("\n8.2.0 (Mayfly ");
    wait_for("(qemu) ");
    type("\020\020\r");                         /* C-p twice: the one before the last */
    wait_for("VM status: paused (prelaunch)\n");
    wait_for("(qemu) ");
    type("xx\025foo\n");
    wait_for("unknown command: 'foo'\n");
    wait_for("(qemu) ");
    type("quit\r");
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    slurp(master, seen);
    g_assert_null(strstr(seen->str, "(qemu)"));
    close(master);
}

/* Killed at the prompt: the terminal is as it was. */
static void test_crash(void)
{
    pid_t pid = run();
    int slave, status;

    g_string_truncate(seen, 0);
    wait_for("(qemu) ");
    type("half a li");
    wait_for("li");
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    kill(pid, SIGABRT);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    g_assert_false(is_raw());
    close(slave);
    close(master);
}

/* The terminal is closed: the program is told by SIGHUP and otherwise goes on. */
static void test_hang_up(void)
{
    pid_t pid = run();
    int status;

    g_string_truncate(seen, 0);
    wait_for("(qemu) ");
    close(master);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
}

int main(int argc, char **argv)
{
    const char *reason;

    g_test_init(&argc, &argv, NULL);
    if (!has_pty(&reason)) {
        printf("1..0 # SKIP %s\n", reason);
        return 0;
    }
    seen = g_string_new(NULL);
    g_test_add_func("/vm/monitor-tty/lines", test_lines);
    g_test_add_func("/vm/monitor-tty/crash", test_crash);
    g_test_add_func("/vm/monitor-tty/hang-up", test_hang_up);
    return g_test_run();
}
