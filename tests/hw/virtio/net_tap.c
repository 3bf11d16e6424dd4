/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net on an I/O thread, before a tap device of the host: frames both ways at
 * once while the link, the machine and the card itself come and go.  The main loop
 * never runs here, so whatever arrives was carried by the I/O thread.
 *
 * In a network namespace of its own; the host's side is a packet socket.
 */

#include "base/lock.h"
#include "hw/virtio/devices.h"
#include "net/net.h"
#include "tests/lib/virtio_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TYPE = 0x88b5,                  /* IEEE 802: for experiments */
    HEADER = 12, FRAME = 200, NUMBER_AT = 16, SLOT = 2048,
    RING = 64, WINDOW = 32, IN = 0x60000, OUT = IN + RING * SLOT,
    PATIENCE = 60 * 1000000,        /* us */
};

static IoContext *io;
static DriverRing in, out;
static int host;                    /* the packet socket */

/* With so short packets there is no IPv6, whose own would come between. */
static int packet_socket(const char *interface)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, g_htons(TYPE));
    struct ifreq up = { .ifr_flags = IFF_UP }, mtu = { .ifr_mtu = 1000 };
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = g_htons(TYPE),
        .sll_ifindex = if_nametoindex(interface),
    };

    g_strlcpy(up.ifr_name, interface, sizeof up.ifr_name);
    g_strlcpy(mtu.ifr_name, interface, sizeof mtu.ifr_name);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ioctl(fd, SIOCSIFMTU, &mtu), ==, 0);
    g_assert_cmpint(ioctl(fd, SIOCSIFFLAGS, &up), ==, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof at), ==, 0);
    return fd;
}

static void make_frame(u8 *frame, u32 number)
{
    memset(frame, number, FRAME);
    memset(frame, 0xff, 6);
    memset(frame + 6, 2, 6);
    frame[12] = TYPE >> 8;
    frame[13] = TYPE & 0xff;
    memcpy(frame + NUMBER_AT, &number, sizeof number);
}

static void host_sends(u32 number)
{
    u8 frame[FRAME];

    make_frame(frame, number);
    g_assert_cmpint(send(host, frame, sizeof frame, 0), ==, FRAME);
}

/* Those that we sent come by once more, as the interface sees them leave. */
static bool host_receives(u32 *number)
{
    u8 frame[FRAME + 1];
    struct sockaddr_ll from = { 0 };
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(host, frame, sizeof frame, 0, (struct sockaddr *)&from, &size);

    if (n != FRAME || from.sll_pkttype == PACKET_OUTGOING) {
        return false;
    }
    memcpy(number, frame + NUMBER_AT, sizeof *number);
    return true;
}

static void add(DriverRing *ring, gpa at, u32 bytes, bool write)
{
    DriverBuf buf = { at, bytes, write };

    io_lock(io);
    g_assert_cmpint(ring_add(ring, &buf, 1, false), >=, 0);
    ring_publish(ring);
    io_unlock(io);
}

static void give_buffer(u32 number)
{
    add(&in, IN + number % RING * SLOT, SLOT, true);
}

static void guest_sends(u32 number)
{
    u8 packet[HEADER + FRAME] = { 0 };
    gpa at = OUT + number % RING * SLOT;

    make_frame(packet + HEADER, number);
    io_lock(io);
    g_assert_true(mem_write(d.machine->mem, at, packet, sizeof packet));
    io_unlock(io);
    add(&out, at, sizeof packet, false);
}

static bool taken(DriverRing *ring, u32 *bytes)
{
    DriverUsed used;
    bool is;

    io_lock(io);
    is = ring_poll(ring, &used);
    io_unlock(io);
    *bytes = used.bytes;
    return is;
}

/* Buffers come back in the order in which they were given. */
static bool guest_receives(u32 expected)
{
    u32 bytes, number;

    if (!taken(&in, &bytes)) {
        return false;
    }
    g_assert_cmpuint(bytes, ==, HEADER + FRAME);
    io_lock(io);
    number = ram_get(d.machine, IN + expected % RING * SLOT + HEADER + NUMBER_AT, 4);
    io_unlock(io);
    g_assert_cmpuint(number, ==, expected);
    return true;
}

static void plug_in(void)
{
    bed_open(&virtio_net, "netdev=n,iothread=t");
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | F_EVENT_IDX));
    g_assert_true(driver_ring(&d, &in, 0, RING));
    g_assert_true(driver_ring(&d, &out, 1, RING));
    driver_ok(&d);
}

