/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links that go down and up: see snapshot_relink.h. */

#include "vm/snapshot_relink.h"

#include "net/net.h"

/* Long enough for a driver to look at the link's state meanwhile. */
enum { DOWN_MS = 500 };

static guint timer;
static bool done;

static gboolean links_up(gpointer unused)
{
    (void)unused;
    timer = 0;
    nets_set_links(true);
    return G_SOURCE_REMOVE;
}

static void heard(void *opaque, Vm *vm, const VmEvent *event)
{
    (void)opaque;
    (void)vm;
    if (event->kind == VM_EVENT_RESUME && !done) {
        done = true;
        nets_set_links(false);
        timer = g_timeout_add(DOWN_MS, links_up, NULL);
    }
}

void relink_attach(Vm *vm)
{
    vm_listen(vm, heard, NULL);
}

void relink_detach(Vm *vm)
{
    vm_unlisten(vm, heard, NULL);
    if (timer) {
        g_source_remove(timer);
        timer = 0;
    }
}
