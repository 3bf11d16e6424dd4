/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of commands, and those that act on the machine.  The main thread.
 */

#include "base/lock.h"
#include "base/log.h"
#include "vm/monitor_inside.h"

#include <string.h>

static void cont(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;

    if (!vm_cont(call->vm, &err)) {
        say(call, "Error: %s\n", err->message);
    }
}

static void stop(MonitorCall *call)
{
    vm_stop(call->vm, VM_PAUSED);
}

static void system_reset(MonitorCall *call)
{
    vm_reset(call->vm, CAUSE_HOST_RESET);
}

static void system_powerdown(MonitorCall *call)
{
    vm_powerdown(call->vm);
}

static void quit(MonitorCall *call)
{
    vm_quit(call->vm, CAUSE_HOST_QUIT, 0);
    call->over = true;
}

static void choose_cpu(MonitorCall *call)
{
    if (call->number >= call->vm->machine->cpus) {
        say(call, "invalid CPU index\n");
        return;
    }
    *call->cpu = call->number;
}

static void nmi(MonitorCall *call)
{
    Machine *machine = call->vm->machine;

    for (unsigned i = 0; machine->accel && i < machine->cpus; i++) {
        machine->accel->type->nmi(machine->accel, i);
    }
}

static void set_log(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    const char *items = strcmp(call->word, "none") == 0 ? "" : call->word;

    if (!log_set(items, &err) && err) {
        say(call, "%s\n", err->message);
    }
}

static void ringbuf_read(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    Chardev *chr = chardev_find(call->word, &err);
    g_autofree u8 *bytes = NULL;
    size_t n = 0;

    call->number = MIN(call->number, MiB);
    bytes = g_malloc(call->number + 1);
    if (!chr || !chardev_ringbuf_read(chr, bytes, call->number, &n, &err)) {
        say(call, "Error: %s\n", err->message);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bool plain = (bytes[i] >= ' ' && bytes[i] != 127) || strchr("\n\t", bytes[i]);

        say(call, plain ? "%c" : "\\x%02x", bytes[i]);
    }
    say(call, "\n");
}

const MonitorCommand monitor_commands[] = {
    { "eject",
      NULL,
      { TAKE_REST },
      "[-f] device",
      .run = monitor_eject,
      .help = "eject a removable medium (use -f to force it)" },
    { "fork",
      NULL,
      { TAKE_WORD, TAKE_REST },
      "n name|folder",
      .run = monitor_fork,
      .help = "start n machines that go on from this moment, each in a folder name.i" },
    { "help",
      "?",
      { TAKE_REST },
      "[cmd]",
      .help = "show the help",
      .run = monitor_help },
    { "info", .args = "[subcommand]", .sub = monitor_infos,
      .help = "show various information about the system state" },
    { "announce_self", .help = "trigger GARP/RARP announcements",
      .run = monitor_announce_self },
    { "block_resize",
      NULL,
      { TAKE_WORD, TAKE_REST },
      "device size",
      .help = "resize a block image (MiB without a letter)",
      .run = monitor_block_resize },
    { "change",
      NULL,
      { TAKE_WORD, TAKE_REST },
      "device filename [format]",
      .help = "change a removable medium",
      .run = monitor_change },
    { "commit",
      NULL,
      { TAKE_WORD },
      "device|all",
      .run = monitor_commit,
      .help = "commit changes to the disk images (if -snapshot is used)" },
    { "cont", "c", .help = "resume emulation", .run = cont },
    { "cpu",
      NULL,
      { TAKE_NUMBER },
      "index",
      .help = "set the default CPU",
      .run = choose_cpu },
    { "hostfwd_add",
      NULL,
      { TAKE_WORD, TAKE_REST },
      "[netdev_id] [tcp|udp]:[hostaddr]:hostport-[guestaddr]:guestport",
      .help = "redirect TCP or UDP connections from host to guest",
      .run = monitor_hostfwd_add },
    { "hostfwd_remove",
      NULL,
      { TAKE_WORD, TAKE_REST },
      "[netdev_id] [tcp|udp]:[hostaddr]:hostport",
      .help = "remove host-to-guest TCP or UDP redirection",
      .run = monitor_hostfwd_remove },
    { "loadvm",
      NULL,
      { TAKE_REST },
      "name",
      .run = monitor_loadvm,
      .help = "go on from a snapshot: that is a new process's: mayfly -loadvm name" },
    { "log",
      NULL,
      { TAKE_WORD },
      "item1[,...]",
      .run = set_log,
      .help = "activate logging of the specified items; none switches it off" },
    { "mouse_button",
      NULL,
      { TAKE_NUMBER },
      "state",
      .run = monitor_mouse_button,
      .help = "change mouse button state (1=L, 2=M, 4=R)" },
    { "mouse_move",
      NULL,
      { TAKE_REST },
      "dx dy [dz]",
      .run = monitor_mouse_move,
      .help = "send mouse move events" },
    { "mouse_set",
      NULL,
      { TAKE_NUMBER },
      "index",
      .run = monitor_mouse_set,
      .help = "set which mouse device receives events" },
    { "nmi", .help = "inject an NMI on all CPUs", .run = nmi },
    { "print",
      "p",
      { TAKE_FORMAT, TAKE_NUMBER },
      "/fmt expr",
      .run = monitor_print,
      .help = "print expression value (use $reg for CPU register access)" },
    { "quit", "q", .help = "quit the emulator", .run = quit },
    { "ringbuf_read",
      NULL,
      { TAKE_WORD, TAKE_NUMBER },
      "device size",
      .help = "read from a ring buffer character device",
      .run = ringbuf_read },
    { "savevm",
      NULL,
      { TAKE_FLAG_A, TAKE_REST },
      "[-a] name|folder",
      .run = monitor_savevm,
      .help = "save the machine, for -loadvm (-a: the snapshot needs no other)" },
    { "screendump",
      NULL,
      { TAKE_REST },
      "filename [-f format] [device]",
      .run = monitor_screendump,
      .help = "save screen from a display into a file" },
    { "sendkey",
      NULL,
      { TAKE_WORD, TAKE_REST },
      "keys [hold_ms]",
      .run = monitor_sendkey,
      .help = "send keys to the VM, as in 'sendkey ctrl-alt-f1'" },
    { "set_link",
      NULL,
      { TAKE_WORD, TAKE_REST },
      "name on|off",
      .help = "change the link status of a network adapter",
      .run = monitor_set_link },
    { "stop", "s", .help = "stop emulation", .run = stop },
    { "system_powerdown", .help = "send system power down event",
      .run = system_powerdown },
    { "system_reset", .help = "reset the system", .run = system_reset },
    { "x",
      NULL,
      { TAKE_FORMAT, TAKE_NUMBER },
      "/fmt addr",
      .run = monitor_x,
      .help = "virtual memory dump starting at 'addr'" },
    { "xp",
      NULL,
      { TAKE_FORMAT, TAKE_NUMBER },
      "/fmt addr",
      .run = monitor_xp,
      .help = "physical memory dump starting at 'addr'" },
    { 0 }
};
