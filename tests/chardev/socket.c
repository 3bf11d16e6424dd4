/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets: clients come, go and come again; reconnecting; what is refused.
 */

#include "tests/lib/chardev.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char *dir;

static int unix_socket(const char *path, struct sockaddr_un *sa)
{
    *sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
    g_strlcpy(sa->sun_path, path, sizeof sa->sun_path);
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int connect_to(const char *path)
{
    struct sockaddr_un sa;
    int fd = unix_socket(path, &sa);

    g_assert_cmpint(connect(fd, (struct sockaddr *)&sa, sizeof sa), ==, 0);
    return fd;
}

static int listen_at(const char *path)
{
    struct sockaddr_un sa;
    int fd = unix_socket(path, &sa);

    unlink(path);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&sa, sizeof sa), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    g_assert_cmpint(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, strlen(text));
}

static void receive(int fd, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    until((slurp(fd, text), text->len >= strlen(expected)));
    g_assert_cmpstr(text->str, ==, expected);
}

static bool at_end(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char c;

    return poll(&p, 1, 0) > 0 && read(fd, &c, 1) == 0;
}

static char *server_at(const char *path)
{
    return g_strdup_printf("socket,id=s,path=%s,server=on,wait=off", path);
}

/* One client after another, each of them served. */
static void test_server(void)
{
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *options = server_at(path);
    g_autofree char *where = g_strdup_printf("disconnected:unix:%s,server=on", path);
    Chardev *chr = good_chardev(options);
    Recorder *r = recorder_new(chr, true);

    g_assert_cmpstr(chardev_where(chr), ==, where);
    recorder_say(r, "nobody hears this");
    turn_for_ms(20);
    for (int pass = 1; pass <= 3; pass++) {
        int fd = connect_to(path);

        until(chardev_connected(r->front));
        g_assert_cmpstr(chardev_where(chr), ==, where + strlen("disconnected:"));
        recorder_say(r, "hello");
        receive(fd, "hello");
        send_text(fd, "x");
        until(r->input->len == (size_t)pass);
        close(fd);
        until(!chardev_connected(r->front));
    }
    g_assert_cmpstr(r->events->str, ==, "OCOCOC");
    recorder_free(r);
    chardevs_close_all();
    g_assert_cmpint(access(path, F_OK), ==, -1);        /* unlinked */
}

/* A client that writes and leaves at once is heard to the end. */
static void test_write_and_leave(void)
{
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *options = server_at(path);
    Recorder *r = recorder_new(good_chardev(options), false);
    int fd = connect_to(path);

    send_text(fd, "system_powerdown\n");
    close(fd);
    until(g_str_has_suffix(r->events->str, "C"));
    g_assert_cmpstr(r->input->str, ==, "system_powerdown\n");
    recorder_free(r);
    chardevs_close_all();
}

/* The second client waits its turn. */
static void test_one_at_a_time(void)
{
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *options = server_at(path);
    Recorder *r = recorder_new(good_chardev(options), false);
    int first = connect_to(path), second;

    until(chardev_connected(r->front));
    second = connect_to(path);
    send_text(second, "2");
    turn_for_ms(30);
    send_text(first, "1");
    until(r->input->len == 1);
    close(first);
    until(r->input->len == 2);
    g_assert_cmpstr(r->input->str, ==, "12");
    close(second);
    recorder_free(r);
    chardevs_close_all();
}

/* A guest that reads nothing does not keep a client that has gone. */
static void test_gone_while_paused(void)
{
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *options = server_at(path);
    Recorder *r = recorder_new(good_chardev(options), true);
    int fd;

    r->room = 0;
    fd = connect_to(path);
    send_text(fd, "unread");
    until(chardev_connected(r->front));
    turn_for_ms(20);
    close(fd);
    until(!chardev_connected(r->front));
    fd = connect_to(path);
    until(chardev_connected(r->front));
    recorder_say(r, "still alive");
    receive(fd, "still alive");
    close(fd);
    recorder_free(r);
    chardevs_close_all();
}

static void *connect_late(void *path)
{
    g_usleep(50000);
    return GINT_TO_POINTER(connect_to(path));
}

static void test_wait(void)
{
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *options = g_strdup_printf("socket,id=s,path=%s,server=on", path);
    pthread_t thread;
    void *fd;
    Recorder *r;

    pthread_create(&thread, NULL, connect_late, path);
    r = recorder_new(good_chardev(options), false);
    g_assert_true(chardev_connected(r->front));
    pthread_join(thread, &fd);
    close(GPOINTER_TO_INT(fd));
    recorder_free(r);
    chardevs_close_all();
}

static void test_client(void)
{
    g_autofree char *path = g_build_filename(dir, "c", NULL);
    g_autofree char *options = g_strdup_printf("socket,id=c,path=%s", path);
    int listener = listen_at(path), fd;
    Recorder *r = recorder_new(good_chardev(options), false);

    g_assert_true(chardev_connected(r->front));
    fd = accept(listener, NULL, NULL);
    recorder_say(r, "client");
    receive(fd, "client");
    send_text(fd, "server");
    until(r->input->len == 6);
    close(fd);
    until(!chardev_connected(r->front));
    recorder_free(r);
    chardevs_close_all();
    g_assert_cmpint(access(path, F_OK), ==, 0);         /* not ours to unlink */
    close(listener);
}

