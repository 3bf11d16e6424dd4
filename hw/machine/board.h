/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A board: chipset, RAM layout, firmware tables and the way into the guest.
 *
 * vm/ fills a BoardConfig from the command line and then calls, in this order,
 *
 *     machine->cpus, machine->ram_bytes = ...
 *     board_q35_open      RAM, chipset, the board's own devices
 *     ...                 the accelerator, -device
 *     board_load          firmware or kernel, ACPI, SMBIOS; finds the faults of files
 *     board_reset         on every reset, the first one too: devices, and what boot
 *                         puts into RAM
 *     board_boot_state    what a vCPU starts with (all but 0 wait for INIT and SIPI)
 *
 * The LAPIC id of vCPU i is i.  Everything here runs under the machine lock or before
 * the machine starts.
 */

#ifndef HW_MACHINE_BOARD_H
#define HW_MACHINE_BOARD_H

#include "accel/x86_state.h"
#include "hw/core/machine.h"

enum { BOARD_SERIALS = 4 };

/*
 * Strings are as the user wrote them; NULL where the option was not given.  The record
 * and its strings are borrowed as long as the machine lives; boot_order may change
 * between resets.
 */
typedef struct {
    const char *kernel, *initrd, *append;
    const char *bios;                   /* a path, or a name in the firmware folders */

    const char *const *smbios;          /* values of -smbios, NULL-terminated */
    const char *const *fw_cfg;          /* values of -fw_cfg */
    const char *rtc;                    /* options for the RTC: "base=utc,clock=host" */
    const char *serial[BOARD_SERIALS];  /* chardevs of COM1 to COM4; NULL: no port */
    const char *machine_name;           /* as -machine gave it, for SMBIOS */
    u8 uuid[16];                        /* in text order */
    bool uuid_set;

    /* -boot */
    const char *boot_order;             /* letters: a floppy, c disk, d CD, n network */
    bool boot_menu, boot_strict;
    s32 splash_time, reboot_timeout;    /* ms; -1: not given */

    /* -smp topology; their product is max_cpus, 0 counts as 1 */
    unsigned sockets, cores, threads;
    unsigned max_cpus;                  /* 0: machine->cpus */

    bool no_hpet, no_i8042, no_acpi;
    bool nographic;                     /* firmware talks to COM1 */
} BoardConfig;

bool board_q35_open(Machine *machine, const BoardConfig *config,
                    GError **err) must_check;
bool board_load(Machine *machine, GError **err) must_check;
void board_reset(Machine *machine);
/* After a restore: the guest is told that it is not the only one of its kind. */
void board_new_generation(Machine *machine);
void board_close(Machine *machine);     /* and all devices; before machine_free */

/*
 * How a vCPU begins: `state` comes as x86_state_reset left it.  A boot by firmware
 * leaves it so; a kernel entered directly finds, on vCPU 0, protected or long mode,
 * flat segments and its arguments in registers, and on all of them the same MTRRs.
 */
void board_boot_state(Machine *machine, unsigned cpu, X86State *state);

/* Help of -smbios: its types and fields. */
void board_smbios_help(GString *out);

#endif
