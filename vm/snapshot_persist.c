/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saving at the end: see snapshot_persist.h. */

#include "vm/snapshot_persist.h"

#include "base/log.h"
#include "vm/snapshot.h"

/* A machine that is off is saved as one that is about to start. */
static void switch_on(Vm *vm)
{
    if (vm->reset) {
        vm->reset(vm);
    }
}

static void save_at_end(Vm *vm, const VmConfig *config)
{
    g_autoptr(GError) error = NULL;

    if (!snapshot_save(vm, config, config->loadvm.name, SAVE_ALL, NULL, &error)) {
        info_user("-persist: %s; it stays as it was", error->message);
        vm_fail(vm);
    }
}

static void heard(void *opaque, Vm *vm, const VmEvent *event)
{
    const VmConfig *config = opaque;
    bool guest = vm_cause_is_guest(event->cause);

    if (event->kind != VM_EVENT_SHUTDOWN ||
        (guest && vm->actions.shutdown == SHUTDOWN_PAUSE)) {
        return;
    }
    if (event->cause == CAUSE_HOST_ERROR || event->cause == CAUSE_GUEST_PANIC ||
        vm->state == VM_PANICKED || vm->state == VM_CRASHED) {
        info_user("-persist: the machine failed; snapshot '%s' stays as it was",
                  config->loadvm.name);
        return;
    }
    guest |= vm->state == VM_SHUTDOWN;
    vm_stop(vm, VM_PAUSED);
    if (guest) {
        switch_on(vm);
    }
    save_at_end(vm, config);
}

void persist_attach(Vm *vm, const VmConfig *config)
{
    if (config->persist) {
        vm_listen(vm, heard, (void *)config);
    }
}
