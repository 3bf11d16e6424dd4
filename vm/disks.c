/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks as part of the machine: see disks.h.
 */

#include "vm/disks.h"

#include "base/lock.h"
#include "base/log.h"
#include "block/drive.h"
#include "vm/options.h"

#include <string.h>

static Vm *the_vm;

bool disks_open(const VmConfig *config, GError **err)
{
    for (unsigned i = 0; i < config->blockdev->len; i++) {
        const char *text = config->blockdev->pdata[i];

        if (!blockdev_add(text, err)) {
            g_prefix_error(err, "-blockdev %s: ", text);
            return false;
        }
    }
    for (unsigned i = 0; i < config->drive->len; i++) {
        const char *text = config->drive->pdata[i];

        if (!drive_add(text, config->snapshot, err)) {
            g_prefix_error(err, "-drive %s: ", text);
            return false;
        }
    }
    return true;
}

/* Any thread: the machine stands soon. */
static void stop_machine(const char *id, bool write, int error)
{
    if (the_vm) {
        g_autofree char *cause = g_strdup_printf("%s: %s failed: %s", id,
                                                 write ? "a write" : "a read",
                                                 g_strerror(-error));

        machine_request(the_vm->machine, REQUEST_IO_ERROR, 0, cause);
    }
}

/* What is under way when the machine stops is done before anybody looks. */
static void heard(void *opaque, Vm *vm, const VmEvent *event)
{
    (void)opaque;
    if (event->kind == VM_EVENT_STOP) {
        machine_pause_devices(vm->machine, true);
        blocks_drain_all();
    } else if (event->kind == VM_EVENT_RESUME) {
        blocks_retry();
        machine_pause_devices(vm->machine, false);
    }
}

void disks_attach(Vm *vm)
{
    static const BlocksHost host = { .stop = stop_machine };

    the_vm = vm;
    blocks_set_host(&host);
    vm_listen(vm, heard, NULL);
}

void disks_flush(void)
{
    blocks_drain_all();
    the_vm = NULL;
}

void disks_close(void)
{
    blocks_close_all();
    drives_free();
}
