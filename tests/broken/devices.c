/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broken ones: mistakes that have been made in real device models, one each.
 */

#include "tests/broken/broken.h"
#include "tests/broken/gizmo.h"

/* ---- rows ---- */

static const Field capital_rows[] = {
    { .name = "x", .help = "The x.", .size = 1, .count = 1 }, { 0 }
};
static const Field range_rows[] = {
    { .name = "x", .help = "an x", .size = 1, .count = 1, .def = 9, .max = 3 }, { 0 }
};
static const Field double_rows[] = {
    { .name = "max_x", .help = "an x", .size = 1, .count = 1 },
    { .name = "max_x", .help = "an x", .size = 1, .count = 1, .offset = 1 }, { 0 }
};
static const char *const two_names[] = { "off", "on", NULL };
static const Field names_rows[] = {
    { .name = "x", .help = "an x", .size = 1, .count = 1, .names = two_names,
      .max = 2 },
    { 0 }
};

static const DeviceType capital = {
    GIZMO("capital", gizmo_open), .part = { GIZMO_PART, .config = capital_rows,
                                .config_at = offsetof(Gizmo, config) },
};
static const DeviceType wild_default = {
    GIZMO("wild-default", gizmo_open), .part = { GIZMO_PART, .config = range_rows,
                                     .config_at = offsetof(Gizmo, config) },
};
static const DeviceType two_rows = {
    GIZMO("two-rows", gizmo_open), .part = { GIZMO_PART, .config = double_rows,
                                 .config_at = offsetof(Gizmo, config) },
};
static const DeviceType nameless = {
    GIZMO("nameless", gizmo_open), .part = { GIZMO_PART, .config = names_rows,
                                 .config_at = offsetof(Gizmo, config) },
};
static const GizmoState wild_state = { .value = 100 };
static const DeviceType wild_reset = {
    GIZMO("wild-reset", gizmo_open), .part = { GIZMO_PART, .reset_state = &wild_state },
};

/* ---- a register that takes more than its row says ---- */

static void unmasked_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Gizmo *gizmo = opaque;

    gizmo_write(gizmo, offset, value, size);
    if (offset == 0) {
        gizmo->state.value = value;
    }
}

static const RegionOps unmasked_ops = { gizmo_read, unmasked_write, 1 };

static bool unmasked_open(Device *dev, GError **err)
{
    gizmo_open(dev, err);
    gizmo_of(dev)->region.ops = &unmasked_ops;
    return true;
}

static const DeviceType unmasked = {
    GIZMO("unmasked", unmasked_open),
    .part = { GIZMO_PART, .reset = gizmo_reset, .loaded = gizmo_loaded },
};

/* ---- a register outside of the state ---- */

static u64 hidden_read(void *opaque, u64 offset, unsigned size)
{
    Gizmo *gizmo = opaque;

    return offset == 0 ? gizmo->hidden : gizmo_read(gizmo, offset, size);
}

static void hidden_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Gizmo *gizmo = opaque;

    if (offset == 0) {
        gizmo->hidden = value;
    } else {
        gizmo_write(gizmo, offset, value, size);
    }
}

static const RegionOps hidden_ops = { hidden_read, hidden_write, 1 };

static bool hidden_open(Device *dev, GError **err)
{
    gizmo_open(dev, err);
    gizmo_of(dev)->region.ops = &hidden_ops;
    return true;
}

static void hidden_reset(Device *dev)
{
    gizmo_of(dev)->hidden = 0;
    gizmo_reset(dev);
}

/* Reset is right, but a restore forgets the register. */
static const DeviceType forgets = {
    GIZMO("forgets", hidden_open),
    .part = { GIZMO_PART, .reset = hidden_reset, .loaded = gizmo_loaded },
};

/* Reset forgets it too. */
static const DeviceType remembers = {
    GIZMO("remembers", hidden_open),
    .part = { GIZMO_PART, .reset = gizmo_reset, .loaded = gizmo_loaded },
};

