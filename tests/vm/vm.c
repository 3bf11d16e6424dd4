/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run states: what requests, actions and commands do, in which order listeners hear of
 * it, and that requests from many threads arrive.  The accelerator is one that
 * counts.  The expected events and their order are those of QMP, as qemu-system-x86_64
 * 7.2 sends them.
 */

#include "vm/vm.h"

#include "accel/accel.h"

#include <string.h>

static unsigned pauses, resumes, resets, presses;
static GString *heard;
static bool impatient;          /* the guest asks for a reset until its CPU stops */

static void fake_pause(Accel *accel)
{
    if (impatient) {
        machine_request(accel->machine, REQUEST_RESET, 0, "again");
    }
    pauses++;
}

static void fake_resume(Accel *accel)
{
    (void)accel;
    resumes++;
}

static bool fake_get_state(Accel *accel, unsigned cpu, X86State *state, GError **err)
{
    (void)accel, (void)cpu, (void)state, (void)err;
    return true;
}

static const AccelType fake_type = {
    .name = "fake",
    .pause = fake_pause,
    .resume = fake_resume,
    .get_state = fake_get_state,
};

static void fake_reset(Vm *vm)
{
    (void)vm;
    g_assert_cmpuint(pauses, ==, resumes);      /* nothing runs */
    resets++;
}

static void press(void *opaque, unsigned n, bool level)
{
    (void)opaque, (void)n;
    presses += level;
}

static void listen(void *opaque, Vm *vm, const VmEvent *event)
{
    static const char *const names[] = {
        [VM_EVENT_STOP] = "STOP",           [VM_EVENT_RESUME] = "RESUME",
        [VM_EVENT_RESET] = "RESET",         [VM_EVENT_SHUTDOWN] = "SHUTDOWN",
        [VM_EVENT_POWERDOWN] = "POWERDOWN", [VM_EVENT_PANICKED] = "GUEST_PANICKED",
    };

    (void)opaque, (void)vm;
    g_string_append_printf(heard, "%s", names[event->kind]);
    if (event->kind == VM_EVENT_SHUTDOWN || event->kind == VM_EVENT_RESET) {
        g_string_append_printf(heard, "(%s)", vm_cause_name(event->cause));
    }
    g_string_append_c(heard, ' ');
}

/* A machine, its Vm, and what was seen of them. */
typedef struct {
    Machine *machine;
    Accel accel;
    Vm *vm;
} Bed;

static void bed_make(Bed *bed)
{
    *bed = (Bed){ .machine = machine_new() };
    bed->accel = (Accel){ &fake_type, bed->machine };
    bed->machine->accel = &bed->accel;
    bed->machine->power_button = (Irq){ press, NULL, 0 };
    bed->vm = vm_new(bed->machine);
    bed->vm->reset = fake_reset;
    heard = g_string_new(NULL);
    vm_listen(bed->vm, listen, NULL);
    pauses = resumes = resets = presses = 0;
}

static void bed_free(Bed *bed)
{
    vm_free(bed->vm);
    bed->machine->accel = NULL;
    machine_free(bed->machine);
    g_string_free(heard, TRUE);
}

/* ---- scripts: words that say what happens, and what comes of it ---- */

static void do_word(Bed *bed, const char *word)
{
    static const struct {
        const char *word;
        RequestKind kind;
        int value;
    } requests[] = {
        { "reset", REQUEST_RESET, 0 }, { "poweroff", REQUEST_POWEROFF, 0 },
        { "exit", REQUEST_EXIT, 35 },  { "panic", REQUEST_PANIC, 0 },
        { "crash", REQUEST_CRASH, 0 }, { "wake", REQUEST_WAKE, 0 },
    };
    Vm *vm = bed->vm;

    for (unsigned i = 0; i < G_N_ELEMENTS(requests); i++) {
        if (strcmp(word, requests[i].word) == 0) {
            machine_request(bed->machine, requests[i].kind, requests[i].value,
                            "a test");
            return;
        }
    }
    if (strcmp(word, "stop") == 0) {
        vm_stop(vm, VM_PAUSED);
    } else if (strcmp(word, "cont") == 0) {
        g_autoptr(GError) error = NULL;

        if (!vm_cont(vm, &error)) {
            g_string_append(heard, "refused ");
        }
    } else if (strcmp(word, "system_reset") == 0) {
        vm_reset(vm, CAUSE_HOST_RESET);
    } else if (strcmp(word, "powerdown") == 0) {
        vm_powerdown(vm);
    } else if (strcmp(word, "quit") == 0) {
        vm_quit(vm, CAUSE_HOST_QUIT, 0);
    } else if (strcmp(word, "signal") == 0) {
        vm_quit(vm, CAUSE_HOST_SIGNAL, 0);
    } else if (strcmp(word, "fail") == 0) {
        vm_quit(vm, CAUSE_HOST_ERROR, 1);
    } else {
        g_string_append_printf(heard, "%s ", vm_state_name(vm->state));     /* "?" */
    }
}

