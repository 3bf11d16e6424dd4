/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices by name: finding, help, -global.
 */

#include "tests/hw/core/device_toy.h"

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
        { "plain2",     NULL, NULL, "'plain2' is a part of the board and can't be "
          "added" },
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
                    "name \"gizmo-bare\", bus BARE, desc \"a thing\"\n");
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    events = g_string_new(NULL);
    g_test_add_func("/hw/device-type/names", names);
    g_test_add_func("/hw/device-type/help", help);
    g_test_add_func("/hw/device-type/global-for-nobody", global_for_nobody);
    g_test_add_func("/hw/device-type/globals", globals);
    return g_test_run();
}
