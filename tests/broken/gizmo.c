/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The right device that the broken ones are made from.  See gizmo.h.
 */

#include "tests/broken/gizmo.h"

enum { PORT = 0x500, GSI = 5, MS = 1000 * 1000 };
enum { VALUE, INDEX, CELL, TICKS };

const Field gizmo_rows[] = STATE_ROWS(GizmoState, GIZMO_STATE_ROWS);

const RegionOps gizmo_ops = { gizmo_read, gizmo_write, 1 };

static void line_update(Gizmo *gizmo)
{
    machine_gsi(gizmo->dev.machine, GSI, gizmo->state.line);
}

static void timer_update(Gizmo *gizmo)
{
    if (gizmo->state.ticks) {
        timer_set(gizmo->timer, gizmo->state.due);
    } else {
        timer_cancel(gizmo->timer);
    }
}

static void tick(void *opaque)
{
    Gizmo *gizmo = opaque;

    gizmo->state.ticks--;
    gizmo->state.due += MS;
    gizmo->state.line ^= 1;
    timer_update(gizmo);
    line_update(gizmo);
}

u64 gizmo_read(void *opaque, u64 offset, unsigned size)
{
    Gizmo *gizmo = opaque;

    (void)size;
    switch (offset) {
    case VALUE:
        return gizmo->state.value;
    case INDEX:
        return gizmo->state.index;
    case CELL:
        return gizmo->state.cell[gizmo->state.index];
    default:
        return gizmo->state.ticks;
    }
}

void gizmo_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Gizmo *gizmo = opaque;

    (void)size;
    switch (offset) {
    case VALUE:
        gizmo->state.value = value % 100;
        break;
    case INDEX:
        gizmo->state.index = value & 7;
        break;
    case CELL:
        gizmo->state.cell[gizmo->state.index] = value;
        break;
    default:
        gizmo->state.ticks = value;
        gizmo->state.due = clock_now(gizmo->dev.machine->clock) + MS;
        timer_update(gizmo);
    }
}

bool gizmo_open(Device *dev, GError **err)
{
    Gizmo *gizmo = gizmo_of(dev);

    (void)err;
    gizmo->timer = timer_new(dev->machine->clock, tick, gizmo);
    region_init_io(&gizmo->region, "gizmo", &gizmo_ops, gizmo, 4);
    space_add(dev->machine->io, &gizmo->region, PORT, 0);
    return true;
}

void gizmo_close(Device *dev)
{
    region_fini(&gizmo_of(dev)->region);
    timer_free(gizmo_of(dev)->timer);
}

void gizmo_reset(Device *dev)
{
    timer_update(gizmo_of(dev));
    line_update(gizmo_of(dev));
}

bool gizmo_loaded(Device *dev, GError **err)
{
    (void)err;
    gizmo_reset(dev);
    return true;
}

const DeviceType gizmo_type = {
    GIZMO("gizmo", gizmo_open),
    .part = { GIZMO_PART, .reset = gizmo_reset, .loaded = gizmo_loaded },
};
