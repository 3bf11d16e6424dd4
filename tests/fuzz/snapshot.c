/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots under fire: a board with devices and two CPUs is saved, and what was saved
 * comes back with a few bytes changed, a section cut, renamed or exchanged for another,
 * under a checksum that is right.  It is refused with an error, or restored; what was
 * restored then runs for a moment now and again, whatever its CPUs believe.  Damage
 * without a right checksum is always refused.  The records of each device and CPU are
 * tried by themselves, too, where a state costs less.
 *
 * MAYFLY_FUZZ=N in the environment: N times 2000 states, and 4000 single sections.  So
 * a million of each: make check-fuzz T=fuzz/snapshot MAYFLY_FUZZ=500.  --seed repeats a
 * run.
 */

#include "accel/accel.h"
#include "base/lock.h"
#include "hw/machine/board.h"
#include "tests/lib/chance.h"
#include "vm/options.h"
#include "vm/snapshot.h"
#include "vm/snapshot_file.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STATES = 2000, SECTIONS = 4000 };
enum { ROM_BYTES = 256 << 10, RUN_EVERY = 50, RUN_US = 2000 };

static Machine *machine;
static Vm *vm;
static VmConfig *config;
static Chance chance;
static char *folder, *place;
static u8 *state;               /* as it was saved */
static size_t state_bytes;

static char bios[32];
static const BoardConfig board = {
    .bios = bios, .splash_time = -1, .reboot_timeout = -1, .max_cpus = 2,
};

/* ---- the machine ---- */

static void add(const char *name)
{
    g_autoptr(GError) err = NULL;
    const BusType *bus;
    const DeviceType *type = device_type_find(name, &bus, &err);

    if (!type || !device_new(machine, type, bus, NULL, NULL, &err)) {
        g_error("%s: %s", name, err->message);
    }
}

static void make_rom(void)
{
    g_autofree u8 *rom = g_malloc0(ROM_BYTES);
    int fd = memfd_create("rom", 0);

    rom[ROM_BYTES - 16] = 0xf4;             /* hlt */
    g_assert_cmpint(write(fd, rom, ROM_BYTES), ==, ROM_BYTES);
    g_snprintf(bios, sizeof bios, "/proc/self/fd/%d", fd);
}

static void open_machine(void)
{
    static const char *const names[] = { "soft,tb-size=4", NULL };
    AccelConfig accel = { .topology = { 2, 1, 2, 1 } };
    g_autoptr(GError) err = NULL;

    make_rom();
    config = config_new();
    g_ptr_array_add(config->words, g_strdup("m"));
    g_ptr_array_add(config->words, g_strdup("16M"));
    machine = machine_new();
    machine->ram_bytes = 16 * MiB;
    machine->cpus = 2;
    vm = vm_new(machine);
    if (!board_q35_open(machine, &board, &err) ||
        !accel_open(machine, names, &accel, NULL, &err)) {
        g_error("%s", err->message);
    }
    add("VGA");
    add("virtio-net-pci");
    add("virtio-rng-pci");
    add("virtio-gpu-pci");
    add("virtio-serial-pci");
    add("virtio-tablet-pci");
    if (!board_load(machine, &err)) {
        g_error("%s", err->message);
    }
    machine_lock();
    board_reset(machine);
    machine_unlock();
}

static void close_machine(void)
{
    accel_close(machine->accel);
    vm_free(vm);
    board_close(machine);
    machine_free(machine);
    config_free(config);
}

/* What `state` holds then. */
static u8 *save(const char *where, size_t *n)
{
    g_autofree char *path = g_build_filename(where, "state", NULL);
    g_autoptr(GError) err = NULL;
    char *bytes = NULL;

    if (!snapshot_save(vm, config, where, SAVE_ALL, NULL, &err) ||
        !g_file_get_contents(path, &bytes, n, &err)) {
        g_error("%s", err->message);
    }
    return (u8 *)bytes;
}

static void remove_snapshot(const char *path)
{
    static const char *const files[] = { "state", "ram", "snapshot.json" };

    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_build_filename(path, files[i], NULL);

        g_assert_cmpint(g_unlink(file), ==, 0);
    }
    g_assert_cmpint(g_rmdir(path), ==, 0);
}

/* ---- what becomes of it ---- */

/* SnapshotWordFn */
static bool take_word(void *opaque, const char *name, const char *value, GError **err)
{
    (void)opaque, (void)err;
    g_assert_nonnull(name);
    return value == NULL || strlen(value) < MiB;
}

