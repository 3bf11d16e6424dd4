/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device for tests, with a queue per way of serving:
 *
 *     0  echo    what is read is written back, as far as there is room
 *     1  spans   the same through host memory; the last writable byte is a status
 *     2  source  has buffers filled when a test says so
 *
 * and eight bytes of configuration space that the driver can write.
 */

#ifndef TESTS_LIB_ECHO_H
#define TESTS_LIB_ECHO_H

#include "hw/virtio/virtio.h"

enum { ECHO, SPANS, SOURCE, ECHO_STATUS = 0x5a, ECHO_MOST = 64 << 10 };

#define ECHO_STATE_ROWS (u8[8], scratch, "the configuration space")

STATE_STRUCT(EchoState, ECHO_STATE_ROWS);

typedef struct {
    VirtioDevice virtio;
    EchoState state;
    bool hold;                  /* keep requests of queue 0 until echo_release */
    Chain *held[256];
    unsigned n_held;
} Echo;

extern const Field echo_rows[];
extern const VirtioType echo_type;

static inline Echo *echo_of(VirtioDevice *virtio)
{
    return container_of(virtio, Echo, virtio);
}

void echo_serve(VirtioDevice *virtio, Chain *chain);
void echo_spans(VirtioDevice *virtio, Chain *chain);
void echo_stop(VirtioDevice *virtio);
void echo_config_get(VirtioDevice *virtio, u8 *bytes);
void echo_config_set(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                     unsigned n);

/* Completes the held request number `i` (of those that are left). */
void echo_release(Echo *echo, unsigned i);
/* Fills the next buffer of queue 2; false: there is none. */
bool echo_emit(Echo *echo, const void *bytes, size_t n);

/* What types made from it have in common: broken ones replace one thing. */
#define ECHO_DEVICE(type_name)                                                      \
    .device = {                                                                     \
        .name = type_name, .help = "a device for tests", .bus = VIRTIO_BUSES,       \
        .size = sizeof(Echo),                                                       \
        .part = {                                                                   \
            .name = "echo", .state = echo_rows,                                     \
            .state_at = offsetof(Echo, state), .state_size = sizeof(EchoState),     \
        },                                                                          \
    },                                                                              \
    .id = 42, .class = 0xff0000, .config_size = 8
#define ECHO_QUEUES(echo_fn)                                                        \
    .queue = { { "echo", 256, echo_fn }, { "spans", 64, echo_spans },               \
               { "source", 16, NULL } }

#endif
