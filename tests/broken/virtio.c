/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Broken virtio devices: what a device proper can still do wrong above a core that
 * checks rings.  Each differs from tests/lib/echo.c in one thing.
 */

#include "tests/broken/broken.h"
#include "tests/lib/echo.h"
#include "hw/virtio/virtq.h"

/* Takes for granted that a driver leaves room for the answer. */
static void trusting_serve(VirtioDevice *virtio, Chain *chain)
{
    g_assert(chain_room(chain) > 0);
    echo_serve(virtio, chain);
}

/* Waits for room that never comes. */
static void spinning_serve(VirtioDevice *virtio, Chain *chain)
{
    while (chain_room(chain) == 0) {
        __asm__ volatile ("");
    }
    echo_serve(virtio, chain);
}

/* Answers in place. */
static void scribbling_serve(VirtioDevice *virtio, Chain *chain)
{
    if (chain->n_read && chain->part[0].bytes) {
        (void)!mem_write(virtq_mem(chain->queue), chain->part[0].at, "", 1);
    }
    echo_serve(virtio, chain);
}

/* Counts its answer's header twice. */
static void boasting_serve(VirtioDevice *virtio, Chain *chain)
{
    chain->written += 16;
    echo_serve(virtio, chain);
}

#define BROKEN(symbol, type_name, echo_fn)                                          \
    static const VirtioType symbol = {                                              \
        ECHO_DEVICE(type_name), ECHO_QUEUES(echo_fn),                               \
        .config_get = echo_config_get, .config_set = echo_config_set,               \
        .stop = echo_stop,                                                          \
    }

BROKEN(trusting, "virtio-trusting", trusting_serve);
BROKEN(spinning, "virtio-spinning", spinning_serve);
BROKEN(scribbling, "virtio-scribbling", scribbling_serve);
BROKEN(boasting, "virtio-boasting", boasting_serve);

/* ---- times ---- */

/* Keeps requests, and does not give them back when it is reset. */
static void keeping_serve(VirtioDevice *virtio, Chain *chain)
{
    echo_of(virtio)->hold = true;
    echo_serve(virtio, chain);
}

static const VirtioType keeping = {
    ECHO_DEVICE("virtio-keeping"), ECHO_QUEUES(keeping_serve),
};

/* A transfer that a reset does not stop: it knows where to, and that is enough. */
static void late_write(void *opaque)
{
    Echo *echo = opaque;

    (void)!mem_write(echo->virtio.device.machine->mem, 0xb0000, "late", 4);
}

static void late_serve(VirtioDevice *virtio, Chain *chain)
{
    Clock *clock = virtio->device.machine->clock;

    timer_set(timer_new(clock, late_write, virtio), clock_now(clock) + 1000 * 1000);
    echo_serve(virtio, chain);
}

BROKEN(late, "virtio-late", late_serve);

/* Looks at its ring after a while, whether somebody is there or not. */
static Timer *eager_timer;

static void eager_look(void *opaque)
{
    Echo *echo = opaque;
    gpa ring = echo->virtio.queues.device[ECHO];

    if (ring) {
        (void)!mem_write(echo->virtio.device.machine->mem, ring, "\1", 1);
    }
}

static bool eager_open(Device *dev, GError **err)
{
    (void)err;
    eager_timer = timer_new(dev->machine->clock, eager_look, dev);
    timer_set(eager_timer, NS_PER_SEC + 1);
    return true;
}

static void eager_close(Device *dev)
{
    (void)dev;
    timer_free(eager_timer);
}

static const VirtioType eager = {
    .device = {
        .name = "virtio-eager", .help = "a device for tests", .bus = VIRTIO_BUSES,
        .size = sizeof(Echo), .open = eager_open, .close = eager_close,
        .part = { .name = "echo", .state = echo_rows,
                  .state_at = offsetof(Echo, state), .state_size = sizeof(EchoState) },
    },
    .id = 42, .class = 0xff0000,
    ECHO_QUEUES(echo_serve),
};

const Broken broken_virtio[] = {
    { &trusting.device, "rings_are_hostile", "ends by signal 6: *" },
    { &spinning.device, "rings_are_hostile", "loops *" },
    { &scribbling.device, "rings_are_hostile",
      "writes to memory that it was not given" },
    { &boasting.device, "rings_are_hostile", "says it wrote *" },
    { &keeping.device, "timing_is_odd", "ends by signal 6: *" },
    { &late.device, "timing_is_odd", "writes to memory after a reset" },
    { &eager.device, "timing_is_odd", "writes to memory before DRIVER_OK" },
    { NULL, NULL, NULL }
};
