/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bus that adds a layer, a device on it, a device of the board's own; they write down
 * what is called.  A program that includes this has its own list of devices.
 */

#ifndef TESTS_HW_CORE_DEVICE_TOY_H
#define TESTS_HW_CORE_DEVICE_TOY_H

#include "hw/core/device.h"
#include "hw/core/machine.h"

#include <string.h>

PROPS(SlotConfig,
    (str, addr,       "where it sits"),
    (u32, rom_bar,    "size of the ROM", .max = 8));

STATE(SlotState,
    (u16, command, "command register"));

typedef struct {
    SlotConfig config;
    SlotState state;
} Slot;

static GString *events;

static const SlotState slot_reset = { .command = 3 };

static void slot_resets(Device *dev)
{
    (void)dev;
    g_string_append(events, "slot-reset ");
}

static const Part slot_part = {
    .name = "slot", .config = SlotConfig_fields, .config_at = offsetof(Slot, config),
    DEVICE_STATE(Slot, SlotState), .reset_state = &slot_reset, .reset = slot_resets,
};

static bool slot_prepare(Device *dev, GError **err)
{
    (void)err;
    dev->bus_data = g_new0(Slot, 1);
    device_add_part(dev, &slot_part, dev->bus_data);
    return true;
}

static bool slot_attach(Device *dev, GError **err)
{
    Slot *slot = dev->bus_data;

    g_string_append(events, "attach ");
    if (slot->config.addr && strcmp(slot->config.addr, "full") == 0) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "no slot is free");
        return false;
    }
    return true;
}

static void slot_detach(Device *dev)
{
    g_string_append(events, "detach ");
    g_clear_pointer(&dev->bus_data, g_free);
}

static const BusType slot_bus = {
    "SLOT", "-slot", slot_prepare, slot_attach, slot_detach, NULL,
};
static const BusType bare_bus = { .name = "BARE", .suffix = "-bare" };

PROPS(GizmoConfig,
    (str,  image,    "what it shows", .required = true),
    (u16,  queues,   "request queues", .def = 1, .min = 1, .max = 64),
    (u16,  first,    "first queue", .max = 63));

STATE(GizmoState,
    (u32,  control, "control register"),
    (u32,  mode,    "what it does", .max = 3));

static const GizmoState gizmo_reset = { .control = 0x80, .mode = 1 };

typedef struct {
    Device dev;
    GizmoConfig config;
    char *opened;
} Gizmo;

static bool gizmo_check(const void *config, GError **err)
{
    const GizmoConfig *c = config;

    if (c->first >= c->queues) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "first: there are %u queues",
                    c->queues);
        return false;
    }
    return true;
}

static bool gizmo_open(Device *dev, GError **err)
{
    Gizmo *gizmo = container_of(dev, Gizmo, dev);

    g_string_append(events, "open ");
    gizmo->opened = g_strdup("something");
    if (strcmp(gizmo->config.image, "bad") == 0) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT, "image: there is no 'bad'");
        return false;
    }
    return true;
}

static void gizmo_close(Device *dev)
{
    g_string_append(events, "close ");
    g_free(container_of(dev, Gizmo, dev)->opened);
}

static const DeviceType gizmo_type = {
    .name = "gizmo", .help = "a thing", .aliases = { "gizmo-old" },
    .bus = { &slot_bus, &bare_bus }, .size = sizeof(Gizmo),
    .part = { .name = "gizmo", DEVICE_CONFIG(Gizmo, GizmoConfig) },
    .check = gizmo_check, .open = gizmo_open, .close = gizmo_close,
};

typedef struct {
    Device dev;
    GizmoState state;
} Plain;

static void plain_resets(Device *dev)
{
    g_assert_cmpuint(container_of(dev, Plain, dev)->state.control, ==, 0x80);
    g_string_append(events, "plain-reset ");
}

static const DeviceType plain_type = {
    .name = "plain2", .help = "part of the board", .board_only = true,
    .size = sizeof(Plain),
    .part = { .name = "plain", DEVICE_STATE(Plain, GizmoState),
              .reset_state = &gizmo_reset, .reset = plain_resets },
};

const DeviceType *const device_types[] = { &gizmo_type, &plain_type, NULL };

static inline void assert_events(const char *expected)
{
    g_assert_cmpstr(events->str, ==, expected);
    g_string_truncate(events, 0);
}

static inline Device *add(Machine *machine, const char *id, const char *options,
                          char **message)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVals) kv = keyvals_parse(options, NULL, NULL);
    Device *dev = device_new(machine, &gizmo_type, &slot_bus, id, kv, &err);

    g_assert_true((dev == NULL) == (err != NULL));
    *message = err ? g_strdup(err->message) : NULL;
    return dev;
}

#endif
