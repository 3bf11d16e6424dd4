/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net (virtio 1.2, section 5.1): packets both ways through a back end that keeps
 * them, offloads that it takes or does not, the control queue, the filter, the link.
 */

#include "base/lock.h"
#include "hw/virtio/devices.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/packets.h"
#include "tests/lib/virtio_bed.h"

#include <string.h>

/* 5.1.3 */
#define CSUM        (1ull << 0)
#define GUEST_CSUM  (1ull << 1)
#define GUEST_TSO4  (1ull << 7)
#define HOST_TSO4   (1ull << 11)
#define MRG         (1ull << 15)
#define F_STATUS    (1ull << 16)
#define CTRL        (1ull << 17)
#define CTRL_RX     (1ull << 18)
#define CTRL_VLAN   (1ull << 19)
#define CTRL_EXTRA  (1ull << 20)
#define MQ          (1ull << 22)
#define CTRL_MAC    (1ull << 23)

enum { HEADER = 12, SLOT = 4096 };

static DriverRing receive, transmit, control;
static u8 frame[NET_FRAME_MAX + 64], seen[NET_FRAME_MAX + 64];
static const NetOffload nothing;

/* ---- the bed ---- */

static void set_up(u64 features, u32 takes)
{
    fake_net_open(takes, 1);
    bed_open(&virtio_net, "netdev=fake,ioeventfd=off");
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | features));
    g_assert_cmphex(d.features, ==, F_VERSION_1 | features);
    g_assert_true(driver_ring(&d, &receive, 0, 64));
    g_assert_true(driver_ring(&d, &transmit, 1, 64));
    g_assert_true(driver_ring(&d, &control, 2, 64));
    driver_ok(&d);
}

static void tear_down(void)
{
    bed_close();
    fake_net_close();
}

/* Sends header and frame in two buffers; true if they were used. */
static bool transmit_frame(const NetOffload *todo, const u8 *bytes, size_t n)
{
    gpa at = 0x20000;
    DriverBuf buf[] = { { at, HEADER, false }, { at + HEADER, n, false } };
    DriverUsed used;

    ram_put(d.machine, at, 0, 8);
    ram_put(d.machine, at + 8, 0, 4);
    g_assert_true(mem_write(d.machine->mem, at, todo, sizeof *todo));
    g_assert_true(mem_write(d.machine->mem, at + HEADER, bytes, n));
    g_assert_cmpint(ring_add(&transmit, buf, n ? 2 : 1, false), >=, 0);
    ring_publish(&transmit);
    ring_notify(&transmit);
    return ring_poll(&transmit, &used);
}

static void add_buffers(unsigned count, u32 bytes)
{
    static unsigned slot;

    for (unsigned i = 0; i < count; i++, slot = (slot + 1) % 100) {
        DriverBuf buf = { 0x60000 + slot * SLOT, bytes, true };

        g_assert_cmpint(ring_add(&receive, &buf, 1, false), >=, 0);
    }
    ring_publish(&receive);
    ring_notify(&receive);
}

/* Gathers what was used; bytes of the packet, or -1 if nothing was. */
static int received(unsigned *buffers, u8 header[HEADER])
{
    DriverUsed used;
    size_t n = 0;

    *buffers = 0;
    while (true) {
        /* where the next used entry's buffer lies: its descriptor is not freed yet */
        u32 id = ram_get(d.machine, receive.used + 4 + 8 * (receive.next_used %
                                                             receive.size), 4);
        gpa at = ram_get(d.machine, receive.desc + 16 * id, 8);

        if (!ring_poll(&receive, &used)) {
            break;
        }
        g_assert_true(mem_read(d.machine->mem, at, seen + n, used.bytes));
        n += used.bytes;
        ++*buffers;
    }
    memcpy(header, seen, HEADER);
    return n ? (int)(n - HEADER) : -1;
}

/* ---- to the back end ---- */

static void test_transmit(void)
{
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 12, 1000);

    set_up(0, 0);
    g_assert_true(transmit_frame(&nothing, frame, n));
    g_assert_cmpmem(fake_net.frame, fake_net.bytes, frame, n);
    g_assert_true(transmit_frame(&nothing, frame, 14));
    g_assert_cmpuint(fake_net.sent, ==, 2);
    tear_down();
}

