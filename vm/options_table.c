/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every option of the command line, in the order in which -help shows them.
 */

#include "vm/options.h"

#include "accel/accel.h"
#include "chardev/chardev.h"
#include "vm/object.h"

#define AT(member) .at = offsetof(VmConfig, member)

static bool chardev_help_one(const char *kind, GString *out, GError **err)
{
    return chardev_help(kind, out) || refuse(err, "'%s' is not a valid char driver name", kind);
}

const Option option_rows[] = {
    { .kind = TAKE_HEADING, .help = "Information" },
    { "help", "h", TAKE_HELP, .print = options_help, .help = "show this and end" },
    { "version", NULL, TAKE_HELP, .print = version_print, .help = "show the version and end" },

    { .kind = TAKE_HEADING, .help = "Machine" },
    { "machine", "M", TAKE_ROWS, AT(machine), .rows = machine_rows, .implied = "type",
      .arg = "[type=]NAME[,PROP=VALUE...]", .help = "the board and its properties",
      .print = machines_help, .check = machine_check, .always = true },
    { "accel", NULL, TAKE_LIST, AT(accel), .arg = "NAME[:NAME...][,PROP=VALUE...]",
      .help = "what runs the CPUs, by preference; may be repeated [kvm:soft]",
      .print = accel_types_help, .check = accel_check, .always = true },
    { "enable-kvm", NULL, TAKE_NOTHING, .judge = enable_kvm_judge,
      .help = "the same as -accel kvm" },
    { "cpu", NULL, TAKE_STR, AT(cpu), .arg = "MODEL[,+FEATURE][,-FEATURE][,FEATURE=on|off]",
      .help = "the CPU model that the guest sees", .print = cpu_models_help },
    { "smp", NULL, TAKE_ROWS, AT(smp), .rows = smp_rows, .implied = "cpus",
      .arg = "[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]",
      .help = "number of CPUs, 1 to 64, and how they sit together [1]",
      .check = smp_check, .always = true },
    { "m", NULL, TAKE_ROWS, AT(memory), .rows = memory_rows, .implied = "size",
      .arg = "[size=]N[K|M|G|T][,slots=N,maxmem=N]", .help = "RAM, MiB without a letter [128]",
      .check = memory_check, .always = true },
    { "no-acpi", NULL, TAKE_FLAG, AT(no_acpi), .help = "no ACPI tables: -machine acpi=off" },
    { "no-hpet", NULL, TAKE_FLAG, AT(no_hpet), .help = "no HPET: -machine hpet=off" },
    { "rtc", NULL, TAKE_ROWS, AT(rtc), .rows = rtc_rows, .implied = NULL,
      .arg = "[base=utc|localtime|DATE][,clock=host|rt|vm]",
      .help = "the time that the guest finds in its clock", .check = rtc_check },
    { "uuid", NULL, TAKE_STR, AT(uuid), .arg = "UUID", .help = "the machine's UUID",
      .judge = uuid_judge },
    { "smbios", NULL, TAKE_LIST, AT(smbios), .arg = "type=N[,FIELD=VALUE...]",
      .help = "fields of the SMBIOS tables; may be repeated", .print = board_smbios_help },

    { .kind = TAKE_HEADING, .help = "Starting the guest" },
    { "kernel", NULL, TAKE_STR, AT(kernel), .arg = "FILE",
      .help = "a Linux bzImage, or an ELF file with a PVH note or a multiboot header" },
    { "initrd", NULL, TAKE_STR, AT(initrd), .arg = "FILE",
      .help = "the kernel's initial file system", .check = with_kernel },
    { "append", NULL, TAKE_STR, AT(append), .arg = "TEXT", .help = "the kernel's command line",
      .check = with_kernel },
    { "bios", NULL, TAKE_STR, AT(bios), .arg = "FILE",
      .help = "firmware: a path, or a name in the firmware folders" },
    { "boot", NULL, TAKE_ROWS, AT(boot), .rows = boot_rows, .implied = "order",
      .arg = "[order=]acdn[,once=acdn][,menu=on|off][,strict=on|off]",
      .help = "what the firmware tries", .check = boot_check, .always = true },
    { "fw_cfg", NULL, TAKE_LIST, AT(fw_cfg), .arg = "[name=]NAME,file=FILE|string=TEXT",
      .help = "a file that firmware and guest can read; may be repeated" },

    { .kind = TAKE_HEADING, .help = "Devices" },
    { "device", NULL, TAKE_LIST, AT(device), .arg = "TYPE[,PROP=VALUE...]",
      .help = "adds a device; may be repeated", .print = device_types_help,
      .print_one = device_type_help },
    { "global", NULL, TAKE_LIST, AT(global), .arg = "TYPE.PROP=VALUE",
      .help = "a default for all devices of a type" },
    { "object", NULL, TAKE_LIST, AT(object), .arg = "TYPE,id=ID[,PROP=VALUE...]",
      .help = "makes a back end for devices; may be repeated", .print = objects_help,
      .print_one = object_help },
    { "vga", NULL, TAKE_NONE, AT(no_vga), .arg = "none", .help = "display adapter" },
    { "net", NULL, TAKE_NONE, AT(no_net), .arg = "none", .help = "network" },
    { "nic", NULL, TAKE_NONE, AT(no_net), .arg = "none", .help = "network" },

    { .kind = TAKE_HEADING, .help = "Terminal and files" },
    { "nographic", NULL, TAKE_FLAG, AT(nographic),
      .help = "no window; the serial port and the monitor share the terminal" },
    { "display", NULL, TAKE_NONE, AT(no_display), .arg = "none", .help = "window" },
    { "serial", NULL, TAKE_LIST, AT(serial), .arg = "BACKEND",
      .help = "where COM1 goes, then COM2 to COM4: stdio, null, file:, unix:, ..., none",
      .check = serial_check, .always = true },
    { "parallel", NULL, TAKE_NONE, AT(no_parallel), .arg = "none", .help = "parallel port" },
    { "monitor", NULL, TAKE_LIST, AT(monitor), .arg = "BACKEND",
      .help = "where the monitor is: as -serial" },
    { "chardev", NULL, TAKE_LIST, AT(chardev), .arg = "KIND,id=ID[,PROP=VALUE...]",
      .help = "makes a character back end", .print = chardevs_help,
      .print_one = chardev_help_one },
    { "mon", NULL, TAKE_LIST, AT(mon), .arg = "[chardev=]ID[,mode=readline]",
      .help = "a monitor on a back end", .judge = mon_judge },
    { "echr", NULL, TAKE_NOTHING, .arg = "N", .judge = escape_judge,
      .help = "the key that begins a command on a shared terminal, as a number [1: Ctrl-A]" },
    { "nodefaults", NULL, TAKE_FLAG, AT(nodefaults),
      .help = "no serial port or monitor that was not asked for" },

    { .kind = TAKE_HEADING, .help = "Running" },
    { "no-reboot", NULL, TAKE_NOTHING, .judge = no_reboot_judge,
      .help = "end when the guest resets: -action reboot=shutdown" },
    { "no-shutdown", NULL, TAKE_NOTHING, .judge = no_shutdown_judge,
      .help = "stay when the guest switches off: -action shutdown=pause" },
    { "action", NULL, TAKE_ROWS, AT(actions), .rows = vm_action_rows,
      .arg = "EVENT=ACTION[,EVENT=ACTION...]", .help = "what is done at reboot, shutdown, panic" },
    { "S", NULL, TAKE_FLAG, AT(paused), .help = "do not start the CPUs: the monitor's 'cont' does" },
    { "name", NULL, TAKE_ROWS, AT(name), .rows = name_rows, .implied = "guest",
      .arg = "[guest=]TEXT[,process=TEXT][,debug-threads=on|off]",
      .help = "names for the guest, this process and its threads" },
    { "pidfile", NULL, TAKE_STR, AT(pidfile), .arg = "FILE", .help = "where to write the process id" },
    { "daemonize", NULL, TAKE_FLAG, AT(daemonize), .help = "go to the background once all is set up",
      .check = daemonize_check },
    { "d", NULL, TAKE_NOTHING, .arg = "ITEM[,ITEM...]", .judge = log_judge, .help = "what to log" },
    { "D", NULL, TAKE_STR, AT(log_file), .arg = "FILE", .help = "the log goes here [stderr]" },

    { .kind = TAKE_HEADING, .help = "Accepted, without effect" },
    { "no-user-config", NULL, TAKE_NOTHING, .help = "there are no configuration files" },
    { "msg", NULL, TAKE_ROWS, AT(msg), .rows = msg_rows, .arg = "timestamp=on|off",
      .help = "messages have no time stamps" },
    { "overcommit", NULL, TAKE_ROWS, AT(overcommit), .rows = overcommit_rows,
      .arg = "[mem-lock=on|off][,cpu-pm=on|off]", .help = "RAM is taken as the guest touches it" },
    { "sandbox", NULL, TAKE_NOTHING, .arg = "on|off[,...]", .judge = sandbox_judge,
      .help = "there is no system-call filter yet" },
    { 0 }
};
