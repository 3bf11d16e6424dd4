/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mux: who gets the input, the keys, time stamps.
 */

#include "base/lock.h"
#include "tests/lib/chardev.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int user;                /* the user's end of the terminal */
static unsigned quits, commits;

static void count_quit(void)
{
    quits++;
}

static void count_commit(void)
{
    commits++;
}

/* A mux on a socketpair, and before it a monitor and then a serial port. */
static void open_mux(Recorder **serial, Recorder **monitor)
{
    g_autofree char *options = NULL;
    Chardev *chr;
    int fd[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
    user = fd[0];
    options = g_strdup_printf("socket,id=m,fd=%d,mux=on", fd[1]);
    chr = good_chardev(options);
    *monitor = recorder_new(chr, false);
    g_assert_true(chardev_has_focus((*monitor)->front));
    *serial = recorder_new(chr, true);
    g_assert_true(chardev_has_focus((*serial)->front));
    g_assert_cmpstr((*monitor)->events->str, ==, "o");
    g_assert_cmpstr((*serial)->events->str, ==, "i");
    g_string_truncate((*monitor)->events, 0);
    g_string_truncate((*serial)->events, 0);
}

static void close_mux(Recorder *serial, Recorder *monitor)
{
    recorder_free(serial);
    recorder_free(monitor);
    chardevs_close_all();
    chardevs_set_escape(1);
    close(user);
}

static void type(const char *keys)
{
    g_assert_cmpint(write(user, keys, strlen(keys)), ==, strlen(keys));
}

static void expect(const char *text)
{
    g_autoptr(GString) got = g_string_new(NULL);

    until((slurp(user, got), got->len >= strlen(text)));
    g_assert_cmpstr(got->str, ==, text);
}

static void test_focus(void)
{
    Recorder *serial, *monitor;

    open_mux(&serial, &monitor);
    type("ls\r\001cinfo\r\001cpwd\r");
    until(serial->input->len == 7);
    g_assert_cmpstr(serial->input->str, ==, "ls\rpwd\r");
    g_assert_cmpstr(monitor->input->str, ==, "info\r");
    g_assert_cmpstr(serial->events->str, ==, "oi");
    g_assert_cmpstr(monitor->events->str, ==, "io");
    recorder_say(serial, "S");
    recorder_say(monitor, "M");
    expect("SM");
    close_mux(serial, monitor);
}

static void test_keys(void)
{
    Recorder *serial, *monitor;

    open_mux(&serial, &monitor);
    type("\001\001");                       /* twice: sends it */
    until(serial->input->len == 1);
    g_assert_cmpstr(serial->input->str, ==, "\001");
    type("\001b");
    until(serial->events->len == 1);
    g_assert_cmpstr(serial->events->str, ==, "B");
    type("\001s");
    until(commits == 1);
    type("\001q");                          /* means nothing, and is swallowed */
    type("\001x");
    until(quits == 1);
    expect("Mayfly: Terminated\r\n");
    g_assert_cmpuint(serial->input->len, ==, 1);
    close_mux(serial, monitor);
}

static void test_help(void)
{
    static const char lines[] =
        "\r\n"
        "C-a h    show this help\r\n"
        "C-a x    quit\r\n"
        "C-a s    save the disks' changes to their files (-snapshot)\r\n"
        "C-a t    switch time stamps on or off\r\n"
        "C-a b    send a break (magic SysRq)\r\n"
        "C-a c    switch between console and monitor\r\n"
        "C-a C-a  send C-a\r\n";
    Recorder *serial, *monitor;

    open_mux(&serial, &monitor);
    type("\001h");
    expect(lines);
    type("\001?");
    expect(lines);
    close_mux(serial, monitor);
}

static void test_escape(void)
{
    Recorder *serial, *monitor;

    open_mux(&serial, &monitor);
    chardevs_set_escape(0x14);              /* C-t */
    type("\001b\024b\024\024");
    until(serial->input->len == 3);
    g_assert_cmpstr(serial->input->str, ==, "\001b\024");
    g_assert_cmpstr(serial->events->str, ==, "B");
    close_mux(serial, monitor);
}

#define STAMP "\\[00:00:0\\d\\.\\d{3}\\]"

static void test_stamps(void)
{
    g_autoptr(GString) got = g_string_new(NULL);
    Recorder *serial, *monitor;

    open_mux(&serial, &monitor);
    type("\001tgo");
    until(serial->input->len == 2);
    recorder_say(serial, "one\ntw");
    recorder_say(serial, "o\n");
    until((slurp(user, got), got->len >= 2 * 15 + 8));
    g_assert_true(g_regex_match_simple(STAMP " one\n" STAMP " two\n$", got->str, 0, 0));
    type("\001tstop");
    until(serial->input->len == 6);
    recorder_say(serial, "three\n");
    expect("three\n");
    close_mux(serial, monitor);
}

/* The keys work although the guest reads nothing; what it has not read is kept. */
static void test_hung_guest(void)
{
    Recorder *serial, *monitor;

    open_mux(&serial, &monitor);
    serial->room = 0;
    type("typed ahead");
    type("\001cquit");
    until(monitor->input->len == 4);
    g_assert_cmpuint(serial->input->len, ==, 0);
    machine_lock();
    serial->room = 4;
    chardev_accept_input(serial->front);
    machine_unlock();
    until(serial->input->len == 11);
    g_assert_cmpstr(serial->input->str, ==, "typed ahead");
    close_mux(serial, monitor);
}

/* Much more than the mux holds: it is left in the back end, and nothing is lost. */
static void test_paste(void)
{
    enum { BYTES = 100000 };
    g_autofree char *text = g_malloc(BYTES);
    size_t sent = 0;
    Recorder *serial, *monitor;

    for (size_t i = 0; i < BYTES; i++) {
        text[i] = 'a' + i % 26;
    }
    open_mux(&serial, &monitor);
    serial->room = 0;
    until(({
        ssize_t n = send(user, text + sent, BYTES - sent, MSG_DONTWAIT);

        sent += MAX(n, 0);
        if (sent > 20000 && !serial->room) {
            machine_lock();
            serial->room = 16;
            chardev_accept_input(serial->front);
            machine_unlock();
        }
        serial->input->len == BYTES;
    }));
    g_assert_cmpmem(serial->input->str, serial->input->len, text, BYTES);
    close_mux(serial, monitor);
}

static void test_too_many(void)
{
    g_autoptr(GError) err = NULL;
    static const CharFrontOps ops;
    Chardev *chr = good_chardev("null,id=n,mux=on");
    CharFront *front[4];

    for (int i = 0; i < 4; i++) {
        front[i] = chardev_attach(chr, &ops, NULL, NULL);
        g_assert_nonnull(front[i]);
    }
    g_assert_null(chardev_attach(chr, &ops, NULL, &err));
    g_assert_cmpstr(err->message, ==, "chardev 'n' is in use by four front ends, the "
                    "most a mux can have");
    for (int i = 0; i < 4; i++) {
        chardev_detach(front[i]);
    }
    chardevs_close_all();
}

int main(int argc, char **argv)
{
    static const ChardevHost host = { .quit = count_quit, .commit = count_commit };

    g_test_init(&argc, &argv, NULL);
    chardevs_set_host(&host);
    g_test_add_func("/chardev/mux/focus", test_focus);
    g_test_add_func("/chardev/mux/keys", test_keys);
    g_test_add_func("/chardev/mux/help", test_help);
    g_test_add_func("/chardev/mux/escape", test_escape);
    g_test_add_func("/chardev/mux/stamps", test_stamps);
    g_test_add_func("/chardev/mux/hung-guest", test_hung_guest);
    g_test_add_func("/chardev/mux/paste", test_paste);
    g_test_add_func("/chardev/mux/too-many", test_too_many);
    return g_test_run();
}
