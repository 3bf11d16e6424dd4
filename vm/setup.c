/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the machine: see setup.h.  What can be named by others is made before what
 * names it: back ends, then the board and its serial ports, then the accelerator, then
 * devices, and monitors last.
 */

#include "vm/setup.h"

#include "accel/accel.h"
#include "base/lock.h"
#include "base/log.h"
#include "block/drive.h"
#include "chardev/chardev.h"
#include "fsdev/share.h"
#include "net/net.h"
#include "ui/frontend.h"
#include "vm/disks.h"
#include "vm/monitor.h"
#include "vm/object.h"
#include "vm/options.h"
#include "vm/process.h"
#include "vm/snapshot.h"

#include <string.h>
#include <unistd.h>

static Machine *machine;
static Vm *vm;
static VmConfig *config;
static char *accel_said;            /* which one it became, and why */
static GPtrArray *monitor_ends;     /* ids of chardevs that get a monitor: char * */

/* ---- back ends ---- */

typedef bool MakeFn(const char *text, GError **err);

/* Makes one thing for each value of an option; an error says which value it was. */
static bool make_all(GPtrArray *values, const char *option, MakeFn *make, GError **err)
{
    for (unsigned i = 0; i < values->len; i++) {
        if (!make(values->pdata[i], err)) {
            g_prefix_error(err, "-%s %s: ", option, (char *)values->pdata[i]);
            return false;
        }
    }
    return true;
}

static bool make_chardev(const char *text, GError **err)
{
    return chardev_new(text, err) != NULL;
}

/* -serial and -monitor; *id is NULL after "none". */
static bool make_short(const char *value, const char *option, unsigned n,
                       const char **id, GError **err)
{
    g_autofree char *name = g_strdup_printf("%s%u", option, n);
    Chardev *chr = NULL;
    bool monitor = false;

    *id = NULL;
    if (!chardev_new_short(value, name, &chr, &monitor, err)) {
        g_prefix_error(err, "-%s %s: ", option, value);
        return false;
    }
    if (chr) {
        *id = chardev_id(chr);
    }
    if (chr && monitor) {
        g_ptr_array_add(monitor_ends, (char *)*id);
    }
    return true;
}

static bool make_serials(GError **err)
{
    for (unsigned i = 0; i < config->serial->len; i++) {
        if (!make_short(config->serial->pdata[i], "serial", i, &config->board.serial[i],
                        err)) {
            return false;
        }
    }
    return true;
}

static bool make_monitor_ends(GError **err)
{
    for (unsigned i = 0; i < config->monitor->len; i++) {
        const char *id;

        if (!make_short(config->monitor->pdata[i], "monitor", i, &id, err)) {
            return false;
        }
        if (id) {
            g_ptr_array_add(monitor_ends, (char *)id);
        }
    }
    return true;
}

static bool make_mon(const char *text, GError **err)
{
    MonOption option = { 0 };
    bool right = fields_parse(mon_rows, &option, text, "chardev", NULL, err);
    Chardev *chr = right ? chardev_find(option.chardev, err) : NULL;

    fields_clear(mon_rows, &option);
    if (chr) {
        g_ptr_array_add(monitor_ends, (char *)chardev_id(chr));
    }
    return chr != NULL;
}

static void quit_key(void)
{
    if (vm) {
        vm_quit(vm, CAUSE_HOST_QUIT, 0);
    }
}

/* The type may also stand as driver=TYPE, anywhere. */
static bool make_device(const char *text, GError **err)
{
    g_autoptr(KeyVals) options = keyvals_parse(text, "driver", err);
    g_autofree char *name = options ? keyvals_take(options, "driver") : NULL;
    g_autofree char *id = options ? keyvals_take(options, "id") : NULL;
    const DeviceType *type;
    const BusType *bus;

    if (!options) {
        return false;
    }
    if (!name) {
        return refuse(err, "the device's type is missing");
    }
    type = device_type_find(name, &bus, err);
    return type && device_new(machine, type, bus, id, options, err);
}

/* Of -nic and -net: back ends first, the cards when there is a board. */
static bool make_cards(bool devices, GError **err)
{
    for (unsigned i = 0; i < config->cards->len; i++) {
        const NetCard *card = config->cards->pdata[i];
        const char *text = devices ? card->device : card->netdev;

        if (text && !(devices ? make_device : netdev_new)(text, err)) {
            g_prefix_error(err, "%s: ", card->said);
            return false;
        }
    }
    return true;
}