/* The checksum that the driver leaves, done by the back end or here. */
static void test_checksum(void)
{
    NetOffload todo = { .flags = NET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 };
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 0, 1001);
    u16 pseudo = plain_sum(frame + 26, 8, 6 + n - 34);

    frame[50] = pseudo >> 8;
    frame[51] = pseudo;
    for (unsigned takes = 0; takes < 2; takes++) {
        set_up(CSUM, takes ? NET_CSUM : 0);
        g_assert_true(transmit_frame(&todo, frame, n));
        g_assert_cmpuint(fake_net.sent, ==, 1);
        g_assert_cmpint(packet_is_right(fake_net.frame, n), ==, !takes);
        g_assert_cmpint(fake_net.todo.flags, ==, takes);
        tear_down();
    }
}

static void test_segments(void)
{
    NetOffload todo = { .flags = NET_NEEDS_CSUM, .gso = NET_GSO_TCP4, .gso_bytes = 1448,
                        .csum_start = 34, .csum_offset = 16 };
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 12, 60000);

    set_up(CSUM | HOST_TSO4, NET_CSUM | NET_TSO4);
    g_assert_true(transmit_frame(&todo, frame, n));
    g_assert_cmpmem(fake_net.frame, fake_net.bytes, frame, n);
    g_assert_cmpuint(fake_net.todo.gso_bytes, ==, 1448);
    tear_down();
    set_up(CSUM | HOST_TSO4, 0);
    g_assert_true(transmit_frame(&todo, frame, n));
    g_assert_cmpuint(fake_net.sent, ==, 42);
    g_assert_cmpuint(fake_net.bytes, ==, 66 + 60000 - 41 * 1448);
    g_assert_true(packet_is_right(fake_net.frame, fake_net.bytes));
    tear_down();
}

/* What is no packet is used and goes nowhere; without a header the device stops. */
static void test_malformed(void)
{
    static const NetOffload bad[] = {
        { .gso = 9 }, { .gso = NET_GSO_TCP4 }, { .flags = 0x80 },
        { .flags = NET_NEEDS_CSUM, .csum_start = 0xffff, .csum_offset = 0xffff },
        { .flags = NET_NEEDS_CSUM, .gso = NET_GSO_TCP6, .gso_bytes = 1 },
    };
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 0, 100);
    DriverBuf shorter = { 0x20000, HEADER - 1, false }, empty = { 0x20000, 0, false };

    set_up(CSUM | HOST_TSO4, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_true(transmit_frame(&bad[i], frame, n));
    }
    g_assert_true(transmit_frame(&nothing, frame, 13));
    g_assert_true(transmit_frame(&nothing, frame, 0));
    g_assert_true(transmit_frame(&nothing, frame, NET_FRAME_MAX + 1));
    g_assert_cmpuint(fake_net.sent, ==, 0);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x0f);
    g_assert_cmpint(ring_add(&transmit, &shorter, 1, false), >=, 0);
    ring_publish(&transmit);
    ring_notify(&transmit);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x4f);
    tear_down();

    set_up(0, 0);
    g_assert_cmpint(ring_add(&transmit, &empty, 1, false), >=, 0);
    ring_publish(&transmit);
    ring_notify(&transmit);
    g_assert_cmphex(driver_get(&d, STATUS), ==, 0x4f);
    tear_down();
}

/* A peer that does not read: the packet waits in the ring, and a reset frees it. */
static void test_full(void)
{
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 0, 100);
    DriverUsed used;

    set_up(F_EVENT_IDX, 0);
    fake_net.full = true;
    g_assert_false(transmit_frame(&nothing, frame, n));
    g_assert_false(transmit_frame(&nothing, frame, n));
    g_assert_cmpuint(fake_net.refused, ==, 2);
    fake_net_has_room();
    g_assert_cmpuint(fake_net.sent, ==, 2);
    g_assert_true(ring_poll(&transmit, &used));
    g_assert_true(ring_poll(&transmit, &used));
    fake_net.full = true;
    g_assert_false(transmit_frame(&nothing, frame, n));
    driver_set(&d, STATUS, 0);
    fake_net_has_room();
    g_assert_cmpuint(fake_net.sent, ==, 2);
    tear_down();
}