static void test_reconnect(void)
{
    g_autofree char *path = g_build_filename(dir, "r", NULL);
    g_autofree char *options = g_strdup_printf("socket,id=r,path=%s,reconnect=1", path);
    Recorder *r = recorder_new(good_chardev(options), false);   /* nobody listens yet */
    int listener = listen_at(path), fd;

    g_assert_false(chardev_connected(r->front));
    for (int pass = 0; pass < 2; pass++) {
        until(chardev_connected(r->front));
        fd = accept(listener, NULL, NULL);
        recorder_say(r, "here");
        receive(fd, "here");
        close(fd);
        until(!chardev_connected(r->front));
    }
    g_assert_cmpstr(r->events->str, ==, "OCOC");
    recorder_free(r);
    chardevs_close_all();
    close(listener);
}

static int free_port(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET };
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&sa, n), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&sa, &n), ==, 0);
    close(fd);
    return ntohs(sa.sin_port);
}

/* Both sides are ours; the client tries in the background until the server is there. */
static void test_tcp(void)
{
    int port = free_port();
    g_autofree char *server = g_strdup_printf("tcp:127.0.0.1:%d,server,nowait,nodelay",
                                              port);
    g_autofree char *client = g_strdup_printf("socket,id=c,host=127.0.0.1,port=%d,"
                                              "reconnect=1", port);
    Recorder *c = recorder_new(good_chardev(client), false), *s;
    Chardev *chr;
    bool monitor;

    turn_for_ms(20);
    g_assert_true(chardev_new_short(server, "s", &chr, &monitor, NULL));
    s = recorder_new(chr, false);
    until(chardev_connected(c->front) && chardev_connected(s->front));
    recorder_say(c, "ping");
    until(s->input->len == 4);
    recorder_say(s, "pong");
    until(c->input->len == 4);
    recorder_free(c);
    recorder_free(s);
    chardevs_close_all();
}

static void test_passed_fd(void)
{
    g_autofree char *options = NULL;
    Recorder *r;
    int fd[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), ==, 0);
    options = g_strdup_printf("socket,id=f,fd=%d", fd[1]);
    r = recorder_new(good_chardev(options), false);
    recorder_say(r, "passed");
    receive(fd[0], "passed");
    send_text(fd[0], "back");
    until(r->input->len == 4);
    recorder_free(r);
    chardevs_close_all();
    g_assert_true(at_end(fd[0]));
    close(fd[0]);
}

/* A socket of a process that was killed is replaced; one in use is not. */
static void test_in_use(void)
{
    g_autofree char *path = g_build_filename(dir, "u", NULL);
    g_autofree char *options = server_at(path);
    g_autofree char *message = g_strdup_printf("chardev 's': cannot listen on unix:%s: "
                                               "Address already in use", path);
    int fd = listen_at(path);

    bad_chardev(options, message);
    g_assert_cmpint(access(path, F_OK), ==, 0);
    close(fd);
    good_chardev(options);
    chardevs_close_all();

    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    bad_chardev(options, message);
    g_assert_cmpint(access(path, F_OK), ==, 0);
}

static void test_refused(void)
{
    static const char one_of[] =
        "chardev 'a': a socket needs one of: path=, host= and port=, fd=";
    g_autofree char *name = g_strnfill(200, 'x');
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *options = g_strdup_printf("socket,id=a,path=%s,server=on", path);
    g_autofree char *message =
        g_strdup_printf("chardev 'a': UNIX socket path '%s' is too long: "
                        "at most 107 bytes", path);

    bad_chardev(options, message);
    bad_chardev("socket,id=a,path=/nowhere/s", "chardev 'a': cannot connect to "
                "unix:/nowhere/s: No such file or directory");
    bad_chardev("socket,id=a,host=127.0.0.1,port=1", "chardev 'a': cannot connect to "
                "tcp:127.0.0.1:1: Connection refused");
    bad_chardev("socket,id=a,fd=0",
                "chardev 'a': fd: '0' is not the number of an open socket");
    bad_chardev("socket,id=a", one_of);
    bad_chardev("socket,id=a,host=h", one_of);
    bad_chardev("socket,id=a,path=p,port=1", one_of);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    dir = scratch_dir();
    g_test_add_func("/chardev/socket/server", test_server);
    g_test_add_func("/chardev/socket/write-and-leave", test_write_and_leave);
    g_test_add_func("/chardev/socket/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/chardev/socket/gone-while-paused", test_gone_while_paused);
    g_test_add_func("/chardev/socket/wait", test_wait);
    g_test_add_func("/chardev/socket/client", test_client);
    g_test_add_func("/chardev/socket/reconnect", test_reconnect);
    g_test_add_func("/chardev/socket/tcp", test_tcp);
    g_test_add_func("/chardev/socket/passed-fd", test_passed_fd);
    g_test_add_func("/chardev/socket/in-use", test_in_use);
    g_test_add_func("/chardev/socket/refused", test_refused);
    status = g_test_run();
    scratch_remove(dir);
    return status;
}
