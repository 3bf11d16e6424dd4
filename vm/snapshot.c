/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of snapshots, and restoring one: see snapshot.h. */

#include "vm/snapshot.h"

#include "accel/accel.h"
#include "base/lock.h"
#include "hw/machine/board.h"
#include "vm/snapshot_disks.h"
#include "vm/snapshot_map.h"
#include "vm/snapshot_parts.h"
#include "vm/snapshot_words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct Snapshot {
    char *dir;
    StateFile *file;
    Layers *layers;
};

const Field snapshot_clock_rows[] = SNAPSHOT_CLOCK_ROWS(STATE_ROWS);

static SnapshotOrigin origin;

/* ---- names ---- */

char *snapshot_store(void)
{
    return g_build_filename(g_get_user_data_dir(), "mayfly", "snapshots", NULL);
}

char *snapshot_path(const char *name)
{
    g_autofree char *store = NULL;

    if (strchr(name, '/')) {
        return g_canonicalize_filename(name, NULL);
    }
    store = snapshot_store();
    return g_build_filename(store, name, NULL);
}

static Snapshot *snapshot_of(const char *dir, StateFile *file, GError **err)
{
    Snapshot *snapshot = file ? g_new0(Snapshot, 1) : NULL;

    if (snapshot) {
        snapshot->dir = g_strdup(dir);
        snapshot->file = file;
        snapshot->layers = layers_load(file, dir, err);
    }
    if (snapshot && !snapshot->layers) {
        g_clear_pointer(&snapshot, snapshot_free);
    }
    return snapshot;
}