/* ---- from the back end ---- */

static void test_mergeable(void)
{
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 0, 1400);
    u8 header[HEADER];
    unsigned buffers;

    set_up(MRG | F_EVENT_IDX, 0);
    add_buffers(2, 512);
    g_assert_false(fake_net_deliver(0, &nothing, frame, n));
    g_assert_cmpint(received(&buffers, header), ==, -1);
    g_assert_cmpuint(fake_net.resumed, ==, 0);
    /* 2.7.10: the device asks to be told of the third */
    g_assert_cmpuint(ram_get(d.machine, receive.used + 4 + 8 * 64, 2), ==, 2);
    add_buffers(2, 512);
    g_assert_cmpuint(fake_net.resumed, ==, 1);
    g_assert_true(fake_net_deliver(0, &nothing, frame, n));
    g_assert_cmpint(received(&buffers, header), ==, n);
    g_assert_cmpuint(buffers, ==, 3);
    g_assert_cmpuint(header[10], ==, 3);
    g_assert_cmpmem(seen + HEADER, n, frame, n);
    tear_down();
}

/* 5.1.6.4: one buffer, or none. */
static void test_single(void)
{
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 0, 1000);
    u8 header[HEADER];
    unsigned buffers;

    set_up(0, 0);
    add_buffers(2, 1000);
    g_assert_true(fake_net_deliver(0, &nothing, frame, n));     /* lost */
    g_assert_cmpint(received(&buffers, header), ==, -1);
    g_assert_true(fake_net_deliver(0, &nothing, frame, 900));
    g_assert_cmpint(received(&buffers, header), ==, 900);
    g_assert_cmpuint(header[10], ==, 1);
    tear_down();
}

/* A driver gets only what it has agreed to. */
static void test_guest_offloads(void)
{
    NetOffload todo = { .flags = NET_NEEDS_CSUM, .gso = NET_GSO_TCP4, .gso_bytes = 1460,
                        .csum_start = 34, .csum_offset = 16 };
    NetOffload valid = { .flags = NET_DATA_VALID };
    u8 header[HEADER];
    unsigned buffers;
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 0, 4000);

    set_up(MRG | GUEST_CSUM | GUEST_TSO4, 0);
    add_buffers(4, 2000);
    g_assert_true(fake_net_deliver(0, &todo, frame, n));
    g_assert_cmpint(received(&buffers, header), ==, n);
    g_assert_cmpmem(header, sizeof todo, &todo, sizeof todo);
    g_assert_true(fake_net_deliver(0, &valid, frame, 100));
    g_assert_cmpint(received(&buffers, header), ==, 100);
    g_assert_cmpuint(header[0], ==, NET_DATA_VALID);
    tear_down();

    set_up(MRG, 0);
    add_buffers(8, 2000);
    n = packet_tcp(frame, 4, PACKET_ACK, 0, 4000);
    g_assert_true(fake_net_deliver(0, &todo, frame, n));
    g_assert_cmpint(received(&buffers, header), ==, n + 2 * 54 + 2 * HEADER);
    g_assert_cmpuint(buffers, ==, 3);
    g_assert_cmpuint(header[0], ==, 0);
    g_assert_true(packet_is_right(seen + HEADER, 1514));
    g_assert_true(fake_net_deliver(0, &valid, frame, 100));
    g_assert_cmpint(received(&buffers, header), ==, 100);
    g_assert_cmpuint(header[0], ==, 0);
    tear_down();
}

/* ---- the control queue ---- */

static int command(u8 class, u8 code, const void *data, size_t n)
{
    gpa at = 0x30000;
    DriverBuf buf[] = { { at, 2 + n, false }, { at + 1024, 1, true } };
    DriverUsed used;

    ram_put(d.machine, at, class | code << 8, 2);
    g_assert_true(mem_write(d.machine->mem, at + 2, data, n));
    ram_put(d.machine, at + 1024, 0xee, 1);
    g_assert_cmpint(ring_add(&control, buf, 2, false), >=, 0);
    ring_publish(&control);
    ring_notify(&control);
    g_assert_true(ring_poll(&control, &used));
    g_assert_cmpuint(used.bytes, ==, 1);
    return ram_get(d.machine, at + 1024, 1);
}

