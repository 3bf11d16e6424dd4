/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules for virtio devices.  A device may do worse than be wrong: it may end the
 * process or never come back.  So each rule is asked in a child.
 */

#include "base/lock.h"
#include "tests/lib/chance.h"
#include "tests/lib/driver.h"
#include "tests/lib/hostile.h"
#include "hw/virtio/virtio.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 24, ROUNDS = 400, CPU_SECONDS = 2, MOST_TEXT = 2000 };

typedef char *RigFn(Rig *rig, u64 seed);

/* ---- a rule in a child ---- */

static G_GNUC_NORETURN void child(Rig *rig, RigFn *rule, u64 seed, int out)
{
    struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS + 1 }, core = { 0, 0 };
    g_autofree char *why = NULL;

    dup2(out, 1);                   /* an assertion's words are part of the answer */
    dup2(out, 2);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    machine_lock();
    why = rule(rig, seed);
    if (why && write(out, why, strlen(why)) < 0) {
        _exit(2);
    }
    _exit(0);
}

static char *read_all(int fd)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char part[256];
    ssize_t n;

    while ((n = read(fd, part, sizeof part)) > 0) {
        if (text->len < MOST_TEXT) {
            g_string_append_len(text, part, n);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *ask(Rig *rig, RigFn *rule, u64 seed)
{
    int ends[2], status;
    g_autofree char *said = NULL;
    pid_t pid;

    g_assert_cmpint(pipe(ends), ==, 0);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        close(ends[0]);
        child(rig, rule, seed, ends[1]);
    }
    close(ends[1]);
    said = read_all(ends[0]);
    close(ends[0]);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL
               ? complaint("loops (seed %u)", (unsigned)seed)
               : complaint("ends by signal %d: %s", WTERMSIG(status), said);
    }
    return *said || WEXITSTATUS(status) ? g_steal_pointer(&said) : NULL;
}

static char *with_virtio(const DeviceType *type, const BusType *bus,
                         const char *options, RigFn *rule)
{
    char *why = NULL;

    for (u64 seed = 1; bus == &virtio_pci_bus && !why && seed <= SEEDS; seed++) {
        Rig *rig = rig_new(type, bus, options, NS_PER_SEC, NULL);

        if (!rig) {
            return complaint("cannot be made");
        }
        why = ask(rig, rule, seed);
        rig_free(rig);
    }
    return why;
}

/* ---- rings ---- */

static char *hostile_rule(Rig *rig, u64 seed)
{
    return hostile_rings(rig, seed, ROUNDS);
}

char *rings_are_hostile(const DeviceType *type, const BusType *bus, const char *options)
{
    return with_virtio(type, bus, options, hostile_rule);
}

/* ---- times ---- */

typedef struct {
    Rig *rig;
    Driver d;
    DriverRing ring[4];
    unsigned n_rings;
    Chance chance;
    u8 before[MiB];
    u64 trace;
} Odd;

static void pass_time(Odd *odd)
{
    Clock *clock = odd->rig->machine->clock;

    for (unsigned i = 0; i < 20; i++) {
        clock_set(clock, clock_now(clock) + (1ull << (17 + i)));
        clock_run_due(clock);
    }
}

/* Up to just before DRIVER_OK. */
static bool come_up(Odd *odd)
{
    Driver *d = &odd->d;
    bool good = driver_open(d, odd->rig->machine, d->devfn) &&
                driver_negotiate(d, F_VERSION_1 | chance_next(&odd->chance));

    odd->n_rings = MIN(driver_get(d, NUM_QUEUES), G_N_ELEMENTS(odd->ring));
    for (unsigned i = 0; good && i < odd->n_rings; i++) {
        driver_set(d, QUEUE_SELECT, i);
        good = driver_ring(d, &odd->ring[i], i, driver_get(d, QUEUE_SIZE));
    }
    return good;
}

/* Honest requests into every ring. */
static void fill(Odd *odd)
{
    for (unsigned i = 0; i < odd->n_rings; i++) {
        for (unsigned n = 1 + chance_below(&odd->chance, 4); n; n--) {
            DriverBuf buf[] = { { 0xa0000, 100, false }, { 0xb0000, 100, true } };

            (void)!ring_add(&odd->ring[i], buf, 2, false);
        }
        ring_publish(&odd->ring[i]);
    }
}

