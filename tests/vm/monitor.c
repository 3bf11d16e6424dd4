/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor's dialogue: prompts, editing, sharing a mux; and hostile input.
 * MAYFLY_LONG makes the random part longer.
 */

#include "config.h"
#include "tests/lib/chardev.h"
#include "tests/lib/fake_vm.h"
#include "vm/monitor.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BANNER "QEMU 8.2.0 (Mayfly " CONFIG_VERSION ") monitor - " \
               "type 'help' for more information\r\n"
#define PROMPT "(qemu) "

static int user;

static void open_monitor(const char *more)
{
    g_autofree char *options = NULL;
    int fd[2];

    fake_vm_open();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
    user = fd[0];
    options = g_strdup_printf("socket,id=m,fd=%d%s", fd[1], more);
    g_assert_true(monitor_new(fake.vm, good_chardev(options), NULL));
}

static void close_monitor(void)
{
    fake_vm_close();
    close(user);
}

static void type(const char *keys)
{
    g_assert_cmpint(send(user, keys, strlen(keys), MSG_NOSIGNAL), ==, strlen(keys));
}

static void expect(const char *text)
{
    g_autoptr(GString) got = g_string_new(NULL);

    until((slurp(user, got), got->len >= strlen(text)));
    g_assert_cmpstr(got->str, ==, text);
}