/* `n` frames each way, WINDOW of them on their way; numbers from 0. */
static void exchange(u32 n)
{
    s64 until = g_get_monotonic_time() + PATIENCE;
    u32 given = 0, sent = 0, received = 0, arrived = 0, left = 0, number, bytes;

    while (received < n || arrived < n || left < n) {
        g_assert_cmpint(g_get_monotonic_time(), <, until);
        for (; given < n && given < received + RING; given++) {
            give_buffer(given);
        }
        ring_notify(&in);
        while (sent < n && sent < MIN(MIN(received, arrived), left) + WINDOW) {
            host_sends(sent);
            guest_sends(sent++);
        }
        ring_notify(&out);
        while (received < sent && guest_receives(received)) {
            received++;
        }
        while (host_receives(&number)) {
            g_assert_cmpuint(number, ==, arrived++);
        }
        while (left < sent && taken(&out, &bytes)) {
            left++;
        }
        g_usleep(50);
    }
}

static void test_frames(void)
{
    for (unsigned round = 0; round < 3; round++) {
        plug_in();
        exchange(2000);
        bed_close();
    }
}

/* What is held up while the machine stands or has no buffers comes afterwards. */
static void test_pause(void)
{
    u32 bytes;

    plug_in();
    for (u32 number = 0; number < WINDOW; number++) {
        host_sends(number);
    }
    machine_unlock();
    nets_hold(true);
    machine_lock();
    for (u32 number = 0; number < WINDOW; number++) {
        give_buffer(number);
    }
    ring_notify(&in);
    g_usleep(20000);
    g_assert_false(taken(&in, &bytes));
    machine_unlock();
    nets_hold(false);
    machine_lock();
    for (u32 number = 0; number < WINDOW; ) {
        number += guest_receives(number);
    }
    bed_close();
}

/* The card, the link and the driver go while frames come. */
static void test_leave(void)
{
    for (unsigned round = 0; round < 30; round++) {
        plug_in();
        for (u32 number = 0; number < WINDOW; number++) {
            give_buffer(number);
            host_sends(number);
            if (number == WINDOW / 2) {
                ring_notify(&in);
            }
        }
        machine_unlock();
        g_assert_true(net_set_link("n", round % 3 != 0, NULL));
        machine_lock();
        if (round % 2) {
            driver_set(&d, STATUS, 0);
        }
        bed_close();
    }
    g_assert_true(net_set_link("n", true, NULL));
    plug_in();
    while (host_receives(&(u32){ 0 }) || errno != EAGAIN) {
    }
    bed_close();
}

static void set_interface(bool on)
{
    struct ifreq request = { .ifr_flags = on ? IFF_UP : 0 };

    g_strlcpy(request.ifr_name, "mayfly0", sizeof request.ifr_name);
    g_assert_cmpint(ioctl(host, SIOCSIFFLAGS, &request), ==, 0);
}

/* Nobody takes what the guest sends: it goes nowhere, and the guest goes on. */
static void test_down(void)
{
    s64 until = g_get_monotonic_time() + PATIENCE;
    u32 left = 0, bytes;

    plug_in();
    set_interface(false);
    for (u32 number = 0; number < 10 * RING; number++) {
        guest_sends(number);
        ring_notify(&out);
        while (number + 1 - left >= RING / 2) {
            g_assert_cmpint(g_get_monotonic_time(), <, until);
            left += taken(&out, &bytes);
        }
    }
    set_interface(true);
    bed_close();
    while (recv(host, &bytes, 1, 0) >= 0 || errno != EAGAIN) {
    }
    plug_in();
    exchange(RING);
    bed_close();
}

static bool may_make_taps(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd < 0 || unshare(CLONE_NEWNET) < 0) {
        return false;
    }
    close(fd);
    return true;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) err = NULL;
    bool may = may_make_taps();
    int status = 0;

    g_test_init(&argc, &argv, NULL);
    g_main_context_default();       /* GLib makes it in this thread */
    if (!may) {
        g_print("1..0 # SKIP no /dev/net/tun, or no network namespace allowed\n");
        return 0;
    }
    io = io_thread_new("t", &err);
    g_assert_no_error(err);
    (void)!netdev_new("tap,id=n,ifname=mayfly0,script=no", &err);
    g_assert_no_error(err);
    host = packet_socket("mayfly0");
    g_test_add_func("/net/tap/frames", test_frames);
    g_test_add_func("/net/tap/pause", test_pause);
    g_test_add_func("/net/tap/leave", test_leave);
    g_test_add_func("/net/tap/down", test_down);
    status = g_test_run();
    close(host);
    netdevs_close_all();
    io_thread_free(io);
    return status;
}
