/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When virtio-net wants to be told of buffers to receive into: only after a packet
 * found too few.  A driver that refills its ring with every packet then does not notify
 * with every packet.
 */

#include "hw/virtio/devices.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/virtio_bed.h"

#include <string.h>

#define MRG_RXBUF   (1ull << 15)

enum { BUFFER = 4096, FRAME = 10000 };

static DriverRing receive;
static u8 frame[FRAME];
static const NetOffload nothing;

/* True if the device is to be told. */
static bool add_buffer(unsigned slot)
{
    DriverBuf buf = { 0x60000 + slot * BUFFER, BUFFER, true };
    u16 before = receive.next_avail;

    g_assert_cmpint(ring_add(&receive, &buf, 1, false), >=, 0);
    ring_publish(&receive);
    return ring_wants_kick(&receive, before);
}

static void test_kicks(gconstpointer data)
{
    u64 ring = *(const u64 *)data;
    DriverUsed used;

    fake_net_open(0, 1);
    bed_open(&virtio_net, "netdev=fake,ioeventfd=off");
    g_assert_true(driver_negotiate(&d, F_VERSION_1 | MRG_RXBUF | F_EVENT_IDX | ring));
    g_assert_true(driver_ring(&d, &receive, 0, 64));
    driver_ok(&d);
    add_buffer(0);
    ring_notify(&receive);
    for (unsigned round = 1; round <= 300; round++) {
        g_assert_false(add_buffer(1));
        g_assert_false(fake_net_deliver(0, &nothing, frame, FRAME));
        g_assert_true(add_buffer(2));
        ring_notify(&receive);
        g_assert_cmpuint(fake_net.resumed, ==, round);
        g_assert_true(fake_net_deliver(0, &nothing, frame, FRAME));
        for (unsigned i = 0; i < 3; i++) {
            g_assert_true(ring_poll(&receive, &used));
        }
        g_assert_false(add_buffer(0));
    }
    bed_close();
    fake_net_close();
}

int main(int argc, char **argv)
{
    static const u64 split, packed = F_PACKED;

    g_test_init(&argc, &argv, NULL);
    memset(frame, 0x5a, sizeof frame);
    g_test_add_data_func("/net/kicks/split", &split, test_kicks);
    g_test_add_data_func("/net/kicks/packed", &packed, test_kicks);
    return g_test_run();
}