typedef struct {
    Bed *bed;
    char **words;
    unsigned at;
} Script;

/* One word in each round of the main loop, and at the end an end. */
static gboolean step(gpointer opaque)
{
    Script *script = opaque;

    if (!script->words[script->at]) {
        g_string_append(heard, "| ");
        vm_quit(script->bed->vm, CAUSE_HOST_ERROR, 99);
        return G_SOURCE_REMOVE;
    }
    do_word(script->bed, script->words[script->at++]);
    return G_SOURCE_CONTINUE;
}

static const struct {
    const char *actions, *words, *events;
    int status;             /* 99: it would still run */
    bool paused, reachable;
} scripts[] = {
    { "", "?", "RESUME running | SHUTDOWN(host-error) ", 99, 0, 0 },
    { "", "? cont ?", "prelaunch RESUME running | SHUTDOWN(host-error) ", 99, 1, 0 },
    { "", "stop ? stop cont ? cont",
      "RESUME STOP paused RESUME running | SHUTDOWN(host-error) ", 99, 0, 0 },
    { "", "quit stop", "RESUME SHUTDOWN(host-qmp-quit) ", 0, 0, 0 },
    { "", "signal", "RESUME SHUTDOWN(host-signal) ", 0, 0, 0 },
    { "", "fail quit", "RESUME SHUTDOWN(host-error) ", 1, 0, 0 },
    { "", "poweroff", "RESUME SHUTDOWN(guest-shutdown) ", 0, 0, 0 },
    { "shutdown=pause", "poweroff ? cont system_reset ? cont ?",
      "RESUME SHUTDOWN(guest-shutdown) STOP shutdown refused "
      "RESET(host-qmp-system-reset) prelaunch "
      "RESUME running | SHUTDOWN(host-error) ",
      99, 0, 0 },
    { "", "exit", "RESUME SHUTDOWN(guest-shutdown) ", 35, 0, 0 },
    { "shutdown=pause", "exit", "RESUME SHUTDOWN(guest-shutdown) ", 35, 0, 0 },
    { "", "reset ?", "RESUME RESET(guest-reset) running | SHUTDOWN(host-error) ", 99, 0,
      0 },
    { "", "stop system_reset ? cont",
      "RESUME STOP RESET(host-qmp-system-reset) prelaunch RESUME | "
      "SHUTDOWN(host-error) ",
      99, 0, 0 },
    { "reboot=shutdown", "reset", "RESUME SHUTDOWN(guest-reset) ", 0, 0, 0 },
    { "reboot=shutdown", "system_reset", "RESUME SHUTDOWN(host-qmp-system-reset) ", 0,
      0, 0 },
    { "reboot=shutdown,shutdown=pause", "reset ?",
      "RESUME SHUTDOWN(guest-reset) STOP shutdown | "
      "SHUTDOWN(host-error) ",
      99, 0, 0 },
    { "", "panic", "RESUME GUEST_PANICKED STOP SHUTDOWN(guest-panic) ", 0, 0, 0 },
    { "panic=exit-failure", "panic",
      "RESUME GUEST_PANICKED STOP SHUTDOWN(guest-panic) ", 1, 0, 0 },
    { "panic=none", "panic ?", "RESUME GUEST_PANICKED running | SHUTDOWN(host-error) ",
      99, 0, 0 },
    { "panic=pause", "panic ? cont ?",
      "RESUME GUEST_PANICKED STOP guest-panicked RESUME running | "
      "SHUTDOWN(host-error) ",
      99, 0, 0 },
    { "shutdown=pause", "panic ?",
      "RESUME GUEST_PANICKED STOP guest-panicked | SHUTDOWN(host-error) ", 99, 0, 0 },
    { "", "crash", "RESUME STOP SHUTDOWN(host-error) ", 1, 0, 0 },
    { "", "crash ? cont system_reset ?",
      "RESUME STOP internal-error refused "
      "RESET(host-qmp-system-reset) prelaunch | SHUTDOWN(host-error) ",
      99, 0, 1 },
    { "", "powerdown", "RESUME POWERDOWN | SHUTDOWN(host-error) ", 99, 0, 0 },
    { "", "wake ?", "RESUME running | SHUTDOWN(host-error) ", 99, 0, 0 },
    /* Noted while it was being stopped: still done. */
    { "shutdown=pause", "stop poweroff ? cont",
      "RESUME STOP SHUTDOWN(guest-shutdown) shutdown refused | "
      "SHUTDOWN(host-error) ",
      99, 0, 0 },
};

