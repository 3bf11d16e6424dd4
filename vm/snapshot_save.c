/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving a machine as a folder: see snapshot.h.  The folder is written as NAME.new.PID
 * beside its place and renamed once all of it is on disk: whatever happens meanwhile,
 * there is the old one, the new one or none.
 */

#include "vm/snapshot.h"

#include "accel/accel.h"
#include "base/lock.h"
#include "vm/snapshot_disks.h"
#include "vm/snapshot_folder.h"
#include "vm/snapshot_json.h"
#include "vm/snapshot_parts.h"
#include "vm/snapshot_words.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    Vm *vm;
    Machine *machine;
    const VmConfig *config;
    char *path;
    Folder folder;
    GByteArray *out;            /* sections of `state` */
    bool changes;               /* what is as in the snapshot it came from, stays */
    int ram_fd;
    RamSaver *ram;
    u64 guest_ns;
    SnapshotSaid said;
} Saver;

static Saver *under_way;        /* its RAM is being written behind the machine's back */

static bool fail_errno(GError **err, const char *what)
{
    return snapshot_refuse(err, "%s: %s", what, g_strerror(errno));
}

/* ---- sections ---- */

static void save_clock(Saver *saver)
{
    SnapshotClock clock = {
        .virtual_ns = clock_now(saver->machine->clock),
        .real_ns = (u64)g_get_real_time() * 1000,
    };
    size_t begin = state_section_begin(saver->out, "clock");

    saver->guest_ns = clock.virtual_ns;
    record_save("clock", snapshot_clock_rows, &clock, sizeof clock, saver->out);
    state_section_end(saver->out, begin);
}

static void save_cpuid(Saver *saver)
{
    Accel *accel = saver->machine->accel;
    const CpuidTable *table = accel->type->cpuid(accel);
    size_t begin = state_section_begin(saver->out, "cpuid");

    put_number(saver->out, table->n, 4);
    for (unsigned i = 0; i < table->n; i++) {
        CpuidLeaf leaf = table->leaf[i];

        put_number(saver->out, leaf.leaf, 4);
        put_number(saver->out, leaf.index, 4);
        put_number(saver->out, leaf.indexed, 1);
        for (unsigned r = 0; r < 4; r++) {
            put_number(saver->out, *cpuid_register(&leaf, r), 4);
        }
    }
    state_section_end(saver->out, begin);
}

static bool save_cpu(Saver *saver, unsigned i, GError **err)
{
    Accel *accel = saver->machine->accel;
    g_autofree X86State *state = g_new0(X86State, 1);
    g_autofree char *name = g_strdup_printf("cpu%u", i);
    size_t begin;

    if (!accel->type->get_state(accel, i, state, err)) {
        return false;
    }
    begin = state_section_begin(saver->out, name);
    for (const X86Record *r = x86_records; r->name; r++) {
        record_save(r->name, r->fields, (u8 *)state + r->at, r->size, saver->out);
    }
    state_section_end(saver->out, begin);
    return true;
}

static bool save_devices(Saver *saver, GError **err)
{
    GPtrArray *devices = saver->machine->devices;
    bool savable = true;

    machine_lock();
    for (unsigned i = 0; savable && i < devices->len; i++) {
        savable = device_savable(devices->pdata[i], err);
    }
    for (unsigned i = 0; savable && i < devices->len; i++) {
        Device *dev = devices->pdata[i];
        g_autofree char *name = g_strconcat("device/", dev->path, NULL);
        size_t begin = state_section_begin(saver->out, name);

        device_save(dev, saver->out);
        state_section_end(saver->out, begin);
    }
    machine_unlock();
    return savable;
}

static bool save_cpus(Saver *saver, GError **err)
{
    for (unsigned i = 0; i < saver->machine->cpus; i++) {
        if (!save_cpu(saver, i, err)) {
            return false;
        }
    }
    return true;
}

/* ---- files ---- */

static bool write_state(const Saver *saver, GError **err)
{
    g_autoptr(GByteArray) file = g_byte_array_new();

    return state_file_make(saver->out, state_file_format(saver->out), file, err) &&
           folder_write(&saver->folder, "state", file->data, file->len, err);
}

static bool write_json(const Saver *saver, GError **err)
{
    SnapshotFacts facts = {
        .format = state_file_format(saver->out),
        .config = saver->config, .machine = saver->machine,
        .ram_written = saver->said.ram_written, .guest_ns = saver->guest_ns,
        .parent = saver->changes ? snapshot_origin()->layers->layer[0].dir : NULL,
    };
    g_autofree char *text = snapshot_json(&facts, err);

    return text &&
           folder_write(&saver->folder, "snapshot.json", text, strlen(text), err);
}

