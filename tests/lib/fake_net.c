/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network back end for tests: see fake_net.h.
 */

#include "tests/lib/fake_net.h"

#include "base/lock.h"

FakeNet fake_net;

PROPS(FakeConfig, NETDEV_ROWS);

typedef struct {
    Netdev nd;
    FakeConfig config;
} Fake;

static u32 wanted_takes;
static unsigned wanted_queues;

static bool fake_open(Netdev *nd, GError **err)
{
    (void)err;
    nd->takes = wanted_takes;
    nd->queues = wanted_queues;
    return true;
}

static bool fake_send(Netdev *nd, unsigned queue, const NetFrame *frame)
{
    (void)nd;
    if (fake_net.full) {
        fake_net.refused++;
        return false;
    }
    fake_net.sent++;
    fake_net.queue = queue;
    fake_net.todo = frame->todo;
    fake_net.bytes = net_frame_copy(frame, fake_net.frame, sizeof fake_net.frame);
    g_assert_cmpuint(fake_net.bytes, ==, frame->bytes);
    return true;
}

static void fake_resume(Netdev *nd, unsigned queue)
{
    (void)nd, (void)queue;
    fake_net.resumed++;
}

static const NetKind fake_kind = {
    .name = "fake", .help = "for tests", NETDEV_CONFIG(Fake, FakeConfig),
    .open = fake_open, .send = fake_send, .resume = fake_resume,
};

void fake_net_open(u32 takes, unsigned queues)
{
    g_autoptr(GError) err = NULL;

    wanted_takes = takes;
    wanted_queues = queues;
    fake_net = (FakeNet){ .nd = netdev_make(&fake_kind, "id=fake", &err) };
    g_assert_no_error(err);
}

void fake_net_close(void)
{
    netdevs_close_all();
}

bool fake_net_deliver(unsigned queue, const NetOffload *todo, const u8 *frame, size_t n)
{
    struct iovec iov[] = { { (void *)frame, n / 3 },
                           { (void *)(frame + n / 3), n - n / 3 } };
    NetFrame it = { *todo, iov, 2, n };
    bool taken;

    machine_unlock();
    taken = netdev_deliver(fake_net.nd, queue, &it, 1);
    machine_lock();
    return taken;
}

void fake_net_has_room(void)
{
    fake_net.full = false;
    machine_unlock();
    netdev_writable(fake_net.nd, 0);
    machine_lock();
}