Snapshot *snapshot_open(const char *name, GError **err)
{
    g_autofree char *dir = snapshot_path(name);
    g_autofree char *path = g_build_filename(dir, "state", NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    StateFile *file;

    if (fd < 0) {
        snapshot_refuse(err, "%s: %s%s", path, g_strerror(errno),
                        strchr(name, '/') ? "" : "; a folder's name would have a '/'");
        return NULL;
    }
    file = state_file_read(fd, err);
    close(fd);
    return snapshot_of(dir, file, err);
}

Snapshot *snapshot_of_bytes(const char *dir, const u8 *state, size_t n, GError **err)
{
    return snapshot_of(dir, state_file_parse(state, n, err), err);
}

void snapshot_free(Snapshot *snapshot)
{
    if (snapshot) {
        g_free(snapshot->dir);
        state_file_free(snapshot->file);
        layers_free(snapshot->layers);
        g_free(snapshot);
    }
}

bool snapshot_words(Snapshot *snapshot, SnapshotWordFn *take, void *opaque,
                    GError **err)
{
    return words_load(snapshot->file, snapshot->dir, take, opaque, err);
}

bool snapshot_drives(Snapshot *snapshot, VmConfig *config, GError **err)
{
    return disks_load(snapshot->file, snapshot->layers, config, err);
}

const SnapshotOrigin *snapshot_origin(void)
{
    return origin.layers ? &origin : NULL;
}

/* ---- the clock ---- */

static bool get_one_record(Reader *in, const char *name, const Field *rows, void *state,
                           size_t size, GError **err)
{
    g_autofree Record *record = g_new0(Record, 1);

    if (!record_get(in, record) || strcmp(record->name, name) != 0) {
        return snapshot_refuse(err, "%s: damaged", name);
    }
    return record_load(record, name, rows, state, size, err);
}

static bool load_clock(Snapshot *snapshot, Machine *machine, GError **err)
{
    SnapshotClock clock = { 0 };
    Reader in;

    if (!state_file_section(snapshot->file, "clock", &in, err) ||
        !get_one_record(&in, "clock", snapshot_clock_rows, &clock, sizeof clock, err)) {
        return false;
    }
    machine_lock();
    clock_set(machine->clock, clock.virtual_ns);
    machine_unlock();
    return true;
}

/* ---- the CPUs ---- */

static bool get_cpuid(Reader *in, CpuidTable *table, GError **err)
{
    u32 n = reader_get(in, 4);

    for (u32 i = 0; i < n && i < CPUID_MAX; i++) {
        CpuidLeaf *leaf = &table->leaf[i];

        leaf->leaf = reader_get(in, 4);
        leaf->index = reader_get(in, 4);
        leaf->indexed = reader_get(in, 1) != 0;
        for (unsigned r = 0; r < 4; r++) {
            *cpuid_register(leaf, r) = reader_get(in, 4);
        }
    }
    table->n = n;
    return (!in->failed && in->left == 0 && n <= CPUID_MAX) ||
           snapshot_refuse(err, "cpuid: damaged");
}

/* A guest must not lose an instruction that it knows of. */
static bool check_cpuid(Snapshot *snapshot, Machine *machine, GError **err)
{
    const CpuidTable *ours = machine->accel->type->cpuid(machine->accel);
    g_autofree CpuidTable *table = g_new0(CpuidTable, 1);
    Reader in;

    if (!state_file_section(snapshot->file, "cpuid", &in, err) ||
        !get_cpuid(&in, table, err)) {
        return false;
    }
    for (const CpuFeature *f = cpu_features; f->name; f++) {
        if (cpuid_has_row(table, f) && !cpuid_has_row(ours, f)) {
            return snapshot_refuse(err, "its CPU has %s, which -accel %s has not here; "
                                   "with -cpu portable a snapshot goes everywhere",
                                   f->name, machine->accel->type->name);
        }
    }
    return true;
}

static const X86Record *find_record(const char *name)
{
    const X86Record *r = x86_records;

    while (r->name && strcmp(r->name, name) != 0) {
        r++;
    }
    return r->name ? r : NULL;
}

static bool fill_cpu(Reader *in, const char *name, X86State *state, GError **err)
{
    g_autofree Record *record = g_new0(Record, 1);

    while (in->left) {
        const X86Record *r;

        if (!record_get(in, record)) {
            return snapshot_refuse(err, "%s: damaged", name);
        }
        r = find_record(record->name);
        if (!r) {
            return snapshot_refuse(err, "%s: there is no '%s' here", name,
                                   record->name);
        }
        if (!record_load(record, r->name, r->fields, (u8 *)state + r->at, r->size,
                         err)) {
            g_prefix_error(err, "%s: ", name);
            return false;
        }
    }
    return true;
}

static bool load_cpu(Snapshot *snapshot, Machine *machine, unsigned i, GError **err)
{
    g_autofree X86State *state = g_new0(X86State, 1);
    g_autofree char *name = g_strdup_printf("cpu%u", i);
    Reader in;

    x86_state_reset(state, i, i == 0);
    return state_file_section(snapshot->file, name, &in, err) &&
           fill_cpu(&in, name, state, err) &&
           machine->accel->type->set_state(machine->accel, i, state, err);
}

static bool load_cpus(Snapshot *snapshot, Machine *machine, GError **err)
{
    if (!check_cpuid(snapshot, machine, err)) {
        return false;
    }
    for (unsigned i = 0; i < machine->cpus; i++) {
        if (!load_cpu(snapshot, machine, i, err)) {
            return false;
        }
    }
    return true;
}

/* ---- the devices ---- */

static bool load_device(Snapshot *snapshot, Device *dev, GError **err)
{
    g_autofree char *name = g_strconcat("device/", dev->path, NULL);
    Reader in;

    return state_file_section(snapshot->file, name, &in, err) &&
           device_load(dev, in.at, in.left, err);
}

static bool load_devices(Snapshot *snapshot, Machine *machine, GError **err)
{
    const StateSection *left;
    bool done = true;

    machine_lock();
    for (unsigned i = 0; done && i < machine->devices->len; i++) {
        done = load_device(snapshot, machine->devices->pdata[i], err);
    }
    if (done) {
        board_new_generation(machine);
    }
    machine_unlock();
    left = done ? state_file_left(snapshot->file, "") : NULL;
    return done && (!left || snapshot_refuse(err, "it has '%s', which this machine has "
                                             "not", left->name));
}

bool snapshot_restore(Snapshot *snapshot, Machine *machine, GError **err)
{
    bool done;

    g_clear_pointer(&origin.layers, layers_free);
    g_clear_pointer(&origin.runs, g_array_unref);
    origin.layers = g_steal_pointer(&snapshot->layers);
    origin.runs = snapshot_ram_map(machine->mem, snapshot->file, origin.layers, err);
    done = origin.runs && load_clock(snapshot, machine, err) &&
           load_cpus(snapshot, machine, err) && load_devices(snapshot, machine, err);
    if (!done) {
        g_prefix_error(err, "%s: ", snapshot->dir);
    }
    return done;
}
