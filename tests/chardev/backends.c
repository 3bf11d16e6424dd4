/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The back ends that are files of some sort: file, pipe, pty, serial, null, ringbuf,
 * and the log file of any.
 */

#include "tests/lib/chardev.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;

static char *at(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static void assert_file(const char *path, const char *expected)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

static Recorder *open_on(const char *fmt, const char *path)
{
    g_autofree char *options = g_strdup_printf(fmt, path);

    return recorder_new(good_chardev(options), true);
}

static void test_file(void)
{
    g_autofree char *path = at("out");
    Recorder *r;

    for (int pass = 0; pass < 2; pass++) {          /* the second one truncates */
        r = open_on("file,id=f,path=%s", path);
        recorder_say(r, "first\n");
        recorder_free(r);
        chardevs_close_all();
        assert_file(path, "first\n");
    }
    r = open_on("file,id=f,path=%s,append=on", path);
    recorder_say(r, "second\n");
    recorder_free(r);
    chardevs_close_all();
    assert_file(path, "first\nsecond\n");
}

/* Nothing but the main loop is needed for the bytes to arrive, and soon. */
static void test_file_soon(void)
{
    g_autofree char *path = at("soon");
    Recorder *r = open_on("file,id=f,path=%s", path);
    struct stat st;

    for (const char *p = "mayfly login: "; *p; p++) {
        g_assert_cmpuint(chardev_write(r->front, p, 1), ==, 1);
    }
    until(stat(path, &st) == 0 && st.st_size == 14);
    assert_file(path, "mayfly login: ");
    recorder_free(r);
    chardevs_close_all();
}

/* A descriptor passed on by number: a pipe, and a socket, which open refuses. */
static void test_file_by_number(void)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (int pass = 0; pass < 2; pass++) {
        g_autofree char *path = NULL;
        Recorder *r;
        int fd[2];

        g_assert_true(pass ? socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0
                           : pipe(fd) == 0);
        path = g_strdup_printf("/proc/self/fd/%d", fd[1]);
        r = open_on("file,id=f,path=%s", path);
        recorder_say(r, "by number\n");
        recorder_free(r);
        chardevs_close_all();
        g_assert_false(fcntl(fd[1], F_GETFL) & O_NONBLOCK);     /* not ours to change */
        g_string_truncate(text, 0);
        slurp(fd[0], text);
        g_assert_cmpstr(text->str, ==, "by number\n");
        close(fd[0]);
        close(fd[1]);
    }
}

static void test_pipe(void)
{
    g_autofree char *path = at("pipe"), *in = at("pipe.in"), *out = at("pipe.out");
    g_autoptr(GString) text = g_string_new(NULL);
    Recorder *r;
    int to, from;

    g_assert_cmpint(mkfifo(in, 0600) | mkfifo(out, 0600), ==, 0);
    r = open_on("pipe,id=p,path=%s", path);
    to = open(in, O_WRONLY);
    from = open(out, O_RDONLY);
    g_assert_cmpint(write(to, "ping", 4), ==, 4);
    until(r->input->len == 4);
    g_assert_cmpstr(r->input->str, ==, "ping");
    recorder_say(r, "pong");
    until((slurp(from, text), text->len == 4));
    g_assert_cmpstr(text->str, ==, "pong");

    close(to);                                      /* not an end */
    to = open(in, O_WRONLY);
    g_assert_cmpint(write(to, "!", 1), ==, 1);
    until(r->input->len == 5);
    close(to);
    close(from);
    recorder_free(r);
    chardevs_close_all();
}

static void test_pty(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *name, *reason;
    Chardev *chr;
    Recorder *r;

    if (!has_pty(&reason)) {
        g_test_skip(reason);
        return;
    }
    chr = good_chardev("pty,id=t");
    r = recorder_new(chr, true);
    name = chardev_where(chr) + 4;
    g_assert_true(g_str_has_prefix(chardev_where(chr), "pty:/dev/"));
    g_assert_false(chardev_connected(r->front));
    recorder_say(r, "nobody hears this");
    turn_for_ms(50);
    for (int pass = 0; pass < 2; pass++) {
        int fd = open(name, O_RDWR | O_NOCTTY);

        g_assert_cmpint(fd, >=, 0);
        until(chardev_connected(r->front));
        g_assert_cmpstr(r->events->str, ==, pass ? "OCO" : "O");
        recorder_say(r, "hello\n");
        g_string_truncate(text, 0);
        until((slurp(fd, text), text->len == 6));
        g_assert_cmpstr(text->str, ==, "hello\n");      /* raw: no CR is added */
        g_string_truncate(r->input, 0);
        g_assert_cmpint(write(fd, "a\r\003", 3), ==, 3);
        until(r->input->len == 3);
        g_assert_cmpstr(r->input->str, ==, "a\r\003");
        close(fd);
        until(!chardev_connected(r->front));
    }
    g_assert_cmpstr(r->events->str, ==, "OCOC");
    recorder_free(r);
    chardevs_close_all();
}

