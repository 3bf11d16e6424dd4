/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as a whole: its run state, and what moves it from one state to the next.
 *
 *                 vm_cont                vm_stop
 *     prelaunch -----------> running <-----------> paused
 *         ^                     |      vm_cont
 *         |                     +--> shutdown        it is off (-no-shutdown)
 *         |                     +--> guest-panicked  as it said (-action panic=pause)
 *         |                     +--> internal-error  the accelerator can't go on
 *         |                     +--> io-error        a disk failed (werror=stop)
 *         |       vm_reset              |
 *         +-----------------------------+
 *
 * The virtual clock and the vCPUs run in `running` only.  "shutdown" and
 * "internal-error" are left by a reset alone.
 *
 * Whatever the guest asks for comes through Machine.request, from any thread: it is
 * noted, the main loop wakes, and the main thread acts on it.  What is noted already is
 * not noted twice, so a guest can't flood.  All other functions are the main thread's;
 * call them without the machine lock.
 */

#ifndef VM_VM_H
#define VM_VM_H

#include "hw/core/machine.h"

typedef enum {
    VM_PRELAUNCH,           /* built or reset, not started */
    VM_RUNNING,
    VM_PAUSED,
    VM_SHUTDOWN,
    VM_PANICKED,
    VM_CRASHED,
    VM_IO_ERROR,            /* a disk failed: vm_cont tries again */
} VmState;

/* As QMP's RunState: "guest-panicked". */
const char *vm_state_name(VmState state);

/* Who ended or reset the machine; named as QMP's ShutdownCause. */
typedef enum {
    CAUSE_HOST_ERROR,
    CAUSE_HOST_QUIT,        /* the monitor's quit, Ctrl-A x */
    CAUSE_HOST_RESET,       /* the monitor's system_reset */
    CAUSE_HOST_SIGNAL,
    CAUSE_HOST_UI,          /* a window was closed */
    CAUSE_GUEST_SHUTDOWN,
    CAUSE_GUEST_RESET,
    CAUSE_GUEST_PANIC,
} VmCause;

const char *vm_cause_name(VmCause cause);
static inline bool vm_cause_is_guest(VmCause cause)
{
    return cause >= CAUSE_GUEST_SHUTDOWN;
}

/* -action, -no-reboot, -no-shutdown: what is done when one of these happens. */
typedef enum { REBOOT_RESET, REBOOT_SHUTDOWN } RebootAction;
typedef enum { SHUTDOWN_POWEROFF, SHUTDOWN_PAUSE } ShutdownAction;
typedef enum {
    PANIC_PAUSE, PANIC_SHUTDOWN, PANIC_EXIT_FAILURE, PANIC_NONE,
} PanicAction;
typedef enum {
    WATCHDOG_RESET, WATCHDOG_SHUTDOWN, WATCHDOG_POWEROFF, WATCHDOG_PAUSE,
    WATCHDOG_DEBUG, WATCHDOG_NONE, WATCHDOG_INJECT_NMI,
} WatchdogAction;

typedef struct {
    u8 reboot, shutdown, panic, watchdog;
} VmActions;

extern const Field vm_action_rows[];        /* over a VmActions; they have the names */

/* What listeners hear.  STOP and RESUME come before what caused them returns. */
typedef enum {
    VM_EVENT_STOP,          /* has left `running` */
    VM_EVENT_RESUME,        /* is about to run */
    VM_EVENT_RESET,
    VM_EVENT_SHUTDOWN,      /* before the process ends or the machine stops for good */
    VM_EVENT_POWERDOWN,     /* the power button was pressed */
    VM_EVENT_PANICKED,      /* before what is done about it */
} VmEventKind;

typedef struct {
    VmEventKind kind;
    VmCause cause;          /* RESET and SHUTDOWN */
    PanicAction action;     /* PANICKED: what will be done */
} VmEvent;

typedef struct Vm Vm;
typedef void VmEventFn(void *opaque, Vm *vm, const VmEvent *event);

struct Vm {
    Machine *machine;               /* borrowed */
    const char *name, *uuid;        /* -name guest=, -uuid; borrowed; may be NULL */
    VmActions actions;
    VmState state;                  /* changed by vm.c alone */
    bool reachable;                 /* a monitor can see a crash: pause, do not end */
    /* Sets devices, RAM and vCPUs for a new start.  NULL: the devices alone. */
    void (*reset)(Vm *vm);
    struct VmPrivate *own;
};

/* Takes over the machine's requests.  The state is prelaunch. */
Vm *vm_new(Machine *machine);
void vm_free(Vm *vm);

/*
 * Runs the main loop until vm_quit, starting the guest first unless `paused` (-S).
 * Returns the process's exit status; the vCPUs stand then.
 */
int vm_run(Vm *vm, bool paused);

/* Any stopped state -> running.  Fails where only a reset helps. */
bool vm_cont(Vm *vm, GError **err) must_check;

/*
 * running -> `state`; when this returns no vCPU is in guest code.  A stopped machine
 * only changes its state, and never to paused.
 */
void vm_stop(Vm *vm, VmState state);

/*
 * Resets vCPUs and devices.  What ran goes on running, the rest is prelaunch.  With
 * -no-reboot it is a shutdown.
 */
void vm_reset(Vm *vm, VmCause cause);

/* Presses the power button; what comes of it is the guest's affair. */
void vm_powerdown(Vm *vm);

/* Ends vm_run with `status`, soon.  Only the first call counts. */
void vm_quit(Vm *vm, VmCause cause, int status);
/* The status is 1 even so: something failed at the end. */
void vm_fail(Vm *vm);

/* Listeners hear in the order in which they came. */
void vm_listen(Vm *vm, VmEventFn *heard, void *opaque);
void vm_unlisten(Vm *vm, VmEventFn *heard, void *opaque);

#endif