static void notify_all(Odd *odd)
{
    for (unsigned i = 0; i < odd->n_rings; i++) {
        ring_notify(&odd->ring[i]);
    }
}

static void remember(Odd *odd)
{
    g_assert_true(mem_read(odd->rig->machine->mem, 0, odd->before, MiB));
    odd->trace = odd->rig->trace;
}

/* It must have done nothing since remember(), whatever time passes. */
static char *does_something(Odd *odd, const char *when)
{
    g_autofree u8 *now = g_malloc(MiB);

    pass_time(odd);
    g_assert_true(mem_read(odd->rig->machine->mem, 0, now, MiB));
    if (memcmp(now, odd->before, MiB) != 0) {
        return complaint("writes to memory %s", when);
    }
    return odd->rig->trace == odd->trace ? NULL : complaint("interrupts %s", when);
}

static char *too_early(Odd *odd)
{
    if (!come_up(odd)) {
        return complaint("does not come up");
    }
    fill(odd);
    remember(odd);
    notify_all(odd);
    return does_something(odd, "before DRIVER_OK");
}

/* 2.2, 4.1.4.3: what was agreed on stays, whatever the driver writes. */
static char *changes_its_mind(Odd *odd)
{
    static const unsigned regs[] = { DRIVER_FEATURE, QUEUE_SIZE, QUEUE_ENABLE,
                                     QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE };
    Driver *d = &odd->d;
    /* those in use, and one that there is not */
    unsigned selectable = odd->n_rings + (driver_get(d, NUM_QUEUES) == odd->n_rings);

    driver_ok(d);
    for (unsigned i = 0; i < 64; i++) {
        unsigned reg = regs[chance_below(&odd->chance, G_N_ELEMENTS(regs))];
        u64 was;

        driver_set(d, DRIVER_FEATURE_SELECT, chance_below(&odd->chance, 3));
        driver_set(d, QUEUE_SELECT, chance_below(&odd->chance, selectable));
        was = driver_get(d, reg);
        driver_set(d, reg, chance_next(&odd->chance));
        if (driver_get(d, reg) != was) {
            return complaint("register 0x%02x changes while it is in use", reg >> 8);
        }
    }
    notify_all(odd);
    return NULL;
}

static char *without_bus_master(Odd *odd)
{
    if (!come_up(odd)) {
        return complaint("does not come up");
    }
    driver_ok(&odd->d);
    driver_config_set(&odd->d, 4, 2, 2);
    fill(odd);
    remember(odd);
    notify_all(odd);
    return does_something(odd, "without bus mastering");
}

/* With requests in flight: by the driver, by the machine. */
static char *after_reset(Odd *odd, bool machines)
{
    if (!come_up(odd)) {
        return complaint("does not come up");
    }
    driver_ok(&odd->d);
    fill(odd);
    notify_all(odd);
    fill(odd);
    if (machines) {
        device_reset(odd->rig->dev);
    } else {
        driver_set(&odd->d, STATUS, 0);
        if (driver_get(&odd->d, STATUS) != 0) {
            return complaint("is not reset");
        }
    }
    remember(odd);
    if (!machines) {
        notify_all(odd);
    }
    return does_something(odd, "after a reset");
}

static char *timing_rule(Rig *rig, u64 seed)
{
    g_autofree Odd *odd = g_new0(Odd, 1);
    char *why;

    odd->rig = rig;
    odd->chance = chance_new(seed);
    odd->d.devfn = driver_first(rig->machine);
    why = too_early(odd);
    why = why ? why : changes_its_mind(odd);
    why = why ? why : after_reset(odd, false);
    why = why ? why : after_reset(odd, true);
    why = why ? why : without_bus_master(odd);
    return why;
}

char *timing_is_odd(const DeviceType *type, const BusType *bus, const char *options)
{
    return with_virtio(type, bus, options, timing_rule);
}