static bool restore(const u8 *bytes, size_t n, GError **err)
{
    Snapshot *snapshot = snapshot_of_bytes(place, bytes, n, err);
    bool done = snapshot && snapshot_words(snapshot, take_word, NULL, err) &&
                snapshot_drives(snapshot, config, err) &&
                snapshot_restore(snapshot, machine, err);

    snapshot_free(snapshot);
    return done;
}

static void run_for_a_moment(void)
{
    machine_lock();
    clock_start(machine->clock);
    machine_unlock();
    machine->accel->type->resume(machine->accel);
    g_usleep(RUN_US);
    machine->accel->type->pause(machine->accel);
    machine_lock();
    clock_stop(machine->clock);
    machine_unlock();
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

/* ---- damage ---- */

static u64 below(u64 n)
{
    return chance_below(&chance, n);
}

static void hurt_bytes(u8 *bytes, size_t n)
{
    static const u64 odd[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000,
                               UINT32_MAX, INT64_MAX, UINT64_MAX };

    for (u64 times = 1 + below(4); times && n; times--) {
        size_t at = below(n), width = 1u << below(4);
        u64 value = below(2) ? odd[below(G_N_ELEMENTS(odd))] : chance_next(&chance);

        memcpy(bytes + at, &value, MIN(width, n - at));
    }
}

/* Section by section, so that small ones are hit as often as large ones. */
static GByteArray *hurt(const StateFile *file)
{
    GByteArray *out = g_byte_array_new();
    unsigned n = file->sections->len, chosen = below(n);

    for (unsigned i = 0; i < n; i++) {
        const StateSection *from = &g_array_index(file->sections, StateSection, i);
        const StateSection *bytes = from;
        u64 what = i == chosen ? below(24) : UINT64_MAX;
        size_t begin;

        if (what == 0) {
            continue;
        }
        if (what == 1) {
            bytes = &g_array_index(file->sections, StateSection, below(n));
        }
        begin = state_section_begin(out, what == 2 ? "device/other" : from->name);
        g_byte_array_append(out, bytes->bytes,
                            what == 3 ? below(bytes->n + 1) : bytes->n);
        if (what > 3 && what <= 24) {
            hurt_bytes(out->data + begin, out->len - begin);
        }
        state_section_end(out, begin);
    }
    return out;
}

static void try_one(const StateFile *file, unsigned *taken)
{
    g_autoptr(GByteArray) sections = hurt(file), bytes = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    g_assert_true(state_file_make(sections, SNAPSHOT_PLAIN, bytes, NULL));
    if (!restore(bytes->data, bytes->len, &err)) {
        g_assert_nonnull(err);
        return;
    }
    if (++*taken % RUN_EVERY == 0) {
        run_for_a_moment();
    }
}

static u64 times(u64 n)
{
    const char *more = getenv("MAYFLY_FUZZ");

    return n * (more ? g_ascii_strtoull(more, NULL, 10) : 1);
}

static void test_states(void)
{
    u64 n = times(STATES);
    g_autoptr(GError) err = NULL;
    g_autoptr(StateFile) file = state_file_parse(state, state_bytes, &err);
    unsigned taken = 0;

    g_assert_no_error(err);
    chance = chance_new(g_test_rand_int());
    for (u64 i = 0; i < n; i++) {
        try_one(file, &taken);
    }
    g_test_message("%" G_GUINT64_FORMAT " states, %u restored", n, taken);
    g_assert_cmpuint(taken, >, 0);
    g_assert_cmpuint(taken, <, n);
}

/* ---- one section by itself ---- */

static bool load_device(const char *path, const u8 *bytes, size_t n, GError **err)
{
    for (unsigned i = 0; i < machine->devices->len; i++) {
        Device *dev = machine->devices->pdata[i];

        if (strcmp(dev->path, path) == 0) {
            return device_load(dev, bytes, n, err);
        }
    }
    g_assert_not_reached();
}

static const X86Record *find_x86(const char *name)
{
    for (const X86Record *r = x86_records; r->name; r++) {
        if (strcmp(r->name, name) == 0) {
            return r;
        }
    }
    return NULL;
}

/* A CPU's records, and then the accelerator's judgement of them all. */
static bool load_cpu(unsigned cpu, const u8 *bytes, size_t n, GError **err)
{
    g_autofree X86State *x86 = g_new0(X86State, 1);
    g_autofree Record *record = g_new0(Record, 1);
    Reader in = { bytes, n, false };

    x86_state_reset(x86, cpu, cpu == 0);
    while (in.left) {
        const X86Record *r = record_get(&in, record) ? find_x86(record->name) : NULL;

        if (!r) {
            return snapshot_refuse(err, "damaged");
        }
        if (!record_load(record, r->name, r->fields, (u8 *)x86 + r->at, r->size, err)) {
            return false;
        }
    }
    return machine->accel->type->set_state(machine->accel, cpu, x86, err);
}

static bool load_section(const char *name, const u8 *bytes, size_t n, GError **err)
{
    if (g_str_has_prefix(name, "device/")) {
        return load_device(name + strlen("device/"), bytes, n, err);
    }
    return load_cpu(name[strlen("cpu")] - '0', bytes, n, err);
}

static bool has_records(const char *name)
{
    return g_str_has_prefix(name, "device/") || strcmp(name, "cpu0") == 0 ||
           strcmp(name, "cpu1") == 0;
}

static void test_sections(void)
{
    g_autoptr(StateFile) file = state_file_parse(state, state_bytes, NULL);
    u64 n = times(SECTIONS), taken = 0;

    g_assert_true(restore(state, state_bytes, NULL));
    chance = chance_new(g_test_rand_int());
    machine_lock();
    for (u64 i = 0; i < n;) {
        const StateSection *from = &g_array_index(file->sections, StateSection,
                                                  below(file->sections->len));
        g_autofree u8 *bytes = g_memdup2(from->bytes, from->n);
        g_autoptr(GError) err = NULL;

        if (has_records(from->name)) {
            hurt_bytes(bytes, from->n);
            if (load_section(from->name, bytes, from->n, &err)) {
                taken++;
            } else {
                g_assert_nonnull(err);
            }
            i++;
        }
    }
    machine_unlock();
    g_test_message("%" G_GUINT64_FORMAT " sections, %" G_GUINT64_FORMAT " taken", n,
                   taken);
    g_assert_cmpuint(taken, >, 0);
    g_assert_cmpuint(taken, <, n);
}

/* What is as it was comes back; nothing else passes for it. */
static void test_checksum(void)
{
    g_autofree u8 *bytes = g_memdup2(state, state_bytes);
    g_autoptr(GError) err = NULL;

    (void)restore(bytes, state_bytes, &err);
    g_assert_no_error(err);
    for (size_t at = 0; at < state_bytes; at += 1 + at / 16) {
        bytes[at] ^= 1 << at % 8;
        g_assert_false(restore(bytes, state_bytes, NULL));
        bytes[at] ^= 1 << at % 8;
        g_assert_false(restore(bytes, at, NULL));
    }
}

/* Saved, restored, saved: the same bytes, but for generation and time of day. */
static void test_round_trip(void)
{
    static const char *const change[] = {
        "clock", "device/vmgenid0", "device/lpc0", "device/mc146818rtc0", NULL
    };
    g_autofree char *again = g_build_filename(folder, "again", NULL);
    g_autoptr(GError) err = NULL;
    g_autofree u8 *bytes = NULL;
    g_autoptr(StateFile) first = NULL, second = NULL;
    size_t n;

    g_assert_true(restore(state, state_bytes, &err));
    bytes = save(again, &n);
    first = state_file_parse(state, state_bytes, NULL);
    second = state_file_parse(bytes, n, NULL);
    g_assert_cmpuint(first->sections->len, ==, second->sections->len);
    for (unsigned i = 0; i < first->sections->len; i++) {
        const StateSection *a = &g_array_index(first->sections, StateSection, i);
        const StateSection *b = &g_array_index(second->sections, StateSection, i);

        g_assert_cmpstr(a->name, ==, b->name);
        if (!g_strv_contains(change, a->name)) {
            g_assert_cmpmem(a->bytes, a->n, b->bytes, b->n);
        }
    }
    remove_snapshot(again);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_setenv("G_MESSAGES_DEBUG", "", TRUE);
    open_machine();
    folder = g_dir_make_tmp("mayfly-XXXXXX", NULL);
    place = g_build_filename(folder, "one", NULL);
    state = save(place, &state_bytes);
    g_test_add_func("/snapshot/checksum", test_checksum);
    g_test_add_func("/snapshot/round-trip", test_round_trip);
    g_test_add_func("/snapshot/sections", test_sections);
    g_test_add_func("/snapshot/states", test_states);
    status = g_test_run();
    close_machine();
    remove_snapshot(place);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(folder);
    g_free(place);
    g_free(state);
    return status;
}