static void test_dialogue(void)
{
    open_monitor("");
    expect(BANNER PROMPT);
    type("info status\n");
    expect("info status\r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("cont\r\n");
    expect("cont\r\n" PROMPT);
    g_assert_cmpint(fake.vm->state, ==, VM_RUNNING);
    for (const char *p = "stop\n"; *p; p++) {           /* split anywhere */
        g_assert_cmpint(write(user, p, 1), ==, 1);
        turn_for_ms(3);
    }
    expect("stop\r\n" PROMPT);
    g_assert_cmpint(fake.vm->state, ==, VM_PAUSED);
    type("\n\n");
    expect("\r\n" PROMPT "\r\n" PROMPT);
    type("quit\nfoo\n");
    expect("quit\r\n");                                 /* and no prompt */
    close_monitor();
}

/* What was received is run though the sender has gone. */
static void test_write_and_leave(void)
{
    open_monitor("");
    type("cont\nstop\n");
    close(user);
    until(fake.vm->state == VM_PAUSED);
    fake_vm_close();
}

static void test_editing(void)
{
    open_monitor("");
    expect(BANNER PROMPT);
    type("info statsu\b\bus\r");
    expect("info statsu\b \b\b \bus\r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("xx\025foo\r");                                /* C-u */
    expect("xx\b\b  \b\bfoo\r\nunknown command: 'foo'\r\n" PROMPT);
    type("\033[A\r");                                   /* up */
    expect("foo\r\nunknown command: 'foo'\r\n" PROMPT);
    type("oo\001f\005\r");                              /* C-a, C-e */
    expect("oo\b\boo\b\bfoo\b\boo\r\nunknown command: 'foo'\r\n" PROMPT);
    type("f-o\033[D\033[D\033[3~o\r");                  /* left, left, delete */
    expect("f-o\bo\b\b-o\b\bo \b\boo\b\r\nunknown command: 'foo'\r\n" PROMPT);
    type("info stat\t\r");
    expect("info status \r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("st\t\025s\t");
    expect("stop \b\b\b\b\b     \b\b\b\b\bs"
           "\r\nsavevm\r\nscreendump\r\nsendkey\r\nset_link\r\nstop\r\n"
           "system_powerdown\r\nsystem_reset\r\n" PROMPT "s");
    close_monitor();
}

/* On a mux the monitor is silent until it has the focus. */
static void test_mux(void)
{
    Recorder *serial;

    open_monitor(",mux=on");
    expect(BANNER PROMPT);
    serial = recorder_new(chardev_find("m", NULL), true);
    recorder_say(serial, "guest");
    expect("guest");
    type("\001c");
    expect("\r\n" PROMPT);
    type("info status\r");
    expect("info status\r\nVM status: paused (prelaunch)\r\n" PROMPT);
    type("\001cls\r");
    until(serial->input->len == 3);
    recorder_free(serial);
    close_monitor();
}

static void test_mux_behind(void)
{
    g_autofree char *options = NULL;
    Recorder *serial;
    Chardev *chr;
    int fd[2];

    fake_vm_open();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
    user = fd[0];
    options = g_strdup_printf("socket,id=m,fd=%d,mux=on", fd[1]);
    chr = good_chardev(options);
    serial = recorder_new(chr, true);
    g_assert_true(monitor_new(fake.vm, chr, NULL));
    recorder_say(serial, "guest");
    expect("guest");
    type("\001c");
    expect("\r\n" BANNER PROMPT);
    recorder_free(serial);
    close_monitor();
}

/* ---- hostile input ---- */

static void test_endless_line(void)
{
    g_autofree char *line = g_strnfill(1 << 20, 'x');
    g_autoptr(GString) got = g_string_new(NULL);
    size_t sent = 0, length = 1 << 20;

    open_monitor("");
    until(({
        ssize_t n = send(user, line + sent, length - sent, MSG_DONTWAIT);

        sent += MAX(n, 0);
        slurp(user, got);
        sent == length;
    }));
    turn_for_ms(20);
    slurp(user, got);
    g_string_truncate(got, 0);
    type("\025info status\n");
    until((slurp(user, got), g_str_has_suffix(got->str, PROMPT)));
    g_assert_nonnull(strstr(got->str, "VM status: paused (prelaunch)\r\n"));
    close_monitor();
}

static const char *const scraps[] = {
    "info ", "x ", "xp ", "/", "4xw ", "65536xb ", "9999999999xg ", "i ", "0x", "$",
    "pc", "(", "((((((((", ")", "-", "~", "*", "%", "/0", "print ", "help ", "cpu ",
    "log ", "registers -a", "mtree", "qtree", "tlb", "mem", "chardev", "pic", "jit",
    "irq", "roms", "cont\n", "stop\n", "nmi\n", "system_reset\n", "system_powerdown\n",
    "\n", "\r", "\t", "\b", "\025", "\033", "\033[", "\033[A", "\033[3~", "\033O",
    "\001", "\001c", "999999999", "ffffffffffffffff", " ", ",", "ringbuf_read ", "m ",
    "%s%n", "\xff\xfe", "none\n",
};

static void test_random(void)
{
    gint64 end = g_get_monotonic_time() +
                 (g_getenv("MAYFLY_LONG") ? 60 : 1) * G_USEC_PER_SEC;
    g_autoptr(GString) got = g_string_new(NULL);
    g_autoptr(GRand) rand = g_rand_new_with_seed(g_test_rand_int());
    open_monitor(",mux=on");
    while (g_get_monotonic_time() < end) {
        const char *scrap = scraps[g_rand_int_range(rand, 0, G_N_ELEMENTS(scraps))];
        u8 noise = g_rand_int_range(rand, 0, 256);

        if (g_rand_int_range(rand, 0, 8)) {
            send(user, scrap, strlen(scrap), MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            send(user, &noise, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        g_main_context_iteration(NULL, FALSE);
        slurp(user, got);
        g_string_truncate(got, 0);
    }
    g_assert_nonnull(chardev_nth(0));
    close_monitor();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm/monitor/dialogue", test_dialogue);
    g_test_add_func("/vm/monitor/write-and-leave", test_write_and_leave);
    g_test_add_func("/vm/monitor/editing", test_editing);
    g_test_add_func("/vm/monitor/mux", test_mux);
    g_test_add_func("/vm/monitor/mux-behind", test_mux_behind);
    g_test_add_func("/vm/monitor/endless-line", test_endless_line);
    g_test_add_func("/vm/monitor/random", test_random);
    return g_test_run();
}