static bool open_ram(Saver *saver, GError **err)
{
    const SnapshotOrigin *origin = snapshot_origin();

    saver->ram_fd = openat(saver->folder.fd, "ram",
                           O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (saver->ram_fd < 0) {
        return fail_errno(err, "ram");
    }
    saver->ram = ram_saver_new(saver->machine->mem, origin ? origin->runs : NULL,
                               saver->changes, saver->ram_fd, err);
    return saver->ram != NULL;
}

/* ---- all of it, while the machine stands ---- */

/*
 * The new process has RAM as it is now, and nothing else of this one's to do.  False:
 * there is no room for it.
 */
static bool fork_writer(Saver *saver, GPid *writer)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *writer = fork();
    if (*writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ram_saver_write(saver->ram);
        _exit(0);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return *writer > 0;
}

static bool save_machine(Saver *saver, GPid *writer, GError **err)
{
    layers_save(saver->changes ? snapshot_origin()->layers : NULL, saver->path,
                saver->out);
    save_clock(saver);
    save_cpuid(saver);
    if (!save_cpus(saver, err) || !save_devices(saver, err) ||
        !disks_save(saver->config, saver->folder.temporary, saver->changes,
                    saver->out, err)) {
        return false;
    }
    if (!writer || !fork_writer(saver, writer)) {
        ram_saver_write(saver->ram);
    }
    return true;
}

/* `writer` NULL: RAM is written before the machine goes on. */
static bool save_standing(Saver *saver, GPid *writer, GError **err)
{
    bool ran = saver->vm->state == VM_RUNNING;
    s64 from = g_get_monotonic_time();
    bool done;

    vm_stop(saver->vm, VM_PAUSED);
    done = save_machine(saver, writer, err);
    if (ran) {
        done &= vm_cont(saver->vm, done ? err : NULL);
    }
    saver->said.pause_ns = (g_get_monotonic_time() - from) * 1000;
    return done;
}

/* ---- all of it ---- */

static bool save_begin(Saver *saver, GPid *writer, GError **err)
{
    return disks_can_be_saved(err) &&
           folder_begin(&saver->folder, saver->path, err) &&
           words_save(saver->config->words, saver->folder.fd, saver->out, err) &&
           open_ram(saver, err) && save_standing(saver, writer, err);
}

static bool save_end(Saver *saver, GError **err)
{
    RamSaver *ram = g_steal_pointer(&saver->ram);

    return ram_saver_end(ram, saver->out, &saver->said.ram_written, err) &&
           write_state(saver, err) && write_json(saver, err) &&
           folder_end(&saver->folder, err);
}

/* A parent can't be replaced by its child; nor are there parents without end. */
static bool can_have_parent(const char *path)
{
    const SnapshotOrigin *origin = snapshot_origin();

    return origin && origin->layers->n < LAYERS_MAX &&
           !layers_have(origin->layers, path);
}

static Saver *saver_new(Vm *vm, const VmConfig *config, const char *name, bool all)
{
    Saver *saver = g_new0(Saver, 1);

    *saver = (Saver){
        .vm = vm, .machine = vm->machine, .config = config, .ram_fd = -1,
        .folder = { .fd = -1, .lock = -1 }, .out = g_byte_array_new(),
    };
    saver->path = snapshot_path(name);
    saver->changes = !all && !config->persist && can_have_parent(saver->path);
    return saver;
}

static void saver_free(Saver *saver)
{
    if (saver->ram) {
        (void)!ram_saver_end(saver->ram, saver->out, &saver->said.ram_written, NULL);
    }
    if (saver->ram_fd >= 0) {
        close(saver->ram_fd);
    }
    folder_clear(&saver->folder);
    g_free(saver->path);
    g_byte_array_unref(saver->out);
    g_free(saver);
}

static void written(GPid pid, int status, gpointer waiting)
{
    (void)pid, (void)status;
    *(bool *)waiting = false;
}

static void wait_for(Saver *saver, GPid writer)
{
    bool waiting = true;

    under_way = saver;
    g_child_watch_add(writer, written, &waiting);
    while (waiting) {
        g_main_context_iteration(NULL, TRUE);
    }
    under_way = NULL;
}

static bool save(Saver *saver, bool behind, GError **err)
{
    GPid writer = 0;
    bool done = save_begin(saver, behind ? &writer : NULL, err);

    if (writer > 0) {
        wait_for(saver, writer);
    }
    return done && save_end(saver, err);
}

bool snapshot_save(Vm *vm, const VmConfig *config, const char *name, unsigned how,
                   SnapshotSaid *said, GError **err)
{
    s64 from = g_get_monotonic_time();
    Saver *saver;
    bool done;

    if (under_way) {
        return snapshot_refuse(err, "snapshot '%s': %s is still being written", name,
                               under_way->path);
    }
    saver = saver_new(vm, config, name, (how & SAVE_ALL) != 0);
    done = save(saver, (how & SAVE_BEHIND) && vm->state == VM_RUNNING &&
                !config->persist, err);
    saver->said.took_ns = (g_get_monotonic_time() - from) * 1000;
    if (said) {
        *said = saver->said;
    }
    saver_free(saver);
    if (!done) {
        g_prefix_error(err, "snapshot '%s': ", name);
    }
    return done;
}

const char *snapshot_under_way(u64 *written)
{
    *written = under_way ? ram_saver_written(under_way->ram) : 0;
    return under_way ? under_way->path : NULL;
}
