/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run state, requests and the main loop: see vm.h.
 *
 * vm_request may come from any thread.  Everything else runs on the main thread,
 * without the machine lock.
 */

#include "vm/vm.h"

#include "accel/accel.h"
#include "base/lock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>

enum { REQUEST_KINDS = REQUEST_WAKE + 1 };

typedef struct {
    bool noted;
    int value;
    char cause[120];
} Request;

typedef struct {
    VmEventFn *heard;
    void *opaque;
} Listener;

struct VmPrivate {
    pthread_mutex_t lock;           /* guards `request` */
    Request request[REQUEST_KINDS];
    GSource *wake;                  /* ready while something is noted */
    GArray *listeners;
    bool quitting;
    int status;
};

typedef struct {
    GSource source;
    Vm *vm;
} WakeSource;

static const char *const reboot_names[] = { "reset", "shutdown", NULL };
static const char *const shutdown_names[] = { "poweroff", "pause", NULL };
static const char *const panic_names[] = {
    "pause", "shutdown", "exit-failure", "none", NULL
};
static const char *const watchdog_names[] = {
    "reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi", NULL
};

#define ACTION(member, ...)                                                         \
    { .name = #member, .kind = FIELD_UINT, .offset = offsetof(VmActions, member),   \
      .size = 1, .count = 1, .names = member##_names, __VA_ARGS__ }

const Field vm_action_rows[] = {
    ACTION(reboot, .help = "when the guest resets the machine", .def = REBOOT_RESET),
    ACTION(shutdown, .help = "when the guest switches itself off",
           .def = SHUTDOWN_POWEROFF),
    ACTION(panic, .help = "when the guest says that it has crashed",
           .def = PANIC_SHUTDOWN),
    ACTION(watchdog, .help = "when a watchdog expires", .def = WATCHDOG_RESET),
    { 0 }
};

const char *vm_state_name(VmState state)
{
    static const char *const names[] = {
        [VM_PRELAUNCH] = "prelaunch",
        [VM_RUNNING]   = "running",
        [VM_PAUSED]    = "paused",
        [VM_SHUTDOWN]  = "shutdown",
        [VM_PANICKED]  = "guest-panicked",
        [VM_CRASHED]   = "internal-error",
        [VM_IO_ERROR]  = "io-error",
    };

    return names[state];
}

const char *vm_cause_name(VmCause cause)
{
    static const char *const names[] = {
        [CAUSE_HOST_ERROR]     = "host-error",
        [CAUSE_HOST_QUIT]      = "host-qmp-quit",
        [CAUSE_HOST_RESET]     = "host-qmp-system-reset",
        [CAUSE_HOST_SIGNAL]    = "host-signal",
        [CAUSE_HOST_UI]        = "host-ui",
        [CAUSE_GUEST_SHUTDOWN] = "guest-shutdown",
        [CAUSE_GUEST_RESET]    = "guest-reset",
        [CAUSE_GUEST_PANIC]    = "guest-panic",
    };

    return names[cause];
}

void vm_listen(Vm *vm, VmEventFn *heard, void *opaque)
{
    Listener listener = { heard, opaque };

    g_array_append_val(vm->own->listeners, listener);
}

void vm_unlisten(Vm *vm, VmEventFn *heard, void *opaque)
{
    GArray *listeners = vm->own->listeners;

    for (unsigned i = 0; i < listeners->len; i++) {
        const Listener *listener = &g_array_index(listeners, Listener, i);

        if (listener->heard == heard && listener->opaque == opaque) {
            g_array_remove_index(listeners, i);
            return;
        }
    }
}

static void tell(Vm *vm, VmEvent event)
{
    GArray *listeners = vm->own->listeners;

    for (unsigned i = 0; i < listeners->len; i++) {
        const Listener *listener = &g_array_index(listeners, Listener, i);

        listener->heard(listener->opaque, vm, &event);
    }
}

static void pause_cpus(Vm *vm)
{
    Machine *machine = vm->machine;

    if (machine->accel) {
        machine->accel->type->pause(machine->accel);
    }
    machine_lock();
    clock_stop(machine->clock);
    machine_unlock();
}

static void resume_cpus(Vm *vm)
{
    Machine *machine = vm->machine;

    machine_lock();
    clock_start(machine->clock);
    machine_unlock();
    if (machine->accel) {
        machine->accel->type->resume(machine->accel);
    }
}

static void run(Vm *vm)
{
    if (vm->state != VM_RUNNING) {
        vm->state = VM_RUNNING;
        tell(vm, (VmEvent){ .kind = VM_EVENT_RESUME });
        resume_cpus(vm);
    }
}

bool vm_cont(Vm *vm, GError **err)
{
    if (vm->state == VM_SHUTDOWN || vm->state == VM_CRASHED) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "the machine is in state '%s': reset it first (system_reset)",
                    vm_state_name(vm->state));
        return false;
    }
    run(vm);
    return true;
}

