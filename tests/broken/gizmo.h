/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A right device to break: four byte registers at port 0x500, an interrupt and a timer.
 * Each broken type differs from it in one thing.
 *
 *     0  value     read and write, 0 to 99
 *     1  index     which of eight cells register 2 is; the low three bits count
 *     2  cell      read and write
 *     3  ticks     write: the timer fires so many times, every millisecond; read: how
 *                  many are left
 */

#ifndef TESTS_BROKEN_GIZMO_H
#define TESTS_BROKEN_GIZMO_H

#include "hw/core/machine.h"

#define GIZMO_STATE_ROWS                                                \
    (u64,   due,   "virtual time of the next tick"),                    \
    (u8[8], cell,  "the cells"),                                        \
    (u8,    value, "a small number", .max = 99),                        \
    (u8,    index, "cell that register 2 shows", .max = 7),             \
    (u8,    ticks, "ticks that are left"),                              \
    (u8,    line,  "level of the interrupt", .max = 1),                 \
    (u8[4], spare, "never used")

STATE_STRUCT(GizmoState, GIZMO_STATE_ROWS);

typedef struct {
    Device dev;
    GizmoState state;
    Region region;
    Timer *timer;
    u8 hidden;                  /* outside of the state: what broken ones hide */
    u8 config[4];
} Gizmo;

extern const Field gizmo_rows[];
extern const RegionOps gizmo_ops;
extern const DeviceType gizmo_type;

bool gizmo_open(Device *dev, GError **err);
void gizmo_close(Device *dev);
void gizmo_reset(Device *dev);
bool gizmo_loaded(Device *dev, GError **err);
u64 gizmo_read(void *opaque, u64 offset, unsigned size);
void gizmo_write(void *opaque, u64 offset, u64 value, unsigned size);

static inline Gizmo *gizmo_of(Device *dev)
{
    return container_of(dev, Gizmo, dev);
}

/* What the types have in common. */
#define GIZMO_PART                                                              \
    .name = "gizmo", .state = gizmo_rows, .state_at = offsetof(Gizmo, state),   \
    .state_size = sizeof(GizmoState)
#define GIZMO(type_name, open_fn)                                               \
    .name = type_name, .help = "a thing", .size = sizeof(Gizmo),                \
    .open = open_fn, .close = gizmo_close

#endif
