/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network back end that keeps what it is sent and can be full; and one frame to be
 * delivered.  Under the machine lock, like the driver's side of a test.
 */

#ifndef TESTS_LIB_FAKE_NET_H
#define TESTS_LIB_FAKE_NET_H

#include "net/kind.h"

typedef struct {
    Netdev *nd;
    unsigned sent, refused, resumed;
    bool full;
    unsigned queue;                 /* of the last frame */
    NetOffload todo;
    size_t bytes;
    u8 frame[NET_FRAME_MAX];
} FakeNet;

extern FakeNet fake_net;

/* "-netdev fake,id=fake" that takes `takes` and has so many pairs of queues. */
void fake_net_open(u32 takes, unsigned queues);
void fake_net_close(void);
bool fake_net_deliver(unsigned queue, const NetOffload *todo, const u8 *frame,
                      size_t n);
void fake_net_has_room(void);       /* no longer full: says so */

#endif