void vm_stop(Vm *vm, VmState state)
{
    if (vm->state == VM_RUNNING) {
        pause_cpus(vm);
        vm->state = state;
        tell(vm, (VmEvent){ .kind = VM_EVENT_STOP });
    } else if (state != VM_PAUSED) {
        vm->state = state;
    }
}

void vm_quit(Vm *vm, VmCause cause, int status)
{
    if (!vm->own->quitting) {
        vm->own->quitting = true;
        vm->own->status = status;
        tell(vm, (VmEvent){ .kind = VM_EVENT_SHUTDOWN, .cause = cause });
        g_main_context_wakeup(NULL);
    }
}

void vm_fail(Vm *vm)
{
    vm->own->status = 1;
}

static Request take_request(Vm *vm, RequestKind kind)
{
    Request request;

    pthread_mutex_lock(&vm->own->lock);
    request = vm->own->request[kind];
    vm->own->request[kind].noted = false;
    pthread_mutex_unlock(&vm->own->lock);
    return request;
}

/* The guest is through: it switched itself off, or wants a reset that is forbidden. */
static void shut_down(Vm *vm, VmCause cause)
{
    if (vm->actions.shutdown == SHUTDOWN_PAUSE) {
        tell(vm, (VmEvent){ .kind = VM_EVENT_SHUTDOWN, .cause = cause });
        vm_stop(vm, VM_SHUTDOWN);
    } else {
        vm_quit(vm, cause, 0);
    }
}

void vm_reset(Vm *vm, VmCause cause)
{
    bool running = vm->state == VM_RUNNING;

    if (vm->actions.reboot == REBOOT_SHUTDOWN) {
        shut_down(vm, cause);
        return;
    }
    if (running) {
        pause_cpus(vm);
    }
    /* A guest that waits for its reset tries other ways to ask for it. */
    take_request(vm, REQUEST_RESET);
    if (vm->reset) {
        vm->reset(vm);
    } else {
        machine_lock();
        machine_reset_devices(vm->machine);
        machine_unlock();
    }
    tell(vm, (VmEvent){ .kind = VM_EVENT_RESET, .cause = cause });
    if (running) {
        resume_cpus(vm);
    } else {
        vm->state = VM_PRELAUNCH;
    }
}

void vm_powerdown(Vm *vm)
{
    tell(vm, (VmEvent){ .kind = VM_EVENT_POWERDOWN });
    machine_lock();
    irq_pulse(&vm->machine->power_button);
    machine_unlock();
}

/* As QEMU does it: -no-shutdown turns the default, shutdown, into a pause. */
static void panicked(Vm *vm)
{
    PanicAction action = vm->actions.panic;

    if (action == PANIC_SHUTDOWN && vm->actions.shutdown == SHUTDOWN_PAUSE) {
        action = PANIC_PAUSE;
    }
    tell(vm, (VmEvent){ .kind = VM_EVENT_PANICKED, .action = action });
    if (action == PANIC_NONE) {
        return;
    }
    vm_stop(vm, VM_PANICKED);
    if (action != PANIC_PAUSE) {
        vm_quit(vm, CAUSE_GUEST_PANIC, action == PANIC_EXIT_FAILURE);
    }
}

/* The accelerator gave up.  Who can look, with a monitor, finds all as it was. */
static void crashed(Vm *vm, unsigned cpu, const char *cause)
{
    Accel *accel = vm->machine->accel;
    g_autofree X86State *state = g_new0(X86State, 1);

    vm_stop(vm, VM_CRASHED);
    info_user("vCPU %u can't go on: %s", cpu, cause);
    if (accel && cpu < vm->machine->cpus &&
        accel->type->get_state(accel, cpu, state, NULL)) {
        g_autoptr(GString) text = g_string_new(NULL);

        x86_state_print(state, cpu, text);
        fputs(text->str, stderr);
    }
    if (!vm->reachable) {
        vm_quit(vm, CAUSE_HOST_ERROR, 1);
    }
}