static void test_script(gconstpointer data)
{
    unsigned i = GPOINTER_TO_UINT(data);
    g_auto(GStrv) words = g_strsplit(scripts[i].words, " ", -1);
    Bed bed;
    Script script = { &bed, words, 0 };
    guint source;
    int status;

    bed_make(&bed);
    bed.vm->reachable = scripts[i].reachable;
    g_assert_true(fields_parse(vm_action_rows, &bed.vm->actions, scripts[i].actions,
                               NULL, NULL, NULL));
    source = g_idle_add(step, &script);
    status = vm_run(bed.vm, scripts[i].paused);
    if (status != 99) {
        g_source_remove(source);
    }
    g_assert_cmpstr(heard->str, ==, scripts[i].events);
    g_assert_cmpint(status, ==, scripts[i].status);
    g_assert_cmpuint(pauses, ==, resumes);      /* nothing runs at the end */
    g_assert_false(clock_running(bed.machine->clock));
    g_assert_cmpuint(presses, ==, strstr(scripts[i].words, "powerdown") != NULL);
    bed_free(&bed);
}

static void test_actions(void)
{
    VmActions actions;

    fields_default(vm_action_rows, &actions);
    g_assert_cmpuint(actions.reboot, ==, REBOOT_RESET);
    g_assert_cmpuint(actions.shutdown, ==, SHUTDOWN_POWEROFF);
    g_assert_cmpuint(actions.panic, ==, PANIC_SHUTDOWN);
    g_assert_true(fields_parse(vm_action_rows, &actions,
                               "watchdog=inject-nmi,panic=exit-failure", NULL, NULL,
                               NULL));
    g_assert_cmpuint(actions.watchdog, ==, WATCHDOG_INJECT_NMI);
    g_assert_cmpuint(actions.panic, ==, PANIC_EXIT_FAILURE);
}

/* ---- requests from vCPU threads ---- */

/* What the old guest wanted is not done to the new one. */
static void test_one_reset(void)
{
    g_auto(GStrv) words = g_strsplit("reset ? ?", " ", -1);
    Bed bed;
    Script script = { &bed, words, 0 };

    bed_make(&bed);
    impatient = true;
    g_idle_add(step, &script);
    g_assert_cmpint(vm_run(bed.vm, false), ==, 99);
    g_assert_cmpuint(resets, ==, 1);
    impatient = false;
    bed_free(&bed);
}

enum { THREADS = 4, FLOOD = 20000 };

static gpointer flood(gpointer opaque)
{
    for (unsigned i = 0; i < FLOOD; i++) {
        machine_request(opaque, REQUEST_RESET, 0, "a flood");
    }
    return NULL;
}

static gpointer flood_all(gpointer opaque)
{
    GThread *threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = g_thread_new("flood", flood, opaque);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        g_thread_join(threads[i]);
    }
    machine_request(opaque, REQUEST_EXIT, 7, "the end");
    return NULL;
}

static void test_flood(void)
{
    GThread *thread;
    Bed bed;

    bed_make(&bed);
    thread = g_thread_new("floods", flood_all, bed.machine);
    g_assert_cmpint(vm_run(bed.vm, false), ==, 7);
    g_thread_join(thread);
    g_assert_cmpuint(resets, <=, THREADS * FLOOD);
    bed_free(&bed);
}

/* The main loop sleeps; a request wakes it without anything else happening. */
static gpointer late_exit(gpointer opaque)
{
    g_usleep(50 * 1000);
    machine_request(opaque, REQUEST_EXIT, 3, "late");
    return NULL;
}

static void test_wakes(void)
{
    GThread *thread;
    Bed bed;

    bed_make(&bed);
    thread = g_thread_new("late", late_exit, bed.machine);
    g_assert_cmpint(vm_run(bed.vm, false), ==, 3);
    g_thread_join(thread);
    bed_free(&bed);
}

/* ---- listeners ---- */

static void first(void *opaque, Vm *vm, const VmEvent *event)
{
    (void)opaque, (void)vm, (void)event;
    g_string_append(heard, "first ");
}

static void test_listeners(void)
{
    Bed bed;

    bed_make(&bed);
    vm_unlisten(bed.vm, listen, NULL);
    vm_listen(bed.vm, first, NULL);
    vm_listen(bed.vm, listen, NULL);
    vm_powerdown(bed.vm);
    vm_unlisten(bed.vm, first, NULL);
    vm_unlisten(bed.vm, first, NULL);
    vm_powerdown(bed.vm);
    g_assert_cmpstr(heard->str, ==, "first POWERDOWN POWERDOWN ");
    bed_free(&bed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(scripts); i++) {
        g_autofree char *name =
            g_strdup_printf("/vm/run/%s %s", scripts[i].words, scripts[i].actions);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_script);
    }
    g_test_add_func("/vm/actions", test_actions);
    g_test_add_func("/vm/one-reset", test_one_reset);
    g_test_add_func("/vm/flood", test_flood);
    g_test_add_func("/vm/wakes", test_wakes);
    g_test_add_func("/vm/listeners", test_listeners);
    return g_test_run();
}