static bool arrives(const char *destination)
{
    u8 header[HEADER];
    unsigned buffers;
    size_t n = packet_udp(frame, 100);

    memcpy(frame, destination, 6);
    add_buffers(1, 2000);
    g_assert_true(fake_net_deliver(0, &nothing, frame, n));
    return received(&buffers, header) == (int)n;
}

static void test_filter(void)
{
    static const char own[] = "\x52\x54\x00\x12\x34\x56", other[] = "\x52\x54\0\0\0\1",
                      group[] = "\x01\x00\x5e\0\0\1",
                      all[] = "\xff\xff\xff\xff\xff\xff";
    static const u8 table[] = "\1\0\0\0\x52\x54\0\0\0\1\1\0\0\0\x01\x00\x5e\0\0\1";

    set_up(MRG | CTRL | CTRL_RX | CTRL_EXTRA | CTRL_MAC, 0);
    g_assert_true(arrives(other) && arrives(group) && arrives(all) && arrives(own));
    g_assert_cmpint(command(0, 0, "\0", 1), ==, 0);
    g_assert_true(!arrives(other) && !arrives(group) && arrives(all) && arrives(own));
    g_assert_cmpint(command(1, 0, table, sizeof table - 1), ==, 0);
    g_assert_true(arrives(other) && arrives(group) && arrives(own));
    g_assert_cmpint(command(1, 0, "\0\0\0\0\0\0\0\0", 8), ==, 0);
    g_assert_true(!arrives(other) && !arrives(group));
    g_assert_cmpint(command(0, 1, "\1", 1), ==, 0);
    g_assert_true(arrives(group) && !arrives(other));
    g_assert_cmpint(command(0, 5, "\1", 1), ==, 0);
    g_assert_false(arrives(all));
    g_assert_cmpint(command(1, 1, other, 6), ==, 0);
    g_assert_true(arrives(other) && !arrives(own));
    /* what is too short, unknown, or lies about its length */
    g_assert_cmpint(command(1, 0, "\xff\xff\xff\xff", 4), ==, 1);
    g_assert_cmpint(command(1, 1, other, 5), ==, 1);
    g_assert_cmpint(command(0, 6, "\1", 1), ==, 1);
    g_assert_cmpint(command(0, 0, "", 0), ==, 1);
    g_assert_cmpint(command(2, 0, "\1\0", 2), ==, 1);        /* not agreed on */
    g_assert_cmpint(command(200, 0, "\1", 1), ==, 1);
    tear_down();
}

static void test_vlan(void)
{
    u8 header[HEADER];
    unsigned buffers;

    set_up(MRG | CTRL | CTRL_RX | CTRL_VLAN, 0);
    g_assert_cmpint(command(0, 0, "\0", 1), ==, 0);
    for (unsigned on = 0; on < 2; on++) {
        memset(frame, 0, 100);
        memcpy(frame, "\x52\x54\x00\x12\x34\x56", 6);
        memcpy(frame + 12, "\x81\x00\x01\x23", 4);
        add_buffers(1, 500);
        g_assert_true(fake_net_deliver(0, &nothing, frame, 100));
        g_assert_cmpint(received(&buffers, header), ==, on ? 100 : -1);
        g_assert_cmpint(command(2, 0, "\x23\x01", 2), ==, 0);
    }
    g_assert_cmpint(command(2, 0, "\x00\x10", 2), ==, 1);
    tear_down();
}

