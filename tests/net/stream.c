/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames over a socket whose other end is not kind: one that does not read, one that
 * sends what is no frame, one that sends more than the guest takes.  Nothing waits for
 * it; of what a stream has taken nothing is lost.
 */

#include "base/lock.h"
#include "net/net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG = 60000, MOST = 1000, SHORT = 100 };

static NetFront *front;
static int peer;
static bool refuse;
static unsigned received, writable;
static u8 frame[LONG];

static bool receive(void *opaque, unsigned queue, const NetFrame *f)
{
    u8 head[SHORT] = { 0 };

    (void)opaque, (void)queue;
    if (refuse) {
        return false;
    }
    g_assert_cmpuint(f->bytes, ==, SHORT);
    net_frame_copy(f, head, sizeof head);
    g_assert_cmpuint(head[20] | head[21] << 8, ==, received);
    received++;
    return true;
}

static void can_write(void *opaque, unsigned queue)
{
    (void)opaque, (void)queue;
    writable++;
}

static const NetFrontOps ops = { .receive = receive, .writable = can_write };

static void set_up_kind(int type, const char *form)
{
    static const u8 mac[6] = { 2 };
    g_autofree char *options = NULL;
    g_autoptr(GError) err = NULL;
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, type, 0, ends), ==, 0);
    peer = ends[0];
    fcntl(peer, F_SETFL, O_NONBLOCK);
    options = g_strdup_printf("%s=%d", form, ends[1]);
    g_assert_true(netdev_new(options, &err));
    front = net_attach("s", "card", "test", mac, &ops, NULL, &err);
    g_assert_no_error(err);
    refuse = false;
    received = writable = 0;
}

static void set_up(void)
{
    set_up_kind(SOCK_STREAM, "stream,id=s,addr.type=fd,addr.str");
}

static void tear_down(void)
{
    machine_lock();
    net_detach(front);
    machine_unlock();
    netdevs_close_all();
    close(peer);
}

static void run_loop(void)
{
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

static bool send_frame(unsigned n)
{
    struct iovec iov = { frame, sizeof frame };
    NetFrame f = { .iov = &iov, .n = 1, .bytes = sizeof frame };
    bool sent;

    memset(frame + 14, n, sizeof frame - 14);
    machine_lock();
    sent = net_send(front, 0, &f);
    machine_unlock();
    return sent;
}

/* The header of a frame that long, and of the frame SHORT bytes at most. */
static bool peer_sends(u32 length, unsigned n)
{
    u8 message[4 + SHORT] = { 0 };
    u32 be = htonl(length);

    memcpy(message, &be, 4);
    message[4 + 20] = n;
    message[4 + 21] = n >> 8;
    return write(peer, message, 4 + MIN(length, SHORT)) > 0;
}

static void test_peer_that_does_not_read(void)
{
    unsigned n = 0;
    size_t got = 0, all;
    u8 bytes[4096];

    set_up();
    while (n < MOST && send_frame(n)) {
        n++;
    }
    g_assert_cmpuint(n, <, MOST);
    g_assert_cmpuint(writable, ==, 0);
    all = n * (4 + sizeof frame);
    while (got < all) {
        ssize_t part = read(peer, bytes, sizeof bytes);

        for (ssize_t i = 0; i < part; i++, got++) {
            size_t at = got % (4 + sizeof frame);

            if (at >= 4 + 14) {
                g_assert_cmpuint(bytes[i], ==, (u8)(got / (4 + sizeof frame)));
            }
        }
        run_loop();
    }
    g_assert_cmpint(read(peer, bytes, sizeof bytes), <, 0);     /* and no more */
    g_assert_cmpuint(writable, ==, 1);
    g_assert_true(send_frame(0));
    tear_down();
}

/* Lengths that no frame has are passed over, those that nothing has end it. */
static void test_no_frames(void)
{
    u8 byte;

    set_up();
    g_assert_true(peer_sends(0, 0));
    g_assert_true(peer_sends(13, 0));
    g_assert_true(peer_sends(SHORT, 0));
    run_loop();
    g_assert_cmpuint(received, ==, 1);
    g_assert_true(peer_sends(UINT32_MAX, 0));
    run_loop();
    g_assert_cmpint(read(peer, &byte, 1), ==, 0);
    g_assert_true(send_frame(0));                   /* into the air */
    tear_down();
}

static void test_guest_that_takes_nothing(void)
{
    unsigned n = 0;

    set_up();
    refuse = true;
    while (n < UINT16_MAX && peer_sends(SHORT, n)) {
        n++;
        run_loop();
    }
    g_assert_cmpuint(n, <, UINT16_MAX);
    g_assert_cmpuint(received, ==, 0);
    refuse = false;
    machine_lock();
    net_resume(front, 0);
    machine_unlock();
    for (unsigned i = 0; i < 10000 && received < n; i++) {
        run_loop();
    }
    g_assert_cmpuint(received, ==, n);
    tear_down();
}

/* Datagrams may be lost, but not in part. */
static void test_datagrams(void)
{
    unsigned n = 0;
    int last = -1;
    ssize_t got;

    set_up_kind(SOCK_DGRAM, "dgram,id=s,local.type=fd,local.str");
    for (unsigned i = 0; i < MOST; i++) {
        g_assert_true(send_frame(i % 256));
    }
    g_assert_cmpuint(writable, ==, 0);
    while ((got = read(peer, frame, sizeof frame)) > 0) {
        g_assert_cmpint(got, ==, LONG);
        g_assert_cmpint(frame[14], ==, (u8)(last + 1));
        g_assert_cmpint(frame[LONG - 1], ==, frame[14]);
        last = frame[14];
        n++;
    }
    g_assert_cmpuint(n, >, 0);
    g_assert_cmpuint(n, <, MOST);
    g_assert_cmpint(write(peer, frame, 0), ==, 0);
    g_assert_cmpint(write(peer, frame, 13), ==, 13);
    run_loop();
    g_assert_cmpuint(received, ==, 0);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/stream/full", test_peer_that_does_not_read);
    g_test_add_func("/net/stream/no_frames", test_no_frames);
    g_test_add_func("/net/stream/starved", test_guest_that_takes_nothing);
    g_test_add_func("/net/dgram/full", test_datagrams);
    return g_test_run();
}
