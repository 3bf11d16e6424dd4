/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net under a driver that sends anything: random headers, packets, control
 * commands and buffers, packets from a back end that is full now and then, resets.
 * MAYFLY_FUZZ=N in the environment: N times 200000 operations.
 */

#include "base/lock.h"
#include "hw/virtio/devices.h"
#include "tests/lib/chance.h"
#include "tests/lib/fake_net.h"
#include "tests/lib/packets.h"
#include "tests/lib/virtio_bed.h"

#include <stdlib.h>
#include <string.h>

enum { OPERATIONS = 200000, QUEUES = 9, PACKETS = 0x40000, PACKETS_END = 0xf0000 };

static DriverRing ring[QUEUES];
static Chance chance;
static u8 frame[NET_FRAME_MAX + 64];
static bool up;

static void come_up(void)
{
    u64 wanted = F_VERSION_1 | chance_next(&chance);

    /* mostly with all there is, and split */
    wanted |= chance_one_in(&chance, 2) ? ~F_PACKED : 0;
    up = driver_open(&d, rig->machine, driver_first(rig->machine)) &&
         driver_negotiate(&d, wanted);
    for (unsigned i = 0; up && i < QUEUES; i++) {
        up = driver_ring(&d, &ring[i], i, i == 8 ? 64 : 16);
    }
    driver_ok(&d);
}

/* A frame that is right but for a few bytes; its length. */
static size_t some_frame(void)
{
    size_t payload = chance_below(&chance, chance_one_in(&chance, 20) ? 65000 : 1500);
    size_t n = chance_one_in(&chance, 4)
               ? packet_udp(frame, MIN(payload, 60000))
               : packet_tcp(frame, chance_one_in(&chance, 2) ? 4 : 6,
                            chance_next(&chance), chance_below(&chance, 11) * 4,
                            MIN(payload, 60000));

    for (unsigned i = chance_below(&chance, 4); i; i--) {
        frame[chance_below(&chance, 80)] = chance_next(&chance);
    }
    return chance_one_in(&chance, 8) ? chance_below(&chance, n + 1) : n;
}

static NetOffload some_offload(void)
{
    return (NetOffload){
        chance_one_in(&chance, 20) ? chance_next(&chance) : chance_below(&chance, 4),
        chance_one_in(&chance, 20) ? chance_next(&chance) : chance_below(&chance, 5),
        chance_next(&chance), chance_below(&chance, 3000), chance_below(&chance, 100),
        chance_one_in(&chance, 10) ? chance_next(&chance) : 16,
    };
}

static void put(DriverRing *r, const DriverBuf *buf, unsigned n)
{
    bool indirect = chance_one_in(&chance, 2) && (d.features & F_INDIRECT);
    DriverUsed used;

    if (ring_add(r, buf, n, indirect) >= 0) {
        ring_publish(r);
    }
    ring_notify(r);
    for (unsigned i = 0; i < r->size && ring_poll(r, &used); i++) {
    }
}

static gpa some_place(size_t n)
{
    return PACKETS + chance_below(&chance, PACKETS_END - PACKETS - n);
}

static void transmit(void)
{
    NetOffload todo = some_offload();
    size_t n = some_frame(), first = chance_below(&chance, n + 1);
    u32 header = chance_one_in(&chance, 50) ? chance_below(&chance, 12) : 12;
    gpa at = some_place(n + 12);
    DriverBuf buf[] = { { at, header, false }, { at + 12, first, false },
                        { at + 12 + first, n - first, false } };

    g_assert_true(mem_write(d.machine->mem, at, &todo, sizeof todo));
    g_assert_true(mem_write(d.machine->mem, at + 12, frame, n));
    put(&ring[1 + 2 * chance_below(&chance, 4)], buf, 3);
}

static void control(void)
{
    u8 bytes[600];
    size_t n = chance_below(&chance, chance_one_in(&chance, 8) ? sizeof bytes : 16);
    gpa at = some_place(sizeof bytes + 8);
    DriverBuf buf[] = { { at, 2 + n, false }, { at + sizeof bytes + 2, 1, true } };

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = chance_one_in(&chance, 3) ? chance_next(&chance)
                                             : chance_below(&chance, 3);
    }
    bytes[0] = chance_below(&chance, 7);
    bytes[1] = chance_below(&chance, 7);
    g_assert_true(mem_write(d.machine->mem, at, bytes, 2 + n > sizeof bytes
                                                       ? sizeof bytes : 2 + n));
    buf[0].bytes = MIN(2 + n, sizeof bytes);
    put(&ring[d.features & (1ull << 22) ? 8 : 2], buf, 2);
}

static void give_buffers(void)
{
    u32 bytes = chance_one_in(&chance, 40) ? chance_below(&chance, 20)
                                           : 100 + chance_below(&chance, 4000);
    DriverBuf buf = { some_place(bytes), bytes, true };

    put(&ring[2 * chance_below(&chance, 4)], &buf, 1);
}

static void deliver(void)
{
    NetOffload todo = some_offload();
    size_t n = some_frame();

    if (chance_one_in(&chance, 3)) {
        todo = (NetOffload){ 0 };
    }
    fake_net_deliver(chance_below(&chance, 4), &todo, frame, n);
}

static void change(void)
{
    switch (chance_below(&chance, 4)) {
    case 0:
        fake_net.full = true;
        break;
    case 1:
        fake_net_has_room();
        break;
    case 2:
        machine_unlock();
        (void)!net_set_link("fake", chance_below(&chance, 4) != 0, NULL);
        machine_lock();
        break;
    default:
        driver_set(&d, STATUS, chance_one_in(&chance, 4) ? 0 : driver_get(&d, STATUS));
    }
}

static void operation(void)
{
    static void (*const kinds[])(void) = {
        transmit, transmit, transmit, control, give_buffers, give_buffers, deliver,
        deliver, deliver, change,
    };

    if (!up || driver_get(&d, STATUS) != 0x0f || chance_one_in(&chance, 2000)) {
        come_up();
    }
    kinds[chance_below(&chance, G_N_ELEMENTS(kinds))]();
}

static void test_net(gconstpointer data)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 operations = OPERATIONS * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1) / 2;
    u32 seed = g_test_rand_int();

    g_test_message("seed %u", seed);
    chance = chance_new(seed);
    up = false;
    fake_net_open(GPOINTER_TO_UINT(data), 4);
    bed_open(&virtio_net, "netdev=fake,mq=on,ioeventfd=off");
    for (u64 i = 0; i < operations; i++) {
        operation();
    }
    g_assert_cmpuint(fake_net.sent, >, operations / 100);
    bed_close();
    fake_net_close();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/net/takes-nothing", GUINT_TO_POINTER(0), test_net);
    g_test_add_data_func("/net/takes-all",
                         GUINT_TO_POINTER(NET_CSUM | NET_TSO4 | NET_TSO6 | NET_WHOLE),
                         test_net);
    return g_test_run();
}
