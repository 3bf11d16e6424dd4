/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's life, options over all its parts, and every way to fail.
 */

#include "base/log.h"
#include "tests/hw/core/device_toy.h"

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

#define NOT_AN_ID(id) \
    "id '" id "' is not a letter and then letters, digits, '-', '.' or '_'"

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
        { "0a", "image=x", NOT_AN_ID("0a"), "detach " },
        { "a/b", "image=x", NOT_AN_ID("a/b"), "detach " },
        { "", "image=x", NOT_AN_ID(""), "detach " },
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

/* Counted always, written down once, and only if somebody reads it. */
static void faults_are_counted(void)
{
    Machine *machine = machine_new();
    g_autofree char *message = NULL;
    Device *dev;

    if (!g_test_subprocess()) {
        machine_free(machine);
        g_test_trap_subprocess(NULL, 0, 0);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("gizmo0: section 1: wrong\n");
        return;
    }
    dev = add(machine, NULL, "image=x", &message);
    device_fault(dev, "section 0: wrong");
    g_assert_true(log_set("guest_errors", NULL));
    for (unsigned i = 1; i < 4; i++) {
        device_fault(dev, "section %u: wrong", i);
    }
    g_assert_cmpuint(dev->faults, ==, 4);
    machine_free(machine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    events = g_string_new(NULL);
    g_test_add_func("/hw/device/life", life);
    g_test_add_func("/hw/device/failures", failures);
    g_test_add_func("/hw/device/board-errors", board_errors);
    g_test_add_func("/hw/device/print", printed);
    g_test_add_func("/hw/device/faults", faults_are_counted);
    return g_test_run();
}