static bool make_back_ends(GError **err)
{
    static const ChardevHost host = { .quit = quit_key };

    chardevs_set_host(&host);
    chardevs_set_escape(config->escape_key);
    return make_all(config->object, "object", object_new_early, err) &&
           make_all(config->chardev, "chardev", make_chardev, err) &&
           make_serials(err) && make_monitor_ends(err) &&
           disks_open(config, err) &&
           make_all(config->netdev, "netdev", netdev_from_option, err) &&
           make_all(config->fsdev, "fsdev", share_add, err) &&
           make_cards(false, err) &&
           make_all(config->object, "object", object_new_late, err) &&
           make_all(config->mon, "mon", make_mon, err);
}

/* ---- the machine ---- */

/* What stands still is sent nothing. */
static void hold_nets(void *opaque, Vm *unused, const VmEvent *event)
{
    (void)opaque, (void)unused;
    if (event->kind == VM_EVENT_STOP || event->kind == VM_EVENT_RESUME) {
        nets_hold(event->kind == VM_EVENT_STOP);
    }
}

static bool open_accel(GError **err)
{
    AccelConfig accel = {
        .cpu = config->cpu,
        .topology = config->topology,
        .thread_names = config->name.debug_threads,
    };

    return accel_open(machine, (const char *const *)config->accels, &accel,
                      &accel_said, err);
}

/* What -vga asks for: the first device behind PCI, as in QEMU. */
static bool make_vga(GError **err)
{
    const char *device = vga_device(config);

    return !device || make_device(device, err);
}

static char *ide_device(const Drive *drive)
{
    return g_strdup_printf("ide-%s,drive=%s,bus=ide.%u",
                           drive->media == BLOCK_CDROM ? "cd" : "hd", drive->id,
                           drive->index);
}

static char *virtio_device(const Drive *drive)
{
    return g_strdup_printf("virtio-blk-pci,drive=%s", drive->id);
}

/*
 * The devices of -drive if=ide come before those of -device, those of if=virtio after.
 */
static bool make_disks(DriveInterface interface, char *(*device)(const Drive *),
                       const char *name, GError **err)
{
    Drive *drive = NULL;

    while ((drive = drive_next(interface, drive))) {
        g_autofree char *text = device(drive);

        if (!make_device(text, err)) {
            g_prefix_error(err, "-drive if=%s,id=%s: ", name, drive->id);
            return false;
        }
        drive->taken = true;
    }
    return true;
}

static bool build_machine(GError **err)
{
    machine->cpus = config->topology.cpus;
    machine->ram_bytes = config->ram_bytes;
    return make_all(config->global, "global", device_global, err) &&
           board_q35_open(machine, &config->board, err) && open_accel(err) &&
           make_vga(err) && make_cards(true, err) &&
           make_disks(DRIVE_IDE, ide_device, "ide", err) &&
           make_all(config->device, "device", make_device, err) &&
           make_disks(DRIVE_VIRTIO, virtio_device, "virtio", err) &&
           board_load(machine, err);
}

static void reset_cpu(unsigned i)
{
    g_autofree X86State *state = g_new(X86State, 1);
    g_autoptr(GError) error = NULL;

    x86_state_reset(state, cpu_apic_id(&config->topology, i), i == 0);
    machine_lock();
    board_boot_state(machine, i, state);
    machine_unlock();
    if (!machine->accel->type->set_state(machine->accel, i, state, &error)) {
        machine_request(machine, REQUEST_CRASH, i, error->message);
    }
}

/* Devices, what boot puts into RAM, and the vCPUs. */
static void reset_machine(Vm *unused)
{
    (void)unused;
    machine_lock();
    board_reset(machine);
    config->board.boot_order = config->boot.order;  /* -boot once= was for this start */
    machine_unlock();
    for (unsigned i = 0; i < machine->cpus; i++) {
        reset_cpu(i);
    }
}

/* What the CPUs begin with: a reset, or a snapshot's moment. */
static bool start_machine(GError **err)
{
    if (config->loaded) {
        config->board.boot_order = config->boot.order;
        if (!snapshot_restore(config->loaded, machine, err)) {
            g_prefix_error(err, "-loadvm %s: ", config->loadvm.name);
            return false;
        }
        g_clear_pointer(&config->loaded, snapshot_free);
    } else {
        reset_machine(vm);
    }
    return snapshot_attach(vm, config, err);
}