static void test_queues(void)
{
    DriverRing pair;
    size_t n = packet_udp(frame, 100);

    fake_net_open(0, 4);
    bed_open(&virtio_net, "netdev=fake,mq=on,ioeventfd=off");
    g_assert_cmpuint(driver_get(&d, NUM_QUEUES), ==, 9);
    g_assert_cmpuint(driver_read(&d, AREA_DEVICE, 8, 2), ==, 4);
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | CTRL | MQ));
    g_assert_true(driver_ring(&d, &control, 8, 64));
    g_assert_true(driver_ring(&d, &pair, 7, 64));
    driver_ok(&d);
    g_assert_cmpint(command(4, 0, "\4\0", 2), ==, 0);
    g_assert_cmpint(command(4, 0, "\5\0", 2), ==, 1);
    g_assert_cmpint(command(4, 0, "\0\0", 2), ==, 1);
    transmit = pair;
    g_assert_true(transmit_frame(&nothing, frame, n));
    g_assert_cmpuint(fake_net.queue, ==, 3);
    g_assert_cmpmem(fake_net.frame, fake_net.bytes, frame, n);
    tear_down();
}

/* ---- the link, and what is said of options ---- */

static void test_link(void)
{
    size_t n = packet_udp(frame, 100);

    set_up(F_STATUS, 0);
    g_assert_cmpuint(driver_read(&d, AREA_DEVICE, 6, 2), ==, 1);
    for (unsigned i = 0; i < 2; i++) {
        machine_unlock();
        g_assert_true(net_set_link(i ? "virtio-net-pci.0" : "fake", false, NULL));
        machine_lock();
        g_assert_true(driver_read(&d, AREA_ISR, 0, 1) & 2);
        g_assert_cmpuint(driver_read(&d, AREA_DEVICE, 6, 2), ==, 0);
        g_assert_true(transmit_frame(&nothing, frame, n));
        g_assert_true(fake_net_deliver(0, &nothing, frame, n));
        g_assert_cmpuint(fake_net.sent, ==, 0);
        machine_unlock();
        g_assert_true(net_set_link(i ? "virtio-net-pci.0" : "fake", true, NULL));
        machine_lock();
        g_assert_true(driver_read(&d, AREA_ISR, 0, 1) & 2);
    }
    g_assert_true(transmit_frame(&nothing, frame, n));
    g_assert_cmpuint(fake_net.sent, ==, 1);
    tear_down();
}

static void test_options(void)
{
    static const struct { const char *options, *says; } rows[] = {
        { "mac=01:00:5e:00:00:01", "mac: the first byte is odd*" },
        { "mac=52:54:00:12:34", "mac: '52:54:00:12:34' is not *" },
        { "netdev=nosuch", "there is no netdev 'nosuch'" },
        { "rx-queue-size=300", "*not a power of two" },
        { "host-mtu=60", "*68*" },
    };
    Rig *first, *second;
    g_autoptr(GError) taken = NULL;

    fake_net_open(0, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_null(rig_new(&virtio_net.device, &virtio_pci_bus, rows[i].options, 0,
                              &err));
        if (!g_pattern_match_simple(rows[i].says, err->message)) {
            g_test_message("'%s'", err->message);
            g_test_fail();
        }
    }
    first = rig_new(&virtio_net.device, &virtio_pci_bus, "netdev=fake", 0, NULL);
    second = rig_new(&virtio_net.device, &virtio_pci_bus, "netdev=fake", 0, &taken);
    g_assert_nonnull(first);
    g_assert_null(second);
    g_assert_cmpstr(taken->message, ==,
                    "netdev 'fake' is in use by 'virtio-net-pci.0'");
    rig_free(first);
    fake_net_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio/net/transmit", test_transmit);
    g_test_add_func("/virtio/net/checksum", test_checksum);
    g_test_add_func("/virtio/net/segments", test_segments);
    g_test_add_func("/virtio/net/malformed", test_malformed);
    g_test_add_func("/virtio/net/full", test_full);
    g_test_add_func("/virtio/net/mergeable", test_mergeable);
    g_test_add_func("/virtio/net/single", test_single);
    g_test_add_func("/virtio/net/guest-offloads", test_guest_offloads);
    g_test_add_func("/virtio/net/filter", test_filter);
    g_test_add_func("/virtio/net/vlan", test_vlan);
    g_test_add_func("/virtio/net/queues", test_queues);
    g_test_add_func("/virtio/net/link", test_link);
    g_test_add_func("/virtio/net/options", test_options);
    return g_test_run();
}
