/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's life, options over all its parts, names, help, -global.  This program has
 * its own list of devices.
 */

#include "hw/core/device.h"
#include "hw/core/machine.h"

#include <string.h>

/* ---- a bus that adds a layer, and a device on it ---- */

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
    "SLOT", "-slot", slot_prepare, slot_attach, slot_detach,
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

/* ---- */

static void assert_events(const char *expected)
{
    g_assert_cmpstr(events->str, ==, expected);
    g_string_truncate(events, 0);
}

static Device *add(Machine *machine, const char *id, const char *options,
                   char **message)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVals) kv = keyvals_parse(options, NULL, NULL);
    Device *dev = device_new(machine, &gizmo_type, &slot_bus, id, kv, &err);

    g_assert_true((dev == NULL) == (err != NULL));
    *message = err ? g_strdup(err->message) : NULL;
    return dev;
}

static void life(void)
{
    Machine *machine = machine_new();
    g_autofree char *message = NULL;
    Device *dev = add(machine, NULL, "image=x,queues=3,addr=7,rom-bar=2", &message);
    Gizmo *gizmo = container_of(dev, Gizmo, dev);
    Slot *slot = dev->bus_data;

    g_assert_null(message);
    assert_events("open attach slot-reset ");
    g_assert_cmpstr(dev->path, ==, "gizmo0");
    g_assert_cmpstr(gizmo->config.image, ==, "x");
    g_assert_cmpuint(gizmo->config.queues, ==, 3);
    g_assert_cmpstr(slot->config.addr, ==, "7");
    g_assert_cmpuint(slot->config.rom_bar, ==, 2);
    g_assert_cmpuint(slot->state.command, ==, 3);
    g_assert_true(device_find(machine, "gizmo0") == dev);
    device_free(dev);
    assert_events("detach close ");
    g_assert_null(device_find(machine, "gizmo0"));
    device_free(NULL);

    dev = device_add(machine, &plain_type, NULL, NULL);
    g_assert_cmpstr(dev->path, ==, "plain2.0");         /* not "plain20" */
    container_of(dev, Plain, dev)->state = (GizmoState){ 1, 2 };
    machine_reset_devices(machine);
    g_assert_cmpuint(container_of(dev, Plain, dev)->state.mode, ==, 1);
    assert_events("plain-reset plain-reset ");
    machine_free(machine);
    machine_free(NULL);
}

/* Each way to fail, and what has to be undone then. */
static void failures(void)
{
    static const struct {
        const char *id, *options, *message, *undone;
    } rows[] = {
        { NULL, "", "option 'image' is required: what it shows", "detach " },
        { NULL, "image=x,que=1", "no option 'que'; did you mean 'queues'?", "detach " },
        { NULL, "image=x,rom-ba=1", "no option 'rom-ba'; did you mean 'rom-bar'?",
          "detach " },
        { NULL, "image=x,zzz", "no option 'zzz'", "detach " },
        { NULL, "image=x,queues=99", "queues: '99' is not a number from 1 to 64",
          "detach " },
        { NULL, "image=x,first=1", "first: there are 1 queues", "detach " },
        { NULL, "image=bad", "image: there is no 'bad'", "open detach close " },
        { NULL, "image=x,addr=full", "no slot is free", "open attach detach close " },
        { "one", "image=x", "id 'one' is taken by another device", "detach " },
        { "gizmo0", "image=x", "id 'gizmo0' is taken by another device", "detach " },
    };
    Machine *machine = machine_new();
    g_autofree char *none = NULL;

    g_assert_nonnull(add(machine, "one", "image=x", &none));
    g_assert_nonnull(add(machine, NULL, "image=x", &none));
    g_string_truncate(events, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *message = NULL;

        g_assert_null(add(machine, rows[i].id, rows[i].options, &message));
        g_assert_cmpstr(message, ==, rows[i].message);
        assert_events(rows[i].undone);
        g_assert_cmpuint(machine->devices->len, ==, 2);
    }
    machine_free(machine);
    assert_events("detach close detach close ");
}

static void board_errors(void)
{
    g_autoptr(GError) err = NULL;
    Machine *machine = machine_new();

    g_assert_null(device_add(machine, &gizmo_type, "queues=0,image=x", &err));
    g_assert_cmpstr(err->message, ==,
                    "gizmo: queues: '0' is not a number from 1 to 64");
    g_clear_error(&err);
    g_assert_null(device_add(machine, &gizmo_type, "=0", &err));
    g_assert_cmpstr(err->message, ==,
                    "gizmo: '=0': a name is missing before '=' or ','");
    machine_free(machine);
    g_string_truncate(events, 0);
}

static void names(void)
{
    static const struct {
        const char *name;
        const DeviceType *type;
        const BusType *bus;
        const char *message;
    } rows[] = {
        { "gizmo-slot", &gizmo_type, &slot_bus, NULL },
        { "gizmo-bare", &gizmo_type, &bare_bus, NULL },
        { "gizmo-old",  &gizmo_type, &slot_bus, NULL },
        { "plain2",     &plain_type, NULL, NULL },
        { "gizmo-slto", NULL, NULL, "'gizmo-slto' is not a valid device model name; "
          "did you mean 'gizmo-slot'?" },
        { "gizmo",      NULL, NULL, "'gizmo' is not a valid device model name; "
          "did you mean 'gizmo-slot'?" },
        { "e1000",      NULL, NULL, "'e1000' is not a valid device model name" },
        { "",           NULL, NULL, "'' is not a valid device model name" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) err = NULL;
        const BusType *bus = NULL;

        g_assert_true(device_type_find(rows[i].name, &bus, &err) == rows[i].type);
        g_assert_true(bus == rows[i].bus);
        g_assert_cmpstr(err ? err->message : NULL, ==, rows[i].message);
    }
}