static void test_serial(void)
{
    int master, slave;
    char name[64];
    Recorder *r;
    g_autoptr(GString) text = g_string_new(NULL);
    const char *reason;

    if (!has_pty(&reason)) {
        g_test_skip(reason);
        return;
    }
    g_assert_cmpint(openpty(&master, &slave, name, NULL, NULL), ==, 0);
    r = open_on("serial,id=s,path=%s", name);
    recorder_say(r, "a\n");
    until((slurp(master, text), text->len == 2));
    g_assert_cmpstr(text->str, ==, "a\n");
    g_assert_cmpint(write(master, "b\r", 2), ==, 2);
    until(r->input->len == 2);
    g_assert_cmpstr(r->input->str, ==, "b\r");
    recorder_free(r);
    chardevs_close_all();
    close(master);
    close(slave);
}

static void test_null(void)
{
    Recorder *r = recorder_new(good_chardev("null,id=n"), true);
    static const char bytes[100000];

    g_assert_true(chardev_connected(r->front));
    g_assert_cmpuint(chardev_write(r->front, bytes, sizeof bytes), ==, sizeof bytes);
    g_assert_cmpuint(chardev_write(NULL, bytes, sizeof bytes), ==, sizeof bytes);
    g_assert_false(chardev_connected(NULL));
    recorder_free(r);
    chardevs_close_all();
}

static void test_ringbuf(void)
{
    Chardev *chr = good_chardev("ringbuf,id=r,size=8");
    Chardev *other = good_chardev("null,id=n");
    Recorder *r = recorder_new(chr, true);
    g_autoptr(GError) err = NULL;
    u8 bytes[16] = { 0 };
    size_t got;

    recorder_say(r, "0123456789");
    g_assert_true(chardev_ringbuf_read(chr, bytes, 3, &got, NULL));
    g_assert_cmpmem(bytes, got, "234", 3);
    g_assert_true(chardev_ringbuf_read(chr, bytes, sizeof bytes, &got, NULL));
    g_assert_cmpmem(bytes, got, "56789", 5);
    g_assert_true(chardev_ringbuf_read(chr, bytes, sizeof bytes, &got, NULL));
    g_assert_cmpuint(got, ==, 0);
    g_assert_false(chardev_ringbuf_read(other, bytes, sizeof bytes, &got, &err));
    g_assert_cmpstr(err->message, ==, "chardev 'n' is not a ringbuf");
    recorder_free(r);
    chardevs_close_all();
}

/* The log has everything, also what nobody listened to. */
static void test_logfile(void)
{
    g_autofree char *log = at("log"), *sock = at("sock"), *fmt = NULL;
    Recorder *r;

    fmt = g_strdup_printf("socket,id=s,path=%s,server=on,wait=off,logfile=%%s", sock);
    for (int pass = 0; pass < 2; pass++) {
        r = open_on(fmt, log);
        recorder_say(r, "logged\n");
        recorder_free(r);
        chardevs_close_all();
        assert_file(log, "logged\n");
    }
    r = open_on("null,id=n,logappend=on,logfile=%s", log);
    recorder_say(r, "appended\n");
    recorder_free(r);
    chardevs_close_all();
    assert_file(log, "logged\nappended\n");
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    dir = scratch_dir();
    g_test_add_func("/chardev/file", test_file);
    g_test_add_func("/chardev/file/soon", test_file_soon);
    g_test_add_func("/chardev/file/by-number", test_file_by_number);
    g_test_add_func("/chardev/pipe", test_pipe);
    g_test_add_func("/chardev/pty", test_pty);
    g_test_add_func("/chardev/serial", test_serial);
    g_test_add_func("/chardev/null", test_null);
    g_test_add_func("/chardev/ringbuf", test_ringbuf);
    g_test_add_func("/chardev/logfile", test_logfile);
    status = g_test_run();
    scratch_remove(dir);
    return status;
}