/* ---- reset ---- */

static void half_reset(Device *dev)
{
    gizmo_of(dev)->state.cell[3] = gizmo_of(dev)->hidden;
    gizmo_reset(dev);
}

static void half_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Gizmo *gizmo = opaque;

    gizmo_write(gizmo, offset, value, size);
    gizmo->hidden = gizmo->state.cell[3];
}

static const RegionOps half_ops = { gizmo_read, half_write, 1 };

static bool half_open(Device *dev, GError **err)
{
    gizmo_open(dev, err);
    gizmo_of(dev)->region.ops = &half_ops;
    return true;
}

static const DeviceType half = {
    GIZMO("half", half_open),
    .part = { GIZMO_PART, .reset = half_reset, .loaded = gizmo_loaded },
};

/* The state is reset and the interrupt line stays where it was. */
static const DeviceType line_up = {
    GIZMO("line-up", gizmo_open), .part = { GIZMO_PART, .loaded = gizmo_loaded },
};

/* ---- restore ---- */

/* The timer is not armed again. */
static const DeviceType sleeps = {
    GIZMO("sleeps", gizmo_open), .part = { GIZMO_PART, .reset = gizmo_reset },
};

/* Puts a value right after it was judged, and so wrong. */
static bool meddling_loaded(Device *dev, GError **err)
{
    gizmo_of(dev)->state.index = gizmo_of(dev)->state.value;
    return gizmo_loaded(dev, err);
}

static const DeviceType meddles = {
    GIZMO("meddles", gizmo_open),
    .part = { GIZMO_PART, .reset = gizmo_reset, .loaded = meddling_loaded },
};

/* Says no and does not say why. */
static bool silent_loaded(Device *dev, GError **err)
{
    return gizmo_of(dev)->state.cell[0] == 0 && gizmo_loaded(dev, err);
}

static const DeviceType mute = {
    GIZMO("mute", gizmo_open),
    .part = { GIZMO_PART, .reset = gizmo_reset, .loaded = silent_loaded },
};

/* ---- close ---- */

static Region left_behind;

static bool leaving_open(Device *dev, GError **err)
{
    space_remove(&left_behind);
    region_init_io(&left_behind, "left", &gizmo_ops, dev, 4);
    space_add(dev->machine->mmio, &left_behind, 0xfe000000, 0);
    return gizmo_open(dev, err);
}

static const DeviceType leaves = {
    GIZMO("leaves", leaving_open),
    .part = { GIZMO_PART, .reset = gizmo_reset, .loaded = gizmo_loaded },
};

#define SEEN "what a driver sees differs"
#define FRAGMENT "is no fragment without capital and full stop"

const Broken broken_devices[] = {
    { &capital, "rows_are_complete", "gizmo: row 'x': 'The x.' " FRAGMENT },
    { &wild_default, "rows_are_complete",
      "gizmo: row 'x': its default is out of range" },
    { &two_rows, "rows_are_complete", "gizmo: two rows 'max_x'" },
    { &nameless, "rows_are_complete",
      "gizmo: row 'x': a value in its range has no name" },
    { &wild_reset, "rows_are_complete",
      "gizmo: reset value: value: 100 is not from 0 to 99" },
    { &unmasked, "use_stays_in_range", "gizmo: value: * is not from 0 to 99" },
    { &half, "reset_is_total", "gizmo: row 'cell' differs" },
    { &line_up, "reset_is_total", "an interrupt line is still up" },
    { &remembers, "reset_is_total", SEEN },
    { &forgets, "save_then_restore", SEEN },
    { &sleeps, "save_then_restore", SEEN },
    { &meddles, "restore_is_suspicious",
      "byte * flipped: gizmo: index: * is not from 0 to 7" },
    { &mute, "restore_is_suspicious", "* is refused without a word" },
    { &leaves, "close_is_complete", "leaves a region behind" },
    { NULL, NULL, NULL }
};