static void help(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) err = NULL;

    device_types_help(out);
    g_assert_cmpstr(out->str, ==,
                    "SLOT devices:\n"
                    "name \"gizmo-slot\", bus SLOT, desc \"a thing\"\n"
                    "name \"gizmo-old\", bus SLOT, alias of \"gizmo-slot\", "
                    "desc \"a thing\"\n"
                    "\nBARE devices:\n"
                    "name \"gizmo-bare\", bus BARE, desc \"a thing\"\n"
                    "\nSystem devices:\n"
                    "name \"plain2\", desc \"part of the board\", no-user\n");
    g_string_truncate(out, 0);
    g_assert_true(device_type_help("gizmo-slot", out, NULL));
    g_assert_cmpstr(out->str, ==,
                    "gizmo-slot options:\n"
                    "  image   <text>   what it shows (required)\n"
                    "  queues  1..64    request queues [1]\n"
                    "  first   0..63    first queue [0]\n"
                    "  addr     <text>   where it sits\n"
                    "  rom-bar  0..8     size of the ROM [0]\n");
    assert_events("detach ");                           /* never opened */
    g_assert_false(device_type_help("nothing", out, &err));
    g_assert_nonnull(err);
}

static void globals(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "gizmo-slot.queues=0",
          "queues: '0' is not a number from 1 to 64" },
        { "gizmo-slot.queue=1", "no option 'queue'; did you mean 'queues'?" },
        { "gizmo-bare.rom-bar=1", "no option 'rom-bar'" },
        { "gizmo-slot", "'gizmo-slot' is not driver.property=value" },
        { "gizmo-slot.=1", "'gizmo-slot.=1' is not driver.property=value" },
        { ".queues=1", "'.queues=1' is not driver.property=value" },
        { "", "'' is not driver.property=value" },
        { "driver=gizmo,property=queues", "'driver=gizmo,property=queues' is not "
          "driver.property=value" },
        { "gizmo.queues=8", NULL },
        { "driver=gizmo-slot,property=first,value=5", NULL },
        { "gizmo-bare.first=6", NULL },
    };
    Machine *machine = machine_new();
    g_autofree char *message = NULL;
    Device *dev;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) err = NULL;
        bool taken = device_global(rows[i].text, &err);

        g_assert_true(taken == (err == NULL));
        g_assert_cmpstr(err ? err->message : NULL, ==, rows[i].message);
    }
    dev = add(machine, NULL, "image=x", &message);
    g_assert_cmpuint(container_of(dev, Gizmo, dev)->config.queues, ==, 8);
    g_assert_cmpuint(container_of(dev, Gizmo, dev)->config.first, ==, 5);
    /* the user's own wins */
    dev = add(machine, NULL, "image=x,queues=9", &message);
    g_assert_cmpuint(container_of(dev, Gizmo, dev)->config.queues, ==, 9);
    machine_free(machine);
    g_string_truncate(events, 0);
}

/* A device that this machine does not have is warned of and does not stop it. */
static void global_for_nobody(void)
{
    if (g_test_subprocess()) {
        g_assert_true(device_global("gizmo-slit.queues=1", NULL));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*: warning: -global gizmo-slit.queues: 'gizmo-slit' "
                              "is not a valid device model name; did you mean "
                              "'gizmo-slot'?\n");
}

static void printed(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    Machine *machine = machine_new();
    g_autofree char *message = NULL;

    device_print(add(machine, "g", "image=x", &message), out);
    g_assert_nonnull(strstr(out->str, "dev: gizmo, id \"g\", desc \"a thing\"\n"));
    g_assert_nonnull(strstr(out->str, "image            'x'          what it shows\n"));
    g_assert_nonnull(strstr(out->str, "command          3            command reg"));
    machine_free(machine);
    g_string_truncate(events, 0);
}

static void faults_are_counted(void)
{
    Machine *machine = machine_new();
    g_autofree char *message = NULL;
    Device *dev = add(machine, NULL, "image=x", &message);

    for (unsigned i = 0; i < 3; i++) {
        device_fault(dev, "section %u: wrong", i);
    }
    g_assert_true(dev->faulted);
    g_assert_cmpuint(dev->faults, ==, 3);
    machine_free(machine);
    g_string_truncate(events, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    events = g_string_new(NULL);
    g_test_add_func("/hw/device/life", life);
    g_test_add_func("/hw/device/failures", failures);
    g_test_add_func("/hw/device/board-errors", board_errors);
    g_test_add_func("/hw/device/names", names);
    g_test_add_func("/hw/device/help", help);
    g_test_add_func("/hw/device/print", printed);
    g_test_add_func("/hw/device/faults", faults_are_counted);
    g_test_add_func("/hw/device/global-for-nobody", global_for_nobody);
    g_test_add_func("/hw/device/globals", globals);
    return g_test_run();
}
