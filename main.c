/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mayfly: a virtual machine monitor.  The command line makes a machine, the machine
 * runs, and its end is the process's exit status: 0, or what the guest asked for; 1
 * after a mistake, which is told in one line.
 */

#include "base/log.h"
#include "vm/options.h"
#include "vm/process.h"
#include "vm/setup.h"

#include <stdio.h>

/* False without an error: help was asked for, and given. */
static int give_up(const GError *error)
{
    if (error) {
        info_user("%s", error->message);
    }
    return error ? 1 : 0;
}

int main(int argc, char **argv)
{
    g_autoptr(VmConfig) config = config_new();
    g_autoptr(GError) error = NULL;
    Vm *vm;
    int status;

    process_begin(argv[0]);
    if (!options_parse(config, argc, argv, &error)) {
        return give_up(error);
    }
    vm = vm_setup(config, &error);
    status = vm ? vm_run(vm, config->paused) : give_up(error);
    vm_teardown();
    return status;
}