static bool make_monitors(GError **err)
{
    for (unsigned i = 0; i < monitor_ends->len; i++) {
        const char *id = monitor_ends->pdata[i];
        Chardev *chr = chardev_find(id, err);

        if (!chr || !monitor_new(vm, chr, err)) {
            g_prefix_error(err, "monitor on '%s': ", id);
            return false;
        }
    }
    /* Nobody may be watching a monitor that came by default, on a pipe or a file. */
    vm->reachable = config->monitor->len + config->mon->len ? monitor_ends->len > 0
                    : monitor_ends->len > 0 && isatty(STDIN_FILENO);
    return true;
}

/* ---- who shows it ---- */

static const FrontEnd *front_end;

static void window_closed(void)
{
    if (vm) {
        vm_quit(vm, CAUSE_HOST_UI, 0);
    }
}

static bool begin_front_end(GError **err)
{
    const DisplayOption *display = &config->display;
    const FrontEndConfig wanted = {
        .title = config->name.guest,
        .full_screen = display->full_screen,
        .show_cursor = display->show_cursor,
        .window_close = display->window_close,
        .zoom_to_fit = display->zoom_to_fit,
        .gl = display->gl,
        .quit = window_closed,
    };

    if (display->type != DISPLAY_SDL) {
        return true;
    }
    front_end = front_end_load("sdl", err);
    if (!front_end) {
        g_prefix_error(err, "-display sdl: ");
        return false;
    }
    front_end->begin(&wanted);
    return true;
}

static bool open_front_end(GError **err)
{
    if (front_end && !front_end->open(err)) {
        g_prefix_error(err, "-display sdl: ");
        return false;
    }
    return true;
}

/* What the user did not decide.  Only once nothing can fail: a mistake is one line. */
static void announce(void)
{
    if (accel_said && !config->accel_chosen) {
        info_user("%s", accel_said);
    }
    if (config->no_window) {
        info_user("there is no window: what would be in it is here, as with "
                  "-nographic (Ctrl-A h lists the keys)");
    }
}

static bool begin(GError **err)
{
    if (config->name.process) {
        process_set_name(config->name.process);
    }
    if (config->log_file && !log_set_file(config->log_file, err)) {
        g_prefix_error(err, "-D %s: ", config->log_file);
        return false;
    }
    return !config->daemonize || process_detach(err);
}

Vm *vm_setup(VmConfig *given, GError **err)
{
    config = given;
    if (!begin(err)) {
        return NULL;
    }
    monitor_ends = g_ptr_array_new();
    machine = machine_new();
    vm = vm_new(machine);
    vm->name = config->name.guest;
    vm->uuid = config->uuid;
    vm->actions = config->actions;
    vm->reset = reset_machine;
    disks_attach(vm);
    vm_listen(vm, hold_nets, NULL);
    nets_set_clock(machine->clock);
    nets_hold(true);
    gl_host_set(&(GlHost){
        .window = config->display.type == DISPLAY_SDL && config->display.gl,
        .render_node = config->display.rendernode,
    });
    if (!begin_front_end(err) || !make_back_ends(err) || !build_machine(err) ||
        !make_monitors(err) || !open_front_end(err)) {
        return NULL;
    }
    if (!start_machine(err)) {
        return NULL;
    }
    /* Who reads the pid file may send a signal at once. */
    if (!process_catch_signals(vm, err) ||
        (config->pidfile && !process_pidfile(config->pidfile, err))) {
        return NULL;
    }
    announce();
    process_detached();
    return vm;
}

void vm_teardown(void)
{
    snapshot_detach();
    monitors_free();
    if (front_end) {
        front_end->close();
        front_end = NULL;
    }
    nets_hold(true);            /* before what packets would interrupt goes */
    nets_set_clock(NULL);
    if (machine) {              /* and what I/O threads would interrupt */
        machine_pause_devices(machine, true);
    }
    disks_flush();
    if (machine) {
        accel_close(machine->accel);
        machine->accel = NULL;
        vm_free(vm);
        board_close(machine);
        machine_free(machine);
    }
    disks_close();
    netdevs_close_all();        /* their threads may be on the way into an I/O thread */
    objects_close_all();
    shares_close_all();
    chardevs_close_all();
    g_clear_pointer(&monitor_ends, g_ptr_array_unref);
    g_clear_pointer(&accel_said, g_free);
    machine = NULL;
    vm = NULL;
    process_end();
}