/* Whoever sees to the cause lets the machine go on, and the request is tried again. */
static void io_failed(Vm *vm, const char *cause)
{
    if (vm->state == VM_RUNNING) {
        info_user("the machine stands (io-error): %s; 'cont' tries again", cause);
        vm_stop(vm, VM_IO_ERROR);
    }
}

static void act(Vm *vm, RequestKind kind, int value, const char *cause)
{
    switch (kind) {
    case REQUEST_RESET:
        vm_reset(vm, CAUSE_GUEST_RESET);
        break;
    case REQUEST_POWEROFF:
        shut_down(vm, CAUSE_GUEST_SHUTDOWN);
        break;
    case REQUEST_EXIT:
        vm_quit(vm, CAUSE_GUEST_SHUTDOWN, value);
        break;
    case REQUEST_PANIC:
        panicked(vm);
        break;
    case REQUEST_CRASH:
        crashed(vm, value, cause);
        break;
    case REQUEST_IO_ERROR:
        io_failed(vm, cause);
        break;
    case REQUEST_WAKE:          /* this machine has no sleep state: it is awake */
        break;
    }
}

/* Requests that were noted together are served in this order: ends first. */
static const RequestKind request_order[REQUEST_KINDS] = {
    REQUEST_EXIT, REQUEST_CRASH, REQUEST_PANIC, REQUEST_POWEROFF, REQUEST_RESET,
    REQUEST_IO_ERROR, REQUEST_WAKE,
};

static gboolean serve_requests(GSource *source, GSourceFunc unused, gpointer opaque)
{
    Vm *vm = ((WakeSource *)source)->vm;

    (void)unused, (void)opaque;
    g_source_set_ready_time(source, -1);
    for (unsigned i = 0; i < REQUEST_KINDS; i++) {
        Request request = take_request(vm, request_order[i]);

        if (request.noted && !vm->own->quitting) {
            act(vm, request_order[i], request.value, request.cause);
        }
    }
    return G_SOURCE_CONTINUE;
}

static void vm_request(Machine *machine, RequestKind kind, int value, const char *cause)
{
    Vm *vm = machine->owner;
    Request *request = &vm->own->request[kind];

    pthread_mutex_lock(&vm->own->lock);
    if (!request->noted) {
        request->noted = true;
        request->value = value;
        g_strlcpy(request->cause, cause ? cause : "", sizeof request->cause);
        g_source_set_ready_time(vm->own->wake, 0);
    }
    pthread_mutex_unlock(&vm->own->lock);
}

Vm *vm_new(Machine *machine)
{
    static GSourceFuncs wake_funcs = { .dispatch = serve_requests };
    Vm *vm = g_new0(Vm, 1);

    vm->machine = machine;
    vm->own = g_new0(struct VmPrivate, 1);
    vm->own->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    vm->own->wake = g_source_new(&wake_funcs, sizeof(WakeSource));
    pthread_mutex_init(&vm->own->lock, NULL);
    fields_default(vm_action_rows, &vm->actions);
    ((WakeSource *)vm->own->wake)->vm = vm;
    g_source_set_name(vm->own->wake, "machine requests");
    g_source_attach(vm->own->wake, NULL);
    machine->owner = vm;
    machine->request = vm_request;
    return vm;
}

void vm_free(Vm *vm)
{
    if (!vm) {
        return;
    }
    vm->machine->request = NULL;
    g_source_destroy(vm->own->wake);
    g_source_unref(vm->own->wake);
    g_array_unref(vm->own->listeners);
    pthread_mutex_destroy(&vm->own->lock);
    g_free(vm->own);
    g_free(vm);
}

int vm_run(Vm *vm, bool paused)
{
    if (!paused && !vm->own->quitting) {
        run(vm);
    }
    while (!vm->own->quitting) {
        g_main_context_iteration(NULL, TRUE);
    }
    if (vm->state == VM_RUNNING) {
        pause_cpus(vm);
        vm->state = VM_PAUSED;
    }
    return vm->own->status;
}
