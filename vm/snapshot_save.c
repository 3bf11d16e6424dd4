/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving a machine as a folder: see snapshot.h.  The folder is written as NAME.new.PID
 * beside its place and renamed once all of it is on disk: whatever happens meanwhile,
 * there is the old one, the new one or none.
 */

#include "vm/snapshot.h"

#include "accel/accel.h"
#include "base/lock.h"
#include "config.h"
#include "vm/snapshot_disks.h"
#include "vm/snapshot_folder.h"
#include "vm/snapshot_parts.h"
#include "vm/snapshot_words.h"

#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
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
    u64 ram_written;
} Saver;

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

/* Synced: a close that fails loses data, too. */
static bool write_file(const Saver *saver, const char *name, const void *head, size_t n,
                       const void *rest, size_t more, GError **err)
{
    int fd = openat(saver->folder.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                    0600);
    bool done = fd >= 0 && write(fd, head, n) == (ssize_t)n &&
                (!more || write(fd, rest, more) == (ssize_t)more) && fsync(fd) == 0;

    if (!done) {
        fail_errno(err, name);
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static bool write_state(const Saver *saver, GError **err)
{
    g_autoptr(GByteArray) header = g_byte_array_new();

    state_file_header(saver->out, header);
    return write_file(saver, "state", header->data, header->len, saver->out->data,
                      saver->out->len, err);
}

static void add_words(JsonBuilder *json, const GPtrArray *words)
{
    json_builder_set_member_name(json, "options");
    json_builder_begin_array(json);
    for (unsigned i = 0; i < words->len; i += 2) {
        const char *value = words->pdata[i + 1];
        g_autofree char *word = g_strconcat("-", words->pdata[i], NULL);

        json_builder_add_string_value(json, word);
        if (*value) {
            json_builder_add_string_value(json, value);
        }
    }
    json_builder_end_array(json);
}

static void add_devices(JsonBuilder *json, const Machine *machine)
{
    json_builder_set_member_name(json, "devices");
    json_builder_begin_array(json);
    for (unsigned i = 0; i < machine->devices->len; i++) {
        const Device *dev = machine->devices->pdata[i];

        json_builder_add_string_value(json, dev->path);
    }
    json_builder_end_array(json);
}

static void add_number(JsonBuilder *json, const char *name, s64 value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, value);
}

static void add_string(JsonBuilder *json, const char *name, const char *value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_string_value(json, value);
}

static bool write_json(const Saver *saver, GError **err)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format_iso8601(now), *text = NULL;
    const Machine *machine = saver->machine;
    JsonNode *root;

    json_builder_begin_object(json);
    add_number(json, "format", SNAPSHOT_FORMAT);
    add_string(json, "made-by", "Mayfly " CONFIG_VERSION);
    add_string(json, "date", date);
    add_string(json, "accel", machine->accel->type->name);
    add_string(json, "cpu", saver->config->cpu ? saver->config->cpu : "");
    add_number(json, "cpus", machine->cpus);
    add_number(json, "ram-bytes", mem_size(machine->mem));
    add_number(json, "ram-stored", saver->ram_written);
    if (saver->changes) {
        add_string(json, "parent", snapshot_origin()->layers->layer[0].dir);
    }
    add_number(json, "guest-time-ns", clock_now(machine->clock));
    add_words(json, saver->config->words);
    add_devices(json, machine);
    json_builder_end_object(json);
    root = json_builder_get_root(json);
    text = json_to_string(root, TRUE);
    json_node_unref(root);
    return write_file(saver, "snapshot.json", text, strlen(text), "\n", 1, err);
}

static bool write_ram(Saver *saver, GError **err)
{
    const SnapshotOrigin *origin = snapshot_origin();
    int fd = openat(saver->folder.fd, "ram", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                    0600);
    bool done;

    if (fd < 0) {
        return fail_errno(err, "ram");
    }
    done = snapshot_ram_save(saver->machine->mem, origin ? origin->runs : NULL,
                             saver->changes, fd, saver->out, &saver->ram_written, err);
    close(fd);
    return done;
}

/* ---- all of it, while the machine stands ---- */

static bool save_machine(Saver *saver, GError **err)
{
    layers_save(saver->changes ? snapshot_origin()->layers : NULL, saver->path,
                saver->out);
    save_clock(saver);
    save_cpuid(saver);
    if (!save_cpus(saver, err) || !save_devices(saver, err)) {
        return false;
    }
    return disks_save(saver->config, saver->folder.temporary, saver->changes,
                      saver->out, err) &&
           write_ram(saver, err);
}

static bool save_standing(Saver *saver, GError **err)
{
    bool ran = saver->vm->state == VM_RUNNING;
    bool done;

    vm_stop(saver->vm, VM_PAUSED);
    done = save_machine(saver, err);
    if (ran) {
        done &= vm_cont(saver->vm, done ? err : NULL);
    }
    return done;
}

/* ---- all of it ---- */

static bool sync_ram(const Saver *saver, GError **err)
{
    int fd = openat(saver->folder.fd, "ram", O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    if (!done) {
        fail_errno(err, "ram");
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static bool save(Saver *saver, GError **err)
{
    return disks_can_be_saved(saver->config, err) &&
           folder_begin(&saver->folder, saver->path, err) &&
           words_save(saver->config->words, saver->folder.fd, saver->out, err) &&
           save_standing(saver, err) && write_state(saver, err) &&
           write_json(saver, err) && sync_ram(saver, err) &&
           folder_end(&saver->folder, err);
}

/* A parent can't be replaced by its child; nor are there parents without end. */
static bool can_have_parent(const char *path)
{
    const SnapshotOrigin *origin = snapshot_origin();

    return origin && origin->layers->n < LAYERS_MAX &&
           !layers_have(origin->layers, path);
}

bool snapshot_save(Vm *vm, const VmConfig *config, const char *name, bool all,
                   GError **err)
{
    Saver saver = {
        .vm = vm, .machine = vm->machine, .config = config,
        .folder = { .fd = -1, .lock = -1 },
    };
    bool done;

    saver.path = snapshot_path(name);
    saver.changes = !all && !config->persist && can_have_parent(saver.path);
    saver.out = g_byte_array_new();
    done = save(&saver, err);
    folder_clear(&saver.folder);
    if (!done) {
        g_prefix_error(err, "snapshot '%s': ", name);
    }
    g_free(saver.path);
    g_byte_array_unref(saver.out);
    return done;
}
