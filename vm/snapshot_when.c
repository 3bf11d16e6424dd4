/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks for snapshots of a running machine: the monitor, and -snapshot-when, which
 * waits for a text on a console and then, on the main thread, saves.
 */

#include "vm/snapshot.h"

#include "base/log.h"
#include "chardev/chardev.h"
#include "vm/snapshot_persist.h"
#include "vm/snapshot_relink.h"
#include "vm/snapshot_touched.h"

static Vm *the_vm;
static const VmConfig *the_config;

static gboolean save_now(gpointer unused)
{
    g_autoptr(GError) error = NULL;
    const WhenOption *when;
    unsigned how = SAVE_BEHIND;

    (void)unused;
    if (!the_vm) {
        return G_SOURCE_REMOVE;
    }
    when = &the_config->when;
    if (when->exit) {           /* what it did after that moment would be done twice */
        vm_stop(the_vm, VM_PAUSED);
    }
    how |= when->all ? SAVE_ALL : 0;
    if (!snapshot_save_attached(when->to, how, NULL, &error)) {
        info_user("-snapshot-when: %s", error->message);
    }
    if (when->exit) {
        vm_quit(the_vm, CAUSE_HOST_QUIT, error ? 1 : 0);
    }
    return G_SOURCE_REMOVE;
}

/* Any thread. */
static void found(void *unused)
{
    (void)unused;
    g_idle_add_full(G_PRIORITY_HIGH, save_now, NULL, NULL);
}

bool snapshot_attach(Vm *vm, const VmConfig *config, GError **err)
{
    the_vm = vm;
    the_config = config;
    persist_attach(vm, config);
    if (config->loadvm.relink) {
        relink_attach(vm);
    }
    if (config->when.text) {
        chardevs_watch(config->when.text, found, NULL);
    }
    return touched_attach(vm, config, err);
}

void snapshot_detach(void)
{
    chardevs_watch(NULL, NULL, NULL);
    if (the_vm) {
        relink_detach(the_vm);
        touched_detach(the_vm);
    }
    the_vm = NULL;
}

bool snapshot_save_attached(const char *name, unsigned how, SnapshotSaid *said,
                            GError **err)
{
    return snapshot_save(the_vm, the_config, name, how, said, err);
}

bool snapshot_fork_attached(unsigned n, const char *name, GString *said, GError **err)
{
    return snapshot_fork(the_vm, the_config, n, name, said, err);
}
