/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every device obeys: a device is tested by being listed in hw/devices.c.  Each rule
 * must also reject the devices that were made to break it (tests/broken): a rule that
 * can't fail is no rule.
 */

#include "block/block.h"
#include "chardev/chardev.h"
#include "fsdev/share.h"
#include "hw/ide/ide.h"
#include "hw/virtio/devices.h"
#include "tests/broken/broken.h"
#include "tests/broken/gizmo.h"
#include "tests/lib/conform.h"
#include "tests/lib/echo.h"
#include "tests/lib/fake_render.h"

#include <string.h>

/* What a device can't be made, or can't be compared with its like, without. */
static const struct {
    const char *type, *options;
} needed[] = {
    { "cfi.pflash01", "drive=flash,base=0xffff0000,bytes=64K" },
    { "isa-debugcon", "chardev=void" },
    { "isa-serial", "chardev=void" },
    { "mc146818rtc", "clock=vm,base=2024-02-29T23:59:58" },
    { "virtio-9p", "fsdev=folder,mount_tag=tag,thread=off,ioeventfd=off" },
    { "virtio-blk", "drive=disk,ioeventfd=off" },
    { "virtio-net", "ioeventfd=off" },
};

static const char *needed_by(const char *type)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (strcmp(needed[i].type, type) == 0) {
            return needed[i].options;
        }
    }
    return NULL;
}

typedef struct {
    const DeviceType *type;
    const BusType *bus;
    const Rule *rule;
} Case;

static void obeys(gconstpointer data)
{
    const Case *c = data;
    g_autofree char *why = c->rule->broken(c->type, c->bus, needed_by(c->type->name));

    if (why) {
        g_test_message("%s breaks %s: %s", c->type->name, c->rule->name, why);
        g_test_fail();
    }
}

/*
 * Ports and drives stand on a controller: tests/hw/virtio/serial.c,
 * tests/hw/ide/ahci.c.
 */
static void add_device(const DeviceType *type, const BusType *bus)
{
    if (bus == &virtio_serial_bus || bus == &ide_bus) {
        return;
    }
    for (const Rule *rule = conform_rules; rule->name; rule++) {
        g_autofree char *path = g_strdup_printf("/device/%s%s/%s", type->name,
                                                bus ? bus->suffix : "", rule->name);
        Case *c = g_new(Case, 1);

        *c = (Case){ type, bus, rule };
        g_test_add_data_func_full(path, c, obeys, g_free);
    }
}

/* ---- the broken ones ---- */

static void rejected(gconstpointer data)
{
    const Broken *broken = data;
    bool known = false;

    for (const Rule *rule = conform_rules; rule->name; rule++) {
        g_autofree char *why = NULL;

        if (strcmp(rule->name, broken->rule) == 0) {
            why = rule->broken(broken->type, broken->type->bus[0], NULL);
            known = true;
            if (!why || !g_pattern_match_simple(broken->says, why)) {
                g_test_message("'%s', not '%s'", why, broken->says);
                g_test_fail();
            }
        }
    }
    g_assert_true(known);
}

static bool breaks(const Broken *list, const Rule *rule)
{
    for (; list->type; list++) {
        if (strcmp(list->rule, rule->name) == 0) {
            return true;
        }
    }
    return false;
}

static void every_rule_can_fail(void)
{
    for (const Rule *rule = conform_rules; rule->name; rule++) {
        g_assert_true(breaks(broken_devices, rule) || breaks(broken_virtio, rule));
    }
}

static void add_broken(const Broken *list)
{
    for (; list->type; list++) {
        g_autofree char *path = g_strdup_printf("/broken/%s", list->type->name);

        g_test_add_data_func(path, list, rejected);
    }
}

/* ---- the list ---- */

static void listed_once_and_sorted(void)
{
    for (const DeviceType *const *t = device_types; *t; t++) {
        g_assert_true(!t[1] || strcmp(t[0]->name, t[1]->name) < 0);
    }
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) args = g_ptr_array_new();
    char **arg;
    Chardev *sink;

    /* One broken device must not hide the next: GLib stops at the first unless told. */
    for (int i = 0; i < argc; i++) {
        g_ptr_array_add(args, argv[i]);
    }
    g_ptr_array_insert(args, 1, "--keep-going");
    g_ptr_array_add(args, NULL);
    argc++;
    arg = (char **)args->pdata;
    g_test_init(&argc, &arg, NULL);
    sink = chardev_new("null,id=void,mux=on", NULL);
    g_assert_nonnull(sink);
    g_assert_true(blockdev_add("null-co,node-name=disk,size=1M", NULL));
    g_assert_true(share_add("local,id=folder,path=.,security_model=none,readonly=on",
                            NULL));
    g_assert_true(blockdev_add("null-co,node-name=flash,size=64K", NULL));
    fake_render_install();
    g_test_add_func("/devices/sorted", listed_once_and_sorted);
    for (const DeviceType *const *t = device_types; *t; t++) {
        add_device(*t, t[0]->bus[0]);
        for (unsigned i = 1; i < G_N_ELEMENTS(t[0]->bus) && t[0]->bus[i]; i++) {
            add_device(*t, t[0]->bus[i]);
        }
    }
    add_device(&gizmo_type, NULL);              /* before they are broken */
    add_device(&echo_type.device, &virtio_pci_bus);
    add_broken(broken_devices);
    add_broken(broken_virtio);
    g_test_add_func("/broken/every-rule", every_rule_can_fail);
    return g_test_run();
}
